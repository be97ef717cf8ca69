"""Changing a field's type: what becomes of the values, and which of them stand in the way."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from entities import fieldtypes
from entities.fieldtypes import Refused, cast_check_sql, cast_sql, check_length, default_length
from entities.fieldtypes.casting import json_form_sql
from entities.schema.description import FieldSchema, Lookup
from tests.entities.fieldtypes.test_fieldtypes import field_of

TEXT, SHORT, LONG = field_of("TEXT", length=255), field_of("TEXT", length=5), field_of("LONG_TEXT")
INT4, INT8 = field_of("INTEGER", digits=10), field_of("INTEGER")
NUMBER = field_of("DECIMAL", digits=28, places=10)
MONEY, PERCENT = field_of("MONEY", digits=5, places=2), field_of("PERCENT", digits=16, places=6)
FLAG, DAY, MOMENT = field_of("FLAG"), field_of("DATE"), field_of("DATETIME")
STATUS = field_of("LIST", values=("1", "0", "Round Up", "it's 5% {off}"))
ANY = field_of("LIST")
SEVERAL = field_of("MULTI_LIST", values=("1", "Round Up"))
EMAIL, URL, JSON = field_of("EMAIL", length=254), field_of("URL"), field_of("JSON")
LOOKUP = replace(field_of("LOOKUP"), lookup=Lookup("ACCOUNT", "id", "Id", "RESTRICT"))
BY_KEY = replace(field_of("LOOKUP"), lookup=Lookup("CURRENCY", "code", "CurrencyCode", "RESTRICT"))

#: Source, target, stored value -> text of what is stored then; None where it would lose something.
CASES: list[tuple[FieldSchema, FieldSchema, str, str | None]] = [
    # Numbers
    (NUMBER, INT8, "5.0000000000", "5"),
    (NUMBER, INT8, "5.5", None),
    (NUMBER, INT4, "2147483648", None),
    (NUMBER, INT8, "99999999999999999", "99999999999999999"),
    (MONEY, INT4, "-3.00", "-3"),
    (PERCENT, INT4, "12.5", None),
    (INT8, INT4, "2147483647", "2147483647"),
    (INT8, INT4, "-2147483649", None),
    (TEXT, INT8, " 42 ", "42"),
    (TEXT, INT8, "4.0", "4"),
    (TEXT, INT8, "1e3", "1000"),
    (TEXT, INT8, "1e999", None),
    (TEXT, INT8, "1e99999999", None),
    (TEXT, INT8, "", None),
    (TEXT, INT8, "four", None),
    (TEXT, INT8, "NaN", None),
    (TEXT, INT8, "0x10", None),
    (TEXT, INT8, "1_000", None),
    (TEXT, INT8, "٣", None),
    (STATUS, INT4, "1", "1"),
    (STATUS, INT4, "Round Up", None),
    (FLAG, INT4, "t", "1"),
    (FLAG, INT4, "f", "0"),
    (LOOKUP, INT8, "77", "77"),
    (BY_KEY, INT8, "EUR", None),
    (INT8, MONEY, "999", "999.00"),
    (INT8, MONEY, "1000", None),
    (NUMBER, MONEY, "1.5000000000", "1.50"),
    (NUMBER, MONEY, "1.005", None),
    (NUMBER, MONEY, "999.999", None),
    (MONEY, NUMBER, "12.34", "12.3400000000"),
    (PERCENT, NUMBER, "0.000001", "0.0000010000"),
    (NUMBER, PERCENT, "0.0000001", None),
    (MONEY, PERCENT, "1.25", "1.250000"),
    (PERCENT, MONEY, "1.250000", "1.25"),
    (INT4, NUMBER, "7", "7.0000000000"),
    (INT4, PERCENT, "7", "7.000000"),
    (TEXT, NUMBER, "-.5", "-0.5000000000"),
    (TEXT, NUMBER, "1.", "1.0000000000"),
    (TEXT, MONEY, "$5", None),
    (TEXT, PERCENT, "12.5", "12.500000"),
    (STATUS, NUMBER, "0", "0.0000000000"),
    (STATUS, MONEY, "Round Up", None),
    (STATUS, PERCENT, "1", "1.000000"),
    (MONEY, field_of("MONEY", digits=4, places=1), "12.30", "12.3"),
    (MONEY, field_of("MONEY", digits=4, places=1), "12.34", None),
    (NUMBER, field_of("DECIMAL"), "12.34", "12.3400000000"),
    (PERCENT, field_of("PERCENT", digits=3, places=2), "9.990000", "9.99"),
    # Flags
    (INT4, FLAG, "1", "true"),
    (INT4, FLAG, "0", "false"),
    (INT4, FLAG, "2", None),
    (TEXT, FLAG, "TRUE", "true"),
    (TEXT, FLAG, "0", "false"),
    (TEXT, FLAG, "yes", None),
    (STATUS, FLAG, "1", "true"),
    (STATUS, FLAG, "Round Up", None),
    # Dates and instants
    (MOMENT, DAY, "2026-01-02 00:00:00+00", "2026-01-02"),
    (MOMENT, DAY, "2026-01-02 00:00:01+00", None),
    (MOMENT, DAY, "2026-01-02 00:00:00+02", None),
    (TEXT, DAY, "2028-02-29", "2028-02-29"),
    (TEXT, DAY, "2026-02-29", None),
    (TEXT, DAY, "2026-13-01", None),
    (TEXT, DAY, "0000-01-01", None),
    (TEXT, DAY, "2026-01-00", None),
    (TEXT, DAY, "9999-12-31", "9999-12-31"),
    (TEXT, DAY, "2026-01-02T00:00:00.000Z", "2026-01-02"),
    (TEXT, DAY, "2026-01-02T10:00:00Z", None),
    (TEXT, DAY, "infinity", None),
    (TEXT, DAY, "today", None),
    (DAY, MOMENT, "2026-01-02", "2026-01-02 00:00:00+00"),
    (TEXT, MOMENT, "2026-01-02", "2026-01-02 00:00:00+00"),
    (TEXT, MOMENT, "2026-01-02T03:04", "2026-01-02 03:04:00+00"),
    (TEXT, MOMENT, "2026-01-02T03:04:05.123456+02:00", "2026-01-02 01:04:05.123456+00"),
    (TEXT, MOMENT, "2026-01-02 03:04:05Z", "2026-01-02 03:04:05+00"),
    (TEXT, MOMENT, "2026-01-02T03:04:05.1234567Z", None),
    (TEXT, MOMENT, "2026-01-02T25:00:00Z", None),
    (TEXT, MOMENT, "2026-02-30T03:04:05Z", None),
    (TEXT, MOMENT, "0001-01-01T00:00:00+01:00", None),
    (TEXT, MOMENT, "noon", None),
    # Texts
    (INT4, TEXT, "-5", "-5"),
    (NUMBER, TEXT, "1.5000000000", "1.5"),
    (NUMBER, TEXT, "100.0000000000", "100"),
    (MONEY, TEXT, "0.10", "0.1"),
    (PERCENT, TEXT, "12.500000", "12.5"),
    (DAY, TEXT, "2026-01-02", "2026-01-02"),
    (DAY, TEXT, "infinity", None),
    (DAY, SHORT, "2026-01-02", None),
    (MOMENT, TEXT, "2026-01-02 03:04:00+02", "2026-01-02T01:04:00Z"),
    (MOMENT, TEXT, "2026-01-02 03:04:05.120000+00", "2026-01-02T03:04:05.12Z"),
    (MOMENT, TEXT, "-infinity", None),
    (FLAG, TEXT, "t", "1"),
    (FLAG, TEXT, "f", "0"),
    (STATUS, TEXT, "it's 5% {off}", "it's 5% {off}"),
    (LOOKUP, TEXT, "12", "12"),
    (BY_KEY, TEXT, "EUR", "EUR"),
    (EMAIL, TEXT, "a@example.com", "a@example.com"),
    (URL, SHORT, "https://example.com", None),
    (URL, TEXT, "https://example.com", "https://example.com"),
    (LONG, SHORT, "12345", "12345"),
    (LONG, SHORT, "123456", None),
    (LONG, SHORT, "12345 ", None),
    (TEXT, SHORT, "12345", "12345"),
    (TEXT, SHORT, "123456", None),
    (SHORT, TEXT, "12345", "12345"),
    *[(source, LONG, "5", "5") for source in (TEXT, INT4, NUMBER, MONEY, PERCENT, LOOKUP)],
    (NUMBER, LONG, "5.0000000000", "5"),
    (DAY, LONG, "2026-01-02", "2026-01-02"),
    (MOMENT, LONG, "2026-01-02 00:00:00+00", "2026-01-02T00:00:00Z"),
    (FLAG, LONG, "t", "1"),
    (STATUS, LONG, "Round Up", "Round Up"),
    (EMAIL, LONG, "a@example.com", "a@example.com"),
    (URL, LONG, "https://example.com", "https://example.com"),
    (LONG, LONG, "a\nb", "a\nb"),
    (JSON, LONG, '{"a": 1}', '{"a": 1}'),
    # Texts with a form
    (TEXT, EMAIL, "a.b+c@mail.example.com", "a.b+c@mail.example.com"),
    (TEXT, EMAIL, "a@example.com; b%{}@example.org", "a@example.com; b%{}@example.org"),
    (TEXT, EMAIL, "a@example", None),
    (TEXT, EMAIL, "a@@example.com", None),
    (TEXT, EMAIL, "", None),
    (LONG, EMAIL, "a@example.com", "a@example.com"),
    (LONG, EMAIL, "a@example.com\n", None),
    (LONG, EMAIL, "a@" + "b" * 64 + ".com", None),
    (LONG, EMAIL, "a" * 320 + "@example.com", None),
    (EMAIL, field_of("EMAIL", length=5), "a@example.com", None),
    (TEXT, URL, "https://example.com:80/a?b=5%20{c}#d", "https://example.com:80/a?b=5%20{c}#d"),
    (TEXT, URL, "http://127.0.0.1/", "http://127.0.0.1/"),
    (TEXT, URL, "http://256.0.0.1/", None),
    (TEXT, URL, "ftp://example.com", None),
    (TEXT, URL, "javascript:alert(1)", None),
    (LONG, URL, "https://example.com/a b", None),
    (LONG, URL, "https://example.com", "https://example.com"),
    (URL, field_of("URL", length=5), "https://example.com", None),
    # Lists
    (TEXT, STATUS, "round UP", "Round Up"),
    (TEXT, STATUS, "IT'S 5% {off}", "it's 5% {off}"),
    (TEXT, STATUS, "Sleeping", None),
    (TEXT, ANY, "whatever", "whatever"),
    (TEXT, ANY, "x" * 101, None),
    (INT4, STATUS, "1", "1"),
    (INT4, STATUS, "2", None),
    (FLAG, STATUS, "t", "1"),
    (ANY, field_of("LIST", length=3), "abcd", None),
    (STATUS, SEVERAL, "Round Up", '{"Round Up"}'),
    (STATUS, SEVERAL, "0", None),
    (ANY, field_of("MULTI_LIST"), "a;b", None),
    (SEVERAL, SEVERAL, "{1}", "{1}"),
    # Lookups and documents
    (INT8, LOOKUP, "12", "12"),
    (LOOKUP, LOOKUP, "12", "12"),
    (TEXT, JSON, '{"a": [1, null]}', '{"a": [1, null]}'),
    (TEXT, JSON, "{'a': 1}", None),
    (TEXT, JSON, '"\\u0000"', None),
    (TEXT, JSON, "", None),
    (LONG, JSON, "[]", "[]"),
    (JSON, JSON, "[]", "[]"),
    (FLAG, FLAG, "t", "true"),
    (DAY, DAY, "2026-01-02", "2026-01-02"),
    (MOMENT, MOMENT, "2026-01-02 00:00:00+00", "2026-01-02 00:00:00+00"),
    (STATUS, STATUS, "Round Up", "Round Up"),
]


def _cast(source: FieldSchema, target: FieldSchema, stored: Sequence[Any]) -> list[Any]:
    """(castable, text of what the target's column holds then or None) of each stored value."""
    check, cast = (f(source, target, 's."f"') for f in (cast_check_sql, cast_sql))
    assert not set("%{}") & set(check + cast)
    using = cast.replace('s."f"', "f")
    with connection.cursor() as cursor:
        # A role's own settings must not change what is stored.
        cursor.execute("SET LOCAL TimeZone = 'Pacific/Apia'; SET LOCAL DateStyle = 'German'")
        cursor.execute("DROP TABLE IF EXISTS was")
        cursor.execute(
            f"CREATE TEMP TABLE was (n int GENERATED ALWAYS AS IDENTITY, "
            f"f {source.type.sql_type(source)})"
        )
        for value in stored:
            cursor.execute("INSERT INTO was (f) VALUES (%s)", [value])
        cursor.execute(f"SELECT n, {check} FROM was s ORDER BY n")
        castable = dict(cursor.fetchall())
        cursor.execute(f"SELECT {check} AND true FROM was s WHERE %s = 1", [1])
        assert len(cursor.fetchall()) == len(castable)
        keep = [n for n, passed in castable.items() if passed]
        cursor.execute("DELETE FROM was WHERE n <> ALL(%s)", [keep])
        cursor.execute(f"ALTER TABLE was ALTER f TYPE {target.type.sql_type(target)} USING {using}")
        cursor.execute("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'")
        cursor.execute("SELECT n, f::text FROM was")
        became = dict(cursor.fetchall())
    return [(passed, became.get(n)) for n, passed in castable.items()]


@pytest.mark.django_db
def test_every_pair_casts_as_promised() -> None:
    pairs: dict[tuple[FieldSchema, FieldSchema], list[tuple[str, str | None]]] = {}
    for source, target, stored, expected in CASES:
        pairs.setdefault((source, target), []).append((stored, expected))
    for (source, target), examples in pairs.items():
        got = _cast(source, target, [*(stored for stored, _ in examples), None])
        wanted = [(expected is not None, expected) for _, expected in examples]
        assert got == [*wanted, (True, None)], (source.type.name, target.type.name, examples)


def test_the_table_has_every_pair() -> None:
    shown = {(source.type.name, target.type.name) for source, target, *_ in CASES}
    possible = {
        (source, target)
        for target in fieldtypes.names()
        for source in fieldtypes.get(target).casts_from
    }
    assert possible <= shown


@pytest.mark.parametrize(("source", "target"), [(FLAG, DAY), (JSON, TEXT), (TEXT, field_of("ID"))])
def test_what_is_no_cast_is_refused(source: FieldSchema, target: FieldSchema) -> None:
    for cast in (cast_sql, cast_check_sql):
        with pytest.raises(Refused, match=f"{target.type.name}, which no {source.type.name}"):
            cast(source, target, "f")


_LOOSE = st.text(st.sampled_from("0123456789-+.eET:Z @abc/hts;,\"[]{}\\u'%١\n"), max_size=25)


@pytest.mark.django_db
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        _LOOSE
        | st.datetimes().map(lambda d: d.isoformat())
        | st.decimals(allow_nan=False, allow_infinity=False).map(str)
        | st.emails()
        | st.sampled_from(["https://", "http://a"]).flatmap(lambda p: _LOOSE.map(lambda t: p + t)),
        min_size=1,
        max_size=20,
    )
)
@pytest.mark.parametrize("target", [INT4, NUMBER, FLAG, DAY, MOMENT, EMAIL, URL, JSON, STATUS])
def test_no_text_makes_the_check_raise_and_what_passes_could_have_been_sent(
    target: FieldSchema, texts: list[str]
) -> None:
    for text, (castable, _) in zip(texts, _cast(TEXT, target, texts), strict=True):
        if castable:
            target.type.decode_one(text, target)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.django_db
