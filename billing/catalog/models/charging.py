"""What a rating method charges, and when: its kind, price, subscription, usage, locations."""

from django.db import models

from metabrm import shorthand as optional
from metabrm.fields import FlagField, ListField

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
#: How days are counted (billing.rating.cycles).
DAY_COUNTS = ("Actual", "30/360")
UNITS_OF_TIME = ("Day", "Week", "Month", "Quarter", "Year")


class Charging(models.Model):
    """The settings of charges themselves, in the order of the kinds."""

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
    aggregate_rate_type = optional.choice(
        ("Bulk", "Incremental"),
        "Bulk: the rate of the tier reached holds for all units. Incremental: each tier its own.",
        verbose_name="tiered rate type",
    )
    aggregation_level = optional.choice(
        LEVELS,
        "Over what the units of usage are added up to find the tier.",
        verbose_name="tier calculation level",
    )
    sub_aggr_level = optional.choice(
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
    use_flat_rate = optional.text(
        100, "When the flat rate of a band is used instead of its unit rate."
    )
    prorate_band = FlagField(help_text="Band limits shrink with a shortened period.")
    calculate_effective_rate = FlagField(
        help_text="The charge shows its average rate per unit over all tiers."
    )
    recalculate_on_rate_change = FlagField(
        help_text="Charges already made are calculated again when the rate changes."
    )
    default_rate_flag = FlagField(help_text="The product's default prices count for this method.")
    formula_flag = FlagField(help_text="The charge comes from FormulaValue, not from a rate.")
    formula_value = optional.long_text("Formula of the charge's cost, over the charge line.")
    formula_quantity = optional.long_text(
        "Formula of the quantity that is charged once or again and again, over a charge line whose "
        "Quantity is that of the account product; empty = that quantity."
    )
    formula_param_ident = optional.text(
        100,
        "Name under which the formula's parameters are found.",
        verbose_name="formula parameter identifier",
    )
    non_billable_flag = FlagField(help_text="Charges are recorded but not put on invoices.")
    zero_rated_display_flag = FlagField(help_text="Charges of zero are printed on invoices.")
    force_generate_activity = FlagField(
        help_text="A charge is made even where quantity or rate is zero."
    )
    generate_flat_fee = FlagField(help_text="A flat fee is charged beside the rate.")
    dependent_type = optional.text(100, "Of what other charge the charge depends.")
    apply_charge_on_component = FlagField(
        help_text="The charge applies to the components of a package, not to the package."
    )
    exclude_components = FlagField(help_text="Components of a package are left out of the charge.")

    # Subscription
    subscription_cycle = optional.choice(CYCLES, "How often the subscription is charged.")
    interval_days = optional.count(
        "Days from one charge of a variable interval subscription to the next.",
        verbose_name="interval in days",
    )
    subscription_model = ListField(
        values=("Postpaid", "Prepaid"),
        default="Postpaid",
        verbose_name="payment model",
        help_text="Charged after the period (postpaid) or before it (prepaid).",
    )
    cycle_type = optional.choice(
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
    charge_in_advance_period = optional.count(
        "How long before its period a prepaid charge is made, in ChargeInAdvanceUnit."
    )
    charge_in_advance_unit = optional.choice(UNITS_OF_TIME, "Unit of ChargeInAdvancePeriod.")
    charge_in_subsequent_per = optional.count(
        "How long after its period a charge is made, in ChargeInSubsequentUnit.",
        verbose_name="charge in subsequent period",
    )
    charge_in_subsequent_unit = optional.choice(UNITS_OF_TIME, "Unit of ChargeInSubsequentPer.")
    activation_charge_place = optional.text(
        100, "On which invoice the charge of the first period is placed."
    )
    early_termination_option = optional.choice(
        ("Full", "Prorate", "None"),
        "What is left of a commitment whose term is cut short: all of it (also where this is "
        "empty), the part of its days, nothing.",
    )
    auto_calculate_credit = FlagField(
        help_text="A prepaid period that is cut short is credited without being asked for."
    )
    prorate_credit_after_period = optional.text(100, "From when on a credit is reckoned by days.")
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
    accum_reset_period = optional.choice(
        CYCLES, "How often the accumulated usage begins at zero.", verbose_name="accumulation reset"
    )
    eligible_activity_filter_logic = optional.long_text(
        "Which usage counts, as filters joined by logic."
    )
    auto_refill = FlagField(
        help_text="Prepaid usage that is used up is bought again; off: the excess is charged at "
        "the usage product's rate."
    )
    min_max_per = optional.choice(
        ("Charge", "Period"),
        "Whether MinCharge and MaxCharge of a price bound each charge, or what a period's charges "
        "add up to; empty = each charge.",
        verbose_name="minimum and maximum per",
    )
    min_max_zero_quantity_true_up = FlagField(
        help_text="Minimum and maximum are settled even for a period without usage."
    )
    true_up_credit_type = optional.text(
        100,
        "Kind of credit by which a settlement is given back; kept for billing runs: settling "
        "writes and takes back charge lines, no credits.",
    )

    # International
    allow_international_pricing = FlagField(
        help_text="Rates may depend on where the usage comes from and goes to."
    )
    obligatory_intl_rate = FlagField(
        verbose_name="international rate obligatory",
        help_text="Usage between two locations without a rate is refused, not rated by the band.",
    )

    class Meta:
        abstract = True
