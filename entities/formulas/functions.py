"""The functions: name, what to give it, and the SQL it becomes.

None raises, whatever it is given: what can't be computed is no value (null). Texts follow Oracle:
an empty result is no value either.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entities.formulas import patterns
from entities.formulas.kinds import Kind
from entities.formulas.operators import as_text, days_between, joined, later, test_of
from entities.formulas.sites import Site, constant, integer, once
from entities.formulas.terms import Term, decided, null, text_sql, unified

Compiler = Callable[[Site, Sequence[Term]], Term]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    most      how many arguments at most, None for any number
    prior     reads the record before the change: only where there is one
    by_name   takes a field itself, not its value: the compiler gets its value now, and before
    """

    name: str
    signature: str
    least: int
    most: int | None
    compile: Compiler
    prior: bool = False
    by_name: bool = False

    def takes(self, count: int) -> bool:
        return self.least <= count and (self.most is None or count <= self.most)


#: By name, a second name too.
FUNCTIONS: dict[str, Function] = {}


def _function(
    signature: str,
    least: int,
    most: int | None,
    *also: str,
    prior: bool = False,
    by_name: bool = False,
) -> Callable[[Compiler], Compiler]:
    """Register under the name that the signature begins with, and under those in `also`."""

    def register(compiler: Compiler) -> Compiler:
        first = signature.partition("(")[0]
        for name in (first, *also):
            shown = name + signature.removeprefix(first)
            FUNCTIONS[name] = Function(name, shown, least, most, compiler, prior, by_name)
        return compiler

    return register


# Of any kind


@_function("IF(condition, value, otherwise)", 2, 3)
def _if(site: Site, terms: Sequence[Term]) -> Term:
    condition = decided(terms[0], Kind.FLAG)
    results = [*terms[1:], null(Kind.NULL, site.node.position)][:2]
    return _choice(site, terms, results, lambda a, b: f"WHEN {condition.sql} THEN {a} ELSE {b}")


@_function("CASE(value, when, then, …, otherwise)", 3, None)
def _case(site: Site, terms: Sequence[Term]) -> Term:
    subject, *rest = terms
    pairs, otherwise = rest, null(Kind.NULL, site.node.position)
    if len(rest) % 2:
        *pairs, otherwise = rest
    searched, results = pairs[::2], [*pairs[1::2], otherwise]
    _, (value, *cases) = unified([subject, *searched])
    missing = {n for n, term in enumerate(searched) if term.null}

    def number_of_the_case(x: str) -> str:
        tests = (
            f"{x} IS NULL" if n in missing else f"{x} = {case.sql}" for n, case in enumerate(cases)
        )
        return f"CASE {' '.join(f'WHEN {test} THEN {n}' for n, test in enumerate(tests))} END"

    def arms(*sql: str) -> str:
        found = " ".join(f"WHEN {n} THEN {result}" for n, result in enumerate(sql[:-1]))
        return f"{once([value], number_of_the_case)} {found} ELSE {sql[-1]}"

    return _choice(site, terms, results, arms)


def _choice(
    site: Site, terms: Sequence[Term], results: Sequence[Term], arms: Callable[..., str]
) -> Term:
    """One of the results, which are of one kind."""
    kind, values = unified(list(results))
    digits = (max(v.digits[0] for v in values), max(v.digits[1] for v in values))
    return site.made(
        f"(CASE {arms(*(v.sql for v in values))} END)",
        kind,
        terms,
        digits=digits,
        length=max(v.length for v in values),
    )


@_function("COALESCE(value, …)", 2, None, "NVL")
def _coalesce(site: Site, terms: Sequence[Term]) -> Term:
    kind, values = unified(list(terms))
    return site.made(
        f"coalesce({', '.join(v.sql for v in values)})",
        kind,
        terms,
        digits=(max(v.digits[0] for v in values), max(v.digits[1] for v in values)),
        length=max(v.length for v in values),
    )


@_function("ISBLANK(value)", 1, 1, "ISNULL")
def _is_missing(site: Site, terms: Sequence[Term]) -> Term:
    return test_of(site, f"({decided(terms[0]).sql} IS NULL)", terms)


#: PostgreSQL has room for 1,664 columns in the subquery that names the values.
_MOST_COMPARED = 1_000


