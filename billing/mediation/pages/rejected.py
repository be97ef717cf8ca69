"""The records of a load that wait in suspense, as a file like the one that they came in.

Whoever sent the file corrects it and sends it again. Lines before and behind the records are those
of the file, with counts and sums made for what is left; a record of which a part was charged is
left out, since it would be charged twice.
"""

import csv
import io
import json
import tempfile
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath
from typing import IO, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from django.db import connection, transaction

from billing.mediation.models import (
    ActivityCollector,
    ActivityCollectorControl,
    ActivityCollectorHistory,
)
from billing.mediation.models.collectors import DELIMITED, FIXED_WIDTH, XML
from billing.mediation.reading import Layout
from billing.mediation.reading.body import split
from billing.mediation.reading.layout import CODECS

_RECORDS = """
SELECT DISTINCT ON (c.record_number) c.raw_record
FROM mediation_collectorfields c
WHERE c.activity_collector_history_id = %(load)s AND c.process_state = 'SUSPENSE'
  AND c.cause IS NOT NULL AND c.deleted_at IS NULL AND c.raw_record IS NOT NULL {seen}
  AND NOT EXISTS (
    SELECT FROM mediation_activity a
    WHERE a.activity_collector_history_id = %(load)s AND a.line_number = c.record_number
  )
ORDER BY c.record_number, c.id
"""
#: Bytes of a file that are kept in memory.
_IN_MEMORY = 4 * 1024 * 1024
_PORTION = 5_000
_ENDINGS = {XML: ".xml", DELIMITED: ".csv", FIXED_WIDTH: ".txt"}


def written(load: ActivityCollectorHistory, seen: str) -> tuple[str, IO[bytes]]:
    """Name and content of the file; `seen` is the reader's condition over `c`."""
    collector = ActivityCollector.objects.get(pk=load.activity_collector_id)
    layout = Layout.of(collector)
    writer = _Writer(load, collector, layout)
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - whoever sends it closes it
    with transaction.atomic():
        cursor = connection.connection.cursor(name="mediation_rejected")
        with cursor:
            cursor.execute(_RECORDS.format(seen=seen), {"load": load.pk})
            records = (row[0] for portion in _portions(cursor) for row in portion)
            for piece in writer.pieces(records):
                file.write(piece.encode(CODECS[layout.encoding], "replace"))
    file.seek(0)
    return _name(load, layout), file


def _portions(cursor: Any) -> Any:
    while portion := cursor.fetchmany(_PORTION):
        yield portion


def _name(load: ActivityCollectorHistory, layout: Layout) -> str:
    name = PurePosixPath(load.file_name or f"load {load.pk}").name
    for packed in (".gz", ".zip"):
        name = name.removesuffix(packed)
    stem, dot, ending = name.rpartition(".")
    kept = f".{ending}" if dot else _ENDINGS.get(layout.format, ".jsonl")
    return f"{stem or name}.rejected{kept if layout.format in _ENDINGS else '.jsonl'}"


class _Writer:
    """Writes records as the layout has them."""

    def __init__(
        self, load: ActivityCollectorHistory, collector: ActivityCollector, layout: Layout
    ) -> None:
        frame: dict[str, list[str]] = load.frame or {}
        self.names = frame.get("names", [])
        self.head, self.tail = list(frame.get("head", [])), list(frame.get("tail", []))
        self.layout = layout
        own = ActivityCollectorControl.objects.filter(activity_collector=collector, deleted_at=None)
        self.controls = list(own)
        self.sums = {c.source: Decimal() for c in self.controls if c.kind == "SUM" and c.source}
        self.count = 0

    def pieces(self, records: Any) -> Any:
        """The file in pieces. The head has counts too, so it is made when all records are."""
        if self.layout.format == XML:
            yield from self._xml(records)
            return
        body = io.StringIO()
        for raw in records:
            self.count += 1
            body.write(self._line(raw))
        for place, lines in (("HEADER", self.head), ("TRAILER", self.tail)):
            for control in self.controls:
                if control.place == place and 1 <= control.line_number <= len(lines):
                    at = control.line_number - 1
                    lines[at] = self._said(control, lines[at])
        for line in self.head:
            yield f"{line}\n"
        if self.layout.header and self.names:
            yield self._joined(self.names)
        yield body.getvalue()
        for line in self.tail:
            yield f"{line}\n"

    def _line(self, raw: str) -> str:
        if self.layout.format != DELIMITED:
            self._add({}, raw)
            return f"{raw}\n"
        try:
            record = json.loads(raw)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            return f"{raw}\n"
        self._add(record, raw)
        return self._joined([str(record.get(name) or "") for name in self.names or record])

    def _joined(self, values: list[str]) -> str:
        if len(self.layout.delimiter) == 1:
            made = io.StringIO()
            mark = self.layout.qualifier
            csv.writer(
                made,
                delimiter=self.layout.delimiter,
                quotechar=mark or None,
                quoting=csv.QUOTE_MINIMAL if mark else csv.QUOTE_NONE,
                escapechar=None if mark else "\\",
                lineterminator="\n",
            ).writerow(values)
            return made.getvalue()
        return self.layout.delimiter.join(values) + "\n"

    def _add(self, record: dict[str, Any], raw: str) -> None:
        for source in self.sums:
            text = str(record.get(source) or "")
            if self.layout.format == FIXED_WIDTH:
                text = _cut(raw, source)
            try:
                self.sums[source] += Decimal(text.strip() or 0)
            except InvalidOperation:
                continue

    def _said(self, control: ActivityCollectorControl, line: str) -> str:
        """The line with what the control says put right."""
        if control.kind == "TEXT":
            return line
        count = control.kind == "RECORD COUNT"
        value = str(self.count) if count else f"{self.sums.get(control.source or '', 0):f}"
        position = control.position
        if self.layout.format == FIXED_WIDTH or "-" in position:
            first, _, last = position.partition("-")
            begin, end = int(first) - 1, int(last or first)
            return line[:begin].ljust(begin) + value.rjust(end - begin) + line[end:]
        values = split(line, self.layout)
        at = int(position.strip().lower().removeprefix("column") or 0) - 1
        if 0 <= at < len(values):
            values[at] = value
        return self._joined(values).rstrip("\n")

    def _xml(self, records: Any) -> Any:
        steps = [step for step in self.layout.path.replace(".", "/").split("/") if step]
        around, own = (steps[:-1] or ["usage"], steps[-1]) if steps else (["usage"], "record")
        yield "".join(f"<{step}>" for step in around) + "\n"
        for raw in records:
            made = Element(own)
            for where, value in json.loads(raw).items():
                _put(made, where.split("/"), str(value))
            yield tostring(made, encoding="unicode") + "\n"
        yield "".join(f"</{step}>" for step in reversed(around)) + "\n"


def _cut(line: str, source: str) -> str:
    first, _, last = source.partition("-")
    if not (first.strip().isdecimal() and (last or first).strip().isdecimal()):
        return ""
    return line[int(first) - 1 : int(last or first)]


def _put(element: Element, path: list[str], value: str) -> None:
    """Put a value where its path leads, below the element."""
    for step in path:
        if step.startswith("@"):
            element.set(step[1:], value)
            return
        if step not in ("", "."):
            found = element.find(step)
            element = found if found is not None else SubElement(element, step)
    element.text = value
