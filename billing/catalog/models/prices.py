"""Prices: rows of bands, each hanging on exactly one owner.

An owner is whatever a price can be agreed for: a product, a package product, a product of a rate
class, a contract rate, an account product, a quoted product. The row says for which currency, which
quantities (LowerBand to UpperBand, -1 without limit) and which days its rate holds.
"""

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import LessThanOrEqual

from billing.catalog.models.display import GAP
from metabrm.entity import Computed, EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField, MoneyField, QuantityField

# Python names of the fields by which a price row may hang on an owner.
PRICE_OWNERS = (
    "product",
    "package_product",
    "rate_class_product",
    "contract_rate",
    "account_product",
    "quote_product_id",
    "order_line_item_id",
    "rev_rec_contract_product_id",
)


def _owned(owner: str, name: str) -> models.Index:
    """Serves both the search for an owner's prices of a day and the owner's foreign key."""
    return models.Index(
        fields=[owner, "effective_date"], condition=Q(**{f"{owner}__isnull": False}), name=name
    )


class Pricing(ExternallyKeyed, EntityModel):
    """A price: the rate of one band of quantities, in one currency, over a range of days."""

    product = models.ForeignKey(
        "catalog.Product",
        models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="Owner: the product whose default price this is.",
    )
    package_product = models.ForeignKey(
        "catalog.PackageProduct",
        models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="Owner: the package product whose price this is.",
    )
    rate_class_product = models.ForeignKey(
        "catalog.RateClassProduct",
        models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="Owner: the entry of a rate class whose price this is.",
    )
    contract_rate = models.ForeignKey(
        "customers.ContractRate",
        models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="Owner: the contract rate whose price this is.",
    )
    account_product = models.ForeignKey(
        "customers.AccountProduct",
        models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="Owner: the provisioned product whose price this is.",
    )
    quote_product_id = models.BigIntegerField(
        null=True, blank=True, help_text="Owner: Id of the quoted product whose price this is."
    )
    order_line_item_id = models.BigIntegerField(
        null=True, blank=True, help_text="Owner: Id of the order line whose price this is."
    )
    rev_rec_contract_product_id = models.BigIntegerField(
        null=True,
        blank=True,
        verbose_name="revenue contract product id",
        help_text="Owner: Id of the revenue contract product whose price this is.",
    )
    main_pricing_plan = models.ForeignKey(
        "catalog.PricingPlan",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="pricing plan",
        help_text="The pricing plan the row is part of.",
    )
    rating_method = models.ForeignKey(
        "catalog.RatingMethod",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The rating method the price was made for.",
    )
    currency = models.ForeignKey(
        "localization.Currency",
        models.PROTECT,
        to_field="currency_code",
        db_column="currency_code",
        db_index=False,
        default="USD",
        related_name="+",
        help_text="Currency of the rate, by its code; USD unless sent.",
    )
    effective_date = models.DateField(
        null=True, blank=True, help_text="First day the price holds; empty = since ever."
    )
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day the price holds; empty = no end."
    )
    rate_order = models.PositiveIntegerField(
        default=1, help_text="Place of the band among the owner's bands, from 1."
    )
    lower_band = QuantityField(
        default=0, help_text="Least quantity of the band; the first band begins at 0."
    )
    upper_band = QuantityField(
        default=-1, help_text="Greatest quantity of the band; -1 = without limit."
    )
    rate = MoneyField(
        currency_source="CurrencyCode",
        help_text="Price per unit, or the percentage or flat amount the rating method asks for.",
    )
    quote_rate = MoneyField(
        null=True, blank=True, currency_source="CurrencyCode", help_text="Rate as it was quoted."
    )
    buy_rate = MoneyField(
        null=True,
        blank=True,
        currency_source="CurrencyCode",
        help_text="What a unit costs us, for the margin.",
    )
    min_charge = MoneyField(
        null=True,
        blank=True,
        currency_source="CurrencyCode",
        verbose_name="minimum charge",
        help_text="Least amount of a charge in this band, or of a period's charges: the rating "
        "method's MinMaxPer says which.",
    )
    max_charge = MoneyField(
        null=True,
        blank=True,
        currency_source="CurrencyCode",
        verbose_name="maximum charge",
        help_text="Greatest amount of a charge in this band, or of a period's charges: the rating "
        "method's MinMaxPer says which.",
    )
    flat_fee = MoneyField(
        null=True,
        blank=True,
        currency_source="CurrencyCode",
        help_text="Amount charged beside the rate, once in a period, when the quantity reaches the "
        "band.",
    )
    fee_per_charge = MoneyField(
        null=True,
        blank=True,
        currency_source="CurrencyCode",
        help_text="Amount charged beside the rate for each charge, such as each transaction.",
    )
    included_quantity = QuantityField(
        null=True,
        blank=True,
        help_text="Units that cost nothing at the beginning of a period; of prepaid usage, the "
        "units of usage that one unit of the product includes.",
    )
    included_charges = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How many charges of a period cost nothing, the first ones: neither rate nor "
        "FeePerCharge; beside an IncludedQuantity as far as that reaches.",
    )
    block_size = QuantityField(
        null=True,
        blank=True,
        help_text="Units sold together: a begun block is charged whole. Empty = single units.",
    )
    block_iterations = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many blocks the band holds; empty = no limit."
    )
    ssp = MoneyField(
        null=True,
        blank=True,
        currency_source="CurrencyCode",
        verbose_name="standalone selling price",
        help_text="Price at which the product would be sold on its own, for revenue recognition.",
    )
    rate_source = models.CharField(
        max_length=255, null=True, blank=True, help_text="Where the price comes from."
    )
    rerate_flag = FlagField(
        help_text="Charges on open invoices are rated again when the price changes, unless they "
        "were priced from a level other than the product's default price."
    )

    brm = EntityOptions(
        name="PRICING",
        names={"currency": "CurrencyCode", "ssp": "SSP"},
        external_keys=("external_key",),
        title="rate",
        described_by=(
            *("product", "package_product", "rate_class_product", "contract_rate"),
            *("account_product", "main_pricing_plan", "rate", "currency"),
        ),
        example={"ProductId": {}},
        computed=(
            Computed(
                name="ContractId",
                data_type="INTEGER",
                sql="""(
            SELECT owning_rate.contract_id FROM customers_contractrate owning_rate
            WHERE owning_rate.id = {t}.contract_rate_id)""",
                help="The contract of the contract rate that owns the price.",
            ),
            GAP,
        ),
    )

    class Meta:
        verbose_name = "price"
        verbose_name_plural = "prices"
        constraints = [
            live_unique("catalog_pricing", "external_key"),
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    Func(
                        *[F(owner) for owner in PRICE_OWNERS],
                        function="num_nonnulls",
                        output_field=models.IntegerField(),
                    ),
                    1,
                ),
                name="catalog_pricing_one_owner",
                violation_error_message="A price belongs to one owner: send only one of ProductId, "
                "PackageProductId, RateClassProductId, ContractRateId, AccountProductId, "
                "QuoteProductId, OrderLineItemId, RevRecContractProductId",
            ),
            models.CheckConstraint(
                condition=Q(lower_band__gte=0),
                name="catalog_pricing_lower_band_not_negative",
                violation_error_message="LowerBand is 0 or more",
            ),
            models.CheckConstraint(
                condition=Q(upper_band=-1) | Q(upper_band__gt=F("lower_band")),
                name="catalog_pricing_upper_band_above_lower",
                violation_error_message="UpperBand is greater than LowerBand, or -1 for no limit",
            ),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("effective_date")),
                name="catalog_pricing_ends_after_start",
                violation_error_message="EndDate is not before EffectiveDate",
            ),
            models.CheckConstraint(
                condition=Q(block_size__gt=0),
                name="catalog_pricing_block_size_positive",
                violation_error_message="BlockSize is greater than 0, or empty for single units",
            ),
            models.CheckConstraint(
                condition=Q(block_iterations__gt=0, block_size__isnull=False)
                | Q(block_iterations__isnull=True),
                name="catalog_pricing_block_iterations_of_blocks",
                violation_error_message="BlockIterations is greater than 0 and comes with a "
                "BlockSize, or is empty for no limit",
            ),
            models.CheckConstraint(
                condition=Q(min_charge__gte=0),
                name="catalog_pricing_min_charge_not_negative",
                violation_error_message="MinCharge is 0 or more, or empty for none",
            ),
            models.CheckConstraint(
                condition=Q(max_charge__gte=0),
                name="catalog_pricing_max_charge_not_negative",
                violation_error_message="MaxCharge is 0 or more, or empty for none",
            ),
            models.CheckConstraint(
                condition=Q(max_charge__gte=F("min_charge")),
                name="catalog_pricing_max_charge_from_min_charge",
                violation_error_message="MaxCharge is not less than MinCharge, or empty for none",
            ),
            models.CheckConstraint(
                condition=Q(included_quantity__gte=0),
                name="catalog_pricing_included_quantity_not_negative",
                violation_error_message="IncludedQuantity is 0 or more, or empty for none",
            ),
        ]
        indexes = [
            _owned("product", "catalog_pricing_product"),
            _owned("package_product", "catalog_pricing_pkg_product"),
            _owned("rate_class_product", "catalog_pricing_class_product"),
            _owned("contract_rate", "catalog_pricing_contract_rate"),
            _owned("account_product", "catalog_pricing_acct_product"),
            _owned("quote_product_id", "catalog_pricing_quote_product"),
        ]


