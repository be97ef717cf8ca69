"""Whatever names a field follows its new name, and keeps it from changing into something else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection

from entities import records
from entities.changing import dependents, preview
from entities.errors import Code
from entities.models import (
    Entity,
    EntityValidation,
    SharingGroup,
    SharingGroupRule,
    WorkflowAction,
    WorkflowRule,
)
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import create_one

pytestmark = pytest.mark.django_db

Ids = dict[str, int]


@pytest.fixture
def ids(system: Context) -> Ids:
    """PROMO with a text that is used, and ORDERS with a lookup to it."""
    promo = create_one("ENTITY", system, EntityName="PROMO")
    orders = create_one("ENTITY", system, EntityName="ORDERS")
    return {
        "PROMO": promo,
        "ORDERS": orders,
        "Used": _field(system, promo, "Used", "TEXT"),
        "Other": _field(system, promo, "Other", "TEXT"),
        "Price": _field(system, promo, "Price", "MONEY"),
        "PromoId": _field(system, orders, "PromoId", "LOOKUP", ReferencedEntityId=promo),
        "Note": _field(system, orders, "Note", "TEXT"),
    }


def _field(system: Context, entity: int, name: str, kind: str, **more: Any) -> int:
    return create_one(
        "ENTITY_FIELD", system, EntityId=entity, FieldName=name, DataType=kind, **more
    )


def _one(statement: str, id_: int) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, [id_])
        return cursor.fetchone()[0]


@dataclass(frozen=True)
class User:
    """Something that names PROMO.Used.

    make      makes it; its Id
    column    table and column of the text that names the field
    before    what stands there, and after: what stands there when Used is called Renamed
    called    how it is called when it is in the way
    typed     whether Used can't become a number because of it
    """

    make: Callable[[Context, Ids], int]
    column: str
    before: str
    after: str
    called: str
    typed: bool = True


def _validation(formula: str) -> Callable[[Context, Ids], int]:
    return lambda system, ids: create_one(
        "ENTITY_VALIDATION",
        system,
        EntityId=ids["PROMO"],
        EntityValidationName="Check",
        FormulaValue=formula,
        ErrorText="No.",
    )


def _sharing(**fields: Any) -> Callable[[Context, Ids], int]:
    def make(system: Context, ids: Ids) -> int:
        group = SharingGroup.objects.create(name="Sales")
        rule = SharingGroupRule.objects.create(
            sharing_group=group, entity_id=ids["PROMO"], external_key="Sales.Promo", **fields
        )
        return rule.pk

    return make


def _workflow(criteria: str | None = None, **action: Any) -> Callable[[Context, Ids], int]:
    def make(system: Context, ids: Ids) -> int:
        more = dict(action)
        target = more.pop("target", None)
        rule = WorkflowRule.objects.create(
            entity_id=ids[more.pop("on", "PROMO")],
            rule_name="Flow",
            external_key="Flow",
            event="After Create",
            criteria=criteria,
        )
        if not more:
            return rule.pk
        made = WorkflowAction.objects.create(
            workflow_rule=rule,
            action_name="Act",
            external_key="Flow.Act",
            target_entity_id=ids[target] if target else None,
            **more,
        )
        return made.pk

    return make


def _key(system: Context, ids: Ids) -> int:
    return create_one(
        "ENTITY_KEY", system, EntityId=ids["PROMO"], KeyName="Pair", FieldNames="Other, Used"
    )


FIELD = "entities_entityfield."
ACTION = "entities_workflowaction."
USERS = {
    "a formula field": User(
        lambda system, ids: _field(
            system, ids["PROMO"], "Loud", "FORMULA", FormulaValue="UPPER({!used})"
        ),
        FIELD + "formula_value",
        "UPPER({!used})",
        "UPPER({!Renamed})",
        "the field PROMO.Loud",
    ),
    "a formula field over a lookup": User(
        lambda system, ids: _field(
            system, ids["ORDERS"], "Far", "FORMULA", FormulaValue="LOWER({! PromoObj . Used })"
        ),
        FIELD + "formula_value",
        "LOWER({! PromoObj . Used })",
        "LOWER({! PromoObj . Renamed })",
        "the field ORDERS.Far",
    ),
    "a default formula": User(
        lambda system, ids: _field(
            system, ids["PROMO"], "Filled", "TEXT", DefaultFormula="{!Used} & '!'"
        ),
        FIELD + "default_formula",
        "{!Used} & '!'",
        "{!Renamed} & '!'",
        "the field PROMO.Filled",
        typed=False,
    ),
    "a default formula of its kind": User(
        lambda system, ids: _field(
            system, ids["PROMO"], "Copied", "TEXT", DefaultFormula="{!Used}"
        ),
        FIELD + "default_formula",
        "{!Used}",
        "{!Renamed}",
        "the field PROMO.Copied",
    ),
    "a validation": User(
        _validation("{!Used} = 'x' AND {!Other} = 'Used {!Used}'"),
        "entities_entityvalidation.formula_value",
        "{!Used} = 'x' AND {!Other} = 'Used {!Used}'",
        "{!Renamed} = 'x' AND {!Other} = 'Used {!Used}'",
        "the validation Check",
    ),
    "a validation of the value before": User(
        _validation("ISCHANGED({!Used}) AND PRIORVALUE({!Used}) = 'x'"),
        "entities_entityvalidation.formula_value",
        "ISCHANGED({!Used}) AND PRIORVALUE({!Used}) = 'x'",
        "ISCHANGED({!Renamed}) AND PRIORVALUE({!Renamed}) = 'x'",
        "the validation Check",
    ),
    "a sharing rule's formula": User(
        _sharing(formula="{!Used} = 'x'"),
        "entities_sharinggrouprule.formula",
        "{!Used} = 'x'",
        "{!Renamed} = 'x'",
        "the sharing rule Sales.Promo",
    ),
    "a sharing rule's condition": User(
        _sharing(rule_criteria="{!Other} = 'y'\n{!Used} = 'x'", filter_logic="1 OR 2"),
        "entities_sharinggrouprule.rule_criteria",
        "{!Other} = 'y'\n{!Used} = 'x'",
        "{!Other} = 'y'\n{!Renamed} = 'x'",
        "the sharing rule Sales.Promo",
    ),
    "a workflow rule": User(
        _workflow("ISNEW() AND {!Used} = 'x'"),
        "entities_workflowrule.criteria",
        "ISNEW() AND {!Used} = 'x'",
        "ISNEW() AND {!Renamed} = 'x'",
        "the workflow rule Flow",
    ),
    "what an action computes with": User(
        _workflow(action_type="SET_FIELDS", field_formulas={"Other": "UPPER({!Used})"}),
        ACTION + "field_formulas::text",
        '{"Other": "UPPER({!Used})"}',
        '{"Other": "UPPER({!Renamed})"}',
        "the workflow action Act",
    ),
    "what an action sets": User(
        _workflow(action_type="SET_FIELDS", field_formulas={"Used": "'x'"}),
        ACTION + "field_formulas::text",
        '{"Used": "\'x\'"}',
        '{"Renamed": "\'x\'"}',
        "the workflow action Act",
    ),
    "what an action sets on a new record": User(
        _workflow(
            on="ORDERS",
            target="PROMO",
            action_type="CREATE_RECORD",
            field_formulas={"Used": "{!Note}"},
        ),
        ACTION + "field_formulas::text",
        '{"Used": "{!Note}"}',
        '{"Renamed": "{!Note}"}',
        "the workflow action Act",
    ),
    "what a webhook sends": User(
        _workflow(action_type="WEBHOOK", field_formulas={"Used": "LENGTH({!Used})"}),
        ACTION + "field_formulas::text",
        '{"Used": "LENGTH({!Used})"}',
        '{"Used": "LENGTH({!Renamed})"}',
        "the workflow action Act",
    ),
    "a mail's text": User(
        _workflow(action_type="EMAIL", subject="s", body="Dear {!Used}, {!Other}: {!Used}"),
        ACTION + "body",
        "Dear {!Used}, {!Other}: {!Used}",
        "Dear {!Renamed}, {!Other}: {!Renamed}",
        "the workflow action Act",
        typed=False,
    ),
    "a mail's recipient": User(
        _workflow(action_type="EMAIL", recipient="a@example.com, {!Used}"),
        ACTION + "recipient",
        "a@example.com, {!Used}",
        "a@example.com, {!Renamed}",
        "the workflow action Act",
        typed=False,
    ),
    "a key": User(
        _key,
        "entities_entitykey.field_names",
        "Other, Used",
        "Other, Renamed",
        "the key Pair",
        typed=False,
    ),
    "a money field's currency": User(
        lambda system, ids: _field(system, ids["PROMO"], "Fee", "MONEY", CurrencySource="Used"),
        FIELD + "currency_source",
        "Used",
        "Renamed",
        "the money field PROMO.Fee",
        typed=False,
    ),
}


def _text(user: User, id_: int) -> str:
    table, _, column = user.column.partition(".")
    return str(_one(f"SELECT {column} FROM {table} WHERE id = %s", id_))


def _change(system: Context, field: int, **values: Any) -> Any:
    (outcome,) = records.update("ENTITY_FIELD", [{"Id": field, **values}], system)
    return outcome


@pytest.mark.parametrize("name", USERS)
def test_it_follows_a_new_name(system: Context, ids: Ids, name: str) -> None:
    user = USERS[name]
    made = user.make(system, ids)
    assert _text(user, made) == user.before
    assert _change(system, ids["Used"], FieldName="Renamed").ok
    assert _text(user, made) == user.after
    assert user.called in dependents.users_of(current(), "PROMO", "Renamed")


@pytest.mark.parametrize("name", USERS)
def test_it_keeps_the_type_that_it_needs(system: Context, ids: Ids, name: str) -> None:
    user = USERS[name]
    made = user.make(system, ids)
    outcome = _change(system, ids["Used"], DataType="INTEGER", DataLength="19")
    assert outcome.ok is not user.typed
    if user.typed:
        ((problem,),) = [outcome.problems]
        assert problem.code == Code.RECORD_IN_USE
        assert f"PROMO.Used is used by {user.called}, which" in problem.message
        assert "(At character" in problem.message
    assert _text(user, made) == user.before
    assert current().entity("PROMO").field("Used").type.name == (
        "TEXT" if user.typed else "INTEGER"
    )


@pytest.mark.parametrize("permanently", [False, True], ids=["delete", "purge"])
@pytest.mark.parametrize("name", USERS)
def test_it_keeps_what_it_names(system: Context, ids: Ids, name: str, permanently: bool) -> None:
    user = USERS[name]
    user.make(system, ids)
    (outcome,) = records.delete("ENTITY_FIELD", [ids["Used"]], system, permanently=permanently)
    ((problem,),) = [outcome.problems]
    assert problem.code == Code.RECORD_IN_USE
    assert problem.message == f"PROMO.Used is used by {user.called}; change that first."
    (hidden,) = records.update("ENTITY_FIELD", [{"Id": ids["Used"], "Status": "HIDDEN"}], system)
    assert user.called in hidden.problems[0].message


@pytest.mark.parametrize(
    "name",
    ["a formula field over a lookup", "what an action sets on a new record"],
)
@pytest.mark.parametrize("permanently", [False, True], ids=["delete", "purge"])
def test_an_entity_that_others_look_into_stays(
    system: Context, ids: Ids, name: str, permanently: bool
) -> None:
    user = USERS[name]
    user.make(system, ids)
    (outcome,) = records.delete("ENTITY", [ids["PROMO"]], system, permanently=permanently)
    ((problem,),) = [outcome.problems]
    assert problem.code == Code.RECORD_IN_USE
    assert problem.message == f"PROMO is used by {user.called}; change that first."
    assert current().find("PROMO") is not None


def test_what_uses_itself_alone_goes(system: Context, ids: Ids) -> None:
    for name in ("a formula field", "a validation", "a default formula", "a workflow rule"):
        USERS[name].make(system, ids)
    assert records.delete("ENTITY_FIELD", [ids["PromoId"]], system)[0].ok
    (outcome,) = records.delete("ENTITY", [ids["PROMO"]], system)
    assert outcome.ok, outcome.problems


def test_a_chain_of_formulas_keeps_the_type_that_its_end_needs(system: Context, ids: Ids) -> None:
    _field(system, ids["PROMO"], "Same", "FORMULA", FormulaValue="{!Used}")
    _field(system, ids["ORDERS"], "Far", "FORMULA", FormulaValue="UPPER({!PromoObj.Same})")
    outcome = _change(system, ids["Used"], DataType="INTEGER", DataLength="19")
    assert "used by the field ORDERS.Far" in outcome.problems[0].message


def test_a_formula_keeps_the_kind_that_others_compute_with(system: Context, ids: Ids) -> None:
    same = _field(system, ids["PROMO"], "Same", "FORMULA", FormulaValue="{!Used}")
    _field(system, ids["PROMO"], "Loud", "FORMULA", FormulaValue="UPPER({!Same})")
    outcome = _change(system, same, FormulaValue="LENGTH({!Used})")
    assert outcome.problems[0].code == Code.RECORD_IN_USE
    assert "PROMO.Same is used by the field PROMO.Loud" in outcome.problems[0].message
    assert _change(system, same, FormulaValue="LOWER({!Used})").ok


def test_a_lookup_that_is_followed_keeps_its_target(system: Context, ids: Ids) -> None:
    USERS["a formula field over a lookup"].make(system, ids)
    outcome = _change(system, ids["PromoId"], ReferencedEntityId=ids["ORDERS"])
    assert "used by the field ORDERS.Far" in outcome.problems[0].message
    (gone,) = records.delete("ENTITY_FIELD", [ids["PromoId"]], system)
    assert "used by the field ORDERS.Far" in gone.problems[0].message
    assert _change(system, ids["PromoId"], FieldName="CampaignId").ok
    assert (
        _one(
            "SELECT formula_value FROM entities_entityfield WHERE field_name = 'Far' AND id > %s", 0
        )
        == "LOWER({! CampaignObj . Used })"
    )


def test_one_bad_change_harms_no_other(system: Context, ids: Ids) -> None:
    USERS["a validation"].make(system, ids)
    outcomes = records.update(
        "ENTITY_FIELD",
        [
            {"Id": ids["Used"], "DataType": "INTEGER", "DataLength": "19"},
            {"Id": ids["Note"], "DataType": "INTEGER", "DataLength": "19"},
        ],
        system,
    )
    assert [o.ok for o in outcomes] == [False, True]
    assert current().entity("PROMO").field("Used").type.name == "TEXT"
    assert current().entity("ORDERS").field("Note").type.name == "INTEGER"


def test_a_preview_tells_the_same(system: Context, ids: Ids) -> None:
    USERS["a validation"].make(system, ids)
    row = {"Id": ids["Used"], "DataType": "INTEGER", "DataLength": "19"}
    told = preview("update", "ENTITY_FIELD", [row], system)
    assert "used by the validation Check" in told.outcomes[0].problems[0].message
    assert told.steps == []


# What lies in the recycle bin meanwhile


def test_what_lies_in_the_bin_follows_a_new_name(system: Context, ids: Ids) -> None:
    loud = USERS["a formula field"].make(system, ids)
    rule = USERS["a validation"].make(system, ids)
    (field_gone,) = records.delete("ENTITY_FIELD", [loud], system)
    (rule_gone,) = records.delete("ENTITY_VALIDATION", [rule], system)
    assert field_gone.ok and rule_gone.ok
    assert _change(system, ids["Used"], FieldName="Renamed").ok
    (field_back,) = records.undelete("ENTITY_FIELD", [loud], system)
    (rule_back,) = records.undelete("ENTITY_VALIDATION", [rule], system)
    assert field_back.ok and rule_back.ok, (field_back, rule_back)
    assert current().entity("PROMO").validations[0].formula.startswith("{!Renamed} = 'x'")


def test_a_field_whose_formula_has_lost_its_sense_stays_in_the_bin(
    system: Context, ids: Ids
) -> None:
    loud = USERS["a formula field"].make(system, ids)
    assert all(o.ok for o in records.delete("ENTITY_FIELD", [loud, ids["Used"]][:1], system))
    assert records.delete("ENTITY_FIELD", [ids["Used"]], system)[0].ok
    (outcome,) = records.undelete("ENTITY_FIELD", [loud], system)
    ((problem,),) = [outcome.problems]
    assert problem.code == Code.RECORD_IN_USE
    assert problem.message.startswith(
        "PROMO.Loud can't come back while the field PROMO.Loud makes no sense: "
        "PROMO has no field 'used'."
    )
    both = records.undelete("ENTITY_FIELD", [ids["Used"], loud], system)
    assert [o.ok for o in both] == [True, True], both


def test_a_field_with_a_default_that_has_lost_its_sense_stays_in_the_bin(
    system: Context, ids: Ids
) -> None:
    copied = USERS["a default formula of its kind"].make(system, ids)
    assert records.delete("ENTITY_FIELD", [copied], system)[0].ok
    assert _change(system, ids["Used"], DataType="INTEGER", DataLength="19").ok
    (outcome,) = records.undelete("ENTITY_FIELD", [copied], system)
    assert "the field PROMO.Copied makes no sense" in outcome.problems[0].message


def test_an_entity_comes_back_with_formulas_that_make_sense(system: Context, ids: Ids) -> None:
    far = USERS["a formula field over a lookup"].make(system, ids)
    check = create_one(
        "ENTITY_VALIDATION",
        system,
        EntityId=ids["ORDERS"],
        EntityValidationName="Far check",
        FormulaValue="{!PromoObj.Used} = 'x'",
        ErrorText="No.",
    )
    assert records.delete("ENTITY", [ids["ORDERS"]], system)[0].ok
    assert _change(system, ids["Used"], DataType="INTEGER", DataLength="19").ok
    (outcome,) = records.undelete("ENTITY", [ids["ORDERS"]], system)
    assert {p.code for p in outcome.problems} == {Code.RECORD_IN_USE}
    told = " ".join(p.message for p in outcome.problems)
    assert "ORDERS can't come back while the field ORDERS.Far makes no sense" in told
    assert "while the validation Far check makes no sense" in told
    assert current().find("ORDERS") is None
    # What is in the way can go although its entity is in the bin.
    assert Entity.objects.get(pk=ids["ORDERS"]).deleted_at is not None
    assert _change(system, ids["Used"], DataType="TEXT", DataLength="255").ok
    (outcome,) = records.undelete("ENTITY", [ids["ORDERS"]], system)
    assert outcome.ok, outcome.problems
    assert {f.name for f in current().entity("ORDERS").fields} >= {"Far", "Note"}
    assert EntityValidation.objects.get(pk=check).deleted_at is None
    assert far


@pytest.mark.parametrize(
    ("kind", "formula", "said"),
    [
        ("INTEGER", "{!Other}", "a number belongs here"),
        ("DATE", "{!Other} & 'x'", "a date belongs here"),
        ("FLAG", "5", "write TRUE or FALSE"),
        ("JSON", "'x'", "JSON"),
        ("TEXT", "{!Price} * 2", "a text belongs here"),
    ],
)
def test_a_default_is_of_its_fields_kind(
    system: Context, ids: Ids, kind: str, formula: str, said: str
) -> None:
    (outcome,) = records.create(
        "ENTITY_FIELD",
        [
            {
                "EntityId": ids["PROMO"],
                "FieldName": "New",
                "DataType": kind,
                "DefaultFormula": formula,
            }
        ],
        system,
    )
    assert [p.field for p in outcome.problems] == ["DefaultFormula"]
    assert said in outcome.problems[0].message


def test_a_formula_is_of_the_type_that_is_asked_for(system: Context, ids: Ids) -> None:
    (outcome,) = records.create(
        "ENTITY_FIELD",
        [
            {
                "EntityId": ids["PROMO"],
                "FieldName": "New",
                "DataType": "FORMULA",
                "FormulaValue": "{!Other} & '!'",
                "FormulaDataType": "DATE",
            }
        ],
        system,
    )
    assert [p.field for p in outcome.problems] == ["FormulaValue"]
    assert "which is no DATE" in outcome.problems[0].message
