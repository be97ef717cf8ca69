import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import metabrm.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("customers", "0001_initial"),
        ("localization", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StatementTemplate",
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
                    "statement_template_name",
                    models.CharField(
                        help_text="Name of the template; unique.",
                        max_length=255,
                        verbose_name="name",
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the template may be chosen.",
                        max_length=100,
                    ),
                ),
                (
                    "default_flag",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Used for accounts that name no template.",
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        blank=True,
                        help_text="Kind of statement it is for.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "base_entity_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Id of the ENTITY whose records the statement is about.",
                        null=True,
                    ),
                ),
                (
                    "date_format",
                    models.CharField(
                        blank=True,
                        help_text="How dates are written: MM/DD/YYYY.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "statement_xsl_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Id of the stylesheet the documents are made with.",
                        null=True,
                        verbose_name="statement stylesheet id",
                    ),
                ),
                (
                    "preview_xsd",
                    models.TextField(
                        blank=True,
                        help_text="Schema of the data that previews are made from.",
                        null=True,
                        verbose_name="preview schema",
                    ),
                ),
                (
                    "email_template_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Id of the e-mail the documents are sent with.",
                        null=True,
                    ),
                ),
                (
                    "file_storage_id",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Id of the storage the documents are kept in.",
                        null=True,
                    ),
                ),
                (
                    "logo_file_path",
                    models.CharField(
                        blank=True,
                        help_text="Where the logo was uploaded.",
                        max_length=500,
                        null=True,
                    ),
                ),
                (
                    "system_logo_file_name",
                    models.CharField(
                        blank=True,
                        help_text="Name the logo is kept under.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "show_aging",
                    metabrm.fields.FlagField(
                        db_default=False, default=False, help_text="Shows what is overdue by age."
                    ),
                ),
                (
                    "show_past_due_statements",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Shows earlier statements that are overdue.",
                    ),
                ),
                (
                    "show_credit_adj_detail",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Shows credits one by one rather than in sum.",
                        verbose_name="show credit adjustment detail",
                    ),
                ),
                (
                    "show_tax_fee_detail",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="Shows taxes and fees one by one rather than in sum.",
                    ),
                ),
                (
                    "support_number",
                    models.CharField(
                        blank=True,
                        help_text="Telephone number to ask at.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "support_message",
                    models.CharField(
                        blank=True, help_text="Whom to ask, and when.", max_length=1000, null=True
                    ),
                ),
                (
                    "support_message1",
                    models.CharField(
                        blank=True,
                        help_text="Anything else to tell the customer.",
                        max_length=1000,
                        null=True,
                        verbose_name="second support message",
                    ),
                ),
                (
                    "ebpp_url",
                    models.CharField(
                        blank=True,
                        help_text="Where the account can be seen and paid on line.",
                        max_length=500,
                        null=True,
                        verbose_name="payment page address",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        help_text="The account it was made for; empty = for all.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.account",
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
                    "language",
                    models.ForeignKey(
                        blank=True,
                        db_column="language_code",
                        db_index=False,
                        help_text="Language of its texts, by its code.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="localization.language",
                        to_field="language_code",
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
                "verbose_name": "statement template",
                "verbose_name_plural": "statement templates",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("statement_template_name",),
                        name="receivables_statementtemplate_statement_template_name_key",
                    )
                ],
            },
        ),
    ]
