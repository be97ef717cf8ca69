"""Prices: one owner, one price for a quantity on a day, and how they read."""

import threading
from typing import Any

import pytest
from django.db import connection

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, filled, refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def product(make: Maker) -> str:
    return make("PRODUCT")


def price(product: str, **fields: Any) -> dict[str, Any]:
    return {"ProductId": product, "Rate": "10"} | fields


# What stands already (bands, days), what is sent, and whether it fits.
SPRING = {"EffectiveDate": "2026-03-01", "EndDate": "2026-05-31"}
FITS = [
    ({}, {}, False),
    ({}, {"CurrencyCode": "EUR"}, True),
    (SPRING, {"EffectiveDate": "2026-06-01"}, True),
    (SPRING, {"EffectiveDate": "2026-05-31"}, False),
    (SPRING, {"EndDate": "2026-02-28"}, True),
    (SPRING, {"EndDate": "2026-03-01"}, False),
    (SPRING, {}, False),
    ({"UpperBand": "10"}, {"LowerBand": "10.0000000001"}, True),
    ({"UpperBand": "10"}, {"LowerBand": "10"}, True),
    ({"UpperBand": "10"}, {"LowerBand": "9.9999999999"}, False),
    ({"LowerBand": "10", "UpperBand": "20"}, {"LowerBand": "10.0000000001"}, False),
    ({"LowerBand": "10"}, {"UpperBand": "9.9999999999"}, True),
    ({"LowerBand": "5", "UpperBand": "7"}, {"LowerBand": "1", "UpperBand": "20"}, False),
]


@pytest.mark.parametrize(("standing", "sent", "fits"), FITS)
def test_a_price_may_not_overlap_another(
    product: str,
    make: Maker,
    system: Context,
    standing: dict[str, str],
    sent: dict[str, str],
    fits: bool,
) -> None:
    first = make("PRICING", **price(product, **standing))
    (outcome,) = records.create("PRICING", [price(product, **sent)], system)
    assert outcome.ok == fits
    if not fits:
        assert f"Overlaps PRICING {first}, a price of the same ProductId" in refusals([outcome])[0]


@pytest.mark.parametrize(("first", "second", "fits"), FITS)
def test_prices_of_one_request_may_not_overlap_each_other(
    product: str, system: Context, first: dict[str, str], second: dict[str, str], fits: bool
) -> None:
    outcomes = records.create(
        "PRICING", [price(product, **first), price(product, **second)], system
    )
    assert [o.ok for o in outcomes] == [True, fits]
    if not fits:
        assert outcomes[1].id is None
        assert "Overlaps record 0 of this request" in refusals(outcomes)[1]


def test_a_record_is_not_refused_for_overlapping_a_refused_one(
    product: str, make: Maker, system: Context
) -> None:
    make("PRICING", **price(product, UpperBand="10"))
    outcomes = records.create(
        "PRICING",
        [price(product, LowerBand="5", UpperBand="30"), price(product, LowerBand="20")],
        system,
    )
    assert [o.ok for o in outcomes] == [False, True]


def test_bands_may_come_in_any_order(product: str, system: Context) -> None:
    rows = [
        price(product, LowerBand="20.0000000001", RateOrder="3"),
        price(product, LowerBand="0", UpperBand="10", RateOrder="1"),
        price(product, LowerBand="10.0000000001", UpperBand="20", RateOrder="2"),
    ]
    assert refusals(records.create("PRICING", rows, system)) == ["", "", ""]


def test_a_price_can_be_ended_and_followed_in_two_steps(
    product: str, make: Maker, system: Context
) -> None:
    old = make("PRICING", **price(product))
    (ended,) = records.update(
        "PRICING", [{"Id": old, "EndDate": "2026-05-31T00:00:00.000Z"}], system
    )
    assert ended.ok
    assert make("PRICING", **price(product, EffectiveDate="2026-06-01"))
    (back,) = records.update("PRICING", [{"Id": old, "EndDate": "2026-06-01"}], system)
    assert not back.ok


def test_swapping_two_prices_in_one_request_is_judged_by_the_outcome(
    product: str, make: Maker, system: Context
) -> None:
    first = make("PRICING", **price(product, UpperBand="10"))
    second = make("PRICING", **price(product, LowerBand="10.0000000001"))
    outcomes = records.update(
        "PRICING",
        [
            {"Id": first, "LowerBand": "10.0000000001", "UpperBand": "-1"},
            {"Id": second, "LowerBand": "0", "UpperBand": "10"},
        ],
        system,
    )
    assert refusals(outcomes) == ["", ""]