@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@example("{1:2}")
@example("01")
@example("1 2")
@example('"a""b"')
@example("[1,]")
@example(' {"a" : [ ] } ')
@given(
    _JSON.map(lambda v: json.dumps(v))
    | st.text(st.sampled_from('{}[]:,"0-1.e truefalsn\\'), max_size=12)
)
def test_without_the_databases_word_the_form_tells_documents(text: str) -> None:
    if connection.pg_version < 160000:  # type: ignore[attr-defined]
        pytest.skip("this database can't say")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {json_form_sql('t')}, pg_input_is_valid(t, 'jsonb') FROM "
            "(SELECT %s::text) v(t)",
            [text],
        )
        by_form, valid = cursor.fetchone()
    assert by_form == valid or (valid and "\\u" in text)


@pytest.mark.parametrize(
    ("data_type", "length", "size"),
    [
        ("TEXT", "1", (1, None, 0)),
        ("TEXT", "4000", (4000, None, 0)),
        ("LIST", "100", (100, None, 0)),
        ("URL", "2048", (2048, None, 0)),
        ("EMAIL", "254", (254, None, 0)),
        ("DECIMAL", "38,38", (None, 38, 38)),
        ("MONEY", "28,10", (None, 28, 10)),
        ("PERCENT", "5,0", (None, 5, 0)),
        ("INTEGER", "10", (None, 10, 0)),
        ("INTEGER", "19", (None, 19, 0)),
        ("DATE", None, (None, None, 0)),
    ],
)
def test_a_length_is_read(data_type: str, length: str | None, size: tuple[Any, ...]) -> None:
    assert check_length(data_type, length) == size


