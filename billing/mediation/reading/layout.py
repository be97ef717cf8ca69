"""How records are written, as their collector says, and where in a record a value stands."""

import re
from dataclasses import dataclass

from billing.mediation.models.collectors import (
    DELIMITED,
    FIXED_WIDTH,
    JSON,
    PARQUET,
    XML,
    ActivityCollector,
)

#: Encoding of a collector -> Python's name of it.
CODECS = {
    "UTF-8": "utf-8",
    "UTF-16": "utf-16",
    "WINDOWS-1252": "cp1252",
    "ISO-8859-1": "latin-1",
}
#: Most columns of a record.
MOST_COLUMNS = 1_000
_FORMATS = {
    "": DELIMITED,
    "CSV": DELIMITED,
    "TSV": DELIMITED,
    "DELIMITED": DELIMITED,
    "FIXED": FIXED_WIDTH,
    "FIXED WIDTH": FIXED_WIDTH,
    "FIXEDWIDTH": FIXED_WIDTH,
    "JSON": JSON,
    "JSON LINES": JSON,
    "JSONL": JSON,
    "NDJSON": JSON,
    "XML": XML,
    "PARQUET": PARQUET,
}
_MARKS = {"TAB": "\t", "\\T": "\t", "COMMA": ",", "SEMICOLON": ";", "PIPE": "|"}
_NONE = ("NONE", "OFF")
_RANGE = re.compile(r"\s*([0-9]{1,6})\s*(?:-\s*([0-9]{1,6})\s*)?")
_COLUMN = re.compile(r"(?:column)?\s*([0-9]{1,4})", re.IGNORECASE)


class UnreadableError(Exception):
    """What is wrong with a source as a whole, in a sentence for people."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the records of a source are written.

    skipped   lines before the header or the first record
    omitted   lines behind the last record
    header    whether the line behind the skipped ones names the columns
    path      of XML: the elements that are records
    sources   of JSON, XML and Parquet: the paths of the values that are wanted
    """

    format: str = DELIMITED
    encoding: str = "UTF-8"
    delimiter: str = ","
    qualifier: str = '"'
    skipped: int = 0
    omitted: int = 0
    header: bool = False
    path: str = ""
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, collector: ActivityCollector, sources: tuple[str, ...] = ()) -> "Layout":
        """UnreadableError for a format, delimiter or qualifier that there is not."""
        said = (collector.record_format or "").strip().upper().replace("-", " ").replace("_", " ")
        if said not in _FORMATS:
            raise UnreadableError(
                f"RecordFormat is {collector.record_format!r}; it is one of DELIMITED, FIXED "
                f"WIDTH, JSON, XML and PARQUET."
            )
        usual = "\t" if said == "TSV" else ","
        qualifier = (collector.field_included_char or '"').strip() or '"'
        if qualifier.upper() in _NONE:
            qualifier = ""
        delimiter = _mark(collector.delimiter) or usual
        if len(qualifier) > 1 or qualifier == delimiter:
            raise UnreadableError(
                f"FieldIncludedChar is {qualifier!r}; it is one character, another than the "
                f"delimiter, or NONE."
            )
        return cls(
            format=_FORMATS[said],
            encoding=collector.encoding,
            delimiter=delimiter,
            qualifier=qualifier,
            skipped=collector.skip_rows or 0,
            omitted=collector.omit_end or 0,
            # A record that says itself what its values are called stands below no header.
            header=collector.header_row_flag and _FORMATS[said] in (DELIMITED, FIXED_WIDTH),
            path=(collector.record_path or "").strip("/ "),
            sources=sources,
        )

    @property
    def by_path(self) -> bool:
        """Whether values have paths, not places."""
        return self.format in (JSON, XML, PARQUET)


def _mark(said: str | None) -> str:
    text = said or ""
    return _MARKS.get(text.strip().upper(), text)


def value_sql(layout: Layout, names: list[str], source: str) -> str | None:
    """SQL of the text at `source` over the alias `{t}` of the load's table, NULL where there is
    none; None if no record has such a place. `names` are those of the columns."""
    if layout.format == FIXED_WIDTH:
        found = _RANGE.fullmatch(source)
        if found is None:
            return None
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last:
            return None
        return f"nullif(btrim(substr({{t}}.c1, {first}, {last - first + 1})), '')"
    number = _number(layout, names, source)
    return None if number is None else f"nullif(btrim({{t}}.c{number}), '')"


def _number(layout: Layout, names: list[str], source: str) -> int | None:
    if layout.by_path:
        return layout.sources.index(source) + 1 if source in layout.sources else None
    wanted = source.strip().casefold()
    for place, name in enumerate(names, 1):
        if name.strip().casefold() == wanted:
            return place
    numbered = _COLUMN.fullmatch(source.strip())
    if numbered and 1 <= int(numbered[1]) <= len(names):
        return int(numbered[1])
    return None
