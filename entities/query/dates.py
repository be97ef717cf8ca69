"""Dates: reckoning with months, cutting, writing and reading them, with Oracle's rules.

A date without a time stays one; where a time comes in, or `SYSDATE`, the result has one, in UTC.
The last day of a month plus months is the last day of a month.
"""

from sqlglot import exp

from entities.query.expressions import Expressions, Handler, scalar_of
from entities.query.formats import (
    Unknown,
    date_template,
    has_time,
    number_model,
    read_date,
    readable,
)
from entities.query.terms import Kind, Mismatch, Term, decoded
from metabrm import clock

DATES = (Kind.DATE, Kind.DATETIME)
_ISO = "YYYY-MM-DD"

#: TRUNC's models -> SQL of the first day over {d}, a date.
_FIRST_DAYS = {
    **dict.fromkeys(("DD", "DDD", "J"), "{d}"),
    **dict.fromkeys(("DAY", "DY", "D"), "({d} - extract(dow FROM {d})::int)"),
    "IW": "date_trunc('week', {d})::date",
    "W": "({d} - mod(extract(day FROM {d})::int - 1, 7))",
    "WW": "({d} - mod(extract(doy FROM {d})::int - 1, 7))",
    **dict.fromkeys(("MONTH", "MON", "MM", "RM"), "date_trunc('month', {d})::date"),
    "Q": "date_trunc('quarter', {d})::date",
    **dict.fromkeys(
        ("SYYYY", "YYYY", "YEAR", "SYEAR", "YYY", "YY", "Y"), "date_trunc('year', {d})::date"
    ),
    **dict.fromkeys(
        ("IYYY", "IYY", "IY", "I"),
        "to_date(to_char({d}, 'IYYY') || '-01-1', 'IYYY-IW-ID')",
    ),
    **dict.fromkeys(("CC", "SCC"), "date_trunc('century', {d})::date"),
}
_HOURS = {**dict.fromkeys(("HH", "HH12", "HH24"), "hour"), "MI": "minute"}


@scalar_of(exp.CurrentTimestamp)
def _sysdate(e: Expressions, node: exp.Expression) -> Term:
    if not node.args.get("sysdate"):
        e.statement.invalid("Write SYSDATE or SYSTIMESTAMP.", node)
    return Term("date_trunc('second', metabrm_now())", Kind.DATETIME, node)


@scalar_of(exp.Systimestamp)
def _systimestamp(e: Expressions, node: exp.Expression) -> Term:
    e.only(node)
    return Term("metabrm_now()", Kind.DATETIME, node)


@scalar_of(exp.StrToTime)
def _timestamp_literal(e: Expressions, node: exp.Expression) -> Term:
    if not isinstance(node.this, exp.Literal) or not node.this.is_string:
        e.statement.unsupported("TIMESTAMP with anything but a time in quotes", node)
    return Term(e.literal_sql(e.scalar(node.this), Kind.DATETIME), Kind.DATETIME, node)


# Months


@scalar_of(exp.AddMonths)
def _add_months(e: Expressions, node: exp.Expression) -> Term:
    day, months = _date(e, node.this), f"trunc({e.number(e.scalar(node.expression))})::int"
    e.affordable(day.sql, node, 6)
    e.affordable(months, node, 3)
    after = f"make_interval(months => {months} + 1)"
    if day.kind is Kind.DATE:
        sql = (
            f"CASE WHEN {_is_last(day.sql)} THEN {_last(day.sql, after)} "
            f"ELSE ({day.sql} + make_interval(months => {months}))::date END"
        )
        return Term(f"({sql})", Kind.DATE, node)
    of_day = f"({day.sql}::date)"
    sql = (
        f"CASE WHEN {_is_last(of_day)} "
        f"THEN {_last(of_day, after)} + {day.sql}::time "
        f"ELSE {day.sql} + make_interval(months => {months}) END"
    )
    return Term(f"({sql})::timestamptz", Kind.DATETIME, node)


def _is_last(day: str) -> str:
    return f"extract(day FROM {day} + 1) = 1"


def _last(day: str, after: str = "interval '1 month'") -> str:
    return f"((date_trunc('month', {day}::timestamp) + {after})::date - 1)"


@scalar_of(exp.LastDay)
def _last_day(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "this")
    day = _date(e, node.this)
    e.affordable(day.sql, node, 2)
    if day.kind is Kind.DATE:
        return Term(_last(day.sql), Kind.DATE, node)
    sql = f"({_last(f'({day.sql}::date)')} + {day.sql}::time)::timestamptz"
    return Term(sql, Kind.DATETIME, node)


