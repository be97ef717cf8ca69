"""The records of a BULK_UPLOAD_HISTORY, written by the verbs like those of any request.

The file is read once into a table of staged records, and written from there in chunks. A chunk,
what came of its records, and how far the load has come are one transaction: a load that was killed
goes on behind the last chunk, and writes nothing twice.

Lines are taken in their order: where a later one changes the record of an earlier one, it is
written after it, though they are of one chunk.
"""

import csv
import gzip
import io
import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
import orjson
from django.db import OperationalError, connection, transaction
from django.db.models import Sum
from django.db.models.functions import Length
from psycopg import errors as pg

from entities import records
from entities.bulk.jobs import Run, StoppedError
from entities.bulk.reading import TOLD, Format, Found, Header, header_of, records_in
from entities.errors import Code, Problem, RequestError
from entities.fieldtypes.structured import key_of, name_of
from entities.fieldtypes.textform import copy_fields
from entities.files import contents
from entities.models.bulk import FINISHED, BulkStagedRecord, BulkUploadChunk, BulkUploadHistory
from entities.query import retrieve_ids
from entities.records import Outcome
from entities.schema.current import current
from entities.schema.description import EntitySchema, fold
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

log = logging.getLogger(__name__)

#: Records of one transaction: a change of the schema waits so long, and no longer.
CHUNK = 2_000
#: Records staged at a time.
_PORTION = 2_000
#: Seconds for which a chunk waits for records that others hold.
_PATIENCE = 120.0
#: From so many characters on the files of what came of the records are packed.
_PACKED_FROM = 8 * 1024 * 1024
#: Where a collector loads when it does not say it.
_COLLECTED = "COLLECTOR_FIELDS"
_COLLECTOR = "ACTIVITY_COLLECTOR"
_VERBS = {"CREATE": "CREATE", "INSERT": "CREATE", "UPDATE": "UPDATE", "UPSERT": "UPSERT"}
_MARKS = {"TAB": "\t", "\\T": "\t", "COMMA": ",", "SEMICOLON": ";", "PIPE": "|"}
_PLACE = re.compile(r"record ([0-9]+) of this request")

_read = msgspec.json.Decoder(float_hook=Decimal).decode

_STAGED = """
SELECT line, record, problem FROM entities_bulkstagedrecord
WHERE bulk_upload_history_id = %s AND line > %s ORDER BY line LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where records go and how. `given`: what each of them has beside what the file says."""

    entity: str
    verb: str
    key: str
    null_clears: bool
    form: Format
    given: dict[str, str]


def plan_of(upload: BulkUploadHistory, snapshot: Snapshot, context: Context) -> Plan:
    """What the upload and its collector say. RequestError for what can't be done."""
    collector = _collector(upload.activity_collector_id, snapshot, context)
    name = upload.entity_name or _entity_name(collector, snapshot)
    if not name:
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            "EntityName is required: the entity of the records in the file. A collector "
            "(ActivityCollectorId) may name it too.",
            field="EntityName",
        )
    schema = snapshot.entity(name)
    if not schema.api_enabled:
        raise RequestError(Code.UNKNOWN_ENTITY, f"There is no entity {name!r}.", field="EntityName")
    verb = upload.verb or _VERBS.get((collector.get("entitymethod") or "").upper(), "CREATE")
    key = upload.external_id_field_name or _key_name(collector, schema)
    if verb == "UPSERT":
        found = schema.find(key) if key else None
        if found is None or not (found.external_key or found.type.name == "ID"):
            keys = ", ".join(f.name for f in schema.external_keys) or "none"
            raise RequestError(
                Code.NOT_AN_EXTERNAL_KEY,
                f"ExternalIDFieldName {key!r} is no external key of {schema.name}; its external "
                f"keys are: {keys}.",
                field="ExternalIDFieldName",
            )
    given = {}
    pointing = schema.find("ACTIVITY_COLLECTOR_ID")
    if upload.activity_collector_id is not None and pointing is not None:
        given[pointing.name] = str(upload.activity_collector_id)
    return Plan(schema.name, verb, key, upload.treat_null_as_reset, _form(upload, collector), given)


def _collector(number: int | None, snapshot: Snapshot, context: Context) -> dict[str, Any]:
    """The collector as the caller may read it, by folded names; {} without one."""
    if number is None:
        return {}
    page = None
    if snapshot.find(_COLLECTOR) is not None:
        page = retrieve_ids(_COLLECTOR, [number], context, snapshot=snapshot)
    if page is None or not page.count:
        raise RequestError(
            Code.LOOKUP_NOT_FOUND,
            f"There is no {_COLLECTOR} with Id {number}.",
            field="ActivityCollectorId",
        )
    (record,) = orjson.loads(page.json)
    return {fold(name): value for name, value in record.items()}