@pytest.mark.parametrize(
    ("data_type", "length", "told"),
    [
        ("TEXT", "0", "1 to 4000"),
        ("TEXT", "4001", "1 to 4000"),
        ("TEXT", "-5", "1 to 4000"),
        ("TEXT", "abc", "1 to 4000"),
        ("TEXT", "", "1 to 4000"),
        ("TEXT", "5,1", "1 to 4000"),
        ("TEXT", "٣", "1 to 4000"),
        ("TEXT", "5\n", "1 to 4000"),
        ("LIST", "101", "1 to 100"),
        ("URL", "9999", "1 to 2048"),
        ("EMAIL", "1e3", "1 to 1000"),
        ("DECIMAL", "39,2", "28,10"),
        ("DECIMAL", "10", "28,10"),
        ("MONEY", "2,3", "28,10"),
        ("PERCENT", "0,0", "28,10"),
        ("MONEY", "28,x", "28,10"),
        ("INTEGER", "11", '"10"'),
        ("INTEGER", "10,0", '"10"'),
        ("DATE", "10", "leave it out"),
        ("LONG_TEXT", "10", "leave it out"),
        ("LOOKUP", "10", "leave it out"),
    ],
)
def test_a_bad_length_is_told_with_what_would_be_right(
    data_type: str, length: str, told: str
) -> None:
    with pytest.raises(Refused) as refused:
        check_length(data_type, length)
    assert told in refused.value.message


@pytest.mark.parametrize("data_type", fieldtypes.names())
def test_the_default_length_is_a_length(data_type: str) -> None:
    length = default_length(data_type)
    assert (length is None) or check_length(data_type, length)
