"""Putting everything that is encrypted at rest under the first field key.

Batch by batch, each a transaction of its own behind the gate: whatever kills the command leaves
every value under a key that is known, and the next run goes on with what is left. Two at once wait
for one another's batches. Records and history alike; fields and entities in the recycle bin too,
for they can come back.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import errors as pg

from entities.changing.sealing import (
    BATCH,
    Batch,
    Column,
    convert_history,
    convert_records,
    unrecorded,
)
from entities.schema import gate
from entities.schema.description import quote
from metabrm import sealing
from metabrm.identity.context import Context

_TRIES = 5
_OTHER_KEY = "NOT starts_with(v, %s)"

_COLUMNS = """
SELECT e.id, e.entity_name, e.table_name, f.field_name, f.column_name
FROM entities_entityfield f JOIN entities_entity e ON e.id = f.entity_id
JOIN pg_attribute a ON a.attrelid = to_regclass(quote_ident(e.table_name))
     AND a.attname = f.column_name AND NOT a.attisdropped
WHERE f.encrypted_flag ORDER BY e.entity_name, f.field_name, f.id
"""


@dataclass(frozen=True)
class Sealed:
    """A field whose values are encrypted: what people call it, and where they lie."""

    name: str
    column: Column


def fields() -> list[Sealed]:
    """All encrypted fields, those that are hidden or deleted included."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        return [
            Sealed(f"{entity}.{field}", Column(entity_id, table, column))
            for entity_id, entity, table, field, column in cursor.fetchall()
        ]


def keys_of(column: Column) -> Counter[str]:
    """Id of a key -> how many values of the column and its history are sealed under it; "" for
    what is no token."""
    key = "CASE WHEN starts_with(v, %s) THEN split_part(substr(v, %s), ':', 1) ELSE '' END"
    parameters: list[Any] = [sealing.PREFIX, len(sealing.PREFIX) + 1]
    found: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, count(*) FROM (SELECT {quote(column.name)} AS v "
            f"FROM {quote(column.table)}) found WHERE v IS NOT NULL GROUP BY 1",
            parameters,
        )
        found.update(dict(cursor.fetchall()))
        cursor.execute(
            f"SELECT {key}, count(*) FROM entities_auditlog a "
            f"CROSS JOIN LATERAL (VALUES (a.before ->> %s), (a.after ->> %s)) value(v) "
            f"WHERE a.entity_id = %s AND v IS NOT NULL GROUP BY 1",
            [*parameters, column.name, column.name, column.entity_id],
        )
        found.update(dict(cursor.fetchall()))
    return found


def rotate(column: Column, clashes: list[int]) -> Iterator[int]:
    """Put the values under the first key; yields how many rows each batch wrote.

    `clashes` takes up the Ids of records that can't be: another live record has the same value of
    a unique key already, which two keys had hidden.
    """
    last: tuple[int, ...] = (0,)
    size = BATCH
    while True:
        try:
            batch = _batch(convert_records, column, last, size)
        except IntegrityError:
            if size > 1:
                size //= 2
                continue
            last, size = (_following(column, last[0]),), BATCH
            clashes.append(last[0])
            continue
        if batch is None:
            break
        last = batch.last
        yield batch.written
    position: tuple[int, ...] | None = None
    while (batch := _batch(convert_history, column, position, BATCH)) is not None:
        position = batch.last
        yield batch.written


def _batch(
    convert: Callable[..., Batch | None],
    column: Column,
    last: tuple[int, ...] | None,
    size: int,
) -> Batch | None:
    prefix = sealing.current_prefix()
    for attempt in range(_TRIES):
        try:
            with transaction.atomic():
                gate.enter(Context.system("rotate_field_keys"))
                if not any(sealed.column == column for sealed in fields()):
                    return None
                with unrecorded():
                    return convert(
                        column,
                        lambda values: _anew(column, values),
                        last,
                        _OTHER_KEY,
                        [prefix],
                        size,
                    )
        except OperationalError as error:
            waited = isinstance(error.__cause__, pg.LockNotAvailable | pg.DeadlockDetected)
            if not waited or attempt == _TRIES - 1:
                raise
            time.sleep(random.uniform(0.1, 0.5))
    raise AssertionError("unreachable")


def _anew(column: Column, values: list[str]) -> list[str | None]:
    """Tokens under the first key; None for a value that does not open, and stays as it is."""
    texts = sealing.opened(column.place, values)
    return sealing.seal(
        column.place, [None if isinstance(t, sealing.Unopened) else t for t in texts]
    )


def _following(column: Column, last: int) -> int:
    """Id of the next record after `last` that is still under another key."""
    name = quote(column.name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT min(id) FROM {quote(column.table)} WHERE id > %s AND {name} IS NOT NULL "
            f"AND NOT starts_with({name}, %s)",
            [last, sealing.current_prefix()],
        )
        return int(cursor.fetchone()[0])