@scalar_of(exp.MonthsBetween)
def _months_between(e: Expressions, node: exp.Expression) -> Term:
    """Whole months between the same days, or two last days, of months; else 31sts of one."""
    e.only(node, "this", "expression")
    terms = [_date(e, node.this), _date(e, node.expression)]
    for term in terms:
        e.affordable(term.sql, node, 8)
    (one, day), (other, from_day) = [(t.sql, f"({t.sql}::date)") for t in terms]

    def months(d: str) -> str:
        return f"(extract(year FROM {d}) * 12 + extract(month FROM {d}))"

    def days(d: str, whole: str, kind: Kind) -> str:
        time = "" if kind is Kind.DATE else f" + extract(epoch FROM {whole}::time) / 86400"
        return f"(extract(day FROM {d}){time})"

    sql = (
        f"({months(day)} - {months(from_day)} + CASE "
        f"WHEN extract(day FROM {day}) = extract(day FROM {from_day}) "
        f"OR ({_is_last(day)} AND {_is_last(from_day)}) THEN 0 "
        f"ELSE ({days(day, one, terms[0].kind)} - {days(from_day, other, terms[1].kind)}) / 31 END)"
    )
    return Term(sql, Kind.NUMBER, node)


def _date(e: Expressions, node: exp.Expression) -> Term:
    """A scalar that must be a date, with a time or without."""
    term = e.scalar(node)
    if term.null:
        return Term("NULL::date", Kind.DATE, node)
    if term.literal is not None:
        try:
            decoded(term.literal, Kind.DATE, False)
        except Mismatch as mismatch:
            e.statement.invalid(f"{mismatch}.", node)
        kind = Kind.DATETIME if len(term.literal) > len("2026-02-28") else Kind.DATE
        return Term(e.literal_sql(term, kind), kind, node)
    if term.kind not in DATES:
        name = term.field.name if term.field else "This"
        e.statement.invalid(f"{name} is a {term.kind}; a date belongs here.", node)
    return term


# Functions that the parser leaves to us: their models are to be read as they are written


def _trunc(e: Expressions, node: exp.Expression) -> Term:
    first, *rest = _arguments(e, node, 1, 2)
    term = e.scalar(first)
    if term.kind not in DATES:
        places = _places(e, rest[0]) if rest else 0
        return Term(f"trunc({e.number(term)}::numeric, {places})", Kind.NUMBER, node)
    model = _model(e, rest[0]).upper() if rest else "DD"
    if model in _HOURS and term.kind is Kind.DATETIME:
        return Term(f"date_trunc('{_HOURS[model]}', {term.sql})", Kind.DATETIME, node)
    sql = _FIRST_DAYS.get("DD" if model in _HOURS else model)
    if sql is None:
        e.statement.invalid(
            f"TRUNC doesn't know {model[:20]!r}; write DD, DAY, IW, MM, Q, YYYY, HH24 or MI.",
            rest[0],
        )
    day = term.sql if term.kind is Kind.DATE else f"({term.sql}::date)"
    e.affordable(day, node, 2)
    return Term(sql.replace("{d}", day), Kind.DATE, node)


def _places(e: Expressions, node: exp.Expression) -> int:
    sign = -1 if isinstance(node, exp.Neg) else 1
    literal = node.this if isinstance(node, exp.Neg) else node
    if not isinstance(literal, exp.Literal) or not literal.this.isdecimal():
        e.statement.invalid("A whole number belongs here, written out.", node)
    return sign * min(int(literal.this[:3]), 38)


def _to_char(e: Expressions, node: exp.Expression) -> Term:
    first, *rest = _arguments(e, node, 1, 2)
    term = e.settled(e.scalar(first))
    if not rest:
        return Term("NULL::text" if term.null else term.text_sql(), Kind.TEXT, node)
    model = _model(e, rest[0])
    try:
        if term.kind in DATES:
            template = e.parameters.bind(date_template(model), "text")
            value = f"{term.sql}::timestamp" if term.kind is Kind.DATE else term.sql
            return Term(f"nullif(to_char({value}, {template}), '')", Kind.TEXT, node)
        if term.kind is Kind.TEXT:
            e.statement.invalid("A text has no format; leave the second argument out.", node)
        return Term(_number_sql(e, e.number(term), model, node), Kind.TEXT, node)
    except Unknown as unknown:
        e.statement.invalid(f"{unknown}.", rest[0])


