"""The records in a file, one after the other, whatever is wrong with it.

What is wrong with the file as a whole (not a text, no header, names that are no fields, too large)
is raised; what is wrong with one record is told with the record, and the next one is read as if
nothing had been. The file is never held: it is unpacked, decoded and read as it comes.
"""

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from entities.errors import Code, RequestError, nearest
from entities.schema.description import EntitySchema, fold

#: Records of one file.
MOST_RECORDS = 200_000
#: Bytes of a file once it is unpacked.
MOST_UNPACKED = 512 * 1024 * 1024
#: Characters of a value, and of a record.
MOST_CHARACTERS = 1024 * 1024
MOST_OF_A_RECORD = 4 * MOST_CHARACTERS
FIELD = "AllRecordsFile"
#: What RejectedRecordsFile has beside the records: it can be corrected and sent as it is.
TOLD = ("LineNumber", "ErrorCode", "ErrorElementField", "ErrorText")
_CODECS = {
    "UTF-8": "utf-8-sig",
    "UTF-16": "utf-16",
    "WINDOWS-1252": "cp1252",
    "ISO-8859-1": "latin-1",
}
_SHOWN = 5

csv.field_size_limit(MOST_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is to be read: `skipped` lines come before the header, `omitted` lines that are
    not blank behind the last record."""

    json: bool = False
    encoding: str = "UTF-8"
    delimiter: str = ","
    qualifier: str = '"'
    skipped: int = 0
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A record at a line: JSON of its values in the order of the header, or of the object that the
    line is; and why it can't be read, "" if it can."""

    line: int
    record: str
    problem: str = ""


@dataclass
class Header:
    """The columns of a CSV file, as the verbs take them.

    names     as written
    simple    (place, field) of plain fields
    related   (place, relation, field of its target) of `AccountIdObj.ExternalKey`
    """

    names: list[str] = field(default_factory=list)
    simple: list[tuple[int, str]] = field(default_factory=list)
    related: list[tuple[int, str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, names: list[str], schema: EntitySchema) -> "Header":
        """RequestError for a column without a name, without a field, or that is there twice."""
        header = cls(names)
        seen: dict[str, str] = {}
        unknown: list[str] = []
        for place, name in enumerate(names):
            key = fold(name.strip())
            if not key:
                raise _refused(f"Column {place + 1} of the header has no name; give it a field's.")
            if key in seen:
                raise _refused(
                    f"The header has {seen[key]!r} and {name!r}, which is one column; send it once."
                )
            seen[key] = name
            relation, dot, of = name.strip().partition(".")
            if dot and schema.relation(relation) is not None and of:
                header.related.append((place, relation, of))
            elif (found := schema.find(name.strip())) is not None and found.api_accessible:
                header.simple.append((place, found.name))
            elif key not in _TOLD:
                unknown.append(name)
        if unknown:
            known = [f.name for f in schema.fields if f.api_accessible]
            told = ", ".join(
                repr(name[:80]) + nearest(name, known).replace(" Did", " (did").replace("?", "?)")
                for name in unknown[:_SHOWN]
            )
            more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
            raise _refused(
                f"{schema.name} has no field for the columns {told}{more}. The first line names "
                f"the fields; is another delimiter meant?",
                Code.UNKNOWN_FIELD,
            )
        return header


_TOLD = frozenset(map(fold, TOLD))


def header_of(file: BinaryIO, form: Format, schema: EntitySchema) -> Header:
    """The header of a file; RequestError for one that has none."""
    lines = _Lines(file, form)
    for _, values in _rows(lines, form):
        if isinstance(values, list):
            broken = next((v for v in values if _undecoded(v)), None)
            if broken is not None:
                raise _refused(
                    f"The first line is no {form.encoding} text; is it another Encoding?"
                )
            return Header.of(values, schema)
        raise _refused(f"The first line, which names the fields, can't be read: {values}.")
    raise _refused("The file is empty; the first line names the fields.")


def records_in(file: BinaryIO, form: Format, columns: int) -> Iterator[Found]:
    """The records of a file; of CSV, those after the header of so many `columns`.

    RequestError for a file without records or with too many.
    """
    lines = _Lines(file, form)
    count = 0
    coming = _objects(lines, form) if form.json else _values(lines, form, columns)
    for found in _but_the_last(coming, form.omitted):
        count += 1
        if count > MOST_RECORDS:
            raise _refused(
                f"The file has more than {MOST_RECORDS:,} records; send it in parts.",
                Code.REQUEST_TOO_LARGE,
            )
        yield found
    if not count:
        raise _refused(
            "The file is empty; send a JSON object a line."
            if form.json
            else "The file has a header and no records."
        )


def _but_the_last(found: Iterator[Found], left: int) -> Iterator[Found]:
    held: deque[Found] = deque()
    for one in found:
        held.append(one)
        if len(held) > left:
            yield held.popleft()


def _objects(lines: "_Lines", form: Format) -> Iterator[Found]:
    for number, line in enumerate(lines, 1):
        lines.taken()
        text = line.strip(" \t\r\n")
        if not text:
            continue
        if text[0] == "[":
            raise _refused("The file is a JSON list; send its objects, one a line.")
        yield _found(number, text, text, form)


def _values(lines: "_Lines", form: Format, columns: int) -> Iterator[Found]:
    rows = _rows(lines, form)
    next(rows, None)
    for number, values in rows:
        if not isinstance(values, list):
            yield Found(number, "[]", values)
        elif len(values) != columns:
            have = "1 value" if len(values) == 1 else f"{len(values)} values"
            record = orjson.dumps([_shown(v) for v in values]).decode()
            yield Found(number, record, f"it has {have}, and the header has {columns} columns")
        else:
            # One look at all of them together: hardly any record has half a character.
            text = orjson.dumps(values).decode() if not _undecoded("".join(values)) else None
            if text is None:
                shown = orjson.dumps([_shown(v) for v in values]).decode()
                yield Found(number, shown, f"it is no {form.encoding} text")
            else:
                yield Found(number, text)


def _rows(lines: "_Lines", form: Format) -> Iterator[tuple[int, list[str] | str]]:
    """Line number and values of each row of CSV that is not blank; or why it can't be read."""
    reader = csv.reader(
        lines,
        delimiter=form.delimiter,
        quotechar=form.qualifier,
        strict=True,
    )
    while True:
        first = lines.number + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.taken()
            yield first, f"it is no CSV: {error}"
            continue
        lines.taken()
        if values and first > form.skipped:
            yield first, values


def _found(number: int, record: str, text: str, form: Format) -> Found:
    if _undecoded(text):
        return Found(number, _shown(text), f"it is no {form.encoding} text")
    if "\0" in record:
        return Found(number, record.replace("\0", "\ufffd"), "it contains a NUL character")
    return Found(number, record)


def _undecoded(text: str) -> bool:
    """Whether there are bytes in it that are no text of the encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _shown(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


class _Lines:
    """The lines of a file with their ends; `number` of them were given so far."""

    def __init__(self, file: BinaryIO, form: Format) -> None:
        self.number = 0
        self._held = 0
        buffered = io.BufferedReader(_Limited(_unpacked(file)), 1 << 16)
        start = _begin(buffered)
        if form.encoding == "UTF-8" and start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise _refused('The file is UTF-16; save it as UTF-8, or set Encoding to "UTF-16".')
        if start[:4] == b"PK\x03\x04":
            raise _refused("The file is a ZIP archive; send the file itself, or pack it by gzip.")
        strict = form.encoding == "UTF-16"
        self._text = io.TextIOWrapper(
            buffered,
            _CODECS[form.encoding],
            errors="strict" if strict else "surrogateescape",
            newline="",
        )

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = self._text.readline(MOST_OF_A_RECORD)
        except UnicodeError as error:
            raise _refused(f"The file is no UTF-16 text from line {self.number + 1} on.") from error
        except _BROKEN as error:
            raise _refused("The file is no whole gzip file; pack it again.") from error
        if not line:
            raise StopIteration
        self.number += 1
        self._held += len(line)
        if self._held >= MOST_OF_A_RECORD:
            raise _refused(
                f"The record that begins before line {self.number + 1} is longer than "
                f"{MOST_OF_A_RECORD:,} characters; is a quotation mark missing?",
                Code.REQUEST_TOO_LARGE,
            )
        return line

    def taken(self) -> None:
        """A record ends here."""
        self._held = 0


_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error)


def _begin(buffered: "io.BufferedReader[_Limited]") -> bytes:
    try:
        return buffered.peek(4)
    except _BROKEN as error:
        raise _refused("The file is no whole gzip file; pack it again.") from error


def _unpacked(file: BinaryIO) -> BinaryIO:
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file, mode="rb") if packed else file  # type: ignore[return-value]


class _Limited(io.RawIOBase):
    """A file that ends in an error where it would become too large."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.left = MOST_UNPACKED

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        found = self.file.read(len(buffer))
        self.left -= len(found)
        if self.left < 0:
            raise _refused(
                f"The file has more than {MOST_UNPACKED:,} bytes once it is unpacked; send it in "
                f"parts.",
                Code.REQUEST_TOO_LARGE,
            )
        buffer[: len(found)] = found
        return len(found)


def _refused(message: str, code: Code = Code.INVALID_VALUE) -> RequestError:
    return RequestError(code, message, field=FIELD)
