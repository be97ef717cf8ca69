"""Usage that was paid before: what it covers, what exceeds it, and what refills it."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from tests.billing.mediation.standing import asked
from tests.billing.rating import oracle
from tests.billing.rating.test_loads import SYSTEM, Feed, feed, used
from tests.entities.acting import update_one
from tests.factories import (
    AccountProductFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

__all__ = ["feed"]

pytestmark = pytest.mark.django_db

D = Decimal


def prepaid(
    usage: dict[str, int],
    *,
    refill: bool = False,
    included: str = "100",
    quantity: str = "1",
    start: str = "2026-02-01",
    **terms: Any,
) -> int:
    """An account product of prepaid usage, 20 for 100 units, on which the usage draws."""
    method = RatingMethodFactory(
        RatingMethodType="Prepaid Usage", AutoRefill="1" if refill else "0"
    )
    product = ProductFactory(RatingMethodId=str(method))
    PriceFactory(ProductId=str(product), Rate="20", IncludedQuantity=included)
    own = AccountProductFactory(
        AccountId=str(usage["account_id"]),
        ProductId=str(product),
        Quantity=quantity,
        StartDate=start,
        **terms,
    )
    update_one(
        "ACCOUNT_PRODUCT", usage["account_product_id"], SYSTEM, ParentCustomerProductId=str(own)
    )
    return own


def balance(own: int) -> tuple[Any, ...]:
    """(drawn, included) of an account product of prepaid usage."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quantity, included FROM rating_accumulatorvalue "
            "WHERE level = 'Prepaid' AND scope_id = %s",
            [own],
        )
        found: tuple[Any, ...] = cursor.fetchone()
        return found


def told(feed: Feed) -> list[tuple[Any, ...]]:
    return feed.lines("quantity", "prepaid_quantity", "rated_amount", "rate_source")


def test_what_is_included_costs_nothing_and_the_excess_the_usage_products_rate(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    feed.send({**usage, "quantity": 60}, {**usage, "quantity": 60}, {**usage, "quantity": 10})
    assert told(feed) == [
        (D(60), D(60), D(0), "Prepaid"),
        (D(60), D(40), D(50), "Product"),
        (D(10), None, D(25), "Product"),
    ]
    assert feed.lines("prepaid_by_id", "rate_source_id")[0] == (own, own)
    assert balance(own) == (D(100), D(100))


def test_a_record_is_split_where_the_method_splits_usage(feed: Feed) -> None:
    usage = used("Incremental", SplitUsage="1")
    own = prepaid(usage)
    feed.send({**usage, "quantity": 107})
    lines = feed.lines(
        "id", "quantity", "prepaid_quantity", "rated_amount", "split_from_bill_act_id"
    )
    first = lines[0][0]
    assert [row[1:] for row in sorted(lines)] == [
        (D(5), None, D(50), None), (D(2), None, D(16), first), (D(100), D(100), D(0), first),
    ]  # fmt: skip
    assert balance(own) == (D(100), D(100))


def test_only_what_exceeds_is_added_up_to_find_the_tier(feed: Feed) -> None:
    usage = used("Incremental")
    prepaid(usage)
    feed.send({**usage, "quantity": 103}, {**usage, "quantity": 4})
    # Three at 10; then two at 10 and two at 8.
    assert feed.lines("rated_amount") == [(D(30),), (D(36),)]


def test_auto_refill_buys_it_again_as_often_as_a_record_needs(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage, refill=True)
    assert feed.send({**usage, "quantity": 350}, {**usage, "quantity": 50}) == 5
    lines = feed.lines("account_product_id", "quantity", "prepaid_quantity", "rated_amount",
                       "process_description", "line_number")  # fmt: skip
    assert lines == [
        *[(own, D(1), D(100), D(20), "Refill", 1)] * 3,
        (usage["account_product_id"], D(350), D(350), D(0), None, 1),
        (usage["account_product_id"], D(50), D(50), D(0), None, 2),
    ]
    assert balance(own) == (D(400), D(400))


def test_a_refill_is_of_the_quantity_that_was_bought_at_the_price_of_its_day(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage, refill=True, quantity="2")
    feed.send({**usage, "quantity": 201})
    assert feed.lines("quantity", "prepaid_quantity", "rated_amount")[0] == (D(2), D(200), D(40))
    assert balance(own) == (D(201), D(400))


def test_a_new_price_holds_for_the_refills_of_its_days(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage, refill=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.id, p.product_id FROM catalog_pricing p "
            "JOIN customers_accountproduct ap ON ap.product_id = p.product_id WHERE ap.id = %s",
            [own],
        )
        price, product = cursor.fetchone()
    update_one("PRICING", price, SYSTEM, EndDate="2026-06-14")
    PriceFactory(
        ProductId=str(product), Rate="12", IncludedQuantity="50", EffectiveDate="2026-06-15"
    )
    feed.send(
        {**usage, "quantity": 90, "activity_date": "2026-06-16T12:00:00Z"},
        {**usage, "quantity": 120, "activity_date": "2026-06-14T12:00:00Z"},
    )
    # 120 of 100 refill 100; 90 of the 80 that are left refill 50.
    refills = [row for row in feed.lines("prepaid_quantity", "rated_amount", "process_description")
               if row[2] == "Refill"]  # fmt: skip
    assert refills == [(D(50), D(12), "Refill"), (D(100), D(20), "Refill")]
    assert balance(own) == (D(210), D(250))


def test_usage_of_several_products_draws_on_one_balance_in_order_of_time(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    product = ProductFactory()
    PriceFactory(ProductId=str(product), Rate="3")
    other = AccountProductFactory(
        AccountId=str(usage["account_id"]),
        ProductId=str(product),
        ParentCustomerProductId=str(own),
    )
    feed.send(
        {**usage, "quantity": 80, "activity_date": "2026-06-20T00:00:00Z"},
        {
            **usage,
            "product_id": product,
            "account_product_id": other,
            "quantity": 50,
            "activity_date": "2026-06-10T00:00:00Z",
        },
    )
    assert told(feed) == [(D(80), D(50), D(75), "Product"), (D(50), D(50), D(0), "Prepaid")]


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        ("2026-02-28T23:59:59Z", None),
        ("2026-03-01T00:00:00Z", D(5)),
        ("2026-03-31T23:59:59Z", D(5)),
        ("2026-04-01T00:00:00Z", None),
    ],
)
def test_it_covers_usage_of_its_days(feed: Feed, moment: str, covered: Decimal | None) -> None:
    usage = used()
    prepaid(usage, start="2026-03-01", EndDate="2026-03-31")
    feed.send({**usage, "quantity": 5, "activity_date": moment})
    assert feed.lines("prepaid_quantity") == [(covered,)]