def _number_sql(e: Expressions, number: str, model: str, node: exp.Expression) -> str:
    made = number_model(model)
    e.affordable(number, node, 5)
    rounded = f"round({number}::numeric, {made.places})"
    bare = "" if made.width else "FM"
    template = e.parameters.bind(bare + made.digits, "text")
    digits = f"ltrim(to_char(abs({rounded}), {template}))"
    money = f"'$' || {digits}" if made.dollar else digits
    negative = f"{rounded} < 0"
    signed = {
        "": f"CASE WHEN {negative} THEN '-' ELSE '' END || {money}",
        "MI": f"{money} || CASE WHEN {negative} THEN '-' ELSE ' ' END",
        "PR": f"CASE WHEN {negative} THEN '<' || {money} || '>' ELSE {money} || ' ' END",
        "S": f"CASE WHEN {negative} THEN '-' ELSE '+' END || {money}"
        if made.leads
        else f"{money} || CASE WHEN {negative} THEN '-' ELSE '+' END",
    }[made.sign]
    text = f"rtrim({signed})" if not made.width else f"lpad({signed}, {made.width})"
    width = made.width or len(made.digits) + 1 + made.dollar
    return f"CASE WHEN abs({rounded}) >= 1{'0' * made.whole} THEN '{'#' * width}' ELSE {text} END"


def _to_date(e: Expressions, node: exp.Expression) -> Term:
    first, *rest = _arguments(e, node, 1, 2)
    model = _model(e, rest[0]) if rest else _ISO
    term = e.scalar(first)
    try:
        timed = has_time(model)
        kind = Kind.DATETIME if timed else Kind.DATE
        if term.null:
            return Term(f"NULL::{'timestamptz' if timed else 'date'}", kind, node)
        if term.literal is not None:
            return _read(e, term, model, kind, bool(rest))
        if not readable(model):
            e.statement.invalid(
                "TO_DATE of a column needs YYYY, a month and a day in its format.", rest[0]
            )
        template = e.parameters.bind(date_template(model), "text")
    except Unknown as unknown:
        e.statement.invalid(f"{unknown}.", rest[0] if rest else node)
    read = f"to_timestamp({e.text(first)}, {template})"
    return Term(read if timed else f"{read}::date", kind, node)


def _read(e: Expressions, term: Term, model: str, kind: Kind, modelled: bool) -> Term:
    """A text that is written in the query is read here, with a place to complain of."""
    assert term.literal is not None
    if not modelled:
        return _date(e, term.node)
    try:
        found = read_date(term.literal, model, clock.now().year // 100 * 100)
    except Unknown:
        raise
    except (ValueError, OverflowError):
        e.statement.invalid(
            f"{term.literal[:40]!r} is no date of the form {model[:40]}.", term.node
        )
    value = found.date().isoformat() if kind is Kind.DATE else found.isoformat()
    pg_type = "date" if kind is Kind.DATE else "timestamptz"
    return Term(e.parameters.bind(value, pg_type), kind, term.node)


@scalar_of(exp.ToNumber)
def _to_number(e: Expressions, node: exp.Expression) -> Term:
    e.only(node, "this", "format")
    term = e.settled(e.scalar(node.this))
    model = node.args.get("format")
    if term.kind is Kind.NUMBER and model is None:
        return Term(term.sql, Kind.NUMBER, node, whole=term.whole)
    text = e.text(node.this)
    if model is not None:
        try:
            number_model(_model(e, model))
        except Unknown as unknown:
            e.statement.invalid(f"{unknown}.", model)
        text = f"translate({text}, ',$', '')"
    e.affordable(text, node, 2)
    # PostgreSQL would also read NaN, Infinity and numbers to other bases.
    sql = f"(CASE WHEN {text} ~ '[^0-9.eE+ -]' THEN '-' ELSE nullif(trim({text}), '') END)::numeric"
    return Term(sql, Kind.NUMBER, node)


_BY_NAME: dict[str, Handler] = {"TRUNC": _trunc, "TO_CHAR": _to_char, "TO_DATE": _to_date}


@scalar_of(exp.Anonymous)
def _anonymous(e: Expressions, node: exp.Expression) -> Term:
    from entities.query.functions import refuse

    handler = _BY_NAME.get(str(node.this).upper())
    if handler is None:
        refuse(e.statement, node)
    return handler(e, node)


def _arguments(e: Expressions, node: exp.Expression, least: int, most: int) -> list[exp.Expression]:
    found: list[exp.Expression] = node.expressions
    if not least <= len(found) <= most:
        e.statement.invalid(
            f"{str(node.this).upper()} takes {least} or {most} arguments, not {len(found)}.", node
        )
    return found


def _model(e: Expressions, node: exp.Expression) -> str:
    """A format model, which the query itself must spell out."""
    if not isinstance(node, exp.Literal) or not node.is_string or not 1 <= len(node.this) <= 100:
        e.statement.invalid("A format stands here in quotes, such as 'YYYY-MM-DD'.", node)
    return str(node.this)