def _entity_name(collector: dict[str, Any], snapshot: Snapshot) -> str:
    if not collector:
        return ""
    number = collector.get("entityid")
    named = (e.name for e in snapshot.entities.values() if str(e.id) == str(number))
    return next(named, "") if number else _COLLECTED


def _key_name(collector: dict[str, Any], schema: EntitySchema) -> str:
    number = collector.get("externalentityfieldid")
    return next((f.name for f in schema.fields if number and str(f.id) == str(number)), "")


def _form(upload: BulkUploadHistory, collector: dict[str, Any]) -> Format:
    name = name_of(upload.all_records_file or "").lower().removesuffix(".gz")
    said = upload.file_format or (collector.get("recordformat") or "").upper()
    json = "JSON" in said or (not said and name.endswith((".json", ".jsonl", ".ndjson")))
    delimiter = upload.csv_delimiter or _mark(collector.get("delimiter"))
    if not delimiter:
        delimiter = "\t" if name.endswith((".tsv", ".tab")) else ","
    qualifier = upload.csv_qualifier or _mark(collector.get("fieldincludedchar")) or '"'
    skipped, omitted = (int(collector.get(name) or 0) for name in ("skiprows", "omitend"))
    return Format(json, upload.encoding, delimiter, qualifier, skipped, omitted)


def _mark(said: Any) -> str:
    text = str(said or "")
    return _MARKS.get(text.strip().upper(), text if len(text) == 1 else "")


def load(run: Run) -> None:
    """Write the records of the upload's file, then the files that tell what came of them."""
    upload = BulkUploadHistory.objects.get(pk=run.id)
    context = run.context(f"bulk load {run.id}")
    loading = _Loading(run, upload, context)
    try:
        loading.stage()
        loading.write()
    except StoppedError:
        close(run.id)
        raise
    except RequestError as error:
        loading.end("FAILED", error.message)
        return
    loading.end("COMPLETED", None)


