"""Bulk jobs as their users meet them: asked for by the verbs, done by a worker, read as files."""

import csv
import io
import json
from typing import Any

from entities import files, records
from entities.models.bulk import BulkApiBatch, BulkApiRequest, BulkUploadHistory
from entities.records import Outcome
from entities.tasks import resume_bulk_jobs
from metabrm.identity.context import Context


def ask(context: Context, sql: str, **more: Any) -> int:
    """A bulk extract that must be accepted; its Id."""
    outcome = asked(context, RequestBody=sql, **more)
    assert outcome.ok and outcome.id is not None, outcome.problems
    return outcome.id


def asked(context: Context, **fields: Any) -> Outcome:
    (outcome,) = records.create("BULK_API_REQUEST", [{"RequestName": "Test", **fields}], context)
    return outcome


def request(number: int) -> BulkApiRequest:
    return BulkApiRequest.objects.get(pk=number)


def extract(context: Context, sql: str, **more: Any) -> BulkApiRequest:
    """The extract when it has ended."""
    number = ask(context, sql, **more)
    resume_bulk_jobs()
    return request(number)


def batches(number: int, context: Context) -> list[bytes]:
    """The files of an extract, downloaded in order."""
    ids = BulkApiBatch.objects.filter(bulk_api_request_id=number).order_by("batch_number")
    return [
        files.fetch("BULK_API_BATCH", pk, "BatchFile", context).content
        for pk in ids.values_list("pk", flat=True)
    ]


def rows_of(number: int, context: Context) -> list[dict[str, Any]]:
    """The records in the JSON files of an extract."""
    return [
        row
        for content in batches(number, context)
        for answer in json.loads(content).values()
        for row in answer
    ]


def upload(context: Context, content: bytes | str, name: str = "all.csv", **more: Any) -> int:
    """A bulk load with its file, which waits for a worker."""
    (outcome,) = records.create("BULK_UPLOAD_HISTORY", [more], context)
    assert outcome.ok and outcome.id is not None, outcome.problems
    content = content.encode() if isinstance(content, str) else content
    attached = files.attach(
        "BULK_UPLOAD_HISTORY", outcome.id, "AllRecordsFile", name, content, context
    )
    assert attached.ok, attached.problems
    return outcome.id


def load(
    context: Context, content: bytes | str, name: str = "all.csv", **more: Any
) -> BulkUploadHistory:
    """The load when it has ended."""
    number = upload(context, content, name, **more)
    resume_bulk_jobs()
    return history(number)


def history(number: int) -> BulkUploadHistory:
    return BulkUploadHistory.objects.get(pk=number)


def told(number: int, field: str, context: Context) -> list[dict[str, str]]:
    """The lines of a CSV file of what came of the records."""
    content = files.fetch("BULK_UPLOAD_HISTORY", number, field, context).content
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
