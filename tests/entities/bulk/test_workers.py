"""A worker may be killed at any line, two may meet, and a job can be ended while it runs."""

import csv
import io
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entities import query, records
from entities.bulk import extracting, jobs
from entities.models import StoredFile
from entities.models.bulk import FINISHED, BulkApiBatch, BulkStagedRecord, BulkUploadChunk
from entities.tasks import resume_bulk_jobs
from metabrm.identity.context import Context
from tests.entities.acting import codes
from tests.entities.bulk.acting import (
    ask,
    batches,
    extract,
    history,
    load,
    request,
    rows_of,
    told,
    upload,
)
from tests.entities.bulk.dying import Workers
from tests.entities.bulk.test_extract import MINE, accounts, writing
from tests.entities.bulk.test_load import HEAD, counts, names
from tests.patience import STUCK

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def workers(django_db_setup: None, django_db_blocker: object) -> Iterator[Workers]:
    made = Workers()
    yield made
    made.stop()


def _until(done: Callable[[], bool]) -> None:
    """Have jobs resumed, as the schedule does, until it is done."""
    deadline = time.monotonic() + STUCK
    while not done():
        assert time.monotonic() < deadline
        resume_bulk_jobs()
        time.sleep(0.05)


@pytest.mark.parametrize(
    "point", ["the second file is stored", "the second file is told", "the end"]
)
def test_an_extract_whose_worker_is_killed_gives_each_row_once(
    ada: Context, workers: Workers, point: str
) -> None:
    made = accounts(ada, 5)
    number = ask(ada, f"SELECT Id {MINE} ORDER BY Id", RecordsPerBatch="2")
    workers.kill_one(point)
    assert request(number).status == "RUNNING"
    _until(lambda: request(number).status in FINISHED)
    done = request(number)
    assert (done.status, done.attempts, done.record_count) == ("COMPLETED", 2, 5)
    assert [row["Id"] for row in rows_of(number, ada)] == made
    assert BulkApiBatch.objects.filter(bulk_api_request_id=number).count() == 3


@pytest.mark.parametrize(
    ("point", "written"),
    [
        ("it stages", 0),
        ("it writes the second chunk", 2),
        ("the second chunk is told", 2),
        ("the second chunk is done", 4),
        ("the end", 7),
    ],
)
def test_a_load_whose_worker_is_killed_writes_each_record_once(
    ada: Context, workers: Workers, point: str, written: int
) -> None:
    rows = "".join(f"N{n},1,bulk-{n}\r\n" for n in range(7)) + "bad,1\r\n"
    number = upload(ada, HEAD + rows, EntityName="ACCOUNT")
    workers.kill_one(point)
    _until(lambda: len(names(ada)) >= written)
    assert history(number).status in ("RUNNING", "COMPLETED")
    _until(lambda: history(number).status in FINISHED)
    assert counts(number) == ("COMPLETED", 8, 7, 1)
    assert history(number).attempts == 2
    assert names(ada) == [f"N{n}" for n in range(7)]
    lines = [r["LineNumber"] for r in told(number, "AcceptedRecordsFile", ada)]
    assert lines == [str(n) for n in range(2, 9)]
    assert [r["LineNumber"] for r in told(number, "RejectedRecordsFile", ada)] == ["9"]
    assert not BulkStagedRecord.objects.exists() and not BulkUploadChunk.objects.exists()


def test_staged_records_that_a_crash_took_are_staged_again(ada: Context) -> None:
    """The table of staged records is empty after a crash of the database."""
    rows = "".join(f"N{n},1,bulk-{n}\r\n" for n in range(3))
    number = upload(ada, HEAD + rows, EntityName="ACCOUNT")
    model = type(history(number))
    model.objects.filter(pk=number).update(staged=True, record_count=3, status="RUNNING")
    resume_bulk_jobs()
    assert counts(number) == ("COMPLETED", 3, 3, 0)


