"""Files that are uploaded before their record: the answer to the upload is a key, which a write may
name in place of a file.

A key is good for one field, one time, for whoever uploaded the file, and for half a day. So a
record can be made with the file that it requires, and nobody takes hold of another one's file.
"""

from datetime import timedelta
from typing import Any

from django.db import connection

from entities.access import rights
from entities.errors import Code, RequestError
from entities.fieldtypes.structured import SentKey
from entities.files import contents
from entities.files.attaching import file_field, require_writable
from entities.models import StoredFile
from entities.records.batch import Batch
from entities.records.behavior import Behavior, everywhere
from entities.schema.current import current
from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot
from metabrm import clock
from metabrm.identity.context import Context

#: How long a key may wait for its record; well before the sweep comes.
KEPT = timedelta(hours=12)

_WAITING = """
SELECT key, file_name FROM entities_storedfile
WHERE key = ANY(%s) AND field_id = %s AND uploader_id IS NOT DISTINCT FROM %s AND stored_at > %s
ORDER BY key FOR UPDATE
"""


def receive(
    entity: str,
    field: str,
    file_name: str,
    content: bytes,
    context: Context,
    *,
    snapshot: Snapshot | None = None,
) -> StoredFile:
    """Store a file for a record that is still to be written with its key.

    RequestError INSUFFICIENT_RIGHTS for who may neither create nor update such records,
    UNKNOWN_FIELD, INVALID_VALUE for a field that is no FILE, and what `contents.put` raises.
    """
    snapshot = snapshot or current()
    schema = snapshot.entity(entity)
    granted = rights(snapshot, context, schema)
    if not (schema.writable and (granted.create or granted.update)):
        raise RequestError(
            Code.INSUFFICIENT_RIGHTS,
            f"User {context.username} may neither create nor update {schema.name}.",
        )
    found = file_field(schema, field)
    require_writable(schema, found, granted, context)
    return contents.put(
        file_name, content, field_id=found.id, uploader_id=context.user_id, sent=True
    )


@everywhere(order=5)
class ArrivingFiles(Behavior):
    """Puts the file in the place of its key, which is used up with the record that took it."""

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return any(f.type.name == "FILE" for f in schema.fields)

    def before_create(self, batch: Batch) -> None:
        _resolve(batch)

    def before_update(self, batch: Batch) -> None:
        _resolve(batch)

    def after_create(self, batch: Batch) -> None:
        _use_up(batch)

    def after_update(self, batch: Batch) -> None:
        _use_up(batch)


def _resolve(batch: Batch) -> None:
    taken: dict[int, list[str]] = {}
    batch.memory["keys"] = taken
    for field, column in batch.columns.items():
        sent = {i: v.key for i, v in enumerate(column) if isinstance(v, SentKey)}
        if not sent:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                _WAITING,
                [
                    list(sent.values()),
                    field.id,
                    batch.context.user_id,
                    clock.now() - KEPT,
                ],
            )
            waiting: dict[str, str] = dict(cursor.fetchall())
        values: list[Any] = list(column)
        first: dict[str, int] = {}
        for index, key in sent.items():
            values[index] = None
            holder = first.setdefault(key, index)
            if key not in waiting:
                batch.fail(
                    index,
                    Code.INVALID_VALUE,
                    f"{field.name} is {key!r}, which is no key of a file that you uploaded for "
                    f"this field in the last {KEPT.seconds // 3600} hours and that no record has "
                    f"taken yet; upload the file again.",
                    field.name,
                )
            elif holder != index:
                batch.fail(
                    index,
                    Code.DUPLICATE_IN_REQUEST,
                    f"{field.name} {key!r} is also that of record {batch.places[holder]} of this "
                    f"request; upload the file once for each record.",
                    field.name,
                )
            else:
                values[index] = f"{key}/{waiting[key]}"
                taken.setdefault(index, []).append(key)
        batch.columns[field] = values


def _use_up(batch: Batch) -> None:
    keys = [key for i in batch.live for key in batch.memory["keys"].get(i, ())]
    if keys:
        StoredFile.objects.filter(pk__in=keys).update(field_id=None, uploader_id=None)
