"""Sources become tables: each format, whatever is wrong with a record or a file."""

import csv
import gzip
import io
import tracemalloc
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.mediation.reading import (
    TABLE,
    Layout,
    Sessions,
    UnreadableError,
    stage,
    staging,
    unpacking,
)
from billing.mediation.reading.layout import value_sql
from metabrm import environment

pytestmark = pytest.mark.django_db


def read(content: bytes, **layout: Any) -> list[tuple[Any, ...]]:
    """line, problem, and the values of each record."""

    @contextmanager
    def opened() -> Any:
        with unpacking.unpacked(io.BytesIO(content)) as file:
            yield file

    with transaction.atomic(), connection.cursor() as django:
        django.execute(f"DROP TABLE IF EXISTS {TABLE}")
        cursor = connection.connection.cursor()
        staged = stage(Sessions(cursor), opened, Layout(**layout))
        values = ", ".join(f"c{n}" for n in range(1, len(staged.names) + 1))
        cursor.execute(f"SELECT line, problem, {values} FROM {TABLE} ORDER BY line")
        found = cursor.fetchall()
        assert len(found) == staged.count
        return found


CSV = b"a,1\nb,2\nc,3\n"
WANTED = [(1, None, "a", "1"), (2, None, "b", "2"), (3, None, "c", "3")]


def zipped(*contents: bytes, name: str = "usage.csv") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}/{name}", content)
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "layout", "wanted"),
    [
        (CSV, {}, WANTED),
        (b"", {}, []),
        (b"\n\n", {}, []),
        (CSV[:-1], {}, WANTED),
        (CSV + b"\n\n", {}, WANTED),
        (b"\xef\xbb\xbf" + CSV, {}, WANTED),
        (CSV.replace(b"\n", b"\r\n"), {}, WANTED),
        (gzip.compress(CSV, mtime=0), {}, WANTED),
        (zipped(CSV), {}, WANTED),
        (zipped(CSV, name="../../etc/passwd"), {}, WANTED),
        (CSV.decode().encode("utf-16"), {"encoding": "UTF-16"}, WANTED),
        (CSV.replace(b",", b"\t"), {"delimiter": "\t"}, WANTED),
        (CSV.replace(b",", b"||"), {"delimiter": "||"}, WANTED),
        (
            b"HDR,20260101,x\nto,n\n" + CSV + b"TRL,3\n",
            {"skipped": 1, "header": True, "omitted": 1},
            [(line + 2, *rest) for line, *rest in WANTED],
        ),
        (b"Stra\xdfe,1\n", {"encoding": "WINDOWS-1252"}, [(1, None, "Straße", "1")]),
        (b"a;'b;c'\n", {"delimiter": ";", "qualifier": "'"}, [(1, None, "a", "b;c")]),
        (b'a,"b"\n', {"qualifier": ""}, [(1, None, "a", '"b"')]),
        # A value that goes on: the next record is two lines further.
        (
            b'a,"1\n2"\nb,3\n',
            {},
            [(1, None, "a", "1\n2"), (3, None, "b", "3")],
        ),
        # One bad record leaves the others alone.
        (
            b"a,1\nb\nc,2,x\nd,\x00\ne,3\n",
            {},
            [
                (1, None, "a", "1"),
                (2, "It has 1 value; the others have 2.", None, None),
                (3, "It has 3 values; the others have 2.", None, None),
                (4, "It contains a NUL character.", None, None),
                (5, None, "e", "3"),
            ],
        ),
        (
            b'a,1\nb,2,"x\nc,3\n',
            {},
            [
                (1, None, "a", "1"),
                (
                    2,
                    "It has 3 values; the others have 2. It goes on to line 3: is a quotation mark "
                    "missing?",
                    None,
                    None,
                ),
            ],
        ),
        (
            b"a,\xff\nb,2\n",
            {},
            [(1, "It is no UTF-8 text.", None, None), (2, None, "b", "2")],
        ),
        (
            b"a,\x81\nb,2\n",
            {"encoding": "WINDOWS-1252"},
            [(1, "It is no WINDOWS-1252 text.", None, None), (2, None, "b", "2")],
        ),
        # The database would end there.
        (b"a,1\n\\.\nb,2\n", {}, [
            (1, None, "a", "1"),
            (2, "It has 1 value; the others have 2.", None, None),
            (3, None, "b", "2"),
        ]),
        (b"ab 12\ncd  3\n", {"format": "FIXED WIDTH"}, [(1, None, "ab 12"), (2, None, "cd  3")]),
        (
            b'{"t":{"n":"a"},"q":1.10,"l":[5,{"x":true}]}\n{"t"\n7\n',
            {"format": "JSON", "sources": ("t.n", "q", "l.1.x", "gone")},
            [
                (1, None, "a", "1.10", "true", None),
                (2, "It is no JSON: Input data was truncated.", *[None] * 4),
                (3, "It is no JSON object.", *[None] * 4),
            ],
        ),
        (
            b'<u xmlns="urn:x">\n<r id="7"><t>a</t><q> 1 </q></r>\n<r><t>b</t></r></u>',
            {"format": "XML", "sources": ("t", "q", "@id")},
            [(2, None, "a", "1", "7"), (3, None, "b", None, None)],
        ),
        (
            b"<u><h>x</h><b><r>1</r><r>2</r></b></u>",
            {"format": "XML", "path": "b/r", "sources": (".",)},
            [(1, None, "1"), (1, None, "2")],
        ),
    ],
)  # fmt: skip
def test_records_are_read(
    content: bytes, layout: dict[str, Any], wanted: list[tuple[Any, ...]]
) -> None:
    assert read(content, **layout) == wanted


