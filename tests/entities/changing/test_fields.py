"""Rows of ENTITY_FIELD add, change and drop columns; what records would not survive is refused."""

from typing import Any

import orjson
import pytest
from django.db import connection

from entities import query, records
from entities.changing import Lock, preview
from entities.errors import RequestError
from entities.models import EntityField
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def promo(system: Context) -> int:
    return create_one("ENTITY", system, EntityName="PROMO")


def add(system: Context, entity: int, name: str, kind: str, **other: object) -> int:
    return create_one(
        "ENTITY_FIELD", system, EntityId=entity, FieldName=name, DataType=kind, **other
    )


def change(system: Context, field: int, **values: object) -> Any:
    (outcome,) = records.update("ENTITY_FIELD", [{"Id": field, **values}], system, null_clears=True)
    return outcome


def values(name: str, system: Context) -> list[Any]:
    page = query.query(f"SELECT {name} FROM PROMO ORDER BY Id", system)
    return [row[name] for row in orjson.loads(page.json)]


SAMPLES = {
    "TEXT": "abc",
    "LONG_TEXT": "abc\ndef",
    "INTEGER": "42",
    "DECIMAL": "1.5",
    "MONEY": "149.9",
    "PERCENT": "12.5",
    "DATE": "2026-02-28",
    "DATETIME": "2026-02-28T14:30:00+00:00",
    "FLAG": "1",
    "LIST": "NEW",
    "MULTI_LIST": "A;B",
    "JSON": {"a": 1},
    "EMAIL": "a@example.com",
    "URL": "https://example.com",
}


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("core", [False, True])
def test_a_field_of_every_type_holds_its_values(
    system: Context, promo: int, kind: str, core: bool
) -> None:
    entity = "COUNTRY" if core else "PROMO"
    add(system, current().entity(entity).id, "Extra", kind)
    row = {"Extra": SAMPLES[kind]}
    if core:
        row |= {f.name: "QQ" for f in current().entity(entity).fields if f.required}
    (outcome,) = records.create(entity, [row], system)
    assert outcome.ok, outcome.problems
    (read,) = orjson.loads(records.retrieve(entity, [outcome.id or 0], system))
    sent = SAMPLES[kind]
    assert read["Extra"] == sent


def test_many_fields_in_one_request(system: Context, promo: int) -> None:
    rows = [{"EntityId": promo, "FieldName": f"F{n}", "DataType": "TEXT"} for n in range(50)]
    rows[17]["DataType"] = "TXT"
    rows[23]["FieldName"] = "f_22"
    outcomes = records.create("ENTITY_FIELD", rows, system)
    assert {n for n, o in enumerate(outcomes) if not o.ok} == {17, 23}
    assert codes([outcomes[17]]) == [["VALUE_NOT_IN_LIST"]]
    assert codes([outcomes[23]]) == [["DUPLICATE_KEY"]]
    assert len([f for f in current().entity("PROMO").fields if f.name.startswith("F")]) == 48
    create_one("PROMO", system, F0="a", F49="b")


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ({"FieldName": "Id"}, "DUPLICATE_KEY", "FieldName"),
        ({"FieldName": "ROWNUM"}, "INVALID_VALUE", "FieldName"),
        ({"FieldName": "AccountObj"}, "INVALID_VALUE", "FieldName"),
        ({"FieldName": "A B"}, "INVALID_VALUE", "FieldName"),
        ({"FieldName": "4th"}, "INVALID_VALUE", "FieldName"),
        ({"DataType": "LOOKUP"}, "REQUIRED_FIELD_MISSING", "ReferencedEntityId"),
        ({"DataType": "FORMULA"}, "REQUIRED_FIELD_MISSING", "FormulaValue"),
        ({"DataType": "ID"}, "INVALID_VALUE", "DataType"),
        ({"DataLength": "abc"}, None, "DataLength"),
        ({"DataLength": "99999"}, None, "DataLength"),
        ({"DataType": "DECIMAL", "DataLength": "5,9"}, None, "DataLength"),
        ({"DataType": "INTEGER", "DefaultValue": "x"}, "INVALID_VALUE", "DefaultValue"),
        ({"DataType": "JSON", "UniqueField": "1"}, "INVALID_VALUE", "UniqueField"),
        ({"DataType": "DATE", "FormulaValue": "1"}, "INVALID_VALUE", "FormulaValue"),
        ({"DataLength": "4000", "UniqueField": "1"}, "INVALID_VALUE", "UniqueField"),
        ({"DefaultFormula": "{!Nothing}"}, "VALIDATION_FAILED", "DefaultFormula"),
        ({"DataType": "FORMULA", "FormulaValue": "{!Extra} + 1"}, "VALIDATION_FAILED", None),
        ({"DataType": "MONEY", "CurrencySource": "Nope"}, "UNKNOWN_FIELD", "CurrencySource"),
    ],
)
def test_what_makes_no_field_is_refused(
    system: Context, promo: int, row: dict[str, Any], code: str | None, field: str | None
) -> None:
    (outcome,) = records.create(
        "ENTITY_FIELD",
        [{"EntityId": promo, "FieldName": "Extra", "DataType": "TEXT", **row}],
        system,
    )
    assert not outcome.ok
    problem = outcome.problems[0]
    assert code is None or problem.code == code, problem
    assert field is None or problem.field == field, problem
    assert current().entity("PROMO").find("Extra") is None


