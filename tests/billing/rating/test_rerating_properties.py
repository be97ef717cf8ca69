"""Whatever the prices: rated at one and then again at another is rated at the other at once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.rating.models import AccumulatorValue, Rerate
from billing.rating.rerating import pricing, runs, writing
from billing.rating.rerating.running import rerate
from billing.rating.rerating.wanted import Wanted
from tests.billing.mediation.standing import asked
from tests.billing.rating import oracle
from tests.billing.rating.test_loads import Feed
from tests.billing.rating.test_rerating import standing_lines
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

D = Decimal
BEGIN = datetime(2026, 6, 1, 12, tzinfo=UTC)

amounts = st.integers(1, 400).map(lambda n: D(n) / 8)
#: A list of prices: rates of the bands that end at the borders and of the last, units included.
lists = st.tuples(
    st.lists(amounts, min_size=3, max_size=3),
    st.tuples(st.integers(1, 6), st.integers(7, 15)),
    st.sampled_from([None, D(2), D("4.5")]),
)
#: Loads of records: hours after the first of June, and units.
usage = st.lists(
    st.lists(st.tuples(st.integers(0, 400), amounts), min_size=1, max_size=4),
    min_size=1,
    max_size=3,
)
Prices = tuple[list[Decimal], tuple[int, int], Decimal | None]


def put(product: int, prices: Prices) -> None:
    """Give a product these prices, and no others."""
    rates, (first, second), included = prices
    asked("DELETE FROM catalog_pricing WHERE product_id = %s RETURNING 1", product)
    borders = [D(0), D(first), D(second), D(-1)]
    for order, rate in enumerate(rates, 1):
        PriceFactory(
            ProductId=str(product),
            Rate=str(rate),
            LowerBand=str(borders[order - 1]),
            UpperBand=str(borders[order]),
            RateOrder=order,
            IncludedQuantity=included if order == 1 else None,
        )


def reckoned(
    kind: str, prices: Prices, loads: list[list[tuple[int, Decimal]]]
) -> list[tuple[int, Decimal, Decimal]]:
    """What the lines come to when all of the period is known, by hand."""
    rates, (first, second), included = prices
    ends = (D(first), D(second), None)
    price = oracle.Price(
        [oracle.Band(to, rate) for to, rate in zip(ends, rates, strict=True)],
        tiered=True,
        incremental=kind == "Incremental",
        included_quantity=included,
    )
    total = sum((units for load in loads for _, units in load), D(0))
    before, nth, found = D(0), 0, []
    for load in loads:
        lines = []
        for line, (_, units) in sorted(enumerate(load, 1), key=lambda one: (one[1][0], one[0])):
            nth += 1
            cost = oracle.cost(price, units, before, total, nth)
            assert cost is not None
            lines.append((line, units, cost))
            before += units
        found += sorted(lines)
    return found


@pytest.mark.django_db
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(["Incremental", "Bulk"]), lists, lists, usage)
def test_rated_again_is_rated_at_once(
    db: None, kind: str, old: Prices, new: Prices, loads: list[list[tuple[int, Decimal]]]
) -> None:
    feed = Feed()
    method = RatingMethodFactory(PricingType="Tiered Pricing", AggregateRateType=kind)
    product = ProductFactory(RatingMethodId=str(method))
    account = AccountFactory()
    own = AccountProductFactory(AccountId=str(account), ProductId=str(product))
    whose = {"account_id": account, "product_id": product, "account_product_id": own}
    put(product, old)
    for load in loads:
        feed.send(
            *(
                {**whose, "quantity": n, "activity_date": BEGIN + timedelta(hours=h)}
                for h, n in load
            )
        )
    put(product, new)
    rerate(Wanted(product_id=product), preview=False)
    assert standing_lines(product) == reckoned(kind, new, loads)
    records = [units for load in loads for _, units in load]
    assert list(
        AccumulatorValue.objects.filter(scope_id=own).values_list("quantity", "charges")
    ) == [(sum(records), len(records))]
    assert rerate(Wanted(account_id=account), preview=False).changed == 0


def _fed() -> tuple[int, list[Any]]:
    feed = Feed()
    product = ProductFactory(
        RatingMethodId=str(
            RatingMethodFactory(PricingType="Tiered Pricing", AggregateRateType="Incremental")
        )
    )
    put(product, ([D(10), D(8), D(6)], (5, 10), None))
    own = AccountProductFactory(ProductId=str(product))
    ((account,),) = asked("SELECT account_id FROM customers_accountproduct WHERE id = %s", own)
    whose = {"account_id": account, "product_id": product, "account_product_id": own}
    feed.send({**whose, "quantity": 4}, {**whose, "quantity": 4})
    asked("UPDATE catalog_pricing SET rate = rate + 1 WHERE product_id = %s RETURNING 1", product)
    return product, _all()


def _all() -> list[Any]:
    return asked(
        "SELECT to_jsonb(a) - 'updated', (SELECT jsonb_agg(to_jsonb(s) - 'updated') "
        "FROM rating_accumulatorvalue s) FROM mediation_activity a ORDER BY id"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("at", ["price", "compare", "write", "keep"])
def test_what_is_killed_leaves_nothing_and_is_done_later(
    at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, before = _fed()
    run = runs.ask(Wanted(product_id=product), "test", None)
    from billing.rating.rerating import running, telling

    room, name = {
        "price": (pricing, "charge"),
        "compare": (running, "compare"),
        "write": (writing, "_anew"),
        "keep": (telling, "keep"),
    }[at]
    kept: Callable[..., Any] = getattr(room, name)

    def dies(*given: Any, **more: Any) -> Any:
        kept(*given, **more)
        raise RuntimeError("killed")

    monkeypatch.setattr(room, name, dies)
    assert runs.carry_out(run) is None
    assert _all() == before
    assert Rerate.objects.get(pk=run).status == "PENDING"
    monkeypatch.setattr(room, name, kept)
    assert runs.waiting() == [run]
    told = runs.carry_out(run)
    assert told is not None
    assert told.changed == 2
    done = Rerate.objects.get(pk=run)
    assert (done.status, done.changed_count, done.error) == ("COMPLETED", 2, None)
    assert done.amounts == "74.00 → 82.00 USD (+8.00)"
    assert asked("SELECT line_count, difference FROM rating_reratetotal") == [(2, D(8))]
    assert runs.carry_out(run) is None


@pytest.mark.django_db(transaction=True)
def test_two_at_once_write_once() -> None:
    product, _ = _fed()
    together, found = Barrier(3), []

    def again() -> None:
        together.wait()
        found.append(rerate(Wanted(product_id=product), preview=False).changed)
        connection.close()

    threads = [Thread(target=again) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 0, 2]
    assert standing_lines(product) == [(1, 4, 44), (2, 4, 11 + 27)]
    assert asked("SELECT quantity, charges FROM rating_accumulatorvalue") == [(D(8), 2)]
