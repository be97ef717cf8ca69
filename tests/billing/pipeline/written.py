"""Records as the collector's files have them: the bytes, and the line that each begins on."""

import csv
import gzip
import io
import json
import zipfile
from xml.sax.saxutils import escape

from tests.billing.pipeline.described import Collector, Record

NAMES = ("who", "at", "much", "kind", "label", "rate", "cost", "origin", "goal")
#: Characters of a value of fixed width.
WIDTH = 40


def source_of(collector: Collector, name: str) -> str:
    """Where a mapping finds a value."""
    place = NAMES.index(name)
    if collector.form == "FIXED WIDTH":
        return f"{place * WIDTH + 1}-{(place + 1) * WIDTH}"
    if collector.form in ("JSON", "PARQUET"):
        return f"data.{name}" if name == "much" else name
    if collector.form == "XML":
        return f"@{name}" if name == "who" else f"of/{name}" if name == "much" else name
    return name if collector.header else f"Column{place + 1}"


def framed(collector: Collector) -> bool:
    """Whether there are lines before and behind the records."""
    return collector.form in ("DELIMITED", "FIXED WIDTH")


def written(
    collector: Collector, records: list[Record], trailer: str
) -> tuple[bytes, list[tuple[int, Record]]]:
    """A file, and its records with their lines."""
    if collector.form == "PARQUET":
        return _packed(collector, _parquet(records)), list(enumerate(records, 1))
    first = collector.skipped + 1 if framed(collector) else 1
    lines = [f"HDR{number}" for number in range(collector.skipped)] if framed(collector) else []
    if collector.form == "XML":
        first = 2
        lines = ["<usage>"]
    if framed(collector) and collector.header:
        first += 1
        lines.append(_delimited(collector, list(NAMES)))
    lines += [_record(collector, record) for record in records]
    if collector.form == "XML":
        lines.append("</usage>")
    if framed(collector) and collector.trailer:
        lines.append(_delimited(collector, ["TRL", *trailer.split()]))
    text = "\n".join(lines) + "\n"
    return _packed(collector, text.encode(collector.encoding)), list(enumerate(records, first))


def _packed(collector: Collector, data: bytes) -> bytes:
    if collector.packed == "GZ":
        return gzip.compress(data, mtime=0)
    if collector.packed == "ZIP":
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("usage", data)
        return held.getvalue()
    return data


def _parquet(records: list[Record]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [getattr(one, name) or None for one in records] for name in NAMES}
    much = columns.pop("much")
    texts = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    held = pa.StructArray.from_arrays([pa.array(much, pa.string())], ["much"])
    file = io.BytesIO()
    pq.write_table(pa.table({**texts, "data": held}), file, row_group_size=17)
    return file.getvalue()


def values_of(record: Record) -> list[str]:
    return [getattr(record, name) for name in NAMES]


def _record(collector: Collector, record: Record) -> str:
    values = values_of(record)
    if collector.form == "FIXED WIDTH":
        return "".join(value.ljust(WIDTH) for value in values)
    named = dict(zip(NAMES, values, strict=True))
    if collector.form == "JSON":
        if record.broken:
            return json.dumps(named)[:-3]
        much = named.pop("much")
        return json.dumps({**{k: v or None for k, v in named.items()}, "data": {"much": much}})
    if collector.form == "XML":
        inner = "".join(
            f"<{name}>{escape(value)}</{name}>"
            for name, value in named.items()
            if name not in ("who", "much")
        )
        inner += f"<of><much>{escape(record.much)}</much></of>"
        return f'<record who="{escape(record.who)}">{inner}</record>'
    return _delimited(collector, [*values, "more"] if record.broken else values)


def _delimited(collector: Collector, values: list[str]) -> str:
    if collector.form == "FIXED WIDTH":
        return "".join(value.ljust(WIDTH) for value in values)
    delimiter = "\t" if collector.delimiter == "TAB" else collector.delimiter
    if len(delimiter) > 1 or collector.qualifier == "NONE":
        return delimiter.join(values)
    line = io.StringIO()
    csv.writer(
        line, delimiter=delimiter, quotechar=collector.qualifier, lineterminator=""
    ).writerow(values)
    return line.getvalue()