def test_usage_that_brings_its_own_price_is_not_covered(feed: Feed) -> None:
    usage = used()
    prepaid(usage)
    feed.send({**usage, "quantity": 5, "override_rate": D(3)})
    assert told(feed) == [(D(5), None, D(15), "Usage")]


def test_what_is_covered_needs_no_price(feed: Feed) -> None:
    """What exceeds then waits by itself, and what is covered is charged."""
    usage = used()
    product = ProductFactory()
    free = AccountProductFactory(AccountId=str(usage["account_id"]), ProductId=str(product))
    usage = {**usage, "product_id": product, "account_product_id": free}
    own = prepaid(usage)
    assert feed.send({**usage, "quantity": 70}, {**usage, "quantity": 50}) == 2
    assert told(feed) == [(D(70), D(70), D(0), "Prepaid"), (D(30), D(30), D(0), "Prepaid")]
    ((line, cause, reason),) = feed.causes()
    assert (line, cause) == (2, "NO_PRICE")
    assert f"30 units of the record were covered by the prepaid usage of account product {own}" in (
        reason
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT quantity FROM mediation_usage WHERE cause IS NOT NULL")
        assert cursor.fetchall() == [(D(20),)]


_COLUMNS = {
    "EffectiveDate": "effective_date",
    "EndDate": "end_date",
    "UpperBand": "upper_band",
    "IncludedQuantity": "included_quantity",
}


@pytest.mark.parametrize(
    ("price", "cause", "reason"),
    [
        ({"EffectiveDate": "2026-03-01"}, "NO_PRICE", "in USD on 2026-02-01"),
        ({"EndDate": "2026-06-01"}, "NO_PRICE", "in USD on 2026-06-15"),
        ({"UpperBand": "0.5"}, "NO_BAND", "has no band for 1 units"),
        ({"IncludedQuantity": "0.001"}, "TOO_MANY_REFILLS", "more than 1000"),
    ],
)
def test_usage_waits_where_nobody_knows_what_is_included(
    feed: Feed, price: dict[str, str], cause: str, reason: str
) -> None:
    usage = used()
    own = prepaid(usage, refill=True)
    with connection.cursor() as cursor:
        for name, value in price.items():
            column = _COLUMNS[name]
            cursor.execute(
                f"UPDATE catalog_pricing SET {column} = %s WHERE product_id = "
                "(SELECT product_id FROM customers_accountproduct WHERE id = %s)",
                [value, own],
            )
    assert feed.send({**usage, "quantity": 5}) == 0
    ((_, why, words),) = feed.causes()
    assert why == cause
    assert f"prepaid usage of account product {own}. " in words
    assert reason in words


def test_a_price_that_includes_nothing_covers_nothing(feed: Feed) -> None:
    usage = used()
    prepaid(usage, refill=True, included="0")
    feed.send({**usage, "quantity": 5})
    assert told(feed) == [(D(5), None, D("12.5"), "Product")]


def test_the_same_shard_draws_once(feed: Feed) -> None:
    from billing.rating import loads

    usage = used()
    own = prepaid(usage, refill=True)
    feed.send({**usage, "quantity": 150})
    assert loads.rate(feed.load, 0) == 0
    assert balance(own) == (D(150), D(200))


def test_a_load_that_is_reversed_gives_back_what_it_drew_and_its_refills(feed: Feed) -> None:
    from billing.mediation.loads import reversing
    from billing.mediation.models import ActivityCollectorHistory

    usage = used()
    own = prepaid(usage, refill=True)
    feed.send({**usage, "quantity": 30})
    before = balance(own)
    feed.send({**usage, "quantity": 250})
    assert balance(own) == (D(280), D(300))
    ActivityCollectorHistory.objects.filter(pk=feed.load).update(status="REVERSING")
    assert reversing.reverse(feed.load)
    assert balance(own) == before == (D(30), D(100))
    assert sum(row[0] for row in feed.lines("rated_amount")) == 0


def test_the_first_charge_says_what_is_included_and_itself_costs(feed: Feed) -> None:
    from billing.rating import recurring

    usage = used()
    own = prepaid(usage, quantity="3")
    recurring.charge(date(2026, 2, 1), [usage["account_id"]])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quantity, rated_amount FROM mediation_activity WHERE account_product_id = %s",
            [own],
        )
        assert cursor.fetchall() == [(D(3), D(60))]
    assert balance(own) == (D(0), D(300))
    feed.send({**usage, "quantity": 30})
    recurring.charge(date(2026, 7, 1), [usage["account_id"]])
    assert balance(own) == (D(30), D(300))


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_draw_on_one_balance_one_after_the_other() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from billing.mediation.models import LoadShard
    from billing.rating import loads

    feed = Feed()
    usage = used()
    own = prepaid(usage, refill=True)
    ids = [feed.lay({**usage, "quantity": 70}) for _ in range(4)]

    def rate(load: int) -> int:
        try:
            return loads.rate(load, 0)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(rate, ids))
    assert sum(written) == 4 + 2
    assert balance(own) == (D(280), D(300))
    assert not LoadShard.objects.filter(load_id__in=ids, rated=False).exists()


