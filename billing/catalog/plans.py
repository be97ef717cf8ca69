"""What price lists must obey: pricing plans, rate classes and the entries of rate classes.

What a list holds lies within its days. A list that is made shorter must not cut off what names a
day of its own; what names none ends with the list.
"""

from typing import Any

from billing.catalog.overriding import keep_permissions
from billing.changes import changed, found, mentions, tells
from billing.days import Held, outside, refuse_cut_off, spell
from billing.overlaps import lock_named, overlapping, refuse_overlaps
from entities.errors import Code
from entities.records import Batch, Behavior, behavior

#: By which a pricing plan says what it prices.
PRICED = (
    "ProductId",
    "PackageProductId",
    "RateClassProductId",
    "ContractRateId",
    "AccountProductId",
)

_OTHER_CURRENCIES = """
SELECT DISTINCT main_pricing_plan_id FROM catalog_pricing
WHERE main_pricing_plan_id = ANY(%(ids)s) AND deleted_at IS NULL
"""

_CLASSES = """
SELECT class.effective_date, class.end_date, component.package_id, component.product_id
FROM unnest(%(classes)s::bigint[], %(components)s::bigint[])
     WITH ORDINALITY AS sent(class, component, place)
LEFT JOIN catalog_rateclass class ON class.id = sent.class
LEFT JOIN catalog_packageproduct component ON component.id = sent.component
ORDER BY sent.place
"""

# Entries of one rate class for the same thing that share a day.
_SAME_ENTRY = overlapping(
    "catalog_rateclassproduct",
    same=("rate_class_id",),
    alike=("product_id", "package_id", "package_product_id"),
)


_DAYS = ("EffectiveDate", "EndDate")


@behavior("PRICING_PLAN")
class PricingPlanBehavior(Behavior):
    """A plan prices one thing in one currency; its prices lie within its days."""

    def before_create(self, batch: Batch) -> None:
        _price_one_thing(batch)

    def before_update(self, batch: Batch) -> None:
        _price_one_thing(batch)
        _keep_currency(batch)

    def after_update(self, batch: Batch) -> None:
        refuse_cut_off(batch, _DAYS, [Held("PRICING", "MainPricingPlanId", _DAYS)])


@behavior("RATE_CLASS")
class RateClassBehavior(Behavior):
    """The entries of a rate class lie within its days."""

    def after_update(self, batch: Batch) -> None:
        refuse_cut_off(batch, _DAYS, [Held("RATE_CLASS_PRODUCT", "RateClassId")])


@behavior("RATE_CLASS_PRODUCT")
class RateClassProductBehavior(Behavior):
    """An entry lies within the days of its rate class, which has one entry for a thing and day."""

    def before_create(self, batch: Batch) -> None:
        keep_permissions(batch, "PackageProductId")
        if mentions(batch, *_ENTRY):
            lock_named(batch, "RateClassId")
        _check_entry(batch)

    def after_create(self, batch: Batch) -> None:
        _refuse_second_entry(batch)

    def before_update(self, batch: Batch) -> None:
        keep_permissions(batch, "PackageProductId")
        if mentions(batch, *_ENTRY):
            lock_named(batch, "RateClassId")
        _check_entry(batch)

    def after_update(self, batch: Batch) -> None:
        if mentions(batch, *_ENTRY):
            _refuse_second_entry(batch)

    def after_undelete(self, batch: Batch) -> None:
        _refuse_second_entry(batch)


_ENTRY = ("RateClassId", "ProductId", "PackageId", "PackageProductId", "StartDate", "EndDate")


def _price_one_thing(batch: Batch) -> None:
    columns = {name: batch.effective(name) for name in PRICED}
    for index in changed(batch, *PRICED):
        named = [name for name, column in columns.items() if column[index] is not None]
        if len(named) > 1:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"A pricing plan prices one thing, not {' and '.join(named)}; send one of them.",
                ",".join(named),
            )


def _keep_currency(batch: Batch) -> None:
    moved = changed(batch, "CurrencyCode")
    if not moved:
        return
    priced = {row[0] for row in found(_OTHER_CURRENCIES, ids=[batch.ids[i] for i in moved])}
    for index in moved:
        if batch.ids[index] in priced:
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"CurrencyCode stays {batch.stored['CurrencyCode'][index]}: the plan has prices in "
                f"it. Make another plan for another currency.",
                "CurrencyCode",
            )


def _check_entry(batch: Batch) -> None:
    if not mentions(batch, *_ENTRY):
        return
    asked = changed(batch, *_ENTRY)
    classes, products, packages, components, starts, ends = (
        batch.effective(name) for name in _ENTRY
    )
    rows = found(
        _CLASSES, classes=[classes[i] for i in asked], components=[components[i] for i in asked]
    )
    told = tells(batch, "RATE_CLASS", "EffectiveDate", "EndDate")
    dated = set(changed(batch, "RateClassId", "StartDate", "EndDate"))
    for index, (first, last, package, product) in zip(asked, rows, strict=True):
        for name, day in outside(first, last, StartDate=starts[index], EndDate=ends[index]):
            if index in dated:
                days = f", which runs {spell(first, last)}" if told else ""
                message = f"{name} {day} is outside the days of the rate class{days}."
                batch.fail(index, Code.VALIDATION_FAILED, message, name)
        agree_with_component(
            batch, index, components[index], (package, packages[index]), (product, products[index])
        )


def agree_with_component(
    batch: Batch,
    index: int,
    component: int | None,
    package: tuple[Any, Any],
    product: tuple[Any, Any],
) -> None:
    """A record that names a package product names no other package and product than that has;
    each pair is what that has and what is named."""
    for name, (right, sent) in (("PackageId", package), ("ProductId", product)):
        if component is not None and None not in (right, sent) and right != sent:
            fail_disagreeing(batch, index, name, sent, component, right)


def fail_disagreeing(
    batch: Batch, index: int, name: str, sent: Any, component: int, right: Any
) -> None:
    """Fail a record whose field is `sent` where its package product has `right`."""
    told = right if tells(batch, "PACKAGE_PRODUCT", name) else "another one"
    batch.fail(
        index,
        Code.VALIDATION_FAILED,
        f"{name} is {sent}, but that of PackageProductId {component} is {told}; send that one or "
        f"leave {name} out.",
        name,
    )


def _refuse_second_entry(batch: Batch) -> None:
    def said(start: str, end: str) -> str:
        return (
            f"an entry of the same rate class for the same product on days from {start} to {end}. "
            f"End that one first, or send other dates."
        )

    refuse_overlaps(batch, _SAME_ENTRY, said, "StartDate")
