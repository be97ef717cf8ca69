"""The operators: comparisons, logic, arithmetic, joining texts.

Three-valued like SQL, with one thing of Oracle's: `''` is no value. `= ''` asks whether there is
none and `<> ''` whether there is one, because that is what people mean by it.
"""

from collections.abc import Callable, Sequence

from entities.formulas.kinds import Kind
from entities.formulas.sites import Site, integer, once
from entities.formulas.terms import Term, decided, unified

Compiler = Callable[[Site, Sequence[Term]], Term]
OPERATORS: dict[str, Compiler] = {}

#: More days than there are from the year 1 to 9999.
_FAR = 4_000_000
#: Longest pattern of LIKE, in characters: PostgreSQL goes a level deeper at each % of it.
_LONGEST_PATTERN = 10_000
_DAYS = frozenset({Kind.DATE, Kind.DATETIME})


def _operator(*signs: str) -> Callable[[Compiler], Compiler]:
    def register(compiler: Compiler) -> Compiler:
        OPERATORS.update(dict.fromkeys(signs, compiler))
        return compiler

    return register


def test_of(site: Site, sql: str, arguments: Sequence[Term]) -> Term:
    return site.made(sql, Kind.FLAG, arguments)


# Comparisons


@_operator("=", "<>", "<", "<=", ">", ">=")
def _comparison(site: Site, terms: Sequence[Term]) -> Term:
    left, right = terms
    sign = site.node.name
    if sign in ("=", "<>") and (left.null or right.null):
        present = decided(left if right.null else right)
        return test_of(site, f"({present.sql} IS {'NOT ' if sign == '<>' else ''}NULL)", terms)
    kind, (one, other) = unified([left, right])
    if kind is Kind.FLAG and sign not in ("=", "<>"):
        raise site.refuse("Conditions are equal or not, neither is less; write = or <>.")
    left_sql, right_sql = _comparable(one, other)
    return test_of(site, f"({left_sql} {sign} {right_sql})", terms)


def _comparable(*terms: Term) -> list[str]:
    """The SQL of values that are compared: of whole numbers as they are held, else as formulas
    compute with them."""
    held = [term.bigint for term in terms]
    return held if all(held) else [term.sql for term in terms]


@_operator("IN")
def _in(site: Site, terms: Sequence[Term]) -> Term:
    subject, *members = terms
    present = [m for m in members if not m.null]
    if len(present) == len(members):
        _, (one, *others) = unified([subject, *members])
        subject_sql, *members_sql = _comparable(one, *others)
        return test_of(site, f"({subject_sql} IN ({', '.join(members_sql)}))", terms)
    if not present:
        return test_of(site, f"({decided(subject).sql} IS NULL)", terms)
    _, (one, *others) = unified([subject, *present])
    listed = ", ".join(o.sql for o in others)
    return test_of(site, once([one], lambda x: f"{x} IS NULL OR {x} IN ({listed})"), terms)


@_operator("LIKE")
def _like(site: Site, terms: Sequence[Term]) -> Term:
    text, pattern = site.all_of(Kind.TEXT, terms)
    like = pattern.sql
    if pattern.length > _LONGEST_PATTERN:
        like = once(
            [pattern], lambda x: f"CASE WHEN char_length({x}) <= {_LONGEST_PATTERN} THEN {x} END"
        )
    # Without an escape character no pattern is malformed.
    return test_of(site, f"({text.sql} LIKE {like} ESCAPE '')", terms)


@_operator("BETWEEN")
def _between(site: Site, terms: Sequence[Term]) -> Term:
    kind, (value, low, high) = unified(list(terms))
    if kind is Kind.FLAG:
        raise site.refuse("A condition lies between nothing; write = TRUE or = FALSE.")
    value_sql, low_sql, high_sql = _comparable(value, low, high)
    return test_of(site, f"({value_sql} BETWEEN {low_sql} AND {high_sql})", terms)


@_operator("IS NULL")
def _missing(site: Site, terms: Sequence[Term]) -> Term:
    return test_of(site, f"({decided(terms[0]).sql} IS NULL)", terms)


# Logic


@_operator("AND", "OR")
def _connected(site: Site, terms: Sequence[Term]) -> Term:
    conditions = site.all_of(Kind.FLAG, terms)
    return test_of(site, f"({f' {site.node.name} '.join(c.sql for c in conditions)})", terms)


@_operator("NOT")
def _not(site: Site, terms: Sequence[Term]) -> Term:
    return test_of(site, f"(NOT {decided(terms[0], Kind.FLAG).sql})", terms)


# Arithmetic


@_operator("+")
def _plus(site: Site, terms: Sequence[Term]) -> Term:
    left, right = terms
    if left.kind in _DAYS:
        return later(site, left, decided(right, Kind.NUMBER))
    if right.kind in _DAYS:
        return later(site, right, decided(left, Kind.NUMBER))
    _no_texts(site, terms)
    return _sum(site, terms)


@_operator("-")
def _minus(site: Site, terms: Sequence[Term]) -> Term:
    left, right = terms
    if left.kind in _DAYS and _is_number(right):
        number = decided(right, Kind.NUMBER)
        negative = Term(
            f"(- {number.sql})",
            Kind.NUMBER,
            number.position,
            digits=number.digits,
            depth=number.depth,
            simple=number.simple,
        )
        return later(site, left, negative)
    if left.kind in _DAYS or right.kind in _DAYS:
        return days_between(site, right, left)
    return _sum(site, terms)


def _is_number(term: Term) -> bool:
    if term.literal is None or term.null:
        return term.kind is Kind.NUMBER
    return not term.quoted or term.literal.strip().isdecimal()


