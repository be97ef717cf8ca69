"""Syntax tree -> SQL of our own: scalars, with their kinds.

Each node type that a query may contain has its entry in a table, here, in `conditions` or in
`functions`; whatever has none is refused by name. The user's words never become SQL: names turn
into columns of the schema, literals into parameters, operators and functions into SQL written here.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from sqlglot import exp

from entities.query.limits import MAX_PIECES, MAX_SQL
from entities.query.scope import Scope
from entities.query.terms import PG_TYPES, Kind, Mismatch, Term, decoded, holds

_DATES = frozenset({Kind.DATE, Kind.DATETIME})
_ARITHMETIC: dict[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
}
#: Arguments of the parser's nodes that carry a dialect's fine print and change nothing here.
_FINE_PRINT = frozenset(
    {"safe", "coalesce", "big_int", "is_nvl", "ignore_nulls", "typed", "preserve_end_of_month"}
)


class Expressions:
    """Compiles the scalars of one SELECT over `scope`.

    outer       those of the SELECT around this one, whose columns may be named here too
    reach       SQL of such a column there -> its SQL here
    groups      SQL of the GROUP BY expressions, once they are known
    loose       columns met so far outside aggregates and groups: (their node, their name)
    own, lent   how many names meant something here, and how many in a SELECT around this one
    """

    def __init__(
        self,
        scope: Scope,
        outer: "Expressions | None" = None,
        reach: Callable[[str], str] = str,
    ) -> None:
        self.statement = scope.statement
        self.scope = scope
        self.parameters = scope.query.parameters
        self.outer = outer
        self.reach = reach
        #: How many SELECTs there are around this one, and itself.
        self.nested = 1
        self.groups: frozenset[str] = frozenset()
        self.loose: list[tuple[exp.Expression, str]] = []
        self.own = self.lent = 0
        self.aggregated = False
        #: Why an aggregate can't stand here ("in WHERE"), or "" where it can.
        self.no_aggregates = ""
        #: SQL of a column of the sources -> its SQL where their rows were cut before; see `rows`.
        self.cut: Callable[[str], str] = str
        #: SQL of ROWNUM, or why it can't stand here.
        self.rownum = ""
        self.no_rownum = "in ON"

    # Names

    def name(self, node: exp.Expression) -> Term:
        """The column that a name means, here or in a SELECT around this one."""
        words = self._words(node)
        if len(words) == 1 and words[0].name.upper() == "ROWNUM" and not words[0].args["quoted"]:
            return self._rownum(node)
        term = self.named(words, node)
        if term is None:
            self.scope.complain(words, node)
        assert term is not None
        return term

    def named(self, words: list[exp.Identifier], node: exp.Expression) -> Term | None:
        """The column that the words mean, or None; it counts among those that were met."""
        found = self.scope.find(words, node)
        if found is not None:
            self.own += 1
            term = replace(found, sql=self.cut(found.sql))
            if term.sql not in self.groups:
                self.loose.append((node, term.key))
            return term
        if self.outer is None:
            return None
        found = self.outer.named(words, node)
        if found is None:
            return None
        self.lent += 1
        return replace(found, sql=self.reach(found.sql))

    def lend(self, sql: str, key: str, node: exp.Expression) -> str:
        """SQL, for a SELECT inside this one, of what is `sql` over the sources here."""
        self.own += 1
        self.loose.append((node, key))
        return self.cut(sql)

    def _rownum(self, node: exp.Expression) -> Term:
        if self.no_rownum:
            self.statement.unsupported(
                f"ROWNUM {self.no_rownum}, other than compared with a number beside conditions "
                "joined by AND,",
                node,
            )
        return Term(self.rownum, Kind.NUMBER, node, whole=True, key="ROWNUM")

    def _words(self, node: exp.Expression) -> list[exp.Identifier]:
        tail: list[exp.Identifier] = []
        while isinstance(node, exp.Dot):
            if not isinstance(node.expression, exp.Identifier):
                called = self.statement.called(node.expression)
                self.statement.unsupported(f"The function {called}", node)
            tail.append(node.expression)
            node = node.this
        words = node.parts if isinstance(node, exp.Column) else [node]
        if not all(isinstance(w, exp.Identifier) for w in words):
            self.statement.invalid("Name the columns; * is not supported.", node)
        if any(node.args.get(a) for a in node.args if a not in ("this", "table", "db", "catalog")):
            self.statement.unsupported("The outer-join mark (+)", node)
        return [*words, *reversed(tail)]

    # Scalars

    def scalar(self, node: exp.Expression) -> Term:
        """Compile a scalar expression; RequestError when it is none, or none that we serve."""
        term = self.operand(node)
        if term.place:
            self.encrypted(term)
        return term

    def encrypted(self, term: Term) -> NoReturn:
        """Refuse what only a value that is not encrypted can take part in."""
        self.statement.invalid(
            f"{term.key} is encrypted; it can be selected, compared with written values by =, <> "
            "and IN, and tested with IS NULL, and nothing else.",
            term.node,
        )

    def operand(self, node: exp.Expression) -> Term:
        """A scalar, or a column that is encrypted at rest, for what can do with its tokens."""
        while isinstance(node, exp.Paren):
            node = node.this
        before = len(self.loose)
        handler = _SCALARS.get(type(node))
        if handler is None:
            self._refuse(node)
        term = handler(self, node)
        self.affordable(term.sql, node)
        if self.groups and term.sql in self.groups:
            del self.loose[before:]
        return term

    def affordable(self, sql: str, node: exp.Expression, times: int = 1) -> None:
        """Refuse to write `sql` so many times: what is nested in itself grows without bounds."""
        if len(sql) * times > MAX_SQL:
            self.statement.invalid("The query is too complex here; send it in parts.", node)

    def settled(self, term: Term) -> Term:
        """A literal that meets nothing: a text if quoted, else a number."""
        if term.literal is None:
            return term
        kind = Kind.TEXT if term.quoted else Kind.NUMBER
        return Term(self.literal_sql(term, kind), Kind.NULL if term.empty else kind, term.node)

    def unified(self, terms: Sequence[Term]) -> tuple[Kind, list[str]]:
        """The one kind of values that meet, and the SQL of each as that kind.

        Literals take the kind of the first column or expression beside them.
        """
        first = next((t for t in terms if t.literal is None and not t.null), None)
        if first is None:
            quoted = all(t.quoted for t in terms if t.literal is not None)
            kind = Kind.TEXT if quoted else Kind.NUMBER
        else:
            kind = first.kind
        for term in terms:
            if term.literal is None and not term.null and term.kind is not kind:
                if not {kind, term.kind} <= _DATES:
                    assert first is not None
                    self._apart(first, term)
                kind = Kind.DATETIME
        return kind, [self.as_kind(t, kind, first) for t in terms]

    def as_kind(self, term: Term, kind: Kind, beside: Term | None = None) -> str:
        """SQL of `term` as a value of `kind`; `beside` is the column that a literal is held to."""
        if term.null:
            return f"NULL::{PG_TYPES[kind]}"
        if term.literal is None:
            return f"{term.sql}::timestamptz" if kind is not term.kind else term.sql
        return self.literal_sql(term, kind, beside)

    def literal_sql(self, term: Term, kind: Kind, beside: Term | None = None) -> str:
        """A literal bound as a parameter of `kind`."""
        if term.empty:
            return f"NULL::{PG_TYPES[kind]}"
        assert term.literal is not None
        try:
            value, pg_type = decoded(term.literal, kind, beside is not None and beside.whole)
        except Mismatch as mismatch:
            self.statement.invalid(f"{mismatch}{holds(beside)}.", term.node)
        return self.parameters.bind(value, pg_type)

    def number(self, term: Term) -> str:
        """SQL of a scalar that must be a number."""
        if term.literal is None and not term.null and term.kind is not Kind.NUMBER:
            name = term.field.name if term.field else "This"
            self.statement.invalid(f"{name} is a {term.kind}; a number belongs here.", term.node)
        return self.as_kind(term, Kind.NUMBER)

    def text(self, node: exp.Expression) -> str:
        """SQL of a scalar as text, whatever its kind."""
        term = self.settled(self.scalar(node))
        return "NULL::text" if term.null else term.text_sql()

    def _apart(self, one: Term, other: Term) -> None:
        names = [t.field.name if t.field else "one side" for t in (one, other)]
        self.statement.invalid(
            f"{names[0]} is a {one.kind} and {names[1]} a {other.kind}; they can't be compared "
            "or combined.",
            other.node,
        )

    def _refuse(self, node: exp.Expression) -> NoReturn:
        from entities.query.conditions import CONDITIONS
        from entities.query.functions import refuse

        if type(node) in CONDITIONS:
            self.statement.invalid("A condition can't stand here; use CASE WHEN … END.", node)
        if isinstance(node, exp.Star):
            self.statement.invalid("Name the columns; * is not supported.", node)
        refuse(self.statement, node)

    def only(self, node: exp.Expression, *known: str) -> None:
        """Refuse a node that carries more than the `known` arguments."""
        extra = [k for k, v in node.args.items() if v and k not in known and k not in _FINE_PRINT]
        if extra:
            self.statement.unsupported(f"This form of {self.statement.called(node)}", node)


def _column(e: Expressions, node: exp.Expression) -> Term:
    return e.name(node)


def _literal(e: Expressions, node: exp.Expression) -> Term:
    kind = Kind.TEXT if node.is_string else Kind.NUMBER
    return Term("", kind, node, literal=node.this, quoted=bool(node.is_string))


def _boolean(e: Expressions, node: exp.Expression) -> Term:
    return Term(e.parameters.bind("true" if node.this else "false", "boolean"), Kind.FLAG, node)


def _null(e: Expressions, node: exp.Expression) -> Term:
    return Term("NULL::text", Kind.NULL, node)


def _paren(e: Expressions, node: exp.Expression) -> Term:
    return e.scalar(node.this)


def _negative(e: Expressions, node: exp.Expression) -> Term:
    inner = e.scalar(node.this)
    if inner.literal and not inner.quoted and not inner.literal.startswith("-"):
        return Term("", Kind.NUMBER, node, literal=f"-{inner.literal}")
    return Term(f"(- {e.number(inner)})", Kind.NUMBER, node)


def _arithmetic(e: Expressions, node: exp.Expression) -> Term:
    left, right = e.scalar(node.this), e.scalar(node.expression)
    operator = _ARITHMETIC[type(node)]
    if left.kind in _DATES or right.kind in _DATES:
        return _days(e, node, left, right)
    # Whole numbers are divided as numbers: 1 / 2 is a half. And their sums must not overflow.
    return Term(f"({e.number(left)}::numeric {operator} {e.number(right)})", Kind.NUMBER, node)


def _days(e: Expressions, node: exp.Expression, left: Term, right: Term) -> Term:
    """A date plus or minus whole days, or the days between two dates."""
    if isinstance(node, exp.Sub) and {left.kind, right.kind} == {Kind.DATE}:
        return Term(f"({left.sql} - {right.sql})", Kind.NUMBER, node, whole=True)
    if isinstance(node, exp.Sub) and {left.kind, right.kind} <= _DATES:
        seconds = f"extract(epoch FROM ({left.sql}::timestamptz - {right.sql}::timestamptz))"
        return Term(f"({seconds} / 86400)", Kind.NUMBER, node)
    if isinstance(node, exp.Sub) and left.kind in _DATES:
        date, days, sign = left, e.number(right), "-"
    elif isinstance(node, exp.Add):
        date, other = (left, right) if left.kind in _DATES else (right, left)
        days, sign = e.number(other), "+"
    else:
        e.statement.invalid("Days can be added to a date or taken from it, nothing else.", node)
    if date.kind is Kind.DATE:
        return Term(f"({date.sql} {sign} ({days})::int)", Kind.DATE, node)
    return Term(f"({date.sql} {sign} ({days}) * interval '1 day')", Kind.DATETIME, node)


def _joined(e: Expressions, node: exp.Expression) -> Term:
    """`||`: a missing text counts as an empty one, and an empty result as missing, as in Oracle."""
    parts: list[exp.Expression] = []
    while isinstance(node, exp.DPipe):
        parts.append(node.expression)
        node = node.this
    return concatenated(e, [node, *reversed(parts)], node)


def concatenated(e: Expressions, parts: Sequence[exp.Expression], node: exp.Expression) -> Term:
    """Texts put together."""
    if len(parts) > MAX_PIECES:
        e.statement.invalid(f"At most {MAX_PIECES} texts are put together in one place.", node)
    pieces = [f"coalesce({e.text(part)}, '')" for part in parts]
    return Term(f"nullif({' || '.join(pieces)}, '')", Kind.TEXT, node, made=True)


def _case(e: Expressions, node: exp.Expression) -> Term:
    from entities.query.conditions import condition, equality

    e.only(node, "this", "ifs", "default")
    tests: list[str] = []
    results: list[Term] = []
    subject = None if node.this is None else e.scalar(node.this)
    if subject is not None:
        e.affordable(subject.sql, node, len(node.args["ifs"]))
    for branch in node.args["ifs"]:
        if subject is None:
            tests.append(condition(e, branch.this))
        else:
            tests.append(equality(e, subject, e.scalar(branch.this)))
        results.append(e.scalar(branch.args["true"]))
    default = node.args.get("default")
    if default is not None:
        results.append(e.scalar(default))
    kind, values = e.unified(results)
    arms = " ".join(f"WHEN {t} THEN {v}" for t, v in zip(tests, values, strict=False))
    otherwise = f" ELSE {values[-1]}" if default is not None else ""
    return Term(f"CASE {arms}{otherwise} END", kind, node)


Handler = Callable[[Expressions, exp.Expression], Term]

_SCALARS: dict[type[exp.Expression], Handler] = {
    exp.Column: _column,
    exp.Dot: _column,
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Paren: _paren,
    exp.Neg: _negative,
    exp.DPipe: _joined,
    exp.Case: _case,
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
}


def scalar_of(*nodes: type[exp.Expression]) -> Callable[[Handler], Handler]:
    """Decorator: the function compiles these node types."""

    def register(handler: Handler) -> Handler:
        for node in nodes:
            _SCALARS[node] = handler
        return handler

    return register