def test_a_required_field_needs_something_for_the_records_in_place(
    system: Context, promo: int
) -> None:
    new = create_one("PROMO", system)
    row = {"EntityId": promo, "FieldName": "Kind", "DataType": "TEXT", "RequiredFlag": "1"}
    (outcome,) = records.create("ENTITY_FIELD", [row], system)
    assert codes([outcome]) == [["VALIDATION_FAILED"]]
    assert "1 records" in outcome.problems[0].message
    assert records.create("ENTITY_FIELD", [row | {"DefaultValue": "it's"}], system)[0].ok
    (read,) = orjson.loads(records.retrieve("PROMO", [new], system))
    assert read["Kind"] == "it's"


def test_a_flag_is_off_on_records_in_place(system: Context, promo: int) -> None:
    create_one("PROMO", system)
    add(system, promo, "Live", "FLAG")
    create_one("PROMO", system, Live="1")
    assert values("Live", system) == ["0", "1"]


def test_a_renamed_field_keeps_its_values_and_those_that_name_it_follow(
    system: Context, promo: int
) -> None:
    code = add(system, promo, "Code", "TEXT")
    add(system, promo, "Shout", "FORMULA", FormulaValue="UPPER({!Code}) || '!'")
    create_one("PROMO", system, Code="a")
    told = preview("update", "ENTITY_FIELD", [{"Id": code, "FieldName": "Label"}], system)
    assert [s.statements for s in told.steps] == [()]
    outcome = change(system, code, FieldName="Label")
    assert outcome.ok, outcome.problems
    assert values("Label", system) == ["a"]
    assert values("Shout", system) == ["A!"]
    assert EntityField.objects.get(pk=code).external_key == "PROMO.Label"
    with pytest.raises(RequestError):
        values("Code", system)


def test_a_text_is_widened_at_once_and_narrowed_only_where_nothing_is_cut(
    system: Context, promo: int
) -> None:
    code = add(system, promo, "Code", "TEXT", DataLength="5")
    new = create_one("PROMO", system, Code="abcde")
    told = preview("update", "ENTITY_FIELD", [{"Id": code, "DataLength": "9"}], system)
    assert [s.lock for s in told.steps] == [Lock.BRIEF]
    assert change(system, code, DataLength="9").ok
    other = create_one("PROMO", system, Code="abcdefghi")
    outcome = change(system, code, DataLength="6")
    assert codes([outcome]) == [["VALIDATION_FAILED"]]
    assert f"Id {other}" in outcome.problems[0].message
    assert records.update("PROMO", [{"Id": other, "Code": "abc"}], system)[0].ok
    assert change(system, code, DataLength="6").ok
    assert values("Code", system) == ["abcde", "abc"]
    assert codes(records.update("PROMO", [{"Id": new, "Code": "abcdefg"}], system)) == [
        ["VALUE_TOO_LONG"]
    ]


