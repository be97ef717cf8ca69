"""Charges that come with others: made when their product is charged, and taken back when not."""

import random
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db import connection

from billing.rating.settling import settle
from tests.billing.rating import oracle
from tests.billing.rating.settling import charged, deal, invoiced, lines, payer, run, saved
from tests.factories import AccountProductFactory, ProductFactory

pytestmark = pytest.mark.django_db

D = Decimal


def conditional(account: int, rate: Any, **terms: Any) -> int:
    return deal(account, rate, "Conditional Product Charge", **terms)


def over(amount: int) -> dict[str, str]:
    return {"EligibleActivityFilterLogic": f"{{!RatedAmount}} > {amount}"}


@pytest.mark.parametrize(
    ("terms", "amounts", "expected"),
    [
        ({}, [60, 70], [D(5)]),
        ({"Quantity": "3"}, [60], [D(15)]),
        ({"ChargeType": "Percentage"}, [60, 70, 10], [D("6.5")]),
        ({}, [10, 20], []),
        ({}, [], []),
    ],
)
def test_it_is_charged_once_in_a_period_with_what_it_waits_for(
    terms: dict[str, str], amounts: list[int], expected: list[Decimal]
) -> None:
    account = payer()
    own = conditional(account, 5, **over(50), **terms)
    charged(account, *amounts)
    run(account)
    assert lines(own) == expected
    again = run(account)
    assert (again.lines, again.taken_back) == (0, 0)


def test_without_a_filter_it_waits_for_the_account_product_it_is_under() -> None:
    account = payer()
    product = ProductFactory()
    phone = int(AccountProductFactory(AccountId=account, ProductId=product))
    own = conditional(account, 5)
    saved("ACCOUNT_PRODUCT", Id=own, ParentCustomerProductId=phone)
    charged(account, 40)
    run(account)
    assert lines(own) == []
    charged(account, 40, day="2026-03-20", AccountProductId=phone, ProductId=product)
    run(account)
    assert lines(own, "rated_amount, a.activity_date::date, a.quantity") == [
        (D(5), date(2026, 3, 20), D(1))
    ]


def test_each_billing_period_by_itself_and_on_its_days() -> None:
    account = payer()
    own = conditional(account, 5, **over(0), StartDate="2026-03-05", EndDate="2026-04-20")
    for day in ("2026-03-04", "2026-03-05", "2026-03-28", "2026-04-20", "2026-05-01"):
        charged(account, 10, day=day)
    run(account, "2026-05-31")
    assert lines(own, "a.activity_date::date") == [date(2026, 3, 28), date(2026, 4, 20)]


def test_it_goes_when_what_it_waits_for_is_taken_back() -> None:
    account = payer()
    own = conditional(account, 5, **over(0))
    (line,) = charged(account, 10)
    run(account)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM mediation_activity WHERE id = %s", [line])
    run(account)
    assert lines(own) == []


def test_on_a_current_invoice_it_is_reversed_and_on_a_closed_one_it_stays() -> None:
    account = payer()
    own = conditional(account, 10, **over(0), ChargeType="Percentage")
    charged(account, 100)
    run(account)
    invoice = invoiced(account)
    charged(account, 50, InvoiceId=invoice)
    run(account)
    assert lines(own, "rated_amount, a.invoice_id") == [(D(15), invoice)]
    saved("INVOICE", Id=invoice, Status="CLOSED")
    charged(account, 20, day="2026-04-02")
    run(account, "2026-04-30")
    assert lines(own) == [D(15), D(2)]


def test_discounts_see_it_and_none_waits_for_another() -> None:
    account = payer()
    own = conditional(account, 20, **over(0))
    other = conditional(account, 7, **over(15))
    off = deal(account, 50)
    charged(account, 10)
    run(account)
    assert (lines(own), lines(other)) == ([D(20)], [])
    assert sum(lines(off)) == D(-15)


def test_what_is_never_billed_brings_none() -> None:
    account = payer()
    own = conditional(account, 5, **over(0))
    charged(account, 10, NonBillableFlag="1")
    run(account)
    assert lines(own) == []


def test_whoever_has_one_is_settled_by_itself_and_told_what_is_in_the_way() -> None:
    account, stuck = payer(), payer()
    own = conditional(account, 5, **over(0))
    unpriced = conditional(stuck, None, **over(0))
    charged(account, 10)
    charged(stuck, 10)
    broken = conditional(stuck, 5, **over(0))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_ratingmethod m SET eligible_activity_filter_logic = '{!Gone} > 1' "
            "FROM catalog_product p JOIN customers_accountproduct a ON a.product_id = p.id "
            "WHERE m.id = p.rating_method_id AND a.id = %s",
            [broken],
        )
    done = settle(date(2026, 3, 31))
    assert lines(own) == [D(5)]
    assert "There is no price" in done.problems[unpriced]
    assert "no field 'Gone'" in done.problems[broken]


def test_a_dry_run_leaves_nothing() -> None:
    account = payer()
    own = conditional(account, 5, **over(0))
    charged(account, 10)
    assert run(account, dry_run=True).lines == 1
    assert lines(own) == []


def test_generated_charges_come_to_what_the_oracle_says() -> None:
    """25 accounts with some charges in three months each, settled together."""
    chance = random.Random(11)
    expected: dict[int, list[Decimal]] = {}
    accounts = []
    for _ in range(25):
        account = payer()
        accounts.append(account)
        rate, quantity = D(chance.randint(1, 900)) / 100, D(chance.randint(1, 4))
        percentage, least = chance.random() < 0.5, chance.randint(0, 60)
        kind = {"ChargeType": "Percentage"} if percentage else {}
        own = conditional(account, rate, Quantity=str(quantity), **over(least), **kind)
        expected[own] = []
        product = ProductFactory()
        for month in ("2026-03", "2026-04", "2026-05"):
            amounts = [D(chance.randint(1, 9000)) / 100 for _ in range(chance.randint(0, 3))]
            charged(account, *amounts, day=f"{month}-10", ProductId=product)
            met = [amount for amount in amounts if amount > least]
            cost = oracle.conditional(rate, quantity, met, percentage=percentage)
            if cost is not None:
                expected[own].append(cost.quantize(D("0.01"), ROUND_HALF_UP))
    run(accounts, "2026-05-31")
    for own, amounts in expected.items():
        assert lines(own) == [amount for amount in amounts if amount], own
