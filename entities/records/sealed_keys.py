"""Unique keys over fields that are encrypted at rest, while there is more than one field key.

Under one key the same text is the same token, and the index of the unique key guards it. During a
rotation a text may stand in a column under either key, and the index takes the two for different
ones. So what was written is looked for under all keys. A lock per unique key lets one transaction
at a time do that: the second one sees what the first one wrote.
"""

from itertools import product
from typing import Any

from django.db import connection

from entities.access import rights
from entities.fieldtypes.textform import array_literal
from entities.records.batch import Batch
from entities.records.behavior import Behavior, everywhere
from entities.records.violations import duplicate
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot
from metabrm import sealing

#: Beside a hash of the key's name, the key of the lock of whoever looks.
_LOCK = 0x6272_6D75  # "brmu"


@everywhere(1)
class SealedKeys(Behavior):
    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return sealing.rotating() and bool(_keys(schema))

    def after_create(self, batch: Batch) -> None:
        _check(batch)

    def after_update(self, batch: Batch) -> None:
        _check(batch)

    def after_undelete(self, batch: Batch) -> None:
        _check(batch)


def _keys(schema: EntitySchema) -> list[list[FieldSchema]]:
    """The unique keys of which a field is encrypted."""
    keys = [[schema.field(name) for name in key] for key in schema.unique_keys]
    return [key for key in keys if any(f.encrypted for f in key)]


def _check(batch: Batch) -> None:
    """Fail the live records whose key another live record has under another field key."""
    by_id = {id_: index for index in batch.live if (id_ := batch.ids[index]) is not None}
    for key in _keys(batch.schema):
        names = tuple(f.name for f in key)
        for record_id in _taken(batch.schema, key, list(by_id)):
            index = by_id[record_id]
            if index not in batch.problems:
                granted = rights(batch.snapshot, batch.context, batch.schema)
                problem = duplicate(batch.schema, names, "", granted)
                batch.fail(index, problem.code, problem.message, problem.field)


def _taken(schema: EntitySchema, key: list[FieldSchema], ids: list[int]) -> list[int]:
    """Those of the records `ids` whose key another live record has, under whichever field key."""
    columns = ", ".join(f"{quote(f.column or '')}::text" for f in key)
    live = "AND deleted_at IS NULL" if schema.authored else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))",
            [_LOCK, ".".join((schema.table, *(f.column or "" for f in key)))],
        )
        cursor.execute(
            f"SELECT id, {columns} FROM {quote(schema.table)} WHERE id = ANY(%s) {live}", [ids]
        )
        wanted: list[tuple[Any, ...]] = []
        for record_id, *texts in cursor.fetchall():
            if None not in texts:
                spellings = [_spellings(f, text) for f, text in zip(key, texts, strict=True)]
                wanted += [(record_id, *one) for one in product(*spellings)]
        if not wanted:
            return []
        own, *values = zip(*wanted, strict=True)
        arrays = ", ".join(["%s::bigint[]"] + ["%s::text[]"] * len(key))
        names = ", ".join(["id"] + [f"c{n}" for n in range(len(key))])
        same = " AND ".join(
            f"t.{quote(f.column or '')} = v.c{n}::{f.type.sql_type(f)}" for n, f in enumerate(key)
        )
        cursor.execute(
            f"SELECT DISTINCT v.id FROM unnest({arrays}) AS v({names}) CROSS JOIN LATERAL "
            f"(SELECT FROM {quote(schema.table)} t WHERE {same} {live} AND t.id <> v.id LIMIT 1) "
            f"taken",
            [list(own), *(array_literal(column) for column in values)],
        )
        return [row[0] for row in cursor.fetchall()]


def _spellings(field: FieldSchema, stored: str) -> list[str]:
    """All that the column may hold for the value that it holds as `stored`."""
    if not field.encrypted:
        return [stored]
    text = sealing.opened_one(field.type.place, stored)
    return [] if isinstance(text, sealing.Unopened) else sealing.tokens(field.type.place, text)
