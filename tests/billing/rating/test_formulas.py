"""Rating methods with a formula: what it reads, what it comes to, and what becomes of nothing."""

import json
import random
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db import connection
from psycopg.types.json import Jsonb

from entities import query, records
from entities.models import Entity
from tests.billing.rating.test_loads import SYSTEM, Feed, feed, method_of, used
from tests.entities.acting import update_one
from tests.entities.custom import custom_field
from tests.factories import AccountProductFactory, ProductFactory, RatingMethodFactory

__all__ = ["feed"]

pytestmark = pytest.mark.django_db

D = Decimal


def by(formula: str, kind: str = "", **method: Any) -> dict[str, int]:
    """An account product that is charged by a formula, at 2.5 a unit or in the usual tiers."""
    return used(kind, FormulaFlag="1", FormulaValue=formula, **method)


@pytest.mark.parametrize(
    ("formula", "quantity", "amount"),
    [
        ("{!Quantity} * 2", "3", "6"),
        ("{!Quantity} * {!Rate} * 1.1", "3", "8.25"),
        ("{!CostUnrounded} + 1", "3.001", "8.5025"),
        ("IF({!Quantity} > 100, 50, {!Quantity})", "250", "50"),
        ("IF({!ProductObj.Name} LIKE 'Product%', 7, 9)", "1", "7"),
        ("{!AccountProductObj.Quantity} + {!Quantity}", "4", "5"),
        ("{!Quantity} / 3", "1", "0.3333333333"),
        ("-{!Quantity}", "2", "-2"),
    ],
)
def test_the_amount_is_what_the_formula_yields(
    feed: Feed, formula: str, quantity: str, amount: str
) -> None:
    usage = by(formula)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET name = 'Product 1'")
    assert feed.send({**usage, "quantity": D(quantity)}) == 1
    assert feed.lines("cost_unrounded", "quantity", "formula", "rate") == [
        (D(amount), D(quantity), formula, D("2.5"))
    ]


def test_it_needs_no_price(feed: Feed) -> None:
    method = RatingMethodFactory(FormulaFlag="1", FormulaValue="{!Quantity} * 4")
    usage = used()
    product = ProductFactory(RatingMethodId=str(method))
    own = AccountProductFactory(AccountId=str(usage["account_id"]), ProductId=str(product))
    feed.send({**usage, "product_id": product, "account_product_id": own, "quantity": 2})
    assert feed.lines("rated_amount", "rate", "rate_source") == [(D(8), None, "Account Product")]


def test_a_rate_override_needs_no_rate_between_locations(feed: Feed) -> None:
    usage = by("{!CostUnrounded} + 1", AllowInternationalPricing="1", ObligatoryIntlRate="1")
    update_one("ACCOUNT_PRODUCT", usage["account_product_id"], SYSTEM, RateOverride="4")
    assert feed.send({**usage, "quantity": 3}) == 1
    assert feed.lines("cost_unrounded", "rate") == [(D(13), D(4))]


def test_a_price_counts_before_a_formula_that_has_none(feed: Feed) -> None:
    usage = by("{!Rate} * 10")
    feed.send({**usage, "quantity": 2})
    assert feed.lines("rated_amount", "rate_source") == [(D(25), "Product")]


@pytest.mark.parametrize(
    "formula",
    [
        "{!Quantity} / ({!Quantity} - 5)",
        "NUMBER({!ProcessDescription})",
        "{!Quantity} * 1000000000000000000",
    ],
)
def test_what_yields_nothing_waits_with_its_reason_and_harms_no_other(
    feed: Feed, formula: str
) -> None:
    usage = by(formula)
    assert feed.send({**usage, "quantity": 5}, used()) == 1
    ((line, cause, reason),) = feed.causes()
    assert (line, cause) == (1, "FORMULA")
    assert f"The formula of rating method {method_of(usage['product_id'])}" in reason
    assert "divides by zero" in reason


