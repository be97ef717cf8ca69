"""Validation rules: which records they refuse, in which verbs, and at what cost."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import records
from entities.errors import Code
from entities.models import Entity, EntityValidation
from entities.records import Outcome
from entities.schema.current import current
from tests.entities.acting import codes, create_one
from tests.factories import AccountFactory

pytestmark = pytest.mark.django_db


def _rule(context: Any, formula: str, **more: Any) -> int:
    entity = more.pop("entity", "ACCOUNT")
    fields = {
        "EntityId": Entity.objects.get(entity_name=entity, deleted_at=None).pk,
        "EntityValidationName": f"rule {EntityValidation.objects.count()}",
        "FormulaValue": formula,
        "ErrorText": "That is not allowed.",
    }
    return create_one("ENTITY_VALIDATION", context, **fields | more)


def _problems(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(str(p.code), p.field, p.message) for p in outcome.problems]


def _prepared() -> None:
    """What is read once per version of the schema has been read."""
    current()
    AccountFactory()


BROKEN = [("VALIDATION_FAILED", "Name", "That is not allowed.")]


def test_a_record_that_makes_the_formula_true_is_refused(system: Any) -> None:
    _rule(system, "{!Name} = 'Big Corp'")
    bad, good = records.create(
        "ACCOUNT",
        [{"Name": "Big Corp", "AccountTypeId": "1"}, {"Name": "Small", "AccountTypeId": "1"}],
        system,
    )
    assert _problems(bad) == BROKEN and bad.id is None
    assert good.ok


def test_a_rule_over_a_lookup_blames_the_lookup(system: Any) -> None:
    _rule(system, "{!ParentAccountObj.Name} = 'Big Corp'")
    parent = AccountFactory(Name="Big Corp")
    (outcome,) = records.create(
        "ACCOUNT", [{"Name": "x", "AccountTypeId": "1", "ParentAccountId": parent}], system
    )
    assert _problems(outcome) == [("VALIDATION_FAILED", "ParentAccountId", "That is not allowed.")]


def test_a_target_in_the_recycle_bin_is_not_seen(system: Any) -> None:
    parent = AccountFactory(Name="Big Corp")
    child = AccountFactory(ParentAccountId=parent)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE customers_account SET deleted_at = now() WHERE id = %s", [parent])
    _rule(system, "{!ParentAccountObj.Name} = 'Big Corp'")
    (outcome,) = records.update("ACCOUNT", [{"Id": child, "Name": "y"}], system)
    assert outcome.ok


def test_all_broken_rules_are_told_in_their_order(system: Any) -> None:
    _rule(system, "{!Name} LIKE 'B%'", ErrorText="Second.", ValdationOrder=2)
    _rule(system, "LENGTH({!Name}) > 3", ErrorText="First.", ValdationOrder=1)
    _rule(system, "{!Name} = 'Big'", ErrorText="Off.", Active="0")
    (outcome,) = records.create("ACCOUNT", [{"Name": "Big Corp", "AccountTypeId": "1"}], system)
    assert [p.message for p in outcome.problems] == ["First.", "Second."]


def test_a_rule_that_names_several_fields_blames_the_record(system: Any) -> None:
    _rule(system, "{!Name} = {!Description}")
    row = {"Name": "x", "Description": "x", "AccountTypeId": "1"}
    (outcome,) = records.create("ACCOUNT", [row], system)
    assert _problems(outcome) == [("VALIDATION_FAILED", "", "That is not allowed.")]


def test_what_is_unknown_breaks_no_rule(system: Any) -> None:
    _rule(system, "{!Description} = 'x'")
    (outcome,) = records.create("ACCOUNT", [{"Name": "a", "AccountTypeId": "1"}], system)
    assert outcome.ok


def test_updates_are_judged_by_what_the_record_holds_then(system: Any) -> None:
    _rule(system, "{!Name} = 'Big Corp' AND {!Description} = 'x'")
    account = AccountFactory(Name="Big Corp")
    other = AccountFactory(Name="Other")
    rows = [{"Id": account, "Description": "x"}, {"Id": other, "Description": "x"}]
    assert codes(records.update("ACCOUNT", rows, system)) == [["VALIDATION_FAILED"], []]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT description FROM customers_account WHERE id = ANY(%s) ORDER BY id",
            [[account, other]],
        )
        assert cursor.fetchall() == [(None,), ("x",)]


def test_a_change_is_compared_with_the_record_before(system: Any) -> None:
    _rule(system, "ISCHANGED({!Name}) AND PRIORVALUE({!Name}) = 'Fixed'")
    fixed, free = AccountFactory(Name="Fixed"), AccountFactory(Name="Free")
    outcomes = records.update(
        "ACCOUNT",
        [{"Id": fixed, "Name": "New"}, {"Id": free, "Name": "New"}],
        system,
    )
    assert codes(outcomes) == [["VALIDATION_FAILED"], []]
    (same,) = records.update(
        "ACCOUNT", [{"Id": fixed, "Name": "Fixed", "Description": "d"}], system
    )
    assert same.ok


def test_a_prior_value_may_lie_behind_a_lookup(system: Any) -> None:
    _rule(
        system,
        "PRIORVALUE({!ParentAccountObj.Name}) = 'Old' AND ISCHANGED({!ParentAccountObj.Name})",
    )
    old, new = AccountFactory(Name="Old"), AccountFactory(Name="New")
    child = AccountFactory(ParentAccountId=old)
    (outcome,) = records.update("ACCOUNT", [{"Id": child, "ParentAccountId": new}], system)
    assert codes([outcome]) == [["VALIDATION_FAILED"]]


def test_new_records_are_told_from_old_ones(system: Any) -> None:
    account = AccountFactory(Name="Before")
    _rule(system, "ISNEW() AND {!Name} = 'Only new'")
    (created,) = records.create("ACCOUNT", [{"Name": "Only new", "AccountTypeId": "1"}], system)
    (updated,) = records.update("ACCOUNT", [{"Id": account, "Name": "Only new"}], system)
    assert not created.ok and updated.ok


def test_an_upsert_is_judged_in_both_its_parts(system: Any) -> None:
    _rule(system, "{!Description} = 'x'")
    AccountFactory(ExternalKey="E-1")
    outcomes = records.upsert(
        "ACCOUNT",
        [
            {"ExternalKey": "E-1", "Description": "x"},
            {"ExternalKey": "E-2", "Name": "b", "AccountTypeId": "1", "Description": "x"},
            {"ExternalKey": "E-3", "Name": "c", "AccountTypeId": "1"},
        ],
        system,
        key="ExternalKey",
    )
    assert codes(outcomes) == [["VALIDATION_FAILED"], ["VALIDATION_FAILED"], []]


def test_what_comes_back_from_the_recycle_bin_is_judged_but_not_what_goes_there(
    system: Any,
) -> None:
    account = AccountFactory(Name="Big Corp")
    _rule(system, "{!Name} = 'Big Corp'")
    (gone,) = records.delete("ACCOUNT", [account], system)
    assert gone.ok
    (back,) = records.undelete("ACCOUNT", [account], system)
    assert codes([back]) == [["VALIDATION_FAILED"]]


def test_one_bad_record_among_many_harms_no_neighbour(system: Any) -> None:
    _rule(system, "{!Name} LIKE 'bad%'")
    names = [f"bad {n}" if n % 7 == 0 else f"good {n}" for n in range(100)]
    outcomes = records.create("ACCOUNT", [{"Name": n, "AccountTypeId": "1"} for n in names], system)
    assert [o.ok for o in outcomes] == [n.startswith("good") for n in names]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM customers_account WHERE name LIKE 'bad%'")
        assert cursor.fetchone() == (0,)


def test_values_that_can_not_be_computed_with_break_nothing(system: Any) -> None:
    _rule(system, "1 / (LENGTH({!Name}) - 3) > 5 OR NUMBER({!Name}) > 5 OR DATE({!Name}) > TODAY()")
    outcomes = records.create(
        "ACCOUNT",
        [{"Name": n, "AccountTypeId": "1"} for n in ("abc", "12", "2999-12-31", "2999-99-99")],
        system,
    )
    assert [o.ok for o in outcomes] == [True, False, False, True]


@pytest.mark.parametrize("verb", ["create", "update"])
def test_a_thousand_records_are_judged_by_one_statement(system: Any, verb: str) -> None:
    rows: list[dict[str, Any]] = [{"Name": f"A{n}", "AccountTypeId": "1"} for n in range(1000)]
    if verb == "update":
        ids = [o.id for o in records.create("ACCOUNT", rows, system)]
        rows = [{"Id": i, "Description": "d"} for i in ids]
    act = getattr(records, verb)
    _prepared()
    with CaptureQueriesContext(connection) as free:
        assert all(o.ok for o in act("ACCOUNT", rows[:500], system))
    _rule(system, "{!Name} = 'x' OR PRIORVALUE({!Name}) = 'y'")
    _rule(system, "{!ParentAccountObj.Name} = 'x'")
    _prepared()
    with CaptureQueriesContext(connection) as judged:
        assert all(o.ok for o in act("ACCOUNT", rows[500:], system))
    assert len(judged) == len(free) + 1, [q["sql"][:80] for q in judged]
    assert sum("rule.broken" in q["sql"] for q in judged) == 1
    assert not any("rule.broken" in q["sql"] for q in free)


def test_an_entity_without_rules_pays_nothing(system: Any) -> None:
    _prepared()
    with CaptureQueriesContext(connection) as before:
        AccountFactory()
    _rule(system, "{!Name} = 'x'", entity="PRODUCT")
    _prepared()
    with CaptureQueriesContext(connection) as after:
        AccountFactory()
    assert len(after) == len(before)


# Saving a rule


@pytest.mark.parametrize(
    ("formula", "position", "said"),
    [
        ("{!Nmae} = 'x'", 3, "Did you mean Name?"),
        ("{!Name} = 'x", 11, "never ends"),
        ("{!Name}", 1, "a condition belongs here"),
        ("{!Name} > 5 AND {!ParentAccountObj.Nam} = 'x'", 36, "Did you mean Name?"),
        ("{!AcountTypeObj.AccountType} = 'x'", 3, "AccountTypeObj"),
        ("{!Created} = 'soon'", 14, "date and time such as"),
    ],
)
def test_a_wrong_formula_is_refused_with_the_place(
    system: Any, formula: str, position: int, said: str
) -> None:
    (outcome,) = records.create(
        "ENTITY_VALIDATION",
        [
            {
                "EntityId": Entity.objects.get(entity_name="ACCOUNT").pk,
                "EntityValidationName": "r",
                "FormulaValue": formula,
                "ErrorText": "x",
            }
        ],
        system,
    )
    ((code, field, message),) = _problems(outcome)
    assert (code, field) == ("INVALID_VALUE", "FormulaValue")
    assert said in message and f"(At character {position}.)" in message


def test_a_rule_is_known_by_its_entity_and_name(system: Any) -> None:
    rule = _rule(system, "{!Name} = 'x'", EntityValidationName="No x")
    assert EntityValidation.objects.get(pk=rule).external_key == "ACCOUNT.No x"
    (again,) = records.upsert(
        "ENTITY_VALIDATION",
        [{"ExternalKey": "ACCOUNT.No x", "FormulaValue": "{!Name} = 'y'"}],
        system,
        key="ExternalKey",
    )
    assert again.ok and again.id == rule
    AccountFactory(Name="x")


def test_a_rule_is_checked_again_when_it_changes(system: Any) -> None:
    rule = _rule(system, "{!Name} = 'x'")
    (outcome,) = records.update(
        "ENTITY_VALIDATION", [{"Id": rule, "FormulaValue": "{!Nmae} = 1"}], system
    )
    assert codes([outcome]) == [["INVALID_VALUE"]]


def test_a_rule_that_records_break_already_judges_writes_only(system: Any) -> None:
    account = AccountFactory(Name="Big Corp")
    _rule(system, "{!Name} = 'Big Corp'")
    (touched,) = records.update("ACCOUNT", [{"Id": account, "Description": "d"}], system)
    assert not touched.ok
    (renamed,) = records.update("ACCOUNT", [{"Id": account, "Name": "Bigger"}], system)
    assert renamed.ok


def test_a_rule_that_has_lost_its_field_stops_writes_and_can_be_switched_off(system: Any) -> None:
    rule = _rule(system, "{!Name} = 'x'")
    EntityValidation.objects.filter(pk=rule).update(formula_value="{!Gone} = 'x'")
    (outcome,) = records.create("ACCOUNT", [{"Name": "a", "AccountTypeId": "1"}], system)
    ((code, _, message),) = _problems(outcome)
    assert code == Code.VALIDATION_FAILED and "has no field 'Gone'" in message
    (off,) = records.update("ENTITY_VALIDATION", [{"Id": rule, "Active": "0"}], system)
    assert off.ok
    AccountFactory()


def test_what_only_the_platform_writes_takes_no_rules(system: Any) -> None:
    (outcome,) = records.create(
        "ENTITY_VALIDATION",
        [
            {
                "EntityId": Entity.objects.get(entity_name="AUDIT_LOG").pk,
                "EntityValidationName": "r",
                "FormulaValue": "1 = 1",
                "ErrorText": "x",
            }
        ],
        system,
    )
    assert codes([outcome]) == [["VALIDATION_FAILED"]]


def test_a_clerk_is_bound_by_rules_over_what_he_may_not_read(clerk: Any, system: Any) -> None:
    _rule(system, "{!AccountTypeObj.AccountType} IS NOT NULL AND {!Name} = 'x'")
    (outcome,) = records.create(
        "ACCOUNT", [{"Name": "x", "AccountTypeId": "1"}], clerk(ACCOUNT="CRU", ACCOUNT_TYPE="R")
    )
    assert codes([outcome]) == [["VALIDATION_FAILED"]]


def test_only_administrators_write_rules(clerk: Any, system: Any) -> None:
    """A rule answers whether its formula is true of what its author may not read."""
    keeper = clerk(ENTITY_VALIDATION="CRUD", ENTITY="R")
    rule = _rule(system, "{!Name} = 'x'")
    refused = [["INSUFFICIENT_RIGHTS"]]
    sent = {
        "EntityId": Entity.objects.get(entity_name="ACCOUNT").pk,
        "EntityValidationName": "probe",
        "FormulaValue": "{!Description} LIKE 's%'",
        "ErrorText": "yes",
    }
    assert codes(records.create("ENTITY_VALIDATION", [sent], keeper)) == refused
    changed = {"Id": rule, "FormulaValue": "{!Description} LIKE 's%'"}
    assert codes(records.update("ENTITY_VALIDATION", [changed], keeper)) == refused
    assert codes(records.delete("ENTITY_VALIDATION", [rule], keeper)) == refused
    assert records.delete("ENTITY_VALIDATION", [rule], system)[0].ok
    assert codes(records.undelete("ENTITY_VALIDATION", [rule], keeper)) == refused
