"""What a rating method must say: each kind of charge needs its settings and takes no others'.

A setting that its kind of charge does not know would be ignored without a word; so it is refused,
with the kinds that know it. Filters and formulas are compiled when they are stored, so that a bad
one is refused by whoever writes it and not found by whoever rates with it.
"""

from billing.catalog.deals import check_deals, settle_filters
from billing.changes import changed, found, mentions
from entities.errors import Code
from entities.records import Batch, Behavior, behavior
from entities.validation.formulas import refuse_formulas

USAGE = ("Usage", "Prepaid Usage")
PERIODIC = ("Subscription", "Variable Interval Subscription")

#: Setting -> the kinds of charge that know it, where not all of them do.
KNOWN_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("SubscriptionCycle",), ("Subscription",)),
    **dict.fromkeys(("IntervalDays",), ("Variable Interval Subscription",)),
    **dict.fromkeys(
        (
            "SubscriptionModel",
            "CycleType",
            "ProrateSubscription",
            "ProrationDayCount",
            "ChargeInAdvancePeriod",
            "ChargeInAdvanceUnit",
            "SubAggrLevel",
            "AutoCalculateCredit",
            "ProrateCreditAfterPeriod",
            "UseHistoricalInvoiceForPrepayment",
        ),
        PERIODIC,
    ),
    **dict.fromkeys(
        (
            "SplitUsage",
            "AccumFlag",
            "AccumStartDate",
            "AccumResetPeriod",
            "MinMaxPer",
            "MinMaxZeroQuantityTrueUp",
            "AllowInternationalPricing",
            "ObligatoryIntlRate",
        ),
        USAGE,
    ),
    **dict.fromkeys(("ChargeInSubsequentPer", "ChargeInSubsequentUnit"), (*PERIODIC, "Late Fee")),
    "AutoRefill": ("Prepaid Usage",),
    **dict.fromkeys(
        ("FormulaFlag", "FormulaValue"), ("Usage", "One Time Charge", "Trial", *PERIODIC)
    ),
    "FormulaQuantity": ("One Time Charge", "Trial", *PERIODIC),
    "PropagateToHierarchy": ("Discount", "Late Fee", "Per Invoice"),
    **dict.fromkeys(
        (
            "DiscountType",
            "DiscountPricingType",
            "DiscountPriority",
            "DiscountApplyTo",
            "DiscountApplMethod",
            "DiscountItemize",
            "DesignateDiscountEligableChargesBy",
            "DiscountEligableFilterLogic",
            "DiscountEligCond",
            "DiscountEligUnitMeas",
            "DesignateDiscountTargetChargesBy",
            "DiscountTargetFilterLogic",
            "DiscountLimitedUsage",
            "DiscountMaxNumberOfUses",
            "DiscountUsePer",
        ),
        ("Discount",),
    ),
    **dict.fromkeys(
        (
            "TrialDuration",
            "TrialRateType",
            "TrialTarget",
            "TrialMaxNumberUses",
            "TrialUsePer",
            "ChangeToProductByDefault",
        ),
        ("Trial",),
    ),
    "LateFeeType": ("Late Fee",),
    "ChargeType": ("Late Fee", "Per Invoice", "Conditional Product Charge"),
    **dict.fromkeys(
        ("TaxApplication", "TaxApplicableTo", "TaxProductFilterLogic", "TaxRateDate"), ("Tax",)
    ),
    **dict.fromkeys(
        (
            "CMTInputMethod",
            "CMTQuantity",
            "CMTRateMethod",
            "CMTScope",
            "CMTInclusionLogic",
            "CMTTaxFlag",
            "CMTTermDuration",
        ),
        ("Revenue Commitment",),
    ),
}

#: A setting, its value, and what is needed beside it, with what that may be.
NEEDED: tuple[tuple[str, str | bool, str, str], ...] = (
    ("RatingMethodType", "Subscription", "SubscriptionCycle", "how often it is charged: Monthly"),
    (
        "RatingMethodType",
        "Variable Interval Subscription",
        "IntervalDays",
        "the days from one charge to the next, 1 or more",
    ),
    (
        "RatingMethodType",
        "Discount",
        "DiscountPricingType",
        "what its rate means: Percentage Off or Fixed Amount",
    ),
    ("RatingMethodType", "Trial", "TrialDuration", "the length of the trial in days, 1 or more"),
    (
        "PricingType",
        "Tiered Pricing",
        "AggregateRateType",
        "Bulk (the tier reached holds for all units) or Incremental (each tier its own)",
    ),
    ("AccumFlag", True, "AccumResetPeriod", "how often the sum begins at zero: Monthly"),
    ("FormulaFlag", True, "FormulaValue", "the formula of the charge's cost"),
    ("DiscountLimitedUsage", True, "DiscountMaxNumberOfUses", "how often it may be used"),
    (
        "TaxApplicableTo",
        "Filtered Products",
        "TaxProductFilterLogic",
        "which products are taxed",
    ),
    ("ObligatoryIntlRate", True, "AllowInternationalPricing", "1: rates between two locations"),
)