def _extreme(function: str) -> Compiler:
    """Null if any value is missing, as in Oracle."""

    def compiled(site: Site, terms: Sequence[Term]) -> Term:
        kind, values = unified(list(terms))
        if kind is Kind.FLAG:
            raise site.refuse("Conditions are neither great nor small; compare numbers or dates.")
        if len(values) > _MOST_COMPARED:
            raise site.refuse(
                f"{site.node.name} compares at most {_MOST_COMPARED:,} values; it has "
                f"{len(values):,} here."
            )
        sql = once(
            values,
            lambda *names: (
                f"CASE WHEN {' OR '.join(f'{n} IS NULL' for n in names)} THEN NULL "
                f"ELSE {function}({', '.join(names)}) END"
            ),
        )
        return site.made(
            sql,
            kind,
            terms,
            digits=(max(v.digits[0] for v in values), max(v.digits[1] for v in values)),
            length=max(v.length for v in values),
        )

    return compiled


_function("LEAST(value, …)", 2, None, "MIN")(_extreme("least"))
_function("GREATEST(value, …)", 2, None, "MAX")(_extreme("greatest"))


# Texts


def _text_function(template: str) -> Compiler:
    def compiled(site: Site, terms: Sequence[Term]) -> Term:
        text = decided(terms[0], Kind.TEXT)
        return site.made(template.format(text.sql), Kind.TEXT, terms, length=text.length)

    return compiled


_function("UPPER(text)", 1, 1)(_text_function("upper({})"))
_function("LOWER(text)", 1, 1)(_text_function("lower({})"))
_function("TRIM(text)", 1, 1)(_text_function("nullif(btrim({}), '')"))


@_function("LENGTH(text)", 1, 1, "LEN")
def _length(site: Site, terms: Sequence[Term]) -> Term:
    text = decided(terms[0], Kind.TEXT)
    return site.made(f"char_length({text.sql})::numeric", Kind.NUMBER, terms, digits=(10, 0))


@_function("SUBSTR(text, start, length)", 2, 3)
def _substr(site: Site, terms: Sequence[Term]) -> Term:
    """From 1 on; a negative start counts from the end."""
    text = decided(terms[0], Kind.TEXT)
    numbers = site.all_of(Kind.NUMBER, terms[1:])

    def written(x: str, s: str, n: str = "") -> str:
        start, count = integer(s), f", greatest({integer(n)}, 0)" if n else ""
        missing = f" OR {n} IS NULL" if n else ""
        return (
            f"CASE WHEN {s} IS NULL{missing} THEN NULL "
            f"WHEN {s} > -1 THEN nullif(substr({x}, greatest({start}, 1){count}), '') "
            f"WHEN char_length({x}) >= - ({start}) "
            f"THEN nullif(substr({x}, char_length({x}) + 1 + ({start}){count}), '') END"
        )

    counted = constant(terms[2]) if len(terms) == 3 else None
    length = text.length if counted is None else min(text.length, max(counted, 0))
    return site.made(once([text, *numbers], written), Kind.TEXT, terms, length=length)


def _end(function: str) -> Compiler:
    def compiled(site: Site, terms: Sequence[Term]) -> Term:
        text, number = decided(terms[0], Kind.TEXT), decided(terms[1], Kind.NUMBER)
        sql = once(
            [text, number],
            lambda x, n: (
                f"CASE WHEN {n} IS NOT NULL THEN nullif({function}({x}, {integer(n, 0)}), '') END"
            ),
        )
        counted = constant(terms[1])
        length = text.length if counted is None else min(text.length, max(counted, 0))
        return site.made(sql, Kind.TEXT, terms, length=length)

    return compiled


_function("LEFT(text, length)", 2, 2)(_end("left"))
_function("RIGHT(text, length)", 2, 2)(_end("right"))


@_function("REPLACE(text, part, by)", 2, 3)
def _replace(site: Site, terms: Sequence[Term]) -> Term:
    text, part, *rest = site.all_of(Kind.TEXT, terms)
    by = f"coalesce({rest[0].sql}, '')" if rest else "''"
    longest = max(rest[0].length, 1) if rest else 1
    return site.made(
        f"nullif(replace({text.sql}, coalesce({part.sql}, ''), {by}), '')",
        Kind.TEXT,
        terms,
        length=text.length * longest,
    )


