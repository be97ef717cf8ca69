"""Drafts: quotes and prices that are being worked on."""

from django.db import models
from django.db.models import F, Q

from billing.quoting.models.offers import NAMES, Offer
from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, QuantityField


class QuoteDraft(Offer):
    """The working copy of a quote."""

    draft_submit = FlagField(
        verbose_name="submit", help_text="The draft is done and becomes the quote."
    )
    regenerate_pdf = FlagField(
        verbose_name="make the document again",
        help_text="Its document is made again when it is submitted.",
    )

    brm = EntityOptions(
        name="QUOTE_DRAFT",
        names=NAMES | {"regenerate_pdf": "RegeneratePDF"},
        external_keys=("external_key",),
        title="quote_name",
    )

    class Meta:
        verbose_name = "quote draft"
        verbose_name_plural = "quote drafts"
        constraints = [live_unique("quoting_quotedraft", "external_key")]


class PricingDraft(ExternallyKeyed, EntityModel):
    """The working copy of a price in the draft of a quote."""

    quote_product_draft_id = optional.number_of("Id of the drafted product it prices.")
    quote_product_period_draft_id = optional.number_of(
        "Id of the drafted period of a product it prices."
    )
    product = optional.lookup("catalog.Product", "The product it prices.", models.CASCADE)
    package_product = optional.lookup(
        "catalog.PackageProduct", "The package product it prices.", models.CASCADE
    )
    contract_rate = optional.lookup(
        "customers.ContractRate", "The contract rate it prices.", models.CASCADE
    )
    currency = optional.currency("Currency of the rate, by its code.", default="USD")
    effective_date = optional.day("First day the price holds; empty = since ever.")
    end_date = optional.day("Last day the price holds; empty = no end.")
    rate_order = models.PositiveIntegerField(
        default=1, help_text="Place of the band among the bands, from 1."
    )
    lower_band = QuantityField(
        default=0, help_text="Least quantity of the band; the first band begins at 0."
    )
    upper_band = QuantityField(
        default=-1, help_text="Greatest quantity of the band; -1 = without limit."
    )
    rate = optional.money("Price per unit without the quote.", currency_source="CurrencyCode")
    quote_rate = optional.money("Price per unit as quoted.", currency_source="CurrencyCode")
    quote_calc_rate = optional.money(
        "Price per unit as the rules of quoting reckon it.",
        currency_source="CurrencyCode",
        verbose_name="calculated rate",
    )
    ignore_quote_rules = FlagField(help_text="The rules of quoting leave the price as it is.")
    min_charge = optional.money(
        "Least amount of a charge in this band.",
        currency_source="CurrencyCode",
        verbose_name="minimum charge",
    )
    block_size = optional.quantity(
        "Units sold together: a begun block is charged whole. Empty = single units."
    )
    block_iterations = optional.count("How many blocks the band holds; empty = no limit.")
    rate_source = optional.text(255, "Where the price comes from.")

    brm = EntityOptions(
        name="PRICING_DRAFT",
        names={"currency": "CurrencyCode"},
        external_keys=("external_key",),
        title="rate",
        described_by=("product", "package_product", "contract_rate", "rate", "currency"),
    )

    class Meta:
        verbose_name = "price draft"
        verbose_name_plural = "price drafts"
        constraints = [
            live_unique("quoting_pricingdraft", "external_key"),
            models.CheckConstraint(
                condition=Q(lower_band__gte=0),
                name="quoting_pricingdraft_lower_band_not_negative",
                violation_error_message="LowerBand is 0 or more",
            ),
            models.CheckConstraint(
                condition=Q(upper_band=-1) | Q(upper_band__gt=F("lower_band")),
                name="quoting_pricingdraft_upper_band_above_lower",
                violation_error_message="UpperBand is greater than LowerBand, or -1 for no limit",
            ),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("effective_date")),
                name="quoting_pricingdraft_ends_after_start",
                violation_error_message="EndDate is not before EffectiveDate",
            ),
            models.CheckConstraint(
                condition=Q(block_size__gt=0),
                name="quoting_pricingdraft_block_size_positive",
                violation_error_message="BlockSize is greater than 0, or empty for single units",
            ),
        ]
