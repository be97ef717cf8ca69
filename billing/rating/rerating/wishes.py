"""A price or a plan that changed has the lines it prices rated again.

A price says so itself (RerateFlag). A plan does so always: where the rate of one of its rows
changes, the lines that the plan priced are rated again, but for those over tiers; where its days or
its tiers change, those of its products. The wish is kept in the transaction of the change, so that
neither comes without the other.

Source: BillingPlatform, "How To Set Default Pricing".
"""

from collections.abc import Iterable

from billing.catalog.models import Pricing
from billing.rating.rerating import runs
from billing.rating.rerating.wanted import Wanted
from entities.records import Batch, Behavior
from entities.records.behavior import everywhere
from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot

#: After the rules of the catalog.
_ORDER = 60
#: What prices lines, of a price row; the rest of it says nothing about amounts.
_RATES = (
    *("Rate", "FlatFee", "FeePerCharge", "MinCharge", "MaxCharge"),
    *("IncludedQuantity", "IncludedCharges", "BlockSize"),
)
_PLACES = (
    *("LowerBand", "UpperBand", "EffectiveDate", "EndDate", "CurrencyCode"),
    *("RatingMethodId", "RateOrder"),
)
_OF_PLAN = ("Status", "EffectiveDate", "EndDate", "PlanType", "CurrencyCode")


@everywhere(_ORDER)
class RerateWishes(Behavior):
    """Prices and plans ask for lines to be rated again."""

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return schema.name in ("PRICING", "PRICING_PLAN")

    def after_create(self, batch: Batch) -> None:
        if batch.schema.name == "PRICING":
            self._priced(batch, batch.live, "new", placed=True)

    def after_update(self, batch: Batch) -> None:
        if batch.schema.name == "PRICING_PLAN":
            moved = [i for i in batch.live if _differs(batch, i, _OF_PLAN)]
            _ask(batch, {}, {batch.ids[i] or 0: False for i in moved})
            return
        placed = [i for i in batch.live if _differs(batch, i, _PLACES)]
        self._priced(batch, placed, "changed", placed=True)
        rates = set(batch.live).difference(placed)
        self._priced(
            batch, [i for i in rates if _differs(batch, i, _RATES)], "changed", placed=False
        )

    def after_delete(self, batch: Batch) -> None:
        self._removed(batch, "deleted")

    def after_undelete(self, batch: Batch) -> None:
        self._removed(batch, "restored")

    def _removed(self, batch: Batch, what: str) -> None:
        if batch.schema.name == "PRICING":
            self._priced(batch, batch.live, what, placed=True)
        else:
            _ask(batch, {}, {batch.ids[i] or 0: False for i in batch.live})

    def _priced(self, batch: Batch, indexes: Iterable[int], what: str, *, placed: bool) -> None:
        flags = batch.effective("RerateFlag")
        plans = batch.effective("MainPricingPlanId")
        prices = {batch.ids[i] or 0: what for i in indexes if flags[i]}
        _ask(batch, prices, {plans[i]: not placed for i in indexes if plans[i] is not None})


def _differs(batch: Batch, index: int, fields: tuple[str, ...]) -> bool:
    return any(
        batch.value(name, index) != batch.stored[name][index]
        for name in fields
        if name in batch.stored
    )


def _ask(batch: Batch, prices: dict[int, str], plans: dict[int, bool]) -> None:
    """Ask for the lines of prices, by what happened to them, and of plans; of a plan whose rates
    alone have changed without those over tiers. Bands of one list are one wish."""
    wishes: dict[Wanted, str] = {}
    lists: set[tuple[object, ...]] = set()
    for price in Pricing.objects.filter(pk__in=prices):
        owner = (
            *(price.product_id, price.package_product_id, price.account_product_id),
            *(price.contract_rate_id, price.rate_class_product_id),
        )
        if owner not in lists:
            lists.add(owner)
            wishes[Wanted(pricing_id=price.pk)] = f"Price {price.pk} is {prices[price.pk]}."
    for plan, rates_only in plans.items():
        if rates_only:
            wishes[Wanted(pricing_plan_id=plan, not_tiered=True)] = f"Rates of plan {plan} changed."
        else:
            products = Pricing.objects.filter(main_pricing_plan_id=plan, product__isnull=False)
            for product in products.values_list("product_id", flat=True).distinct():
                wishes[Wanted(product_id=product)] = f"Plan {plan} changed."
            wishes[Wanted(pricing_plan_id=plan)] = f"Plan {plan} changed."
    if wishes:
        runs.ask_all(list(wishes.items()), batch.context.user_id)
