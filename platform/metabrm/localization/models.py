"""Where and in what terms people live: currencies, countries, time zones, languages, labels.

Reference data that every room points to and that hardly ever changes. Currencies and languages
are known by their ISO codes, so lookups to them hold the code itself ("USD", "en"), not a number.
"""

from django.db import models
from django.db.models import Q

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField

ROUNDING_RULES = ("Math Round", "Round Up", "Round Down")


class Currency(EntityModel):
    """A currency by its ISO 4217 code, with its sign and the rules its amounts are rounded by."""

    currency_code = models.CharField(
        max_length=3, unique=True, help_text="ISO 4217 code, three capital letters: USD."
    )
    currency_name = models.CharField(max_length=100, help_text="Name of the currency.")
    currency_sign = models.CharField(
        max_length=10, null=True, blank=True, help_text="Sign printed with an amount: $."
    )
    place = ListField(
        values=("Before", "After"),
        default="Before",
        help_text="Whether the sign is printed before or after the amount.",
    )
    decimal_places = models.IntegerField(
        default=2, help_text="Digits after the point of a rounded amount: 2 for USD, 0 for JPY."
    )
    cost_rounding_rule = ListField(
        values=ROUNDING_RULES,
        help_text="How a charge in this currency is rounded to its last digit.",
    )
    tax_cost_rounding_rule = ListField(
        values=ROUNDING_RULES,
        help_text="How a tax amount in this currency is rounded to its last digit.",
    )
    currency_level_rounding = FlagField(
        help_text="The rounding rules of this currency override those of the system."
    )
    status = ListField(
        values=ACTIVE_OR_NOT,
        default="ACTIVE",
        help_text="Whether the currency may still be chosen.",
    )

    brm = EntityOptions(
        name="CURRENCY",
        external_keys=("currency_code",),
        title="currency_code",
        example={"CurrencyCode": "XTS"},  # ISO 4217: reserved for testing
        immutable=("currency_code",),
    )

    class Meta:
        verbose_name = "currency"
        verbose_name_plural = "currencies"
        constraints = [
            models.CheckConstraint(
                condition=Q(currency_code__regex=r"^[A-Z]{3}$"),
                name="localization_currency_code_form",
                violation_error_message="CurrencyCode is three capital letters, such as USD",
            ),
            models.CheckConstraint(
                condition=Q(decimal_places__range=(0, 10)),
                name="localization_currency_decimal_places_range",
                violation_error_message="DecimalPlaces is between 0 and 10",
            ),
        ]


class Country(EntityModel):
    """A country or territory by its ISO 3166 codes."""

    name = models.CharField(max_length=100, help_text="Short English name of the country.")
    country_code = models.CharField(
        max_length=2,
        verbose_name="ISO code (2 letters)",
        help_text="ISO 3166-1 code of two capital letters: US.",
    )
    alpha3_code = models.CharField(
        max_length=3,
        null=True,
        blank=True,
        verbose_name="ISO code (3 letters)",
        help_text="ISO 3166-1 code of three capital letters: USA.",
    )
    numeric_code = models.CharField(
        max_length=3,
        null=True,
        blank=True,
        verbose_name="ISO code (digits)",
        help_text="ISO 3166-1 code of three digits: 840.",
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether the country may still be chosen."
    )

    brm = EntityOptions(
        name="COUNTRY",
        external_keys=("country_code", "name"),
        example={"CountryCode": "XX"},  # ISO 3166: never given to a country
    )

    class Meta:
        verbose_name = "country"
        verbose_name_plural = "countries"
        constraints = [
            live_unique("localization_country", "country_code"),
            live_unique("localization_country", "name"),
            models.CheckConstraint(
                condition=Q(country_code__regex=r"^[A-Z]{2}$"),
                name="localization_country_code_form",
                violation_error_message="CountryCode is two capital letters, such as US",
            ),
        ]


class TimeZone(EntityModel):
    """A zone of the IANA time zone database; older names of a zone are records of their own."""

    name = models.CharField(max_length=64, help_text="IANA name of the zone: US/Central.")
    canonical_name = models.CharField(
        max_length=64,
        help_text="The name the zone goes by today: America/Chicago for US/Central.",
    )

    brm = EntityOptions(name="TIME_ZONE", external_keys=("name",))

    class Meta:
        verbose_name = "time zone"
        verbose_name_plural = "time zones"
        constraints = [live_unique("localization_timezone", "name")]


class Language(EntityModel):
    """A language that invoices, statements, messages and labels may be written in."""

    language_code = models.CharField(
        max_length=10, unique=True, help_text="ISO 639 code, with a region where it matters: pt-BR."
    )
    language_name = models.CharField(max_length=100, help_text="English name of the language.")
    native_name = models.CharField(
        max_length=100, null=True, blank=True, help_text="What its speakers call the language."
    )
    status = ListField(
        values=ACTIVE_OR_NOT,
        default="ACTIVE",
        help_text="Whether the language may still be chosen.",
    )

    brm = EntityOptions(
        name="LANGUAGE",
        external_keys=("language_code",),
        title="language_name",
        immutable=("language_code",),
    )

    class Meta:
        verbose_name = "language"
        verbose_name_plural = "languages"


class LabelVersion(ExternallyKeyed, EntityModel):
    """The wording of one label in one language; the highest active version is the one shown."""

    label = models.CharField(
        max_length=255, help_text="What is worded: an entity, field or value by its API name."
    )
    language = models.ForeignKey(
        Language,
        models.PROTECT,
        to_field="language_code",
        db_column="language_code",
        db_index=False,
        related_name="+",
        help_text="Language of the wording, by its code.",
    )
    version_number = models.PositiveIntegerField(
        default=1, help_text="Number of the wording; a later one replaces the earlier."
    )
    label_text = models.CharField(max_length=1000, help_text="The wording itself.")
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether the wording may be shown."
    )

    brm = EntityOptions(
        name="LABEL_VERSION",
        names={"language": "LanguageCode"},
        external_keys=("external_key",),
        title="label",
    )

    class Meta:
        verbose_name = "label version"
        verbose_name_plural = "label versions"
        constraints = [
            live_unique("localization_labelversion", "external_key"),
            live_unique("localization_labelversion", "label", "language", "version_number"),
        ]