class _Loading:
    """An attempt at an upload."""

    def __init__(self, run: Run, upload: BulkUploadHistory, context: Context) -> None:
        self.run = run
        self.upload = upload
        self.context = context
        self.plan = plan_of(upload, current(), context)
        self.header = Header()
        if not self.plan.form.json:
            with self._file() as file:
                schema = current().entity(self.plan.entity)
                self.header = header_of(file, self.plan.form, schema)

    def _file(self) -> Any:
        try:
            return contents.opened(key_of(self.upload.all_records_file or ""))
        except FileNotFoundError:
            raise RequestError(
                Code.RECORD_NOT_FOUND, "The file is not in the storage any more; send it again."
            ) from None

    # Staging

    def stage(self) -> None:
        """Read the file into the table, unless an earlier attempt did."""
        staged = BulkStagedRecord.objects.filter(bulk_upload_history_id=self.run.id)
        # A database that crashed has emptied the table.
        if self.upload.staged and staged.count() == self.upload.record_count:
            return
        with self._file() as file, transaction.atomic():
            staged.delete()
            count = 0
            with (
                connection.cursor() as cursor,
                connection.wrap_database_errors,
                cursor.copy("COPY entities_bulkstagedrecord FROM STDIN") as copy,
            ):
                found = records_in(file, self.plan.form, len(self.header.names))
                for portion in _portions(found, _PORTION):
                    copy.write(self._staged(portion))
                    count += len(portion)
                    if self.run.stopped:
                        raise StoppedError
            self.run.keep(record_count=count, staged=True)
        self.upload.record_count = count

    def _staged(self, portion: Sequence[Found]) -> str:
        texts = copy_fields([f.record for f in portion], True)
        problems = copy_fields([f.problem or None for f in portion], True)
        return "".join(
            [
                f"{self.run.id}\t{f.line}\t{text}\t{problem}\n"
                for f, text, problem in zip(portion, texts, problems, strict=True)
            ]
        )

    # Writing

    def write(self) -> None:
        """Write the staged records behind the last chunk, chunk by chunk."""
        done = BulkUploadChunk.objects.filter(bulk_upload_history_id=self.run.id)
        last = done.order_by("-last_line").values_list("last_line", flat=True).first() or 0
        upload = BulkUploadHistory.objects.get(pk=self.run.id)
        accepted, rejected = upload.accepted_count, upload.rejected_count
        while True:
            with connection.cursor() as cursor:
                cursor.execute(_STAGED, [self.run.id, last, CHUNK])
                staged = cursor.fetchall()
            if not staged:
                return
            if self.run.stopped:
                raise StoppedError
            accepted, rejected = self._chunk(staged, accepted, rejected)
            last = staged[-1][0]

    def _chunk(self, staged: list[Any], accepted: int, rejected: int) -> tuple[int, int]:
        """Write the records; how many were accepted and rejected until then."""
        give_up = time.monotonic() + _PATIENCE
        while True:
            try:
                with transaction.atomic():
                    return self._written(staged, accepted, rejected)
            except OperationalError as error:
                broken = isinstance(error.__cause__, pg.DeadlockDetected | pg.SerializationFailure)
                if not broken or time.monotonic() > give_up:
                    raise
            except RequestError as error:
                if error.code != Code.SCHEMA_BUSY or time.monotonic() > give_up:
                    raise
            if self.run.stopped:
                raise StoppedError
            time.sleep(0.2)

    def _written(self, staged: list[Any], accepted: int, rejected: int) -> tuple[int, int]:
        outcomes = self._outcomes(staged)
        taken = sum(o.ok for o in outcomes)
        accepted, rejected = accepted + taken, rejected + len(outcomes) - taken
        form = self.plan.form
        BulkUploadChunk.objects.create(
            bulk_upload_history_id=self.run.id,
            last_line=staged[-1][0],
            accepted=_accepted(staged, outcomes, form),
            rejected=_rejected(staged, outcomes, form, self.header),
        )
        done = (accepted + rejected) * 100 // max(self.upload.record_count, 1)
        # Last, so that who cancels the load need not wait for the chunk.
        self.run.keep(accepted_count=accepted, rejected_count=rejected, progress=min(done, 99))
        return accepted, rejected

    def _outcomes(self, staged: list[Any]) -> list[Outcome]:
        """What came of each record, in order."""
        outcomes: list[Outcome | None] = [None] * len(staged)
        rows: list[tuple[int, dict[str, Any]]] = []
        for place, (_, record, problem) in enumerate(staged):
            if problem is not None:
                outcomes[place] = _unreadable(f"The record can't be read: {problem}.")
                continue
            row = self._row(record)
            if isinstance(row, Outcome):
                outcomes[place] = row
            else:
                rows.append((place, row))
        for turn in self._turns(rows):
            lines = [staged[place][0] for place, _ in turn]
            written = self._verb([row for _, row in turn])
            for (place, _), outcome in zip(turn, written, strict=True):
                outcomes[place] = _by_line(outcome, lines)
        return [o for o in outcomes if o is not None]

    def _row(self, record: str) -> dict[str, Any] | Outcome:
        if self.plan.form.json:
            try:
                read = _read(record)
            except (ValueError, RecursionError) as error:
                return _unreadable(f"The line is no JSON: {error}.")
            if not isinstance(read, dict):
                return _unreadable("The line is no JSON object of field names and values.")
            return {**self.plan.given, **read}
        values = orjson.loads(record)
        row: dict[str, Any] = dict(self.plan.given)
        for place, name in self.header.simple:
            row[name] = values[place]
        for place, relation, name in self.header.related:
            if values[place] != "":
                row.setdefault(relation, {})[name] = values[place]
        return row

    def _turns(
        self, rows: list[tuple[int, dict[str, Any]]]
    ) -> Iterator[list[tuple[int, dict[str, Any]]]]:
        """The rows in portions in which no record is named twice, the earlier ones first."""
        if self.plan.verb == "CREATE":
            if rows:
                yield rows
            return
        key = fold(self.plan.key if self.plan.verb == "UPSERT" else "Id")
        turns: list[list[tuple[int, dict[str, Any]]]] = []
        named: dict[str, int] = {}
        for place, row in rows:
            value = next((str(v) for name, v in row.items() if fold(name) == key), "")
            turn = named[value] = named.get(value, -1) + 1 if value else 0
            if turn == len(turns):
                turns.append([])
            turns[turn].append((place, row))
        yield from turns

    def _verb(self, rows: list[dict[str, Any]]) -> list[Outcome]:
        plan = self.plan
        if plan.verb == "CREATE":
            return records.create(plan.entity, rows, self.context)
        if plan.verb == "UPDATE":
            return records.update(plan.entity, rows, self.context, null_clears=plan.null_clears)
        return records.upsert(
            plan.entity, rows, self.context, key=plan.key, null_clears=plan.null_clears
        )

    # The end

    def end(self, status: str, why: str | None) -> None:
        """End the load with the files of what came of its records."""
        progress = {"progress": 100} if status == "COMPLETED" else {}
        with _told(self.upload, self.plan.form, self.header) as told, transaction.atomic():
            self.run.finish(status, error_text=why, **told, **progress)
            forget(self.run.id)


def unclosed() -> list[int]:
    """Uploads that ended while nobody was there to give them their files."""
    chunks = BulkUploadChunk.objects.filter(bulk_upload_history__status__in=FINISHED)
    return list(chunks.order_by().values_list("bulk_upload_history_id", flat=True).distinct())


