"""Generated queries, answered by the database and, independently, by a few lines of Python.

The Python side knows nothing of SQL text: it evaluates the generated tree with three-valued logic
over lists, sorts and slices. Where both agree on thousands of trees, precedence, NULLs, literals,
order and pages are what they should be.
"""

from __future__ import annotations

import operator
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.django_db

ROWS: list[dict[str, Any]] = [
    {"Id": 1, "Name": "ab", "Stock": 1, "UnitPrice": Decimal("1.5"), "StartDate": "2026-01-01"},
    {"Id": 2, "Name": "aB", "Stock": 2, "UnitPrice": Decimal("-2"), "StartDate": "2026-01-02"},
    {"Id": 3, "Name": "b_", "Stock": None, "UnitPrice": Decimal("2"), "StartDate": None},
    {"Id": 4, "Name": None, "Stock": 2, "UnitPrice": None, "StartDate": "2026-01-02"},
    {"Id": 5, "Name": "a%b", "Stock": -1, "UnitPrice": Decimal("0"), "StartDate": "2026-01-01"},
    {"Id": 6, "Name": "'", "Stock": None, "UnitPrice": None, "StartDate": None},
    {"Id": 7, "Name": "\\", "Stock": 1, "UnitPrice": Decimal("1.5"), "StartDate": "2026-12-31"},
    {"Id": 8, "Name": "ab", "Stock": 0, "UnitPrice": Decimal("0.01"), "StartDate": "2026-01-01"},
]
OPERATORS = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
VALUES = {
    "Id": st.integers(-1, 9),
    "Name": st.sampled_from(["ab", "aB", "b_", "a%b", "'", "\\", "zz"]),
    "Stock": st.integers(-2, 3),
    "UnitPrice": st.sampled_from([Decimal(x) for x in ("1.5", "-2", "2", "0", "0.01", "1.50")]),
    "StartDate": st.sampled_from(["2026-01-01", "2026-01-02", "2026-12-31", "2025-06-30"]),
}
# Only strings of these characters are generated, so that Python's order is the database's.
PATTERNS = ["%", "a%", "%b", "a_", "_", "%\\", "%'%", "", "a%%b", "__"]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def literals(draw: Any, field: str) -> tuple[str, Any]:
    """(SQL, value) of a literal that fits the field; numbers in quotes at times."""
    value = draw(VALUES[field])
    if isinstance(value, str):
        return _quoted(value), value
    return (_quoted(str(value)) if draw(st.booleans()) else str(value)), value


@st.composite
def comparisons(draw: Any) -> tuple[str, Any]:
    """(SQL, function of a row to True, False or None) of one condition."""
    field = draw(st.sampled_from(list(VALUES)))
    form = draw(st.sampled_from(["compare", "fields", "in", "between", "null", "like", "empty"]))
    negated = draw(st.booleans())
    word = "NOT " if negated else ""

    def known(test: Any) -> Any:
        def evaluate(row: dict[str, Any]) -> bool | None:
            if row[field] is None:
                return None
            return test(row[field]) != negated

        return evaluate

    if form == "compare":
        sign = draw(st.sampled_from(list(OPERATORS)))
        sql, value = draw(literals(field))
        negated = False
        if draw(st.booleans()):
            return f"{field} {sign} {sql}", known(lambda v: OPERATORS[sign](v, value))
        return f"{sql} {sign} {field}", known(lambda v: OPERATORS[sign](value, v))
    if form == "fields":
        sign = draw(st.sampled_from(list(OPERATORS)))
        other = draw(st.sampled_from(["Id", "Stock", "UnitPrice"]))
        one = draw(st.sampled_from(["Id", "Stock", "UnitPrice"]))

        def evaluate(row: dict[str, Any]) -> bool | None:
            if row[one] is None or row[other] is None:
                return None
            return OPERATORS[sign](row[one], row[other])

        return f"{one} {sign} {other}", evaluate
    if form == "in":
        members = draw(st.lists(literals(field), min_size=1, max_size=4))
        values = [value for _, value in members]
        listed = ", ".join(sql for sql, _ in members)
        return f"{field} {word}IN ({listed})", known(lambda v: v in values)
    if form == "between":
        (low_sql, low), (high_sql, high) = draw(literals(field)), draw(literals(field))
        sql = f"{field} {word}BETWEEN {low_sql} AND {high_sql}"
        return sql, known(lambda v: low <= v <= high)
    if form == "like":
        pattern = draw(st.sampled_from(PATTERNS))
        field = "Name"
        if pattern == "":
            return f"Name {word}LIKE ''", lambda row: None
        return f"Name {word}LIKE {_quoted(pattern)}", known(lambda v: _like(v, pattern))
    if form == "empty":
        field = "Name"
        sign = "<>" if negated else "="
        return f"Name {sign} ''", lambda row: (row["Name"] is None) != negated
    return f"{field} IS {word}NULL", lambda row: (row[field] is None) != negated


