"""What a discount, a commitment and their prices must say, beside what every rating method must.

A discount says which charges it lowers, a conditional one which charges make eligible for it and
perhaps what these must come to; a commitment says to what and for how long. Their rates are prices
like any other; a percentage off lies between 0 and 100.
"""

import re
from decimal import Decimal

from billing.changes import changed, found, mentions
from entities.errors import Code
from entities.records import UNSET, Batch

TARGETS = ("DiscountApplyTo", "DesignateDiscountTargetChargesBy", "DiscountTargetFilterLogic")
#: How charges are designated -> the filter that does it.
FILTERS = {
    "DesignateDiscountTargetChargesBy": "DiscountTargetFilterLogic",
    "DesignateDiscountEligableChargesBy": "DiscountEligableFilterLogic",
}
ELIGIBLE = (
    "DesignateDiscountEligableChargesBy",
    "DiscountEligableFilterLogic",
    "DiscountEligCond",
)
_READ = (
    *("RatingMethodType", "DiscountType", "DiscountPricingType", "AggregateRateType"),
    *("PricingType", "DiscountApplMethod", "DiscountEligUnitMeas", *TARGETS, *ELIGIBLE),
    *("CMTQuantity", "CMTTermDuration"),
)

#: `>= 100`: a comparison and a number.
CONDITION = re.compile(r"\s*(>=|<=|<>|>|<|=)\s*([0-9]{1,18}(?:\.[0-9]{1,10})?)\s*")
#: `12 months`: a count and a unit of the calendar.
TERM = re.compile(r"\s*([0-9]{1,4})\s*(DAY|WEEK|MONTH|QUARTER|YEAR)S?\s*", re.IGNORECASE)

# The kind of the method that a price's owner is charged by, and what its rate means.
_KINDS = """
SELECT sent.place, method.rating_method_type, method.discount_pricing_type
FROM unnest(%(products)s::bigint[], %(components)s::bigint[], %(entries)s::bigint[],
            %(rates)s::bigint[], %(account_products)s::bigint[], %(methods)s::bigint[],
            %(places)s::int[])
     AS sent(product, component, entry, rate, account_product, method, place)
LEFT JOIN customers_accountproduct own ON own.id = sent.account_product
LEFT JOIN customers_contractrate agreed ON agreed.id = sent.rate
LEFT JOIN catalog_rateclassproduct entry ON entry.id = sent.entry
LEFT JOIN catalog_packageproduct component
  ON component.id = coalesce(sent.component, own.package_product_id, agreed.package_product_id,
                             entry.package_product_id)
LEFT JOIN catalog_product product
  ON product.id = coalesce(sent.product, component.product_id, own.product_id, agreed.product_id,
                           entry.product_id)
JOIN catalog_ratingmethod method
  ON method.id = coalesce(sent.method, own.rating_method_id, agreed.rating_method_id,
                          entry.rating_method_id, component.rating_method_id,
                          product.rating_method_id)
"""
_OWNERS = {
    "products": "ProductId",
    "components": "PackageProductId",
    "entries": "RateClassProductId",
    "rates": "ContractRateId",
    "account_products": "AccountProductId",
    "methods": "RatingMethodId",
}


def settle_filters(batch: Batch) -> None:
    """Charges for which a filter is sent are designated by it."""
    for designation, filter_ in FILTERS.items():
        sent = batch.sent(filter_)
        if any(text is not UNSET and text for text in sent):
            by = batch.effective(designation)
            batch.put(
                designation,
                [
                    "Filter" if t is not UNSET and t and b is None else b
                    for t, b in zip(sent, by, strict=True)
                ],
            )


def check_deals(batch: Batch) -> None:
    """Refuse discounts and commitments of which it is not clear what they come to."""
    if not mentions(batch, *_READ):
        return
    values = {name: batch.effective(name) for name in _READ}
    for index in changed(batch, *_READ):
        says = {name: column[index] for name, column in values.items()}
        kind = says["RatingMethodType"]
        wrong: dict[str, str] = {}
        if kind == "Discount":
            wrong = _of_discount(says)
        elif kind == "Revenue Commitment":
            wrong = _of_commitment(says)
        for name, message in wrong.items():
            missing = "is required" in message
            code = Code.REQUIRED_FIELD_MISSING if missing else Code.VALIDATION_FAILED
            batch.fail(index, code, message, name)


