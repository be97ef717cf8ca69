"""A line of a discount, a minimum, a commitment or a fee tells what it was reckoned from."""

from datetime import date
from typing import Any

import pytest

from billing.mediation.models import Activity
from billing.rating.explaining import explain_line
from billing.rating.models import SettledCharge
from billing.rating.settling.fees import charge_invoice_fees, charge_late_fees
from metabrm.identity.context import Context
from tests.billing.rating.settling import charged, deal, invoiced, lines, payer, run, saved
from tests.factories import AccountProductFactory, PriceFactory, ProductFactory, RatingMethodFactory

SYSTEM = Context.system("test")
pytestmark = pytest.mark.django_db


def told(id: int, context: Context = SYSTEM) -> dict[str, Any]:
    (line,) = lines(id, "a.id")
    return explain_line(line, context)


def ids(said: dict[str, Any]) -> list[int]:
    return [int(one["Id"]) for one in said["Deal"]["LookedAt"]]


def test_discounts() -> None:
    account = payer()
    product = ProductFactory(Name="Fiber")
    looked_at = charged(account, 100, "50.55", ProductId=product)
    charged(account, 7)
    part = deal(account, 10, DiscountTargetFilterLogic="{!ProductObj.Name} LIKE 'Fib%'")
    amount = deal(
        account, 10, DiscountPricingType="Fixed Amount", DiscountPriority="1", DiscountItemize="1"
    )
    run(account)
    said = told(part)
    assert (said["Arithmetic"], said["Unrounded"], said["Amount"]) == (
        *("-10 % of 140.99 = -14.099", "-14.099", "-14.1"),
    )
    assert ids(said) == looked_at
    assert (said["Deal"]["Kind"], said["Deal"]["Base"]) == ("Discount", "140.99")
    assert (said["Line"]["Agrees"], said["Candidates"][-1]["Status"]) == ("1", "won")
    assert said["Conclusion"] == (
        "A discount on what the discounts before it have left, from 2026-03-01 until before "
        "2026-04-01, over 2 lines: -10 % of 140.99 = -14.099."
    )
    assert said["Conclusion"] in said["Text"]
    assert (
        f"It looks at the lines {looked_at[0]} (100), {looked_at[1]} (50.55)." in said["Text"][-1]
    )
    one = explain_line(lines(amount, "a.id", "a.id")[0], SYSTEM)
    assert one["Arithmetic"] == "the part of 10 off that falls on 100: -6.3471913678"
    assert ids(one) == looked_at[:1]


def test_bounds() -> None:
    account = payer()
    method = RatingMethodFactory(MinMaxPer="Period", ProrateBand="1")
    product = ProductFactory(RatingMethodId=method)
    PriceFactory(ProductId=product, Rate="1", MinCharge="310", MaxCharge="3100")
    has = int(AccountProductFactory(AccountId=account, ProductId=product, StartDate="2026-03-22"))
    common = {"ProductId": product, "AccountProductId": has, "RatingMethodId": method}
    looked_at = charged(account, 40, 30, day="2026-03-25", **common)
    run(account)
    said = told(has)
    assert said["Arithmetic"] == "100 (its part of 310) - 70 = 30"
    assert ids(said) == looked_at
    charged(account, 1000, day="2026-03-26", **common)
    run(account)
    assert told(has)["Arithmetic"] == "1000 (its part of 3100) - 1070 = -70"


def test_commitments() -> None:
    account = payer()
    looked_at = charged(account, 300, 100, day="2026-02-10")
    id = deal(
        account,
        "0.5",
        "Revenue Commitment",
        CMTQuantity="500",
        CMTTermDuration="1 month",
        StartDate="2026-02-01",
    )
    run(account, "2026-02-28")
    said = told(id)
    assert said["Arithmetic"] == "(500 - 400 = 100) x 0.5 = 50"
    assert ids(said) == looked_at


def test_conditional_charges() -> None:
    account = payer()
    looked_at = charged(account, 300, 100, ProductId=ProductFactory(Name="Fiber"))
    charged(account, 5)
    waits = {"EligibleActivityFilterLogic": "{!ProductObj.Name} = 'Fiber'"}
    kind = "Conditional Product Charge"
    flat = deal(account, 7, kind, **waits, Quantity="2")
    part = deal(account, 3, kind, **waits, ChargeType="Percentage")
    run(account)
    assert (told(flat)["Arithmetic"], ids(told(flat))) == ("2 x 7 = 14", looked_at)
    assert (told(part)["Arithmetic"], ids(told(part))) == ("3 % of 400 = 12", looked_at)


def test_fees() -> None:
    account = payer()
    looked_at = charged(account, 100)
    late = deal(account, "1.5", "Late Fee", ChargeType="Percentage")
    flat = deal(account, "2", "Per Invoice")
    invoice = invoiced(account)
    charge_invoice_fees([invoice], date(2026, 3, 31))
    assert told(flat)["Arithmetic"] == "2 for the invoice"
    assert ids(told(flat)) == looked_at
    saved("INVOICE", Id=invoice, Status="APPROVED", DueDate="2026-04-30", GrandTotalAmount="800")
    charge_late_fees([invoice], date(2026, 5, 1))
    assert told(late)["Arithmetic"] == "1.5 % of 800 = 12"
    assert (ids(told(late)), told(late)["Deal"]["InvoiceId"]) == ([], str(invoice))


def test_a_line_that_takes_one_back_tells_what_it_takes_back(clerk: Any) -> None:
    account = payer()
    charged(account, 100)
    off = deal(account, 10)
    run(account)
    (first,) = lines(off, "a.id")
    invoiced(account)
    charged(account, 50, ProductId=ProductFactory())
    charged(account, 50, ProductId=product_of(first))
    run(account)
    reversal = Activity.objects.get(reversal_of_id=first)
    said = explain_line(reversal.pk, SYSTEM)
    assert (said["Amount"], said["Unrounded"]) == ("10", "10")
    assert said["Arithmetic"] == "-(-10 % of 100 = -10)"
    assert said["Conclusion"] == (
        f"It takes back line {first}: A discount on what the discounts before it have left, from "
        "2026-03-01 until before 2026-04-01, over 1 lines: -10 % of 100 = -10."
    )
    assert said["Line"]["Agrees"] == "1"
    assert (said["Deal"]["Kind"], said["Deal"]["LookedAt"], said["Bands"]) == ("Discount", [], [])
    assert said["Text"][-1] == (
        f"Line {first} came to -10 when it was settled; it was taken back when the charges came to "
        "something else."
    )
    entities = ("ACCOUNT", "PRODUCT", "PRICING", "ACTIVITY", "ACCOUNT_PRODUCT", "RATING_METHOD")
    hidden = explain_line(reversal.pk, clerk(**dict.fromkeys(entities, "R")))
    assert (hidden["Amount"], hidden["Deal"]) == (None, None)


def product_of(line: int) -> int | None:
    """The product whose charges a discount's line is about."""
    return SettledCharge.objects.get(activity_id=line).target_product_id


def test_without_the_right_to_settled_charges_no_amount(clerk: Any) -> None:
    account = payer()
    charged(account, 100)
    off = deal(account, 10)
    run(account)
    entities = ("ACCOUNT", "PRODUCT", "PRICING", "ACTIVITY", "ACCOUNT_PRODUCT", "RATING_METHOD")
    said = told(off, clerk(**dict.fromkeys(entities, "R")))
    assert (said["Amount"], said["Arithmetic"], said["Deal"]) == (None, None, None)
    assert "may not read" in said["Conclusion"]
    assert "-10" not in str(said["Text"])
