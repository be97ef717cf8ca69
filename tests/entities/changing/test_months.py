"""What people may add to an entity whose table is kept in months, and what is refused."""

from collections.abc import Iterator

import orjson
import pytest
from django.db import IntegrityError, connection, transaction

from entities import query, records
from entities.changing import jobs, preview, tables
from entities.models import Entity, SchemaJob
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.factories import AccountFactory, ActivityFactory

pytestmark = pytest.mark.django_db

#: One lies in the default partition, the other in a month of the time when the tests run.
OLD = "1990-01-01"


@pytest.fixture
def system() -> Context:
    return Context.system("test")


@pytest.fixture
def activity(db: None) -> int:
    return Entity.objects.get(entity_name="ACTIVITY").pk


def indexes(column: str) -> dict[str, bool]:
    """Table -> whether the index over the column is valid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indrelid::regclass::text, i.indisvalid FROM pg_index i JOIN pg_attribute a "
            "ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE a.attname = %s",
            [column],
        )
        return dict(cursor.fetchall())


def column_of(field: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM entities_entityfield WHERE id = %s", [field])
        return str(cursor.fetchone()[0])


def read(ids: list[int], system: Context) -> list[dict[str, str]]:
    found: list[dict[str, str]] = orjson.loads(query.retrieve_ids("ACTIVITY", ids, system).json)
    return found


def test_fields_are_added_filled_retyped_encrypted_and_purged(
    system: Context, activity: int
) -> None:
    lines = [ActivityFactory(ActivityDate=OLD), ActivityFactory(ActivityDate="2026-11-01")]
    made = {
        name: create_one("ENTITY_FIELD", system, EntityId=activity, FieldName=name, **more)
        for name, more in {
            "CallId": {"DataType": "TEXT", "DataLength": "30", "SearchableFlag": "1"},
            "Kind": {"DataType": "TEXT", "RequiredFlag": "1", "DefaultValue": "voice"},
            "Secret": {"DataType": "TEXT", "EncryptedFlag": "1"},
            "Payer": {"DataType": "LOOKUP", "ReferencedEntityId": str(entity_id("ACCOUNT"))},
        }.items()
    }
    payer = AccountFactory()
    sent = {"CallId": "7", "Secret": "pin", "Payer": payer}
    outcomes = records.update("ACTIVITY", [{"Id": i} | sent for i in lines], system)
    assert codes(outcomes) == [[], []]
    (retyped,) = records.update(
        "ENTITY_FIELD", [{"Id": made["CallId"], "DataType": "INTEGER"}], system
    )
    assert retyped.ok, retyped.problems
    kept = {"CallId": "7", "Kind": "voice", "Secret": "pin", "Payer": str(payer)}
    assert [{name: row[name] for name in kept} for row in read(lines, system)] == [kept, kept]
    assert codes(records.delete("ACCOUNT", [payer], system)) == [["RECORD_IN_USE"]]
    parts = tables.partitions("mediation_activity")
    assert indexes(column_of(made["CallId"])) == dict.fromkeys(["mediation_activity", *parts], True)
    gone = records.delete("ENTITY_FIELD", list(made.values()), system, permanently=True)
    assert all(o.ok for o in gone)
    assert "Kind" not in read(lines, system)[0]


def entity_id(name: str) -> int:
    return Entity.objects.get(entity_name=name, deleted_at=None).pk


def test_a_lookup_to_it_is_guarded_by_the_verbs(system: Context, activity: int) -> None:
    claim = create_one("ENTITY", system, EntityName="CLAIM")
    for name, rule in (("Line", "RESTRICT"), ("Part", "CASCADE"), ("Hint", "SET_NULL")):
        create_one(
            "ENTITY_FIELD",
            system,
            EntityId=claim,
            FieldName=name,
            DataType="LOOKUP",
            ReferencedEntityId=activity,
            OnDelete=rule,
        )
    held, part, hint = (ActivityFactory(ActivityDate=OLD) for _ in range(3))
    create_one("CLAIM", system, Line=held)
    taken = create_one("CLAIM", system, Part=part)
    emptied = create_one("CLAIM", system, Hint=hint)
    assert codes(records.create("CLAIM", [{"Line": "0"}], system)) == [["LOOKUP_NOT_FOUND"]]
    outcomes = records.delete("ACTIVITY", [held, part, hint], system, permanently=True)
    assert codes(outcomes) == [["RECORD_IN_USE"], [], []]
    rows = orjson.loads(query.query("SELECT Id, Hint FROM CLAIM ORDER BY Id", system).json)
    assert str(taken) not in {row["Id"] for row in rows}
    assert {row["Id"]: row["Hint"] for row in rows}[str(emptied)] in ("", None)


def test_a_lone_unique_field_is_refused_and_told_what_is_right(
    system: Context, activity: int
) -> None:
    told = (
        "CallId can't be unique by itself: ACTIVITY is kept in months of ActivityDate, each of "
        "which knows only its own records. Make a key (ENTITY_KEY) over ActivityDate, CallId, and "
        "look for CallId with SearchableFlag."
    )
    row = {"EntityId": activity, "FieldName": "CallId", "DataType": "TEXT"}
    for flag in ("UniqueField", "ExternalKeyFlag"):
        (refused,) = preview("create", "ENTITY_FIELD", [row | {flag: "1"}], system).outcomes
        assert [p.message for p in refused.problems] == [told]
    field = create_one("ENTITY_FIELD", system, **row)
    (refused,) = records.update("ENTITY_FIELD", [{"Id": field, "UniqueField": "1"}], system)
    assert [p.message for p in refused.problems] == [told]
    # An index over all months would be the only guard.
    assert current().entity("ACTIVITY").field("CallId").unique is False


def test_a_key_has_to_contain_the_month(system: Context, activity: int) -> None:
    create_one("ENTITY_FIELD", system, EntityId=activity, FieldName="CallId", DataType="TEXT")
    row = {"EntityId": activity, "KeyName": "call"}
    (refused,) = records.create("ENTITY_KEY", [row | {"FieldNames": "AccountId, CallId"}], system)
    assert [p.message for p in refused.problems] == [
        "ACTIVITY is kept in months of ActivityDate, each of which knows only its own records: the "
        "key has to contain ActivityDate."
    ]
    create_one("ENTITY_KEY", system, **row, FieldNames="ActivityDate, CallId")
    account = AccountFactory()
    lines = [
        {"AccountId": account, "ActivityDate": day, "CallId": "7"} for day in (OLD, "2026-11-01")
    ]
    assert codes(records.create("ACTIVITY", lines, system)) == [[], []]
    for batch in (lines[:1], lines[1:], lines):
        twice = codes(records.create("ACTIVITY", batch, system))
        assert twice == [["DUPLICATE_KEY"]] * len(batch)


@pytest.fixture
def large(
    transactional_db: None, system: Context, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """Another field of ACTIVITY, which counts as large; the field's Id."""
    monkeypatch.setattr(jobs, "tell", lambda task, job_id: None)
    monkeypatch.setattr(tables, "size", lambda table: tables.AT_ONCE + 1)
    owner = entity_id("ACTIVITY")
    field = create_one("ENTITY_FIELD", system, EntityId=owner, FieldName="Tag", DataType="TEXT")
    yield field
    records.delete("ENTITY_FIELD", [field], system, permanently=True)


