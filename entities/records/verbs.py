"""The verbs on a batch of records, stage by stage.

decode -> lookups -> rights -> behavior -> keys -> one set-based statement -> behavior. A stage
fails records, never the batch; the statement is run under a savepoint and halved until the records
that the database itself refuses are found. The whole is one transaction behind the write gate,
begun again when the schema has moved or the database broke a deadlock at our cost.
"""

import random
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, cast

from django.db import OperationalError, connection, transaction
from psycopg import errors as pg

from entities.access import EntityRights, rights
from entities.access.rights import require
from entities.errors import Code, RequestError
from entities.fieldtypes import Refused
from entities.records import removal, restoring, writing
from entities.records.batch import UNSET, Batch
from entities.records.behavior import is_exclusive
from entities.records.decode import decode
from entities.records.outcome import Outcome
from entities.records.resolve import resolve
from entities.schema import gate
from entities.schema.current import current, latest
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

#: How often a transaction is begun again before the caller is told to.
TRIES = 6
#: Seconds for which a schema change is begun again, each time letting others pass.
CHANGE_SECONDS = 20.0

Work = Callable[[Snapshot, EntitySchema, EntityRights], Batch]


class _SchemaMovedError(Exception):
    """The snapshot is older than the schema."""


class _UndoError(Exception):
    """All or none: something failed."""


def create(
    entity: str, rows: Sequence[Any], context: Context, *, all_or_none: bool = False
) -> list[Outcome]:
    """Create a record per row; a row is a mapping of field names to wire values.

    Raises RequestError for an unknown entity or a caller without the right to create.
    """

    alone = _alone(rows)

    def work(snapshot: Snapshot, schema: EntitySchema, granted: EntityRights) -> Batch:
        _allow(granted.create, granted, context, "create", schema)
        batch = Batch(snapshot, schema, context, len(rows), alone=alone)
        relations = decode(batch, rows, granted)
        _refuse_ids(batch)
        resolve(batch, relations)
        writing.create(batch, list(batch.live))
        return batch

    batch = _transact(entity, context, all_or_none, work)
    return _outcomes(batch, set(range(batch.size)))


def update(
    entity: str,
    rows: Sequence[Any],
    context: Context,
    *,
    all_or_none: bool = False,
    null_clears: bool = False,
) -> list[Outcome]:
    """Change the record that each row names by its Id; fields not sent stay as they are.

    `null_clears` makes null and "" clear a field; a row's `fieldsToNull` always does.
    Raises RequestError for an unknown entity or a caller without the right to update.
    """

    alone = _alone(rows)

    def work(snapshot: Snapshot, schema: EntitySchema, granted: EntityRights) -> Batch:
        _allow(granted.update, granted, context, "update", schema)
        batch = Batch(snapshot, schema, context, len(rows), alone=alone)
        relations = decode(batch, rows, granted, null_clears=null_clears)
        _address_by_id(batch)
        resolve(batch, relations)
        writing.update(batch, list(batch.live))
        return batch

    return _outcomes(_transact(entity, context, all_or_none, work))


def upsert(
    entity: str,
    rows: Sequence[Any],
    context: Context,
    *,
    key: str,
    all_or_none: bool = False,
    null_clears: bool = False,
) -> list[Outcome]:
    """Update the live record that has the row's value of the external key `key`, or create one.

    A key in the recycle bin is free: the row creates a new record. A key named by two rows of one
    request fails both, because nobody can say which of them should win.
    Raises RequestError for an unknown entity, a field that is no external key, or missing rights.
    """
    created: set[int] = set()

    def work(snapshot: Snapshot, schema: EntitySchema, granted: EntityRights) -> Batch:
        _allow(granted.create or granted.update, granted, context, "upsert", schema)
        key_field = _external_key(schema, key)
        _may_probe(key_field, schema, granted, context)
        batch = Batch(snapshot, schema, context, len(rows))
        relations = decode(batch, rows, granted, null_clears=null_clears)
        _refuse_ids(batch, unless=key_field)
        values = _key_values(batch, key_field)
        resolve(batch, relations)
        created.clear()
        created.update(writing.upsert(batch, key_field, values, granted))
        return batch

    batch = _transact(entity, context, all_or_none, work)
    return _outcomes(batch, created)