@pytest.mark.parametrize("seed", range(3))
def test_generated_usage_draws_as_the_oracle_says(feed: Feed, seed: int) -> None:
    """However it is cut into loads: 60 account products, some 1,200 records a seed."""
    chance = random.Random(seed)
    plans: dict[int, oracle.Prepaid] = {}
    usages = []
    for _ in range(60):
        usage = used()
        included, quantity = chance.choice(["10", "2.5", "100"]), chance.choice(["1", "2", "0.5"])
        refills = chance.random() < 0.5
        own = prepaid(usage, refill=refills, included=included, quantity=quantity)
        units = D(included) * D(quantity)
        plans[own] = oracle.Prepaid(units, units if refills else None)
        usages.append((own, usage))
    for _ in range(4):
        rows, expected = [], []
        for own, usage in usages:
            times = sorted(chance.sample(range(28), chance.randint(1, 8)))
            for day in times:
                quantity = D(chance.randint(-20, 60)) / 4
                moment = f"2026-06-{day + 1:02}T12:00:00Z"
                rows.append({**usage, "quantity": quantity, "activity_date": moment})
                expected.append((own, quantity, *plans[own].draw(quantity)))
        order = list(range(len(rows)))
        chance.shuffle(order)
        feed.send(*(rows[i] for i in order))
        refilled: dict[int, int] = {}
        found: dict[int, tuple[Any, ...]] = {}
        for number, quantity, covered, amount, what in feed.lines(
            "line_number", "quantity", "coalesce(prepaid_quantity, 0)", "rated_amount",
            "process_description",
        ):  # fmt: skip
            if what == "Refill":
                refilled[number] = refilled.get(number, 0) + 1
            else:
                found[number] = (quantity, covered, amount)
        for number, place in enumerate(order, 1):
            _, quantity, covered, exceeds, refills = expected[place]
            assert refilled.get(number, 0) == refills
            assert found[number] == (quantity, covered, round(exceeds * D("2.5") + D("1e-9"), 2))
    for own, plan in plans.items():
        assert balance(own) == (plan.drawn, plan.included)


def test_usage_of_the_prepaid_product_itself_is_charged_once(feed: Feed) -> None:
    usage = used()
    own = prepaid(usage)
    (product,) = (
        row[0]
        for row in asked("SELECT product_id FROM customers_accountproduct WHERE id = %s", own)
    )
    itself = {**usage, "account_product_id": own, "product_id": product}
    assert feed.send({**usage, "quantity": 60}, {**itself, "quantity": 2}) == 2
    assert feed.lines("account_product_id", "quantity", "rated_amount") == [
        (usage["account_product_id"], D(60), D(0)), (own, D(2), D(40))
    ]  # fmt: skip
