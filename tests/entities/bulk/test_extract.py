"""A query's rows come out whole, in files, for whoever may ask it."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage

from entities import files, query, records
from entities.bulk import jobs, keeping
from entities.errors import Code, RequestError
from entities.models import EntityField, EntityFieldRole, StoredFile
from entities.models.bulk import BulkApiBatch, BulkApiRequest
from entities.query import statement
from entities.tasks import resume_bulk_jobs
from metabrm import clock, environment
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User
from tests.entities.acting import codes
from tests.entities.bulk.acting import ask, asked, batches, extract, request, rows_of

pytestmark = pytest.mark.django_db

MINE = "FROM ACCOUNT WHERE ExternalKey LIKE 'bulk-%'"


def accounts(context: Context, count: int, **more: str) -> list[str]:
    rows = [
        {"Name": f"Bulk {n}", "AccountTypeId": "1", "ExternalKey": f"bulk-{n:05}", **more}
        for n in range(count)
    ]
    outcomes = records.create("ACCOUNT", rows, context)
    assert all(o.ok for o in outcomes), outcomes[0]
    return [str(o.id) for o in outcomes]


@contextmanager
def writing(table: str) -> Iterator[None]:
    """Somebody keeps everybody else out of the table."""
    with jobs.another_connection() as raw, raw.transaction():
        raw.execute(f"LOCK TABLE {table}")
        yield


def test_more_rows_than_a_query_gives_in_files_of_so_many(
    ada: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "MAX_ROWS", 10)
    made = accounts(ada, 25)
    done = extract(ada, f"SELECT Id, Name {MINE} ORDER BY Id", RequestsPerBatch="10")
    assert (done.status, done.error_text) == ("COMPLETED", None)
    assert (done.record_count, done.batch_count, done.progress) == (25, 3, 100)
    assert done.started_at and done.finished_at
    parts = [json.loads(b)["queryResponse"] for b in batches(done.pk, ada)]
    assert [len(p) for p in parts] == [10, 10, 5]
    assert [r["Id"] for p in parts for r in p] == made
    first = files.fetch("BULK_API_REQUEST", done.pk, "ResponseFile", ada)
    assert (first.file_name, first.content) == ("Test.json", batches(done.pk, ada)[0])


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT Id, Name, Status, Created, AccountTypeIdObj.AccountType {MINE} ORDER BY Name",
        f"SELECT COUNT(*) n, Status {MINE} GROUP BY Status",
        f"SELECT DISTINCT Status {MINE}",
        f"SELECT Name || '$1 \"$2' x {MINE} AND Name <> 'it''s $1' ORDER BY Id",
        f"SELECT Id {MINE} ORDER BY Id OFFSET 3 ROWS FETCH NEXT 2 ROWS ONLY",
        f'SELECT Id AS "{"long " * 20}" {MINE} ORDER BY Id',
        "SELECT Id FROM ACCOUNT WHERE ExternalKey = 'nobody'",
    ],
)
def test_the_files_hold_what_the_query_answers(ada: Context, sql: str) -> None:
    accounts(ada, 7)
    expected = json.loads(query.query(sql, ada).json)
    assert rows_of(extract(ada, sql).pk, ada) == expected
    done = extract(ada, sql, ResponseFormat="CSV", CSVEndLineFormat="LF")
    (content,) = batches(done.pk, ada)
    read = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert read == [{k: v or "" for k, v in row.items()} for row in expected]
    assert done.record_count == len(expected)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({}, b'Id,Name\r\n%s,"a,b ""c"" \n;d"\r\n'),
        ({"CSVEndLineFormat": "CR"}, b'Id,Name\r%s,"a,b ""c"" \n;d"\r'),
        ({"CSVDelimiter": ";", "CSVEndLineFormat": "LF"}, b'Id;Name\n%s;"a,b ""c"" \n;d"\n'),
        ({"CSVQualifier": "'"}, b"Id,Name\r\n%s,'a,b \"c\" \n;d'\r\n"),
        ({"CSVDelimiter": "\t", "CSVQualifier": "|"}, b'Id\tName\r\n%s\t|a,b "c" \n;d|\r\n'),
    ],
)
def test_csv_as_it_was_asked_for(ada: Context, options: dict[str, str], line: bytes) -> None:
    (number,) = accounts(ada, 1, Name='a,b "c" \n;d')
    done = extract(ada, f"SELECT Id, Name {MINE}", ResponseFormat="CSV", **options)
    assert batches(done.pk, ada) == [line % number.encode()]


def test_records_are_retrieved_whole_or_by_columns(ada: Context) -> None:
    accounts(ada, 3)
    condition = "ExternalKey LIKE 'bulk-%' ORDER BY Id"
    more = {"RequestMethod": "RETRIEVE", "RetrieveEntityName": "account"}
    whole = extract(ada, condition, Columns=[], ResponseFormat="JSON", **more)
    expected = json.loads(query.retrieve_where("ACCOUNT", condition, ada).json)
    assert rows_of(whole.pk, ada) == expected
    columns = ["name", "AccountTypeObj.AccountType"]
    (content,) = batches(extract(ada, condition, Columns=columns, **more).pk, ada)
    assert content.startswith(b"Name,AccountTypeObj.AccountType\r\nBulk 0,")
    assert request(whole.pk).response_format == "JSON"


@pytest.mark.parametrize(
    ("fields", "code", "where", "words"),
    [
        ({"RequestBody": "SELECT Nam FROM ACCOUNT"}, "QUERY_INVALID", "RequestBody", "Name?"),
        ({"RequestBody": "SELECT Nam FROM ACCOUNT"}, "QUERY_INVALID", "RequestBody", "character 8"),
        ({"RequestBody": "DELETE FROM ACCOUNT"}, "QUERY_INVALID", "RequestBody", "SELECT"),
        ({"RequestBody": "x" * 4001}, "VALUE_TOO_LONG", "RequestBody", "4000"),
        ({}, "REQUIRED_FIELD_MISSING", "RequestBody", "required"),
        ({"RequestMethod": "RETRIEVE"}, "REQUIRED_FIELD_MISSING", "RetrieveEntityName", "required"),
        ({"RequestMethod": "RETRIEVE", "RetrieveEntityName": "ACOUNT"}, "UNKNOWN_ENTITY",
         "RetrieveEntityName", "ACCOUNT?"),
        ({"RequestMethod": "RETRIEVE", "RetrieveEntityName": "ACCOUNT", "Columns": ["1; DROP"]},
         "INVALID_VALUE", "Columns", "no name of a field"),
        ({"RequestMethod": "RETRIEVE", "RetrieveEntityName": "ACCOUNT", "Columns": "Id"},
         "INVALID_VALUE", "Columns", "JSON"),
        ({"RequestBody": "SELECT Id FROM ACCOUNT", "RecordsPerBatch": "1000001"},
         "NUMBER_OUT_OF_RANGE", "RecordsPerBatch", "1,000,000"),
        ({"RequestBody": "SELECT Id FROM ACCOUNT", "CSVDelimiter": "x"}, "INVALID_VALUE",
         "CSVDelimiter", "punctuation"),
        ({"RequestBody": "SELECT Id FROM ACCOUNT", "CSVDelimiter": '"'}, "INVALID_VALUE",
         "CSVQualifier", "another"),
    ],
)  # fmt: skip
def test_what_can_t_be_asked_is_refused_at_once(
    ada: Context, fields: dict[str, Any], code: str, where: str, words: str
) -> None:
    problem = asked(ada, **fields).problems[0]
    assert (problem.code, problem.field) == (code, where)
    assert words in problem.message


def test_an_extract_is_made_with_the_rights_of_who_asked(person: Callable[..., Context]) -> None:
    clerk = person(ACCOUNT="R")
    assert codes([asked(clerk, RequestBody="SELECT Id FROM PRODUCT")]) == [["INSUFFICIENT_RIGHTS"]]
    number = ask(clerk, f"SELECT Id, Name {MINE}")
    EntityFieldRole.objects.filter(role_id=clerk.role_id, entity__entity_name="ACCOUNT").update(
        read_flag=False
    )
    resume_bulk_jobs()
    assert request(number).status == "FAILED"
    assert "may not read ACCOUNT" in (request(number).error_text or "")


@pytest.mark.parametrize("gone", [False, True])
def test_a_key_s_role_is_that_of_its_extracts(person: Callable[..., Context], gone: bool) -> None:
    boss, small = person(administrator=True), person(ACCOUNT="R")
    accounts(boss, 1)
    Role.objects.filter(pk=boss.role_id).update(view_pii_flag=True)
    by_key = replace(boss, role_id=small.role_id, administrator=False)
    number = ask(by_key, "", RequestMethod="RETRIEVE", RetrieveEntityName="ACCOUNT")
    field = EntityField.objects.get(entity__entity_name="ACCOUNT", field_name="Name")
    EntityFieldRole.objects.create(
        role_id=small.role_id, entity_id=field.entity_id, entity_field=field, read_flag=False
    )
    if gone:
        Role.objects.filter(pk=small.role_id).update(status="DEACTIVATED")
    resume_bulk_jobs()
    if gone:
        assert (request(number).status, request(number).batch_count) == ("FAILED", 0)
        assert "role of the API key" in (request(number).error_text or "")
    else:
        (content,) = batches(number, boss)
        header = content.decode().partition("\r\n")[0].split(",")
        assert "ExternalKey" in header and "Name" not in header


def test_whoever_may_no_longer_sign_in_gets_nothing(person: Callable[..., Context]) -> None:
    clerk = person(ACCOUNT="R")
    number = ask(clerk, f"SELECT Id {MINE}")
    User.objects.filter(pk=clerk.user_id).update(status="DEACTIVATED")
    resume_bulk_jobs()
    assert (request(number).status, request(number).batch_count) == ("FAILED", 0)
    assert "sign in" in (request(number).error_text or "")


def test_others_see_nothing_of_an_extract_but_administrators(
    ada: Context, person: Callable[..., Context]
) -> None:
    clerk = person(ACCOUNT="R")
    other = person(ACCOUNT="R")
    done = extract(clerk, f"SELECT Id {MINE}")
    batch = BulkApiBatch.objects.get(bulk_api_request=done)
    assert files.fetch("BULK_API_BATCH", batch.pk, "BatchFile", clerk).content
    assert files.fetch("BULK_API_BATCH", batch.pk, "BatchFile", ada).content
    for entity, field, number in (
        ("BULK_API_BATCH", "BatchFile", batch.pk),
        ("BULK_API_REQUEST", "ResponseFile", done.pk),
    ):
        with pytest.raises(RequestError) as refused:
            files.fetch(entity, number, field, other)
        assert refused.value.code == Code.RECORD_NOT_FOUND
        assert not query.retrieve_ids(entity, [number], other).count
        assert not query.query(f"SELECT Id FROM {entity}", other).count
    (outcome,) = records.update("BULK_API_REQUEST", [{"Id": done.pk, "Status": "CANCELLED"}], other)
    assert codes([outcome]) == [["RECORD_NOT_FOUND"]]
    assert codes(records.delete("BULK_API_REQUEST", [done.pk], other)) == [["RECORD_NOT_FOUND"]]


def test_nothing_of_an_extract_can_be_changed_but_that_it_ends(ada: Context) -> None:
    number = ask(ada, f"SELECT Id {MINE}")

    def change(**fields: Any) -> list[list[str]]:
        return codes(records.update("BULK_API_REQUEST", [{"Id": number, **fields}], ada))

    assert change(RequestBody="SELECT Id FROM PRODUCT") == [["FIELD_NOT_CHANGEABLE"]]
    assert change(Status="COMPLETED") == [["VALIDATION_FAILED"]]
    assert change(RequestName="Nightly") == [[]]
    assert change(RecordCount="7") == [[]]
    assert request(number).record_count == 0
    assert change(Status="CANCELLED") == [[]]
    assert request(number).finished_at is not None
    resume_bulk_jobs()
    assert (request(number).status, request(number).attempts) == ("CANCELLED", 0)
    assert change(Status="PENDING") == [["VALIDATION_FAILED"]]


def test_so_many_jobs_of_one_user_run_at_once(
    person: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(environment.current(), bulk_jobs_per_user=2)
    monkeypatch.setattr(environment, "current", lambda: changed)
    clerk, other = person(ACCOUNT="R"), person(ACCOUNT="R")
    mine = [ask(clerk, f"SELECT Id {MINE}") for _ in range(3)]
    theirs = ask(other, f"SELECT Id {MINE}")
    kind = jobs.kind_of(BulkApiRequest)
    claimed: list[int] = []

    def hold(run: jobs.Run) -> None:
        claimed.append(run.id)
        if run.id == mine[1]:
            assert not jobs.run(kind, mine[2], hold)
            assert jobs.run(kind, theirs, hold)
        elif run.id == mine[0]:
            assert jobs.run(kind, mine[1], hold)

    assert jobs.run(kind, mine[0], hold)
    assert claimed == [mine[0], mine[1], theirs]
    assert request(mine[2]).status == "PENDING"


def test_a_slow_query_is_ended(ada: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts(ada, 40)
    changed = replace(environment.current(), bulk_timeout_minutes=0.001)
    monkeypatch.setattr(environment, "current", lambda: changed)
    with writing("customers_account"):
        done = extract(ada, f"SELECT Id {MINE}")
    assert (done.status, done.batch_count) == ("FAILED", 0)
    assert "minutes" in (done.error_text or "")


def test_a_job_whose_workers_keep_dying_is_given_up(ada: Context) -> None:
    number = ask(ada, f"SELECT Id {MINE}")
    BulkApiRequest.objects.filter(pk=number).update(status="RUNNING", attempts=jobs.MOST_ATTEMPTS)
    resume_bulk_jobs()
    assert request(number).status == "FAILED"
    assert "died" in (request(number).error_text or "")


def test_files_go_with_their_request_and_after_their_time(ada: Context) -> None:
    accounts(ada, 5)
    kept = extract(ada, f"SELECT Id {MINE}", RecordsPerBatch="2")
    gone = extract(ada, f"SELECT Id {MINE}", RecordsPerBatch="2")
    keys = [str(b.batch_file).split("/")[0] for b in BulkApiBatch.objects.all()]
    assert len(keys) == 6
    assert codes(records.delete("BULK_API_REQUEST", [gone.pk], ada)) == [[]]
    assert BulkApiBatch.objects.count() == 3
    assert StoredFile.objects.filter(pk__in=keys).count() == 3
    later = clock.now() + timedelta(days=environment.current().bulk_retention_days + 1)
    with clock.frozen(later):
        assert keeping.remove_old_files() == 1
    assert not StoredFile.objects.filter(pk__in=keys).exists()
    assert not any(default_storage.exists(f"{key[:2]}/{key}") for key in keys)
    assert request(kept.pk).status == "COMPLETED"
    assert not request(kept.pk).response_file