@_function("CONTAINS(text, part)", 2, 2)
def _contains(site: Site, terms: Sequence[Term]) -> Term:
    text, part = site.all_of(Kind.TEXT, terms)
    return test_of(site, f"(strpos({text.sql}, {part.sql}) > 0)", terms)


@_function("BEGINS(text, part)", 2, 2, "STARTSWITH")
def _begins(site: Site, terms: Sequence[Term]) -> Term:
    text, part = site.all_of(Kind.TEXT, terms)
    return test_of(site, f"starts_with({text.sql}, {part.sql})", terms)


@_function("REGEX(text, 'pattern')", 2, 2)
def _regex(site: Site, terms: Sequence[Term]) -> Term:
    """Whether the whole text is of the pattern."""
    text, pattern = decided(terms[0], Kind.TEXT), terms[1]
    if not pattern.literal or not pattern.quoted:
        raise site.refuse(
            "The pattern of REGEX is written out, in single quotes.", pattern.position
        )
    wrong = patterns.refusal(pattern.literal)
    if wrong is not None:
        raise site.refuse(f"In the pattern {wrong[0]}.", pattern.position + 1 + wrong[1])
    decided(pattern, Kind.TEXT)
    return test_of(site, f"({text.sql} ~ {text_sql(patterns.anchored(pattern.literal))})", terms)


@_function("CONCAT(value, …)", 1, None)
def _concat(site: Site, terms: Sequence[Term]) -> Term:
    return joined(site, terms)


_DATE_FORMAT = re.compile(r"(?:YYYY|YY|MM|MON|Mon|DD|HH24|MI|SS|[-/.,: ])+")
_NUMBER_FORMAT = re.compile(r"[09](?:[09,]{0,40})(?:\.[09]{1,20})?")


@_function("TEXT(value, 'format')", 1, 2, "TO_CHAR")
def _text(site: Site, terms: Sequence[Term]) -> Term:
    value = decided(terms[0])
    if len(terms) == 1:
        text = as_text(terms[0])
        return site.made(text.sql, Kind.TEXT, terms, length=text.length)
    pattern = terms[1]
    written = pattern.literal if pattern.quoted and pattern.literal else ""
    if value.kind in (Kind.DATE, Kind.DATETIME):
        if not _DATE_FORMAT.fullmatch(written) or len(written) > 60:
            raise site.refuse(
                "The format of a date is written out, such as 'DD.MM.YYYY' or 'YYYY-MM-DD HH24:MI'"
                " (YYYY, YY, MM, MON, Mon, DD, HH24, MI, SS and -/.,: between them).",
                pattern.position,
            )
        day = f"{value.sql} AT TIME ZONE 'UTC'" if value.kind is Kind.DATETIME else value.sql
        sql = f"to_char({day}, {text_sql(written)})"
    elif value.kind is Kind.NUMBER:
        if not _NUMBER_FORMAT.fullmatch(written):
            raise site.refuse(
                "The format of a number is written out, such as '999,990.00' (0 for a digit that "
                "is always shown, 9 for one that may be left out).",
                pattern.position,
            )
        sql = f"btrim(to_char({value.sql}, {text_sql(written)}))"
    else:
        raise site.refuse(f"A {value.kind.noun} has no format; leave it out.", pattern.position)
    return site.made(sql, Kind.TEXT, terms, length=len(written) * 4 + 10)


# Numbers


@_function("NUMBER(text)", 1, 1, "VALUE")
def _number(site: Site, terms: Sequence[Term]) -> Term:
    """The number that a text spells, null if it spells none."""
    value = decided(terms[0])
    if value.kind is Kind.NUMBER:
        return site.made(f"({value.sql})", Kind.NUMBER, terms, digits=value.digits)
    if value.kind is Kind.FLAG:
        return site.made(f"({value.sql})::int::numeric", Kind.NUMBER, terms, digits=(1, 0))
    text = decided(value, Kind.TEXT)
    sql = once(
        [text],
        lambda x: (
            f"CASE WHEN char_length({x}) > 200 THEN NULL "
            f"WHEN {x} ~ '^ *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+) *$' THEN {x}::numeric END"
        ),
    )
    return site.made(sql, Kind.NUMBER, terms, digits=(200, 200))


