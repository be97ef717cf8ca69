"""Everything under the first key: beside the work, whatever happens on the way."""

import base64
import io
import os
import signal
import subprocess
import sys
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from entities import query, records
from entities.changing import rotation
from entities.schema.current import current
from metabrm import sealing
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.entities.automation.waiting import action
from tests.entities.encryption.everything import whole_database
from tests.entities.encryption.keys import key, keys
from tests.patience import STUCK

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("patient")]


def rotate(**options: bool) -> str:
    told = io.StringIO()
    call_command("rotate_field_keys", stdout=told, **options)
    return told.getvalue()


def select(sql: str, context: Context) -> list[Any]:
    return orjson.loads(query.query(sql, context).json)


def entries() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), max(id) FROM entities_auditlog WHERE entity_id = %s",
            [current().entity("PATIENT").id],
        )
        return cursor.fetchone()


@pytest.fixture
def filled(system: Context) -> list[Any]:
    """Records in use and in the recycle bin, with a history; rows as they read."""
    rows = [{"Ssn": f"{n}", "Notes": f"note {n}", "Name": f"P{n}"} for n in range(30)]
    ids = [o.id for o in records.create("PATIENT", rows, system)]
    records.update("PATIENT", [{"Id": ids[0], "Notes": "other"}], system)
    records.delete("PATIENT", [ids[1]], system)
    return select("SELECT Id, Ssn, Notes, Name, Updated FROM PATIENT ORDER BY Id", system)


def test_everything_is_under_the_first_key(system: Context, filled: list[Any]) -> None:
    before = entries()
    secret = action(secret="hush")
    with keys("k2", "k1"):
        told = rotate(dry_run=True)
        assert "PATIENT.Ssn: 64 under 'k1'\n" in told
        assert "Not under the key 'k2': 129 under 'k1'." in told
        assert entries() == before and "sealed.k2:" not in whole_database()
        told = rotate()
        assert told.endswith(
            "All 129 values are under the key 'k2'; BRM_FIELD_KEYS needs no other.\n"
        )
        assert "sealed.k1:" not in whole_database()
        assert rotate() != ""
    with keys("k2"):
        sql = "SELECT Id, Ssn, Notes, Name, Updated FROM PATIENT ORDER BY Id"
        assert select(sql, system) == filled
        assert entries() == before
        records.undelete("PATIENT", [int(filled[0]["Id"]) + 1], system)
        assert len(select("SELECT Id FROM PATIENT WHERE Ssn = '1'", system)) == 1
        secret.refresh_from_db()
        assert secret.secret == "hush"


def test_what_is_hidden_or_deleted_is_rotated_too(
    system: Context, filled: list[Any], patient: int
) -> None:
    field = current().entity("PATIENT").field("Notes").id
    records.delete("ENTITY_FIELD", [field], system)
    records.delete("ENTITY", [patient], system)
    with keys("k2", "k1"):
        rotate()
    assert "sealed.k1:" not in whole_database()


def test_an_interrupted_rotation_goes_on(
    system: Context, filled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 7)
    (column,) = [f.column for f in rotation.fields() if f.name == "PATIENT.Notes"]
    with keys("k2", "k1"):
        for field in rotation.fields():
            next(rotation.rotate(field.column, []), None)
        assert rotation.keys_of(column) == {"k1": 57, "k2": 7}
        assert [r["Notes"] for r in select("SELECT Notes FROM PATIENT ORDER BY Id", system)] == [
            r["Notes"] for r in filled
        ]
        rotate()
    assert "sealed.k1:" not in whole_database()


def test_what_does_not_open_is_left_and_told(system: Context, filled: list[Any]) -> None:
    with keys("k3"):
        create_one("PATIENT", system, Ssn="three")
    with keys("k2", "k1"):
        with pytest.raises(CommandError) as caught:
            rotate()
        assert "Not under the key 'k2': 2 under 'k3'." in str(caught.value)
        assert "BRM_FIELD_KEYS does not have: 'k3'" in str(caught.value)
    with keys("k2", "k3"):
        assert "needs no other" in rotate()


def test_without_a_key() -> None:
    with keys(), pytest.raises(CommandError, match="BRM_FIELD_KEYS is not set"):
        rotate()


def test_duplicates_that_two_keys_hid_are_told(system: Context) -> None:
    rows = [{"Ssn": f"{n}"} for n in range(20)]
    ids = [o.id for o in records.create("PATIENT", rows, system)]
    with keys("k2"):
        # A machine that knew one key only.
        create_one("PATIENT", system, Ssn="13")
    with keys("k2", "k1"):
        told = io.StringIO()
        with pytest.raises(CommandError, match="1 under 'k1'"):
            call_command("rotate_field_keys", stdout=told)
        assert f"PATIENT.Ssn: the records with Id {ids[13]} have the value" in told.getvalue()
        records.delete("PATIENT", [ids[13]], system)
        assert "needs no other" in rotate()


