import django.db.models.deletion
import django.db.models.functions.datetime
import metabrm.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("invoicing", "0003_voided_by_credit"),
        ("mediation", "0001_initial"),
        ("receivables", "0003_credited_charges"),
        ("tax", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TaxDetail",
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
                    "name",
                    models.CharField(help_text="Name of the tax, as printed.", max_length=255),
                ),
                (
                    "tax_rate_percent",
                    metabrm.fields.PercentField(
                        decimal_places=6, help_text="Rate in per cent: 8.25.", max_digits=16
                    ),
                ),
                (
                    "tax_rate_multiplier",
                    metabrm.fields.QuantityField(
                        blank=True,
                        decimal_places=10,
                        help_text="Rate as a factor: 0.0825.",
                        max_digits=28,
                        null=True,
                    ),
                ),
                (
                    "tax_rate_code",
                    models.CharField(
                        blank=True, help_text="Code of the rate.", max_length=100, null=True
                    ),
                ),
                (
                    "tax_type",
                    models.CharField(
                        blank=True, help_text="Kind of tax.", max_length=100, null=True
                    ),
                ),
                (
                    "tax_type_id",
                    models.BigIntegerField(
                        blank=True, help_text="Id of the kind of tax at the tax engine.", null=True
                    ),
                ),
                (
                    "tax_included",
                    metabrm.fields.FlagField(
                        db_default=False, default=False, help_text="The price includes the tax."
                    ),
                ),
                (
                    "tax_on_tax",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="It is levied on other taxes too.",
                    ),
                ),
                (
                    "county_name",
                    models.CharField(help_text="County in which it is due.", max_length=255),
                ),
                (
                    "location_name",
                    models.CharField(help_text="Place in which it is due.", max_length=255),
                ),
                (
                    "state_code",
                    models.CharField(
                        blank=True, help_text="State in which it is due.", max_length=50, null=True
                    ),
                ),
                (
                    "taxable_country",
                    models.CharField(
                        blank=True,
                        help_text="Country in which it is due.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "tax_jurisdiction_level",
                    models.CharField(
                        blank=True,
                        help_text="Level of the authority: country, state, county, city.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "applicable_tax_jurisdiction_level",
                    models.CharField(
                        blank=True,
                        help_text="Level on which the rate was found, where it is another one.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "authority_name",
                    models.CharField(
                        blank=True, help_text="Who levies it.", max_length=255, null=True
                    ),
                ),
                (
                    "authority_type",
                    models.CharField(
                        blank=True, help_text="Kind of authority.", max_length=100, null=True
                    ),
                ),
                (
                    "source_system_tax_code",
                    models.CharField(
                        blank=True,
                        help_text="What the tax engine calls it.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "tax_determination_notes",
                    models.TextField(
                        blank=True, help_text="Why the tax engine found it due.", null=True
                    ),
                ),
                (
                    "activity",
                    models.ForeignKey(
                        help_text="The charge that is taxed.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="mediation.activity",
                        verbose_name="invoice detail",
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
                    "credit",
                    models.ForeignKey(
                        blank=True,
                        help_text="The credit that is taxed, where it is not the charge.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="receivables.credit",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        blank=True,
                        help_text="The invoice that the charge stands on.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="invoicing.invoice",
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
                "verbose_name": "tax detail",
                "verbose_name_plural": "tax details",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("tax_rate_percent__gte", 0)),
                        name="tax_taxdetail_rate_percent_range",
                        violation_error_message="TaxRatePercent is 0 or more",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tax_rate_multiplier__gte", 0)),
                        name="tax_taxdetail_rate_multiplier_range",
                        violation_error_message="TaxRateMultiplier is 0 or more",
                    ),
                ],
            },
        ),
    ]