def test_two_workers_do_each_job_once(ada: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts(ada, 6)
    numbers = [ask(ada, f"SELECT Id {MINE}", RecordsPerBatch="2") for _ in range(4)]
    rows = "".join(f"N{n},1,bulk-load-{n}\r\n" for n in range(3))
    loaded = upload(ada, HEAD + rows, EntityName="ACCOUNT")
    put = extracting.contents.put

    def slowly(*args: object, **kwargs: object) -> StoredFile:
        time.sleep(0.02)
        return put(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(extracting.contents, "put", slowly)
    found = [threading.Thread(target=_resume) for _ in range(2)]
    for worker in found:
        worker.start()
    for worker in found:
        worker.join()
    resume_bulk_jobs()
    for number in numbers:
        done = request(number)
        assert (done.status, done.attempts, done.batch_count) == ("COMPLETED", 1, 3)
    assert counts(loaded) == ("COMPLETED", 3, 3, 0)
    assert history(loaded).attempts == 1


def _resume() -> None:
    try:
        resume_bulk_jobs()
    finally:
        connection.close()


def test_a_query_that_runs_is_stopped_within_seconds(ada: Context) -> None:
    number = ask(ada, f"SELECT Id {MINE}")
    with writing("customers_account"):
        worker = threading.Thread(target=_resume)
        worker.start()
        while request(number).status != "RUNNING":
            time.sleep(0.01)
        (outcome,) = records.update(
            "BULK_API_REQUEST", [{"Id": number, "Status": "CANCELLED"}], ada
        )
        assert codes([outcome]) == [[]]
        worker.join(STUCK)
        assert not worker.is_alive()
    assert (request(number).status, request(number).batch_count) == ("CANCELLED", 0)


def test_an_extract_that_writes_is_stopped_without_a_trace(
    ada: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts(ada, 6)
    before = StoredFile.objects.count()
    number = ask(ada, f"SELECT Id {MINE}", RecordsPerBatch="1")
    write = extracting._Writing._write

    def cancel_then_write(self: extracting._Writing) -> None:
        if self.batches == 2:
            with jobs.another_connection() as raw:
                raw.execute("UPDATE entities_bulkapirequest SET status = 'CANCELLED'")
        write(self)

    monkeypatch.setattr(extracting._Writing, "_write", cancel_then_write)
    resume_bulk_jobs()
    assert request(number).status == "CANCELLED"
    assert not BulkApiBatch.objects.exists()
    assert StoredFile.objects.count() == before


def test_memory_does_not_grow_with_the_rows(ada: Context) -> None:
    sql = "SELECT c.Name, u.CurrencyCode FROM COUNTRY c JOIN CURRENCY u ON 1 = 1"
    extract(ada, f"{sql} FETCH FIRST 2000 ROWS ONLY", RecordsPerBatch="1000")
    # What is made once and kept, such as a snapshot, falls into one of three runs. Each of the 27
    # batches more is remembered in some 4 kB; a row that was held would take its text, of 20 bytes
    # at the least.
    few, many = (min(_peak(ada, sql, rows) for _ in range(3)) for rows in (3_000, 30_000))
    assert (many - few) / 27_000 < 8


def _peak(ada: Context, sql: str, rows: int) -> int:
    """The most bytes that an extract of so many rows held at once."""
    tracemalloc.start()
    done = extract(ada, f"{sql} FETCH FIRST {rows} ROWS ONLY", RecordsPerBatch="1000")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (done.status, done.record_count) == ("COMPLETED", rows)
    return peak


_TEXTS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12
) | st.sampled_from(
    ['"', "'", "\r\n", "\n", "\r", ",", ";", "\\.", "\\N", " x ", "=1+1", "\t", "|"]
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(_TEXTS, min_size=1, max_size=4),
    marks=st.sampled_from([(",", '"'), (";", "'"), ("\t", "|"), ("|", '"')]),
    end=st.sampled_from(["CRLF", "LF", "CR"]),
)
def test_what_comes_out_as_csv_goes_back_in_as_it_was(
    ada: Context, texts: list[str], marks: tuple[str, str], end: str
) -> None:
    keys = [f"bulk-{n}" for n in range(len(texts))]
    records.upsert(
        "ACCOUNT",
        [
            {"Name": "N", "AccountTypeId": "1", "ExternalKey": key, "Description": text}
            for key, text in zip(keys, texts, strict=True)
        ],
        ada,
        key="ExternalKey",
    )
    named = ", ".join(f"'{key}'" for key in keys)
    sql = f"SELECT ExternalKey, Description FROM ACCOUNT WHERE ExternalKey IN ({named}) ORDER BY Id"
    was = query.query(sql, ada).json
    dialect = {"CSVDelimiter": marks[0], "CSVQualifier": marks[1]}
    out = extract(ada, sql, ResponseFormat="CSV", CSVEndLineFormat=end, **dialect)
    (content,) = batches(out.pk, ada)
    read = csv.reader(
        io.StringIO(content.decode(), newline=""), delimiter=marks[0], quotechar=marks[1]
    )
    assert [row[1] for row in read][1:] == texts
    changed = [{"ExternalKey": key, "Description": "changed"} for key in keys]
    records.upsert("ACCOUNT", changed, ada, key="ExternalKey")
    done = load(
        ada, content, EntityName="ACCOUNT", Verb="UPSERT", ExternalIDFieldName="ExternalKey",
        **dialect,
    )  # fmt: skip
    assert counts(done.pk) == ("COMPLETED", len(texts), len(texts), 0)
    assert query.query(sql, ada).json == was
