import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import metabrm.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Language",
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
                    "language_code",
                    models.CharField(
                        help_text="ISO 639 code, with a region where it matters: pt-BR.",
                        max_length=10,
                        unique=True,
                    ),
                ),
                (
                    "language_name",
                    models.CharField(help_text="English name of the language.", max_length=100),
                ),
                (
                    "native_name",
                    models.CharField(
                        blank=True,
                        help_text="What its speakers call the language.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the language may still be chosen.",
                        max_length=100,
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
                "verbose_name": "language",
                "verbose_name_plural": "languages",
            },
        ),
        migrations.CreateModel(
            name="Country",
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
                    models.CharField(
                        help_text="Short English name of the country.", max_length=100
                    ),
                ),
                (
                    "country_code",
                    models.CharField(
                        help_text="ISO 3166-1 code of two capital letters: US.",
                        max_length=2,
                        verbose_name="ISO code (2 letters)",
                    ),
                ),
                (
                    "alpha3_code",
                    models.CharField(
                        blank=True,
                        help_text="ISO 3166-1 code of three capital letters: USA.",
                        max_length=3,
                        null=True,
                        verbose_name="ISO code (3 letters)",
                    ),
                ),
                (
                    "numeric_code",
                    models.CharField(
                        blank=True,
                        help_text="ISO 3166-1 code of three digits: 840.",
                        max_length=3,
                        null=True,
                        verbose_name="ISO code (digits)",
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the country may still be chosen.",
                        max_length=100,
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
                "verbose_name": "country",
                "verbose_name_plural": "countries",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("country_code",),
                        name="localization_country_country_code_key",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("name",),
                        name="localization_country_name_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("country_code__regex", "^[A-Z]{2}$")),
                        name="localization_country_code_form",
                        violation_error_message="CountryCode is two capital letters, such as US",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Currency",
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
                    "currency_code",
                    models.CharField(
                        help_text="ISO 4217 code, three capital letters: USD.",
                        max_length=3,
                        unique=True,
                    ),
                ),
                (
                    "currency_name",
                    models.CharField(help_text="Name of the currency.", max_length=100),
                ),
                (
                    "currency_sign",
                    models.CharField(
                        blank=True,
                        help_text="Sign printed with an amount: $.",
                        max_length=10,
                        null=True,
                    ),
                ),
                (
                    "place",
                    metabrm.fields.ListField(
                        default="Before",
                        help_text="Whether the sign is printed before or after the amount.",
                        max_length=100,
                    ),
                ),
                (
                    "decimal_places",
                    models.IntegerField(
                        default=2,
                        help_text="Digits after the point of a rounded amount: 2 for USD, 0 for JPY.",
                    ),
                ),
                (
                    "cost_rounding_rule",
                    metabrm.fields.ListField(
                        help_text="How a charge in this currency is rounded to its last digit.",
                        max_length=100,
                    ),
                ),
                (
                    "tax_cost_rounding_rule",
                    metabrm.fields.ListField(
                        help_text="How a tax amount in this currency is rounded to its last digit.",
                        max_length=100,
                    ),
                ),
                (
                    "currency_level_rounding",
                    metabrm.fields.FlagField(
                        db_default=False,
                        default=False,
                        help_text="The rounding rules of this currency override those of the system.",
                    ),
                ),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the currency may still be chosen.",
                        max_length=100,
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
                "verbose_name": "currency",
                "verbose_name_plural": "currencies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("currency_code__regex", "^[A-Z]{3}$")),
                        name="localization_currency_code_form",
                        violation_error_message="CurrencyCode is three capital letters, such as USD",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decimal_places__range", (0, 10))),
                        name="localization_currency_decimal_places_range",
                        violation_error_message="DecimalPlaces is between 0 and 10",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LabelVersion",
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
                    "external_key",
                    models.CharField(
                        blank=True,
                        help_text="The integrator's own key for this record; unique. Upserts and lookups use it.",
                        max_length=255,
                        null=True,
                    ),
                ),
                (
                    "label",
                    models.CharField(
                        help_text="What is worded: an entity, field or value by its API name.",
                        max_length=255,
                    ),
                ),
                (
                    "version_number",
                    models.PositiveIntegerField(
                        default=1,
                        help_text="Number of the wording; a later one replaces the earlier.",
                    ),
                ),
                ("label_text", models.CharField(help_text="The wording itself.", max_length=1000)),
                (
                    "status",
                    metabrm.fields.ListField(
                        default="ACTIVE",
                        help_text="Whether the wording may be shown.",
                        max_length=100,
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
                (
                    "language",
                    models.ForeignKey(
                        db_column="language_code",
                        db_index=False,
                        help_text="Language of the wording, by its code.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="localization.language",
                        to_field="language_code",
                    ),
                ),
            ],
            options={
                "verbose_name": "label version",
                "verbose_name_plural": "label versions",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("external_key",),
                        name="localization_labelversion_external_key_key",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("label", "language", "version_number"),
                        name="localization_labelversion_label_language_version_number_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TimeZone",
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
                    models.CharField(help_text="IANA name of the zone: US/Central.", max_length=64),
                ),
                (
                    "canonical_name",
                    models.CharField(
                        help_text="The name the zone goes by today: America/Chicago for US/Central.",
                        max_length=64,
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
                "verbose_name": "time zone",
                "verbose_name_plural": "time zones",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=("name",),
                        name="localization_timezone_name_key",
                    )
                ],
            },
        ),
    ]
