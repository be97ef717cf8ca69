"""What prices must obey: one owner, and one price for a quantity on a day.

A tier may be built band by band, in one request or in several; while it is not whole, quantities
that no band holds have no price (the field Gap says which). A request that sends both ends of a
tier means all of it, and is refused if it leaves a gap.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

from django.db import connection

from billing.catalog.bands import UNLIMITED, Band, border, gap_in, ladders, plain
from billing.catalog.models.prices import PRICE_OWNERS
from billing.catalog.overriding import (
    NO_RATING_METHOD,
    RESTRICTS_RATE,
    forbids_method,
    no_rate,
)
from billing.changes import changed, found, mentions, some, tells
from billing.days import outside, spell
from billing.overlaps import overlapping, refuse_overlaps
from entities.errors import Code
from entities.records import UNSET, Batch, Behavior, behavior
from entities.schema.description import quote
from metabrm.entity import api_name

OWNERS = tuple(api_name(o if o.endswith("_id") else f"{o}_id") for o in PRICE_OWNERS)

_SAME_QUANTITY = """numrange(other.lower_band, nullif(other.upper_band, -1), '(]')
    && numrange(one.lower_band, nullif(one.upper_band, -1), '(]')"""
_QUANTITIES = (
    "trim_scale(other.lower_band)::text",
    "coalesce(trim_scale(nullif(other.upper_band, -1))::text, 'no limit')",
    "other.currency_code",
)

# What a written price depends on: the product that it is a price of, the method that is named for
# it (not the one that the product has for all its prices), and the terms of what it hangs on. A
# currency fits where none is listed.
_TERMS = """
SELECT sent.place, product.override_permissions, product.rating_method_id,
       coalesce(account_product.rating_method_id, contract_rate.rating_method_id,
                entry.rating_method_id, component.rating_method_id, product.rating_method_id),
       method.pricing_type, account_product.package_product_id IS NOT NULL
                            AND NOT component.allow_price_override,
       contract_rate.contract_id IS NULL OR NOT EXISTS (
           SELECT FROM customers_contractcurrency c
           WHERE c.contract_id = contract_rate.contract_id AND c.deleted_at IS NULL)
       OR EXISTS (
           SELECT FROM customers_contractcurrency c
           WHERE c.contract_id = contract_rate.contract_id AND c.deleted_at IS NULL
             AND c.currency_code = sent.currency),
       sent.component IS NULL OR NOT EXISTS (
           SELECT FROM catalog_packagecurrency c
           WHERE c.package_id = component.package_id AND c.deleted_at IS NULL)
       OR EXISTS (
           SELECT FROM catalog_packagecurrency c
           WHERE c.package_id = component.package_id AND c.deleted_at IS NULL
             AND c.currency_code = sent.currency),
       plan.currency_code, plan.effective_date, plan.end_date,
       contract_rate.start_date, coalesce(contract_rate.end_date, contract.end_date),
       greatest(entry.start_date, class.effective_date), least(entry.end_date, class.end_date),
       plan.product_id, plan.package_product_id, plan.rate_class_product_id,
       plan.contract_rate_id, plan.account_product_id
FROM unnest(%(products)s::bigint[], %(components)s::bigint[], %(entries)s::bigint[],
            %(rates)s::bigint[], %(account_products)s::bigint[], %(plans)s::bigint[],
            %(methods)s::bigint[], %(currencies)s::text[])
     WITH ORDINALITY AS sent(product, component, entry, rate, account_product, plan, method,
                             currency, place)
LEFT JOIN customers_accountproduct account_product ON account_product.id = sent.account_product
LEFT JOIN customers_contractrate contract_rate ON contract_rate.id = sent.rate
LEFT JOIN customers_contract contract ON contract.id = contract_rate.contract_id
LEFT JOIN catalog_rateclassproduct entry ON entry.id = sent.entry
LEFT JOIN catalog_rateclass class ON class.id = entry.rate_class_id
LEFT JOIN catalog_packageproduct component
  ON component.id = coalesce(sent.component, account_product.package_product_id,
                             contract_rate.package_product_id, entry.package_product_id)
