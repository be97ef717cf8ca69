"""Rating methods: how a product is charged.

One wide record holds the settings of every kind of charge; RatingMethodType says which of them
count. The fields stand in the order of the kinds: price, subscription, usage, international,
discount, trial, late fee and per-invoice fee, tax, commitment.
"""

from typing import Any

from django.db import models
from django.db.models import F, Q

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, ListField, QuantityField

LEVELS = ("Package", "Product", "Account", "Invoice")
CYCLES = (
    "Daily",
    "Weekly",
    "Biweekly",
    "Semi-Monthly",
    "Monthly",
    "Quarterly",
    "Semi-Annual",
    "Yearly",
)
#: What charges a discount, or what makes eligible for it, is designated by.
DESIGNATED_BY = ("All charges", "Account package", "Parent account product", "Filter")
#: How days are counted (billing.rating.cycles).
DAY_COUNTS = ("Actual", "30/360")
UNITS_OF_TIME = ("Day", "Week", "Month", "Quarter", "Year")


def _choice(help_text: str, max_length: int = 100, **options: Any) -> models.CharField:
    """A setting whose values are not a closed list."""
    return models.CharField(
        max_length=max_length, null=True, blank=True, help_text=help_text, **options
    )


def _list(values: tuple[str, ...], help_text: str, **options: Any) -> ListField:
    return ListField(values=values, null=True, blank=True, help_text=help_text, **options)


def _formula(help_text: str, **options: Any) -> models.TextField:
    return models.TextField(null=True, blank=True, help_text=help_text, **options)


def _count(help_text: str, **options: Any) -> models.PositiveIntegerField:
    return models.PositiveIntegerField(null=True, blank=True, help_text=help_text, **options)


