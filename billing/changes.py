"""What a write changes, and what its caller may be told of the records it depends on.

A rule is asked of a record when something that it reads changes, so that what was agreed under
other terms can still be renamed or ended.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from entities.access import rights
from entities.records import UNSET, Batch


def changed(batch: Batch, *names: str) -> list[int]:
    """Indexes of the live records that are new, or of which one of these fields changes."""
    if not batch.stored:
        return list(batch.live)
    found: set[int] = set()
    for name in names:
        field = batch.schema.field(name)
        sent = batch.columns.get(field)
        if sent is not None:
            found.update(
                i
                for i, (value, was) in enumerate(zip(sent, batch.stored[name], strict=True))
                if value is not UNSET and not field.type.same(value, was)
            )
    return [i for i in batch.live if i in found]


def mentions(batch: Batch, *names: str) -> bool:
    """Whether the batch says anything of one of the fields, or is of new records."""
    return not batch.stored or any(batch.schema.field(name) in batch.columns for name in names)


def tells(batch: Batch, entity: str, *names: str) -> bool:
    """Whether the caller may read these fields of whatever record of the entity."""
    granted = rights(batch.snapshot, batch.context, batch.snapshot.entity(entity))
    return granted.known >= set(names) and not granted.condition


def found(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def some(ids: Sequence[Any]) -> list[Any]:
    """Those that are none of None, each once."""
    return list({i for i in ids if i is not None})
