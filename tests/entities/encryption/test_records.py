"""What is encrypted at rest reads as it was written, and lies in no column as it reads."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entities import query, records
from entities.errors import RequestError
from entities.models import EntityField, EntityFieldRole
from entities.schema.current import current
from metabrm import sealing
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.entities.encryption.keys import keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("patient")]

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def stored(field: str) -> list[Any]:
    schema = current().entity("PATIENT")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {schema.field(field).column} FROM {schema.table} ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def select(sql: str, context: Context) -> list[Any]:
    return orjson.loads(query.query(sql, context).json)


EXAMPLES = [
    ("Ssn", "078-05-1120"),
    ("Ssn", " padded "),
    ("Ssn", "0"),
    ("Ssn", 'quotes " and \\ and \t'),
    ("Ssn", "sealed.k1:AAAA"),
    ("Ssn", "NULL"),
    ("Ssn", "ß∂ƒ 漢字 🙈"),
    ("Notes", "several\nlines\r\nof text " * 500),
    ("Notes", '{"a": "b"}'),
    ("Mail", "a@example.com; b@example.com"),
    ("Site", "https://example.com/?a=1&b=%20"),
]


@pytest.mark.parametrize(("field", "text"), EXAMPLES)
def test_a_value_reads_as_it_was_written(system: Context, field: str, text: str) -> None:
    id_ = create_one("PATIENT", system, **{field: text})
    (read,) = orjson.loads(records.retrieve("PATIENT", [id_], system))
    assert read[field] == text
    (token,) = stored(field)
    assert token.startswith("sealed.k1:")
    assert text not in token or text == "0"
    assert select(f"SELECT {field} FROM PATIENT", system) == [{field: text}]
    assert select(f"SELECT ParentObj.{field} AS x FROM PATIENT", system) == [{"x": None}]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(TEXTS, min_size=1, max_size=20))
def test_any_text_comes_back(system: Context, texts: list[str]) -> None:
    """By COPY, by arrays and one by one; written once more, read, and found by equality."""
    rows = [{"Notes": text, "Memo": text} for text in texts]
    outcomes = records.create("PATIENT", rows, system)
    ids = [o.id for o in outcomes]
    assert all(o.ok for o in outcomes), outcomes
    read = orjson.loads(records.retrieve("PATIENT", [i for i in ids if i], system))
    assert [row["Notes"] for row in read] == texts
    assert [row["Memo"] for row in read] == texts
    for place in ("PATIENT.Notes", "x"):
        tokens = sealing.seal(place, texts)
        assert sealing.opened(place, tokens) == texts
        assert all(sealing.tokens(place, t) == [s] for t, s in zip(texts, tokens, strict=True))


def test_many_records_travel_by_copy(system: Context) -> None:
    rows = [{"Ssn": f"{n:09}", "Name": f"P{n}"} for n in range(200)]
    assert all(o.ok for o in records.create("PATIENT", rows, system))
    assert [t.startswith("sealed.k1:") for t in stored("Ssn")] == [True] * 200
    assert len(set(stored("Ssn"))) == 200
    assert select("SELECT Ssn FROM PATIENT WHERE Ssn = '000000123'", system) == [
        {"Ssn": "000000123"}
    ]


def test_the_length_is_that_of_the_plain_text(system: Context) -> None:
    rows = [{"Ssn": "漢" * 40}, {"Ssn": "漢" * 41}]
    assert codes(records.create("PATIENT", rows, system)) == [[], ["VALUE_TOO_LONG"]]


def test_a_core_entity_has_encrypted_fields_too(system: Context) -> None:
    account = current().entity("ACCOUNT").id
    field = {"FieldName": "Iban", "DataType": "TEXT", "EncryptedFlag": "1", "UniqueField": "1"}
    create_one("ENTITY_FIELD", system, EntityId=account, **field)
    id_ = create_one("ACCOUNT", system, Name="A", Iban="DE02 1203")
    assert codes(records.create("ACCOUNT", [{"Name": "B", "Iban": "DE02 1203"}], system)) == [
        ["DUPLICATE_KEY"]
    ]
    (row,) = select("SELECT Id, Iban, Name FROM ACCOUNT WHERE Iban = 'DE02 1203'", system)
    assert row == {"Id": str(id_), "Iban": "DE02 1203", "Name": "A"}
    column = current().entity("ACCOUNT").field("Iban").column
    record = current().entity("ACCOUNT").model.objects.get(pk=id_)
    assert getattr(record, str(column)) == "DE02 1203"


def test_updating_clearing_and_leaving_alone(system: Context) -> None:
    id_ = create_one("PATIENT", system, Ssn="1", Notes="one", Name="A")
    records.update("PATIENT", [{"Id": id_, "Notes": "two"}], system)
    records.update("PATIENT", [{"Id": id_, "Ssn": ""}], system, null_clears=True)
    (row,) = select("SELECT Ssn, Notes, Name FROM PATIENT", system)
    assert row == {"Ssn": None, "Notes": "two", "Name": "A"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM entities_auditlog")
        (before,) = cursor.fetchone()
        records.update("PATIENT", [{"Id": id_, "Notes": "two"}], system)
        cursor.execute("SELECT count(*) FROM entities_auditlog")
        assert cursor.fetchone() == (before,)


def test_a_key_is_unique_and_finds_records(system: Context) -> None:
    id_ = create_one("PATIENT", system, Ssn="1", Name="A")
    for rows in ([{"Ssn": "1"}], [{"Ssn": "1"}, {"Ssn": "2"}, {"Ssn": "2"}]):
        failed = records.create("PATIENT", rows, system)[0]
        assert codes([failed]) == [["DUPLICATE_KEY"]]
        assert failed.problems[0].message.startswith("Another PATIENT has the same Ssn;")
    records.delete(
        "PATIENT", [o.id for o in records.create("PATIENT", [{"Ssn": "3"}], system)], system
    )
    (up, new) = records.upsert(
        "PATIENT", [{"Ssn": "1", "Name": "B"}, {"Ssn": "3", "Name": "C"}], system, key="Ssn"
    )
    assert (up.id, up.created, new.created) == (id_, False, True)
    child = create_one("PATIENT", system, Ssn="9", ParentObj={"Ssn": "1"})
    assert select(f"SELECT ParentObj.Ssn AS s FROM PATIENT WHERE Id = {child}", system) == [
        {"s": "1"}
    ]
    assert codes(records.create("PATIENT", [{"ParentObj": {"Ssn": "8"}}], system)) == [
        ["LOOKUP_NOT_FOUND"]
    ]


CONDITIONS = [
    ("Ssn = '1'", ["1"]),
    ("'1' = Ssn", ["1"]),
    ("(Ssn) = '1'", ["1"]),
    ("Ssn = 1", ["1"]),
    ("Ssn <> '1'", ["2", "x%"]),
    ("NOT Ssn = '1'", ["2", "x%"]),
    ("Ssn IN ('1', '2', '7')", ["1", "2"]),
    ("Ssn IN ('1', '')", ["1", None]),
    ("Ssn NOT IN ('1', '2')", ["x%"]),
    ("Ssn NOT IN ('1', NULL)", []),
    ("Ssn = NULL", []),
    ("Ssn IS NULL", [None]),
    ("Ssn IS NOT NULL", ["1", "2", "x%"]),
    ("Ssn = ''", [None]),
    ("Ssn <> ''", ["1", "2", "x%"]),
    ("Ssn = 'X%'", []),
    ("Ssn = 'x%'", ["x%"]),
    ("Ssn = 'sealed.k1:AAAA'", []),
    ("CASE WHEN Ssn = '1' THEN 1 ELSE 0 END = 1", ["1"]),
    ("Ssn = '1' OR Name = 'B'", ["1", "2"]),
]


@pytest.mark.parametrize(("condition", "found"), CONDITIONS)
def test_what_a_condition_finds(system: Context, condition: str, found: list[Any]) -> None:
    rows = [{"Ssn": "1", "Name": "A"}, {"Ssn": "2", "Name": "B"}, {"Ssn": "x%"}, {"Name": "D"}]
    assert all(o.ok for o in records.create("PATIENT", rows, system))
    got = select(f"SELECT Ssn FROM PATIENT WHERE {condition} ORDER BY Id", system)
    assert [row["Ssn"] for row in got] == found


REFUSED = [
    "SELECT Id FROM PATIENT WHERE Ssn LIKE '1%'",
    "SELECT Id FROM PATIENT WHERE Ssn < '1'",
    "SELECT Id FROM PATIENT WHERE Ssn BETWEEN '1' AND '2'",
    "SELECT Id FROM PATIENT WHERE Ssn = Name",
    "SELECT Id FROM PATIENT WHERE Ssn = Notes",
    "SELECT Id FROM PATIENT WHERE Ssn IN ('1', Name)",
    "SELECT Id FROM PATIENT WHERE 'a' IN (Name, Ssn)",
    "SELECT Id FROM PATIENT WHERE UPPER(Ssn) = '1'",
    "SELECT Id FROM PATIENT WHERE Ssn || '1' = '1'",
    "SELECT Id FROM PATIENT WHERE CASE Ssn WHEN '1' THEN 1 END = 1",
    "SELECT Id FROM PATIENT WHERE ParentObj.Ssn LIKE '1'",
    "SELECT Id FROM PATIENT ORDER BY Ssn",
    "SELECT Ssn FROM PATIENT ORDER BY 1",
    "SELECT Ssn AS s FROM PATIENT ORDER BY s DESC",
    "SELECT Ssn, COUNT(*) FROM PATIENT GROUP BY Ssn",
    "SELECT DISTINCT Ssn FROM PATIENT",
    "SELECT COUNT(Ssn) FROM PATIENT",
    "SELECT COUNT(DISTINCT Ssn) FROM PATIENT",
    "SELECT MAX(Ssn) FROM PATIENT",
    "SELECT LENGTH(Ssn) FROM PATIENT",
    "SELECT NVL(Ssn, 'x') FROM PATIENT",
    "SELECT NVL2(Ssn, 'x', 'y') FROM PATIENT",
    "SELECT DECODE(Ssn, '1', 'x') FROM PATIENT",
    "SELECT CASE WHEN Name = 'A' THEN Ssn END FROM PATIENT",
    "SELECT Ssn || '' FROM PATIENT",
    "SELECT GREATEST(Ssn, 'a') FROM PATIENT",
    "SELECT Name, COUNT(*) FROM PATIENT GROUP BY Name HAVING MAX(Ssn) = '1'",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_a_query_refuses(system: Context, sql: str) -> None:
    with pytest.raises(RequestError) as caught:
        query.query(sql, system)
    assert caught.value.code == "QUERY_INVALID"
    assert " is encrypted; it can be selected, compared" in caught.value.message
    assert caught.value.position is not None


FORMULAS = [
    ("ENTITY_FIELD", {"FieldName": "X", "DataType": "FORMULA", "FormulaValue": "{!Ssn}"}),
    ("ENTITY_FIELD", {"FieldName": "X", "DataType": "TEXT", "DefaultFormula": "{!Ssn}"}),
    (
        "ENTITY_VALIDATION",
        {"EntityValidationName": "V", "FormulaValue": "{!Ssn} = 'a'", "ErrorText": "no"},
    ),
    (
        "ENTITY_FIELD",
        {"FieldName": "X", "DataType": "FORMULA", "FormulaValue": "{!ParentObj.Notes}"},
    ),
]


@pytest.mark.parametrize(("entity", "row"), FORMULAS)
def test_no_formula_reads_it(
    system: Context, patient: int, entity: str, row: dict[str, str]
) -> None:
    (outcome,) = records.create(entity, [{"EntityId": patient, **row}], system)
    assert any("is encrypted; no formula can read it" in p.message for p in outcome.problems)


def test_no_rule_reads_it(system: Context, patient: int) -> None:
    rule = {"EntityId": patient, "ExternalKey": "r", "RuleName": "R", "Event": "After Create"}
    made = create_one("WORKFLOW_RULE", system, **rule)
    mail = {
        "WorkflowRuleId": made,
        "ActionName": "A",
        "ActionType": "EMAIL",
        "Recipient": "a@example.com",
        "Subject": "x",
        "Body": "{!Ssn}",
    }
    for entity, row in (
        ("WORKFLOW_RULE", rule | {"ExternalKey": "s", "Criteria": "{!Ssn} = 'a'"}),
        ("WORKFLOW_ACTION", mail),
    ):
        (outcome,) = records.create(entity, [row], system)
        assert any("is encrypted" in p.message for p in outcome.problems), (entity, outcome)


# Who sees what


def test_rights_and_masks(system: Context, clerk: Callable[..., Context]) -> None:
    create_one("PATIENT", system, Ssn="1", Mail="a@example.com")
    reader = clerk(PATIENT="R")
    assert select("SELECT Ssn, Mail FROM PATIENT", reader) == [{"Ssn": "1", "Mail": "****"}]
    assert select("SELECT Ssn FROM PATIENT WHERE Mail = 'a@example.com'", reader) == []
    assert select("SELECT Ssn FROM PATIENT WHERE Mail = '****'", reader) == [{"Ssn": "1"}]
    ssn = EntityField.objects.get(field_name="Ssn", entity__entity_name="PATIENT")
    EntityFieldRole.objects.create(
        role_id=reader.role_id, entity=ssn.entity, entity_field=ssn, read_flag=False
    )
    for sql in ("SELECT Ssn FROM PATIENT", "SELECT Id FROM PATIENT WHERE Ssn = '1'"):
        with pytest.raises(RequestError) as caught:
            query.query(sql, reader)
        assert caught.value.code == "INSUFFICIENT_RIGHTS"


def test_a_set_once_field_is_compared_by_its_value(system: Context, patient: int) -> None:
    create_one(
        "ENTITY_FIELD",
        system,
        EntityId=patient,
        FieldName="Pin",
        DataType="TEXT",
        EncryptedFlag="1",
        SetOnceFlag="1",
    )
    id_ = create_one("PATIENT", system, Pin="1234")
    assert codes(records.update("PATIENT", [{"Id": id_, "Pin": "1234"}], system)) == [[]]
    assert codes(records.update("PATIENT", [{"Id": id_, "Pin": "1235"}], system)) == [
        ["FIELD_NOT_CHANGEABLE"]
    ]


# Tokens that are not where they belong


def test_a_token_that_is_sent_is_a_text(system: Context) -> None:
    create_one("PATIENT", system, Ssn="1", Notes="a")
    (token,) = stored("Ssn")
    id_ = create_one("PATIENT", system, Ssn=token, Notes=token, Memo=token, Name="thief")
    (row,) = select(f"SELECT Ssn, Notes, Memo FROM PATIENT WHERE Id = {id_}", system)
    assert row == {"Ssn": token, "Notes": token, "Memo": token}


def test_a_token_copied_to_another_column_does_not_open(system: Context) -> None:
    create_one("PATIENT", system, Ssn="1", Notes="a")
    schema = current().entity("PATIENT")
    ssn, notes = (schema.field(n).column for n in ("Ssn", "Notes"))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {schema.table} SET {notes} = {ssn}")
    (row,) = select("SELECT Ssn, Notes FROM PATIENT", system)
    assert row["Ssn"] == "1"
    assert row["Notes"].startswith("VALUE_DAMAGED: this value does not open")


@pytest.mark.parametrize(
    "damaged",
    ["plain", 'plain "quoted" \\ text', "sealed.k1:", "sealed.k1:****", "sealed.", "sealed.k1", ""],
)
def test_what_is_no_token_does_not_read(system: Context, damaged: str) -> None:
    create_one("PATIENT", system, Ssn="1", Notes="a", Memo=damaged)
    schema = current().entity("PATIENT")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {schema.table} SET {schema.field('Notes').column} = %s", [damaged])
    (row,) = select("SELECT Notes, Ssn, Memo FROM PATIENT", system)
    assert row["Notes"].startswith("VALUE_DAMAGED")
    assert (row["Ssn"], row["Memo"]) == ("1", damaged or None)


# A key that is missing


def test_values_of_a_missing_key_say_so_and_harm_nobody(
    system: Context, caplog: pytest.LogCaptureFixture
) -> None:
    lost = create_one("PATIENT", system, Ssn="1", Name="A", Notes="lost")
    with keys("k2"):
        sealing._logged.clear()
        create_one("PATIENT", system, Ssn="2", Name="B", Notes="kept")
        rows = select("SELECT Name, Ssn FROM PATIENT ORDER BY Id", system)
        told = (
            "FIELD_KEY_MISSING: this value is sealed under key 'k1', which BRM_FIELD_KEYS does not "
            "have"
        )
        assert rows == [{"Name": "A", "Ssn": told}, {"Name": "B", "Ssn": "2"}]
        assert caplog.text.count("key 'k1'") == 1
        # What was read there and is sent back whole changes nothing.
        row = {"Id": lost, "Ssn": told, "Name": "C"}
        assert codes(records.update("PATIENT", [row], system)) == [[]]
        # And what is lost can be replaced.
        assert codes(records.update("PATIENT", [{"Id": lost, "Notes": "new"}], system)) == [[]]
    rows = select("SELECT Name, Ssn, Notes FROM PATIENT ORDER BY Id", system)
    assert rows[0]["Ssn"] == "1"
    assert rows[0]["Name"] == "C"
    assert "key 'k2'" in rows[0]["Notes"]


def test_without_a_key_nothing_is_encrypted(system: Context, patient: int) -> None:
    with keys():
        rows = [{"Ssn": "1"}, {"Name": "no secrets"}]
        outcomes = records.create("PATIENT", rows, system)
        assert codes(outcomes) == [["FIELD_KEY_MISSING"], []]
        assert "BRM_FIELD_KEYS" in outcomes[0].problems[0].message
        field = {"EntityId": patient, "FieldName": "X", "DataType": "TEXT", "EncryptedFlag": "1"}
        (outcome,) = records.create("ENTITY_FIELD", [field], system)
        assert codes([outcome]) == [["FIELD_KEY_MISSING"]]
        assert "BRM_FIELD_KEYS" in outcome.problems[0].message
        assert select("SELECT Id FROM PATIENT WHERE Ssn = '1'", system) == []


def test_layouts_list_them_and_neither_search_nor_follow_lookups_to_them(
    patient: int, system: Context
) -> None:
    visit = create_one("ENTITY", system, EntityName="VISIT")
    create_one(
        "ENTITY_FIELD",
        system,
        EntityId=visit,
        FieldName="PatientId",
        DataType="LOOKUP",
        ReferencedEntityId=patient,
    )

    def lay(entity: int, kind: str, *names: str) -> list[list[str]]:
        row = {"EntityId": entity, "layoutType": kind, "LayoutName": kind, "LayoutFields": names}
        return codes(records.create("ENTITY_LAYOUT_CONFIGURATION", [row], system))

    assert lay(patient, "LIST", "Name", "Ssn") == [[]]
    assert lay(patient, "SEARCH", "Name", "Ssn") == [["INVALID_VALUE"]]
    assert lay(visit, "LIST", "PatientObj.Ssn") == [["INVALID_VALUE"]]
    assert lay(visit, "LIST", "PatientObj.Name") == [[]]
