"""The functions of the query language: one small compiler each, none passed through by name.

Texts follow Oracle: an empty result is no value. Numbers are exact. What a function does with a
missing value is what Oracle does.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from sqlglot import exp

from entities.errors import nearest
from entities.query.expressions import Expressions, Handler, concatenated, scalar_of
from entities.query.limits import MAX_GROWN
from entities.query.parse import Statement
from entities.query.terms import Kind, Term

_NAMES = [
    *("ABS", "ADD_MONTHS", "AVG", "CEIL", "COALESCE", "CONCAT", "COUNT", "DECODE", "FLOOR"),
    *("GREATEST", "LAST_DAY", "LEAST", "LENGTH", "LOWER", "LTRIM", "MAX", "MIN", "MOD"),
    *("MONTHS_BETWEEN", "NVL", "NVL2", "REPLACE", "ROUND", "RTRIM", "SIGN", "SUBSTR", "SUM"),
    *("SYSDATE", "SYSTIMESTAMP", "TO_CHAR", "TO_DATE", "TO_NUMBER", "TRIM", "TRUNC", "UPPER"),
]
#: Nodes of the grammar that are no functions, and what people call them.
_CONSTRUCTS: dict[type[exp.Expression], str] = {
    exp.Select: "A subquery in this place",
    exp.Any: "ANY (SELECT …)",
    exp.All: "ALL (SELECT …)",
    exp.Window: "OVER (…)",
    exp.Cast: "CAST",
    exp.Interval: "INTERVAL",
    exp.Tuple: "A list of several values in this place",
    exp.Prior: "PRIOR",
}


def refuse(statement: Statement, node: exp.Expression) -> NoReturn:
    """Refuse a node that has no compiler: an unknown function, or a construct we don't serve."""
    if type(node) in _CONSTRUCTS:
        statement.unsupported(_CONSTRUCTS[type(node)], node)
    if isinstance(node, exp.Func):
        name = statement.called(node)
        statement.invalid(f"There is no function {name[:60]}.{nearest(name, _NAMES)}", node)
    statement.unsupported(f"{node.key.upper()}", node)


# Texts


def _simple_text(template: str) -> Handler:
    def compiled(e: Expressions, node: exp.Expression) -> Term:
        e.only(node, "this")
        return Term(template.format(e.text(node.this)), Kind.TEXT, node)

    return compiled


scalar_of(exp.Upper)(_simple_text("upper({})"))
scalar_of(exp.Lower)(_simple_text("lower({})"))


@scalar_of(exp.Trim)
def _trim(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "this", "expression", "position")
    function = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(
        node.args.get("position") or "", "btrim"
    )
    which = f", {e.text(node.expression)}" if node.expression else ""
    return Term(f"nullif({function}({e.text(node.this)}{which}), '')", Kind.TEXT, node)


@scalar_of(exp.Length)
def _length(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "this")
    return Term(f"length(nullif({e.text(node.this)}, ''))", Kind.NUMBER, node, whole=True)


@scalar_of(exp.Substring)
def _substring(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "this", "start", "length")
    text, at = e.text(node.this), node.args.get("start")
    if at is None:
        e.statement.invalid("SUBSTR needs a text and a position.", node)
    length = node.args.get("length")
    count = "" if length is None else f", greatest({_position(e, length)}, 0)"
    written = e.scalar(at).literal is not None
    start = _position(e, at)
    e.affordable(text, node, 3)
    e.affordable(start, node, 4)
    # Counted from the end, a text that is too short yields nothing.
    behind = (
        f"CASE WHEN length({text}) >= -{start} THEN substr(right({text}, -{start}), 1{count}) END"
    )
    ahead = f"substr({text}, greatest({start}, 1){count})"
    if written:
        sql = behind if start.startswith("(-") else ahead
    else:
        sql = f"CASE WHEN {start} < 0 THEN {behind} ELSE {ahead} END"
    return Term(f"nullif({sql}, '')", Kind.TEXT, node)


