"""What a quote is made of: products, periods, and each product's price in each period."""

from django.db import models
from django.db.models import Q

from billing.quoting.models.offers import ends_after_start
from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, QuantityField


class QuoteProduct(ExternallyKeyed, EntityModel):
    """A line of a quote: a product, or the component of a package."""

    quote = models.ForeignKey(
        "quoting.Quote", models.CASCADE, related_name="+", help_text="The quote it is a line of."
    )
    name = optional.text(255, "What the line is called.")
    product = optional.lookup("catalog.Product", "The product that is offered.", models.PROTECT)
    package = optional.lookup("catalog.Package", "The package that is offered.", models.PROTECT)
    package_product = optional.lookup(
        "catalog.PackageProduct", "Its place in the package.", models.PROTECT
    )
    parent_quote_product = optional.lookup("self", "The line it stands under.")
    original_quote_product = optional.lookup("self", "The line that it amends.")
    account_package = optional.lookup(
        "customers.AccountPackage", "The account package that it amends."
    )
    relation_type = optional.text(100, "How it belongs to the line it stands under.")
    status = optional.text(100, "How far the line has come.")
    rating_method = optional.lookup("catalog.RatingMethod", "How it is charged.", models.PROTECT)
    rating_method_text = optional.text(
        255, "How it is charged, in words.", verbose_name="rating method in words"
    )
    rate_source = optional.text(255, "Where its price comes from.")
    cost_total = optional.money("Amount of the line over all its periods.")
    identical_quantity_flag = FlagField(
        verbose_name="identical quantity", help_text="Every period has the same quantity."
    )
    identical_rate_flag = FlagField(
        verbose_name="identical rate", help_text="Every period has the same rate."
    )
    overage_flag = FlagField(
        verbose_name="overage", help_text="It prices what goes beyond an included quantity."
    )
    activation_contract = optional.lookup(
        "customers.Contract", "The contract it comes under once activated."
    )
    view_activation_contract = optional.lookup(
        "customers.Contract", "The contract it came under, to look at."
    )
    contract_error = optional.text(4000, "Why it could not come under the contract.")

    brm = EntityOptions(
        name="QUOTE_PRODUCT",
        names={"rating_method_text": "RatingMethod"},
        external_keys=("external_key",),
        described_by=("quote", "product", "package"),
    )

    class Meta:
        verbose_name = "quote line"
        verbose_name_plural = "quote lines"
        constraints = [live_unique("quoting_quoteproduct", "external_key")]


class QuotePeriod(ExternallyKeyed, EntityModel):
    """A period of a termed quote: how long it is, and its place among the others."""

    quote = optional.lookup("quoting.Quote", "The quote it is a period of.", models.CASCADE)
    period_name = optional.text(255, "What the period is called: Year 1.", verbose_name="name")
    period_sort_order = optional.count("Place among the quote's periods, low first.")
    period_length_value = optional.count("Length of the period, in PeriodLengthName.")
    period_length_name = optional.choice(
        ("Day", "Week", "Month", "Quarter", "Year"), "Unit of PeriodLengthValue."
    )
    start_date = optional.day("First day of the period.")
    end_date = optional.day("Last day of the period.")
    status = optional.text(100, "How far the period has come.")

    brm = EntityOptions(name="QUOTE_PERIOD", external_keys=("external_key",), title="period_name")

    class Meta:
        verbose_name = "quote period"
        verbose_name_plural = "quote periods"
        constraints = [
            live_unique("quoting_quoteperiod", "external_key"),
            ends_after_start("quoting_quoteperiod"),
        ]


class QuoteProductPeriod(ExternallyKeyed, EntityModel):
    """A quote line's quantity and price in one period."""

    quote_product = models.ForeignKey(
        QuoteProduct,
        models.CASCADE,
        db_index=False,
        related_name="+",
        help_text="The line of the quote.",
    )
    quote_period = models.ForeignKey(
        QuotePeriod, models.CASCADE, related_name="+", help_text="The period of the quote."
    )
    quantity = QuantityField(default=1, help_text="How many units are offered in the period.")
    rate = optional.money("Price per unit without the quote.")
    quote_rate = optional.money("Price per unit as quoted.")
    rate_source = optional.text(255, "Where the price comes from.")
    cost_total = optional.money("Amount of the line in the period.")
    status = optional.text(100, "How far it has come.")

    brm = EntityOptions(
        name="QUOTE_PRODUCT_PERIOD",
        external_keys=("external_key",),
        title="quote_product",
        described_by=("quote_product", "quote_period"),
    )

    class Meta:
        verbose_name = "quote line in a period"
        verbose_name_plural = "quote lines by period"
        constraints = [
            live_unique("quoting_quoteproductperiod", "external_key"),
            live_unique("quoting_quoteproductperiod", "quote_product", "quote_period"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0),
                name="quoting_quoteproductperiod_quantity_not_negative",
                violation_error_message="Quantity is 0 or more",
            ),
        ]
        indexes = [models.Index(fields=["quote_product"], name="quoting_period_of_product")]
