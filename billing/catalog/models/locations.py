"""Locations of international rating, and the rates between two of them."""

from django.db import models

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, ListField, MoneyField


class CountryCode(ExternallyKeyed, EntityModel):
    """A location that usage comes from or goes to: a country, a region, a network."""

    name = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        help_text="How usage names the location, for instance its dialling code.",
    )
    invoice_label = models.CharField(
        max_length=255, help_text="What is printed on the charge for this location."
    )
    parent_country_code = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="parent location",
        help_text="The wider area, whose rate holds where this location has none.",
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether usage may still be rated to it."
    )

    brm = EntityOptions(name="COUNTRY_CODE", external_keys=("external_key",), title="invoice_label")

    class Meta:
        verbose_name = "location"
        verbose_name_plural = "locations"
        constraints = [live_unique("catalog_countrycode", "external_key")]
        indexes = [models.Index(fields=["name"], name="catalog_countrycode_name")]


class CountryCodeMap(ExternallyKeyed, EntityModel):
    """The rate of a price row for usage from one location to another."""

    pricing = models.ForeignKey(
        "catalog.Pricing",
        models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="The price row that this rate replaces for the pair of locations.",
    )
    origination_country_code = models.ForeignKey(
        CountryCode,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="origin",
        help_text="Where the usage comes from; empty = anywhere.",
    )
    destination_country_code = models.ForeignKey(
        CountryCode,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="destination",
        help_text="Where the usage goes to; empty = anywhere.",
    )
    rate = MoneyField(
        null=True, blank=True, help_text="Price per unit between the two, in the row's currency."
    )
    buy_rate = MoneyField(
        null=True, blank=True, help_text="What a unit costs us, in the price row's currency."
    )
    charge_type = models.CharField(
        max_length=100, null=True, blank=True, help_text="Kind of charge the rate is for."
    )

    brm = EntityOptions(
        name="COUNTRY_CODE_MAP",
        external_keys=("external_key",),
        title="external_key",
        described_by=("origination_country_code", "destination_country_code", "charge_type"),
    )

    class Meta:
        verbose_name = "international rate"
        verbose_name_plural = "international rates"
        constraints = [
            live_unique("catalog_countrycodemap", "external_key"),
            models.UniqueConstraint(
                fields=[
                    "pricing",
                    "origination_country_code",
                    "destination_country_code",
                    "charge_type",
                ],
                condition=models.Q(deleted_at__isnull=True),
                nulls_distinct=False,
                name="catalog_countrycodemap_pair_key",
            ),
        ]
        indexes = [models.Index(fields=["pricing"], name="catalog_countrycodemap_pricing")]