#: Settings that mean something only beside another one: setting, other, the other's values.
BESIDE: tuple[tuple[str, str, tuple[str | bool, ...]], ...] = (
    ("AggregateRateType", "PricingType", ("Tiered Pricing",)),
    ("AccumResetPeriod", "AccumFlag", (True,)),
    ("AccumStartDate", "AccumFlag", (True,)),
    ("DiscountMaxNumberOfUses", "DiscountLimitedUsage", (True,)),
    ("DiscountUsePer", "DiscountLimitedUsage", (True,)),
    ("TaxProductFilterLogic", "TaxApplicableTo", ("Filtered Products",)),
    ("ProrationDayCount", "ProrateSubscription", (True,)),
)

#: Two settings of which neither means anything alone.
PAIRS = (
    ("ChargeInAdvancePeriod", "ChargeInAdvanceUnit"),
    ("ChargeInSubsequentPer", "ChargeInSubsequentUnit"),
)

#: Counts of which 0 would mean that nothing ever happens.
POSITIVE = ("IntervalDays", "TrialDuration", "DiscountMaxNumberOfUses", "TrialMaxNumberUses")

#: Filters and formulas: the entity whose records they read, and the kind of their result.
FORMULAS: dict[str, tuple[str, str]] = {
    "FormulaValue": ("ACTIVITY", "NUMBER"),
    "FormulaQuantity": ("ACTIVITY", "NUMBER"),
    "EligibleActivityFilterLogic": ("ACTIVITY", "FLAG"),
    "DiscountEligableFilterLogic": ("ACTIVITY", "FLAG"),
    "DiscountTargetFilterLogic": ("ACTIVITY", "FLAG"),
    "CMTInclusionLogic": ("ACTIVITY", "FLAG"),
    "TaxProductFilterLogic": ("PRODUCT", "FLAG"),
}

#: Fields by which a provisioned product is charged in another way.
_SETTINGS = tuple(
    dict.fromkeys(
        (
            "RatingMethodType",
            *KNOWN_BY,
            *(name for need in NEEDED for name in (need[0], need[2])),
            *(name for beside in BESIDE for name in beside[:2]),
        )
    )
)

# Methods by which something is charged: a provisioned product, by its own or what it inherits, or
# what a contract agrees on.
_IN_USE = """
SELECT method.id FROM unnest(%(ids)s::bigint[]) AS method(id)
WHERE EXISTS (SELECT FROM customers_accountproduct a
              WHERE a.rating_method_id = method.id AND a.deleted_at IS NULL)
   OR EXISTS (SELECT FROM catalog_product p JOIN customers_accountproduct a
                ON a.product_id = p.id AND a.deleted_at IS NULL
              WHERE p.rating_method_id = method.id)
   OR EXISTS (SELECT FROM catalog_packageproduct p JOIN customers_accountproduct a
                ON a.package_product_id = p.id AND a.deleted_at IS NULL
              WHERE p.rating_method_id = method.id)
   OR EXISTS (SELECT FROM customers_contractrate r
              WHERE r.rating_method_id = method.id AND r.deleted_at IS NULL)
"""

# Methods that have prices in bands: of the row, else of what the row is a price of.
_BANDED = """
SELECT DISTINCT method.id
FROM unnest(%(ids)s::bigint[]) AS method(id)
JOIN LATERAL (
    SELECT FROM catalog_pricing r
    WHERE r.rating_method_id = method.id AND r.deleted_at IS NULL
      AND (r.lower_band > 0 OR r.upper_band <> -1)
    UNION ALL
    SELECT FROM catalog_product p JOIN catalog_pricing r ON r.product_id = p.id
    WHERE p.rating_method_id = method.id AND r.rating_method_id IS NULL
      AND r.deleted_at IS NULL AND (r.lower_band > 0 OR r.upper_band <> -1)
    LIMIT 1
) banded ON true
"""


@behavior("RATING_METHOD")
class RatingMethodBehavior(Behavior):
    """A method says what its kind of charge needs, and nothing that its kind does not know."""

    def before_create(self, batch: Batch) -> None:
        _settle_cycle(batch)
        _settle_true_up(batch)
        settle_filters(batch)
        _check_settings(batch)
        check_deals(batch)
        _check_formulas(batch)

    def before_update(self, batch: Batch) -> None:
        _settle_true_up(batch)
        settle_filters(batch)
        if mentions(batch, *_SETTINGS):
            _check_settings(batch)
        check_deals(batch)
        _check_formulas(batch)
        _keep_kind(batch)
        _keep_bands(batch)


