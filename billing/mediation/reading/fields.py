"""Records whose values have paths: JSON, XML and Parquet.

A path goes down by names with dots between, through lists by numbers from 0: `items.0.bytes`. In
XML slashes are as good as dots, an attribute is `item/@id`, and `.` is the text of the record
itself; namespaces are left out. Of each record the wanted values are taken, and the whole is kept
as JSON.
"""

import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import IO, Any
from xml.etree.ElementTree import ParseError

import msgspec
import orjson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from billing.mediation.reading.body import CHUNK, MOST_OF_A_RECORD, Body
from billing.mediation.reading.delimited import Found, shown
from billing.mediation.reading.layout import Layout, UnreadableError
from billing.mediation.reading.unpacking import most_bytes, too_large

_STEPS = re.compile(r"[./]")
_DEEP = 100
_read = msgspec.json.Decoder(float_hook=Decimal).decode
#: Records of a Parquet file that are taken at a time.
_BATCH = 20_000


# JSON


def json_records(body: Body, layout: Layout) -> Iterator[Found]:
    """An object a line."""
    paths = [_STEPS.split(source) for source in layout.sources]
    line = body.first - 1
    for piece in body:
        for text in io.BytesIO(piece):
            line += 1
            text = text.strip()
            if not text:
                continue
            if text[:1] == b"[":
                raise UnreadableError("The file is a JSON list; send its objects, one a line.")
            yield _json_record(line, text, paths, layout.sources)


def _json_record(
    line: int, text: bytes, paths: Sequence[list[str]], sources: Sequence[str]
) -> Found:
    raw = shown(text.decode("utf-8", "replace"))
    try:
        record = _read(text)
    except (ValueError, RecursionError) as error:
        return Found(line, [], f"It is no JSON: {error}.", raw)
    if not isinstance(record, dict):
        return Found(line, [], "It is no JSON object.", raw)
    # A name may have dots itself.
    values = [
        _text(record[source] if source in record else _at(record, path))
        for source, path in zip(sources, paths, strict=True)
    ]
    if any(value and "\0" in value for value in values) or "\\u0000" in raw:
        return Found(line, [], "It contains a NUL character.", raw.replace("\\u0000", "\ufffd"))
    return Found(line, values, "", raw)


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < 40 else str(value)


# XML


class _Records:
    """What the parser tells of: collects the values of each record."""

    def __init__(self, path: str) -> None:
        self.path = [step for step in _STEPS.split(path) if step]
        self.open: list[str] = []
        self.depth = 0
        self.values: dict[str, str] | None = None
        self.text: list[str] = []
        self.size = 0
        self.begun = 0
        self.ready: list[tuple[int, dict[str, str]]] = []
        self.line = lambda: 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if len(self.open) >= _DEEP:
            raise UnreadableError(f"The file has elements {_DEEP} deep, as no usage has.")
        self.open.append(name)
        if self.values is None:
            if not self._begins():
                return
            self.values, self.depth, self.size, self.begun = {}, len(self.open), 0, self.line()
        where = "/".join(self.open[self.depth :])
        for key, value in attributes.items():
            self._keep(f"{where}/@{_local(key)}".lstrip("/"), value)
        self.text = []

    def _begins(self) -> bool:
        if not self.path:
            return len(self.open) == 2
        below = self.open[1:]
        return below == self.path or self.open == self.path

    def data(self, text: str) -> None:
        if self.values is not None:
            self.size += len(text)
            if self.size > MOST_OF_A_RECORD:
                raise UnreadableError(
                    f"The record on line {self.begun} is longer than {MOST_OF_A_RECORD:,} "
                    f"characters."
                )
            self.text.append(text)

    def end(self, tag: str) -> None:
        if self.values is not None:
            where = "/".join(self.open[self.depth :])
            text = "".join(self.text).strip()
            if text or where:
                self._keep(where or ".", text)
            self.text = []
            if len(self.open) == self.depth:
                self.ready.append((self.begun, self.values))
                self.values = None
        self.open.pop()

    def _keep(self, where: str, value: str) -> None:
        assert self.values is not None
        self.size += len(where) + len(value)
        # Of several elements with one name the first counts.
        self.values.setdefault(where, value)

    def close(self) -> None: ...


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def xml_records(file: IO[bytes], layout: Layout) -> Iterator[Found]:
    """The elements at the layout's path; UnreadableError for what is no XML or defines entities."""
    target = _Records(layout.path)
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    target.line = lambda: int(parser.parser.CurrentLineNumber)
    wanted = [source.replace(".", "/") if source != "." else "." for source in layout.sources]
    try:
        while piece := file.read(CHUNK // 4):
            parser.feed(piece)
            yield from _taken(target, wanted)
        parser.close()
    except DefusedXmlException as error:
        raise UnreadableError("The file defines a document type, which is not taken.") from error
    except (ParseError, ValueError, LookupError) as error:
        # An encoding that the parser does not know is a ValueError or a LookupError.
        raise UnreadableError(f"The file is no XML: {error}.") from error
    yield from _taken(target, wanted)


def _taken(target: _Records, wanted: Sequence[str]) -> Iterator[Found]:
    for line, values in target.ready:
        yield Found(line, [values.get(w) for w in wanted], "", orjson.dumps(values).decode())
    target.ready = []


# Parquet


def _seekable(file: IO[bytes]) -> IO[bytes]:
    """The file itself; what is unpacked as it is read is put down first, for Parquet is read from
    its end."""
    if file.seekable():
        return file
    whole: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it goes when nobody holds it
    shutil.copyfileobj(file, whole, CHUNK)
    whole.seek(0)
    return whole


def parquet_pieces(file: IO[bytes], layout: Layout) -> Iterator[tuple[bytes, int]]:
    """CSV of line and wanted values of many records, and how many; UnreadableError."""
    try:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.csv
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UnreadableError(
            "Parquet is not installed here; install metabrm with its extra: metabrm[parquet]."
        ) from error
    line, given = 0, 0
    most = most_bytes()
    try:
        parquet = pq.ParquetFile(_seekable(file))
        known = {field.name for field in parquet.schema_arrow}
        wanted = [_STEPS.split(source) for source in layout.sources]
        used = sorted({path[0] for path in wanted} & known)
        for batch in parquet.iter_batches(batch_size=_BATCH, columns=used):
            columns = [pa.array(range(line + 1, line + 1 + len(batch)))]
            for path in wanted:
                column = batch.column(path[0]) if path[0] in known else None
                for step in path[1:]:
                    column = None if column is None else pc.struct_field(column, step)
                empty = pa.nulls(len(batch), pa.string())
                columns.append(empty if column is None else column.cast(pa.string()))
            table = pa.table(columns, names=[str(n) for n in range(len(columns))])
            written = io.BytesIO()
            options = pyarrow.csv.WriteOptions(include_header=False)
            pyarrow.csv.write_csv(table, written, options)
            given += written.tell()
            if given > most:
                raise too_large(most)
            yield written.getvalue(), len(batch)
            line += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"The file is no Parquet that can be read: {error}.") from error
