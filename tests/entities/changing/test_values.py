"""Rows of ENTITY_FIELD_VALUES: what a list offers, and what becomes of the records that hold it."""

from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import query, records
from entities.changing import preview
from entities.models import AuditLog, EntityField, EntityFieldValue, SchemaChange
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db

VALUES = "ENTITY_FIELD_VALUES"
KINDS = ("LIST", "MULTI_LIST")


@pytest.fixture
def promo(system: Context) -> int:
    return create_one("ENTITY", system, EntityName="PROMO")


def add_list(
    system: Context, entity: int, kind: str, values: list[str], **more: Any
) -> tuple[int, dict[str, int]]:
    """A field `State` with its values; its Id, and value -> Id of its row."""
    field = create_one(
        "ENTITY_FIELD", system, EntityId=entity, FieldName="State", DataType=kind, **more
    )
    rows = [
        {"EntityFieldId": field, "ListValue": value, "SortOrder": place}
        for place, value in enumerate(values)
    ]
    outcomes = records.create(VALUES, rows, system)
    assert codes(outcomes) == [[]] * len(values)
    return field, {v: o.id or 0 for v, o in zip(values, outcomes, strict=True)}


def held(system: Context) -> list[str]:
    page = query.query("SELECT State FROM PROMO ORDER BY Id", system)
    return [row["State"] for row in orjson.loads(page.json)]


def message(outcome: Any) -> str:
    return " ".join(p.message for p in outcome.problems)


REFUSED = [
    ("NEW", "DUPLICATE_KEY", "PROMO.State has the value 'NEW' already; send another one."),
    ("new", "DUPLICATE_KEY", "has the value 'NEW' already, and case makes no difference"),
    ("  New ", "DUPLICATE_KEY", "has the value 'NEW' already, and case makes no difference"),
    ("   ", "INVALID_VALUE", "ListValue is empty; send the value as records are to hold it."),
    ("", "REQUIRED_FIELD_MISSING", "ListValue is required."),
    ("a\nb", "INVALID_VALUE", "has a line break or another control character; remove it."),
    ("x" * 101, "VALUE_TOO_LONG", "ListValue has 101 characters; at most 100 fit."),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("value", "code", "said"), REFUSED)
def test_what_is_no_new_value(
    system: Context, promo: int, kind: str, value: str, code: str, said: str
) -> None:
    field, _ = add_list(system, promo, kind, ["NEW", "OLD"])
    (outcome,) = records.create(VALUES, [{"EntityFieldId": field, "ListValue": value}], system)
    assert codes([outcome]) == [[code]]
    assert said in message(outcome)
    assert outcome.problems[0].field == "ListValue"


@pytest.mark.parametrize(("value", "code", "said"), [r for r in REFUSED if r[0]])
def test_what_a_value_can_not_be_renamed_to(
    system: Context, promo: int, value: str, code: str, said: str
) -> None:
    _, ids = add_list(system, promo, "LIST", ["NEW", "OLD"])
    (outcome,) = records.update(VALUES, [{"Id": ids["OLD"], "ListValue": value}], system)
    assert codes([outcome]) == [[code]]
    assert said in message(outcome)


def test_a_semicolon_separates_the_values_of_a_multi_list_only(system: Context, promo: int) -> None:
    _, ids = add_list(system, promo, "LIST", ["A; B"])
    several = create_one(
        "ENTITY_FIELD", system, EntityId=promo, FieldName="Tags", DataType="MULTI_LIST"
    )
    row = {"EntityFieldId": several, "ListValue": "A; B"}
    (outcome,) = records.create(VALUES, [row], system)
    assert codes([outcome]) == [["INVALID_VALUE"]]
    assert "stands between the values of the MULTI_LIST field PROMO.Tags" in message(outcome)
    field = EntityField.objects.get(external_key="PROMO.State")
    (outcome,) = records.update(
        "ENTITY_FIELD", [{"Id": field.pk, "DataType": "MULTI_LIST"}], system
    )
    assert codes([outcome]) == [["FIELD_NOT_CHANGEABLE"]]
    assert records.update(VALUES, [{"Id": ids["A; B"], "ListValue": "A, B"}], system)[0].ok
    (outcome,) = records.update(
        "ENTITY_FIELD", [{"Id": field.pk, "DataType": "MULTI_LIST"}], system
    )
    assert outcome.ok, outcome.problems


def test_a_value_is_as_long_as_its_field_takes(system: Context, promo: int) -> None:
    field, _ = add_list(system, promo, "LIST", [], DataLength="4")
    rows = [{"EntityFieldId": field, "ListValue": v} for v in ("FOUR", "FIVES")]
    outcomes = records.create(VALUES, rows, system)
    assert codes(outcomes) == [[], ["INVALID_VALUE"]]
    assert message(outcomes[1]) == "ListValue has 5 characters; at most 4 fit into PROMO.State."


