"""Minimum and maximum charges of a billing period."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.rating.explaining import Question, explain
from billing.rating.settling import settle
from metabrm.identity.context import Context
from tests.billing.rating.settling import charged, deal, invoiced, lines, payer, run, saved, total
from tests.factories import AccountProductFactory, PriceFactory, ProductFactory, RatingMethodFactory

D = Decimal
pytestmark = pytest.mark.django_db
PERIOD = {"MinMaxPer": "Period"}


def usage(
    account: int, least: Any = None, most: Any = None, start: str = "2026-01-01", **method: str
) -> tuple[int, dict[str, Any]]:
    """An account product of usage that is bounded, and what its charges have in common."""
    terms = RatingMethodFactory(**PERIOD | method)
    product = ProductFactory(RatingMethodId=terms)
    limits = {"MinCharge": least, "MaxCharge": most}
    PriceFactory(
        ProductId=product,
        Rate="1",
        **{name: str(value) for name, value in limits.items() if value is not None},
    )
    has = AccountProductFactory(AccountId=account, ProductId=product, StartDate=start)
    common = {"ProductId": product, "AccountProductId": has, "RatingMethodId": terms}
    return int(has), common


def settled(has: int, what: str = "rated_amount") -> list[Any]:
    """The lines that bring charges of an account product to their bounds."""
    return lines(has, what)


#: Bounds, charges, and the line that brings them to these.
EXAMPLES: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "300 of a minimum of 500: a true-up of 200 (Lago, minimum commitments)": (
        {"least": 500},
        [100, 200],
        [200],
    ),
    "600 is more than the minimum of 500": ({"least": 500}, [600], []),
    "exactly the minimum": ({"least": 500}, [250, 250], []),
    "160 and then 22 of a maximum of 170 (OpenMeter, maximum spend)": (
        {"most": 170},
        [160, 15, 7],
        [-12],
    ),
    "between the two": ({"least": 10, "most": 20}, [15], []),
    "nothing was used": ({"least": 500}, [], []),
    "what was used is taken back": ({"least": 500}, [100, -100], []),
    "nothing was used, and the minimum is settled all the same": (
        {"least": 500, "MinMaxZeroQuantityTrueUp": "1"},
        [],
        [500],
    ),
    "the minimum of 25 of 28 days, by days (Lago, spending minimum)": (
        {"least": 10, "ProrateBand": "1", "start": "2026-02-04"},
        [8],
        ["0.93"],
    ),
    "the same for several charges together (Lago, minimum of a charge with filters)": (
        {"least": 100, "ProrateBand": "1", "start": "2026-02-04"},
        [20, 50, 0],
        ["19.29"],
    ),
    "without ProrateBand all of it": ({"least": 10, "start": "2026-02-04"}, [8], [2]),
}


def test_worked_examples() -> None:
    made, accounts = {}, []
    for name, (terms, charges, _) in EXAMPLES.items():
        accounts.append(payer())
        has, common = usage(accounts[-1], **{"start": "2026-02-01"} | terms)
        charged(accounts[-1], *charges, day="2026-02-20", **common)
        made[name] = has
    run(accounts, "2026-02-28")
    assert {name: settled(has) for name, has in made.items()} == {
        name: [D(str(amount)) for amount in expected] for name, (_, _, expected) in EXAMPLES.items()
    }
    again = run(accounts, "2026-02-28")
    assert (again.lines, again.taken_back) == (0, 0)


def test_a_minimum_waits_for_the_end_of_the_period_and_follows_its_charges() -> None:
    account = payer()
    has, common = usage(account, least=100, most=300)
    charged(account, 40, day="2026-03-05", **common)
    run(account, "2026-03-30")
    assert settled(has) == []
    run(account, "2026-03-31")
    what = "rated_amount, min_charge_flag, a.quantity, process_description, s.base, s.rate"
    assert settled(has, what) == [(60, True, 0, "Minimum charge", 40, 100)]
    charged(account, 25, day="2026-03-06", **common)
    run(account)
    assert settled(has) == [35]
    charged(account, 500, day="2026-03-07", **common)
    run(account)
    assert settled(has, "s.kind, rated_amount") == [("Maximum", -265)]
    assert total(account) == 300


def test_a_period_ends_with_the_invoice_that_is_closed_before_its_time() -> None:
    account = payer()
    has, common = usage(account, least=100)
    charged(account, 40, day="2026-03-05", **common)
    run(account, "2026-03-20", closing=True)
    assert settled(has, "rated_amount, s.period_until") == [(60, date(2026, 3, 21))]


def test_each_account_product_and_each_period_by_itself() -> None:
    account = payer()
    one, common = usage(account, least=100)
    two = int(AccountProductFactory(AccountId=account, ProductId=common["ProductId"]))
    charged(account, 90, day="2026-03-05", **common)
    charged(account, 80, day="2026-03-05", **common | {"AccountProductId": two})
    charged(account, 70, day="2026-02-05", **common)
    run(account)
    assert (settled(one), settled(two)) == ([30, 10], [20])


def test_without_an_account_product_the_product_is_bounded() -> None:
    account = payer()
    has, common = usage(account, least=100)
    charged(account, 40, **{k: v for k, v in common.items() if k != "AccountProductId"})
    run(account)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rated_amount, account_product_id, product_id FROM mediation_activity "
            "WHERE account_id = %s AND min_charge_flag",
            [account],
        )
        assert cursor.fetchall() == [(60, None, common["ProductId"])]
    assert settled(has) == []


def test_discounts_lower_what_the_minimum_raised() -> None:
    account = payer()
    _, common = usage(account, least=100)
    charged(account, 40, **common)
    off = deal(account, 10, DiscountApplyTo="Usage charges")
    run(account)
    assert lines(off) == [-10]
    assert total(account) == 90
    assert run(account).lines == 0


def test_on_a_current_invoice_the_true_up_is_reversed_and_neither_counts_as_usage() -> None:
    account = payer()
    has, common = usage(account, least=100)
    charged(account, 40, **common)
    off = deal(account, 50)
    run(account)
    invoiced(account)
    charged(account, 30, **common)
    run(account)
    assert settled(has, "rated_amount, s.base") == [(30, 70)]
    assert lines(off) == [-50]
    assert total(account) == 50
    assert run(account).lines == 0


def test_the_charges_themselves_are_not_bounded_one_by_one() -> None:
    account = payer()
    _, common = usage(account, least=100, most=300)
    for quantity in (40, 500):
        told = explain(
            Question(
                account_id=account,
                product_id=common["ProductId"],
                quantity=D(quantity),
                day=date(2026, 3, 5),
            ),
            Context.system("test"),
        )
        assert told["Amount"] == str(quantity)


def test_all_accounts_with_such_methods_are_found() -> None:
    account = payer()
    has, common = usage(account, least=100)
    charged(account, 40, **common)
    assert settle(date(2026, 3, 31)).accounts == 1
    assert settled(has) == [60]
    saved("ACCOUNT_PRODUCT", Id=has, EndDate="2026-03-20")
    assert settle(date(2026, 3, 31)).lines == 0