# While there are two keys


def test_keys_are_unique_under_both(system: Context, patient: int) -> None:
    create_one("ENTITY_KEY", system, EntityId=patient, KeyName="Both", FieldNames="Notes, Name")
    old = create_one("PATIENT", system, Ssn="1", Name="A", Notes="n")
    gone = create_one("PATIENT", system, Ssn="2", Name="B", Notes="n")
    records.delete("PATIENT", [gone], system)
    with keys("k2", "k1"):
        duplicate = [["DUPLICATE_KEY"]]
        other = create_one("PATIENT", system, Ssn="2", Name="C", Notes="m")
        assert codes(records.create("PATIENT", [{"Ssn": "1"}], system)) == duplicate
        outcomes = records.create("PATIENT", [{"Ssn": "1"}, {"Ssn": "5"}], system)
        assert codes(outcomes) == [["DUPLICATE_KEY"], []]
        assert outcomes[0].problems[0].field == "Ssn"
        assert codes(records.create("PATIENT", [{"Name": "A", "Notes": "n"}], system)) == duplicate
        assert codes(records.update("PATIENT", [{"Id": other, "Ssn": "1"}], system)) == duplicate
        row = {"Id": other, "Name": "A", "Notes": "n"}
        assert codes(records.update("PATIENT", [row], system)) == duplicate
        assert codes(records.update("PATIENT", [{"Id": old, "Ssn": "1"}], system)) == [[]]
        assert codes(records.undelete("PATIENT", [gone], system)) == duplicate
        assert select("SELECT Id FROM PATIENT WHERE Ssn = '1'", system) == [{"Id": str(old)}]
        assert len(select("SELECT Id FROM PATIENT WHERE Ssn IN ('1', '2', '5')", system)) == 3
        (up,) = records.upsert("PATIENT", [{"Ssn": "1", "Name": "Z"}], system, key="Ssn")
        assert (up.id, up.created) == (old, False)


def test_the_same_value_once_more_is_no_change(system: Context, filled: list[Any]) -> None:
    before, row = entries(), filled[2]
    with keys("k2", "k1"):
        sent = {name: row[name] for name in ("Id", "Ssn", "Notes", "Name")}
        records.update("PATIENT", [sent, {"Id": filled[0]["Id"], "Name": "P0"}], system)
        assert entries() == before
        records.update("PATIENT", [sent | {"Notes": "new"}], system)
        assert entries()[0] == before[0] + 1
        sql = f"SELECT Ssn, Notes FROM PATIENT WHERE Id = {row['Id']}"
        assert select(sql, system) == [{"Ssn": row["Ssn"], "Notes": "new"}]


# Processes


def bulk(count: int) -> None:
    """So many records under k1, without the verbs."""
    schema = current().entity("PATIENT")
    column = schema.field("Notes")
    with keys("k1"), connection.cursor() as cursor:
        tokens = sealing.seal(column.type.place, [f"note {n}" for n in range(count)])
        cursor.execute(
            f"INSERT INTO {schema.table} ({column.column}) SELECT unnest(%s::text[])", [tokens]
        )


def command() -> "subprocess.Popen[str]":
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}:{settings['PASSWORD']}@/{settings['NAME']}"
    url += f"?host={settings['HOST']}&port={settings['PORT'] or 5432}"
    both = ",".join(f"{n}:{base64.b64encode(key(n)).decode()}" for n in ("k2", "k1"))
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import django; django.setup();"
            "from django.core.management import call_command; call_command('rotate_field_keys')",
        ],
        env={
            **os.environ,
            "DATABASE_URL": url,
            "BRM_FIELD_KEYS": both,
            "DJANGO_SETTINGS_MODULE": "metabrm.settings",
        },
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_and_two_at_once(system: Context, patient: int) -> None:
    bulk(20_000)
    (field,) = [f for f in rotation.fields() if f.name == "PATIENT.Notes"]
    killed = command()
    assert killed.stdout is not None
    for line in killed.stdout:
        if "rows written" in line:
            break
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    left = rotation.keys_of(field.column)
    assert left["k1"] and left["k2"] and left.total() == 40_000
    two = [command(), command()]
    for process in two:
        out, _ = process.communicate(timeout=STUCK)
        assert process.returncode == 0, out
    assert rotation.keys_of(field.column) == {"k2": 40_000}
    with keys("k2"):
        read = select("SELECT Notes FROM PATIENT ORDER BY Id FETCH NEXT 10000 ROWS ONLY", system)
        assert [row["Notes"] for row in read] == [f"note {n}" for n in range(10_000)]
        records.delete("ENTITY", [patient], system, permanently=True)
