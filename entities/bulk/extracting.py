"""The rows of a BULK_API_REQUEST, written to files of so many records each.

The rows come in one statement and so are those of one moment. They are never held but for the file
that is being filled. An attempt that died is begun again from the start, without what it had
written: its rows were those of another moment.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import transaction

from entities.bulk.dialect import LINE_ENDS, Dialect
from entities.bulk.jobs import Run, StoppedError, another_connection
from entities.errors import Code, RequestError
from entities.fieldtypes.structured import key_of
from entities.files import contents
from entities.models.bulk import BulkApiBatch, BulkApiRequest
from entities.query.extract import Extract, extract_query, extract_records, rows
from entities.schema.current import current
from entities.schema.snapshot import Snapshot
from metabrm import clock, environment
from metabrm.identity.context import Context

#: Records of a file when the request does not say it, and at most.
USUAL_BATCH = 10_000
LARGEST_BATCH = 1_000_000
#: A file ends here though it might hold more records: it is read whole by whoever downloads it.
BATCH_BYTES = 32 * 1024 * 1024


def compiled(request: BulkApiRequest, snapshot: Snapshot, context: Context) -> Extract:
    """What the request asks for. RequestError says what can't be asked."""
    objects = request.response_format == "JSON"
    body = request.request_body or ""
    if request.request_method == "QUERY":
        return extract_query(body, snapshot, context, objects=objects)
    schema = snapshot.entity(request.retrieve_entity_name or "")
    if not schema.api_enabled:
        raise RequestError(Code.UNKNOWN_ENTITY, f"There is no entity {schema.name!r}.")
    columns = request.columns or []
    return extract_records(schema, body, columns, snapshot, context, objects=objects)


def extract(run: Run) -> None:
    """Write the files of the request and end it."""
    request = BulkApiRequest.objects.get(pk=run.id)
    context = run.context(f"bulk extract {run.id}")
    found = compiled(request, current(), context)
    discard_batches(run.id)
    run.keep(record_count=0, batch_count=0, progress=0)
    seconds = environment.current().bulk_timeout_minutes * 60.0
    dialect = Dialect(
        request.csv_delimiter, request.csv_qualifier, LINE_ENDS[request.csv_end_line_format]
    )
    form: _Form = _Json(request) if request.response_format == "JSON" else _Csv(found, dialect)
    try:
        with another_connection() as raw:
            run.stop = raw.cancel
            with rows(
                found,
                raw,
                seconds=seconds,
                delimiter=dialect.delimiter,
                qualifier=dialect.qualifier,
            ) as (coming, expected):
                writing = _Writing(run, request, form, expected)
                for row in coming:
                    writing.add(row)
                    if run.stopped:
                        raise StoppedError
            writing.end()
    except StoppedError:
        # Of a request that is cancelled nothing is left.
        discard_batches(run.id, unless_attempt_after=run.attempt)
        raise


class _Form:
    """How rows become the bytes of a file."""

    ending = ""

    def file(self, rows: Sequence[bytes]) -> bytes:
        raise NotImplementedError


class _Json(_Form):
    """The answer that a query gives, in files."""

    ending = "json"

    def __init__(self, request: BulkApiRequest) -> None:
        query = request.request_method == "QUERY"
        self.head = b'{"queryResponse":[' if query else b'{"retrieveResponse":['

    def file(self, rows: Sequence[bytes]) -> bytes:
        return self.head + b",".join([row[:-1] for row in rows]) + b"]}"


class _Csv(_Form):
    """A line of names, and a line for each row. What COPY sends is a line but for its end."""

    ending = "csv"

    def __init__(self, found: Extract, dialect: Dialect) -> None:
        self.head = dialect.line(list(found.keys))
        self.line = dialect.line
        self.end = dialect.line_end
        self.objects = found.objects

    def file(self, rows: Sequence[bytes]) -> bytes:
        if self.objects:
            return self.head + b"".join(map(self._line, rows))
        if self.end == b"\n":
            return self.head + b"".join(rows)
        return self.head + b"".join([row[:-1] + self.end for row in rows])

    def _line(self, row: bytes) -> bytes:
        values = orjson.loads(row).values()
        return self.line([v if v is None or isinstance(v, str) else _text(v) for v in values])


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


class _Writing:
    """The files so far, and the rows of the one that is being filled."""

    def __init__(self, run: Run, request: BulkApiRequest, form: _Form, expected: int) -> None:
        self.run = run
        self.request = request
        self.form = form
        self.expected = max(expected, 1)
        self.size = request.records_per_batch or USUAL_BATCH
        self.rows: list[bytes] = []
        self.bytes = 0
        self.batches = 0
        self.records = 0
        self.first: bytes | None = None

    def add(self, row: bytes) -> None:
        row = bytes(row)
        if self.rows and self.bytes + len(row) > BATCH_BYTES:
            self._write()
        self.rows.append(row)
        self.bytes += len(row)
        if len(self.rows) == self.size:
            self._write()

    def end(self) -> None:
        """Write the last file, an empty one where there is no row, and end the request."""
        if self.rows or not self.batches:
            self._write()
        assert self.first is not None
        file = contents.put(f"{self._name()}.{self.form.ending}", self.first)
        try:
            self.run.finish("COMPLETED", progress=100, response_file=f"{file.key}/{file.file_name}")
        except StoppedError:
            contents.discard([file.key])
            raise

    def _write(self) -> None:
        content = self.form.file(self.rows)
        self.first = self.first or content
        records, self.rows, self.bytes = len(self.rows), [], 0
        number = self.batches + 1
        file = contents.put(f"{self._name()}-{number:05}.{self.form.ending}", content)
        try:
            with transaction.atomic():
                self.run.keep(
                    record_count=self.records + records,
                    batch_count=number,
                    progress=min(99, (self.records + records) * 100 // self.expected),
                )
                BulkApiBatch.objects.create(
                    bulk_api_request=self.request,
                    batch_number=number,
                    record_count=records,
                    batch_file=f"{file.key}/{file.file_name}",
                    created=clock.now(),
                    created_user_id=self.run.user_id,
                )
        except StoppedError:
            contents.discard([file.key])
            raise
        self.batches, self.records = number, self.records + records

    def _name(self) -> str:
        return contents.clean_name(self.request.request_name)[:100] or "extract"


def discard_batches(request_id: int, unless_attempt_after: int | None = None) -> None:
    """Remove the request's batches with their files."""
    if unless_attempt_after is not None:
        later = BulkApiRequest.objects.filter(pk=request_id, attempts__gt=unless_attempt_after)
        if later.exists():
            return
    batches = BulkApiBatch.objects.filter(bulk_api_request_id=request_id)
    keys = [key_of(held) for held in batches.values_list("batch_file", flat=True)]
    batches.delete()
    contents.discard(keys)
