"""One SELECT, compiled: what is asked for, in which order, which page.

The statement that PostgreSQL gets has three layers. The innermost finds the rows, on native values
so that indexes, sorting and DISTINCT work on them. The middle one gives them their wire form and
their names, for the rows of the page alone. The outermost makes the JSON text of the whole answer,
which nobody between PostgreSQL and the caller has to read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlglot import exp

from entities.errors import Code, RequestError
from entities.query import functions  # noqa: F401  (its functions register themselves)
from entities.query.conditions import condition
from entities.query.expressions import Expressions, Parameter, Parameters
from entities.query.parse import Statement, parse
from entities.query.scope import Scope
from entities.query.terms import Kind, Term, column
from entities.schema.description import EntitySchema, fold, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

MAX_ROWS = 10_000
_MAX_OFFSET = 2**63 - 1 - MAX_ROWS
_LONGEST_NAME = 63  # bytes of an identifier; PostgreSQL cuts longer ones
_LONGEST_ALIAS = 128
_SERVED = frozenset(
    {"expressions", "from_", "where", "group", "having", "order", "limit", "offset", "distinct"}
    | {"hint"}  # a comment to us
)
_NO_CONDITION = re.compile(
    r"\s*($|where\b|order\s+by\b|offset\s+\d|fetch\s+\w|limit\s+\d)", re.IGNORECASE
)
_CLAUSES = {
    "joins": "JOIN",
    "with_": "WITH",
    "into": "INTO",
    "locks": "FOR UPDATE",
    "connect": "CONNECT BY",
    "windows": "WINDOW",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement for PostgreSQL whose one row is (number of rows, JSON of the list or null).

    sql         with $1, $2 … for `parameters` (psycopg's RawCursor)
    keys        names of the values of a row, in order
    sealed      places of the columns that are encrypted at rest, if there are any: their tokens
                stand in the answer behind a mark, which is one more parameter, and a number
    apart       the same, asking nothing of rows before it is known that they exist for the caller;
                "" where all rows do
    """

    sql: str
    parameters: tuple[Parameter, ...]
    keys: tuple[str, ...]
    sealed: tuple[str, ...] = ()
    apart: str = ""


@dataclass(frozen=True, slots=True)
class _Page:
    offset: int
    limit: int


