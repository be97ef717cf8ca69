"""Commitments: what a term lacks is charged when it is over."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.rating.explaining import explain_line
from billing.rating.settling import settle
from tests.billing.rating.settling import SYSTEM, charged, deal, invoiced, lines, payer, run, saved
from tests.factories import (
    AccountPackageFactory,
    ContractFactory,
    PackageFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

D = Decimal
pytestmark = pytest.mark.django_db


def committed(
    account: int, quantity: Any, term: str = "1 month", rate: Any = 1, **terms: str
) -> int:
    terms = {"StartDate": "2026-01-01"} | terms
    return deal(
        account,
        rate,
        "Revenue Commitment",
        CMTQuantity=str(quantity),
        CMTTermDuration=term,
        **terms,
    )


#: The commitment, charges by day, until when, and what is lacking of each term.
EXAMPLES: dict[str, tuple[tuple[Any, ...], dict[str, Any], dict[str, Any], str, list[Any]]] = {
    "500 a month: 300 used, then 600 (Lago, minimum commitments)": (
        (500,),
        {},
        {"2026-01-10": 300, "2026-02-10": 600},
        "2026-02-28",
        [200],
    ),
    "12,000 a year: 9,500 used (Zuora, true-up at the end of the period)": (
        (12000, "12 months"),
        {},
        {"2026-01-10": 4000, "2026-06-10": 5500},
        "2026-12-31",
        [2500],
    ),
    "a term is not over": (
        (12000, "1 year"),
        {},
        {"2026-01-10": 4000},
        "2026-12-30",
        [],
    ),
    "nothing was used": ((100,), {}, {}, "2026-02-28", [100, 100]),
    "half of the shortfall": (
        (500, "1 month", "0.5"),
        {},
        {"2026-01-10": 300},
        "2026-01-31",
        [100],
    ),
    "30 % of the shortfall": (
        (500, "1 month", 30),
        {"CMTRateMethod": "Percentage"},
        {"2026-01-10": 300},
        "2026-01-31",
        [60],
    ),
    "in full, without a price": (
        (500, "1 month", None),
        {},
        {"2026-01-10": 300},
        "2026-01-31",
        [200],
    ),
    "units: 7 of 10, at 4.50 (one for each charge)": (
        (10, "1 quarter", "4.5"),
        {"CMTInputMethod": "Quantity"},
        {"2026-01-10": 300, "2026-02-10": 1, "2026-03-10": 1},
        "2026-03-31",
        ["31.5"],
    ),
    "weeks": ((100, "2 weeks"), {}, {"2026-01-10": 30, "2026-01-20": 40}, "2026-01-28", [70, 60]),
    "ended before its time: all of it": (
        (3100,),
        {"EndDate": "2026-01-10"},
        {"2026-01-05": 400},
        "2026-01-31",
        [2700],
    ),
    "ended before its time: by days, 10 of 31": (
        (3100,),
        {"EndDate": "2026-01-10", "EarlyTerminationOption": "Prorate"},
        {"2026-01-05": 400},
        "2026-01-31",
        [600],
    ),
    "ended before its time: nothing": (
        (3100,),
        {"EndDate": "2026-01-10", "EarlyTerminationOption": "None"},
        {"2026-01-05": 400},
        "2026-01-31",
        [],
    ),
    "twice": ((100,), {"Quantity": "2"}, {"2026-01-10": 30}, "2026-01-31", [170]),
}


def test_worked_examples() -> None:
    found = {}
    for name, (given, terms, charges, until, _) in EXAMPLES.items():
        account = payer()
        id = committed(account, *given, **terms)
        for day, amount in charges.items():
            charged(account, amount, day=day)
        assert not run(account, until).problems
        found[name] = lines(id)
    assert found == {
        name: [D(str(amount)) for amount in expected] for name, (*_, expected) in EXAMPLES.items()
    }


def test_settling_again_changes_nothing() -> None:
    account = payer()
    id = committed(account, 500)
    charged(account, 300, day="2026-01-10")
    assert run(account, "2026-02-28").lines == 2
    again = run(account, "2026-02-28")
    assert (again.lines, again.taken_back, lines(id)) == (0, 0, [200, 500])


def test_what_the_line_says() -> None:
    account = payer()
    id = committed(account, 500, rate=2)
    charged(account, 300, 100, day="2026-01-10")
    run(account, "2026-01-31")
    what = (
        "subscription_from_date, subscription_to_date, a.quantity, a.rate, rated_amount, s.base, "
        "s.lines, rate_source, process_description"
    )
    assert lines(id, what) == [
        (
            *(date(2026, 1, 1), date(2026, 1, 31), 100, 2, 200, 400, 2),
            *("Product", "Shortfall of the commitment"),
        )
    ]


def test_discounts_count_and_taxes_and_commitments_do_not() -> None:
    account = payer()
    charged(account, 300, day="2026-01-10")
    tax = RatingMethodFactory(RatingMethodType="Tax")
    charged(account, 60, day="2026-01-10", RatingMethodId=tax)
    deal(account, 10)
    one, two = committed(account, 500), committed(account, 400)
    taxed = committed(account, 500, CMTTaxFlag="1")
    units = committed(account, 3, CMTInputMethod="Quantity", CMTTaxFlag="1")
    run(account, "2026-01-31")
    assert (lines(one), lines(two), lines(taxed), lines(units)) == ([230], [130], [170], [2])


def test_the_price_s_bounds_hold() -> None:
    account = payer()
    id = committed(account, 500, rate=None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT product_id FROM customers_accountproduct WHERE id = %s", [id])
        (product,) = cursor.fetchone()
    PriceFactory(ProductId=product, Rate="0.5", MinCharge="50", MaxCharge="200")
    for day, amount in (("2026-01-10", 450), ("2026-02-10", 300), ("2026-03-10", 500)):
        charged(account, amount, day=day)
    run(account, "2026-04-30")
    assert lines(id) == [50, 100, 200]
    (least,) = lines(id, "a.id", "a.id")[:1]
    assert explain_line(least, SYSTEM)["Arithmetic"] == (
        "(500 - 450 = 50) x 0.5 = 25, bounded to 50"
    )


def test_only_what_the_filter_holds_for() -> None:
    account = payer()
    charged(account, 300, day="2026-01-10", ProductId=ProductFactory(Name="Cloud"))
    charged(account, 70, day="2026-01-10")
    only = committed(account, 500, CMTInclusionLogic="{!ProductObj.Name} LIKE 'Clou%'")
    run(account, "2026-01-31")
    assert lines(only) == [200]


def test_down_the_hierarchy_in_a_package_and_under_a_contract() -> None:
    top = payer()
    below = payer(payer(top))
    bundle = AccountPackageFactory(
        AccountId=top, PackageId=PackageFactory(), StartDate="2026-01-01"
    )
    contract = ContractFactory(AccountId=top, StartDate="2026-01-01", EndDate="2026-12-31")
    charged(top, 100, day="2026-01-10")
    charged(top, 20, day="2026-01-10", AccountPackageId=bundle)
    charged(top, 3, day="2026-01-10", ContractId=contract)
    charged(below, 1000, day="2026-01-10")
    found = {}
    for scope in ("Account", "Account hierarchy", "Account package", "Contract"):
        id = committed(top, 5000, CMTScope=scope)
        if scope == "Contract":
            saved("ACCOUNT_PRODUCT", Id=id, ContractId=contract)
        if scope == "Account package":
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE customers_accountproduct SET account_package_id = %s WHERE id = %s",
                    [bundle, id],
                )
        run(top, "2026-01-31")
        found[scope] = 5000 - sum(lines(id))
        saved("ACCOUNT_PRODUCT", Id=id, Status="SUSPENDED")
    assert found == {
        "Account": 123,
        "Account hierarchy": 1123,
        "Account package": 20,
        "Contract": 3,
    }


def test_late_charges_lower_it_until_its_invoice_is_closed() -> None:
    account = payer()
    id = committed(account, 500)
    charged(account, 300, day="2026-01-10")
    run(account, "2026-01-31")
    charged(account, 50, day="2026-01-11")
    run(account, "2026-01-31")
    assert lines(id) == [150]
    invoiced(account, "CLOSED", "2026-01-31")
    charged(account, 40, day="2026-01-12")
    charged(account, 10, day="2026-02-12")
    run(account, "2026-02-28")
    assert lines(id) == [150, 490]


def test_a_year_of_invoices_counts() -> None:
    account = payer()
    id = committed(account, 1000, "3 months")
    for month in (1, 2):
        charged(account, 100, day=f"2026-0{month}-10")
        run(account, f"2026-0{month}-28")
        invoiced(account, "CLOSED", {1: "2026-01-31", 2: "2026-02-28"}[month])
    charged(account, 50, day="2026-03-10")
    run(account, "2026-03-31")
    assert lines(id) == [750]


def test_units_without_a_price_are_told() -> None:
    account = payer()
    id = committed(account, 10, rate=None, CMTInputMethod="Quantity")
    assert list(settle(date(2026, 1, 31)).problems) == [id]