def _like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_like(text[i:], pattern[1:]) for i in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and _like(text[1:], pattern[1:])


def _not(inner: tuple[str, Any]) -> tuple[str, Any]:
    def evaluate(row: dict[str, Any]) -> bool | None:
        value = inner[1](row)
        return None if value is None else not value

    return f"NOT ({inner[0]})", evaluate


def _and(parts: list[tuple[str, Any]]) -> tuple[str, Any]:
    def evaluate(row: dict[str, Any]) -> bool | None:
        values = [part[1](row) for part in parts]
        return False if False in values else None if None in values else True

    return " AND ".join(f"({sql})" for sql, _ in parts), evaluate


def _or(parts: list[tuple[str, Any]]) -> tuple[str, Any]:
    def evaluate(row: dict[str, Any]) -> bool | None:
        values = [part[1](row) for part in parts]
        return True if True in values else None if None in values else False

    return " or ".join(f"({sql})" for sql, _ in parts), evaluate


def _precedence(parts: list[tuple[str, Any]]) -> tuple[str, Any]:
    """a OR b AND c, without parentheses around the AND."""
    first, second, third = parts
    conjunction = _and([second, third])
    evaluate = _or([first, conjunction])[1]
    return f"({first[0]}) OR ({second[0]}) AND ({third[0]})", evaluate


conditions = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        inner.map(_not),
        st.lists(inner, min_size=2, max_size=3).map(_and),
        st.lists(inner, min_size=2, max_size=3).map(_or),
        st.lists(inner, min_size=3, max_size=3).map(_precedence),
    ),
    max_leaves=6,
)
orders = st.lists(
    st.tuples(
        st.sampled_from(["Stock", "UnitPrice", "StartDate", "Id"]),
        st.sampled_from(["", " ASC", " DESC"]),
        st.sampled_from(["", " NULLS FIRST", " NULLS LAST"]),
    ),
    max_size=3,
)
pages = st.one_of(
    st.just(("", 0, None)),
    st.integers(0, 9).map(lambda n: (f"OFFSET {n} ROWS", n, None)),
    st.integers(0, 9).map(lambda n: (f"FETCH NEXT {n} ROWS ONLY", 0, n)),
    st.tuples(st.integers(0, 9), st.integers(0, 9)).map(
        lambda p: (f"OFFSET {p[0]} ROWS FETCH NEXT {p[1]} ROWS ONLY", p[0], p[1])
    ),
    st.tuples(st.integers(0, 9), st.integers(0, 9)).map(
        lambda p: (f"LIMIT {p[1]} OFFSET {p[0]}", p[0], p[1])
    ),
)


def _sorted(rows: list[dict[str, Any]], order: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    def compare(one: dict[str, Any], other: dict[str, Any]) -> int:
        for field, direction, nulls in order:
            a, b = one[field], other[field]
            descending = direction == " DESC"
            if a is None or b is None:
                nulls_first = nulls == " NULLS FIRST" or (not nulls and descending)
                if (a is None) != (b is None):
                    return -1 if (a is None) == nulls_first else 1
            elif a != b:
                return -1 if (a < b) != descending else 1
        return one["Id"] - other["Id"]

    return sorted(rows, key=cmp_to_key(compare))


@pytest.fixture
def rows(shop: Any) -> Any:
    """The shop with the rows above as its things."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM q_thing")
        cursor.executemany(
            "INSERT INTO q_thing (id, f_1, f_3, f_4, f_5) VALUES (%s, %s, %s, %s, %s)",
            [tuple(row.values()) for row in ROWS],
        )
        cursor.execute("INSERT INTO q_thing (id, f_1, deleted_at) VALUES (99, 'ab', now())")
    return shop


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(condition=conditions, order=orders, page=pages)
def test_database_and_python_agree(rows, system, condition, order, page):
    from entities.query import query

    sql, holds = condition
    by = ", ".join("".join(part) for part in order)
    tail, offset, limit = page
    text = f"SELECT Id FROM THING WHERE {sql} {f'ORDER BY {by}' if by else ''} {tail}"
    matching = _sorted([row for row in ROWS if holds(row) is True], order)
    expected = matching[offset:][: len(ROWS) if limit is None else limit]
    answer = orjson.loads(query(text, system, snapshot=rows).json)
    assert [int(row["Id"]) for row in answer] == [row["Id"] for row in expected], text
