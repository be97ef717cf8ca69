"""From the text of a query to the one statement that answers it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlglot import exp

from entities.errors import Code, RequestError
from entities.query.answer import (
    ChildRows,
    answer_sql,
    answer_with_lists_sql,
    longest_name,
    wire,
)
from entities.query.limits import MAX_CHILD_ROWS, MAX_ROWS
from entities.query.parameters import Parameter
from entities.query.parse import Statement, parse
from entities.query.reckoning import Asked
from entities.query.select import Select
from entities.query.shared import Query
from entities.query.sources import Source
from entities.query.terms import Term, column
from entities.schema.description import EntitySchema, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

_NO_CONDITION = re.compile(
    r"\s*($|where\b|order\s+by\b|offset\s+\d|fetch\s+\w|limit\s+\d)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement for PostgreSQL whose one row is (number of rows, JSON of the list or null).

    sql         with $1, $2 … for `parameters` (psycopg's RawCursor)
    keys        names of the values of a row, in order
    sealed      places of the columns that are encrypted at rest, if there are any: their tokens
                stand in the answer behind a mark, which is one more parameter, and a number
    apart       the same, asking nothing of rows before it is known that they exist for the caller;
                "" where all rows do
    sources     what it reads, in the order in which it was met
    reckoned    the parameters that are records which are reckoned when it runs
    """

    sql: str
    parameters: tuple[Parameter, ...]
    keys: tuple[str, ...]
    sealed: tuple[str, ...] = ()
    apart: str = ""
    sources: tuple[Source, ...] = ()
    reckoned: tuple[Asked, ...] = ()


def compile_query(text: str, snapshot: Snapshot, context: Context) -> Compiled:
    """Compile a SELECT. RequestError QUERY_INVALID, QUERY_NOT_SUPPORTED, INSUFFICIENT_RIGHTS."""
    with bounded_depth():
        return _compiled(query_select(text, snapshot, context))


def compile_condition(
    schema: EntitySchema, text: str, snapshot: Snapshot, context: Context
) -> Compiled:
    """Compile a bare condition, perhaps with order and page, into whole records of `schema`."""
    with bounded_depth():
        return _compiled(condition_select(schema, text, snapshot, context))


def query_select(text: str, snapshot: Snapshot, context: Context) -> Select:
    """A SELECT, read to its end."""
    statement = parse(text)
    select = _outermost(statement, snapshot, context)
    select.read()
    select.read_columns(statement.columns, lists=True)
    select.close()
    return select


def condition_select(
    schema: EntitySchema,
    text: str,
    snapshot: Snapshot,
    context: Context,
    columns: Sequence[str] = (),
) -> Select:
    """The records of `schema` that meet a condition, read to its end: whole, or their `columns`,
    which are names and nothing else."""
    where = "" if _NO_CONDITION.match(text) else "WHERE "
    statement = parse(text, f"SELECT {', '.join(columns) or 'Id'} FROM {schema.name} {where}")
    for clause in ("joins", "group", "having", "distinct"):
        node = statement.select.args.get(clause)
        if node:
            word = "JOIN" if clause == "joins" else clause.upper()
            at = node[0] if isinstance(node, list) else node
            statement.unsupported(f"{word} in a condition", at)
    select = _outermost(statement, snapshot, context)
    select.read()
    if columns:
        select.read_columns(statement.columns)
    else:
        source = select.scope.sources[0]
        assert isinstance(source, Source)
        select.columns = record_columns(source, select)
    select.close()
    return select


def compile_ids(schema: EntitySchema, snapshot: Snapshot, context: Context) -> Compiled:
    """Compile whole records of `schema` by Id: the one parameter is the list of Ids."""
    statement = parse(f"SELECT Id FROM {schema.name}")
    select = _outermost(statement, snapshot, context)
    source = select.entity_columns(schema)
    select.columns = record_columns(source, select)
    ids = select.query.parameters.bind([], "bigint[]")
    if schema.partitioned_by is not None:
        # How many they are is hidden from the planner: else it plans anew for each single one,
        # which takes far longer over many partitions than to read it.
        ids = f"(SELECT {ids})::bigint[]"
    select.close([f"{source.alias}.{quote('id')} = ANY({ids})"])
    return _compiled(select)


def _outermost(statement: Statement, snapshot: Snapshot, context: Context) -> Select:
    return Select(Query(statement, snapshot, context), statement.select)


def record_columns(source: Source, select: Select) -> dict[str, Term]:
    """The terms of a whole record: every field that the caller may see."""
    cut = select.expressions.cut
    found = {}
    for field in source.schema.fields:
        if field.api_accessible and not field.api_hidden and source.rights.may_read(field):
            term = column(source.rights.seen(field), source.alias, select.node)
            found[field.name] = term if cut is str else term.over(cut(term.sql))
    return found


def _compiled(select: Select) -> Compiled:
    query = select.query
    lists: dict[str, ChildRows] = {}
    page: dict[str, str] = {}
    for key, node in select.lists.items():
        lists[key] = _child_rows(select, node, page)
    terms = [*select.columns.values(), *(t for _, named in lists.values() for t in named.values())]
    sealed = tuple(dict.fromkeys(t.place for t in terms if t.place))
    parameters = tuple(query.parameters.values)
    write = wire(sealed, f"${len(parameters) + 1}::text")
    named = ", ".join(f"{sql} AS {name}" for sql, name in page.items())
    rows = select.rows_sql(most=MAX_ROWS, more=named)
    if lists:
        sql = answer_with_lists_sql(rows, select.columns, lists, write)
    else:
        sql = answer_sql(rows, select.columns, write)
    return Compiled(
        query.rendered(sql),
        parameters,
        tuple(select.columns),
        sealed,
        query.rendered(sql, apart=True) if query.hides_rows() else "",
        tuple(query.sources),
        tuple(query.reckoned),
    )


def _child_rows(select: Select, node: exp.Expression, page: dict[str, str]) -> ChildRows:
    """A list of child records; what it needs of the record around it goes into `page`."""
    while not isinstance(node, exp.Select):
        node = node.this
    e = select.expressions

    def reach(sql: str) -> str:
        return f"p.{page.setdefault(sql, f'p{len(page)}')}"

    inner = Select(select.query, node, e, reach, nested=2)
    inner.read()
    inner.read_columns()
    for name in inner.columns:
        if not longest_name(name):
            select.statement.invalid(f"{name[:80]!r} is too long for a column of a list.", node)
    inner.close()
    return inner.rows_sql(most=MAX_CHILD_ROWS + 1), inner.columns


@contextmanager
def bounded_depth() -> Iterator[None]:
    """Tell of a query that is nested too deeply."""
    try:
        yield
    except RecursionError:
        raise RequestError(Code.QUERY_INVALID, "The query is nested too deeply.") from None