class RatingMethod(ExternallyKeyed, EntityModel):
    """How a product is charged: by subscription, by usage, once, as a discount, a fee, a tax."""

    rating_method_type = ListField(
        values=(
            "Usage",
            "Subscription",
            "Variable Interval Subscription",
            "One Time Charge",
            "Conditional Product Charge",
            "Prepaid Usage",
            "Per Invoice",
            "Discount",
            "Trial",
            "Late Fee",
            "Tax",
            "Revenue Commitment",
        ),
        default="Usage",
        db_index=True,
        help_text="Kind of charge; decides which of the other settings count.",
    )
    account_product = models.ForeignKey(
        "customers.AccountProduct",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The provisioned product the method was made for; empty = for the catalog.",
    )
    quote_product_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the quoted product the method was made for."
    )
    quote_product_draft_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the drafted quote product it was made for."
    )
    effective_date = models.DateField(
        null=True, blank=True, help_text="First day the method holds; empty = since ever."
    )
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day the method holds; empty = no end."
    )

    # Price
    pricing_type = ListField(
        values=("Standard Pricing", "Tiered Pricing"),
        default="Standard Pricing",
        help_text="One rate per unit, or a rate that depends on the number of units.",
    )
    aggregate_rate_type = _list(
        ("Bulk", "Incremental"),
        "Bulk: the rate of the tier reached holds for all units. Incremental: each tier its own.",
        verbose_name="tiered rate type",
    )
    aggregation_level = _list(
        LEVELS,
        "Over what the units of usage are added up to find the tier.",
        verbose_name="tier calculation level",
    )
    sub_aggr_level = _list(
        LEVELS,
        "Over what the units of subscriptions are added up to find the tier.",
        verbose_name="subscription tier calculation level",
    )
    flat_rate = FlagField(help_text="The rate is the amount of the whole band, not of a unit.")
    percentage_flag = FlagField(
        verbose_name="percentage",
        help_text="The rate is a percentage of the quantity, which is then an amount of money; "
        "with tiers, a graduated percentage.",
    )
    use_flat_rate = _choice("When the flat rate of a band is used instead of its unit rate.")
    prorate_band = FlagField(help_text="Band limits shrink with a shortened period.")
    calculate_effective_rate = FlagField(
        help_text="The charge shows its average rate per unit over all tiers."
    )
    recalculate_on_rate_change = FlagField(
        help_text="Charges already made are calculated again when the rate changes."
    )
    default_rate_flag = FlagField(help_text="The product's default prices count for this method.")
    formula_flag = FlagField(help_text="The charge comes from FormulaValue, not from a rate.")
    formula_value = _formula("Formula of the charge's cost, over the charge line.")
    formula_quantity = _formula(
        "Formula of the quantity that is charged once or again and again, over a charge line whose "
        "Quantity is that of the account product; empty = that quantity."
    )
    formula_param_ident = _choice(
        "Name under which the formula's parameters are found.",
        verbose_name="formula parameter identifier",
    )
    non_billable_flag = FlagField(help_text="Charges are recorded but not put on invoices.")
    zero_rated_display_flag = FlagField(help_text="Charges of zero are printed on invoices.")
    force_generate_activity = FlagField(
        help_text="A charge is made even where quantity or rate is zero."
    )
    generate_flat_fee = FlagField(help_text="A flat fee is charged beside the rate.")
    dependent_type = _choice("Of what other charge the charge depends.")
    apply_charge_on_component = FlagField(
        help_text="The charge applies to the components of a package, not to the package."
    )
    exclude_components = FlagField(help_text="Components of a package are left out of the charge.")

    # Subscription
    subscription_cycle = _list(CYCLES, "How often the subscription is charged.")
    interval_days = _count(
        "Days from one charge of a variable interval subscription to the next.",
        verbose_name="interval in days",
    )
    subscription_model = ListField(
        values=("Postpaid", "Prepaid"),
        default="Postpaid",
        verbose_name="payment model",
        help_text="Charged after the period (postpaid) or before it (prepaid).",
    )
    cycle_type = _list(
        ("Sync with Service Start Date", "Sync with Billing Cycle"),
        "What the subscription's periods are aligned with.",
        verbose_name="cycle context",
    )
    prorate_subscription = FlagField(
        help_text="A period that begins or ends inside a cycle is charged by its days."
    )
    proration_day_count = ListField(
        values=DAY_COUNTS,
        default=DAY_COUNTS[0],
        help_text="How the days of a prorated subscription, and those of the cycle that they are a "
        "part of, are counted: Actual: as they are in the calendar; 30/360: each month as 30 days "
        "(8 days of a month cost 8/30, in a short month and in a long one).",
    )
    charge_in_advance_period = _count(
        "How long before its period a prepaid charge is made, in ChargeInAdvanceUnit."
    )
    charge_in_advance_unit = _list(UNITS_OF_TIME, "Unit of ChargeInAdvancePeriod.")
    charge_in_subsequent_per = _count(
        "How long after its period a charge is made, in ChargeInSubsequentUnit.",
        verbose_name="charge in subsequent period",
    )
    charge_in_subsequent_unit = _list(UNITS_OF_TIME, "Unit of ChargeInSubsequentPer.")
    activation_charge_place = _choice("On which invoice the charge of the first period is placed.")
    early_termination_option = _list(
        ("Full", "Prorate", "None"),
        "What is left of a commitment whose term is cut short: all of it (also where this is "
        "empty), the part of its days, nothing.",
    )
    auto_calculate_credit = FlagField(
        help_text="A prepaid period that is cut short is credited without being asked for."
    )
    prorate_credit_after_period = _choice("From when on a credit is reckoned by days.")
    use_historical_invoice_for_prepayment = FlagField(
        help_text="Prepaid periods of the past go on invoices of their own time."
    )

    # Usage
    split_usage = FlagField(help_text="One usage record may be split over two bands.")
    accum_flag = FlagField(
        verbose_name="accumulate", help_text="Usage accumulates over invoices to find the tier."
    )
    accum_start_date = models.DateField(
        null=True,
        blank=True,
        verbose_name="accumulation start date",
        help_text="Day on which usage begins to accumulate.",
    )
    accum_reset_period = _list(
        CYCLES, "How often the accumulated usage begins at zero.", verbose_name="accumulation reset"
    )
    eligible_activity_filter_logic = _formula("Which usage counts, as filters joined by logic.")
    auto_refill = FlagField(
        help_text="Prepaid usage that is used up is bought again; off: the excess is charged at "
        "the usage product's rate."
    )
    min_max_per = _list(
        ("Charge", "Period"),
        "Whether MinCharge and MaxCharge of a price bound each charge, or what a period's charges "
        "add up to; empty = each charge.",
        verbose_name="minimum and maximum per",
    )
    min_max_zero_quantity_true_up = FlagField(
        help_text="Minimum and maximum are settled even for a period without usage."
    )
    true_up_credit_type = _choice(
        "Kind of credit by which a settlement is given back; kept for billing runs: settling "
        "writes and takes back charge lines, no credits."
    )

    # International
    allow_international_pricing = FlagField(
        help_text="Rates may depend on where the usage comes from and goes to."
    )
    obligatory_intl_rate = FlagField(
        verbose_name="international rate obligatory",
        help_text="Usage between two locations without a rate is refused, not rated by the band.",
    )

    # Discount
    discount_type = _list(
        ("Standard", "Conditional"),
        "Standard: whenever its targets are charged. Conditional: when eligible charges exist.",
    )
    discount_pricing_type = _list(
        ("Percentage Off", "Fixed Amount"), "What the discount's rate means."
    )
    discount_priority = models.IntegerField(
        null=True, blank=True, help_text="Place in the order in which discounts apply, low first."
    )
    propagate_to_hierarchy = FlagField(
        verbose_name="propagate charges to hierarchy",
        help_text="All accounts below the one that has the discount or fee have it, too, each for "
        "itself.",
    )
    discount_apply_to = _list(
        ("All charges", "Recurring charges", "Usage charges", "One time charges"),
        "To what kind of charges the discount applies; empty = all.",
    )
    discount_appl_method = _list(
        ("Proportional", "In order", "Each charge"),
        "How a fixed amount is spread over the target charges: by their amounts (also where this "
        "is empty), from the earliest one on, or as often as there are charges.",
        verbose_name="discount application method",
    )
    discount_itemize = FlagField(
        help_text="The discount is printed per charge it lowers; else per product."
    )
    designate_discount_eligable_charges_by = _list(
        DESIGNATED_BY, "How the charges that make an account eligible are chosen."
    )
    discount_eligable_filter_logic = _formula("Which charges make eligible, as filters with logic.")
    discount_elig_cond = _choice(
        "The condition the eligible charges must meet: >= 100; empty = that there are any.",
        verbose_name="discount eligibility condition",
    )
    discount_elig_unit_meas = _list(
        ("Amount", "Quantity", "Charges"),
        "In what the condition, or the tiers of the discount, are measured: the amount of the "
        "charges (also where this is empty), their units, their number.",
        verbose_name="discount eligibility unit of measure",
    )
    designate_discount_target_charges_by = _list(
        DESIGNATED_BY, "How the charges that are lowered are chosen."
    )
    discount_target_filter_logic = _formula("Which charges are lowered, as filters with logic.")
    discount_limited_usage = FlagField(
        help_text="The discount may be used a limited number of times."
    )
    discount_max_number_of_uses = _count("How often the discount may be used.")
    discount_use_per = _list(
        ("Account", "Product", "Invoice"),
        "Per what the uses are counted: billing periods of an account (also where this is empty), "
        "of each product that is lowered, or charges on one invoice.",
    )

    # Trial
    trial_duration = _count("Length of the trial in days.")
    trial_rate_type = _choice("What is charged during the trial.")
    trial_target = _choice("To which charges the trial applies.")
    trial_max_number_uses = _count("How often the trial may be used.")
    trial_use_per = _choice("Per what the uses are counted: account, product, invoice.")
    change_to_product_by_default = models.ForeignKey(
        "catalog.Product",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The product that follows when the trial ends.",
    )

    # Late fee and per-invoice fee
    charge_type = ListField(
        values=("Per Invoice", "Percentage"),
        default="Per Invoice",
        help_text="A fee of a fixed amount per invoice, or a percentage of the invoice's total.",
    )
    late_fee_type = _list(
        ("Overdue balance", "Overdue invoice"),
        "Of what a percentage is the late fee: of what is unpaid (also where this is empty), or of "
        "the invoice's total.",
    )

    # Tax
    tax_application = ListField(
        values=("Per Invoice", "Per Product"),
        default="Per Invoice",
        help_text="The tax is reckoned once per invoice or for each product.",
    )
    tax_applicable_to = ListField(
        values=("All Products", "Filtered Products"),
        default="All Products",
        help_text="The tax applies to all products or to those of TaxProductFilterLogic.",
    )
    tax_product_filter_logic = _formula("Which products are taxed, as filters joined by logic.")
    tax_rate_date = _choice("Which date decides the tax rate.")

    # Revenue commitment
    cmt_input_method = _list(
        ("Amount", "Quantity"),
        "How the commitment is entered: as money (also where this is empty) or as units.",
        verbose_name="CMT input method",
    )
    cmt_quantity = QuantityField(
        null=True,
        blank=True,
        verbose_name="CMT quantity",
        help_text="What is committed to, in units or money.",
    )
    cmt_rate_method = _list(
        ("Shortfall", "Percentage"),
        "How a shortfall is charged: times the rate (also where this is empty), or as that "
        "percentage of it.",
        verbose_name="CMT rate method",
    )
    cmt_scope = _list(
        ("Account", "Account hierarchy", "Account package", "Contract"),
        "Whose charges count towards the commitment; empty = the account's.",
        verbose_name="CMT scope",
    )
    cmt_inclusion_logic = _formula(
        "Which charges count towards it, as filters with logic.", verbose_name="CMT inclusion logic"
    )
    cmt_tax_flag = FlagField(
        verbose_name="CMT tax included",
        help_text="The commitment is measured with tax included: charge lines of taxes count "
        "towards it, too; what only an invoice adds does not.",
    )
    cmt_term_duration = _choice(
        "How long the commitment runs before it is settled: 1 month, 12 months.",
        verbose_name="CMT term duration",
    )

    brm = EntityOptions(
        name="RATING_METHOD",
        names={
            "cmt_inclusion_logic": "CMTInclusionLogic",
            "cmt_input_method": "CMTInputMethod",
            "cmt_quantity": "CMTQuantity",
            "cmt_rate_method": "CMTRateMethod",
            "cmt_scope": "CMTScope",
            "cmt_tax_flag": "CMTTaxFlag",
            "cmt_term_duration": "CMTTermDuration",
            "change_to_product_by_default": "ChangeToProductByDefault",
        },
        external_keys=("external_key",),
        title="rating_method_type",
        described_by=("rating_method_type", "pricing_type", "account_product"),
        example={
            "RatingMethodType": "Subscription",
            "SubscriptionCycle": "Monthly",
            "CycleType": "Sync with Billing Cycle",
            # A choice would be the first of its values.
            **dict.fromkeys(
                (
                    *("AggregateRateType", "AggregationLevel", "SubAggrLevel", "AccumResetPeriod"),
                    *("ChargeInAdvanceUnit", "ChargeInSubsequentUnit", "EarlyTerminationOption"),
                    *("MinMaxPer", "LateFeeType", "CMTInputMethod", "CMTRateMethod", "CMTScope"),
                    *("DiscountType", "DiscountPricingType", "DiscountApplyTo"),
                    *("DiscountApplMethod", "DiscountEligUnitMeas", "DiscountUsePer"),
                    *("DesignateDiscountEligableChargesBy", "DesignateDiscountTargetChargesBy"),
                )
            ),
        },
    )

    class Meta:
        verbose_name = "rating method"
        verbose_name_plural = "rating methods"
        constraints = [
            live_unique("catalog_ratingmethod", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("effective_date")),
                name="catalog_ratingmethod_ends_after_start",
                violation_error_message="EndDate is not before EffectiveDate",
            ),
            models.CheckConstraint(
                condition=Q(interval_days__gt=0),
                name="catalog_ratingmethod_interval_days_positive",
                violation_error_message="IntervalDays is 1 or more",
            ),
        ]
