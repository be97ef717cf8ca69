"""ACCOUNT_PRODUCT_QUOTE: what the taxes of the account put on the quoted amount."""

import xml.etree.ElementTree as ET
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from metabrm.localization.models import Currency
from tests.billing.quoting.test_discounts import quoted, sold
from tests.billing.rating.settling import deal, payer, saved
from tests.examples import tried
from tests.factories import PriceFactory, ProductFactory

pytestmark = pytest.mark.django_db

D = Decimal


def tax(account: int, rate: Any, **terms: Any) -> int:
    return deal(account, rate, "Tax", **terms)


def filtered(logic: str) -> dict[str, str]:
    return {"TaxApplicableTo": "Filtered Products", "TaxProductFilterLogic": logic}


def details(row: dict[str, Any]) -> list[tuple[str | None, ...]]:
    names = ("AccountProductId", "Rate", "TaxAmount", "ErrorText")
    return [
        tuple(found.findtext(name) for name in names)
        for found in ET.fromstring(row["TaxDetails"] or "<none/>")
    ]


#: Discounts and taxes of an account, and what the taxes of 2 x 50 come to.
EXAMPLES: dict[str, tuple[list[Any], list[tuple[Any, dict[str, Any]]], str | None]] = {
    "none": ([], [], None),
    "8.25 %": ([], [("8.25", {})], "8.25"),
    "of what a discount leaves": ([10], [(20, {})], "18"),
    "two, neither on the other": ([], [(10, {}), (5, {})], "15"),
    "once per product": ([], [(10, {"TaxApplication": "Per Product"})], "10"),
    "half a cent is rounded up": ([], [("0.125", {})], "0.13"),
    "for these products": ([], [(10, filtered("{!Name} = 'Taxed'"))], "10"),
    "for others": ([], [(10, filtered("{!Name} = 'Food'"))], None),
    "a filter with a per cent sign": ([], [(10, filtered("{!Name} <> '100%s'"))], "10"),
    "days that are over": ([], [(10, {"EndDate": "2026-03-19"})], None),
    "the last day": ([], [(10, {"EndDate": "2026-03-20"})], "10"),
    "days to come": ([], [(10, {"StartDate": "2026-03-21"})], None),
    "nothing is left to tax": ([100], [(10, {})], "0"),
}


def test_worked_examples() -> None:
    product = sold(Name="Taxed")
    found = {}
    for name, (discounts, taxes, _) in EXAMPLES.items():
        account = payer()
        for rate in discounts:
            deal(account, rate)
        for rate, terms in taxes:
            tax(account, rate, **terms)
        row = quoted(account, product)
        rest = D(row["Amount"]) - D(row["DiscountAmount"])
        assert D(row["GrandTotalAmount"]) == rest + D(row["TaxAmount"] or 0)
        found[name] = row["TaxAmount"]
    assert found == {name: expected for name, (*_, expected) in EXAMPLES.items()}


def test_details_name_each_tax_and_what_can_t_be_reckoned() -> None:
    account = payer()
    works, unpriced = tax(account, "8.25"), tax(account, None)
    senseless = tax(account, 3, **filtered("{!Name} = 'Taxed'"))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_ratingmethod SET tax_product_filter_logic = '{!Gone} = 2' "
            "WHERE tax_product_filter_logic <> ''"
        )
    row = quoted(account, sold())
    assert details(row) == [
        (str(works), "8.25", "8.25", None),
        (
            str(senseless),
            None,
            "0",
            "The filter of its rating method makes no sense any more.",
        ),
        (str(unpriced), None, "0", "It has no price in USD on 2026-03-20."),
    ]
    assert (row["TaxAmount"], row["GrandTotalAmount"]) == ("8.25", "108.25")


def test_the_price_of_the_day_counts_within_its_bounds() -> None:
    account = payer()
    own = tax(account, None)
    PriceFactory(AccountProductId=own, Rate="10", EndDate="2026-03-19")
    PriceFactory(AccountProductId=own, Rate="12", EffectiveDate="2026-03-20", MaxCharge="11.5")
    product = sold()
    assert quoted(account, product, day="2026-03-19")["TaxAmount"] == "10"
    assert quoted(account, product)["TaxAmount"] == "11.5"


@pytest.mark.parametrize(
    ("rule", "expected"), [("Round Down", "0.12"), ("Round Up", "0.13"), ("Math Round", "0.12")]
)
def test_the_currency_s_rule_for_taxes_rounds(rule: str, expected: str) -> None:
    saved(
        "CURRENCY",
        Id=Currency.objects.get(currency_code="USD").pk,
        CurrencyLevelRounding="1",
        CostRoundingRule="Round Up" if rule == "Round Down" else "Round Down",
        TaxCostRoundingRule=rule,
    )
    account = payer()
    tax(account, "0.124")
    assert quoted(account, sold())["TaxAmount"] == expected


def test_where_nothing_is_charged_nothing_is_taxed() -> None:
    account = payer()
    PriceFactory(AccountProductId=tax(account, None), Rate="10", MinCharge="2")
    assert quoted(account, sold(rate=1), quantity=3)["TaxAmount"] == "2"
    row = quoted(account, sold(rate=0))
    assert (row["TaxAmount"], row["GrandTotalAmount"]) == ("0", "0")
    row = quoted(account, int(ProductFactory()))
    assert (row["TaxAmount"], row["TaxDetails"], row["GrandTotalAmount"]) == (None, None, None)


@tried(10)
@given(
    rates=st.lists(st.decimals("0.0001", "100", places=4), min_size=1, max_size=4),
    off=st.integers(0, 100),
    quantity=st.integers(1, 9),
)
def test_it_is_the_sum_of_percentages_of_the_rest(
    rates: list[Decimal], off: int, quantity: int
) -> None:
    account = payer()
    deal(account, off)
    ids = [tax(account, rate) for rate in rates]
    rest = 50 * quantity - (D(50 * quantity * off) / 100).quantize(D("0.01"), ROUND_HALF_UP)
    each = [(rest * rate / 100).quantize(D("0.01"), ROUND_HALF_UP) for rate in rates]
    row = quoted(account, sold(), quantity)
    assert [(id, D(rate or ""), D(amount or "")) for id, rate, amount, _ in details(row)] == [
        (str(id), rate, amount) for id, rate, amount in zip(ids, rates, each, strict=True)
    ]
    assert (D(row["TaxAmount"]), D(row["GrandTotalAmount"])) == (sum(each), rest + sum(each))