def _position(e: Expressions, node: exp.Expression) -> str:
    """SQL of a whole number; one that is written stands in the statement as it is."""
    if isinstance(node, exp.Neg | exp.Literal):
        number = _whole(e, node)
        return f"({number})" if number < 0 else str(number)
    return f"trunc({e.number(e.scalar(node))}::numeric)::int"


def _whole(e: Expressions, node: exp.Expression | None) -> int:
    """A whole number that the query itself must spell out."""
    sign = -1 if isinstance(node, exp.Neg) else 1
    number = node.this if isinstance(node, exp.Neg) else node
    if not isinstance(number, exp.Literal) or not number.this.isdecimal() or len(number.this) > 9:
        e.statement.invalid("A whole number belongs here, written out.", node)
    return sign * int(number.this)


@scalar_of(exp.Replace)
def _replace(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "this", "expression", "replacement")
    text, by = e.text(node.this), node.args.get("replacement")
    replacement = f"coalesce({e.text(by)}, '')" if by is not None else "''"
    found = f"coalesce({e.text(node.expression)}, '')"
    sql = f"nullif(replace({text}, {found}, {replacement}), '')"
    if by is not None and not _no_longer(by, node.expression):
        e.affordable(text, node, 3)
        e.affordable(replacement, node, 2)
        # What is replaced in what was replaced grows by itself.
        sql = (
            f"CASE WHEN length({text})::bigint * length({replacement}) > {MAX_GROWN} "
            f"THEN substr({text}, 1, -1) ELSE {sql} END"
        )
    return Term(sql, Kind.TEXT, node, made=True)


def _no_longer(one: exp.Expression, other: exp.Expression) -> bool:
    literals = isinstance(one, exp.Literal) and isinstance(other, exp.Literal)
    return literals and len(one.this) <= max(len(other.this), 1)


@scalar_of(exp.Concat)
def _concat(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "expressions")
    return concatenated(e, node.expressions, node)


# Numbers


def _simple_number(function: str) -> Handler:
    def compiled(e: Expressions, node: exp.Expression) -> Term:
        e.only(node, "this")
        return Term(f"{function}({e.number(e.scalar(node.this))}::numeric)", Kind.NUMBER, node)

    return compiled


scalar_of(exp.Abs)(_simple_number("abs"))
scalar_of(exp.Ceil)(_simple_number("ceil"))
scalar_of(exp.Floor)(_simple_number("floor"))
scalar_of(exp.Sign)(_simple_number("sign"))


@scalar_of(exp.Round)
def _round(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "this", "decimals")
    decimals = node.args.get("decimals")
    places = _whole(e, decimals) if decimals is not None else 0
    return Term(f"round({e.number(e.scalar(node.this))}::numeric, {places})", Kind.NUMBER, node)


@scalar_of(exp.Mod)
def _modulo(e: Expressions, node: exp.Expression) -> Term:
    """As in Oracle, there is no remainder of a division by 0: all of the number is left."""
    number, by = e.number(e.scalar(node.this)), e.number(e.scalar(node.expression))
    e.affordable(number, node, 2)
    sql = f"coalesce(mod({number}::numeric, nullif({by}::numeric, 0)), "
    sql += f"CASE WHEN {by} = 0 THEN {number}::numeric END)"
    e.affordable(by, node, 2)
    return Term(sql, Kind.NUMBER, node)


# Of any kind


@scalar_of(exp.Coalesce)
def _coalesce(e: Expressions, node: exp.Expression) -> Term:
    terms = [e.scalar(n) for n in (node.this, *node.expressions)]
    kind, values = e.unified(terms)
    return Term(f"coalesce({', '.join(values)})", kind, node)


@scalar_of(exp.Nvl2)
def _nvl2(e: Expressions, node: exp.Expression) -> Term:
    tested = e.settled(e.scalar(node.this))
    kind, (present, missing) = e.unified(
        [e.scalar(node.args["true"]), e.scalar(node.args["false"])]
    )
    sql = f"CASE WHEN {tested.sql} IS NOT NULL THEN {present} ELSE {missing} END"
    return Term(sql, kind, node)


