"""Formulas of what recurs or comes once: how much is charged, what it costs, and nothing at all."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.db import connection

from billing.rating.explaining import Question, explain, explain_line
from billing.rating.rerating.running import rerate
from billing.rating.rerating.wanted import Wanted
from entities.models import Entity, EntityField, EntityFieldRole
from tests.billing.rating.test_recurring import (
    SYSTEM,
    amounts,
    change,
    in_2037,
    lines,
    on,
    provided,
    run,
)
from tests.entities.acting import update_one
from tests.entities.custom import custom_field

__all__ = ["in_2037"]

D = Decimal
ONCE = {"RatingMethodType": "One Time Charge"}
EVERY_TEN = {"RatingMethodType": "Variable Interval Subscription", "IntervalDays": "10"}
CREDITS = {"AutoCalculateCredit": "1"}


def by(formula: str, **method: Any) -> dict[str, Any]:
    return {"FormulaFlag": "1", "FormulaValue": formula, **method}


def schedule(id: int) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cause, reason FROM rating_chargeschedule WHERE account_product_id = %s", [id]
        )
        return cursor.fetchone()


def method_of(id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.rating_method_id FROM catalog_product p JOIN customers_accountproduct ap "
            "ON ap.product_id = p.id WHERE ap.id = %s",
            [id],
        )
        return int(cursor.fetchone()[0])


#: Method, rate, quantity, and the amounts of 2026-03-17 to 2026-04-30 (15/31 of March, from the
#: 1st) by a formula.
EXAMPLES: tuple[tuple[dict[str, Any], Any, str, list[Any]], ...] = (
    (by("{!Quantity} * {!Rate} + 5", **ONCE), 100, "2", [205]),
    (by("{!Quantity} * 7", **ONCE), None, "3", [21]),
    (by("{!CostUnrounded} * 2"), 310, "1", [300, 620]),
    (by("{!Quantity} * 31 * {!ProrateFactor}"), None, "2", [30, 62]),
    (by("IF({!ProductObj.Name} LIKE 'Product%', 9, 8)"), None, "1", [9, 9]),
    (by("{!RatedAmount} + {!AccountProductObj.Quantity}"), 1, "4", ["5.94", 8]),
    (by("{!Rate} - 1", **EVERY_TEN), 6, "1", [5, 5, 5, 5, 5, 5]),
    (by("IF({!SubscriptionFromDate} > DATE('2026-03-31'), 1, 0)"), 6, "1", [1]),
    ({"FormulaQuantity": "{!Quantity} * 3", **ONCE}, 10, "2", [60]),
    (by("{!Rate} / 2", RatingMethodType="Trial", TrialDuration="14"), 10, "1", [5]),
    ({"FormulaQuantity": "{!Quantity} + 1"}, 31, "1", [30, 62]),
    ({"FormulaQuantity": "0"}, 31, "1", []),
    (by("{!Quantity} * 100", FormulaQuantity="{!Quantity} / 4", **ONCE), None, "1", [25]),
)


def test_examples() -> None:
    made = [
        provided(
            "2026-03-17",
            rate,
            # Cycles of months from the 1st.
            method=method,
            Quantity=quantity,
            BillingCycleStartDate="2026-03-01",
            EndDate="2026-04-30",
        )
        for method, rate, quantity, _ in EXAMPLES
    ]
    done = run("2026-05-01")
    assert not {id: why for id, why in done.problems.items() if id in made}
    assert [amounts(id) for id in made] == [
        [D(str(amount)) for amount in expected] for *_, expected in EXAMPLES
    ]
    formula, quantity, factor = lines(made[3], "formula, quantity, prorate_factor")[0]
    assert (formula, quantity) == ("{!Quantity} * 31 * {!ProrateFactor}", 2)
    assert factor == pytest.approx(D(15) / 31)
    assert lines(made[8], "formula, quantity, rate") == [(None, D(6), D(10))]


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (by("{!Quantity} / ({!Quantity} - 2)"), "The formula of rating method"),
        (by("NUMBER({!ProcessDescription})", **ONCE), "The formula of rating method"),
        ({"FormulaQuantity": "5 / ({!Quantity} - 2)"}, "FormulaQuantity of rating method"),
        ({"FormulaQuantity": "{!Quantity} - 3", **ONCE}, "FormulaQuantity of rating method"),
    ],
)
def test_what_yields_nothing_is_told_and_charged_once_it_yields_something(
    method: dict[str, Any], said: str
) -> None:
    stuck = provided("2026-03-01", 10, method=method, Quantity="2", EndDate="2026-03-31")
    other = provided("2026-03-01", 10, method=ONCE)
    done = run("2026-03-01")
    assert (amounts(stuck), amounts(other)) == ([], [10])
    cause, reason = schedule(stuck)
    assert cause == "FORMULA"
    assert reason.startswith(f"{said} {method_of(stuck)} yields no ")
    assert done.problems == {stuck: reason}
    # It is tried again each day.
    assert run("2026-03-02").problems == {stuck: reason}
    name = "FormulaQuantity" if "FormulaQuantity" in method else "FormulaValue"
    update_one("RATING_METHOD", method_of(stuck), SYSTEM, **{name: "{!Quantity} + 1"})
    assert not run("2026-03-02").problems
    assert amounts(stuck) == [30 if name == "FormulaQuantity" else 3]
    assert schedule(stuck) == (None, None)
    assert run("2026-03-03").lines == 0


def test_a_quantity_follows_what_the_formula_reads() -> None:
    field = custom_field(Entity.objects.get(entity_name="ACCOUNT_PRODUCT"), "Seats", "INTEGER")
    method = {"FormulaQuantity": "{!AccountProductObj.Seats}"}
    id = provided("2026-03-01", 31, method=method, EndDate="2026-05-31")
    change(id, Seats="2")
    with on("2026-03-01"):
        run("2026-03-01")
    change(id, Seats="5")
    with on("2026-04-01"):
        run("2026-04-01")
    assert amounts(id) == [62, 155]
    assert field.column_name


def test_days_that_are_cut_off_and_trials_give_back_what_the_formula_charged() -> None:
    cut = provided("2026-03-01", 10, method=by("{!Quantity} * 62", **CREDITS))
    tried = provided("2026-03-01", 10, method=by("{!CostUnrounded} * 3"), TrialEndDate="2026-03-31")
    with on("2026-03-01"):
        run("2026-03-01")
    change(cut, EndDate="2026-03-21")
    with on("2026-03-22"):
        run("2026-03-22")
    assert amounts(cut) == [62, -20]
    assert amounts(tried) == [30, -30]


def test_generated_formulas_come_to_what_decimals_do() -> None:
    """Against Python's own decimals, for parts of a month and changes of the quantity."""
    made = []
    for n in range(24):
        factor, base, start = D(n * 37 - 300) / 100, D(n * 11) / 10, n % 28 + 1
        text = f"IF({{!Quantity}} < {n % 5}, {base}, {{!CostUnrounded}} * {factor} + {{!Rate}})"
        id = provided(
            f"2026-03-{start:02}",
            "2.5",
            method=by(text),
            Quantity=str(n % 7 + 1),
            BillingCycleStartDate="2026-03-01",
            EndDate="2026-03-31",
        )
        price = (D("2.5") * (n % 7 + 1) * (32 - start) / 31).quantize(D("1e-10"), ROUND_HALF_UP)
        made.append((id, base if n % 7 + 1 < n % 5 else price * factor + D("2.5")))
    run("2026-03-31")
    assert [sum(amounts(id)) for id, _ in made] == [
        cost.quantize(D("0.01"), ROUND_HALF_UP) for _, cost in made
    ]