def test_an_index_is_built_month_by_month_beside_the_work(large: int, system: Context) -> None:
    ActivityFactory(ActivityDate=OLD, Tag="a")
    (asked,) = records.update("ENTITY_FIELD", [{"Id": large, "SearchableFlag": "1"}], system)
    assert asked.ok, asked.problems
    job = SchemaJob.objects.latest("id")
    # A worker that is killed on the way leaves the index of one month, and of another that is none
    # yet.
    parts = len(tables.partitions("mediation_activity"))
    index, table, columns = job.index_name, "mediation_activity", [job.columns]
    with connection.cursor() as cursor:
        cursor.execute(tables.create_whole_index(index, table, columns, unique=False))
        for number, part in jobs._without(index, table)[:2]:
            own = jobs._own_name(index, number)
            cursor.execute(tables.create_index(own, part, columns, unique=False))
            if part == tables.partitions(table)[0]:
                cursor.execute(f"ALTER INDEX {index} ATTACH PARTITION {own}")
    assert indexes(job.columns)["mediation_activity"] is False
    SchemaJob.objects.filter(pk=job.pk).update(status="BUILDING")
    told = query.query(f"SELECT Progress FROM SCHEMA_JOB WHERE Id = {job.pk}", system).json
    assert orjson.loads(told) == [{"Progress": str(round(100 / parts))}]
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.message) == ("READY", None)
    assert len(indexes(job.columns)) == parts + 1
    assert all(indexes(job.columns).values())
    (dropped,) = records.update("ENTITY_FIELD", [{"Id": large, "SearchableFlag": "0"}], system)
    assert dropped.ok
    assert indexes(job.columns) == {}


def test_a_unique_key_of_a_large_table_names_who_is_in_the_way(large: int, system: Context) -> None:
    line = ActivityFactory(ActivityDate=OLD, Tag="a")
    owner = entity_id("ACTIVITY")
    key = create_one(
        "ENTITY_KEY", system, EntityId=owner, KeyName="tag", FieldNames="ActivityDate, Tag"
    )
    job = SchemaJob.objects.latest("id")
    column = column_of(large)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO mediation_activity (account_id, activity_date, quantity, {column}) "
            f"SELECT account_id, activity_date, 1, {column} FROM mediation_activity "
            f"WHERE id = %s RETURNING id",
            [line],
        )
        (twin,) = cursor.fetchone()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == "FAILED"
    assert f"Ids {line}, {twin}" in (job.message or "")
    assert indexes("activity_date").get("mediation_activity_default") is not False
    records.delete("ACTIVITY", [twin], system)
    jobs.retry(job.pk, system)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.message) == ("READY", None)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE mediation_activity SET deleted_at = NULL WHERE id = %s", [twin])
    records.delete("ENTITY_KEY", [key], system, permanently=True)