def _of_discount(says: dict[str, object]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not any(says[name] for name in TARGETS):
        wrong["DesignateDiscountTargetChargesBy"] = (
            "DesignateDiscountTargetChargesBy is required where RatingMethodType is 'Discount': "
            "which charges are lowered: All charges, Account package, Parent account product or "
            "Filter; or send DiscountApplyTo."
        )
    conditional = says["DiscountType"] == "Conditional"
    for designation, filter_ in FILTERS.items():
        if says[designation] == "Filter" and not says[filter_]:
            wrong[filter_] = (
                f"{filter_} is required where {designation} is 'Filter': which charges these are: "
                "{!ProductObj.Name} = 'Fiber'."
            )
    if conditional and not any(says[name] for name in ELIGIBLE[:2]):
        wrong["DiscountEligableFilterLogic"] = (
            "DiscountEligableFilterLogic is required where DiscountType is 'Conditional': which "
            "charges make eligible for it; or send DesignateDiscountEligableChargesBy."
        )
    for name in ELIGIBLE if not conditional else ():
        if says[name]:
            wrong[name] = (
                f"{name} means nothing where DiscountType is not 'Conditional'; leave it out, or "
                "send DiscountType 'Conditional'."
            )
    condition = says["DiscountEligCond"]
    if condition and not CONDITION.fullmatch(str(condition)):
        wrong["DiscountEligCond"] = (
            f"DiscountEligCond can't be {str(condition)[:80]!r}; send a comparison with a number: "
            ">= 100. It is one of >=, >, =, <>, <, <=."
        )
    tiered = says["PricingType"] == "Tiered Pricing"
    if says["DiscountEligUnitMeas"] and not (conditional or tiered):
        wrong["DiscountEligUnitMeas"] = (
            "DiscountEligUnitMeas means nothing where neither a condition nor tiers are measured; "
            "leave it out."
        )
    if says["DiscountApplMethod"] and says["DiscountPricingType"] != "Fixed Amount":
        wrong["DiscountApplMethod"] = (
            "DiscountApplMethod means nothing where DiscountPricingType is not 'Fixed Amount': a "
            "percentage needs no spreading; leave it out."
        )
    if says["AggregateRateType"] == "Incremental":
        wrong["AggregateRateType"] = (
            "AggregateRateType is 'Incremental', but a discount has one rate: that of the tier "
            "reached; send Bulk."
        )
    return wrong


def _of_commitment(says: dict[str, object]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    quantity, term = says["CMTQuantity"], says["CMTTermDuration"]
    if quantity is None:
        wrong["CMTQuantity"] = (
            "CMTQuantity is required where RatingMethodType is 'Revenue Commitment': the amount, "
            "or the units, that are committed to."
        )
    elif isinstance(quantity, Decimal) and quantity <= 0:
        wrong["CMTQuantity"] = f"CMTQuantity is {quantity.normalize():f}; send more than 0."
    if not term:
        wrong["CMTTermDuration"] = (
            "CMTTermDuration is required where RatingMethodType is 'Revenue Commitment': how long "
            "the commitment runs before it is settled: 1 month, 12 months."
        )
    elif not (said := TERM.fullmatch(str(term))) or not int(said[1]):
        wrong["CMTTermDuration"] = (
            f"CMTTermDuration can't be {str(term)[:80]!r}; send a count of days, weeks, months, "
            "quarters or years: 12 months."
        )
    return wrong


def check_rates(batch: Batch) -> None:
    """A percentage off lies between 0 and 100; neither discounts nor commitments are below 0."""
    rates = batch.effective("Rate")
    asked = [
        i
        for i in changed(batch, "Rate", *_OWNERS.values())
        if rates[i] is not None and not 0 <= rates[i] <= 100
    ]
    if not asked:
        return
    values = {key: batch.effective(name) for key, name in _OWNERS.items()}
    rows = found(
        _KINDS, places=asked, **{k: [column[i] for i in asked] for k, column in values.items()}
    )
    for index, kind, pricing in rows:
        if kind == "Discount" and pricing == "Percentage Off":
            right = "the rate of a percentage off lies between 0 and 100"
        elif kind in ("Discount", "Revenue Commitment") and rates[index] < 0:
            right = f"the rate of a {kind.lower()} is 0 or more"
        else:
            continue
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"Rate is {rates[index].normalize():f}, but {right}.",
            "Rate",
        )
