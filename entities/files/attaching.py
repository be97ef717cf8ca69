"""Giving a record a file, and reading the file that it holds.

Both go the way of every other value: a file is given by an update, which knows who may write what,
and read only where a query shows the record and the field to the caller.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from entities import query, records
from entities.access import EntityRights, rights
from entities.access.rights import require
from entities.errors import Code, RequestError
from entities.fieldtypes.structured import HeldFile
from entities.files import contents
from entities.models import StoredFile
from entities.records import Outcome
from entities.schema.current import current
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

#: How often a file is looked up again that was replaced while we read it.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Download:
    """A file as somebody gets it."""

    file_name: str
    content_type: str
    content: bytes


def attach(
    entity: str,
    record_id: int,
    field: str,
    file_name: str,
    content: bytes,
    context: Context,
    *,
    snapshot: Snapshot | None = None,
) -> Outcome:
    """Put a file into the FILE field of a record, in place of the one that it holds.

    RequestError INSUFFICIENT_RIGHTS, UNKNOWN_FIELD, INVALID_VALUE for a field that is no FILE,
    FIELD_NOT_CHANGEABLE, and what `contents.put` raises. The outcome is that of the update.
    """
    snapshot = snapshot or current()
    schema = snapshot.entity(entity)
    granted = rights(snapshot, context, schema)
    # The update asks again; asked here too, nobody fills the storage with what it will refuse.
    require(granted.update and schema.writable, context, "update", schema)
    found = file_field(schema, field)
    require_writable(schema, found, granted, context)
    with held({found.name: (file_name, content)}) as values:
        (outcome,) = records.update(schema.name, [{"Id": record_id, **values}], context)
        if not outcome.ok:
            values.clear()
    return outcome


def require_writable(
    schema: EntitySchema, field: FieldSchema, granted: EntityRights, context: Context
) -> None:
    """RequestError FIELD_NOT_CHANGEABLE, INSUFFICIENT_RIGHTS for who may not write the field."""
    if field.read_only:
        raise RequestError(
            Code.FIELD_NOT_CHANGEABLE,
            f"{schema.name}.{field.name} is filled by the platform; its file can only be read.",
            field=field.name,
        )
    if field.name not in granted.writable:
        raise RequestError(
            Code.INSUFFICIENT_RIGHTS,
            f"User {context.username} may not write {schema.name}.{field.name}.",
            field=field.name,
        )


@contextmanager
def held(files: Mapping[str, tuple[str, bytes]]) -> Iterator[dict[str, Any]]:
    """Store files (field name -> name and content) for a write that is made in the block.

    Gives the values to write. They are discarded if the block raises or clears them, which says
    that they were not written.
    """
    stored: list[StoredFile] = []
    values: dict[str, Any] = {}
    try:
        for field, (name, content) in files.items():
            file = contents.put(name, content, sent=True)
            stored.append(file)
            values[field] = HeldFile(f"{file.key}/{file.file_name}")
        yield values
    except Exception:
        values.clear()
        raise
    finally:
        if not values and stored:
            contents.discard(file.key for file in stored)


def fetch(
    entity: str,
    record_id: int,
    field: str,
    context: Context,
    *,
    snapshot: Snapshot | None = None,
) -> Download:
    """The file in the FILE field of a record, as far as the caller may read record and field.

    RequestError RECORD_NOT_FOUND (also where there is no file), INSUFFICIENT_RIGHTS,
    UNKNOWN_FIELD, INVALID_VALUE for a field that is no FILE, and what `contents.read` raises.
    """
    snapshot = snapshot or current()
    schema = snapshot.entity(entity)
    granted = rights(snapshot, context, schema)
    require(granted.read, context, "read", schema)
    found = file_field(schema, field)
    if found.name not in granted.readable or found.name in granted.instead:
        raise RequestError(
            Code.INSUFFICIENT_RIGHTS,
            f"User {context.username} may not read {schema.name}.{found.name}.",
            field=found.name,
        )
    for _ in range(TRIES):
        if not query.retrieve_ids(schema.name, [record_id], context, snapshot=snapshot).count:
            raise RequestError(
                Code.RECORD_NOT_FOUND, f"{schema.name} has no record with Id {record_id}."
            )
        key = _key_of(schema, found, record_id)
        if not key:
            raise RequestError(
                Code.RECORD_NOT_FOUND,
                f"{schema.name} {record_id} has no file in {found.name}.",
                field=found.name,
            )
        file = StoredFile.objects.filter(pk=key).first()
        try:
            if file is not None:
                return Download(file.file_name, file.content_type, contents.read(file))
        except FileNotFoundError:
            continue
    raise RequestError(
        Code.RECORD_NOT_FOUND,
        f"The file of {schema.name} {record_id} in {found.name} is not in the storage. Tell the "
        "administrator: it has to be restored from a backup.",
        field=found.name,
    )


def file_field(schema: EntitySchema, field: str) -> FieldSchema:
    """The FILE field of the entity; RequestError for a field that is none.

    What it tells of the entity's fields is for who may do something with its records.
    """
    found = schema.field(field)
    if not found.api_accessible:
        raise RequestError(
            Code.UNKNOWN_FIELD, f"{schema.name} has no field {field!r}.", field=field
        )
    if found.type.name != "FILE":
        named = ", ".join(f.name for f in schema.fields if _is_served(f))
        raise RequestError(
            Code.INVALID_VALUE,
            f"{schema.name}.{found.name} is a {found.type.name} field and holds no file; "
            f"{schema.name}'s FILE fields: {named or 'none'}.",
            field=found.name,
        )
    return found


def _is_served(field: FieldSchema) -> bool:
    return field.type.name == "FILE" and field.api_accessible


def _key_of(schema: EntitySchema, field: FieldSchema, record_id: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT split_part({quote(field.column or '')}, '/', 1) "
            f"FROM {quote(schema.table)} WHERE id = %s",
            [record_id],
        )
        row = cursor.fetchone()
    return (row[0] or "") if row else ""
