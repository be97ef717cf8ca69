"""Formulas that mean harm: to the statement they are put into, to the server, to the process."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entities.formulas import FormulaError, Kind, compiled, parse
from entities.formulas.terms import MAX_SQL
from tests.entities.formulas.conftest import Record

RECORD: Any = Record(
    {
        "T": (Kind.TEXT, "x"),
        "N": (Kind.NUMBER, "3"),
        "D": (Kind.DATE, "2026-01-01"),
        "F": (Kind.FLAG, "true"),
    }
)
NASTY = [
    "'; DROP TABLE entities_entity; --",
    "\\'; DROP TABLE entities_entity; --",
    "{t}.id = {t}.id",
    "{p}",
    "{0}",
    "%s %(x)s %% %",
    "\\x27 \\047 \\u0027",
    "$$ $1 :x ?",
    "/* */ --",
    "\n\r\t\b\x7f",
    "\N{RIGHT SINGLE QUOTATION MARK} \N{FULLWIDTH APOSTROPHE}",
    "\U0001f600 \ufeff \u202e",
    "E'x' U&'x'",
]
WORDS = """
{!T} {!N} {!D} {!F} 'a' 5 TRUE NULL '' ( ) , IF( AND OR NOT IN LIKE BETWEEN IS = <> < + - * / &
CASE( DATE( MAX( SUBSTR( TODAY() REGEX({!T}, PRIORVALUE( {t} %s ' {! \\ é
"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("text", NASTY)
def test_a_text_stays_a_text(computed: Callable[..., Any], text: str) -> None:
    assert computed(_quoted(text), RECORD.fields_as_given)[1] == text
    fields = RECORD.fields_as_given | {"T": (Kind.TEXT, "~")}
    assert computed(f"REPLACE({{!T}}, '~', {_quoted(text)})", fields)[1] == text


def test_any_text_stays_a_text(computed: Callable[..., Any]) -> None:
    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
    def check(text: str) -> None:
        assert computed(_quoted(text), RECORD.fields_as_given)[1] == text

    check()


def test_no_literal_leaves_a_placeholder_or_a_parameter_in_the_sql() -> None:
    @settings(max_examples=200, deadline=None)
    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
    def check(text: str) -> None:
        sql = compiled(parse(f"{_quoted(text)} & {{!N}}"), RECORD).sql
        assert not re.search(r"[%{}]", sql.replace("{t}", ""))

    check()


@pytest.mark.parametrize("text", ["a\0b", "'a\0b'", "\0"])
def test_a_nul_is_refused(text: str) -> None:
    with pytest.raises(FormulaError) as refused:
        parse(text)
    assert "NUL" in refused.value.message and refused.value.position == text.index("\0")


def test_half_a_character_is_refused() -> None:
    with pytest.raises(FormulaError, match="surrogate"):
        compiled(parse("'\ud800'"), RECORD)


def test_whatever_is_written_is_compiled_or_refused_in_time() -> None:
    words = st.sampled_from(WORDS.split())

    @settings(max_examples=500, deadline=2000)
    @given(st.lists(words, max_size=25).map(" ".join) | st.text(max_size=60))
    def check(text: str) -> None:
        try:
            term = compiled(parse(text), RECORD, prior=True)
        except FormulaError as error:
            assert 0 <= error.position <= len(text)
            assert error.message
        else:
            assert len(term.sql) <= MAX_SQL

    check()


def test_what_compiles_runs(computed: Callable[..., Any]) -> None:
    """Nested without reason, but well-formed: PostgreSQL never raises, whatever the values."""
    values = {
        "T": st.sampled_from([None, "x", "12", "2026-01-01", "9" * 300, "%", "-"]),
        "N": st.sampled_from([None, "0", "-1", "0.5", "9" * 28, "1e-20", "-" + "9" * 40]),
        "D": st.sampled_from([None, "0001-01-01", "9999-12-31", "2028-02-29"]),
        "F": st.sampled_from([None, "true", "false"]),
    }
    numbers = st.recursive(
        st.sampled_from(["{!N}", "0", "-1", "1e15", "YEAR({!D})", "NUMBER({!T})", "NUMBER('')"]),
        lambda n: st.one_of(
            st.tuples(st.sampled_from("+-*/"), n, n).map(lambda p: f"({p[1]} {p[0]} {p[2]})"),
            st.tuples(st.sampled_from(["POWER", "MOD", "ROUND", "MAX", "TRUNC"]), n, n).map(
                lambda p: f"{p[0]}({p[1]}, {p[2]})"
            ),
            st.tuples(n, n, n).map(lambda p: "DAY(DATE({}, {}, {}))".format(*p)),
            st.tuples(n, n).map(lambda p: "(ADDMONTHS({{!D}} + {}, {}) - {{!D}})".format(*p)),
            st.tuples(n, n).map(lambda p: "LENGTH(SUBSTR({{!T}}, {}, {}))".format(*p)),
            st.tuples(n, n).map(lambda p: "(DATE(NOW() + {}) - LASTDAY({{!D}} - {}))".format(*p)),
            n.map(lambda p: f"LENGTH(LEFT({{!T}} & {p}, {p}))"),
            n.map(lambda p: f"NUMBER(TEXT({p}) & {{!T}})"),
        ),
        max_leaves=8,
    )

    @settings(
        max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(numbers, st.fixed_dictionaries(values))
    def check(formula: str, record: dict[str, Any]) -> None:
        fields = {name: (kind, record[name]) for name, (kind, _) in RECORD.fields_as_given.items()}
        try:
            compiled(parse(formula), Record(fields))
        except FormulaError as error:
            assert "digits" in error.message
        else:
            computed(formula, fields)

    check()


DEEP = {
    "parentheses": "(" * 4_000 + "1" + ")" * 4_000,
    "functions": "UPPER(" * 1_400 + "{!T}" + ")" * 1_400,
    "negations": "NOT " * 2_000 + "{!F}",
    "signs": "- " * 4_000 + "{!N}",
    "sums": "+".join(["{!N}"] * 1_900),
    "ands": " AND ".join(["{!F}"] * 1_000),
    "joins": "&".join(["{!T}"] * 1_900),
    "lists": "{!N} IN (" + ",".join(["1"] * 4_900) + ")",
    "ifs": "IF({!F}, 1, " * 600 + "2" + ")" * 600,
    "cases": f"CASE({{!N}}{', 1, 2' * 1_500})",
    "conversions": "NUMBER(TEXT(" * 600 + "{!N}" + "))" * 600,
    "powers": "POWER(" * 900 + "{!N}" + ", 1)" * 900,
    "extremes": f"MAX({', '.join(['-{!N}'] * 1_000)})",
    "dates": "ADDDAYS(" * 600 + "{!D}" + ", {!N})" * 600,
}


@pytest.mark.parametrize("name", DEEP)
def test_depth_and_length_are_bounded(computed: Callable[..., Any], name: str) -> None:
    started = time.monotonic()
    try:
        computed(DEEP[name], RECORD.fields_as_given)
    except FormulaError as error:
        assert "too large" in error.message
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "step",
    [
        "UPPER({})",
        "({} & 'x')",
        "IF({{!F}}, {}, 'x')",
        "LEFT({}, {{!N}} + 50)",
        "SUBSTR({}, {{!N}} - 3, LENGTH({{!T}}) + 9)",
        "TEXT(NUMBER({}))",
        "GREATEST({}, {{!T}})",
        "CASE({}, 'a', 'b', '', 'c', 'd')",
        "REPLACE({}, 'x', 'y')",
        "TEXT(ADDMONTHS(DATE({} & ''), 1))",
    ],
)
def test_the_deepest_formula_runs_in_no_time(computed: Callable[..., Any], step: str) -> None:
    """As deep as formulas may be: the SQL must not double with each level."""
    formula, deepest = "{!T}", "{!T}"
    while True:
        formula = step.format(formula)
        try:
            compiled(parse(formula), RECORD)
        except FormulaError as error:
            assert "too large" in error.message, error.message
            break
        deepest = formula
    assert deepest.count("(") > 20
    started = time.monotonic()
    computed(deepest, RECORD.fields_as_given)
    assert time.monotonic() - started < 3


def test_no_number_grows_beyond_bounds() -> None:
    with pytest.raises(FormulaError, match="more than 4,000 digits; ROUND"):
        compiled(parse("*".join(["NUMBER({!T})"] * 30)), RECORD)
    compiled(parse("*".join(["ROUND(NUMBER({!T}), 2)"] * 10)), RECORD)


def test_no_more_values_are_compared_than_the_database_can_name() -> None:
    with pytest.raises(FormulaError, match="at most 1,000 values; it has 1,001 here"):
        compiled(parse(f"MAX({','.join(['-{!N}'] * 1_001)})"), RECORD)


def test_no_text_grows_beyond_bounds() -> None:
    long = "'" + "x" * 900 + "'"
    with pytest.raises(FormulaError, match="50,000,000 characters; shorten"):
        nested = "{!T}"
        for _ in range(5):
            nested = f"REPLACE({nested}, 'x', {long})"
        compiled(parse(nested), RECORD)


def test_a_slow_pattern_is_fast_all_the_same(computed: Callable[..., Any]) -> None:
    fields = RECORD.fields_as_given | {"T": (Kind.TEXT, "a" * 100_000 + "!")}
    for pattern in ("(a+)+", "(a|a)*", "(a*)*b", "([a-z]+)*", "a{1,255}b", "(a|b)*a(a|b){1,100}"):
        started = time.monotonic()
        assert computed(f"REGEX({{!T}}, '{pattern}')", fields)[1] is False
        assert time.monotonic() - started < 3, pattern


def test_a_pattern_of_a_record_exhausts_no_stack(computed: Callable[..., Any]) -> None:
    fields = {"T": (Kind.TEXT, "a" * 300_000), "P": (Kind.TEXT, "%a" * 300_000)}
    assert computed("{!T} LIKE {!P}", fields)[1] is None
    fields["P"] = (Kind.TEXT, "%a" * 5_000)
    assert computed("{!T} LIKE {!P}", fields)[1] is True


def test_the_session_s_settings_change_no_result(computed: Callable[..., Any]) -> None:
    fields = {"D": (Kind.DATE, "2026-03-29"), "A": (Kind.DATETIME, "2026-03-29 00:30:00+00")}
    formula = "{!D} & '|' & {!A} & '|' & ({!A} + 1) & '|' & DATE({!A}) & '|' & LASTDAY({!D})"
    plain = computed(formula, fields)[1]
    assert plain.startswith("2026-03-29|2026-03-29T00:30:00+00:00|2026-03-30T00:30:00+00:00|")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone = 'America/New_York'")
        cursor.execute("SET LOCAL DateStyle = 'German'")
        cursor.execute("SET LOCAL standard_conforming_strings = on")
    assert computed(formula, fields)[1] == plain
