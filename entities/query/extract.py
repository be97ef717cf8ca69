"""All rows of a query one after the other, for those who write them to files.

The statement is the one that a query would run, without the cap on its rows. PostgreSQL sends them
by COPY, which takes no parameters, so the values stand in it as constants; and it sends each row in
the form of the file, as CSV or as JSON, so that nobody has to look at it on its way.

Of values that are encrypted at rest the tokens are opened here, as `entities.query.run` does; such
rows come as JSON whatever the file is.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import orjson
import psycopg
from django.db import DatabaseError
from psycopg import errors, sql

from entities.errors import Code, RequestError
from entities.fieldtypes.textform import array_literal
from entities.query.answer import objects_sql, values_sql, wire
from entities.query.parameters import Parameter
from entities.query.reckoning import Asked, filled
from entities.query.run import opened, translate
from entities.query.select import Select
from entities.query.statement import bounded_depth, condition_select, query_select
from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot
from metabrm import clock
from metabrm.identity.context import Context

_COLUMN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_PARAMETER = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([0-9]+)""")
#: Characters that no JSON text holds as they are: COPY quotes nothing, so the text comes as it is.
_NOWHERE, _NEVER = "\x02", "\x01"
_LIMITS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
    "SELECT set_config('statement_timeout', {}, true), set_config('metabrm.now', {}, true)"
)
_ESTIMATE = re.compile(r'"Plan Rows": ?([0-9]+)')


@dataclass(frozen=True, slots=True)
class Extract:
    """A statement that gives a row for each row, as many as there are.

    sql         with $1, $2 … for `parameters`
    keys        names of a row's values, in order
    sealed      as for `entities.query.statement.Compiled`
    objects     whether each row is a JSON object; else it is the values for a line of CSV
    reckoned    as for `entities.query.statement.Compiled`
    """

    sql: str
    parameters: tuple[Parameter, ...]
    keys: tuple[str, ...]
    sealed: tuple[str, ...]
    objects: bool
    reckoned: tuple[Asked, ...] = ()


def extract_query(text: str, snapshot: Snapshot, context: Context, *, objects: bool) -> Extract:
    """All rows of a SELECT. RequestError as for `entities.query.query`."""
    with bounded_depth():
        select = query_select(text, snapshot, context)
        if select.lists:
            select.statement.unsupported(
                "A list of child records in a bulk extract",
                next(iter(select.lists.values())),
                "extract the child records themselves",
            )
        return _extract(select, objects)


def extract_records(
    schema: EntitySchema,
    condition: str,
    columns: Sequence[str],
    snapshot: Snapshot,
    context: Context,
    *,
    objects: bool,
) -> Extract:
    """The records of `schema` that meet a condition, "" for all: whole, or their `columns`, which
    may be relation paths. RequestError as for `entities.query.retrieve_where`."""
    for column in columns:
        if not _COLUMN.fullmatch(column):
            raise RequestError(
                Code.INVALID_VALUE, f"{column[:80]!r} is no name of a field.", field="Columns"
            )
    with bounded_depth():
        return _extract(condition_select(schema, condition, snapshot, context, columns), objects)


def _extract(select: Select, objects: bool) -> Extract:
    query = select.query
    columns = select.columns
    sealed = tuple(dict.fromkeys(t.place for t in columns.values() if t.place))
    objects = objects or bool(sealed)
    parameters = tuple(query.parameters.values)
    write = wire(sealed, f"${len(parameters) + 1}::text")
    # All rows are given, so their order matters only to who asks for one.
    found = select.rows_sql(ordered=False)
    text = (objects_sql if objects else values_sql)(found, columns, write)
    # Asked of rows that do not exist for the caller, a question could tell of them.
    sql = query.rendered(text, apart=query.hides_rows())
    return Extract(sql, parameters, tuple(columns), sealed, objects, tuple(query.reckoned))


@contextmanager
def rows(
    extract: Extract,
    raw: psycopg.Connection,
    *,
    seconds: float,
    delimiter: str = ",",
    qualifier: str = '"',
) -> Iterator[tuple[Iterator[bytes], int]]:
    """The rows as bytes, each with a line feed behind it, and how many the database expects.

    They are of one moment; `raw` is used for nothing else meanwhile. RequestError QUERY_TIMEOUT
    after `seconds`, and what a query raises; psycopg's QueryCanceled where somebody else stops it.
    """
    if extract.objects:
        delimiter, qualifier = _NOWHERE, _NEVER
    options = sql.SQL("FORMAT csv, DELIMITER {}, QUOTE {}, NULL ''").format(delimiter, qualifier)
    mark = secrets.token_hex(16) if extract.sealed else ""
    limits = sql.SQL(_LIMITS).format(f"{seconds * 1000:.0f}", clock.now().isoformat())
    try:
        made = filled(extract.parameters, extract.reckoned, seconds)
        values = (*made, mark) if mark else made
        with raw.transaction(), raw.cursor() as cursor:
            cursor.execute(limits)
            text = bound(extract.sql, values, raw)
            expected = _expected(text, cursor)
            whole = f"COPY ({text}) TO STDOUT ({options.as_string(raw)})"
            with cursor.copy(whole.encode()) as copy:
                if mark:
                    yield (opened(bytes(row), mark, extract.sealed) for row in copy), expected
                else:
                    yield cast(Iterator[bytes], iter(copy)), expected
    except errors.QueryCanceled as error:
        if "statement timeout" not in str(error):
            raise
        raise RequestError(
            Code.QUERY_TIMEOUT,
            f"The query took longer than {seconds / 60:g} minutes; narrow it with a condition, or "
            f"ask an administrator for more time (BRM_BULK_TIMEOUT_MINUTES).",
        ) from error
    except (psycopg.Error, DatabaseError) as error:
        translate(error)


def _expected(text: str, cursor: psycopg.Cursor) -> int:
    """How many rows the database expects of the statement."""
    cursor.execute(f"EXPLAIN (FORMAT JSON) {text}".encode())
    (plan,) = cursor.fetchone() or ("",)
    found = _ESTIMATE.search(plan if isinstance(plan, str) else orjson.dumps(plan).decode())
    return int(found[1]) if found else 0


def bound(text: str, values: Sequence[Parameter], raw: psycopg.Connection) -> str:
    """The statement with constants for its parameters. Quoted texts and names stay as they are."""

    def constant(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        value = values[int(found[1]) - 1]
        if isinstance(value, list):
            value = array_literal(value)
        return " " + sql.Literal(value).as_string(raw)

    return _PARAMETER.sub(constant, text)