def test_parquet_is_read_by_its_columns() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"who": ["a", None], "n": [{"q": 1}, {"q": 2}], "other": [1.5, 2.5]})
    written = io.BytesIO()
    pq.write_table(table, written)
    for content in (
        written.getvalue(),
        gzip.compress(written.getvalue()),
        zipped(written.getvalue()),
    ):
        found = read(content, format="PARQUET", sources=("who", "n.q", "gone"))
        assert found == [(1, None, "a", "1", None), (2, None, None, "2", None)]


BOMB = b'<!DOCTYPE l [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><l><r>&b;</r></l>'


@pytest.mark.parametrize(
    ("content", "layout", "told"),
    [
        (gzip.compress(CSV, mtime=0)[:-9], {}, "not wholly packed"),
        (zipped(CSV, CSV), {}, "holds 2 files"),
        (zipped(CSV)[:-30], {}, "not wholly packed"),
        (CSV.decode().encode("utf-16"), {}, "The file is UTF-16"),
        (b"\xff\xfea", {"encoding": "UTF-16"}, "no UTF-16 text"),
        (b"x" * 6_000_000, {}, "longer than 4,194,304"),
        (b'a,"1\n' + b"b,2\n" * 2_000_000, {}, "begins on line 1 .* quotation mark missing"),
        (b",".join([b"1"] * 1_001), {}, "1,000 are the most"),
        (b"[1,\n2]", {"format": "JSON"}, "a JSON list"),
        (b"<u><r></u>", {"format": "XML"}, "no XML"),
        (BOMB, {"format": "XML"}, "document type"),
        (b'<?xml version="1.0" encoding="utf-7"?><l/>', {"format": "XML"}, "no XML"),
        (b"<r>" * 200, {"format": "XML"}, "100 deep"),
        (b"no parquet", {"format": "PARQUET"}, "no Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    content: bytes, layout: dict[str, Any], told: str
) -> None:
    with pytest.raises(UnreadableError, match=told):
        read(content, **layout)


def test_a_file_that_unpacks_to_much_more_than_it_is_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unpacking, "SUSPICIOUS_FROM", 1_000_000)
    with pytest.raises(UnreadableError, match="250 times its size"):
        read(gzip.compress(b"a,1\n" * 4_000_000))
    with pytest.raises(UnreadableError, match="250 times its size"):
        read(zipped(b"a,1\n" * 4_000_000))


def test_a_parquet_file_may_not_become_larger_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    small = replace(environment.current(), usage_megabytes=1)
    monkeypatch.setattr(environment, "current", lambda: small)
    written = io.BytesIO()
    pq.write_table(pa.table({"who": pa.array(["x" * 1000] * 2_000).dictionary_encode()}), written)
    assert len(written.getvalue()) < 10_000
    with pytest.raises(UnreadableError, match="more than 1,048,576 bytes once it is unpacked"):
        read(written.getvalue(), format="PARQUET", sources=("who",))


def test_a_plain_file_goes_on_in_large_pieces_and_flat_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(staging, "records_of", None)
    content = b"4915112345678,2026-11-01T10:00:00,1.5,DATA\n" * 600_000
    tracemalloc.start()
    found = read(content[:43] * 3)
    assert len(found) == 3

    @contextmanager
    def opened() -> Any:
        yield io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]

    with transaction.atomic():
        connection.cursor().execute(f"DROP TABLE IF EXISTS {TABLE}")
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert stage(Sessions(connection.connection.cursor()), opened, Layout()).count == 600_000
        peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("layout", "names", "source", "sql"),
    [
        (Layout(), ["To", "Quantity"], "quantity", "nullif(btrim({t}.c2), '')"),
        (Layout(), ["To", "Quantity"], "2", "nullif(btrim({t}.c2), '')"),
        (Layout(), ["To", "Quantity"], "Column1", "nullif(btrim({t}.c1), '')"),
        (Layout(), ["To", "Quantity"], "3", None),
        (Layout(), ["To"], "c1); DROP TABLE x", None),
        (
            Layout(format="FIXED WIDTH"),
            ["line"],
            "11-20",
            "nullif(btrim(substr({t}.c1, 11, 10)), '')",
        ),
        (Layout(format="FIXED WIDTH"), ["line"], "20-11", None),
        (Layout(format="JSON", sources=("a.b",)), ["a.b"], "a.b", "nullif(btrim({t}.c1), '')"),
        (Layout(format="JSON", sources=("a.b",)), ["a.b"], "a.c", None),
    ],
)
def test_a_source_has_a_place_in_the_record(
    layout: Layout, names: list[str], source: str, sql: str | None
) -> None:
    assert value_sql(layout, names, source) == sql


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(2, 4).flatmap(
        lambda n: st.lists(st.lists(VALUES, min_size=n, max_size=n), min_size=1, max_size=6)
    ),
    # A writer that ends lines by LF leaves a CR unquoted, which is a line end to every reader.
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_a_delimited_file_reads_as_pythons_csv_does(
    records: list[list[str]], form: tuple[str, Any], delimiter: str
) -> None:
    end, quoting = form
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows(records)
    text = written.getvalue()
    oracle = [
        [value or None for value in row]
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if row
    ]
    found = read(text.encode(), delimiter=delimiter)
    assert [[value or None for value in row[2:]] for row in found] == oracle
    assert [row[1] for row in found] == [None] * len(oracle)
