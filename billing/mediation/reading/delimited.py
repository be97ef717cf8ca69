"""Records read one by one, where the database would not take the file as it is."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from billing.mediation.models.collectors import FIXED_WIDTH
from billing.mediation.reading.body import MOST_OF_A_RECORD, Body, rows
from billing.mediation.reading.layout import Layout, UnreadableError

#: Characters of a record that are kept of one that can't be read.
_SHOWN = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """A record at a line: its values, or what is wrong with it and how it reads."""

    line: int
    values: list[str | None]
    problem: str = ""
    raw: str = ""


def records_of(body: Body, layout: Layout, columns: int) -> Iterator[Found]:
    """The records between header and trailer."""
    lines = _Lines(body)
    coming = _whole_lines(lines) if layout.format == FIXED_WIDTH else _rows(lines, layout)
    for line, values in coming:
        joined = "".join(values)
        problem = ""
        if "\0" in joined:
            problem = "It contains a NUL character."
        elif not _is_text(joined):
            problem = f"It is no {layout.encoding} text."
        elif len(values) != columns:
            have = "1 value" if len(values) == 1 else f"{len(values)} values"
            problem = f"It has {have}; the others have {columns}."
            if lines.number > line:
                problem += f" It goes on to line {lines.number}: is a quotation mark missing?"
        if problem:
            yield Found(line, [], problem, shown(layout.delimiter.join(values)))
        else:
            yield Found(line, list(values))


def shown(text: str) -> str:
    """A text as the database takes it."""
    return text[:_SHOWN].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole_lines(lines: "_Lines") -> Iterator[tuple[int, list[str]]]:
    for line in lines:
        lines.taken()
        text = line.rstrip("\r\n")
        if text:
            yield lines.number, [text]


def _rows(lines: "_Lines", layout: Layout) -> Iterator[tuple[int, list[str]]]:
    reader = rows(lines, layout)
    while True:
        first = lines.number + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableError(
                f"The record that begins on line {first} can't be read: {error}. Is a quotation "
                f"mark missing?"
            ) from error
        lines.taken()
        if values:
            yield first, values


class _Lines:
    """The lines of a body with their ends; `number` is that of the last one given."""

    def __init__(self, body: Body) -> None:
        self.number = body.first - 1
        self._held = 0
        self._lines = (
            line
            for piece in body
            for line in io.StringIO(piece.decode("utf-8", "surrogateescape"), newline="")
        )

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self._held += len(line)
        if self._held > MOST_OF_A_RECORD:
            raise UnreadableError(
                f"The record that ends behind line {self.number} is longer than "
                f"{MOST_OF_A_RECORD:,} characters; is a quotation mark missing?"
            )
        return line

    def taken(self) -> None:
        """A record ends here."""
        self._held = 0