def _allow(
    allowed: bool, granted: EntityRights, context: Context, action: str, schema: EntitySchema
) -> None:
    """Raise RequestError unless the caller may write the entity, as far as anybody may."""
    if granted.read and not schema.writable:
        raise RequestError(
            Code.READ_ONLY_ENTITY,
            f"{schema.name} is kept by the platform and can't be written; read it.",
        )
    require(allowed and schema.writable, context, action, schema)


def delete(
    entity: str,
    ids: Sequence[Any],
    context: Context,
    *,
    permanently: bool = False,
    recycled: bool = False,
    all_or_none: bool = False,
) -> list[Outcome]:
    """Move the records to the recycle bin with their child records, or purge them `permanently`.

    `recycled` purges only what lies in the recycle bin: who restored a record meanwhile keeps it.
    A record that others still point to is refused unless the lookup says otherwise.
    Raises RequestError for an unknown entity or a caller without the right to delete.
    """

    def work(snapshot: Snapshot, schema: EntitySchema, granted: EntityRights) -> Batch:
        _allow(granted.delete, granted, context, "delete", schema)
        _refuse_to_delete(schema)
        batch = _addressed(snapshot, schema, context, ids)
        purged = permanently or recycled or not schema.recycle_bin
        removal.delete(batch, permanently=purged, recycled=recycled)
        return batch

    return _outcomes(_transact(entity, context, all_or_none, work))


def undelete(
    entity: str, ids: Sequence[Any], context: Context, *, all_or_none: bool = False
) -> list[Outcome]:
    """Bring records back from the recycle bin, with the child records that went there with them.

    Raises RequestError for an unknown entity or a caller without the right to delete.
    """

    def work(snapshot: Snapshot, schema: EntitySchema, granted: EntityRights) -> Batch:
        _allow(granted.delete, granted, context, "undelete", schema)
        batch = _addressed(snapshot, schema, context, ids)
        restoring.undelete(batch)
        return batch

    return _outcomes(_transact(entity, context, all_or_none, work))


def _refuse_to_delete(schema: EntitySchema) -> None:
    """Raise METHOD_NOT_ALLOWED for an entity whose records nobody deletes."""
    if not schema.deletable:
        raise RequestError(
            Code.METHOD_NOT_ALLOWED,
            f"{schema.name} records can't be deleted; they can be created and changed.",
        )


def _alone(rows: Sequence[Any]) -> bool:
    """Whether the verb is called for one record, and not from within another verb."""
    return len(rows) == 1 and not connection.in_atomic_block


def _transact(entity: str, context: Context, all_or_none: bool, work: Work) -> Batch:
    nested = connection.in_atomic_block
    snapshot = latest()
    found = snapshot.find(entity)
    exclusive = found is not None and is_exclusive(found.name)
    give_up = time.monotonic() + CHANGE_SECONDS
    for attempt in count():
        if attempt:
            snapshot = current()
        try:
            with transaction.atomic():
                if gate.enter(context, exclusive=exclusive) != snapshot.version:
                    raise _SchemaMovedError
                schema = snapshot.entity(entity)
                batch = work(snapshot, schema, rights(snapshot, context, schema))
                if all_or_none and batch.problems:
                    raise _UndoError
                return batch
        except _UndoError:
            _fail_the_rest(batch)
            return batch
        except _SchemaMovedError:
            if attempt >= TRIES and time.monotonic() > give_up:
                break
        except OperationalError as error:
            if isinstance(error.__cause__, pg.LockNotAvailable):
                if exclusive and not nested and time.monotonic() < give_up:
                    time.sleep(random.uniform(0.02, 0.2))
                    continue
                raise RequestError(
                    Code.SCHEMA_BUSY,
                    "Another request is still changing these records; send the request again.",
                ) from error
            # A broken deadlock has undone the outermost transaction: only there can it be retried.
            if nested or not isinstance(
                error.__cause__, pg.DeadlockDetected | pg.SerializationFailure
            ):
                raise
            if attempt >= TRIES:
                break
            time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))
    raise RequestError(
        Code.SCHEMA_BUSY, "The records are being changed by many at once; send the request again."
    )


def _fail_the_rest(batch: Batch) -> None:
    first = min(batch.problems)
    for index in batch.live:
        batch.fail(
            index,
            Code.ALL_OR_NONE,
            f"Not written, because record {first} of the request failed and allOrNone was asked.",
        )


def _outcomes(batch: Batch, created: set[int] | None = None) -> list[Outcome]:
    """One outcome per record; the Id of a new one that was taken back is nobody's."""
    problems = batch.problems
    created = created or set()
    return [
        Outcome(batch.ids[i], created=i in created)
        if i not in problems
        else Outcome(None if i in created else batch.ids[i], tuple(problems[i]))
        for i in range(batch.size)
    ]


