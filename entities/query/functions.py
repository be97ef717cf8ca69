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
from entities.query.parse import Statement
from entities.query.terms import Kind, Term

_NAMES = [
    *("ABS", "AVG", "CEIL", "COALESCE", "CONCAT", "COUNT", "DECODE", "FLOOR", "GREATEST", "LEAST"),
    *("LENGTH", "LOWER", "LTRIM", "MAX", "MIN", "MOD", "NVL", "NVL2", "REPLACE", "ROUND", "RTRIM"),
    *("SIGN", "SUBSTR", "SUM", "TRIM", "UPPER"),
]
#: Part of the language, but of a later chapter.
_LATER = {
    *("TO_CHAR", "TO_DATE", "TO_NUMBER", "TRUNC", "ADD_MONTHS", "MONTHS_BETWEEN", "LAST_DAY"),
    *("SYSDATE", "SYSTIMESTAMP"),
}
#: Nodes of the grammar that are no functions, and what people call them.
_CONSTRUCTS: dict[type[exp.Expression], str] = {
    exp.Subquery: "A subquery in this place",
    exp.Select: "A subquery in this place",
    exp.Exists: "EXISTS",
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
        if name in _LATER:
            statement.unsupported(f"{name}()", node)
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
    text, start = e.text(node.this), _whole(e, node.args.get("start"))
    length = node.args.get("length")
    count = f", {max(_whole(e, length), 0)}" if length is not None else ""
    if start < 0:  # counted from the end; a text that is too short yields nothing
        tail = f"substr(right({text}, {-start}), 1{count})"
        sql = f"CASE WHEN length({text}) >= {-start} THEN {tail} END"
    else:
        sql = f"substr({text}, {max(start, 1)}{count})"
    return Term(f"nullif({sql}, '')", Kind.TEXT, node)


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
    by = node.args.get("replacement")
    replacement = f"coalesce({e.text(by)}, '')" if by is not None else "''"
    found = f"coalesce({e.text(node.expression)}, '')"
    sql = f"replace({e.text(node.this)}, {found}, {replacement})"
    return Term(f"nullif({sql}, '')", Kind.TEXT, node)


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
    number, by = e.number(e.scalar(node.this)), e.number(e.scalar(node.expression))
    return Term(f"mod({number}::numeric, {by}::numeric)", Kind.NUMBER, node)


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
        before, e.no_aggregates = len(e.loose), "inside another aggregate"
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