def test_explanations_show_both_formulas(clerk: Any) -> None:
    method = by("{!CostUnrounded} + {!Quantity}", FormulaQuantity="{!Quantity} * 3")
    id = provided("2026-03-01", 10, method={**method, **ONCE}, Quantity="2")
    run("2026-03-01")
    told = explain_line(lines(id, "id")[0][0], SYSTEM)
    assert (told["Quantity"], told["Amount"], told["Line"]["Agrees"]) == ("6", "66", "1")
    assert told["QuantityFormula"] == "{!Quantity} * 3"
    asked = Question(account_product_id=id)
    told = explain(asked, SYSTEM)
    assert (told["Quantity"], told["Arithmetic"]) == ("6", "{!CostUnrounded} + {!Quantity} = 66")
    assert "Its quantity comes from FormulaQuantity: {!Quantity} * 3 = 6." in told["Text"]
    assert explain(Question(account_product_id=id, quantity=D(1)), SYSTEM)["Amount"] == "33"
    rights = dict.fromkeys(("ACCOUNT", "PRODUCT", "PRICING", "ACCOUNT_PRODUCT", "ACTIVITY"), "R")
    context = clerk(**rights, RATING_METHOD="R")
    assert explain(asked, context)["Amount"] == "66"
    field = EntityField.objects.get(external_key="RATING_METHOD.FormulaQuantity")
    EntityFieldRole.objects.create(
        role_id=context.role_id, entity=field.entity, entity_field=field, read_flag=False
    )
    hidden = explain(asked, context)
    assert (hidden["Amount"], hidden["QuantityFormula"]) == (None, None)
    assert "{!Quantity}" not in str(hidden)


def test_a_quantity_that_a_formula_does_not_yield_is_told() -> None:
    id = provided("2026-03-01", 10, method={"FormulaQuantity": "1 / ({!Quantity} - 1)", **ONCE})
    told = explain(Question(account_product_id=id), SYSTEM)
    assert told["Amount"] is None
    assert "FormulaQuantity yields no quantity" in told["Conclusion"]


def test_charges_by_a_formula_are_rated_again() -> None:
    method = by("{!CostUnrounded} * 2")
    ids = [provided("2026-03-01", 31, method=method, EndDate="2026-03-31") for _ in range(2)]
    run("2026-03-01")
    assert [amounts(id) for id in ids] == [[62], [62]]
    texts = ("{!CostUnrounded} + 1", "1 / ({!Quantity} - 1)")
    for id, text in zip(ids, texts, strict=True):
        update_one("RATING_METHOD", method_of(id), SYSTEM, FormulaValue=text)
        rerate(Wanted(account_product_id=id), preview=False)
    assert [amounts(id) for id in ids] == [[62, 32, -62], [62]]
    assert [formula for (formula,) in lines(ids[0], "formula")][1] == "{!CostUnrounded} + 1"
    (error,) = lines(ids[1], "update_error")[0]
    assert error.startswith(f"The formula of rating method {method_of(ids[1])} yields no amount")
