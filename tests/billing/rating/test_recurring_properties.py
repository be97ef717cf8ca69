"""Recurring charges against an oracle that counts days one by one, and by several at once."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.rating import recurring
from entities import records
from metabrm import clock
from metabrm.identity.context import Context
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)
from tests.making import created

SYSTEM = Context.system("test")
MONTHS = {"Monthly": 1, "Quarterly": 3, "Semi-Annual": 6, "Yearly": 12}
DAYS = {"Weekly": 7, "Biweekly": 14}
CYCLES = (*MONTHS, *DAYS, "Semi-Monthly")
RATE = Decimal("77.77")
UNTIL = date(2024, 8, 20)
day = st.dates(date(2023, 1, 1), UNTIL)
Products = dict[tuple[str, bool, bool], int]


@dataclass(frozen=True)
class Terms:
    cycle: str
    prepaid: bool
    quantity: int
    since: date
    start: date
    end: date | None
    thirty: bool = False


def counted(day: date, *, thirty: bool) -> int:
    """As how many days a day counts; months of thirty days pass over one or stretch their last."""
    if not thirty:
        return 1
    last = calendar.monthrange(day.year, day.month)[1]
    if day.day == 30 and last == 31:
        return 0
    return 31 - last if day.day == last and last < 30 else 1


def begins(terms: Terms) -> Iterator[date]:
    """The days on which cycles begin, from one before the service on."""
    if terms.cycle in DAYS:
        length = timedelta(days=DAYS[terms.cycle])
        first = terms.since
        while first > terms.start:
            first -= length
        while True:
            yield first
            first += length
    months = MONTHS.get(terms.cycle, 1)
    month = terms.since.year * 12 + terms.since.month - 1
    while month > terms.start.year * 12 + terms.start.month - 2:
        month -= months
    while True:
        year, number = divmod(month, 12)
        last = calendar.monthrange(year, number + 1)[1]
        if terms.cycle == "Semi-Monthly":
            yield date(year, number + 1, 1)
            yield date(year, number + 1, 16)
        else:
            yield date(year, number + 1, min(terms.since.day, last))
        month += months


def owed(terms: Terms) -> Fraction:
    """What the terms come to up to UNTIL, a day at a time."""
    total = Fraction(0)
    cycles = begins(terms)
    begin = next(cycles)
    while begin <= UNTIL:
        after = next(cycles)
        days = [begin + timedelta(days=n) for n in range((after - begin).days)]
        served = [day for day in days if terms.start <= day <= (terms.end or date.max)]
        if served:
            due = served[0] if terms.prepaid else served[-1] + timedelta(days=1)
            if due <= UNTIL:
                part, whole = (
                    sum(counted(day, thirty=terms.thirty) for day in some)
                    for some in (served, days)
                )
                total += Fraction(part, whole)
        begin = after
    return total * terms.quantity * Fraction(RATE)


@st.composite
def changed_terms(draw: st.DrawFn) -> tuple[Terms, Terms]:
    """Terms, and what becomes of them: an earlier end, another start."""
    first, second = sorted((draw(day), draw(day)))
    terms = Terms(
        draw(st.sampled_from(CYCLES)),
        draw(st.booleans()),
        draw(st.integers(1, 5)),
        draw(day),
        first,
        draw(st.sampled_from((None, second))),
        draw(st.booleans()),
    )
    latest = terms.end or UNTIL
    start = draw(st.dates(date(2023, 1, 1), latest))
    return terms, replace(terms, start=start, end=draw(st.dates(start, latest)))


@pytest.fixture
def products(db: None) -> Products:
    """A product for each cycle, prepaid and postpaid, and each way to count days."""
    kinds = list(product(CYCLES, (False, True), (False, True)))
    methods = created(
        "RATING_METHOD",
        (
            {
                "RatingMethodType": "Subscription",
                "SubscriptionCycle": cycle,
                "SubscriptionModel": "Prepaid" if prepaid else "Postpaid",
                "ProrateSubscription": "1",
                "ProrationDayCount": "30/360" if thirty else "Actual",
                "AutoCalculateCredit": "1",
            }
            for cycle, prepaid, thirty in kinds
        ),
    )
    made = created(
        "PRODUCT", ({"Name": f"Plan {n}", "RatingMethodId": m} for n, m in enumerate(methods))
    )
    created("PRICING", ({"ProductId": id, "UpperBand": "-1", "Rate": str(RATE)} for id in made))
    return dict(zip(kinds, made, strict=True))


def totals(ids: list[int]) -> dict[int, tuple[Fraction, int]]:
    """What account products were charged altogether, in how many lines."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_product_id, sum(cost_unrounded), count(*) FROM mediation_activity "
            "WHERE account_product_id = ANY(%s) GROUP BY 1",
            [ids],
        )
        found = {id: (Fraction(cost), number) for id, cost, number in cursor.fetchall()}
    return {id: found.get(id, (Fraction(0), 0)) for id in ids}