def _settle_cycle(batch: Batch) -> None:
    """A new subscription that says no cycle is charged every month."""
    kinds, cycles = batch.effective("RatingMethodType"), batch.effective("SubscriptionCycle")
    if "Subscription" in kinds:
        batch.put(
            "SubscriptionCycle",
            [
                "Monthly" if kind == "Subscription" and cycle is None else cycle
                for kind, cycle in zip(kinds, cycles, strict=True)
            ],
        )


def _settle_true_up(batch: Batch) -> None:
    """A minimum that is settled without usage is one of the period."""
    flags = batch.sent("MinMaxZeroQuantityTrueUp")
    if True in flags:
        per = batch.effective("MinMaxPer")
        batch.put(
            "MinMaxPer",
            ["Period" if f is True and p is None else p for f, p in zip(flags, per, strict=True)],
        )


def _check_settings(batch: Batch) -> None:
    defaults = {
        name: field.default for name in _SETTINGS if (field := batch.schema.field(name)).default
    }
    values = {name: batch.effective(name) for name in (*_SETTINGS, *POSITIVE)}
    for pair in PAIRS:
        values |= {name: batch.effective(name) for name in pair}

    def says(name: str, index: int) -> bool:
        value = values[name][index]
        return value is not None and value is not False and value != defaults.get(name)

    for index in changed(batch, *_SETTINGS):
        kind = values["RatingMethodType"][index]
        wrong: dict[str, str] = {}
        for name, kinds in KNOWN_BY.items():
            if says(name, index) and kind not in kinds:
                wrong[name] = (
                    f"{name} {_shown(values[name][index])} means nothing for a rating method of "
                    f"type {kind}, only for {_either(kinds)}; leave it out."
                )
        for name, value, needed, what in NEEDED:
            if values[name][index] == value and not values[needed][index]:
                wrong.setdefault(
                    needed, f"{needed} is required where {name} is {_shown(value)}: {what}."
                )
        for name, other, wanted in BESIDE:
            if says(name, index) and values[other][index] not in wanted:
                wrong.setdefault(
                    name,
                    f"{name} {_shown(values[name][index])} means nothing where {other} is "
                    f"{_shown(values[other][index])}; leave it out, or send {other} "
                    f"{_shown(wanted[0])}.",
                )
        for pair in PAIRS:
            for one, other in (pair, pair[::-1]):
                if says(one, index) and values[other][index] is None:
                    wrong.setdefault(other, f"{other} is required beside {one}.")
        for name in POSITIVE:
            if values[name][index] == 0:
                wrong[name] = f"{name} is 0; send 1 or more."
        if (
            values["MinMaxZeroQuantityTrueUp"][index] is True
            and values["MinMaxPer"][index] == "Charge"
        ):
            wrong.setdefault(
                "MinMaxPer",
                "MinMaxPer is 'Charge', but where MinMaxZeroQuantityTrueUp is 1 the minimum is "
                "that of a period; send 'Period'.",
            )
        level = values["SubAggrLevel"][index]
        if values["FormulaQuantity"][index] and level not in (None, "Product"):
            wrong.setdefault(
                "FormulaQuantity",
                f"FormulaQuantity means nothing where SubAggrLevel is {level!r}: what is added up "
                f"there are the quantities of account products; leave one of them out.",
            )
        for name, message in wrong.items():
            missing = "is required" in message
            code = Code.REQUIRED_FIELD_MISSING if missing else Code.VALIDATION_FAILED
            batch.fail(index, code, message, name)


def _check_formulas(batch: Batch) -> None:
    for name, (entity, kind) in FORMULAS.items():
        refuse_formulas(batch, name, batch.snapshot.entity(entity), kind)


def _keep_kind(batch: Batch) -> None:
    """What is charged in one way is not charged in another from today on."""
    moved = changed(batch, "RatingMethodType")
    if not moved:
        return
    used = {row[0] for row in found(_IN_USE, ids=[batch.ids[i] for i in moved])}
    for index in moved:
        if batch.ids[index] in used:
            was = batch.stored["RatingMethodType"][index]
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"RatingMethodType stays {was!r}: account products or contracts are charged by it. "
                f"Make another method and give that to what shall be charged otherwise.",
                "RatingMethodType",
            )


def _keep_bands(batch: Batch) -> None:
    """Tiers have no single rate that could stand for all of them."""
    types = batch.effective("PricingType")
    moved = [i for i in changed(batch, "PricingType") if types[i] == "Standard Pricing"]
    if not moved:
        return
    banded = {row[0] for row in found(_BANDED, ids=[batch.ids[i] for i in moved])}
    for index in moved:
        if batch.ids[index] in banded:
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                "PricingType stays 'Tiered Pricing': there are prices in bands for this method. "
                "End or delete these first, or make another method.",
                "PricingType",
            )


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value)
    return str(int(value) if isinstance(value, bool) else value)


def _either(kinds: tuple[str, ...]) -> str:
    return " or ".join(kinds)
