"""Conditions: comparisons, IN, LIKE, BETWEEN, IS NULL, joined by AND, OR, NOT.

Three-valued like SQL itself, with one thing of Oracle's: '' is no value. `= ''` asks for records
without a value and `<> ''` for those with one, because that is what people mean by it.
"""

from collections.abc import Callable

from sqlglot import exp

from entities.query.expressions import Expressions
from entities.query.terms import PG_TYPES, Kind, Mismatch, Term, decoded
from metabrm import sealing

_COMPARISONS: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}


def condition(e: Expressions, node: exp.Expression) -> str:
    """SQL of a condition; RequestError when `node` is none, or none that we serve."""
    handler = CONDITIONS.get(type(node))
    if handler is None:
        e.scalar(node)  # has the better complaint if the value itself is wrong
        e.statement.invalid("A condition belongs here, such as Status = 'ACTIVE'.", node)
    return handler(e, node)


def equality(e: Expressions, left: Term, right: Term) -> str:
    """SQL of left = right."""
    return _compared(e, left, right, "=")


def _compared(e: Expressions, left: Term, right: Term, operator: str) -> str:
    if operator in ("=", "<>") and left.empty != right.empty:
        term = e.settled(left if right.empty else right)
        return f"({term.sql} IS {'NOT ' if operator == '<>' else ''}NULL)"
    kind, (one, other) = e.unified([left, right])
    _comparable(e, kind, left)
    return f"({one} {operator} {other})"


def _comparable(e: Expressions, kind: Kind, term: Term) -> None:
    if kind is Kind.JSON:
        e.statement.invalid("A JSON document can't be compared; test it with IS NULL.", term.node)


def _comparison(e: Expressions, node: exp.Expression) -> str:
    left, right = e.operand(node.this), e.operand(node.expression)
    operator = _COMPARISONS[type(node)]
    if left.place or right.place:
        column, other = (left, right) if left.place else (right, left)
        return _sealed(e, column, [other], operator)
    return _compared(e, left, right, operator)


def _sealed(e: Expressions, column: Term, others: list[Term], operator: str) -> str:
    """A column that is encrypted at rest is, or is not, one of `others`: under whichever key."""
    if operator not in ("=", "<>") or any(o.literal is None and not o.null for o in others):
        e.encrypted(column)
    tests = []
    written = [o.literal for o in others if o.literal is not None and not o.empty]
    if written:
        tokens = [token for text in written for token in sealing.tokens(column.place, text)]
        tests.append(f"{column.sql} = ANY({e.parameters.bind(tokens, 'text[]')})")
    if any(o.empty for o in others):
        tests.append(f"{column.sql} IS NULL")
    if any(o.null and not o.empty for o in others):
        tests.append("NULL::boolean")
    return f"({'NOT ' if operator == '<>' else ''}({' OR '.join(tests)}))"


def _connected(e: Expressions, node: exp.Expression) -> str:
    # A chain of a thousand ANDs is a tree a thousand deep, but only to its left.
    word = "AND" if isinstance(node, exp.And) else "OR"
    parts: list[exp.Expression] = []
    current = node
    while type(current) is type(node):
        parts.append(current.expression)
        current = current.this
    parts.append(current)
    return f"({f' {word} '.join(condition(e, part) for part in reversed(parts))})"


def _not(e: Expressions, node: exp.Expression) -> str:
    return f"(NOT {condition(e, node.this)})"


def _paren(e: Expressions, node: exp.Expression) -> str:
    return condition(e, node.this)


def _is(e: Expressions, node: exp.Expression) -> str:
    if not isinstance(node.expression, exp.Null):
        e.statement.unsupported("IS with anything but NULL", node)
    return f"({e.settled(e.operand(node.this)).sql} IS NULL)"


def _in(e: Expressions, node: exp.Expression) -> str:
    inner = node.args.get("query")
    if inner is not None:
        from entities.query.subqueries import within

        return within(e, e.scalar(node.this), inner)
    e.only(node, "this", "expressions")
    members = [e.scalar(n) for n in node.expressions]
    if not members:
        e.statement.invalid("IN needs a list of values in parentheses.", node)
    left = e.operand(node.this)
    if left.place:
        return _sealed(e, left, members, "=")
    present = [m for m in members if not m.empty]
    tests = [_listed(e, left, present)] if present else []
    if len(present) < len(members):
        tests.append(f"{e.settled(left).sql} IS NULL")
    return f"({' OR '.join(tests)})"


def _listed(e: Expressions, left: Term, members: list[Term]) -> str:
    literals = [m for m in members if m.literal is not None]
    if len(literals) == len(members) and left.literal is None and not left.null:
        _comparable(e, left.kind, left)
        return _any(e, left, literals)
    kind, (one, *others) = e.unified([left, *members])
    _comparable(e, kind, left)
    return f"{one} IN ({', '.join(others)})"


def _any(e: Expressions, left: Term, literals: list[Term]) -> str:
    """A list of literals is one parameter, however long."""
    values: list[str] = []
    types: set[str] = set()
    for term in literals:
        assert term.literal is not None
        try:
            value, pg_type = decoded(term.literal, left.kind, left.whole)
        except Mismatch:
            e.literal_sql(term, left.kind, left)
            raise
        values.append(value)
        types.add(pg_type)
    # A number with decimals among ids makes numbers of them all.
    pg_type = types.pop() if len(types) == 1 else PG_TYPES[left.kind]
    return f"{left.sql} = ANY({e.parameters.bind(values, f'{pg_type}[]')})"


def _like(e: Expressions, node: exp.Expression, escape: str = "") -> str:
    e.only(node, "this", "expression", "negate")
    # Without ESCAPE no character escapes, a backslash included.
    sign = e.parameters.bind(escape, "text") if escape else "''"
    pattern = e.text(node.expression)
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    return f"({e.text(node.this)} {word} {pattern} ESCAPE {sign})"


def _escape(e: Expressions, node: exp.Expression) -> str:
    sign = node.expression
    if not isinstance(node.this, exp.Like):
        e.statement.unsupported("ESCAPE without LIKE", node)
    if not isinstance(sign, exp.Literal) or not sign.is_string or len(sign.this) != 1:
        e.statement.invalid("ESCAPE needs one character in quotes.", sign)
    return _like(e, node.this, sign.this)


def _between(e: Expressions, node: exp.Expression) -> str:
    e.only(node, "this", "low", "high")
    terms = [e.scalar(node.args[a]) for a in ("this", "low", "high")]
    kind, (value, low, high) = e.unified(terms)
    _comparable(e, kind, terms[0])
    return f"({value} BETWEEN {low} AND {high})"


Handler = Callable[[Expressions, exp.Expression], str]

CONDITIONS: dict[type[exp.Expression], Handler] = {
    exp.And: _connected,
    exp.Or: _connected,
    exp.Not: _not,
    exp.Paren: _paren,
    exp.Is: _is,
    exp.In: _in,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Between: _between,
    **dict.fromkeys(_COMPARISONS, _comparison),
}


def condition_of(*nodes: type[exp.Expression]) -> Callable[[Handler], Handler]:
    """Decorator: the function compiles conditions of these node types."""

    def register(handler: Handler) -> Handler:
        for node in nodes:
            CONDITIONS[node] = handler
        return handler

    return register