def test_a_type_changes_where_every_value_can_be_read(system: Context, promo: int) -> None:
    field = add(system, promo, "Amount", "TEXT")
    for text in ("12.50", "7", None):
        create_one("PROMO", system, **({"Amount": text} if text else {}))
    wrong = create_one("PROMO", system, Amount="about 5")
    outcome = change(system, field, DataType="DECIMAL", DataLength="28,10")
    assert codes([outcome]) == [["VALIDATION_FAILED"]]
    assert f"Id {wrong}" in outcome.problems[0].message
    assert values("Amount", system) == ["12.50", "7", None, "about 5"]
    assert records.update("PROMO", [{"Id": wrong, "Amount": "5"}], system)[0].ok
    outcome = change(system, field, DataType="DECIMAL", DataLength="28,10")
    assert outcome.ok, outcome.problems
    assert values("Amount", system) == ["12.5", "7", None, "5"]
    page = query.query("SELECT SUM(Amount) S FROM PROMO", system)
    assert orjson.loads(page.json) == [{"S": "24.5"}]


def test_a_type_that_nothing_becomes_is_refused(system: Context, promo: int) -> None:
    field = add(system, promo, "Day", "DATE")
    outcome = change(system, field, DataType="MONEY")
    assert codes([outcome]) == [["FIELD_NOT_CHANGEABLE"]]
    assert "TEXT" in outcome.problems[0].message


def test_required_lists_the_records_without_a_value(system: Context, promo: int) -> None:
    field = add(system, promo, "Code", "TEXT")
    without = create_one("PROMO", system)
    outcome = change(system, field, RequiredFlag="1")
    assert codes([outcome]) == [["VALIDATION_FAILED"]]
    assert f"Id {without}" in outcome.problems[0].message
    assert records.update("PROMO", [{"Id": without, "Code": "x"}], system)[0].ok
    assert change(system, field, RequiredFlag="1").ok
    assert codes(records.create("PROMO", [{}], system)) == [["REQUIRED_FIELD_MISSING"]]


def test_unique_lists_the_duplicates_and_then_holds(system: Context, promo: int) -> None:
    field = add(system, promo, "Code", "TEXT")
    first, second = (create_one("PROMO", system, Code="x") for _ in range(2))
    outcome = change(system, field, UniqueField="1")
    assert codes([outcome]) == [["VALIDATION_FAILED"]]
    assert f"Ids {first}, {second}" in outcome.problems[0].message
    assert records.update("PROMO", [{"Id": second, "Code": "y"}], system)[0].ok
    assert change(system, field, UniqueField="1").ok
    assert codes(records.create("PROMO", [{"Code": "x"}], system)) == [["DUPLICATE_KEY"]]
    assert change(system, field, UniqueField="0").ok
    create_one("PROMO", system, Code="x")


def test_a_deleted_field_comes_back_with_its_values(system: Context, promo: int) -> None:
    field = add(system, promo, "Code", "TEXT")
    create_one("PROMO", system, Code="x")
    assert records.delete("ENTITY_FIELD", [field], system)[0].ok
    assert current().entity("PROMO").find("Code") is None
    assert codes(records.create("PROMO", [{"Code": "y"}], system)) == [["UNKNOWN_FIELD"]]
    assert records.undelete("ENTITY_FIELD", [field], system)[0].ok
    assert values("Code", system) == ["x"]


def test_a_hidden_field_is_served_nowhere_until_it_is_shown(system: Context, promo: int) -> None:
    field = add(system, promo, "Code", "TEXT")
    create_one("PROMO", system, Code="x")
    assert change(system, field, Status="HIDDEN").ok
    assert current().entity("PROMO").find("Code") is None
    row = {"EntityId": promo, "FieldName": "code", "DataType": "TEXT"}
    assert codes(records.create("ENTITY_FIELD", [row], system)) == [["DUPLICATE_KEY"]]
    assert change(system, field, Status="ACTIVE").ok
    assert values("Code", system) == ["x"]


def test_a_purged_field_is_gone_with_its_column(system: Context, promo: int) -> None:
    field = add(system, promo, "Code", "TEXT")
    column = EntityField.objects.get(pk=field).column_name
    assert records.delete("ENTITY_FIELD", [field], system, permanently=True)[0].ok
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_attribute WHERE attname = %s", [column])
        assert cursor.fetchone() is None
    add(system, promo, "Code", "INTEGER")


