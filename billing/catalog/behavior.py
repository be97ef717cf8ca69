"""What prices must obey: one owner, and one price for a quantity on a day."""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from billing.catalog.models.prices import PRICE_OWNERS
from billing.overlaps import BEFORE, WRITTEN, fail_clashing, written_ids
from entities.errors import Code
from entities.records import Batch, Behavior, behavior
from entities.schema.description import quote
from metabrm.entity import api_name

OWNERS = tuple(api_name(o if o.endswith("_id") else f"{o}_id") for o in PRICE_OWNERS)

# What a written price clashes with: a price of the same owner, currency, plan and rating method
# that shares a quantity and a day with it. The earliest such price is named.
CLASHES = f"""
SELECT DISTINCT ON (written.place)
       written.place, before.place, other.id, trim_scale(other.lower_band)::text,
       CASE WHEN other.upper_band = -1 THEN 'no limit' ELSE trim_scale(other.upper_band)::text END,
       coalesce(other.effective_date::text, 'no start'), coalesce(other.end_date::text, 'no end'),
       other.currency_code
FROM {WRITTEN}
JOIN catalog_pricing price ON price.id = written.id
JOIN catalog_pricing other
  ON other.{{owner}} = price.{{owner}}
 AND other.id <> price.id
 AND other.deleted_at IS NULL
 AND other.currency_code = price.currency_code
 AND other.main_pricing_plan_id IS NOT DISTINCT FROM price.main_pricing_plan_id
 AND other.rating_method_id IS NOT DISTINCT FROM price.rating_method_id
 AND numrange(other.lower_band, nullif(other.upper_band, -1), '[]')
     && numrange(price.lower_band, nullif(price.upper_band, -1), '[]')
 AND daterange(other.effective_date, other.end_date, '[]')
     && daterange(price.effective_date, price.end_date, '[]')
LEFT JOIN {BEFORE} ON before.id = other.id
WHERE before.place IS NULL OR before.place < written.place
ORDER BY written.place, before.place NULLS FIRST, other.id
"""  # noqa: S608 - constants only


@behavior("PRICING")
class PricingBehavior(Behavior):
    """A price has one owner and overlaps no other price of that owner."""

    def before_create(self, batch: Batch) -> None:
        _check_owner(batch)
        _lock_owners(batch)

    def after_create(self, batch: Batch) -> None:
        _refuse_overlaps(batch, _owner_columns(batch))

    def before_update(self, batch: Batch) -> None:
        if _moves(batch):
            _check_owner(batch)
            _lock_owners(batch)

    def after_update(self, batch: Batch) -> None:
        if _moves(batch):
            _refuse_overlaps(batch, _owner_columns(batch))

    def after_undelete(self, batch: Batch) -> None:
        _refuse_overlaps(batch, OWNERS)


def _moves(batch: Batch) -> bool:
    """Whether an update touches what the price holds for, rather than only what it is."""
    where = (
        *OWNERS,
        "MainPricingPlanId",
        "RatingMethodId",
        "CurrencyCode",
        "LowerBand",
        "UpperBand",
        "EffectiveDate",
        "EndDate",
    )
    return any(batch.schema.field(name) in batch.columns for name in where)


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
    for name in owners:
        places, ids = written_ids(batch)
        column = batch.schema.field(name).column or ""
        with connection.cursor() as cursor:
            cursor.execute(CLASHES.replace("{owner}", quote(column)), {"ids": ids})
            clashes = [
                (
                    place,
                    before,
                    other,
                    f"a price of the same {name} for quantities from {lower} to {upper} in "
                    f"{currency} on days from {start} to {end}. End that one first, or send other "
                    f"bands or dates.",
                )
                for place, before, other, lower, upper, start, end, currency in cursor.fetchall()
            ]
        fail_clashing(batch, places, clashes, "EffectiveDate")