def _rounding(function: str) -> Compiler:
    def compiled(site: Site, terms: Sequence[Term]) -> Term:
        number, *rest = site.all_of(Kind.NUMBER, terms)
        before = number.digits[0]
        if not rest:
            return site.made(
                f"{function}({number.sql})", Kind.NUMBER, terms, digits=(before + 1, 0)
            )
        places = constant(terms[1])
        if places is None:
            kept = 100
            sql = once(
                [number, rest[0]],
                lambda x, n: (
                    f"CASE WHEN {n} IS NOT NULL THEN {function}({x}, {integer(n, -100, kept)}) END"
                ),
            )
        else:
            places = max(min(places, 100), -100)
            kept, sql = max(places, 0), f"{function}({number.sql}, {places})"
        return site.made(sql, Kind.NUMBER, terms, digits=(before + 1, kept))

    return compiled


_function("ROUND(number, places)", 1, 2)(_rounding("round"))
_function("TRUNC(number, places)", 1, 2)(_rounding("trunc"))


def _number_function(function: str) -> Compiler:
    def compiled(site: Site, terms: Sequence[Term]) -> Term:
        number = decided(terms[0], Kind.NUMBER)
        digits = (number.digits[0] + 1, number.digits[1])
        return site.made(f"{function}({number.sql})", Kind.NUMBER, terms, digits=digits)

    return compiled


_function("CEIL(number)", 1, 1, "CEILING")(_number_function("ceil"))
_function("FLOOR(number)", 1, 1)(_number_function("floor"))
_function("ABS(number)", 1, 1)(_number_function("abs"))


@_function("MOD(number, by)", 2, 2)
def _mod(site: Site, terms: Sequence[Term]) -> Term:
    number, by = site.all_of(Kind.NUMBER, terms)
    digits = (max(number.digits[0], by.digits[0]), max(number.digits[1], by.digits[1]))
    return site.made(f"mod({number.sql}, nullif({by.sql}, 0))", Kind.NUMBER, terms, digits=digits)


@_function("POWER(number, exponent)", 2, 2)
def _power(site: Site, terms: Sequence[Term]) -> Term:
    """Null where there is no such power, and where nobody could want it."""
    sql = once(
        site.all_of(Kind.NUMBER, terms),
        lambda x, y: (
            f"CASE WHEN abs({y}) > 100 OR abs({x}) >= 1e20 THEN NULL "
            f"WHEN {x} <> 0 AND abs({x}) < 1e-20 THEN NULL "
            f"WHEN {x} = 0 AND {y} < 0 THEN NULL "
            f"WHEN {x} < 0 AND {y} <> trunc({y}) THEN NULL ELSE power({x}, {y}) END"
        ),
    )
    return site.made(sql, Kind.NUMBER, terms, digits=(2001, 1500))


# Dates


@_function("TODAY()", 0, 0)
def _today(site: Site, terms: Sequence[Term]) -> Term:
    return site.made("(metabrm_now() AT TIME ZONE 'UTC')::date", Kind.DATE, terms)


@_function("NOW()", 0, 0)
def _now(site: Site, terms: Sequence[Term]) -> Term:
    return site.made("metabrm_now()", Kind.DATETIME, terms)


@_function("DATE(year, month, day)", 1, 3)
def _date(site: Site, terms: Sequence[Term]) -> Term:
    if len(terms) == 2:
        raise site.refuse("DATE takes one value, or year, month and day.")
    if len(terms) == 1:
        return _date_of(site, terms)
    sql = once(
        site.all_of(Kind.NUMBER, terms),
        lambda y, m, d: (
            f"CASE WHEN {y} >= 1 AND {y} < 10000 AND {m} >= 1 AND {m} < 13 "
            f"AND {d} >= 1 AND {d} < 32 THEN "
            + _valid_day(integer(y, 1, 9999), integer(m, 1, 12), integer(d, 1, 31))
            + " END"
        ),
    )
    return site.made(sql, Kind.DATE, terms)