@pytest.mark.parametrize("verb", ["delete", "hide"])
def test_a_field_that_others_need_stays(system: Context, promo: int, verb: str) -> None:
    field = add(system, promo, "Code", "TEXT")
    add(system, promo, "Shout", "FORMULA", FormulaValue="UPPER({!Code})")
    if verb == "delete":
        (outcome,) = records.delete("ENTITY_FIELD", [field], system)
    else:
        outcome = change(system, field, Status="HIDDEN")
    assert codes([outcome]) == [["RECORD_IN_USE"]]
    assert "PROMO.Shout" in outcome.problems[0].message


def test_a_core_field_keeps_what_it_is(system: Context) -> None:
    name = current().entity("ACCOUNT").field("Name")
    for values_ in ({"DataType": "LONG_TEXT"}, {"FieldName": "Title"}, {"RequiredFlag": "0"}):
        assert codes([change(system, name.id, **values_)]) == [["FIELD_NOT_CHANGEABLE"]]
    assert codes(records.delete("ENTITY_FIELD", [name.id], system)) == [["FIELD_NOT_CHANGEABLE"]]
    assert change(system, name.id, FieldLabel="Title").ok


@pytest.mark.parametrize(("rule", "left"), [("CASCADE", []), ("SET_NULL", [None])])
def test_a_lookup_does_what_on_delete_says(
    system: Context, promo: int, rule: str, left: list[Any]
) -> None:
    other = create_one("ENTITY", system, EntityName="CAMPAIGN")
    add(system, promo, "CampaignId", "LOOKUP", ReferencedEntityId=other, OnDelete=rule)
    campaign = create_one("CAMPAIGN", system)
    create_one("PROMO", system, CampaignId=campaign)
    assert records.delete("CAMPAIGN", [campaign], system)[0].ok
    assert values("CampaignId", system) == left


def test_a_lookup_restricts_by_itself(system: Context, promo: int) -> None:
    other = create_one("ENTITY", system, EntityName="CAMPAIGN")
    add(system, promo, "CampaignId", "LOOKUP", ReferencedEntityId=other)
    campaign = create_one("CAMPAIGN", system)
    create_one("PROMO", system, CampaignId=campaign)
    assert codes(records.delete("CAMPAIGN", [campaign], system)) == [["RECORD_IN_USE"]]
    assert codes(records.create("PROMO", [{"CampaignId": campaign + 999}], system)) == [
        ["LOOKUP_NOT_FOUND"]
    ]


def test_a_key_of_several_fields(system: Context, promo: int) -> None:
    add(system, promo, "Code", "TEXT")
    add(system, promo, "Year", "INTEGER")
    create_one("PROMO", system, Code="a", Year=1)
    key = create_one(
        "ENTITY_KEY", system, EntityId=promo, KeyName="CodeYear", FieldNames="code,Year"
    )
    assert ("Code", "Year") in current().entity("PROMO").unique_keys
    rows = [{"Code": "a", "Year": 1}, {"Code": "a", "Year": 2}, {"Code": "a"}, {"Code": "a"}]
    assert codes(records.create("PROMO", rows, system)) == [["DUPLICATE_KEY"], [], [], []]
    assert records.delete("ENTITY_KEY", [key], system)[0].ok
    create_one("PROMO", system, Code="a", Year=1)
    outcome = records.undelete("ENTITY_KEY", [key], system)[0]
    assert codes([outcome]) == [["VALIDATION_FAILED"]]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ("Code", "INVALID_VALUE"),
        ("Code, code", "INVALID_VALUE"),
        ("Code, Nope", "UNKNOWN_FIELD"),
        ("Code, Doc", "INVALID_VALUE"),
    ],
)
def test_a_key_that_will_not_do_is_refused(
    system: Context, promo: int, names: str, code: str
) -> None:
    add(system, promo, "Code", "TEXT")
    add(system, promo, "Doc", "JSON")
    row = {"EntityId": promo, "KeyName": "K", "FieldNames": names}
    assert codes(records.create("ENTITY_KEY", [row], system)) == [[code]]


