import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models
from metabrm.migrating import Together


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0002_references"),
        ("invoicing", "0002_invoices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Together([
            migrations.CreateModel(
                name="TaxEngine",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "created",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    (
                        "updated",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    ("deleted_at", models.DateTimeField(editable=False, null=True)),
                    (
                        "tax_engine_external_id",
                        models.CharField(
                            blank=True,
                            help_text="The integrator's own key for this service; unique. Upserts and lookups use it.",
                            max_length=255,
                            null=True,
                            verbose_name="external id",
                        ),
                    ),
                    (
                        "company_code",
                        models.CharField(
                            blank=True,
                            help_text="Code under which the service knows the seller.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "oauth_authentication_key_id",
                        models.BigIntegerField(
                            help_text="Id of the key that signs in to the service.",
                            verbose_name="authentication key id",
                        ),
                    ),
                    (
                        "request_time_out",
                        models.IntegerField(
                            blank=True,
                            help_text="Seconds to wait for an answer.",
                            null=True,
                            verbose_name="request time-out",
                        ),
                    ),
                    (
                        "retention_days",
                        models.IntegerField(
                            blank=True, help_text="Days that requests and answers are kept.", null=True
                        ),
                    ),
                    (
                        "roll_up",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Charges are grouped, and taxed as one line each group.",
                        ),
                    ),
                    (
                        "group_key",
                        models.CharField(
                            blank=True,
                            help_text="Expression that charges are grouped by.",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "exclusion_criterion",
                        models.CharField(
                            blank=True,
                            help_text="Formula over a charge; those for which it comes to 1 are left out of the request.",
                            max_length=1000,
                            null=True,
                        ),
                    ),
                    (
                        "include_activity_adr",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Sends the address of each charge.",
                            verbose_name="include activity address",
                        ),
                    ),
                    (
                        "include_ship",
                        metabrm.fields.FlagField(
                            db_default=False,
                            default=False,
                            help_text="Sends the address that goods are sent from.",
                            verbose_name="include ship-from address",
                        ),
                    ),
                    (
                        "billing_component",
                        models.ForeignKey(
                            blank=True,
                            help_text="The tax product of grouped charges; empty = their tax is split between them.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="catalog.product",
                            verbose_name="tax product",
                        ),
                    ),
                    (
                        "created_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "updated_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "tax engine",
                    "verbose_name_plural": "tax engines",
                },
            ),
            migrations.CreateModel(
                name="TaxEngineAudit",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "created",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    (
                        "updated",
                        models.DateTimeField(
                            db_default=django.db.models.functions.datetime.Now(), editable=False
                        ),
                    ),
                    ("deleted_at", models.DateTimeField(editable=False, null=True)),
                    (
                        "request_date",
                        models.DateTimeField(blank=True, help_text="When it was asked.", null=True),
                    ),
                    (
                        "response_date",
                        models.DateTimeField(blank=True, help_text="When it answered.", null=True),
                    ),
                    (
                        "status",
                        metabrm.fields.ListField(
                            blank=True,
                            help_text="Whether it gave the taxes.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "status_code",
                        models.CharField(
                            blank=True, help_text="Code of its answer.", max_length=50, null=True
                        ),
                    ),
                    (
                        "status_message",
                        models.CharField(
                            blank=True,
                            help_text="What it said of a failure.",
                            max_length=4000,
                            null=True,
                        ),
                    ),
                    (
                        "request_type",
                        models.CharField(
                            blank=True,
                            help_text="What it was asked for: an estimate, a commitment, a refund.",
                            max_length=100,
                            null=True,
                        ),
                    ),
                    (
                        "request_text",
                        models.TextField(blank=True, help_text="The request as sent.", null=True),
                    ),
                    (
                        "response_text",
                        models.TextField(blank=True, help_text="The answer as received.", null=True),
                    ),
                    (
                        "created_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "invoice",
                        models.ForeignKey(
                            blank=True,
                            help_text="The invoice whose charges were sent.",
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to="invoicing.invoice",
                        ),
                    ),
                    (
                        "tax_engine",
                        models.ForeignKey(
                            blank=True,
                            help_text="The service that was asked.",
                            null=True,
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="tax.taxengine",
                        ),
                    ),
                    (
                        "updated_user",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            editable=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "tax engine request",
                    "verbose_name_plural": "tax engine requests",
                },
            ),
            migrations.AddConstraint(
                model_name="taxengine",
                constraint=models.UniqueConstraint(
                    condition=models.Q(("deleted_at__isnull", True)),
                    fields=("tax_engine_external_id",),
                    name="tax_taxengine_tax_engine_external_id_key",
                ),
            ),
            migrations.AddConstraint(
                model_name="taxengine",
                constraint=models.CheckConstraint(
                    condition=models.Q(("request_time_out__gte", 1)),
                    name="tax_taxengine_request_time_out_range",
                    violation_error_message="RequestTimeOut is a number of seconds, 1 or more",
                ),
            ),
            migrations.AddConstraint(
                model_name="taxengine",
                constraint=models.CheckConstraint(
                    condition=models.Q(("retention_days__gte", 0)),
                    name="tax_taxengine_retention_days_range",
                    violation_error_message="RetentionDays is 0 or more",
                ),
            ),
            migrations.AddConstraint(
                model_name="taxengineaudit",
                constraint=models.CheckConstraint(
                    condition=models.Q(("response_date__gte", models.F("request_date"))),
                    name="tax_taxengineaudit_answered_after_request",
                    violation_error_message="ResponseDate is not before RequestDate",
                ),
            ),
        ]),
    ]