def _id_field(schema: EntitySchema) -> FieldSchema:
    return schema.field("Id")


def _refuse_ids(batch: Batch, unless: FieldSchema | None = None) -> None:
    """A record to be created can't bring its Id."""
    id_field = _id_field(batch.schema)
    if id_field is unless:
        return
    for index, value in enumerate(batch.columns.pop(id_field, [])):
        if value is not UNSET:
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                "Id is given by the platform; leave it out, or send an update (PUT).",
                "Id",
            )


def _address_by_id(batch: Batch) -> None:
    """Read the Id column into `batch.ids`; an Id given twice fails both records."""
    id_field = _id_field(batch.schema)
    values = batch.columns.pop(id_field, [UNSET] * batch.size)
    _read_ids(batch, values)


def _addressed(
    snapshot: Snapshot, schema: EntitySchema, context: Context, ids: Sequence[Any]
) -> Batch:
    batch = Batch(snapshot, schema, context, len(ids))
    _read_ids(batch, ids)
    return batch


def _read_ids(batch: Batch, values: Sequence[Any]) -> None:
    id_field = _id_field(batch.schema)
    first: dict[int, int] = {}
    for index, value in enumerate(values):
        if value is UNSET or value is None or value == "":
            batch.fail(index, Code.REQUIRED_FIELD_MISSING, "Id is required here.", "Id")
            continue
        try:
            number = cast(int, id_field.type.decode_one(value, id_field))
        except Refused as refusal:
            batch.fail(index, refusal.code, f"Id {refusal.message}.", "Id")
            continue
        batch.ids[index] = number
        if number in first:
            for twin in (first[number], index):
                if twin == index or twin not in batch.problems:
                    batch.fail(
                        twin,
                        Code.DUPLICATE_IN_REQUEST,
                        f"Id {number} is named by two records of this request; send it once.",
                        "Id",
                    )
        else:
            first[number] = index


def _external_key(schema: EntitySchema, name: str) -> FieldSchema:
    field = schema.find(name) if isinstance(name, str) else None
    if field is None or not (field.external_key or field.type.name == "ID"):
        keys = ", ".join(f.name for f in schema.external_keys) or "none"
        raise RequestError(
            Code.NOT_AN_EXTERNAL_KEY,
            f"{name!r} is no external key of {schema.name}; its external keys are: {keys}.",
            field="externalIDFieldName",
        )
    return field


def _may_probe(
    field: FieldSchema, schema: EntitySchema, granted: EntityRights, context: Context
) -> None:
    """Created or updated: the answer tells whether a record with the key exists."""
    if not granted.may_probe(field):
        raise RequestError(
            Code.INSUFFICIENT_RIGHTS,
            f"User {context.username} may not see {schema.name}.{field.name}, so it can't be the "
            f"key of an upsert; name the records by another key or by Id.",
            field="externalIDFieldName",
        )


def _key_values(batch: Batch, key_field: FieldSchema) -> dict[int, Any]:
    """Index -> key value of every live record; a key missing or named twice fails its records."""
    if key_field.type.name == "ID":
        _address_by_id(batch)
        return {i: batch.ids[i] for i in batch.live}
    column = batch.columns.get(key_field) or [UNSET] * batch.size
    holders: dict[Any, list[int]] = {}
    for index in batch.live:
        value = column[index]
        if value is UNSET or value is None:
            batch.fail(
                index,
                Code.REQUIRED_FIELD_MISSING,
                f"{key_field.name} is required: it is the key of this upsert.",
                key_field.name,
            )
        else:
            holders.setdefault(value, []).append(index)
    for value, indexes in holders.items():
        if len(indexes) > 1:
            for index in indexes:
                batch.fail(
                    index,
                    Code.DUPLICATE_IN_REQUEST,
                    f"{key_field.name} {value!r} is the key of {len(indexes)} records of this "
                    f"request; send it once.",
                    key_field.name,
                )
    return {indexes[0]: value for value, indexes in holders.items() if len(indexes) == 1}


def retrieve(entity: str, ids: Sequence[int], context: Context) -> bytes:
    """Whole live records by id as a JSON list in wire form, as far as the caller may read them."""
    from entities.query import retrieve_ids

    return retrieve_ids(entity, list(ids), context).json
