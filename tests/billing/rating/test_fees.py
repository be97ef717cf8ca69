"""Fees of invoices: late ones, and one for each that is made."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.rating.settling import settle
from billing.rating.settling.fees import charge_invoice_fees, charge_late_fees
from metabrm import clock
from tests.billing.rating.settling import (
    charged,
    day_of,
    deal,
    invoiced,
    lines,
    payer,
    saved,
    total,
)
from tests.factories import PriceFactory, RatingMethodFactory

D = Decimal
pytestmark = pytest.mark.django_db
PERCENT = {"ChargeType": "Percentage"}


def overdue(account: int, amount: Any = 1000, paid: Any = 0, **fields: Any) -> int:
    """An invoice that was due on 30 April 2026."""
    invoice = invoiced(account, "APPROVED")
    amounts = {"grand_total_amount": amount, "payment_amount": paid, "due_date": "2026-04-30"}
    amounts |= fields
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE invoicing_invoice SET {', '.join(f'{name} = %s' for name in amounts)} "
            f"WHERE id = %s",
            [*amounts.values(), invoice],
        )
    return invoice


#: The fee, the invoice, the day, and what it comes to.
EXAMPLES: dict[str, tuple[Any, dict[str, str], dict[str, Any], str, list[Any]]] = {
    "1.5 % of what is unpaid": ("1.5", PERCENT, {"paid": 200}, "2026-05-01", [12]),
    "1.5 % of the invoice": (
        "1.5",
        PERCENT | {"LateFeeType": "Overdue invoice"},
        {"paid": 200},
        "2026-05-01",
        [15],
    ),
    "8 for an invoice": (8, {}, {}, "2026-05-01", [8]),
    "on the due day it is not late": (8, {}, {}, "2026-04-30", []),
    "ten days of grace": (
        8,
        {"ChargeInSubsequentPer": "10", "ChargeInSubsequentUnit": "Day"},
        {},
        "2026-05-10",
        [],
    ),
    "after ten days of grace": (
        8,
        {"ChargeInSubsequentPer": "10", "ChargeInSubsequentUnit": "Day"},
        {},
        "2026-05-11",
        [8],
    ),
    "paid": (8, {}, {"paid": 1000}, "2026-05-01", []),
    "disputed": (8, {}, {"disputed": True}, "2026-05-01", []),
    "void": (8, {}, {"void_flag": True}, "2026-05-01", []),
    "still open": (8, {}, {"status": "CURRENT"}, "2026-05-01", []),
    "settled by a credit": (8, {}, {"credit_amount": 1000}, "2026-05-01", []),
}


def test_late_fees() -> None:
    found = {}
    for name, (rate, terms, invoice, on, _) in EXAMPLES.items():
        account = payer()
        id = deal(account, rate, "Late Fee", **terms)
        charge_late_fees([overdue(account, **invoice)], day_of(on))
        found[name] = lines(id)
    assert found == {
        name: [D(amount) for amount in expected] for name, (*_, expected) in EXAMPLES.items()
    }


def test_once_for_an_invoice_and_a_period_and_for_good() -> None:
    account = payer()
    id = deal(account, 10, "Late Fee", **PERCENT)
    one, two = overdue(account), overdue(account, 50)
    charge_late_fees([one], day_of("2026-05-03"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE invoicing_invoice SET payment_amount = 900 WHERE id = %s", [one])
    done = charge_late_fees([one, two], day_of("2026-05-20"))
    assert (done.lines, done.taken_back) == (1, 0)
    charge_late_fees([one, two], day_of("2026-06-02"))
    what = "s.invoice_id, extract(month FROM a.activity_date)::int, rated_amount, a.invoice_id"
    assert lines(id, what, "a.id") == [
        (one, 5, 100, None),
        (two, 5, 5, None),
        (one, 6, 10, None),
        (two, 6, 5, None),
    ]


def test_a_late_fee_is_no_charge_that_discounts_lower() -> None:
    account = payer()
    deal(account, 8, "Late Fee")
    off = deal(account, 50)
    charge_late_fees([overdue(account)], day_of("2026-05-01"))
    settle(day_of("2026-05-31"), [account])
    assert lines(off) == []


def test_bounds_and_the_hierarchy() -> None:
    top = payer()
    below = payer(top)
    id = deal(top, None, "Late Fee", **PERCENT, PropagateToHierarchy="1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT product_id FROM customers_accountproduct WHERE id = %s", [id])
        (product,) = cursor.fetchone()
    PriceFactory(ProductId=product, Rate="1", MinCharge="5", MaxCharge="40")
    made = [overdue(top, 100), overdue(below, 2000), overdue(below, 9000)]
    charge_late_fees(made, day_of("2026-05-01"))
    assert lines(id, "a.account_id, rated_amount", "a.rated_amount") == [
        (top, 5),
        (below, 20),
        (below, 40),
    ]


def test_days_are_those_of_whoever_is_invoiced() -> None:
    account = payer()
    id = deal(account, 8, "Late Fee")
    made = overdue(account)
    with clock.frozen(day_of("2026-05-01", 3)):
        charge_late_fees([made])
    assert lines(id) == []
    with clock.frozen(day_of("2026-05-01", 12)):
        charge_late_fees([made])
    assert lines(id) == [8]


def test_a_fee_on_each_invoice() -> None:
    account = payer()
    charged(account, 100, 60)
    tax = RatingMethodFactory(RatingMethodType="Tax")
    charged(account, 30, RatingMethodId=tax)
    off = deal(account, 10)
    flat = deal(account, "2.5", "Per Invoice")
    part = deal(account, 3, "Per Invoice", **PERCENT)
    settle(day_of("2026-03-31"), [account])
    assert sum(lines(off)) == -16
    invoice = invoiced(account)
    for _ in range(2):
        done = charge_invoice_fees([invoice], day_of("2026-03-31"))
    assert (done.lines, done.taken_back) == (0, 0)
    assert lines(flat, "rated_amount, a.invoice_id") == [(D("2.5"), invoice)]
    assert lines(part, "rated_amount, s.base, s.lines") == [(D("4.32"), 144, 3)]
    charged(account, 40, InvoiceId=invoice)
    charge_invoice_fees([invoice], day_of("2026-03-31"))
    assert lines(part) == [D("5.52")]
    assert total(account) == 100 + 60 + 30 - 16 + 40 + D("2.5") + D("5.52")
    saved("INVOICE", Id=invoice, Status="CLOSED")
    assert charge_invoice_fees([invoice], day_of("2026-03-31")).lines == 0


def test_an_invoice_without_lines_bears_no_fee() -> None:
    account = payer()
    id = deal(account, 2, "Per Invoice")
    charge_invoice_fees([invoiced(account)], day_of("2026-03-31"))
    assert lines(id) == []
