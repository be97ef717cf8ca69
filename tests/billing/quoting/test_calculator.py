"""ACCOUNT_PRODUCT_QUOTE: what a quantity of a product costs, reckoned from the prices in force."""

import json
import xml.etree.ElementTree as ET

import pytest

from entities import query
from entities.errors import Code, RequestError
from metabrm.identity.context import Context
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

pytestmark = pytest.mark.django_db

SYSTEM = Context.system("test")


def asked(where: str) -> dict[str, str | None]:
    (row,) = json.loads(query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", where, SYSTEM).json)
    return row


def rows(details: str | None) -> list[tuple[str | None, str | None]]:
    """Rate and RatedAmount of each row of the document."""
    found = ET.fromstring(details or "").iter("RateDetailsRow")
    return [(row.findtext("Rate"), row.findtext("RatedAmount")) for row in found]


def tiered(kind: str) -> int:
    """A product at 10 up to 5 units, at 8 up to 10, at 6 beyond."""
    method = RatingMethodFactory(PricingType="Tiered Pricing", AggregateRateType=kind)
    product = ProductFactory(RatingMethodId=str(method))
    for order, (rate, lower, upper) in enumerate(
        [("10", "0", "5"), ("8", "5.0000000001", "10"), ("6", "10.0000000001", "-1")], 1
    ):
        PriceFactory(
            ProductId=str(product), Rate=rate, LowerBand=lower, UpperBand=upper, RateOrder=order
        )
    return product


def test_a_quantity_costs_its_rate() -> None:
    account, product = AccountFactory(), ProductFactory()
    PriceFactory(ProductId=str(product), Rate="10.50")
    row = asked(f"AccountId ={account} and ProductId ={product} and Quantity =3")
    assert row["Amount"] == row["GrandTotalAmount"] == "31.5"
    assert (row["AccountId"], row["ProductId"], row["Quantity"]) == (
        str(account),
        str(product),
        "3",
    )
    assert (row["RateSource"], row["RateSourceId"]) == ("Product", str(product))
    assert (row["TaxAmount"], row["DiscountAmount"]) == (None, "0")
    assert rows(row["RateDetails"]) == [("10.5", "31.5")]


@pytest.mark.parametrize(
    ("kind", "quantity", "amount", "tiers"),
    [
        ("Bulk", "5", "50", [("10", "50")]),
        ("Bulk", "7", "56", [("8", "56")]),
        ("Bulk", "12", "72", [("6", "72")]),
        ("Incremental", "5", "50", [("10", "50")]),
        ("Incremental", "7", "66", [("10", "50"), ("8", "16")]),
        ("Incremental", "12", "102", [("10", "50"), ("8", "40"), ("6", "12")]),
    ],
)
def test_tiers(kind: str, quantity: str, amount: str, tiers: list[tuple[str, str]]) -> None:
    account, product = AccountFactory(), tiered(kind)
    row = asked(f"Quantity = {quantity} AND (ProductId = '{product}') AND AccountId = {account}")
    assert row["Amount"] == amount
    assert rows(row["RateDetails"]) == tiers


def test_the_account_product_s_own_price_counts_first_and_prices_have_days() -> None:
    account, product = AccountFactory(), ProductFactory()
    PriceFactory(ProductId=str(product), Rate="10", EndDate="2026-06-30")
    PriceFactory(ProductId=str(product), Rate="12", EffectiveDate="2026-07-01")
    provisioned = AccountProductFactory(AccountId=str(account), ProductId=str(product), Quantity=4)
    by_day = f"AccountId = {account} AND ProductId = {product} AND StartDate = "
    assert asked(f"{by_day}'2026-06-30'")["Amount"] == "10"
    assert asked(f"{by_day}'2026-07-01'")["Amount"] == "12"
    PriceFactory(AccountProductId=str(provisioned), Rate="7")
    row = asked(f"AccountId = {account} AND AccountProductId = {provisioned}")
    assert (row["Amount"], row["RateSource"]) == ("28", "Account Product")


@pytest.mark.parametrize(
    "where",
    ["Quantity = 3", "AccountId = {account}0 AND ProductId = 1", "AccountId > {account}", "1 = 1"],
)
def test_where_nothing_is_asked_there_is_nothing(where: str) -> None:
    condition = where.format(account=AccountFactory())
    assert json.loads(query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", condition, SYSTEM).json) == []


def test_what_is_no_value_is_told() -> None:
    with pytest.raises(RequestError) as told:
        asked("AccountId = 'x); DROP TABLE customers_account; --' AND ProductId = 1")
    assert told.value.code is Code.QUERY_INVALID
