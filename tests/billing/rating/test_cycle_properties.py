"""Cycles of all kinds, trials, and prices that turn, against an oracle that goes cycle by cycle."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, product

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from billing.rating import recurring
from metabrm import clock
from tests.billing.conftest import filled
from tests.billing.mediation.standing import asked
from tests.examples import tried
from tests.factories import AccountFactory
from tests.making import created

MONTHS = {"Monthly": 1, "Quarterly": 3, "Semi-Annual": 6, "Yearly": 12}
DAYS = {"Daily": 1, "Weekly": 7, "Biweekly": 14}
CYCLES = (*MONTHS, *DAYS, "Semi-Monthly")
SYNCED = {False: "Sync with Service Start Date", True: "Sync with Billing Cycle"}
OLD, NEW, TURN = Decimal("77.77"), Decimal("91.3"), date(2024, 6, 5)
UNTIL, ONE = date(2024, 8, 20), timedelta(days=1)
#: The day on which the invoices of the two accounts close -> the one on which periods begin.
CLOSING = {31: 1, 14: 15}
Kind = tuple[str, bool, bool, bool, bool]

BOTH = (False, True)
#: Days are counted in another way where parts of cycles are charged.
KINDS = [kind for kind in product(CYCLES, BOTH, BOTH, BOTH, BOTH) if kind[2] or not kind[4]]


def _days(first: date, until: date, thirty: bool) -> int:
    """From one day to another, as they are or by months of thirty days."""
    if not thirty:
        return (until - first).days
    months = (until.year - first.year) * 12 + until.month - first.month
    return months * 30 + min(until.day, 30) - min(first.day, 30)


@dataclass(frozen=True)
class Service:
    """`kind`: cycle, whether it is prepaid, prorated, in step with the invoices, by months of 30
    days."""

    kind: Kind
    closing: int
    quantity: int
    since: date | None
    start: date
    length: int | None
    trial: int | None

    @property
    def end(self) -> date | None:
        return None if self.length is None else self.start + timedelta(days=self.length)

    @property
    def trial_end(self) -> date | None:
        return None if self.trial is None else self.start + timedelta(days=self.trial)

    @property
    def paid_from(self) -> date:
        """The day after the trial, which ends with the service."""
        if self.trial_end is None:
            return self.start
        return min(self.trial_end, self.end or date.max) + ONE

    def base(self) -> date:
        """A day on which a cycle begins."""
        if not self.kind[3]:
            return self.since or self.paid_from
        first = CLOSING[self.closing]
        day = self.paid_from
        if day.day < first:
            day = day.replace(day=1) - ONE
        return day.replace(day=first)

    def cycles(self) -> Iterator[tuple[date, date]]:
        """First day, and first day of the next, of those around the service."""
        cycle, base = self.kind[0], self.base()
        begins: list[date] = []
        if cycle in DAYS:
            begins = [base + timedelta(days=DAYS[cycle] * n) for n in range(-400, 400)]
        else:
            for n in range(-24, 25):
                months = base.year * 12 + base.month - 1 + n * MONTHS.get(cycle, 1)
                year, month = divmod(months, 12)
                last = calendar.monthrange(year, month + 1)[1]
                wanted = (1, 16) if cycle == "Semi-Monthly" else (min(base.day, last),)
                begins += [date(year, month + 1, day) for day in wanted]
        yield from pairwise(begins)

    def owed(self) -> Fraction:
        """What it comes to up to UNTIL; a trial is shown and taken back."""
        _, prepaid, prorated, _, thirty = self.kind
        total = Fraction(0)
        for begin, after in self.cycles():
            first, last = max(begin, self.paid_from), min(after - ONE, self.end or date.max)
            due = first if prepaid else last + ONE
            if first > last or due > UNTIL:
                continue
            # The price is that of the first day that is charged.
            part = Fraction(1)
            if prorated and (first, last) != (begin, after - ONE):
                part = Fraction(
                    *(_days(*span, thirty) for span in ((first, last + ONE), (begin, after)))
                )
            total += part * Fraction(OLD if first < TURN else NEW)
        return total * self.quantity


days = st.dates(date(2024, 3, 1), UNTIL)
kinds = st.sampled_from(KINDS)
services = st.builds(
    Service,
    kinds,
    st.sampled_from(tuple(CLOSING)),
    st.integers(1, 4),
    st.none() | days,
    days,
    st.none() | st.integers(0, 150),
    st.none() | st.none() | st.integers(0, 60),
)


@pytest.mark.django_db
@given(st.lists(services, min_size=40, max_size=60))
@tried(1)
def test_cycles_trials_and_prices_that_turn(batch: list[Service]) -> None:
    # No month is made for days that lie so far back.
    with clock.frozen(datetime(2037, 5, 10, tzinfo=UTC)), transaction.atomic():
        products = _products()
        accounts = {}
        for closing in CLOSING:
            accounts[closing] = AccountFactory()
            created(
                "BILLING_PROFILE",
                [
                    filled(
                        "BILLING_PROFILE",
                        AccountId=accounts[closing],
                        MonthlyBillingDate=str(closing),
                        TimeZoneId=_utc(),
                    )
                ],
            )
        ids = created(
            "ACCOUNT_PRODUCT",
            (
                {
                    "AccountId": accounts[one.closing],
                    "ProductId": products[one.kind],
                    "Quantity": one.quantity,
                    "StartDate": one.start,
                    "EndDate": one.end,
                    "TrialEndDate": one.trial_end,
                    "BillingCycleStartDate": None if one.kind[3] else one.since,
                }
                for one in batch
            ),
        )
        for until in (UNTIL - timedelta(days=50), UNTIL):
            assert not recurring.charge(until).problems
        found = {
            id: (Fraction(cost), number)
            for id, cost, number in asked(
                "SELECT account_product_id, sum(cost_unrounded), count(*) "
                "FROM mediation_activity WHERE account_product_id = ANY(%s) GROUP BY 1",
                ids,
            )
        }
        for id, one in zip(ids, batch, strict=True):
            cost, number = found.get(id, (Fraction(0), 0))
            # Each line is rounded at its tenth place.
            assert abs(cost - one.owed()) <= Fraction(number, 10**10), (one, float(cost))
        transaction.set_rollback(True)


def _products() -> dict[Kind, int]:
    """A product for each kind, with a price up to TURN and another from it on."""
    methods = created(
        "RATING_METHOD",
        (
            {
                "RatingMethodType": "Subscription",
                "SubscriptionCycle": cycle,
                "SubscriptionModel": "Prepaid" if prepaid else "Postpaid",
                "ProrateSubscription": "1" if prorated else "0",
                "ProrationDayCount": "30/360" if thirty else "Actual",
                "CycleType": SYNCED[synced],
            }
            for cycle, prepaid, prorated, synced, thirty in KINDS
        ),
    )
    made = created(
        "PRODUCT", ({"Name": f"Plan {n}", "RatingMethodId": m} for n, m in enumerate(methods))
    )
    created(
        "PRICING",
        (
            {"ProductId": id, "UpperBand": "-1", "Rate": str(rate), name: day}
            for id in made
            for rate, name, day in ((OLD, "EndDate", TURN - ONE), (NEW, "EffectiveDate", TURN))
        ),
    )
    return dict(zip(KINDS, made, strict=True))


def _utc() -> str:
    ((id,),) = asked("SELECT id FROM localization_timezone WHERE name = 'UTC'")
    return str(id)
