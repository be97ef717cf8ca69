"""Discounts against an oracle that goes line by line, in fractions; and by several at once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product
from threading import Thread

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.rating.settling import settle
from tests.billing.rating.settling import cents, charged, deal, lines, payer, plain_accounts, total
from tests.factories import ProductFactory, RatingMethodFactory

UNTIL = date(2026, 3, 31)
KINDS = ("Usage", "Subscription")
SPREADS = ("Percentage", "Proportional", "In order", "Each charge")
#: How a discount chooses and how it is told: kind of the charges, smallest amount, itemized.
CHOICES = tuple(product((None, *KINDS), (None, 5), (False, True)))
Methods = dict[tuple[str, tuple[str | None, int | None, bool]], int]


@dataclass(frozen=True)
class Off:
    spread: str
    choice: tuple[str | None, int | None, bool]
    rate: Decimal
    quantity: int


@dataclass
class Case:
    charges: list[tuple[Decimal, str]]
    discounts: list[Off]
    expected: list[list[Decimal]] = field(default_factory=list)


money = st.integers(-300, 3000).map(lambda n: Decimal(n) / 100)
offs = st.builds(
    Off,
    st.sampled_from(SPREADS),
    st.sampled_from(CHOICES),
    st.integers(0, 4000).map(lambda n: Decimal(n) / 100),
    st.integers(1, 2),
).map(lambda off: replace(off, rate=min(off.rate * 3, Decimal(100)))
      if off.spread == "Percentage" else off)  # fmt: skip
cases = st.builds(
    Case,
    st.lists(st.tuples(money, st.sampled_from(KINDS)), max_size=7),
    st.lists(offs, max_size=4),
)


def reckoned(case: Case) -> list[list[Decimal]]:
    """What each discount takes off each line, one after the other."""
    left = [amount for amount, _ in case.charges]
    taken = []
    for off in case.discounts:
        kind, least, _ = off.choice
        chosen = [
            i
            for i, (amount, of) in enumerate(case.charges)
            if kind in (None, of) and (least is None or amount >= least)
        ]
        parts = [Decimal(0)] * len(left)
        for i, part in zip(chosen, _parts(off, [left[i] for i in chosen]), strict=True):
            parts[i] = part
            left[i] -= part
        taken.append(parts)
    return taken


def _parts(off: Off, left: list[Decimal]) -> Iterator[Decimal]:
    positive = [max(amount, Decimal(0)) for amount in left]
    amount = off.rate * off.quantity
    most = min(amount, max(sum(left), Decimal(0)), sum(positive, Decimal(0)))
    before = Fraction(0)
    given_so_far = Decimal(0)
    for index, above in enumerate(positive):
        if off.spread == "Each charge":
            yield min(above, amount)
        elif off.spread == "In order":
            part = min(above, most - given_so_far)
            given_so_far += part
            yield part
        else:
            if off.spread == "Percentage":
                upto = Fraction(off.rate) * Fraction(sum(left[: index + 1])) / 100
            else:
                whole = Fraction(sum(positive))
                upto = (
                    Fraction(most) * Fraction(sum(positive[: index + 1])) / whole
                    if whole
                    else Fraction(0)
                )
            yield cents(upto) - cents(before)
            before = upto


@pytest.fixture
def methods(db: None) -> Methods:
    made = {}
    for spread, choice in product(SPREADS, CHOICES):
        kind, least, itemized = choice
        percentage = spread == "Percentage"
        terms = {
            "RatingMethodType": "Discount",
            "DiscountPricingType": "Percentage Off" if percentage else "Fixed Amount",
            "DiscountApplyTo": {
                None: "All charges",
                "Usage": "Usage charges",
                "Subscription": "Recurring charges",
            }[kind],
            "DiscountItemize": "1" if itemized else "0",
        }
        if not percentage:
            terms["DiscountApplMethod"] = spread
        if least is not None:
            terms["DiscountTargetFilterLogic"] = f"{{!RatedAmount}} >= {least}"
        method = RatingMethodFactory(**terms)
        made[spread, choice] = int(ProductFactory(RatingMethodId=method))
    return made


@given(st.lists(cases, min_size=120, max_size=160))
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_as_the_oracle_says(methods: Methods, batch: list[Case]) -> None:
    kinds = {kind: int(RatingMethodFactory(RatingMethodType=kind)) for kind in KINDS}
    sold = int(ProductFactory())
    accounts = plain_accounts(len(batch))
    ids: list[list[int]] = []
    with connection.cursor() as cursor:
        for account, case in zip(accounts, batch, strict=True):
            cursor.executemany(
                "INSERT INTO mediation_activity (account_id, activity_date, product_id, "
                "rated_amount, currency_code, rating_method_id, quantity, created, updated) VALUES "
                "(%s, '2026-03-10 12:00Z', %s, %s, 'USD', %s, 1, now(), now())",
                [(account, sold, amount, kinds[kind]) for amount, kind in case.charges],
            )
            ids.append([])
            for off in case.discounts:
                cursor.execute(
                    "INSERT INTO customers_accountproduct (account_id, product_id, status, "
                    "quantity, start_date, rate_override, created, updated) VALUES "
                    "(%s, %s, 'ACTIVE', %s, '2026-01-01', %s, now(), now()) RETURNING id",
                    [account, methods[off.spread, off.choice], off.quantity, off.rate],
                )
                ids[-1].append(cursor.fetchone()[0])
    done = settle(UNTIL, accounts)
    assert not done.problems
    written = Counter[int]()
    for account, case, deals in zip(accounts, batch, ids, strict=True):
        taken = reckoned(case)
        for off, parts, id in zip(case.discounts, taken, deals, strict=True):
            apart = [-part for part in parts if part]
            together = [sum(apart)] if sum(apart) else []
            found = lines(id)
            assert found == (apart if off.choice[2] else together), (case, off)
            written[account] += len(found)
        left = sum((amount for amount, _ in case.charges), Decimal(0)) - sum(map(sum, taken))
        assert total(account) == left
    again = settle(UNTIL, accounts)
    assert (again.lines, again.taken_back) == (0, 0)
    assert done.lines == sum(written.values())


@pytest.mark.django_db(transaction=True)
def test_two_at_once_and_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    account = payer()
    charged(account, 100, 50)
    off = deal(account, 10)
    free = deal(account, None)

    def one() -> None:
        try:
            settle(UNTIL, [account])
        finally:
            connection.close()

    threads = [Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lines(off) == [-15]
    assert total(account) == 135
    call_command("settle", account=[account], until=UNTIL)
    told = capsys.readouterr().out
    assert f"ACCOUNT_PRODUCT {free} is not settled: There is no price of product" in told
    assert "Wrote 0 lines of 1 accounts in the place of 0: nothing." in told
