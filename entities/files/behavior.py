"""A content goes when the record lets go of it: replaced, cleared, or purged with the record."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from entities.fieldtypes.structured import key_of
from entities.files import contents
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, everywhere
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot


@everywhere(order=900)
class FileBehavior(Behavior):
    """Discards contents once the transaction is through that took them from their record.

    What goes along with a purged record of another entity is left to the daily sweep.
    """

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return any(f.type.name == "FILE" for f in schema.fields)

    def after_update(self, batch: Batch) -> None:
        let_go = [
            key_of(batch.stored[field.name][index])
            for field in _columns(batch.schema)
            if (sent := batch.columns.get(field)) is not None
            for index in batch.live
            if sent[index] is not UNSET
            and batch.stored[field.name][index]
            and sent[index] != batch.stored[field.name][index]
        ]
        if let_go:
            transaction.on_commit(partial(contents.discard, let_go))

    def before_delete(self, batch: Batch) -> None:
        ids = [batch.ids[i] for i in batch.live]
        held = {i: row for i, row in _rows(batch.schema, ids).items() if any(row)}
        if held:
            transaction.on_commit(partial(_discard_purged, batch.schema, held))


def _discard_purged(schema: EntitySchema, held: dict[int, tuple[Any, ...]]) -> None:
    """Discard what records held that are gone; those in the recycle bin keep theirs."""
    left = _rows(schema, list(held))
    purged = (row for record_id, row in held.items() if record_id not in left)
    contents.discard([key_of(value) for row in purged for value in row if value])


def _columns(schema: EntitySchema) -> list[FieldSchema]:
    return [f for f in schema.fields if f.type.name == "FILE" and f.column is not None]


def _rows(schema: EntitySchema, ids: Sequence[int | None]) -> dict[int, tuple[Any, ...]]:
    """Id -> what its FILE columns hold, of those of the records that exist."""
    columns = ", ".join(quote(f.column or "") for f in _columns(schema))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {columns} FROM {quote(schema.table)} WHERE id = ANY(%s)", [list(ids)]
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}