LEFT JOIN catalog_product product
  ON product.id = coalesce(sent.product, component.product_id, account_product.product_id,
                           contract_rate.product_id, entry.product_id)
LEFT JOIN catalog_pricingplan plan ON plan.id = sent.plan
LEFT JOIN catalog_ratingmethod method
  ON method.id = coalesce(sent.method, account_product.rating_method_id,
                          contract_rate.rating_method_id, entry.rating_method_id,
                          component.rating_method_id)
ORDER BY sent.place
"""

#: The owners that agree on a price instead of the product's own.
OVERRIDING = ("PackageProductId", "RateClassProductId", "ContractRateId", "AccountProductId")

#: The columns of a Band.
_BAND = ("lower_band", "upper_band", "effective_date", "end_date", "rate_order")

#: What makes a tier: prices that agree in all of it are bands of one.
TIER = (*OWNERS, "CurrencyCode", "MainPricingPlanId", "RatingMethodId")
BANDS = ("LowerBand", "UpperBand")
DAYS = ("EffectiveDate", "EndDate")


@behavior("PRICING")
class PricingBehavior(Behavior):
    """A price has one owner, obeys its terms and overlaps no other price of that owner."""

    def before_create(self, batch: Batch) -> None:
        _check_owner(batch)
        _lock_owners(batch)
        _settle_blocks(batch)
        _check_terms(batch)
        _check_tiers(batch)

    def after_create(self, batch: Batch) -> None:
        _refuse_overlaps(batch, _owner_columns(batch))

    def before_update(self, batch: Batch) -> None:
        _settle_blocks(batch)
        if _moves(batch):
            _check_owner(batch)
            _lock_owners(batch)
            _check_terms(batch)
            _check_tiers(batch)
        elif mentions(batch, "RateOrder", "IncludedQuantity", "IncludedCharges"):
            _check_tiers(batch)

    def after_update(self, batch: Batch) -> None:
        if _moves(batch):
            _refuse_overlaps(batch, _owner_columns(batch))

    def after_undelete(self, batch: Batch) -> None:
        _refuse_overlaps(batch, OWNERS)


def _moves(batch: Batch) -> bool:
    """Whether an update touches what the price holds for, rather than only what it is."""
    return mentions(batch, *TIER, *BANDS, *DAYS)


def _owner_columns(batch: Batch) -> dict[str, list[Any]]:
    """Name of an owner field -> its values, for the owners that the batch mentions."""
    columns = {name: batch.effective(name) for name in OWNERS}
    return {name: c for name, c in columns.items() if any(v is not None for v in c)}


def _check_owner(batch: Batch) -> None:
    columns = _owner_columns(batch)
    plans = batch.effective("MainPricingPlanId")
    for index in batch.live:
        owners = [name for name, column in columns.items() if column[index] is not None]
        if len(owners) > 1:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"A price belongs to one owner, not to {' and '.join(owners)}; send one of them.",
                ",".join(owners),
            )
        elif not owners and plans[index] is None:
            batch.fail(
                index,
                Code.REQUIRED_FIELD_MISSING,
                f"A price belongs to an owner; send one of {', '.join(OWNERS)}.",
                "ProductId",
            )


def _lock_owners(batch: Batch) -> None:
    """Prices of one owner are written one request after the other."""
    for name, column in _owner_columns(batch).items():
        field = batch.schema.field(name)
        ids = sorted({column[i] for i in batch.live if column[i] is not None})
        if field.lookup is None or not ids:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT FROM {quote(batch.snapshot.target(field).table)} "
                f"WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
                [ids],
            )


def _refuse_overlaps(batch: Batch, owners: Iterable[str]) -> None:
    """Prices of one owner, currency, plan and rating method share no quantity on a day."""
    for name in owners:

        def said(
            start: str, end: str, lower: str, upper: str, currency: str, owner: str = name
        ) -> str:
            return (
                f"a price of the same {owner} for quantities from {lower} to {upper} in "
                f"{currency} on days from {start} to {end}. End that one first, or send other "
                f"bands or dates."
            )

        owned = overlapping(
            "catalog_pricing",
            same=(quote(batch.schema.field(name).column or ""), "currency_code"),
            alike=("main_pricing_plan_id", "rating_method_id"),
            days=("effective_date", "end_date"),
            also=_SAME_QUANTITY,
            told=_QUANTITIES,
        )
        refuse_overlaps(batch, owned, said, "EffectiveDate")


def _settle_blocks(batch: Batch) -> None:
    """So many blocks of one size are as wide as they are together."""
    names = ("LowerBand", "UpperBand", "BlockSize", "BlockIterations")
    if not mentions(batch, *names):
        return
    lower, upper, size, blocks = (batch.effective(name) for name in names)
    sent = batch.sent("UpperBand")
    settled = list(sent)
    for index in changed(batch, *names):
        if size[index] is None or not blocks[index] or lower[index] is None:
            continue
        width = size[index] * blocks[index]
        right = border(lower[index]) + width
        if sent[index] not in (UNSET, UNLIMITED, right):
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"UpperBand is {plain(upper[index])}, but {blocks[index]} blocks of "
                f"{plain(size[index])} from {plain(border(lower[index]))} end at {plain(right)}; "
                f"send that, or leave UpperBand out.",
                "UpperBand",
            )
        settled[index] = right
    if settled != sent:
        batch.put("UpperBand", settled)


def _check_terms(batch: Batch) -> None:
    """What the price hangs on says what may be agreed, in which currency and for which days."""
    asked = changed(batch, *TIER, *BANDS, *DAYS)
    if not asked:
        return
    owners = {name: batch.effective(name) for name in OWNERS}
    plans, methods = batch.effective("MainPricingPlanId"), batch.effective("RatingMethodId")
    currencies = batch.effective("CurrencyCode")
    owned, moved = set(changed(batch, *OWNERS)), set(changed(batch, *DAYS, *OWNERS))
    banded = set(changed(batch, *BANDS, "RatingMethodId", *OWNERS))
    in_money = set(changed(batch, "CurrencyCode", "MainPricingPlanId", *OWNERS))
    charged = set(changed(batch, "RatingMethodId", *OWNERS))
    planned = set(changed(batch, "MainPricingPlanId", *OWNERS, *DAYS))
    lower, upper = (batch.effective(name) for name in BANDS)
    first, last = (batch.effective(name) for name in DAYS)
    rows = found(
        _TERMS,
        products=[owners["ProductId"][i] for i in asked],
        components=[owners["PackageProductId"][i] for i in asked],
        entries=[owners["RateClassProductId"][i] for i in asked],
        rates=[owners["ContractRateId"][i] for i in asked],
        account_products=[owners["AccountProductId"][i] for i in asked],
        plans=[plans[i] for i in asked],
        methods=[methods[i] for i in asked],
        currencies=[currencies[i] for i in asked],
    )
    knows = {
        "ContractRateId": tells(batch, "CONTRACT_RATE", "StartDate", "EndDate")
        and tells(batch, "CONTRACT", "EndDate"),
        "RateClassProductId": tells(batch, "RATE_CLASS_PRODUCT", "StartDate", "EndDate")
        and tells(batch, "RATE_CLASS", "EffectiveDate", "EndDate"),
        "MainPricingPlanId": tells(
            batch, "PRICING_PLAN", "EffectiveDate", "EndDate", "CurrencyCode"
        ),
    }

    def refuse(index: int, message: str, field: str) -> None:
        batch.fail(index, Code.VALIDATION_FAILED, message, field)

    def keep_days(index: int, owner: str, start: date | None, end: date | None) -> None:
        days = f", which runs {spell(start, end)}" if knows[owner] else ""
        held = {"EffectiveDate": first[index], "EndDate": last[index]}
        for name, day in outside(start, end, **held):
            refuse(index, f"{name} {day} is outside the days of its {owner}{days}.", name)

    for index, row in zip(asked, rows, strict=True):
        (
            _,
            permission,
            product_method,
            owner_method,
            pricing,
            package_keeps,
            contract_takes,
            package_takes,
            plan_currency,
            plan_first,
            plan_last,
            rate_first,
            rate_last,
            entry_first,
            entry_last,
            *plan_owners,
        ) = row
        override = next((n for n in OVERRIDING if owners[n][index] is not None), "")
        if index in owned and override:
            if permission == RESTRICTS_RATE:
                refuse(index, no_rate("price"), override)
            elif package_keeps and override == "AccountProductId":
                refuse(
                    index,
                    "The package keeps its prices: the account product's package product has "
                    "AllowPriceOverride 0. Leave the price out, or allow it there.",
                    override,
                )
        if (
            index in charged
            and override
            and forbids_method(permission, product_method, methods[index], owner_method)
        ):
            refuse(index, NO_RATING_METHOD, "RatingMethodId")
        if (
            index in banded
            and pricing == "Standard Pricing"
            and (lower[index] != 0 or upper[index] != UNLIMITED)
        ):
            refuse(
                index,
                f"The rating method has Standard Pricing, one rate for every quantity, but the "
                f"price is for quantities from {plain(lower[index])} to {plain(upper[index])}; "
                f"send LowerBand 0 and UpperBand -1, or a RatingMethodId with Tiered Pricing.",
                "LowerBand" if lower[index] != 0 else "UpperBand",
            )
        if index in in_money:
            for takes, what, where in (
                (contract_takes, "contract", "CONTRACT_CURRENCY"),
                (package_takes, "package", "PACKAGE_CURRENCY"),
            ):
                if not takes:
                    refuse(
                        index,
                        f"CurrencyCode {currencies[index]} is no currency of the {what}; list it "
                        f"in {where} first, or send a price in one that is listed.",
                        "CurrencyCode",
                    )
            if plan_currency not in (None, currencies[index]):
                right = f"; send {plan_currency}" if knows["MainPricingPlanId"] else ""
                refuse(
                    index,
                    f"CurrencyCode {currencies[index]} is not that of the pricing plan{right}.",
                    "CurrencyCode",
                )
        if index in planned and plans[index] is not None:
            for name, planned_for in zip(("ProductId", *OVERRIDING), plan_owners, strict=True):
                if planned_for is not None and owners[name][index] not in (None, planned_for):
                    refuse(
                        index,
                        f"{name} is another one than that of the pricing plan; send the plan's, or "
                        f"leave it out.",
                        name,
                    )
            keep_days(index, "MainPricingPlanId", plan_first, plan_last)
        if index in moved:
            keep_days(index, "ContractRateId", rate_first, rate_last)
            keep_days(index, "RateClassProductId", entry_first, entry_last)


def _check_tiers(batch: Batch) -> None:
    """Bands follow each other without a gap and in the order of RateOrder."""
    names = ("LowerBand", "UpperBand", "EffectiveDate", "EndDate", "RateOrder")
    values = [batch.effective(name) for name in names]
    lower, upper = values[:2]
    _begin_with_what_is_included(batch, lower)
    keys = list(zip(*(batch.effective(name) for name in TIER), strict=True))
    asked = [
        i
        for i in changed(batch, *TIER, *names)
        if lower[i] is not None and upper[i] is not None and (lower[i] or upper[i] != UNLIMITED)
    ]
    tiers = {keys[i] for i in asked}
    if not tiers:
        return
    sent: dict[tuple[Any, ...], list[Band]] = defaultdict(list)
    for index in batch.live:
        if keys[index] in tiers and lower[index] is not None and upper[index] is not None:
            low, up, first, last, order = (column[index] for column in values)
            sent[keys[index]].append(Band(low, up, first, last, order, index))
    standing = _standing(batch, tiers)
    for key, bands in _coming(batch).items():
        standing[key] += bands
    numbered = list(batch.sent("RateOrder"))
    for key, bands in sent.items():
        if not batch.stored:
            bands = _numbered(bands, standing[key])
            for band in bands:
                if band.index is not None:
                    numbered[band.index] = band.order
        written = frozenset(bands)
        whole = [*bands, *standing[key]]
        if any(b.lower == 0 for b in bands) and any(b.upper == UNLIMITED for b in bands):
            gap = gap_in(whole, written)
            if gap is not None:
                for band in bands:
                    batch.fail(
                        band.index or 0,
                        Code.VALIDATION_FAILED,
                        f"The bands of the price leave a gap: {gap}. Send a band for them too; the "
                        f"next LowerBand is the UpperBand before, or that and 0.0000000001.",
                        "LowerBand",
                    )
                continue
        _keep_order(batch, whole)
    if not batch.stored:
        batch.put("RateOrder", numbered)


def _begin_with_what_is_included(batch: Batch, lower: Sequence[Any]) -> None:
    for name in ("IncludedQuantity", "IncludedCharges"):
        if not mentions(batch, name, "LowerBand"):
            continue
        values = batch.effective(name)
        for index in changed(batch, name, "LowerBand"):
            if values[index] is not None and lower[index]:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"{name} is {plain(values[index])}, but what is included comes first; send it "
                    f"with the band whose LowerBand is 0.",
                    name,
                )


def _standing(batch: Batch, tiers: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Band]]:
    """The bands of the tiers that the batch does not write, by tier."""
    columns = [quote(batch.schema.field(name).column or "") for name in TIER]
    wanted: dict[str, set[int]] = defaultdict(set)
    plans: set[int] = set()
    plan = TIER.index("MainPricingPlanId")
    for key in tiers:
        owned = [(c, v) for c, v in zip(columns, key[: len(OWNERS)], strict=False) if v is not None]
        for column, value in owned:
            wanted[column].add(value)
        if not owned and key[plan] is not None:
            plans.add(key[plan])
    if plans:
        wanted[columns[plan]] = plans
    if not wanted:
        return defaultdict(list)
    held = " OR ".join(f"{column} = ANY(%s)" for column in wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join([*columns, *_BAND])} FROM catalog_pricing "  # noqa: S608 (names)
            f"WHERE ({held}) AND deleted_at IS NULL AND id <> ALL(%s::bigint[])",
            [*(list(ids) for ids in wanted.values()), some(batch.ids)],
        )
        rows = cursor.fetchall()
    standing: dict[tuple[Any, ...], list[Band]] = defaultdict(list)
    for row in rows:
        standing[row[: len(TIER)]].append(Band(*row[len(TIER) :]))
    return standing


def _coming(batch: Batch) -> dict[tuple[Any, ...], list[Band]]:
    """The bands that an upsert creates once it has updated those of this batch, by tier."""
    coming: dict[tuple[Any, ...], list[Band]] = defaultdict(list)
    whole = batch.whole
    if whole is None or not batch.stored:
        return coming
    here = set(batch.places)
    keys = list(zip(*(whole.effective(name) for name in TIER), strict=True))
    names = (*BANDS, *DAYS, "RateOrder")
    lower, upper, first, last, orders = (whole.effective(name) for name in names)
    for index in whole.live:
        if whole.places[index] not in here and None not in (lower[index], upper[index]):
            band = Band(lower[index], upper[index], first[index], last[index], orders[index] or 1)
            coming[keys[index]].append(band)
    return coming


def _numbered(bands: list[Band], standing: Sequence[Band]) -> list[Band]:
    """The new bands, those that say nothing of their order with the place they have."""
    lowers = sorted({b.lower for b in (*bands, *standing)})
    place = {lower: number for number, lower in enumerate(lowers, start=1)}
    return [
        replace(band, order=place[band.lower]) if band.order == 1 and band.lower else band
        for band in bands
    ]


def _keep_order(batch: Batch, bands: Iterable[Band]) -> None:
    """On no day a band comes before a lower one, of those that say where they come."""
    for _, _, ladder in ladders(b for b in bands if b.order > 1 or not b.lower):
        for below, band in pairwise(ladder):
            if band.order >= below.order or band.lower == below.lower:
                continue
            index = below.index if band.index is None else band.index
            if index is None or index in batch.problems:
                continue
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"RateOrder {band.order} of the band from {plain(band.lower)} comes before "
                f"RateOrder {below.order} of the band from {plain(below.lower)}; bands are "
                f"numbered from 1 in the order of their quantities.",
                "RateOrder",
            )