@pytest.mark.parametrize("name", ["Id", "Created", "UpdatedUserId"])
def test_an_own_field_can_be_called_and_placed_otherwise(
    system: Context, promo: int, name: str
) -> None:
    field = current().entity("PROMO").field(name).id
    assert change(system, field, FieldLabel="Other", ItemPosition="77").ok
    assert codes([change(system, field, FieldName="Other")]) == [["FIELD_NOT_CHANGEABLE"]]
    assert codes(records.delete("ENTITY_FIELD", [field], system)) == [["FIELD_NOT_CHANGEABLE"]]


def test_a_formula_may_read_what_comes_with_it(system: Context, promo: int) -> None:
    def field(name: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"EntityId": promo, "FieldName": name, "DataType": kind, **more}

    account = current().entity("ACCOUNT").id
    outcomes = records.create(
        "ENTITY_FIELD",
        [
            field("Gross", "FORMULA", FormulaValue="{!Doubled} + 1"),
            field("Doubled", "FORMULA", FormulaValue="{!Net} * 2"),
            field("Net", "DECIMAL"),
            field("Payer", "FORMULA", FormulaValue="{!AccountObj.Name}"),
            field("AccountId", "LOOKUP", ReferencedEntityId=account),
        ],
        system,
    )
    assert codes(outcomes) == [[]] * 5
    create_one("PROMO", system, Net="4", AccountId="1")
    assert values("Gross", system) == ["9"]


def test_a_formula_goes_with_what_it_reads(system: Context, promo: int) -> None:
    rows: list[dict[str, Any]] = [
        {"FieldName": "Gross", "DataType": "FORMULA", "FormulaValue": "{!Doubled} + 1"},
        {"FieldName": "Doubled", "DataType": "FORMULA", "FormulaValue": "{!Net} * 2"},
        {"FieldName": "Net", "DataType": "DECIMAL", "ExternalKey": "PROMO.Id"},
        {"FieldName": "Left", "DataType": "FORMULA", "FormulaValue": "{!Right}"},
        {"FieldName": "Right", "DataType": "FORMULA", "FormulaValue": "{!Left}"},
        {"FieldName": "Apart", "DataType": "TEXT"},
    ]
    outcomes = records.create("ENTITY_FIELD", [{"EntityId": promo, **r} for r in rows], system)
    assert [o.ok for o in outcomes] == [False] * 5 + [True]
    assert "formula of PROMO.Doubled is wrong" in outcomes[0].problems[0].message
    assert "has no field 'Net'" in outcomes[1].problems[0].message
    assert "circle" in outcomes[3].problems[0].message
    create_one("PROMO", system, Apart="still works")


def test_a_formula_in_the_request_that_renames_what_it_reads(system: Context, promo: int) -> None:
    code = add(system, promo, "Code", "TEXT")
    shout = add(system, promo, "Shout", "FORMULA", FormulaValue="UPPER({!Code})")
    whisper = add(system, promo, "Whisper", "FORMULA", FormulaValue="'-'")
    outcomes = records.update(
        "ENTITY_FIELD",
        [
            {"Id": whisper, "FormulaValue": "LOWER({!Sign})"},
            {"Id": code, "FieldName": "Sign"},
            {"Id": shout, "FieldName": "Cry"},
        ],
        system,
    )
    assert codes(outcomes) == [[], [], []]
    create_one("PROMO", system, Sign="aB")
    assert values("Cry", system) == ["AB"]
    assert values("Whisper", system) == ["ab"]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"DataType": "DATE", "DefaultFormula": "'soon'"}, "DefaultFormula"),
        ({"DataType": "FORMULA", "FormulaValue": "'a'", "FormulaDataType": "DATE"}, "FormulaValue"),
    ],
)
def test_a_formula_yields_what_its_field_holds(
    system: Context, promo: int, row: dict[str, Any], field: str
) -> None:
    (outcome,) = records.create(
        "ENTITY_FIELD", [{"EntityId": promo, "FieldName": "Extra", **row}], system
    )
    assert [(p.code, p.field) for p in outcome.problems] == [("VALIDATION_FAILED", field)]