class Select:
    """Compiles one parsed SELECT."""

    def __init__(self, statement: Statement, snapshot: Snapshot, context: Context) -> None:
        self.statement = statement
        self.select = statement.select
        self.scope = Scope(snapshot, context, statement)
        self.parameters = Parameters()
        self.expressions = Expressions(statement, self.scope, self.parameters)
        self.columns: dict[str, Term] = {}
        self.groups: Sequence[str] = ()

    def compile(self) -> Compiled:
        """Compile the statement as the query says."""
        self._from()
        self._groups()
        for item, text in self._items():
            self._column(item, text)
        return self._finish()

    def compile_records(self, schema: EntitySchema) -> Compiled:
        """Compile the statement, but answer whole records of `schema`."""
        for clause in ("group", "having", "distinct"):
            if self.select.args.get(clause):
                self.statement.unsupported(
                    f"{clause.upper()} in a condition", self.select.args[clause]
                )
        self._from()
        self.columns = record_columns(self.scope, self.select)
        return self._finish()

    def _from(self) -> None:
        for clause, value in self.select.args.items():
            if value and clause not in _SERVED:
                node = value[0] if isinstance(value, list) else value
                self.statement.unsupported(
                    _CLAUSES.get(clause, clause.strip("_").upper()),
                    node if isinstance(node, exp.Expression) else None,
                )
        source = self.select.args.get("from_")
        if source is None:
            self.statement.invalid(
                "FROM is missing; write SELECT columns FROM entity.", self.select
            )
        self.scope.add(source.this)

    def _items(self) -> list[tuple[exp.Expression, str]]:
        items = self.select.expressions
        if len(items) != len(self.statement.columns) or not all(self.statement.columns):
            self.statement.invalid("A column is missing between SELECT and FROM.", self.select)
        return list(zip(items, self.statement.columns, strict=True))

    def _column(self, item: exp.Expression, text: str) -> None:
        node, alias = item, ""
        if isinstance(item, exp.Alias):
            node, alias = item.this, self._alias(item)
        term = self.expressions.settled(self.expressions.operand(node))
        key = alias or term.key or text
        known = self.columns.get(key)
        if known is not None and known.sql != term.sql:
            self.statement.invalid(
                f"Two columns are called {key[:80]!r}; give one of them an alias.", item
            )
        self.columns[key] = term

    def _alias(self, item: exp.Alias) -> str:
        name = item.alias
        if not name or len(name) > _LONGEST_ALIAS or not name.isprintable():
            self.statement.invalid(
                f"An alias has 1 to {_LONGEST_ALIAS} characters, all of them visible.",
                item.args["alias"],
            )
        return name

    def _groups(self) -> None:
        group = self.select.args.get("group")
        if group is None:
            return
        extra = [v for k, v in group.args.items() if v and k != "expressions"]
        if extra:
            self.statement.unsupported("ROLLUP, CUBE and GROUPING SETS", group)
        self.expressions.no_aggregates = "in GROUP BY"
        terms: list[Term] = []
        for node in group.expressions:
            term = self.expressions.scalar(node)
            if term.literal is not None:
                self.statement.invalid("GROUP BY takes columns, not positions.", node)
            self._sortable(term)
            terms.append(term)
        self.expressions.no_aggregates = ""
        self.expressions.loose.clear()
        self.expressions.groups = frozenset(t.sql for t in terms)
        self.expressions.aggregated = True
        self.groups = [t.sql for t in terms]

    def compile_ids(self, schema: EntitySchema) -> Compiled:
        """Compile the statement for whole records of `schema` by Id; its parameter is the list."""
        source = self.scope.entity(schema)
        self.columns = record_columns(self.scope, self.select)
        ids = self.parameters.bind([], "bigint[]")
        return self._finish([f"{source.alias}.{quote('id')} = ANY({ids})"])

    def _finish(self, conditions: Sequence[str] = ()) -> Compiled:
        """Everything after the select list; `conditions` are ours."""
        e = self.expressions
        having = self.select.args.get("having")
        having_sql = ""
        if having is not None:
            e.aggregated = True
            having_sql = f" HAVING {condition(e, having.this)}"
        order = self._order()
        if e.aggregated and e.loose:
            node, name = e.loose[0]
            self.statement.invalid(
                f"{name} must stand in GROUP BY or inside an aggregate such as MAX({name}).", node
            )
        e.no_aggregates = "in WHERE"
        where = self.select.args.get("where")
        conditions = [*conditions, *([condition(e, where.this)] if where is not None else [])]
        conditions += self.scope.visible_sql()
        distinct = self._distinct()
        page = self._page()
        raw = ", ".join(f"{term.sql} AS c{i}" for i, term in enumerate(self.columns.values()))
        clauses = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        if self.groups:
            clauses += f" GROUP BY {', '.join(self.groups)}"
        clauses += having_sql
        if order:
            clauses += f" ORDER BY {', '.join(order)}"
        clauses += f" LIMIT {page.limit}" + (f" OFFSET {page.offset}" if page.offset else "")
        sealed = tuple(dict.fromkeys(t.place for t in self.columns.values() if t.place))
        mark = f"${len(self.parameters.values) + 1}::text"

        def answer(*, apart: bool) -> str:
            rows = f"SELECT {distinct}{raw} FROM {self.scope.from_sql(apart=apart)}{clauses}"
            return answer_sql(rows, self.columns, sealed, mark)

        return Compiled(
            answer(apart=False),
            tuple(self.parameters.values),
            tuple(self.columns),
            sealed,
            answer(apart=True) if self.scope.hides_rows() else "",
        )

    # Order and page

    def _order(self) -> list[str]:
        order = self.select.args.get("order")
        keys: list[str] = []
        sorted_by: set[str] = set()
        if order is not None:
            if order.args.get("siblings"):
                self.statement.unsupported("ORDER SIBLINGS BY", order)
            for ordered in order.expressions:
                term = self._order_term(ordered.this)
                sorted_by.add(term.sql)
                keys.append(term.sql + _direction(ordered))
        return keys + [sql for sql in self._tie_breakers() if sql not in sorted_by]

    def _order_term(self, node: exp.Expression) -> Term:
        terms = list(self.columns.values())
        if isinstance(node, exp.Literal) and not node.is_string:
            if not node.this.isdecimal() or not 1 <= int(node.this[:9]) <= len(terms):
                self.statement.invalid(
                    f"ORDER BY {node.this[:20]}: the columns have the positions 1 to {len(terms)}.",
                    node,
                )
            term = terms[int(node.this) - 1]
        else:
            term = self._named(node) or self.expressions.settled(self.expressions.scalar(node))
        self._sortable(term)
        if self.select.args.get("distinct") and term.sql not in {t.sql for t in terms}:
            self.statement.invalid("With DISTINCT, ORDER BY takes selected columns only.", node)
        return term

    def _named(self, node: exp.Expression) -> Term | None:
        """The selected column that an ORDER BY names by its alias."""
        if not isinstance(node, exp.Column) or len(node.parts) != 1:
            return None
        by_name = {fold(key): term for key, term in self.columns.items()}
        return by_name.get(fold(node.name))

    def _sortable(self, term: Term) -> None:
        if term.place:
            self.expressions.encrypted(term)
        if term.kind is Kind.JSON:
            self.statement.invalid("A JSON document can't be sorted or grouped.", term.node)

    def _tie_breakers(self) -> list[str]:
        """What makes the order of rows complete, so that pages neither overlap nor leave gaps."""
        if self.select.args.get("distinct"):
            return [t.sql for t in self.columns.values() if t.kind is not Kind.JSON]
        if self.expressions.aggregated:
            return list(self.groups)
        return [f"{source.alias}.{quote('id')}" for source in self.scope.sources]

    def _distinct(self) -> str:
        distinct = self.select.args.get("distinct")
        if distinct is None:
            return ""
        if distinct.args.get("on") or distinct.expressions:
            self.statement.unsupported("DISTINCT ON", distinct)
        for term in self.columns.values():
            if term.kind is Kind.JSON:
                self.statement.invalid("DISTINCT can't compare JSON documents.", term.node)
            if term.place:
                self.expressions.encrypted(term)
        return "DISTINCT "

    def _page(self) -> _Page:
        limit, offset = self.select.args.get("limit"), self.select.args.get("offset")
        most = MAX_ROWS
        if isinstance(limit, exp.Fetch):
            options = limit.args.get("limit_options")
            if options is not None and (
                options.args.get("percent") or options.args.get("with_ties")
            ):
                self.statement.unsupported("FETCH with PERCENT or WITH TIES", limit)
            count = limit.args.get("count")
            most = 1 if count is None else self._rows(count)
        elif limit is not None:
            if limit.args.get("expressions") or limit.args.get("limit_options"):
                self.statement.unsupported("This form of LIMIT", limit)
            most = self._rows(limit.expression)
        skipped = 0
        if offset is not None:
            skipped = self._rows(offset.expression)
        return _Page(skipped, min(most, MAX_ROWS))

    def _rows(self, node: exp.Expression) -> int:
        text = node.this if isinstance(node, exp.Literal) and not node.is_string else ""
        if not isinstance(text, str) or not text.isdecimal() or len(text) > 19:
            self.statement.invalid("A number of rows belongs here, such as 100.", node)
        return min(int(text), _MAX_OFFSET)