def close(upload_id: int) -> None:
    """Give an upload that was stopped the files of what was done until then."""
    upload = BulkUploadHistory.objects.filter(pk=upload_id).first()
    if upload is None:
        forget(upload_id)
    if upload is None or upload.status not in FINISHED:
        return
    form, header = Format(), Header()
    try:
        loading = _Loading(
            Run(BulkUploadHistory, upload_id, upload.attempts, None),
            upload,
            Context.system("bulk load"),
        )
        form, header = loading.plan.form, loading.header
    except RequestError as error:
        log.warning("The file of bulk load %s can't be read any more: %s", upload_id, error.message)
    with _told(upload, form, header) as told, transaction.atomic():
        BulkUploadHistory.objects.filter(pk=upload_id).update(**told)
        forget(upload_id)


def forget(upload_id: int) -> None:
    """Remove what was needed to go on with the upload."""
    BulkUploadChunk.objects.filter(bulk_upload_history_id=upload_id).delete()
    BulkStagedRecord.objects.filter(bulk_upload_history_id=upload_id).delete()


@contextmanager
def _told(upload: BulkUploadHistory, form: Format, header: Header) -> Iterator[dict[str, str]]:
    """The files of what came of the records, as values for the upload; discarded if the block
    raises."""
    ending = "jsonl" if form.json else "csv"
    heads = {
        "accepted": "" if form.json else _line(["LineNumber", "Id", "Created"]),
        "rejected": "" if form.json else _line([*TOLD, *header.names], form),
    }
    keys: list[str] = []
    values: dict[str, str] = {}
    chunks = BulkUploadChunk.objects.filter(bulk_upload_history_id=upload.pk).order_by("last_line")
    try:
        for kind, head in heads.items():
            size = chunks.aggregate(size=Sum(Length(kind)))["size"] or 0
            if not size:
                continue
            held = io.BytesIO()
            packed = size > _PACKED_FROM
            with gzip.open(held, "wb", 6) if packed else nullcontext(held) as file:
                file.write(head.encode())
                for text in chunks.values_list(kind, flat=True).iterator(chunk_size=20):
                    file.write(text.encode())
            name = f"{kind}-{upload.pk}.{ending}" + (".gz" if packed else "")
            stored = contents.put(name, held.getvalue())
            keys.append(stored.key)
            values[f"{kind}_records_file"] = f"{stored.key}/{stored.file_name}"
        yield values
    except Exception:
        contents.discard(keys)
        raise


def _accepted(staged: list[Any], outcomes: list[Outcome], form: Format) -> str:
    done = [
        (line, str(o.id), "true" if o.created else "false")
        for (line, _, _), o in zip(staged, outcomes, strict=True)
        if o.ok
    ]
    if form.json:
        return "".join(
            f'{{"LineNumber":{line},"Id":"{record}","Created":"{created}"}}\n'
            for line, record, created in done
        )
    return "".join(f"{line},{record},{created}\r\n" for line, record, created in done)


def _rejected(staged: list[Any], outcomes: list[Outcome], form: Format, header: Header) -> str:
    lines = []
    for (line, record, _), outcome in zip(staged, outcomes, strict=True):
        if outcome.ok:
            continue
        problems = outcome.problems
        code = str(problems[0].code)
        fields = ",".join(dict.fromkeys(p.field for p in problems if p.field))
        text = " ".join(p.message for p in problems)
        if form.json:
            told = {
                "LineNumber": line,
                "ErrorCode": code,
                "ErrorElementField": fields,
                "ErrorText": text,
                "Record": record,
            }
            lines.append(orjson.dumps(told).decode() + "\n")
        else:
            lines.append(_line([str(line), code, fields, text, *orjson.loads(record)], form))
    # No text of the database holds a NUL; that there was one is told.
    return "".join(lines).replace("\0", "\ufffd")


def _line(values: Sequence[str], form: Format | None = None) -> str:
    """A line of CSV, between values what stands there in the file that was sent."""
    form = form or Format()
    written = io.StringIO()
    csv.writer(
        written,
        delimiter=form.delimiter,
        quotechar=form.qualifier,
        lineterminator="\r\n",
    ).writerow(values)
    return written.getvalue()


def _portions(found: Iterator[Found], size: int) -> Iterator[list[Found]]:
    while portion := list(islice(found, size)):
        yield portion


def _unreadable(message: str) -> Outcome:
    return Outcome(None, (Problem(Code.INVALID_RECORD, "", message),))


def _by_line(outcome: Outcome, lines: Sequence[int]) -> Outcome:
    """The outcome with lines of the file in the place of records of a request."""
    if outcome.ok or not any(p.code == Code.DUPLICATE_IN_REQUEST for p in outcome.problems):
        return outcome

    def line(found: re.Match[str]) -> str:
        return f"line {lines[int(found[1])]} of the file"

    told = tuple(replace(p, message=_PLACE.sub(line, p.message)) for p in outcome.problems)
    return replace(outcome, problems=told)
