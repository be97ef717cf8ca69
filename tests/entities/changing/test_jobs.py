"""The index of a large table is built beside the work, by a job that can be killed at any line."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, connection

from entities import records
from entities.changing import Lock, jobs, preview, tables
from entities.errors import RequestError
from entities.models import SchemaJob
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def system() -> Context:
    return Context.system("test")


@pytest.fixture
def code(system: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A text field of a custom entity that counts as large; the field's Id."""
    monkeypatch.setattr(jobs, "tell", lambda task, job_id: None)
    promo = create_one("ENTITY", system, EntityName="LARGE")
    field = create_one("ENTITY_FIELD", system, EntityId=promo, FieldName="Code", DataType="TEXT")
    create_one("LARGE", system, Code="a")
    monkeypatch.setattr(tables, "size", lambda table: tables.AT_ONCE + 1)
    yield field
    records.delete("ENTITY", [promo], system, permanently=True)


def make_unique(system: Context, field: int, flag: str = "1") -> SchemaJob:
    (outcome,) = records.update("ENTITY_FIELD", [{"Id": field, "UniqueField": flag}], system)
    assert outcome.ok, outcome.problems
    return SchemaJob.objects.latest("id")


def valid(name: str) -> bool | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
        row = cursor.fetchone()
    return row[0] if row else None


def test_a_preview_of_a_job_makes_none(system: Context, code: int) -> None:
    told = preview("update", "ENTITY_FIELD", [{"Id": code, "UniqueField": "1"}], system)
    assert [s.lock for s in told.steps] == [Lock.BESIDE]
    assert not SchemaJob.objects.filter(entity_name="LARGE").exists()


def test_a_job_builds_its_index_once(system: Context, code: int) -> None:
    job = make_unique(system, code)
    assert (job.status, valid(job.index_name)) == ("PENDING", None)
    # The verbs guard the key already.
    assert codes(records.create("LARGE", [{"Code": "a"}, {"Code": "b"}], system)) == [
        ["DUPLICATE_KEY"],
        [],
    ]
    assert job.pk in jobs.unfinished()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.message, valid(job.index_name)) == ("READY", None, True)
    finished = job.finished_at
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.finished_at == finished


def test_a_failed_job_names_the_records_in_the_way_and_can_be_tried_again(
    system: Context, code: int
) -> None:
    job = make_unique(system, code)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{job.table_name}" ({job.columns}) VALUES (%s) RETURNING id', ["a"]
        )
        (twin,) = cursor.fetchone()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == "FAILED" and str(twin) in (job.message or "")
    assert valid(job.index_name) is None
    records.delete("LARGE", [twin], system)
    jobs.retry(job.pk, system)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, valid(job.index_name)) == ("READY", True)
    with pytest.raises(RequestError):
        jobs.retry(job.pk, system)


def test_a_job_whose_worker_was_killed_is_run_again(system: Context, code: int) -> None:
    job = make_unique(system, code)
    # What a worker killed in the middle leaves: the state, and an index marked as invalid.
    SchemaJob.objects.filter(pk=job.pk).update(status="BUILDING")
    table, column = job.table_name, job.columns
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{table}" ({column}) VALUES (%s) RETURNING id', ["a"])
        (twin,) = cursor.fetchone()
        with pytest.raises(IntegrityError):
            cursor.execute(
                tables.create_index(job.index_name, table, [column], unique=True, beside=True)
            )
    assert valid(job.index_name) is False
    records.delete("LARGE", [twin], system)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, valid(job.index_name)) == ("READY", True)


def test_a_key_taken_back_cancels_its_job(system: Context, code: int) -> None:
    job = make_unique(system, code)
    make_unique(system, code, "0")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.status, valid(job.index_name)) == ("CANCELLED", None)
    create_one("LARGE", system, Code="a")