def check(ids: list[int], terms: list[Terms]) -> None:
    for told, (cost, number) in zip(terms, totals(ids).values(), strict=True):
        # Each line is rounded at its tenth place.
        assert abs(cost - owed(told)) <= Fraction(number, 10**10), told


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(changed_terms(), min_size=25, max_size=25))
def test_charges_and_credits_come_to_what_is_served(
    products: Products, cases: list[tuple[Terms, Terms]]
) -> None:
    # No month is made for days that lie so far back.
    with clock.frozen(datetime(2037, 5, 10, tzinfo=UTC)), transaction.atomic():
        account = AccountFactory()
        made = records.create(
            "ACCOUNT_PRODUCT",
            [
                {
                    "AccountId": account,
                    "ProductId": products[terms.cycle, terms.prepaid, terms.thirty],
                    "Quantity": terms.quantity,
                    "StartDate": terms.start,
                    "EndDate": terms.end,
                    "BillingCycleStartDate": terms.since,
                }
                for terms, _ in cases
            ],
            SYSTEM,
        )
        ids = [int(outcome.id or 0) for outcome in made]
        recurring.charge(UNTIL - timedelta(days=100))
        recurring.charge(UNTIL)
        check(ids, [terms for terms, _ in cases])
        changes = [
            {"Id": id, "StartDate": terms.start, "EndDate": terms.end}
            for id, (_, terms) in zip(ids, cases, strict=True)
        ]
        assert all(outcome.ok for outcome in records.update("ACCOUNT_PRODUCT", changes, SYSTEM))
        recurring.charge(UNTIL)
        check(ids, [terms for _, terms in cases])
        assert recurring.charge(UNTIL).account_products == 0
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_and_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    method = RatingMethodFactory(RatingMethodType="Subscription", SubscriptionModel="Prepaid")
    sold = ProductFactory(RatingMethodId=method)
    PriceFactory(ProductId=sold, Rate="10")
    ids = [AccountProductFactory(ProductId=sold, StartDate="2026-01-01") for _ in range(40)]
    unpriced = AccountProductFactory(
        ProductId=ProductFactory(RatingMethodId=method), StartDate="2026-01-01"
    )
    together, found = Barrier(3), []

    def charge() -> None:
        together.wait()
        found.append(recurring.charge(date(2026, 3, 1)).lines)
        connection.close()

    threads = [Thread(target=charge) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 0, 120]
    assert {number for _, number in totals(ids).values()} == {3}

    call_command("charge", until=date(2026, 4, 1), dry_run=True)
    call_command("charge", until=date(2026, 4, 1))
    out: Any = capsys.readouterr().out
    assert "Would write 40 lines and 0 credits of 41 account products: 400 USD." in out
    assert f"ACCOUNT_PRODUCT {unpriced} is not charged: There is no price of product" in out
    assert "Wrote 40 lines" in out
    assert {number for _, number in totals(ids).values()} == {4}