@scalar_of(exp.DecodeCase)
def _decode(e: Expressions, node: exp.Expression) -> Term:
    """DECODE(value, a, x, b, y, otherwise): like CASE, but a missing value equals a missing one."""
    subject, *rest = [e.scalar(n) for n in node.expressions]
    if len(rest) < 2:
        e.statement.invalid("DECODE needs a value, and pairs of a value and a result.", node)
    default = rest.pop() if len(rest) % 2 else None
    _, (value, *searched) = e.unified([subject, *rest[0::2]])
    e.affordable(value, node, len(searched))
    results = [*rest[1::2], *([default] if default is not None else [])]
    kind, values = e.unified(results)
    arms = " ".join(
        f"WHEN {value} IS NOT DISTINCT FROM {search} THEN {result}"
        for search, result in zip(searched, values, strict=False)
    )
    otherwise = f" ELSE {values[-1]}" if default is not None else ""
    return Term(f"CASE {arms}{otherwise} END", kind, node)


@scalar_of(exp.Greatest, exp.Least)
def _extreme(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "this", "expressions")
    kind, values = e.unified([e.scalar(n) for n in (node.this, *node.expressions)])
    e.affordable(max(values, key=len), node, len(values) * 2)
    missing = " OR ".join(f"{value} IS NULL" for value in values)
    sql = f"CASE WHEN {missing} THEN NULL ELSE {node.key}({', '.join(values)}) END"
    return Term(sql, kind, node)


@scalar_of(exp.DateStrToDate)
def _date_literal(e: Expressions, node: exp.Expression) -> Term:
    if not isinstance(node.this, exp.Literal) or not node.this.is_string:
        e.statement.unsupported("DATE with anything but a date in quotes", node)
    return Term(e.literal_sql(e.scalar(node.this), Kind.DATE), Kind.DATE, node)


# Aggregates


def _aggregate(
    compiled: Callable[[Expressions, exp.Expression, Term], Term],
) -> Handler:
    def handler(e: Expressions, node: exp.Expression) -> Term:
        if e.no_aggregates:
            e.statement.invalid(f"{e.statement.called(node)} can't stand {e.no_aggregates}.", node)
        e.only(node, "this")
        e.aggregated = True
        before, own, lent = len(e.loose), e.own, e.lent
        e.no_aggregates = "inside another aggregate"
        argument, distinct = node.this, ""
        if isinstance(argument, exp.Distinct):
            if len(argument.expressions) != 1:
                e.statement.unsupported("DISTINCT over several columns", node)
            argument, distinct = argument.expressions[0], "DISTINCT "
        if isinstance(argument, exp.Star) and isinstance(node, exp.Count) and not distinct:
            term = Term("*", Kind.NUMBER, node)
        else:
            term = e.settled(e.scalar(argument))
        del e.loose[before:]
        e.no_aggregates = ""
        if e.lent > lent and e.own == own:
            # To PostgreSQL it would be an aggregate of the SELECT around this one.
            e.statement.invalid(
                f"{e.statement.called(node)} needs a column of the SELECT that it stands in.", node
            )
        return compiled(e, node, replace(term, sql=distinct + term.sql))

    return handler


@scalar_of(exp.Count)
@_aggregate
def _count(e: Expressions, node: exp.Expression, argument: Term) -> Term:
    return Term(f"count({argument.sql})", Kind.NUMBER, node, whole=True)


@scalar_of(exp.Sum, exp.Avg)
@_aggregate
def _sum(e: Expressions, node: exp.Expression, argument: Term) -> Term:
    if argument.null:
        return Term(f"{node.key}(NULL::numeric)", Kind.NUMBER, node)
    e.number(argument)
    return Term(f"{node.key}({argument.sql})", Kind.NUMBER, node)


@scalar_of(exp.Min, exp.Max)
@_aggregate
def _extreme_of_all(e: Expressions, node: exp.Expression, argument: Term) -> Term:
    if argument.kind in (Kind.FLAG, Kind.JSON):
        e.statement.invalid(
            f"{e.statement.called(node)} needs a number, a text or a date.", argument.node
        )
    return Term(
        f"{node.key}({argument.sql})", argument.kind, node, argument.field, whole=argument.whole
    )
