"""The books: one accounting period for a day, rules whose formulas make sense."""

from typing import Any

import pytest

from entities import records
from entities.errors import Code
from entities.records import Outcome
from entities.schema.current import current
from metabrm.identity.context import Context

pytestmark = pytest.mark.django_db
SYSTEM = Context.system("test")


def said(outcomes: list[Outcome]) -> list[str]:
    return [" ".join(problem.message for problem in outcome.problems) for outcome in outcomes]


def period(name: str, first: str, last: str) -> dict[str, str]:
    return {"Name": name, "StartDate": first, "EndDate": last}


FEBRUARY = period("2026-02", "2026-02-01", "2026-02-28")

# Days that are sent, and whether they fit beside February.
DAYS = [
    ("2026-01-01", "2026-01-31", True),
    ("2026-03-01", "2026-03-31", True),
    ("2026-01-15", "2026-02-01", False),
    ("2026-02-28", "2026-03-31", False),
    ("2026-02-10", "2026-02-10", False),
    ("2026-01-01", "2026-12-31", False),
]


@pytest.mark.parametrize(("first", "last", "fits"), DAYS)
def test_periods_share_no_day(first: str, last: str, fits: bool) -> None:
    (there,) = records.create("ACCOUNTING_PERIOD", [FEBRUARY], SYSTEM)
    (outcome,) = records.create("ACCOUNTING_PERIOD", [period("other", first, last)], SYSTEM)
    assert outcome.ok == fits
    if not fits:
        (problem,) = outcome.problems
        assert (problem.code, problem.field) == (Code.VALIDATION_FAILED, "StartDate")
        assert problem.message == (
            f"Overlaps ACCOUNTING_PERIOD {there.id}, the period '2026-02' from 2026-02-01 to "
            "2026-02-28. A day belongs to one period; send days that are in none."
        )


def test_neither_of_one_request_nor_moved_nor_brought_back() -> None:
    sent = [
        FEBRUARY,
        period("late", "2026-02-28", "2026-03-31"),
        period("y", "2027-01-01", "2027-12-31"),
    ]
    outcomes = records.create("ACCOUNTING_PERIOD", sent, SYSTEM)
    assert [outcome.ok for outcome in outcomes] == [True, False, True]
    assert "Overlaps record 0 of this request" in said(outcomes)[1]
    february, _, year = (outcome.id or 0 for outcome in outcomes)
    (moved,) = records.update(
        "ACCOUNTING_PERIOD", [{"Id": year, "StartDate": "2026-02-28"}], SYSTEM
    )
    assert f"Overlaps ACCOUNTING_PERIOD {february}" in said([moved])[0]
    assert records.update("ACCOUNTING_PERIOD", [{"Id": february, "Status": "Closed"}], SYSTEM)[0].ok
    assert records.delete("ACCOUNTING_PERIOD", [february], SYSTEM)[0].ok
    whole = period("2026-02 again", "2026-02-01", "2026-02-28")
    assert records.create("ACCOUNTING_PERIOD", [whole], SYSTEM)[0].id
    (back,) = records.undelete("ACCOUNTING_PERIOD", [february], SYSTEM)
    assert not back.ok


def rule(**fields: Any) -> dict[str, Any]:
    return {
        "EntityId": current().entity("ACTIVITY").id,
        "ExecOrder": "1",
        "Account": "4000",
        "CurrencyFormula": "{!CurrencyCode}",
        "PeriodEndDate": "{!SubscriptionToDate}",
    } | fields


# A field of a rule, what is sent, and what is said of it; nothing = it fits.
FORMULAS = [
    ("Account", "4000 / 12-B", ""),
    ("Account", "IF({!Quantity} > 1, '4000', '4100')", ""),
    ("Account", "{!Quantity}", "that yields a text"),
    ("Account", "{!Nothing}", "Nothing"),
    ("CurrencyFormula", "'USD'", ""),
    ("CurrencyFormula", "'USD", "no formula over the fields of ACTIVITY that yields a text"),
    ("CurrencyFormula", "{!Quantity} = 1", "that yields a text"),
    ("PeriodEndDate", "tomorrow", "that yields a date"),
    ("ObligationFormula", "{!Quantity} > 0", ""),
    ("ObligationFormula", "{!Quantity}", "that yields a flag"),
    ("ObligationFormula", "true; DELETE FROM ledger_financialaccount", "no formula"),
]


@pytest.mark.parametrize(("field", "formula", "wrong"), FORMULAS)
def test_formulas_of_a_rule_make_sense(field: str, formula: str, wrong: str) -> None:
    (outcome,) = records.create("FINANCIAL_CRITERIA", [rule(**{field: formula})], SYSTEM)
    assert outcome.ok == (not wrong)
    if wrong:
        (problem,) = outcome.problems
        assert (problem.code, problem.field) == (Code.VALIDATION_FAILED, field)
        assert problem.message.startswith(f"{field} is no formula over the fields of ACTIVITY")
        assert wrong in problem.message


def test_a_rule_for_another_entity_is_asked_again() -> None:
    (outcome,) = records.create("FINANCIAL_CRITERIA", [rule()], SYSTEM)
    moved = {"Id": outcome.id, "EntityId": current().entity("PAYMENT").id}
    (refused,) = records.update("FINANCIAL_CRITERIA", [moved], SYSTEM)
    assert [problem.field for problem in refused.problems] == ["CurrencyFormula", "PeriodEndDate"]
    (fits,) = records.update(
        "FINANCIAL_CRITERIA",
        [moved | {"CurrencyFormula": "'USD'", "PeriodEndDate": "{!PaymentDate}"}],
        SYSTEM,
    )
    assert fits.ok, said([fits])


def test_formulas_of_further_fields_are_over_what_the_rule_posts() -> None:
    (of,) = records.create("FINANCIAL_CRITERIA", [rule()], SYSTEM)
    field = {"FinancialCriteriaId": of.id}
    sent = [
        field | {"FormulaValue": "{!ProductObj.Name}"},
        field | {"FormulaValue": "{!PaymentDate}"},
        field | {"CreditAttributeValue": "{!Quantity} +"},
    ]
    outcomes = records.create("FINANCIAL_CRITERIA_ATTR", sent, SYSTEM)
    assert [[problem.field for problem in outcome.problems] for outcome in outcomes] == [
        [], ["FormulaValue"], ["CreditAttributeValue"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entity", "field", "least", "right", "wrong"),
    [
        (
            "CS_STRATEGY",
            "AccountSelectionFormula",
            {"Name": "S", "Description": "Calls.", "AccountScope": "Individual Accounts"},
            "{!AccountObj.Name} = 'Big Corp'",
            "{!AccountObj.Nmae} = 'Big Corp'",
        ),
        (
            "REVREC_UPDATE_RULE",
            "Formula",
            {
                "OrderOfEvaluation": "1",
                "RuleCriteria": "More",
                "UpdateRevRecContractProduct": "Do Not Update",
            },
            "{!Quantity} > PRIORVALUE({!Quantity})",
            "{!Quantity} >> 1",
        ),
    ],
)
def test_rules_of_collections_and_revenue_hold_formulas_that_make_sense(
    entity: str, field: str, least: dict[str, str], right: str, wrong: str
) -> None:
    fits, refused = records.create(
        entity,
        [
            least | {field: right},
            {k: v + "2" if k == "Name" else v for k, v in least.items()} | {field: wrong},
        ],
        SYSTEM,
    )
    assert fits.ok, said([fits])
    assert [problem.field for problem in refused.problems] == [field]
