"""Tiers: what a request with both ends of one says, what is missing while one is being built."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import records
from entities.query import query
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db

SPRING = {"EffectiveDate": "2026-03-01", "EndDate": "2026-05-31"}


@pytest.fixture
def product(make: Maker) -> str:
    return make("PRODUCT")


def rows(product: str, *bands: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"ProductId": product, "Rate": "1"} | band for band in bands]


def band(lower: str, upper: str, **more: str) -> dict[str, Any]:
    return {"LowerBand": lower, "UpperBand": upper} | more


@pytest.mark.parametrize(
    ("bands", "gap"),
    [
        ([band("0", "10"), band("10", "-1")], ""),
        ([band("0", "10"), band("10.0000000001", "20"), band("20.0000000001", "-1")], ""),
        ([band("0", "10")], ""),
        ([band("10", "-1")], ""),
        ([band("0", "10"), band("20", "30")], ""),
        ([band("0", "10"), band("11", "-1")], "quantities above 10 up to 11 have no price on any"),
        (
            [band("0", "10"), band("20.0000000001", "-1")],
            "quantities above 10 up to 20 have no price on any day",
        ),
        (
            [band("0", "10", **SPRING), band("10", "-1", EffectiveDate="2026-03-01")],
            "quantities from 0 up to 10 have no price from 2026-06-01.",
        ),
        (
            [band("0", "10"), band("10", "-1", **SPRING)],
            "quantities above 10 have no price up to 2026-02-28",
        ),
    ],
)
def test_a_request_with_both_ends_of_a_tier_leaves_no_gap(
    product: str, system: Context, bands: list[dict[str, str]], gap: str
) -> None:
    outcomes = records.create("PRICING", rows(product, *bands), system)
    if not gap:
        assert refusals(outcomes) == [""] * len(bands)
        return
    for outcome in outcomes:
        (problem,) = outcome.problems
        assert (problem.code, problem.field) == ("VALIDATION_FAILED", "LowerBand")
        assert gap in problem.message


def test_a_gap_may_be_filled_by_a_price_that_stands_already(
    product: str, make: Maker, system: Context
) -> None:
    make("PRICING", **rows(product, band("10", "20"))[0])
    ends = rows(product, band("0", "10"), band("20", "-1"))
    assert refusals(records.create("PRICING", ends, system)) == ["", ""]
    assert told(system, "Gap IS NOT NULL") == []


def test_an_upsert_may_put_a_band_between_others(product: str, system: Context) -> None:
    def sent(*borders: str) -> list[dict[str, Any]]:
        ends = [*borders[1:], "-1"]
        return [
            row | {"ExternalKey": f"from-{row['LowerBand']}"}
            for row in rows(product, *(band(a, b) for a, b in zip(borders, ends, strict=True)))
        ]

    for borders in (("0", "20"), ("0", "10", "20"), ("0", "5", "10", "20", "30")):
        outcomes = records.upsert("PRICING", sent(*borders), system, key="ExternalKey")
        assert refusals(outcomes) == [""] * len(borders)
    gap = sent("0", "5", "10", "20", "30")
    gap[2]["UpperBand"] = "15"
    outcomes = records.upsert("PRICING", gap, system, key="ExternalKey")
    assert "quantities above 15 up to 20 have no price" in refusals(outcomes)[0]


def test_what_is_missing_is_told_while_a_tier_is_built(product: str, system: Context) -> None:
    steps = [
        (band("0", "10"), [("0", "quantities above 10 have no price on some of its days")]),
        (
            band("20", "-1"),
            [
                ("0", "quantities above 10 have no price on some of its days"),
                ("20", "quantities up to 20 have no price on some of its days"),
            ],
        ),
        (band("10.0000000001", "20", EffectiveDate="2026-01-01"), None),
        (band("10", "20", EndDate="2025-12-31"), []),
    ]
    for step, expected in steps:
        (outcome,) = records.create("PRICING", rows(product, step), system)
        assert outcome.ok, outcome.problems
        if expected is not None:
            assert told(system, "Gap IS NOT NULL") == expected
    whole = told(system, f"ProductId = {product}")
    assert [gap for _, gap in whole] == [None] * 4


def told(system: Context, where: str) -> list[tuple[str, str | None]]:
    found = query(f"SELECT LowerBand, Gap FROM PRICING WHERE {where} ORDER BY LowerBand", system)
    return [(r["LowerBand"], r["Gap"]) for r in json.loads(found.json)]


def orders(system: Context, product: str) -> list[str]:
    found = query(
        f"SELECT RateOrder FROM PRICING WHERE ProductId = {product} ORDER BY LowerBand", system
    )
    return [r["RateOrder"] for r in json.loads(found.json)]


def test_bands_that_say_nothing_of_their_order_get_their_place(
    product: str, system: Context
) -> None:
    bands = [band("20", "-1"), band("0", "10"), band("10", "20")]
    assert refusals(records.create("PRICING", rows(product, *bands), system)) == [""] * 3
    assert orders(system, product) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("first", "second", "fits"), [("1", "2", True), ("1", "3", True), ("3", "2", False)]
)
def test_the_order_of_the_rates_is_that_of_the_bands(
    product: str, system: Context, first: str, second: str, fits: bool
) -> None:
    bands = [
        band("0", "10", RateOrder=first),
        band("10", "20", RateOrder=second),
        band("20", "-1", RateOrder="9"),
    ]
    outcomes = records.create("PRICING", rows(product, *bands), system)
    assert [o.ok for o in outcomes] == [True, fits, True]
    if not fits:
        assert outcomes[1].problems[0].field == "RateOrder"
        assert "RateOrder 2 of the band from 10 comes before" in refusals(outcomes)[1]


@pytest.mark.parametrize(
    ("sent", "upper", "wrong"),
    [
        ({"BlockSize": "100", "BlockIterations": "10"}, "1000", ""),
        ({"BlockSize": "100", "BlockIterations": "10", "UpperBand": "1000"}, "1000", ""),
        ({"BlockSize": "100", "BlockIterations": "10", "UpperBand": "900"}, "", "end at 1000"),
        (
            {"BlockSize": "100", "BlockIterations": "2", "LowerBand": "50.0000000001"},
            "250",
            "",
        ),
        ({"BlockSize": "100"}, "-1", ""),
        ({"BlockIterations": "10"}, "", "comes with a BlockSize"),
        ({"BlockSize": "5", "BlockIterations": "0"}, "", "BlockIterations is greater than 0"),
        ({"MinCharge": "-1"}, "", "MinCharge is 0 or more"),
        ({"MaxCharge": "-1"}, "", "MaxCharge is 0 or more"),
        ({"MinCharge": "5", "MaxCharge": "4"}, "", "MaxCharge is not less than MinCharge"),
        ({"IncludedQuantity": "-1"}, "", "IncludedQuantity is 0 or more"),
        ({"LowerBand": "5", "IncludedQuantity": "1"}, "", "what is included comes first"),
        ({"LowerBand": "5", "IncludedCharges": "1"}, "", "IncludedCharges is 1, but what"),
        ({"Rate": "-5"}, "-1", ""),
    ],
)
def test_what_a_band_says_of_itself(
    product: str, system: Context, sent: dict[str, str], upper: str, wrong: str
) -> None:
    (outcome,) = records.create("PRICING", rows(product, sent), system)
    if wrong:
        assert wrong in refusals([outcome])[0]
        return
    assert outcome.ok, outcome.problems
    found = query(f"SELECT UpperBand FROM PRICING WHERE Id = {outcome.id}", system)
    assert json.loads(found.json) == [{"UpperBand": upper}]


def test_a_thousand_bands_are_judged_by_as_many_statements_as_two(system: Context) -> None:
    names = [{"Name": f"Product {n}"} for n in range(500)]
    products = [str(o.id) for o in records.create("PRODUCT", names, system)]

    def asked(owners: list[str], currency: str) -> int:
        sent = [
            row | {"CurrencyCode": currency}
            for owner in owners
            for row in rows(owner, band("0", "10"), band("10", "-1"))
        ]
        with CaptureQueriesContext(connection) as queries:
            outcomes = records.create("PRICING", sent, system)
        assert all(o.ok for o in outcomes)
        return len(queries)

    # Many rows are copied into the table, which asks for their Ids first.
    assert asked(products, "EUR") == asked(products[:1], "USD") + 1
