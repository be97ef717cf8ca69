"""The lines of a text between its header and its trailer, as bytes of UTF-8 in large pieces.

Nothing looks at single lines here, so that a plain file goes on to the database as fast as it can
be read. Bytes that are no text of the encoding are left as they are: the database refuses them, and
whoever reads record by record then finds out in which they are.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import IO, Any

from billing.mediation.reading.layout import CODECS, MOST_COLUMNS, Layout, UnreadableError

CHUNK = 1 << 20
#: Bytes of a record.
MOST_OF_A_RECORD = 4 * 1024 * 1024
#: Bytes among which the trailer is.
_TAIL = 1 << 18


class Body:
    """The text of a file without what stands before and behind its records.

    head    the skipped lines at the beginning
    names   of the columns: as the header has them, or Column1 and so on
    first   line of the first record, if no value goes over several lines
    tail    the lines behind the last record; known when all was read
    lines   how many lines were given so far
    """

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        self._source = _utf8(file, layout.encoding)
        self._layout = layout
        self._held = b""
        self._ended = False
        self.lines = 0
        self.tail: list[str] = []
        self.head = [self._line() for _ in range(layout.skipped)]
        self.first = layout.skipped + 1 + layout.header
        names = self._line() if layout.header else ""
        self.names = split(names, layout) if layout.header else []

    def numbered_names(self) -> list[str]:
        """Column1 to as many columns as the first record has."""
        while len(self._held) < CHUNK and self._more():
            pass
        lines = io.StringIO(self._held[:MOST_OF_A_RECORD].decode("utf-8", "replace"), newline="")
        for values in rows(lines, self._layout):
            if values:
                if len(values) > MOST_COLUMNS:
                    raise UnreadableError(
                        f"The first record has {len(values):,} columns; {MOST_COLUMNS:,} are the "
                        f"most. Is it another Delimiter?"
                    )
                return [f"Column{number}" for number in range(1, len(values) + 1)]
        return ["Column1"]

    def __iter__(self) -> Iterator[bytes]:
        keep = _TAIL if self._layout.omitted else 0
        while True:
            cut = self._held.rfind(b"\n", 0, max(len(self._held) - keep, 0)) + 1
            if cut:
                piece, self._held = self._held[:cut], self._held[cut:]
                self.lines += piece.count(b"\n")
                yield piece
            elif len(self._held) > MOST_OF_A_RECORD + keep:
                raise UnreadableError(
                    f"Line {self.first + self.lines} is longer than {MOST_OF_A_RECORD:,} bytes; is "
                    f"it another RecordFormat?"
                )
            if not self._more():
                break
        last = self._without_tail()
        if last:
            self.lines += last.count(b"\n")
            yield last

    def _without_tail(self) -> bytes:
        rest = self._held.rstrip(b"\r\n")
        self._held = b""
        for _ in range(self._layout.omitted):
            cut = rest.rfind(b"\n") + 1
            self.tail.insert(0, rest[cut:].decode("utf-8", "replace").rstrip("\r"))
            rest = rest[:cut].rstrip(b"\r\n")
        return rest + b"\n" if rest else b""

    def _line(self) -> str:
        while b"\n" not in self._held and self._more():
            if len(self._held) > MOST_OF_A_RECORD:
                raise UnreadableError(
                    f"The first lines are longer than {MOST_OF_A_RECORD:,} bytes; is it another "
                    f"RecordFormat?"
                )
        line, _, self._held = self._held.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")

    def _more(self) -> bool:
        if self._ended:
            return False
        found = next(self._source, None)
        if found is None:
            self._ended = True
            return False
        self._held += found
        return True


def split(line: str, layout: Layout) -> list[str]:
    """The values of a line."""
    return next(rows(io.StringIO(line, newline=""), layout), [])


def rows(lines: "io.StringIO | Iterator[str]", layout: Layout) -> Iterator[list[str]]:
    """The values of each record in `lines`, which come with their ends; csv.Error."""
    if len(layout.delimiter) == 1:
        quoting: Any = csv.QUOTE_MINIMAL if layout.qualifier else csv.QUOTE_NONE
        reader = csv.reader(
            lines,
            delimiter=layout.delimiter,
            quotechar=layout.qualifier or None,
            quoting=quoting,
        )
        yield from reader
        return
    for line in lines:
        text = line.rstrip("\r\n")
        mark = layout.qualifier
        yield (
            [
                v[1:-1] if mark and len(v) > 1 and v[0] == v[-1] == mark else v
                for v in text.split(layout.delimiter)
            ]
            if text
            else []
        )


def _utf8(file: IO[bytes], encoding: str) -> Iterator[bytes]:
    """The file as UTF-8, without a mark of the byte order."""
    first = True
    if encoding == "UTF-8":
        while piece := file.read(CHUNK):
            if first and piece[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise UnreadableError('The file is UTF-16; set Encoding to "UTF-16".')
            yield piece.removeprefix(codecs.BOM_UTF8) if first else piece
            first = False
        return
    # Of the others every byte can be handed on.
    errors = "strict" if encoding == "UTF-16" else "surrogateescape"
    decoder = codecs.getincrementaldecoder(CODECS[encoding])(errors)
    try:
        while piece := file.read(CHUNK):
            yield decoder.decode(piece).encode("utf-8", errors)
        yield decoder.decode(b"", final=True).encode("utf-8", errors)
    except UnicodeError as error:
        raise UnreadableError("The file is no UTF-16 text.") from error