def test_a_price_does_not_come_back_over_its_successor(
    product: str, make: Maker, system: Context
) -> None:
    old = make("PRICING", **price(product))
    other = make("PRICING", **price(product, CurrencyCode="EUR"))
    records.delete("PRICING", [old, other], system)
    make("PRICING", **price(product, Rate="11"))
    back = records.undelete("PRICING", [old, other], system)
    assert [o.ok for o in back] == [False, True]
    assert read("PRODUCT", product, "Rate") == "€10.00<br/>$11.00"


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_wins(product: str, system: Context) -> None:
    barrier = threading.Barrier(2)
    won: list[bool] = []

    def send() -> None:
        barrier.wait()
        (outcome,) = records.create("PRICING", [price(product)], system)
        won.append(outcome.ok)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, True]


def test_a_price_has_one_owner(product: str, make: Maker, system: Context) -> None:
    package = make("PACKAGE_PRODUCT", PackageId=make("PACKAGE"), ProductId=product)
    none, two, one = records.create(
        "PRICING",
        [
            {"Rate": "1"},
            {"Rate": "1", "ProductId": product, "PackageProductId": package},
            {"Rate": "1", "QuoteProductId": "17"},
        ],
        system,
    )
    assert "belongs to an owner" in refusals([none])[0]
    assert "not to ProductId and PackageProductId" in refusals([two])[0]
    assert one.ok


def test_a_price_may_belong_to_a_pricing_plan_only(make: Maker) -> None:
    assert make("PRICING", MainPricingPlanId=make("PRICING_PLAN"))


def test_a_price_of_a_contract_rate_knows_its_contract(make: Maker) -> None:
    contract = make("CONTRACT", AccountId=make("ACCOUNT"))
    rate = make("CONTRACT_RATE", ContractId=contract)
    made = make("PRICING", ContractRateId=rate, ContractId=contract)
    assert read("PRICING", made, "ContractId") == int(contract)


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([], None),
        ([{"Rate": "10"}], "$10.00"),
        ([{"Rate": "0.0125"}], "$0.0125"),
        ([{"Rate": "1000", "CurrencyCode": "JPY"}], "¥1000"),
        ([{"Rate": "7", "CurrencyCode": "CHF"}], "CHF7.00"),
        (
            [
                {"Rate": "5", "LowerBand": "10.0000000001"},
                {"Rate": "7.5", "LowerBand": "0", "UpperBand": "10"},
            ],
            "$7.50<br/>$5.00",
        ),
        (
            [
                {"Rate": "10", "EndDate": "2020-12-31"},
                {"Rate": "11", "EffectiveDate": "2021-01-01"},
            ],
            "$11.00",
        ),
        ([{"Rate": "10", "EffectiveDate": "2999-01-01"}], None),
    ],
)
def test_a_products_rate_is_todays_price_to_read(
    product: str, system: Context, rows: list[dict[str, str]], shown: str | None
) -> None:
    assert all(o.ok for o in records.create("PRICING", [price(product, **r) for r in rows], system))
    assert read("PRODUCT", product, "Rate") == shown


def test_a_package_products_rate_is_its_own(product: str, make: Maker, system: Context) -> None:
    inside = make("PACKAGE_PRODUCT", PackageId=make("PACKAGE"), ProductId=product)
    make("PRICING", **price(product))
    assert read("PACKAGE_PRODUCT", inside, "Rate") is None
    make("PRICING", PackageProductId=inside, Rate="8")
    assert read("PACKAGE_PRODUCT", inside, "Rate") == "$8.00"


def read(entity: str, id: str, field: str) -> Any:
    """The value of one field, computed or stored."""
    schema = current().entity(entity)
    with connection.cursor() as cursor:
        value = schema.field(field).sql("t")
        cursor.execute(f"SELECT {value} FROM {schema.table} t WHERE t.id = %s", [id])
        return cursor.fetchone()[0]


def test_a_currency_code_with_a_nul_fails_alone(make: Maker, system: Context) -> None:
    price = filled("PRICING", ProductId=make("PRODUCT"), CurrencyCode="US\0")
    (said,) = refusals(records.create("PRICING", [price], system))
    assert "CurrencyCode" in said
