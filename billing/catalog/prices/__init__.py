"""What prices must obey: one owner, and one price for a quantity on a day.

A tier may be built band by band, in one request or in several; while it is not whole, quantities
that no band holds have no price (the field Gap says which). A request that sends both ends of a
tier means all of it, and is refused if it leaves a gap.
"""

from collections.abc import Iterable
from typing import Any

from billing.catalog.deals import check_rates
from billing.catalog.prices.terms import check_terms
from billing.catalog.prices.tiers import BANDS, DAYS, OWNERS, TIER, check_tiers, settle_blocks
from billing.catalog.prices.used import refuse_used
from billing.changes import mentions
from billing.overlaps import lock_named, overlapping, refuse_overlaps
from entities.errors import Code
from entities.records import Batch, Behavior, behavior
from entities.schema.description import quote

_SAME_QUANTITY = """numrange(other.lower_band, nullif(other.upper_band, -1), '(]')
    && numrange(one.lower_band, nullif(one.upper_band, -1), '(]')"""
_QUANTITIES = (
    "trim_scale(other.lower_band)::text",
    "coalesce(trim_scale(nullif(other.upper_band, -1))::text, 'no limit')",
    "other.currency_code",
)


@behavior("PRICING")
class PricingBehavior(Behavior):
    """A price has one owner, obeys its terms and overlaps no other price of that owner."""

    def before_create(self, batch: Batch) -> None:
        _check_owner(batch)
        _lock_owners(batch)
        settle_blocks(batch)
        check_terms(batch)
        check_tiers(batch)
        check_rates(batch)

    def after_create(self, batch: Batch) -> None:
        _refuse_overlaps(batch, _owner_columns(batch))

    def before_update(self, batch: Batch) -> None:
        settle_blocks(batch)
        if _moves(batch):
            _check_owner(batch)
            _lock_owners(batch)
            check_terms(batch)
            check_tiers(batch)
        elif mentions(batch, "RateOrder", "IncludedQuantity", "IncludedCharges"):
            check_tiers(batch)
        if mentions(batch, "Rate", "RatingMethodId", *OWNERS):
            check_rates(batch)

    def after_update(self, batch: Batch) -> None:
        if _moves(batch):
            _refuse_overlaps(batch, _owner_columns(batch))

    def before_leaving(self, batch: Batch) -> None:
        refuse_used(batch)

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
    for name in _owner_columns(batch):
        lock_named(batch, name)


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
