"""Records of an entity as usage: each once, as it comes, by the order of their Ids.

Ids are given when records are written and seen when they are committed, so a higher one may be
seen before a lower one. So a run reads up to the highest Id at an instant at which nobody writes
the entity: it waits for those who do, for a second at most, or leaves it to the next run.
So does a collector of Type DATABASE whose rows are numbered by the Ids of an entity.
"""

from django.db import OperationalError, connection, transaction
from psycopg import errors as pg

from billing.mediation.models import ActivityCollector
from entities.access.rights import rights
from entities.schema.current import current
from entities.schema.description import EntitySchema, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

#: What lines are made of, and made into: they would be collected for ever.
_CIRCULAR = ("ACTIVITY", "COLLECTOR_FIELDS")


def entity_of(snapshot: Snapshot, entity_id: int | None) -> EntitySchema:
    """The entity whose records are collected; ValueError says why they can't be."""
    schema = next((e for e in snapshot.entities.values() if e.id == entity_id), None)
    if schema is None:
        raise ValueError("a collector of Type ENTITY names one whose records are usage; send it")
    if not schema.writable:
        raise ValueError(f"{schema.name} is a view, whose rows are not new once; send an entity")
    if schema.name in _CIRCULAR:
        raise ValueError(f"{schema.name} is what collectors write; send another entity")
    return schema


def statement_of(collector: ActivityCollector, context: Context, last: int) -> str:
    """The query for all that somebody may read of the records that are new, up to an Id."""
    snapshot = current()
    schema = entity_of(snapshot, collector.entity_id)
    known = rights(snapshot, context, schema).known
    names = [field.name for field in schema.fields if field.name in known and field.name != "Id"]
    return (
        f"SELECT {', '.join(['Id', *names])} FROM {schema.name} "
        f"WHERE Id > {int(collector.last_row_id or 0)} AND Id <= {last} ORDER BY Id"
    )


def last_id(schema: EntitySchema) -> int | None:
    """The highest Id below which no other is still to come; None: not now, or there is none.

    In a transaction of its own, so that the lock is gone at once.
    """
    table = quote(schema.table)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
            cursor.execute(f"SELECT max(id) FROM {table}")
            (last,) = cursor.fetchone()
            return None if last is None else int(last)
    except OperationalError as error:
        if isinstance(error.__cause__, pg.LockNotAvailable):
            return None
        raise