def _date_of(site: Site, terms: Sequence[Term]) -> Term:
    value = terms[0]
    if value.literal is not None and not value.null:
        return site.made(decided(value, Kind.DATE).sql, Kind.DATE, terms)
    value = decided(value)
    if value.kind is Kind.DATE:
        return site.made(f"({value.sql})", Kind.DATE, terms)
    if value.kind is Kind.DATETIME:
        return site.made(f"({value.sql} AT TIME ZONE 'UTC')::date", Kind.DATE, terms)
    sql = once(
        [decided(value, Kind.TEXT)],
        lambda x: (
            f"CASE WHEN {x} ~ '^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$' THEN "
            f"CASE WHEN left({x}, 4)::int >= 1 AND substr({x}, 6, 2)::int BETWEEN 1 AND 12 "
            f"AND substr({x}, 9, 2)::int BETWEEN 1 AND 31 THEN "
            + _valid_day(f"left({x}, 4)::int", f"substr({x}, 6, 2)::int", f"substr({x}, 9, 2)::int")
            + " END END"
        ),
    )
    return site.made(sql, Kind.DATE, terms)


def _valid_day(year: str, month: str, day: str) -> str:
    """SQL of a date from a day of 1 to 31, null if the month has no such day."""
    found = f"(make_date({year}, {month}, 1) + {day} - 1)"
    return f"CASE WHEN extract(month FROM {found}) = {month} THEN {found} END"


def _part(part: str) -> Compiler:
    def compiled(site: Site, terms: Sequence[Term]) -> Term:
        value = terms[0]
        if value.kind is Kind.DATETIME:
            source = f"{value.sql} AT TIME ZONE 'UTC'"
        else:
            source = decided(value, Kind.DATE).sql
        return site.made(f"extract({part} FROM {source})", Kind.NUMBER, terms, digits=(4, 0))

    return compiled


_function("YEAR(date)", 1, 1)(_part("year"))
_function("MONTH(date)", 1, 1)(_part("month"))
_function("DAY(date)", 1, 1)(_part("day"))


@_function("ADDMONTHS(date, months)", 2, 2)
def _add_months(site: Site, terms: Sequence[Term]) -> Term:
    """The same day of another month, its last where it is shorter."""
    sql = once(
        [decided(terms[0], Kind.DATE), decided(terms[1], Kind.NUMBER)],
        lambda d, n: (
            f"CASE WHEN extract(year FROM {d}) * 12 + extract(month FROM {d}) - 1 + trunc({n}) "
            f"BETWEEN 12 AND 119999 "
            f"THEN ({d} + make_interval(months => {integer(n, -120_000, 120_000)}))::date END"
        ),
    )
    return site.made(sql, Kind.DATE, terms)


@_function("ADDDAYS(date, days)", 2, 2)
def _add_days(site: Site, terms: Sequence[Term]) -> Term:
    day = terms[0] if terms[0].kind is Kind.DATETIME else decided(terms[0], Kind.DATE)
    return later(site, day, decided(terms[1], Kind.NUMBER))


@_function("LASTDAY(date)", 1, 1)
def _last_day(site: Site, terms: Sequence[Term]) -> Term:
    sql = once(
        [decided(terms[0], Kind.DATE)],
        lambda d: (
            f"({d} - extract(day FROM {d})::int + 1 + interval '1 month' - interval '1 day')::date"
        ),
    )
    return site.made(sql, Kind.DATE, terms)


@_function("DAYSBETWEEN(from, to)", 2, 2)
def _days_between(site: Site, terms: Sequence[Term]) -> Term:
    return days_between(site, terms[0], terms[1])


# The record before the change


@_function("ISNEW()", 0, 0, prior=True)
def _is_new(site: Site, terms: Sequence[Term]) -> Term:
    return test_of(site, "({p}.id IS NULL)", terms)


@_function("ISCHANGED({!Field})", 1, 1, prior=True, by_name=True)
def _is_changed(site: Site, terms: Sequence[Term]) -> Term:
    now, before = terms
    return test_of(site, f"({now.sql} IS DISTINCT FROM {before.sql})", terms)


@_function("PRIORVALUE({!Field})", 1, 1, prior=True, by_name=True)
def _prior_value(site: Site, terms: Sequence[Term]) -> Term:
    before = terms[1]
    return site.made(
        f"({before.sql})", before.kind, terms, digits=before.digits, length=before.length
    )
