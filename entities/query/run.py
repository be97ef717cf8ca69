"""Running a compiled statement: one round trip, read-only, with a time limit, bytes passed through.

Two statements go to the server in one pipeline: the first makes the transaction read-only and sets
its timeout, the second is the query. Without a transaction of the caller's they are one implicit
transaction, over when the answer is there; inside one, a savepoint takes the settings back. Records
that no table holds are reckoned before (entities.query.reckoning).

Only of an answer with columns that are encrypted at rest the bytes are looked at: their tokens are
opened here. A random mark, made for this one answer, stands before each; so what is a token is told
by the statement, never by how a text looks.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, NoReturn

import orjson
import psycopg
from django.conf import settings
from django.db import connection
from psycopg import errors
from psycopg.pq.abc import PGresult

from entities.errors import Code, RequestError
from entities.query import reckoning, watching
from entities.query.answer import TOO_MANY
from entities.query.limits import MAX_CHILD_ROWS, MAX_TEXT
from entities.query.parameters import Parameter
from entities.query.statement import Compiled
from metabrm import clock, sealing

TIMEOUT_SECONDS = 30

_LIMITS = (
    "SELECT set_config('transaction_read_only', 'on', true),"
    " set_config('statement_timeout', $1, true), set_config('metabrm.now', $2, true)"
)
_SAVEPOINT = "SAVEPOINT entities_query"
_BACK = "ROLLBACK TO SAVEPOINT entities_query"
_RELEASE = "RELEASE SAVEPOINT entities_query"

#: What values can do wrong once the statement runs, in the words of the caller.
_VALUE_ERRORS: dict[type[psycopg.Error], str] = {
    errors.DivisionByZero: "The query divides by zero; guard it with CASE WHEN … END.",
    errors.NumericValueOutOfRange: "A number in the query's result is out of range.",
    errors.DatetimeFieldOverflow: "A date in the query's result is out of range.",
    errors.SubstringError: f"A text in the query's result has more than {MAX_TEXT} characters.",
    errors.InvalidEscapeSequence: "A LIKE pattern ends with its escape character.",
}

#: What a statement meets whose tables are no longer those it was compiled for: columns and tables
#: that are gone, values of another type, a table dropped while it was waited for.
_MOVED = (
    errors.UndefinedColumn,
    errors.UndefinedTable,
    errors.UndefinedFunction,
    errors.DatatypeMismatch,
    errors.FeatureNotSupported,
    errors.InternalError_,
)


#: What a statement meets that PostgreSQL takes for another one than it was meant to be.
_MEANT_OTHERWISE: dict[type[psycopg.Error], str] = {
    errors.CardinalityViolation: "A subquery in place of a value gives more than one row; "
    "narrow it, or use MAX or MIN.",
    errors.GroupingError: "A column must stand in GROUP BY or inside an aggregate.",
}

#: What a statement meets because of what is in a row.
_ROW_ERRORS = (errors.DataError, errors.ProgramLimitExceeded, errors.StatementTooComplex)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in their wire form: `json` is the text of a JSON list of `count` objects, in UTF-8."""

    json: bytes
    count: int


def run(
    compiled: Compiled, prepare: bool = False, parameters: tuple[Parameter, ...] | None = None
) -> Page:
    """Run the statement with its own parameters, or with `parameters`; `prepare` it on the
    connection if it will come again, which saves planning it.

    RequestError QUERY_TIMEOUT; QUERY_INVALID for a division by zero and the like; SCHEMA_BUSY when
    a table changed between the snapshot and now. Other database errors come as Django's.
    """
    values = compiled.parameters if parameters is None else parameters
    mark = secrets.token_hex(16) if compiled.sealed else ""
    begun = perf_counter_ns()
    try:
        if compiled.reckoned:
            values = _filled(compiled, values)
        if mark:
            values = (*values, mark)
        page = _run(compiled, prepare, values, mark)
    except RequestError as error:
        watching.over(begun, compiled, values, 0, error.code)
        raise
    watching.over(begun, compiled, values, page.count, "answered")
    return page


