"""How long queries take: all of them counted, and those that take too long told of.

A slow query is told in its own language with ? for each literal, since literals are values of
records; its plan too, where the setting asks for it.
"""

import re
from time import perf_counter_ns

import psycopg
import sqlglot
from django.db import connection
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from entities.query.parameters import Parameter
from entities.query.statement import Compiled
from entities.schema.snapshot import Snapshot
from metabrm import environment
from metabrm.observability import metrics, slow
from metabrm.observability.facts import facts

_LITERALS = frozenset(
    kind
    for kind in TokenType
    if kind.name.endswith("STRING") or kind in (TokenType.NUMBER, TokenType.PARAMETER)
)
_FROM = re.compile(r"\bFROM\s+([A-Za-z][A-Za-z0-9_$]*)", re.IGNORECASE)
_INSIDE = "inside"


def named_in(text: str, snapshot: Snapshot) -> str:
    """The canonical name of the entity that a query names first, "" if it names none there is."""
    found = _FROM.search(text)
    schema = snapshot.find(found[1]) if found else None
    return schema.name if schema else ""


def over(
    begun: int, compiled: Compiled, values: tuple[Parameter, ...], rows: int, outcome: str
) -> None:
    """A query that began at `begun` (of perf_counter_ns) is over."""
    elapsed = perf_counter_ns() - begun
    known = facts()
    metrics.query_seconds(known.verb or _INSIDE).observe(elapsed / 1e9)
    if slow.is_slow(elapsed):
        plan = _plan(compiled, values) if environment.current().slow_query_plan else ""
        slow.tell(without_literals(known.query), elapsed, rows, outcome, plan)


def without_literals(text: str) -> str:
    """The query with ? for each literal, in one line and without comments."""
    try:
        tokens = sqlglot.tokenize(text, read="oracle")
    except SqlglotError:
        return "(a query that can't be read)"
    words: list[str] = []
    end = -1
    for token in tokens:
        if words and token.start > end + 1:
            words.append(" ")
        literal = token.token_type in _LITERALS
        words.append("?" if literal else text[token.start : token.end + 1])
        end = token.end
    return "".join(words)


def _plan(compiled: Compiled, values: tuple[Parameter, ...]) -> str:
    """What EXPLAIN says of the statement, "" where it says nothing. Nothing of it is run."""
    if not connection.get_autocommit():
        # A failure here would take the caller's transaction with it.
        return ""
    try:
        cursor = psycopg.RawCursor(connection.connection)
        rows = cursor.execute("EXPLAIN " + compiled.sql, values).fetchall()
    except psycopg.Error:
        return ""
    return "\n".join(line for (line,) in rows)