def _no_texts(site: Site, terms: Sequence[Term]) -> None:
    if any(t.kind is Kind.TEXT and t.literal is None for t in terms):
        raise site.refuse("+ adds numbers; texts are joined with &.")


def _sum(site: Site, terms: Sequence[Term]) -> Term:
    left, right = site.all_of(Kind.NUMBER, terms)
    digits = (
        max(left.digits[0], right.digits[0]) + 1,
        max(left.digits[1], right.digits[1]),
    )
    sql = f"({left.sql} {site.node.name} {right.sql})"
    return site.made(sql, Kind.NUMBER, terms, digits=digits)


@_operator("*")
def _product(site: Site, terms: Sequence[Term]) -> Term:
    left, right = site.all_of(Kind.NUMBER, terms)
    digits = (left.digits[0] + right.digits[0], left.digits[1] + right.digits[1])
    return site.made(f"({left.sql} * {right.sql})", Kind.NUMBER, terms, digits=digits)


@_operator("/")
def _quotient(site: Site, terms: Sequence[Term]) -> Term:
    left, right = site.all_of(Kind.NUMBER, terms)
    # At least 16 significant digits: after the zeros that a small quotient begins with.
    digits = (
        left.digits[0] + right.digits[1] + 1,
        left.digits[1] + sum(right.digits) + 20,
    )
    sql = f"({left.sql} / nullif({right.sql}, 0))"
    return site.made(sql, Kind.NUMBER, terms, digits=digits)


@_operator("NEGATIVE", "POSITIVE")
def _signed(site: Site, terms: Sequence[Term]) -> Term:
    number = decided(terms[0], Kind.NUMBER)
    sign = "-" if site.node.name == "NEGATIVE" else "+"
    return site.made(f"({sign} {number.sql})", Kind.NUMBER, terms, digits=number.digits)


def later(site: Site, day: Term, number: Term) -> Term:
    """A date or an instant, and days after it; null outside the years 1 to 9999."""
    if day.kind is Kind.DATE:
        sql = once(
            [day, number],
            lambda d, n: (
                f"CASE WHEN trunc({n}) BETWEEN '0001-01-01'::date - {d} AND "
                f"'9999-12-31'::date - {d} THEN {d} + {integer(n, -_FAR, _FAR)} END"
            ),
        )
        return site.made(sql, Kind.DATE, [day, number])
    instant = decided(day, Kind.DATETIME)
    sql = once(
        [instant, number],
        lambda d, n: (
            # Days and the rest apart: as one count of seconds it would be inexact.
            f"CASE WHEN extract(epoch FROM {d}) / 86400 + {n} BETWEEN -719162 AND 2932896 THEN "
            f"(({d} AT TIME ZONE 'UTC') + make_interval(days => {integer(n, -_FAR, _FAR)}, "
            f"secs => round(({n} - trunc({n})) * 86400, 6)::float8)) AT TIME ZONE 'UTC' END"
        ),
    )
    return site.made(sql, Kind.DATETIME, [day, number])


def days_between(site: Site, start: Term, end: Term) -> Term:
    """Days from one date or instant to another; of instants with a fraction."""
    given = next((t for t in (end, start) if t.literal is None and t.kind in _DAYS), None)
    if given is None:
        kind, (first, last) = Kind.DATE, site.all_of(Kind.DATE, [start, end])
    else:
        kind, (last, first) = unified([end, start])
    if kind not in _DAYS:
        raise site.refuse(f"{given.called if given else 'This'} has no days in between.")
    if kind is Kind.DATE:
        sql, digits = f"({last.sql} - {first.sql})::numeric", (7, 0)
    else:
        sql = f"(extract(epoch FROM ({last.sql} - {first.sql})) / 86400)"
        digits = (7, 30)
    return site.made(sql, Kind.NUMBER, [start, end], digits=digits)


# Texts


@_operator("&")
def _joined(site: Site, terms: Sequence[Term]) -> Term:
    return joined(site, terms)


def joined(site: Site, terms: Sequence[Term]) -> Term:
    """The texts of all values after each other; what is missing is left out."""
    texts = [as_text(t) for t in terms]
    sql = f"nullif({_concat([t.sql for t in texts])}, '')"
    return site.made(sql, Kind.TEXT, terms, length=sum(t.length for t in texts))


#: PostgreSQL passes at most a hundred arguments to a function.
_MOST_ARGUMENTS = 100


def _concat(parts: list[str]) -> str:
    while len(parts) > _MOST_ARGUMENTS:
        parts = [
            f"concat({', '.join(parts[n : n + _MOST_ARGUMENTS])})"
            for n in range(0, len(parts), _MOST_ARGUMENTS)
        ]
    return f"concat({', '.join(parts)})"


_AS_TEXT = {
    Kind.NUMBER: "trim_scale({})::text",
    Kind.DATE: "to_char({}, 'YYYY-MM-DD')",
    Kind.DATETIME: (
        "(rtrim(rtrim(to_char({} AT TIME ZONE 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '0'), '.') || '+00:00')"
    ),
    Kind.FLAG: "({})::int::text",
}


def as_text(term: Term) -> Term:
    """A value of any kind as text, spelled as it is in answers of the API."""
    term = decided(term)
    if term.kind is Kind.TEXT:
        return term
    length = sum(term.digits) + 2 if term.kind is Kind.NUMBER else 40
    return Term(
        _AS_TEXT[term.kind].format(term.sql),
        Kind.TEXT,
        term.position,
        term.name,
        length=length,
        depth=term.depth,
    )
