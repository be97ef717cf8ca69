"""Data types: what each takes, what it makes of it, and that both of its ways agree."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from entities import fieldtypes
from entities.errors import Code
from entities.fieldtypes import Refused
from entities.fieldtypes.textform import array_literal, copy_fields
from entities.schema.description import FieldSchema


def field_of(
    data_type: str,
    *,
    length: int | None = None,
    digits: int | None = None,
    places: int = 0,
    values: tuple[str, ...] = (),
) -> FieldSchema:
    kind = fieldtypes.get(data_type)
    field = FieldSchema(
        id=1,
        name="F",
        label="F",
        help="",
        type=kind,
        column="f",
        expression=None,
        length=length,
        digits=digits,
        places=places,
        bound=Decimal(10) ** ((digits or 0) - places),
        required=False,
        unique=False,
        external_key=False,
        searchable=False,
        read_only=False,
        set_once=False,
        api_accessible=True,
        api_hidden=False,
        hidden=False,
        pii=False,
        default=None,
        list_values=MappingProxyType({v.casefold(): v for v in values}),
        lookup=None,
        currency_source=None,
    )
    return replace(field, column_type=list[kind.msgspec_type(field) | None])


TEXT = field_of("TEXT", length=5)
INT4, INT8 = field_of("INTEGER", digits=10), field_of("INTEGER")
PRICE = field_of("MONEY", digits=28, places=10)
FLAG, DAY, MOMENT = field_of("FLAG"), field_of("DATE"), field_of("DATETIME")
STATUS = field_of("LIST", values=("ACTIVE", "Round Up"))
SEVERAL = field_of("MULTI_LIST", values=("a", "B c"))
EMAIL, URL, JSON = field_of("EMAIL"), field_of("URL"), field_of("JSON")

GOOD: list[tuple[FieldSchema, Any, Any]] = [
    (TEXT, "12345", "12345"),
    (TEXT, 12, "12"),
    (TEXT, "ß🦄", "ß🦄"),
    (TEXT, Decimal("1.50"), "1.50"),
    (INT4, "42", 42),
    (INT4, -5, -5),
    (INT4, "7.0", 7),
    (INT4, "2147483647", 2147483647),
    (INT8, "9223372036854775807", 9223372036854775807),
    (INT8, "1e3", 1000),
    (INT8, " 5", 5),
    (PRICE, "12.50", Decimal("12.50")),
    (PRICE, "-1", Decimal(-1)),
    (PRICE, 3, Decimal(3)),
    (PRICE, "1e-10", Decimal("1e-10")),
    (PRICE, "5.0000000000", Decimal(5)),
    (PRICE, "+1", 1),
    (PRICE, "9" * 18, Decimal("9" * 18)),
    (PRICE, "1E+3", Decimal(1000)),
    (FLAG, "1", True),
    (FLAG, "0", False),
    (FLAG, 1, True),
    (FLAG, True, True),
    (FLAG, "TRUE", True),
    (FLAG, "false", False),
    (FLAG, 0, False),
    (DAY, "2028-02-29", date(2028, 2, 29)),
    (DAY, "2026-05-31T00:00:00.000Z", date(2026, 5, 31)),
    (DAY, "2026-05-31T23:00:00-08:00", date(2026, 5, 31)),
    (DAY, "2026-05-31 10:00:00", date(2026, 5, 31)),
    (MOMENT, "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (MOMENT, "2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
    (MOMENT, "2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (MOMENT, "2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
    (STATUS, "active", "ACTIVE"),
    (STATUS, "round up", "Round Up"),
    (SEVERAL, "a;b C", ["a", "B c"]),
    (SEVERAL, ["A", "a"], ["a"]),
    (SEVERAL, "", []),
    (EMAIL, "a@example.com", "a@example.com"),
    (EMAIL, "a@example.com; b@example.org", "a@example.com; b@example.org"),
    (URL, "https://example.com/x?y=1", "https://example.com/x?y=1"),
    (JSON, {"a": [1, None]}, '{"a":[1,null]}'),
    (JSON, {"a": Decimal("1.50")}, '{"a":1.50}'),
    (JSON, '{"a": 0.10000000000000000001}', '{"a":0.10000000000000000001}'),
    (JSON, "[1]", "[1]"),
]

BAD: list[tuple[FieldSchema, Any, Code]] = [
    (JSON, "[" * 2000 + "]" * 2000, Code.INVALID_VALUE),
    (JSON, {"a": "b\0"}, Code.INVALID_VALUE),
    (SEVERAL, "a\0", Code.INVALID_VALUE),
    (TEXT, "123456", Code.VALUE_TOO_LONG),
    (TEXT, "a\0", Code.INVALID_VALUE),
    (TEXT, ["a"], Code.INVALID_VALUE),
    (TEXT, True, Code.INVALID_VALUE),
    (INT4, "2147483648", Code.NUMBER_OUT_OF_RANGE),
    (INT8, "1.5", Code.INVALID_VALUE),
    (INT8, "٣", Code.INVALID_VALUE),
    (INT8, "0x1", Code.INVALID_VALUE),
    (INT8, "9" * 19, Code.NUMBER_OUT_OF_RANGE),
    (INT8, "1e400", Code.NUMBER_OUT_OF_RANGE),
    (INT8, True, Code.INVALID_VALUE),
    (INT8, {}, Code.INVALID_VALUE),
    (PRICE, "1_000", Code.INVALID_VALUE),
    (PRICE, "1,5", Code.INVALID_VALUE),
    (PRICE, "NaN", Code.INVALID_VALUE),
    (PRICE, "Infinity", Code.INVALID_VALUE),
    (PRICE, "1e18", Code.NUMBER_OUT_OF_RANGE),
    (PRICE, "1e-11", Code.NUMBER_OUT_OF_RANGE),
    (PRICE, "--1", Code.INVALID_VALUE),
    (PRICE, "$5", Code.INVALID_VALUE),
    (FLAG, "yes", Code.INVALID_VALUE),
    (FLAG, 2, Code.INVALID_VALUE),
    (FLAG, [], Code.INVALID_VALUE),
    (DAY, "2026-02-30", Code.INVALID_VALUE),
    (DAY, "30.02.2026", Code.INVALID_VALUE),
    (DAY, 5, Code.INVALID_VALUE),
    (MOMENT, "noon", Code.INVALID_VALUE),
    (MOMENT, "2026-01-01T25:00:00Z", Code.INVALID_VALUE),
    (STATUS, "SLEEPING", Code.VALUE_NOT_IN_LIST),
    (STATUS, True, Code.INVALID_VALUE),
    (SEVERAL, "a;z", Code.VALUE_NOT_IN_LIST),
    (SEVERAL, {"a": 1}, Code.INVALID_VALUE),
    (EMAIL, "nobody", Code.INVALID_VALUE),
    (EMAIL, "a@example.com, b", Code.INVALID_VALUE),
    (URL, "javascript:alert(1)", Code.INVALID_VALUE),
    (URL, "example", Code.INVALID_VALUE),
    (JSON, "{", Code.INVALID_VALUE),
    (JSON, {"a": "\0"}, Code.INVALID_VALUE),
]


@pytest.mark.parametrize(("field", "sent", "value"), GOOD)
def test_a_good_value_is_read_alone_and_in_a_column(
    field: FieldSchema, sent: Any, value: Any
) -> None:
    assert field.type.decode_one(sent, field) == value
    decoded, refused = field.type.decode([None, sent, sent], field)
    assert (decoded, refused) == ([None, value, value], {})


@pytest.mark.parametrize(("field", "sent", "code"), BAD)
def test_a_bad_value_is_refused_alone_and_in_a_column_of_good_ones(
    field: FieldSchema, sent: Any, code: Code
) -> None:
    good = next(value for other, value, _ in GOOD if other is field)
    with pytest.raises(Refused) as refusal:
        field.type.decode_one(sent, field)
    assert refusal.value.code == code
    decoded, refused = field.type.decode([good, sent, None, good], field)
    assert list(refused) == [1] and refused[1].code == code
    assert decoded[0] == decoded[3] == field.type.decode_one(good, field)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=8),
    st.decimals(allow_nan=False),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(["1", "0", "ACTIVE", "a;B c"]),
    st.decimals(places=3, min_value=-9999, max_value=9999).map(str),
    st.integers().map(str),
)


@pytest.mark.parametrize("field", [TEXT, INT4, INT8, PRICE, FLAG, DAY, MOMENT, STATUS, SEVERAL])
@settings(max_examples=150, deadline=None)
@given(column=st.lists(ANYTHING, max_size=6))
def test_the_fast_way_over_a_column_agrees_with_one_value_at_a_time(
    field: FieldSchema, column: list[Any]
) -> None:
    decoded, refused = field.type.decode(column, field)
    for index, value in enumerate(column):
        if value is None:
            assert decoded[index] is None and index not in refused
            continue
        try:
            expected = field.type.decode_one(value, field)
        except Refused as refusal:
            assert refused[index].code == refusal.code
        else:
            assert index not in refused
            assert decoded[index] == expected
            assert type(decoded[index]) is type(expected)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(
        st.none()
        | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
        | st.sampled_from(["\\N", "NULL", "\\.", '"', "{a,b}", "\\", "\t\n\r", ""]),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_survives_both_text_forms(texts: list[str | None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [array_literal(texts)])
        assert cursor.fetchone()[0] == texts
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS forms (t text) ON COMMIT DROP")
        cursor.execute("TRUNCATE forms")
        with cursor.copy("COPY forms FROM STDIN") as copy:
            copy.write("".join(f"{field}\n" for field in copy_fields(texts, True)))
        cursor.execute("SELECT t FROM forms")
        assert [row[0] for row in cursor.fetchall()] == texts


def test_every_type_that_stores_values_has_a_column_a_form_and_a_model_field() -> None:
    for name in fieldtypes.names():
        kind = fieldtypes.get(name)
        field = field_of(name)
        assert kind.label and kind.sql_type(field)
        assert kind.form_field(field, label="F", required=False, help_text="h") is not None
        if kind.stored:
            assert kind.model_field(field) is not None
        for other in kind.casts_from:
            fieldtypes.get(other)


def test_the_documented_types_are_all_there() -> None:
    assert set(fieldtypes.names()) == {
        "ID",
        "TEXT",
        "LONG_TEXT",
        "INTEGER",
        "DECIMAL",
        "MONEY",
        "PERCENT",
        "DATE",
        "DATETIME",
        "FLAG",
        "LIST",
        "MULTI_LIST",
        "LOOKUP",
        "FILE",
        "JSON",
        "EMAIL",
        "URL",
        "FORMULA",
    }