def test_a_thousand_values_with_a_bad_one_at_seven(system: Context, promo: int) -> None:
    field, _ = add_list(system, promo, "LIST", [])
    rows = [{"EntityFieldId": field, "ListValue": f"V{n}"} for n in range(1000)]
    rows[7]["ListValue"] = "v999"
    outcomes = records.create(VALUES, rows, system)
    assert {n for n, o in enumerate(outcomes) if not o.ok} == {999}
    assert "has the value 'v999' already" in message(outcomes[999])
    assert len(current().entity("PROMO").field("State").list_values) == 999


def test_a_value_stays_with_its_field(system: Context, promo: int) -> None:
    _, ids = add_list(system, promo, "LIST", ["A"])
    other = create_one("ENTITY_FIELD", system, EntityId=promo, FieldName="B", DataType="LIST")
    moved = {"Id": ids["A"], "EntityFieldId": other}
    assert codes(records.update(VALUES, [moved], system)) == [["FIELD_NOT_CHANGEABLE"]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_is_that_of_sort_order_with_retired_values_last(
    system: Context, promo: int, kind: str
) -> None:
    _, ids = add_list(system, promo, kind, ["A", "B", "C"])
    rows = [
        {"Id": ids["A"], "SortOrder": 9},
        {"Id": ids["B"], "ActiveFlag": "0", "SortOrder": 0},
        {"Id": ids["C"], "SortOrder": 1},
    ]
    assert codes(records.update(VALUES, rows, system)) == [[]] * 3
    assert list(current().entity("PROMO").field("State").list_values.values()) == ["C", "A", "B"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_renamed_value_is_carried_into_the_records(
    system: Context, promo: int, kind: str
) -> None:
    field, ids = add_list(system, promo, kind, ["NEW", "OLD"])
    records.update("ENTITY_FIELD", [{"Id": field, "DefaultValue": "new"}], system)
    key = create_one("ENTITY_FIELD", system, EntityId=promo, FieldName="Key", DataType="TEXT")
    sent = [{"Key": str(n), "State": v} for n, v in enumerate(["new", "OLD", "NEW"])]
    if kind == "MULTI_LIST":
        sent.append({"Key": "3", "State": "OLD;NEW"})
    made = records.create("PROMO", sent, system)
    gone = made[2].id or 0
    assert records.delete("PROMO", [gone], system)[0].ok
    rename = [{"Id": ids["NEW"], "ListValue": "It's \\ 100% {open}"}]

    told = preview("update", VALUES, rename, system)
    count = 3 if kind == "MULTI_LIST" else 2
    assert [s.words for s in told.steps] == [
        f"Rename the value NEW of PROMO.State to It's \\ 100% {{open}}, in {count} records."
    ]
    assert held(system)[0] == "NEW"

    assert records.update(VALUES, rename, system)[0].ok
    expected = ["It's \\ 100% {open}", "OLD", "OLD;It's \\ 100% {open}"]
    assert held(system) == expected[: 3 if kind == "MULTI_LIST" else 2]
    assert records.undelete("PROMO", [gone], system)[0].ok
    assert held(system)[2] == "It's \\ 100% {open}"
    assert current().entity("PROMO").field("State").default in (
        "It's \\ 100% {open}",
        ["It's \\ 100% {open}"],
    )
    fresh = create_one("PROMO", system, Key="fresh")
    (row,) = orjson.loads(records.retrieve("PROMO", [fresh], system))
    assert row["State"] == "It's \\ 100% {open}"
    value = EntityFieldValue.objects.get(pk=ids["NEW"])
    assert value.external_key == "PROMO.State.It's \\ 100% {open}"
    assert SchemaChange.objects.filter(summary__startswith="Rename the value NEW").count() == 1
    assert AuditLog.objects.filter(record_id=made[0].id, action="UPDATE").exists()
    assert key


def test_renaming_takes_the_same_statements_for_three_records_and_for_three_thousand(
    system: Context, promo: int
) -> None:
    _, ids = add_list(system, promo, "LIST", ["NEW", "OLD"])
    taken = []
    for count, name in ((3, "NEWER"), (3000, "NEWEST")):
        for start in range(0, count, 1000):
            part = min(1000, count - start)
            state = "NEW" if count == 3 else "NEWER"
            made = records.create("PROMO", [{"State": state}] * part, system)
            assert all(o.ok for o in made)
        with CaptureQueriesContext(connection) as captured:
            records.update(VALUES, [{"Id": ids["NEW"], "ListValue": name}], system)
        taken.append(len(captured))
    assert taken[1] <= taken[0]
    assert set(held(system)) == {"NEWEST"}


def test_a_chain_of_renames_is_no_merge(system: Context, promo: int) -> None:
    _, ids = add_list(system, promo, "LIST", ["A", "B"])
    records.create("PROMO", [{"State": "A"}, {"State": "B"}], system)
    rows = [{"Id": ids["B"], "ListValue": "C"}, {"Id": ids["A"], "ListValue": "B"}]
    outcomes = records.update(VALUES, rows, system)
    if all(o.ok for o in outcomes):
        assert held(system) == ["B", "C"]
    else:
        (refused,) = [o for o in outcomes if not o.ok]
        assert codes([refused]) == [["DUPLICATE_KEY"]]
        assert held(system) in (["A", "C"], ["A", "B"])


def test_formulas_that_quote_a_value_are_named(system: Context, promo: int) -> None:
    _, ids = add_list(system, promo, "LIST", ["NEW", "OLD"])
    create_one("ENTITY_FIELD", system, EntityId=promo, FieldName="Name", DataType="TEXT")
    for name, formula in (
        ("quotes it", "{!State} = 'new' AND {!Name} = 'x'"),
        ("quotes another", "{!State} = 'OLD'"),
        ("is about another field", "{!Name} = 'NEW'"),
    ):
        create_one(
            "ENTITY_VALIDATION",
            system,
            EntityId=promo,
            EntityValidationName=name,
            FormulaValue=formula,
            ErrorText="no",
        )
    rename = preview("update", VALUES, [{"Id": ids["NEW"], "ListValue": "FRESH"}], system)
    warning = "Change by hand what quotes the value NEW of PROMO.State: the validation quotes it."
    assert [s.words for s in rename.steps][1:] == [warning]
    gone = preview("delete", VALUES, [ids["NEW"]], system)
    assert [s.words for s in gone.steps] == [
        "Take the value NEW off the list of PROMO.State.",
        warning,
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_records_hold_is_not_deleted(system: Context, promo: int, kind: str) -> None:
    _, ids = add_list(system, promo, kind, ["NEW", "OLD", "NONE"])
    sent = [{"State": "NEW"}, {"State": "NEW"}, {"State": "OLD"}]
    made = records.create("PROMO", sent, system)
    records.delete("PROMO", [made[2].id], system)
    outcomes = records.delete(VALUES, [ids["NEW"], ids["OLD"], ids["NONE"]], system)
    assert codes(outcomes) == [["RECORD_IN_USE"], ["RECORD_IN_USE"], []]
    assert message(outcomes[0]) == (
        "2 PROMO records hold 'NEW' in PROMO.State (those in the recycle bin count); switch its "
        "ActiveFlag off instead: records keep it, no other can take it."
    )
    assert message(outcomes[1]).startswith("1 PROMO record holds 'OLD'")
    (refused,) = records.create("PROMO", [{"State": "NONE"}], system)
    assert codes([refused]) == [["VALUE_NOT_IN_LIST"]]


def test_a_deleted_value_comes_back_unless_another_took_its_place(
    system: Context, promo: int
) -> None:
    field, ids = add_list(system, promo, "LIST", ["NEW", "OLD"])
    records.delete(VALUES, list(ids.values()), system)
    create_one(VALUES, system, EntityFieldId=field, ListValue="new")
    outcomes = records.undelete(VALUES, list(ids.values()), system)
    assert codes(outcomes) == [["DUPLICATE_KEY"], []]
    assert set(current().entity("PROMO").field("State").list_values.values()) == {"new", "OLD"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_retired_value_stays_where_it_is_and_is_taken_by_nobody(
    system: Context, promo: int, kind: str
) -> None:
    name = create_one(
        "ENTITY_FIELD",
        system,
        EntityId=promo,
        FieldName="Code",
        DataType="TEXT",
        ExternalKeyFlag="1",
    )
    _, ids = add_list(system, promo, kind, ["NEW", "OLD"])
    holder = create_one("PROMO", system, Code="a", State="NEW")
    other = create_one("PROMO", system, Code="b", State="OLD")
    retired = records.update(VALUES, [{"Id": ids["NEW"], "ActiveFlag": "0"}], system)
    assert codes(retired) == [[]]
    new = "NEW" if kind == "LIST" else "OLD;NEW"
    assert codes(records.create("PROMO", [{"State": new}], system)) == [["VALUE_NOT_IN_LIST"]]
    rows = [{"Id": holder, "State": "NEW", "Code": "A"}, {"Id": other, "State": new}]
    assert codes(records.update("PROMO", rows, system)) == [[], ["VALUE_NOT_IN_LIST"]]
    upserted = records.upsert(
        "PROMO",
        [{"Code": "A", "State": "NEW"}, {"Code": "b", "State": new}, {"Code": "c", "State": new}],
        system,
        key="Code",
    )
    assert codes(upserted) == [[], ["VALUE_NOT_IN_LIST"], ["VALUE_NOT_IN_LIST"]]
    many = [{"Code": f"n{n}", "State": "OLD"} for n in range(1000)]
    many[7]["State"] = "NEW"
    outcomes = records.create("PROMO", many, system)
    assert {n for n, o in enumerate(outcomes) if not o.ok} == {7}
    assert held(system)[0] == "NEW"
    again = records.update(VALUES, [{"Id": ids["NEW"], "ActiveFlag": "1"}], system)
    assert codes(again) == [[]]
    create_one("PROMO", system, State=new)
    assert name


def test_the_default_is_a_value_in_use(system: Context, promo: int) -> None:
    field, ids = add_list(system, promo, "LIST", ["NEW", "OLD", "GONE"])

    def default(value: str) -> Any:
        change = [{"Id": field, "DefaultValue": value}]
        return records.update("ENTITY_FIELD", change, system)[0]

    assert records.update(VALUES, [{"Id": ids["GONE"], "ActiveFlag": "0"}], system)[0].ok
    refused = default("NOVEL")
    assert codes([refused]) == [["VALUE_NOT_IN_LIST"]]
    assert message(refused) == "DefaultValue is 'NOVEL'; use one of NEW, OLD, GONE."
    refused = default("GONE")
    assert codes([refused]) == [["VALUE_NOT_IN_LIST"]]
    assert message(refused) == (
        "DefaultValue is 'GONE', which is no longer in use; use one of NEW, OLD."
    )
    assert default("new").ok
    (refused,) = records.update(VALUES, [{"Id": ids["NEW"], "ActiveFlag": "0"}], system)
    assert message(refused) == (
        "'NEW' is the DefaultValue of PROMO.State; give the field another one first."
    )
    (refused,) = records.delete(VALUES, [ids["NEW"]], system)
    assert codes([refused]) == [["RECORD_IN_USE"]]
    assert default("OLD").ok
    assert records.update(VALUES, [{"Id": ids["NEW"], "ActiveFlag": "0"}], system)[0].ok


def test_a_default_waits_for_its_value_and_hinders_nothing(system: Context, promo: int) -> None:
    field, _ = add_list(system, promo, "LIST", [], DefaultValue="LATER")
    told = preview("create", VALUES, [{"EntityFieldId": field, "ListValue": "NOW"}], system)
    assert [s.words for s in told.steps] == [
        "Add to the list of PROMO.State: NOW.",
        "New records get no value of PROMO.State by default until the list has its DefaultValue "
        "LATER.",
    ]
    create_one(VALUES, system, EntityFieldId=field, ListValue="NOW")
    assert records.update("ENTITY_FIELD", [{"Id": field, "FieldLabel": "X"}], system)[0].ok
    create_one(VALUES, system, EntityFieldId=field, ListValue="LATER")
    assert current().entity("PROMO").field("State").default == "LATER"


def test_what_ships_with_the_platform_is_retired_not_renamed_or_deleted(system: Context) -> None:
    value = EntityFieldValue.objects.get(external_key="PRODUCT.Status.DEACTIVATED").pk
    (outcome,) = records.update(VALUES, [{"Id": value, "ListValue": "OFF"}], system)
    assert codes([outcome]) == [["FIELD_NOT_CHANGEABLE"]]
    assert "switch the ActiveFlag of this one off" in message(outcome)
    for permanently in (False, True):
        (outcome,) = records.delete(VALUES, [value], system, permanently=permanently)
        assert codes([outcome]) == [["FIELD_NOT_CHANGEABLE"]]
    assert records.update(VALUES, [{"Id": value, "ActiveFlag": "0"}], system)[0].ok


def test_only_an_administrator_renames_what_records_hold(
    system: Context, promo: int, clerk: Any
) -> None:
    field, ids = add_list(system, promo, "LIST", ["NEW"])
    create_one("PROMO", system, State="NEW")
    editor = clerk(ENTITY_FIELD_VALUES="CRUD", ENTITY_FIELD="R")
    (outcome,) = records.update(VALUES, [{"Id": ids["NEW"], "ListValue": "X"}], editor)
    assert codes([outcome]) == [["INSUFFICIENT_RIGHTS"]]
    (outcome,) = records.delete(VALUES, [ids["NEW"]], editor)
    assert message(outcome).startswith("PROMO records hold 'NEW'")
    assert records.create(VALUES, [{"EntityFieldId": field, "ListValue": "Y"}], editor)[0].ok
