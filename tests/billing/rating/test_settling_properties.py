"""Commitments and bounds of periods against oracles in fractions."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from billing.rating.settling import settle
from tests.billing.rating.settling import cents, laid, lines, plain_accounts, provided
from tests.examples import tried
from tests.making import created

pytestmark = pytest.mark.django_db
UNTIL = date(2026, 6, 20)
ONE = timedelta(days=1)
#: How long a term is: months, or days.
TERMS = {"1 month": (1, 0), "1 quarter": (3, 0), "2 weeks": (0, 14), "10 days": (0, 10)}

days = st.dates(date(2026, 1, 1), date(2026, 6, 30))
money = st.integers(-2000, 30000).map(lambda n: Decimal(n) / 100)
rates = st.integers(1, 900).map(lambda n: Decimal(n) / 100)
Charge = tuple[date, Decimal]
charges = st.lists(st.tuples(days, money), max_size=8)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def served(start: date, end: date | None, first: date, last: date) -> int:
    """How many of the days from the first to the last the service is there."""
    until = min(last, end or last)
    return max(0, (until - max(first, start)).days + 1)


@dataclass(frozen=True)
class Commitment:
    committed: Decimal
    term: str
    in_units: bool
    percentage: bool
    rate: Decimal | None
    cut_short: str | None
    quantity: int
    since: date | None
    start: date
    length: int | None
    charges: list[Charge]

    @property
    def end(self) -> date | None:
        return None if self.length is None else self.start + timedelta(days=self.length)

    def begins(self) -> Iterator[date]:
        """The days on which terms begin, from one that holds the start or is before it."""
        months, length = TERMS[self.term]
        base = self.since or self.start
        number = -40 if base > self.start else 0
        while True:
            if length:
                yield base + timedelta(days=number * length)
            else:
                year, month = divmod(base.year * 12 + base.month - 1 + number * months, 12)
                last = calendar.monthrange(year, month + 1)[1]
                yield date(year, month + 1, min(base.day, last))
            number += 1

    def lacking(self) -> list[Decimal]:
        """What each term that is over lacks, in money."""
        found = []
        terms = self.begins()
        begin = next(terms)
        while begin <= UNTIL:
            after = next(terms)
            first = max(begin, self.start)
            last = min(after - ONE, self.end or date.max)
            if first <= last <= UNTIL:
                found.append(self._of_term(begin, after, first, last))
            begin = after
        return [amount for amount in found if amount]

    def _of_term(self, begin: date, after: date, first: date, last: date) -> Decimal:
        whole, part = (after - begin).days, (last - first).days + 1
        share = Fraction(1)
        if part != whole:
            share = {"None": Fraction(0), "Prorate": Fraction(part, whole)}.get(
                self.cut_short or "", share
            )
        counted = [amount for day, amount in self.charges if first <= day <= last]
        used = Fraction(2 * len(counted)) if self.in_units else Fraction(sum(counted))
        # What is committed to is kept to ten places.
        owed = Fraction(round(Fraction(self.committed) * self.quantity * share * 10**10), 10**10)
        if owed <= used:
            return Decimal(0)
        rate = Fraction(self.rate or (100 if self.percentage else 1))
        return cents((owed - used) * rate / (100 if self.percentage else 1))


commitments = st.builds(
    Commitment,
    money.map(abs).filter(bool),
    st.sampled_from(tuple(TERMS)),
    st.booleans(),
    st.booleans(),
    maybe(rates),
    st.sampled_from((None, "Prorate", "None")),
    st.integers(1, 2),
    maybe(days),
    days,
    maybe(st.integers(0, 120)),
    charges,
).filter(lambda one: one.rate is not None or not one.in_units)


@given(st.lists(commitments, min_size=30, max_size=40))
@tried(1)
def test_commitments(batch: list[Commitment]) -> None:
    products = provided(
        [
            {
                "RatingMethodType": "Revenue Commitment",
                "CMTQuantity": str(one.committed),
                "CMTTermDuration": one.term,
                "CMTInputMethod": "Quantity" if one.in_units else "Amount",
                "CMTRateMethod": "Percentage" if one.percentage else None,
                "EarlyTerminationOption": one.cut_short,
            }
            for one in batch
        ],
        [None if one.rate is None else {"Rate": str(one.rate)} for one in batch],
    )
    accounts = plain_accounts(len(batch))
    owned = created(
        "ACCOUNT_PRODUCT",
        (
            {
                "AccountId": account,
                "ProductId": product,
                "Quantity": one.quantity,
                "StartDate": one.start,
                "EndDate": one.end,
                "BillingCycleStartDate": one.since,
            }
            for account, product, one in zip(accounts, products, batch, strict=True)
        ),
    )
    laid([(account, {}, one.charges) for account, one in zip(accounts, batch, strict=True)])
    assert not settle(UNTIL, accounts).problems
    for id, one in zip(owned, batch, strict=True):
        assert lines(id) == one.lacking(), one
    again = settle(UNTIL, accounts)
    assert (again.lines, again.taken_back) == (0, 0)


@dataclass(frozen=True)
class Bound:
    least: Decimal | None
    width: Decimal | None
    prorated: bool
    though_unused: bool
    start: date
    length: int | None
    charges: list[Charge]

    @property
    def most(self) -> Decimal | None:
        return None if self.width is None else (self.least or Decimal(0)) + self.width

    @property
    def end(self) -> date | None:
        return None if self.length is None else self.start + timedelta(days=self.length)

    def lines(self) -> list[tuple[str, Decimal]]:
        """What brings each month to its bounds."""
        found = []
        for month in range(1, 7):
            first = date(2026, month, 1)
            last = date(2026, month, calendar.monthrange(2026, month)[1])
            held = served(self.start, self.end, first, last)
            sent = [amount for day, amount in self.charges if first <= day <= min(last, UNTIL)]
            part = Fraction(held, last.day) if self.prorated else Fraction(1)
            used = sum(sent, Decimal(0))
            asked = self.though_unused and (sent or held)
            if self.least is not None and last <= UNTIL and (used > 0 or asked):
                least = cents(Fraction(self.least) * part)
                if used < least:
                    found.append(("Minimum", least - used))
            if self.most is not None and sent:
                most = cents(Fraction(self.most) * part)
                if used > most:
                    found.append(("Maximum", most - used))
        return found


bounds = st.builds(
    Bound,
    maybe(money.map(abs)),
    maybe(money.map(abs)),
    st.booleans(),
    st.booleans(),
    days,
    maybe(st.integers(0, 120)),
    charges,
)


@given(st.lists(bounds, min_size=30, max_size=40))
@tried(1)
def test_bounds_of_periods(batch: list[Bound]) -> None:
    products = provided(
        [
            {
                "RatingMethodType": "Usage",
                "MinMaxPer": "Period",
                "ProrateBand": "1" if one.prorated else "0",
                "MinMaxZeroQuantityTrueUp": "1" if one.though_unused else "0",
            }
            for one in batch
        ],
        [{"Rate": "1", "MinCharge": one.least, "MaxCharge": one.most} for one in batch],
    )
    accounts = plain_accounts(len(batch))
    owned = created(
        "ACCOUNT_PRODUCT",
        (
            {
                "AccountId": account,
                "ProductId": product,
                "StartDate": one.start,
                "EndDate": one.end,
            }
            for account, product, one in zip(accounts, products, batch, strict=True)
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, rating_method_id FROM catalog_product WHERE id = ANY(%s)", [products]
        )
        methods = dict(cursor.fetchall())
    laid(
        [
            (
                account,
                {
                    "product_id": product,
                    "account_product_id": id,
                    "rating_method_id": methods[product],
                },
                one.charges,
            )
            for account, product, id, one in zip(accounts, products, owned, batch, strict=True)
        ]
    )
    assert not settle(UNTIL, accounts).problems
    for id, one in zip(owned, batch, strict=True):
        assert lines(id, "s.kind, rated_amount", "s.period_from") == one.lines(), one
    again = settle(UNTIL, accounts)
    assert (again.lines, again.taken_back) == (0, 0)
