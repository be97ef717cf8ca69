"""A field becomes encrypted, or ceases to be, with records in place."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.db import connection

from entities import query, records
from entities.changing import Lock, preview, sealing
from entities.models import SchemaChange
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.entities.encryption.everything import whole_database
from tests.entities.encryption.keys import keys

pytestmark = pytest.mark.django_db

PLAIN = "Erna-Meier-1957"


@pytest.fixture
def field(patient: int, system: Context) -> int:
    """Id of a plain field City with values in records, recycle bin and history."""
    field = create_one(
        "ENTITY_FIELD", system, EntityId=patient, FieldName="City", DataType="TEXT", DataLength="50"
    )
    rows = [{"City": f"{PLAIN}-{n % 7}", "Name": f"P{n}"} for n in range(40)]
    ids = [o.id for o in records.create("PATIENT", [*rows, {"Name": "none"}], system)]
    records.update("PATIENT", [{"Id": ids[0], "City": f"{PLAIN} moved"}], system)
    records.delete("PATIENT", [ids[1]], system)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {current().entity('PATIENT').table}; ANALYZE entities_auditlog")
    return field


def change(system: Context, field: int, **values: object) -> Any:
    (outcome,) = records.update("ENTITY_FIELD", [{"Id": field, **values}], system, null_clears=True)
    return outcome


def cities(system: Context) -> list[Any]:
    page = query.query("SELECT Id, City, Updated FROM PATIENT ORDER BY Id", system)
    return orjson.loads(page.json)


def history() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, action FROM entities_auditlog WHERE entity_id = %s ORDER BY id",
            [current().entity("PATIENT").id],
        )
        return cursor.fetchall()


def test_the_plan_tells_what_is_encrypted(system: Context, field: int) -> None:
    row = {"Id": field, "EncryptedFlag": "1"}
    plan = preview("update", "ENTITY_FIELD", [row], system)
    assert [(step.words, step.lock, step.rows) for step in plan.steps] == [
        (
            "Encrypt the 40 values of City of PATIENT, those in the recycle bin included, and the "
            "44 in its history.",
            Lock.SEAL,
            84,
        )
    ]
    assert plan.steps[0].lock_words.endswith("less than a second.")
    assert PLAIN in whole_database()


def test_values_and_history_are_encrypted_where_they_lie(system: Context, field: int) -> None:
    before, entries = cities(system), history()
    assert PLAIN in whole_database()
    assert change(system, field, EncryptedFlag="1").ok
    assert PLAIN not in whole_database()
    assert cities(system) == before
    assert history() == entries
    records.undelete("PATIENT", [2], system)
    page = query.query(f"SELECT COUNT(*) AS n FROM PATIENT WHERE City = '{PLAIN}-3'", system)
    assert orjson.loads(page.json) == [{"n": "6"}]
    assert PLAIN not in "".join(f"{c.summary}{c.statements}" for c in SchemaChange.objects.all())


def test_and_back(system: Context, field: int) -> None:
    before, entries = cities(system), history()
    assert change(system, field, EncryptedFlag="1").ok
    row = {"Id": field, "EncryptedFlag": "0"}
    plan = preview("update", "ENTITY_FIELD", [row], system)
    assert [step.words for step in plan.steps] == [
        "Decrypt the 40 values of City of PATIENT, those in the recycle bin included, and the 44 "
        "in its history: they are readable in the database and its backups.",
        "Limit City of PATIENT to 50 characters again.",
    ]
    assert change(system, field, EncryptedFlag="0").ok
    assert cities(system) == before
    assert history() == entries
    assert "sealed.k1:" not in whole_database()
    assert records.create("PATIENT", [{"City": "x" * 51}], system)[0].problems


def test_many_batches(system: Context, field: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    monkeypatch.setattr(sealing.convert_records, "__defaults__", (None, "TRUE", (), 3))
    monkeypatch.setattr(sealing.convert_history, "__defaults__", (None, "TRUE", (), 3))
    before = cities(system)
    assert change(system, field, EncryptedFlag="1").ok
    assert PLAIN not in whole_database()
    assert cities(system) == before


def test_only_administrators(system: Context, field: int, clerk: Callable[..., Context]) -> None:
    person = clerk(ENTITY_FIELD="RU", PATIENT="R")
    for flag in ("1", "0"):
        (outcome,) = records.update("ENTITY_FIELD", [{"Id": field, "EncryptedFlag": flag}], person)
        assert codes([outcome]) == ([["INSUFFICIENT_RIGHTS"]] if flag == "1" else [[]])
    assert change(system, field, EncryptedFlag="1").ok
    (outcome,) = records.update("ENTITY_FIELD", [{"Id": field, "EncryptedFlag": "0"}], person)
    assert codes([outcome]) == [["INSUFFICIENT_RIGHTS"]]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"EncryptedFlag": "1", "DataType": "LONG_TEXT", "DataLength": None},
        "EncryptedFlag",
        "by itself",
    ),
    ({"EncryptedFlag": "1", "DataLength": "60"}, "EncryptedFlag", "by itself"),
    ({"EncryptedFlag": "1", "SearchableFlag": "1"}, "SearchableFlag", "can't be searched"),
    ({"EncryptedFlag": "1", "DefaultValue": "Rome"}, "DefaultValue", "leave it out"),
    ({"EncryptedFlag": "1", "DefaultFormula": "'a'"}, "DefaultFormula", "no formula can fill"),
]


@pytest.mark.parametrize(("values", "name", "words"), REFUSED)
def test_what_does_not_go_with_it(
    system: Context, field: int, values: dict[str, Any], name: str, words: str
) -> None:
    outcome = change(system, field, **values)
    assert [p.field for p in outcome.problems] == [name]
    assert words in outcome.problems[0].message


OTHER_TYPES = ("INTEGER", "DECIMAL", "DATE", "FLAG", "LIST", "JSON", "FILE", "LOOKUP")


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_other_types_are_refused(system: Context, patient: int, kind: str) -> None:
    row = {"EntityId": patient, "FieldName": "X", "DataType": kind, "EncryptedFlag": "1"}
    if kind == "LOOKUP":
        row["ReferencedEntityId"] = patient
    (outcome,) = records.create("ENTITY_FIELD", [row], system)
    assert [p.message for p in outcome.problems] == [
        f"A {kind} field can't be encrypted, only TEXT, LONG_TEXT, EMAIL, URL can; leave it out."
    ]


def test_what_reads_the_field_is_in_the_way(system: Context, patient: int, field: int) -> None:
    create_one(
        "ENTITY_VALIDATION",
        system,
        EntityId=patient,
        EntityValidationName="Not Rome",
        FormulaValue="{!City} = 'Rome'",
        ErrorText="no",
    )
    outcome = change(system, field, EncryptedFlag="1")
    assert codes([outcome]) == [["RECORD_IN_USE"]]
    assert "the validation Not Rome, which can't read what is encrypted" in (
        outcome.problems[0].message
    )


def test_too_many_values_are_refused(
    system: Context, field: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST_AT_ONCE", 83)
    outcome = change(system, field, EncryptedFlag="1")
    assert codes([outcome]) == [["FIELD_NOT_CHANGEABLE"]]
    assert "have 84 values of City, and at most 83" in outcome.problems[0].message
    monkeypatch.setattr(sealing, "MOST_AT_ONCE", 84)
    assert change(system, field, EncryptedFlag="1").ok


LENGTHS = [
    ({"DataLength": "60"}, []),
    ({"DataLength": "49"}, ["FIELD_NOT_CHANGEABLE"]),
    ({"DataType": "LONG_TEXT", "DataLength": None}, []),
    ({"DataType": "EMAIL"}, ["FIELD_NOT_CHANGEABLE"]),
    ({"DataType": "INTEGER", "DataLength": None}, ["FIELD_NOT_CHANGEABLE"]),
    ({"FieldName": "Town"}, []),
    ({"UniqueField": "1"}, ["VALIDATION_FAILED"]),
]


@pytest.mark.parametrize(("values", "problems"), LENGTHS)
def test_an_encrypted_field_changes(
    system: Context, field: int, values: dict[str, Any], problems: list[str]
) -> None:
    assert change(system, field, EncryptedFlag="1").ok
    outcome = change(system, field, **values)
    assert codes([outcome]) == [problems]
    if values.get("DataLength") == "60":
        create_one("PATIENT", system, City="x" * 60)


def test_made_unique(system: Context, field: int) -> None:
    with connection.cursor() as cursor:
        schema = current().entity("PATIENT")
        column = schema.field("City").column
        cursor.execute(f"UPDATE {schema.table} SET {column} = {column} || id")
    assert change(system, field, EncryptedFlag="1", UniqueField="1").ok
    create_one("PATIENT", system, City="new")
    assert codes(records.create("PATIENT", [{"City": "new"}], system)) == [["DUPLICATE_KEY"]]
    assert change(system, field, UniqueField="0").ok
    with keys("k2", "k1"):
        outcome = change(system, field, UniqueField="1")
        assert codes([outcome]) == [["VALIDATION_FAILED"]]
        assert "rotate_field_keys" in outcome.problems[0].message


def test_what_does_not_open_is_not_decrypted(system: Context, field: int) -> None:
    assert change(system, field, EncryptedFlag="1").ok
    with keys("k2"):
        outcome = change(system, field, EncryptedFlag="0")
    assert codes([outcome]) == [["FIELD_KEY_MISSING"]]
    assert outcome.problems[0].message.startswith("84 values of City do not open")


def test_a_long_key_of_four_byte_characters_fits_its_index(system: Context, patient: int) -> None:
    row = {
        "EntityId": patient,
        "FieldName": "Code",
        "DataType": "TEXT",
        "DataLength": "451",
        "EncryptedFlag": "1",
        "UniqueField": "1",
    }
    (outcome,) = records.create("ENTITY_FIELD", [row], system)
    assert [p.message for p in outcome.problems] == [
        "UniqueField needs a DataLength of at most 450."
    ]
    create_one("ENTITY_FIELD", system, **(row | {"DataLength": "450"}))
    with keys("k" * 32):
        texts = [chr(0x1F600 + n) * 450 for n in range(20)]
        assert all(o.ok for o in records.create("PATIENT", [{"Code": t} for t in texts], system))
