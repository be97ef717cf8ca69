"""Settling brings lines to what they should be now: again, on open and closed invoices, killed."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction

from tests.billing.rating.settling import (
    charged,
    deal,
    invoiced,
    lines,
    payer,
    run,
    saved,
    total,
)
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db

ITEMIZED = {"DiscountItemize": "1"}


def test_settling_again_changes_nothing_and_follows_what_changes() -> None:
    account = payer()
    (first,) = charged(account, 100)
    off = deal(account, 10, **ITEMIZED)
    run(account)
    (id,) = lines(off, "a.id")
    again = run(account)
    assert (again.lines, again.taken_back, lines(off, "a.id")) == (0, 0, [id])
    charged(account, 50, day="2026-03-12")
    more = run(account)
    assert (more.lines, more.taken_back) == (1, 0)
    assert lines(off, "a.id")[0] == id
    saved("ACTIVITY", Id=first, RatedAmount="80")
    done = run(account)
    assert (done.lines, done.taken_back, done.amounts) == (1, 1, {"USD": 2})
    assert lines(off) == [-8, -5]
    saved("ACCOUNT_PRODUCT", Id=off, EndDate="2026-03-11")
    run(account)
    assert lines(off) == [-8]
    saved("ACCOUNT_PRODUCT", Id=off, EndDate="2026-02-11")
    run(account)
    assert lines(off) == []
    assert total(account) == 130


def test_on_a_current_invoice_what_changes_is_reversed_and_written_anew() -> None:
    account = payer()
    (line,) = charged(account, 100)
    off = deal(account, 10)
    run(account)
    (old,) = lines(off, "a.id")
    invoice = invoiced(account)
    assert run(account).lines == 0
    saved("ACTIVITY", Id=line, RatedAmount="70")
    done = run(account)
    assert (done.lines, done.taken_back) == (1, 1)
    assert lines(off, "rated_amount, a.invoice_id") == [(-7, invoice)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rated_amount, invoice_id FROM mediation_activity WHERE reversal_of_id = %s",
            [old],
        )
        assert cursor.fetchall() == [(10, invoice)]
    assert total(account) == 63
    assert run(account).lines == 0


def test_a_closed_period_stays_and_late_lines_count_in_the_first_open_one() -> None:
    account = payer()
    (line,) = charged(account, 100)
    off = deal(account, 10)
    run(account)
    invoiced(account, "CLOSED")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE mediation_activity SET rated_amount = 70 WHERE id = %s", [line])
    assert run(account).lines == 0
    product = ProductFactory()
    charged(account, 50, day="2026-03-20", ProductId=product)
    charged(account, 30, day="2026-04-02", ProductId=product)
    run(account, "2026-04-30")
    assert lines(off, "rated_amount, s.period_from") == [
        (-10, date(2026, 3, 1)),
        (-8, date(2026, 4, 1)),
    ]


def test_settling_up_to_an_earlier_day_leaves_what_is_later() -> None:
    account = payer()
    product = ProductFactory()
    for day in ("2026-03-10", "2026-04-10"):
        charged(account, 100, day=day, ProductId=product)
    off = deal(account, 10)
    owed = deal(
        account,
        1,
        "Revenue Commitment",
        CMTQuantity="500",
        CMTTermDuration="1 month",
        StartDate="2026-03-01",
    )
    run(account, "2026-04-30")
    made = (lines(off, "a.id"), lines(owed, "a.id"))
    assert [len(ids) for ids in made] == [2, 2]
    done = run(account, "2026-03-31")
    assert (done.lines, done.taken_back) == (0, 0)
    assert (lines(off, "a.id"), lines(owed, "a.id")) == made


class KilledError(Exception):
    """Stands for kill -9."""


def test_killed_at_any_statement_nothing_is_left_and_then_all_is_settled() -> None:
    account = payer()
    (line,) = charged(account, 100)
    off = deal(account, 10)
    run(account)
    saved("ACTIVITY", Id=line, RatedAmount="70")
    before = lines(off, "a.id, rated_amount")
    place = 0
    while True:
        place += 7
        left = [place]

        def die(execute: Callable[..., Any], sql: str, *rest: Any, left: list[int] = left) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise KilledError
            return execute(sql, *rest)

        try:
            with transaction.atomic(), connection.execute_wrapper(die):
                run(account)
        except KilledError:
            assert lines(off, "a.id, rated_amount") == before
        else:
            break
    assert place > 50
    assert lines(off) == [-7]
