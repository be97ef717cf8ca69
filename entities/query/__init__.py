"""The query language: one SELECT, Oracle flavoured, over entities instead of tables.

    text -> parse -> Select (scope, expressions, conditions, subqueries) -> answer -> Compiled
         -> run -> Page

Every construct that reaches PostgreSQL was written here, names come from the snapshot and values
travel as parameters; the answer is JSON text that PostgreSQL made and nobody reads on its way out.

    page = query("SELECT Id, Name FROM ACCOUNT WHERE Status = 'ACTIVE'", context)
    page.json   b'[{"Id":"1","Name":"Root"}, ...]'
"""

from collections.abc import Callable, Sequence

from entities.errors import Code, RequestError
from entities.query import explaining, plans, statement
from entities.query.limits import MAX_ROWS
from entities.query.run import Page, run
from entities.query.statement import Compiled
from entities.schema.current import current
from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.observability.facts import facts

__all__ = [
    "MAX_ROWS",
    "Compiled",
    "Page",
    "compile",
    "explain",
    "numbered_by",
    "query",
    "retrieve_ids",
    "retrieve_where",
]

_INT8 = 2**63
#: How often a query is compiled again because the schema changed under it.
_TRIES = 5


def query(sql: str, context: Context, *, snapshot: Snapshot | None = None) -> Page:
    """The rows that a SELECT asks for, at most MAX_ROWS of them.

    A row is a JSON object of strings and nulls under the canonical field names, the aliases as
    written, and for relation paths the dotted name. RequestError QUERY_INVALID and
    QUERY_NOT_SUPPORTED with the position, INSUFFICIENT_RIGHTS, QUERY_TIMEOUT.
    """
    facts().query = sql
    return _answer(lambda now: run(*_plan(sql, now, context)), snapshot)


def explain(sql: str, asking: Context, context: Context, *, snapshot: Snapshot) -> Page:
    """How `context` would have the query run, for an administrator who is `asking`: a list of one
    object with the sources, the rights on them, the statement and PostgreSQL's plan."""
    return explaining.explain(sql, asking, context, snapshot)


def retrieve_where(
    entity: str, condition: str, context: Context, *, snapshot: Snapshot | None = None
) -> Page:
    """Whole records of `entity`: all fields that the caller may see, in field order.

    `condition` is what may follow WHERE, or "" for all records; ORDER BY and a page may follow it.
    RequestError UNKNOWN_ENTITY, and all that `query` raises; positions count from the condition.
    """

    facts().query = f"{entity} WHERE {condition}"

    def answer(now: Snapshot) -> Page:
        found = _entity(entity, now)

        def compiled() -> Compiled:
            return statement.compile_condition(found, condition, now, context)

        return run(*plans.plan(now, context, found.name, condition, compiled))

    return _answer(answer, snapshot)


def retrieve_ids(
    entity: str, ids: Sequence[int], context: Context, *, snapshot: Snapshot | None = None
) -> Page:
    """Whole records of `entity` with these Ids, by Id; those that don't exist are left out."""
    facts().query = f"{entity} by Id"
    wanted = [str(i) for i in ids if -_INT8 <= i < _INT8]

    def answer(now: Snapshot) -> Page:
        found = _entity(entity, now)

        def compiled() -> Compiled:
            return statement.compile_ids(found, now, context)

        made, _ = plans.plan(now, context, f"{found.name} by Id", "", compiled)
        return run(made, True, (wanted,))

    return _answer(answer, snapshot)


def compile(sql: str, snapshot: Snapshot, context: Context) -> Compiled:
    """What `query` runs for the text, from the cache when it is there."""
    return _plan(sql, snapshot, context)[0]


def numbered_by(sql: str, snapshot: Snapshot, context: Context) -> EntitySchema | None:
    """The entity whose Id is the first column of a SELECT, if it is. RequestError as `query`."""
    select = statement.query_select(sql, snapshot, context)
    first = next(iter(select.columns.values()), None)
    if first is None or first.field is None or first.field.type.name != "ID":
        return None
    return next((e for e in snapshot.entities.values() if first.field in e.fields), None)


def _answer(answer: Callable[[Snapshot], Page], snapshot: Snapshot | None) -> Page:
    """What `answer` makes of the snapshot. A failure counts only while the schema is the one that
    the statement was compiled from: if it has moved on, the query is asked again on the new one."""
    snapshot = snapshot or current()
    for _ in range(_TRIES):
        try:
            return answer(snapshot)
        except RequestError as error:
            if error.code == Code.QUERY_TIMEOUT:
                raise
            newer = current()
            if newer.version <= snapshot.version:
                raise
            snapshot = newer
    return answer(snapshot)


def _plan(sql: str, snapshot: Snapshot, context: Context) -> tuple[Compiled, bool]:
    def compiled() -> Compiled:
        return statement.compile_query(sql, snapshot, context)

    return plans.plan(snapshot, context, "", sql, compiled)


def _entity(name: str, snapshot: Snapshot) -> EntitySchema:
    found = snapshot.entity(name)
    if not found.api_enabled:
        raise RequestError(Code.UNKNOWN_ENTITY, f"There is no entity {name!r}.")
    return found