def _direction(ordered: exp.Ordered) -> str:
    descending, first = bool(ordered.args.get("desc")), bool(ordered.args.get("nulls_first"))
    nulls = "" if descending == first else f" NULLS {'FIRST' if first else 'LAST'}"
    return f"{' DESC' if descending else ''}{nulls}"


def record_columns(scope: Scope, node: exp.Expression) -> dict[str, Term]:
    """The terms of a whole record of the first source: every field that the caller may see."""
    source = scope.sources[0]
    return {
        field.name: column(source.rights.seen(field), source.alias, node)
        for field in source.schema.fields
        if field.api_accessible and not field.api_hidden and source.rights.may_read(field)
    }


def answer_sql(rows: str, columns: dict[str, Term], sealed: Sequence[str], mark: str) -> str:
    """The statement of a whole answer over `rows`, a SELECT of c0, c1 … as `columns` are.

    A token of `sealed[n]` is told from any text that looks like one by `mark` and n before it.
    """
    wire = [
        f"{mark} || '{sealed.index(term.place)}:' || q.c{i}"
        if term.place
        else term.wire_sql(f"q.c{i}")
        for i, term in enumerate(columns.values())
    ]
    if all(len(key.encode()) <= _LONGEST_NAME for key in columns):
        # A sorted subquery feeds the aggregate in its order: there is one, and it is not parallel.
        named = ", ".join(f"{w} AS {quote(k)}" for w, k in zip(wire, columns, strict=True))
        named_rows = f"SELECT {named} FROM ({rows}) q"
        return f"SELECT count(*), json_agg(r) FROM ({named_rows}) r"
    # Names that are too long for a column are put around the values as text.
    members = [
        f"{_text(orjson.dumps(key).decode() + ':')} || coalesce(to_json({w})::text, 'null')"
        for w, key in zip(wire, columns, strict=True)
    ]
    record = " || ',' || ".join(members)
    records = f"SELECT '{{' || {record} || '}}' AS r FROM ({rows}) q"
    return f"SELECT count(*), '[' || string_agg(r, ',') || ']' FROM ({records}) r"


def _text(value: str) -> str:
    """A text of ours as an SQL constant."""
    return "'" + value.replace("'", "''") + "'"


def compile_query(text: str, snapshot: Snapshot, context: Context) -> Compiled:
    """Compile a SELECT. RequestError QUERY_INVALID, QUERY_NOT_SUPPORTED, INSUFFICIENT_RIGHTS."""
    try:
        return Select(parse(text), snapshot, context).compile()
    except RecursionError:
        raise _too_deep() from None


def compile_condition(
    schema: EntitySchema, text: str, snapshot: Snapshot, context: Context
) -> Compiled:
    """Compile a bare condition, perhaps with order and page, into whole records of `schema`."""
    where = "" if _NO_CONDITION.match(text) else "WHERE "
    statement = parse(text, f"SELECT Id FROM {schema.name} {where}")
    try:
        return Select(statement, snapshot, context).compile_records(schema)
    except RecursionError:
        raise _too_deep() from None


def compile_ids(schema: EntitySchema, snapshot: Snapshot, context: Context) -> Compiled:
    """Compile whole records of `schema` by Id: the one parameter is the list of Ids."""
    statement = parse(f"SELECT Id FROM {schema.name}")
    return Select(statement, snapshot, context).compile_ids(schema)


def _too_deep() -> RequestError:
    return RequestError(Code.QUERY_INVALID, "The query is nested too deeply.")