def test_a_price_without_a_band_for_all_units_is_none_for_a_formula(feed: Feed) -> None:
    usage, other = by("{!CostUnrounded} + 1", "Incremental"), by("{!Quantity} * 4", "Incremental")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_pricing WHERE upper_band = -1")
    assert feed.send({**usage, "quantity": 12}, {**other, "quantity": 12}) == 1
    assert feed.lines("line_number", "cost_unrounded", "rate") == [(2, D(48), None)]
    where = (
        f"AccountId = {usage['account_id']} AND Quantity = 12 "
        f"AND AccountProductId = {usage['account_product_id']}"
    )
    (row,) = json.loads(query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", where, SYSTEM).json)
    assert (row["Amount"], row["Rate"]) == (None, None)


def test_a_formula_reads_the_custom_fields_that_usage_fills(feed: Feed) -> None:
    field = custom_field(Entity.objects.get(entity_name="ACTIVITY"), "Peak", data_type="FLAG")
    assert field.column_name
    usage = by("{!Quantity} * IF({!Peak}, 3, 1)")
    feed.send(
        {**usage, "quantity": 2, "extra": Jsonb({"Peak": True})},
        {**usage, "quantity": 2, "extra": Jsonb({"Peak": "0"})},
        {**usage, "quantity": 2},
    )
    assert feed.lines("rated_amount") == [(D(6),), (D(2),), (D(2),)]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("{!Quantty} * 2", "ACTIVITY has no field 'Quantty'"),
        ("{!Quantity} || 'x'", "number"),
        ("{!ProductObj.Colour}", "PRODUCT has no field 'Colour'"),
        ("{!Quantity} *", ""),
        ("{!ActivityDate}", "number"),
    ],
)
def test_a_formula_that_makes_no_sense_is_refused_when_it_is_saved(formula: str, said: str) -> None:
    (outcome,) = records.create(
        "RATING_METHOD",
        [{"RatingMethodType": "Usage", "FormulaFlag": "1", "FormulaValue": formula}],
        SYSTEM,
    )
    (problem,) = outcome.problems
    assert problem.field == "FormulaValue"
    assert said in problem.message


def test_sums_over_tiers_grow_by_what_the_formula_charged(feed: Feed) -> None:
    usage = by("{!CostUnrounded} * 2", "Incremental", SplitUsage="1")
    feed.send({**usage, "quantity": 7})
    feed.send({**usage, "quantity": 1})
    assert feed.lines("quantity", "rated_amount") == [(D(1), D(16))]


def test_an_explanation_shows_the_formula(feed: Feed, clerk: Any) -> None:
    from billing.rating.explaining import Question, explain, explain_line
    from entities.models import EntityField, EntityFieldRole

    usage = by("{!CostUnrounded} + {!Quantity}")
    feed.send({**usage, "quantity": 2})
    told = explain_line(feed.lines("id")[0][0], SYSTEM)
    assert told["Arithmetic"] == "{!CostUnrounded} + {!Quantity} = 7"
    assert (told["Amount"], told["Line"]["Agrees"]) == ("7", "1")
    asked = Question(account_product_id=usage["account_product_id"], quantity=D(4))
    assert explain(asked, SYSTEM)["Amount"] == "14"
    context = clerk(
        **dict.fromkeys(("ACCOUNT", "PRODUCT", "PRICING", "ACCOUNT_PRODUCT", "ACTIVITY"), "R"),
        RATING_METHOD="R",
    )
    assert explain(asked, context)["Amount"] == "14"
    field = EntityField.objects.get(external_key="ACTIVITY.CostUnrounded")
    EntityFieldRole.objects.create(
        role_id=context.role_id, entity=field.entity, entity_field=field, read_flag=False
    )
    hidden = explain(asked, context)
    assert (hidden["Amount"], hidden["Arithmetic"]) == (None, None)


def test_the_calculator_tells_the_amount_that_a_formula_makes(feed: Feed) -> None:
    usage = by("{!Quantity} * 99 / ({!Quantity} - 4)")
    for quantity, amount in ((3, "-297"), (4, None)):
        where = (
            f"AccountId = {usage['account_id']} AND Quantity = {quantity} "
            f"AND AccountProductId = {usage['account_product_id']}"
        )
        (row,) = json.loads(query.retrieve_where("ACCOUNT_PRODUCT_QUOTE", where, SYSTEM).json)
        assert (row["Amount"], row["GrandTotalAmount"], row["RateSource"]) == (
            *(amount, amount),
            "Product",
        )


def test_generated_formulas_come_to_what_decimals_do(feed: Feed) -> None:
    """40 formulas over 600 records, reckoned once more with Python's own decimals."""
    chance = random.Random(5)
    rows, expected = [], []
    for _ in range(40):
        factor, base, least = (D(chance.randint(-400, 900)) / 100 for _ in range(3))
        text = f"IF({{!Quantity}} < {least}, {base}, {{!Quantity}} * {factor} + {{!Rate}})"
        usage = by(text)
        for _ in range(15):
            quantity = D(chance.randint(-500, 2000)) / 100
            rows.append({**usage, "quantity": quantity})
            cost = base if quantity < least else quantity * factor + D("2.5")
            expected.append((cost, cost.quantize(D("0.01"), ROUND_HALF_UP)))
    feed.send(*rows)
    assert feed.lines("cost_unrounded", "rated_amount") == expected


def test_a_field_that_is_gone_leaves_usage_waiting(feed: Feed) -> None:
    usage = by("{!Quantity} * 2")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_ratingmethod SET formula_value = '{!Gone} * 2'")
    assert feed.send({**usage, "quantity": 5}) == 0
    assert [row[1] for row in feed.causes()] == ["FORMULA"]
    update_one("RATING_METHOD", method_of(usage["product_id"]), SYSTEM, FormulaValue="{!Quantity}")
    feed.send({**usage, "quantity": 5})
    assert feed.lines("rated_amount") == [(D(5),)]