class PricingPlan(ExternallyKeyed, EntityModel):
    """A dated group of price rows in one currency: standard, promotional or an override."""

    name = models.CharField(max_length=255, help_text="Name of the pricing plan.")
    plan_type = ListField(
        values=("STANDARD", "PROMOTIONAL", "OVERRIDE"),
        help_text="Standard prices, a promotion beside them, or an override of them.",
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether the plan prices anything."
    )
    currency = models.ForeignKey(
        "localization.Currency",
        models.PROTECT,
        to_field="currency_code",
        db_column="currency_code",
        db_index=False,
        related_name="+",
        help_text="Currency of the plan, by its code.",
    )
    effective_date = models.DateField(
        null=True, blank=True, help_text="First day of the plan; empty = since ever."
    )
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day of the plan; empty = no end."
    )
    product = models.ForeignKey(
        "catalog.Product",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The product it prices.",
    )
    package_product = models.ForeignKey(
        "catalog.PackageProduct",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The package product it prices.",
    )
    rate_class_product = models.ForeignKey(
        "catalog.RateClassProduct",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The entry of a rate class it prices.",
    )
    contract_rate = models.ForeignKey(
        "customers.ContractRate",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The contract rate it prices.",
    )
    account_product = models.ForeignKey(
        "customers.AccountProduct",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The provisioned product it prices.",
    )

    brm = EntityOptions(
        name="PRICING_PLAN",
        names={"currency": "CurrencyCode"},
        external_keys=("external_key",),
    )

    class Meta:
        verbose_name = "pricing plan"
        verbose_name_plural = "pricing plans"
        constraints = [
            live_unique("catalog_pricingplan", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("effective_date")),
                name="catalog_pricingplan_ends_after_start",
                violation_error_message="EndDate is not before EffectiveDate",
            ),
        ]