def _filled(compiled: Compiled, values: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    try:
        return reckoning.filled(values, compiled.reckoned, timeout_seconds())
    except Exception as error:
        translate(error)


def _run(compiled: Compiled, prepare: bool, values: tuple[Parameter, ...], mark: str) -> Page:
    result = _answered(compiled.sql, compiled.apart, values, prepare)
    count, text = int(result.get_value(0, 0) or 0), result.get_value(0, 1)
    if count == TOO_MANY:
        raise RequestError(
            Code.QUERY_INVALID,
            f"The child lists of this answer have more than {MAX_CHILD_ROWS} rows together; ask "
            "for fewer records at a time, or query the child records themselves.",
        )
    if mark and text:
        text = opened(text, mark, compiled.sealed)
    return Page(text or b"[]", count)


def plan_of(compiled: Compiled) -> Any:
    """PostgreSQL's plan of the statement, as JSON; it is not run. RequestError as for `run`."""
    values = (*compiled.parameters, *([""] if compiled.sealed else []))
    result = _answered(f"EXPLAIN (FORMAT JSON) {compiled.sql}", "", values, prepare=False)
    return orjson.loads(result.get_value(0, 0) or b"null")


def _answered(sql: str, apart: str, values: tuple[Parameter, ...], prepare: bool) -> PGresult:
    connection.ensure_connection()
    raw: psycopg.Connection = connection.connection
    nested = not connection.get_autocommit()
    try:
        with connection.wrap_database_errors:
            try:
                return _pipeline(raw, sql, values, prepare, nested)
            except _ROW_ERRORS:
                # A row that does not exist for the caller must not tell of itself by an error.
                if not apart:
                    raise
                return _pipeline(raw, apart, values, False, nested)
    except Exception as error:
        translate(error)


def opened(answer: bytes, mark: str, places: Sequence[str]) -> bytes:
    """The answer with the texts in the places of the tokens behind `mark`."""

    def text(found: re.Match[bytes]) -> bytes:
        return orjson.dumps(sealing.opened_one(places[int(found[1])], found[2].decode()))

    return re.sub(rb'"%b([0-9]+):((?:[^"\\]|\\.)*)"' % mark.encode(), text, answer)


def timeout_seconds() -> float:
    """How long a query may take: the setting QUERY_TIMEOUT_SECONDS."""
    return float(getattr(settings, "QUERY_TIMEOUT_SECONDS", TIMEOUT_SECONDS))


def _pipeline(
    raw: psycopg.Connection,
    sql: str,
    values: tuple[Parameter, ...],
    prepare: bool,
    nested: bool,
) -> PGresult:
    # RawCursor: $1 style, so a percent sign is a percent sign.
    cursor = psycopg.RawCursor(raw)
    milliseconds = str(int(timeout_seconds() * 1000))
    # Taking back a savepoint makes psycopg forget what it has prepared.
    prepare = prepare and not nested
    try:
        with raw.pipeline():
            if nested:
                psycopg.RawCursor(raw).execute(_SAVEPOINT)
            psycopg.RawCursor(raw).execute(
                _LIMITS, [milliseconds, clock.now().isoformat()], prepare=not nested
            )
            cursor.execute(sql, values, prepare=prepare)
            if nested:
                psycopg.RawCursor(raw).execute(_BACK)
        if nested:
            # Outside the pipeline psycopg also has the server forget, before anything is prepared
            # that would be forgotten with the rest.
            psycopg.RawCursor(raw).execute(_RELEASE)
    except psycopg.Error:
        if nested and not raw.broken:
            psycopg.RawCursor(raw).execute(_BACK)
            psycopg.RawCursor(raw).execute(_RELEASE)
        raise
    result = cursor.pgresult
    assert result is not None
    return result


def translate(error: Exception) -> NoReturn:
    """Raise what an error of the database means to the caller of a query."""
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    if isinstance(cause, errors.QueryCanceled):
        raise RequestError(
            Code.QUERY_TIMEOUT,
            f"The query took longer than {timeout_seconds():g} seconds; narrow it with a condition "
            "on an indexed field, or ask for fewer rows.",
        ) from error
    if isinstance(cause, _MOVED):
        raise RequestError(
            Code.SCHEMA_BUSY, "The schema changed while the query ran; send it again."
        ) from error
    for kind, text in _MEANT_OTHERWISE.items():
        if isinstance(cause, kind):
            raise RequestError(Code.QUERY_INVALID, text) from error
    if isinstance(cause, errors.DataError):
        known = (text for kind, text in _VALUE_ERRORS.items() if isinstance(cause, kind))
        message = next(known, "The query meets a value that one of its functions can't take.")
        raise RequestError(Code.QUERY_INVALID, message) from error
    if isinstance(cause, _ROW_ERRORS):
        raise RequestError(
            Code.QUERY_INVALID, "The query is too complex; send it in parts."
        ) from error
    raise error
