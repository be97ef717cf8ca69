"""Lookups of a batch: from what was sent to ids that exist, in one query for all lookup fields.

Fields given as nested objects take a query each, as they name other keys.

The target rows are locked FOR KEY SHARE, which the insert's own foreign-key check takes anyway; a
deletion of the target takes FOR UPDATE. So either the deletion sees the new record and refuses, or
the new record sees the deletion and fails; nothing ends up pointing into the recycle bin.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from entities.access import EntityRights, rights
from entities.errors import Code, nearest
from entities.fieldtypes import Refused
from entities.fieldtypes.textform import array_literal
from entities.records.batch import UNSET, Batch
from entities.records.statements import LIVE_BY_ID
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot
from metabrm import sealing


def resolve(batch: Batch, relations: dict[FieldSchema, list[Any]]) -> None:
    """Check the ids in the batch's lookup columns and resolve nested objects in `relations`."""
    for field, values in relations.items():
        _resolve_objects(batch, field, values)
    check_targets(
        batch,
        {
            field: batch.columns[field]
            for field in batch.schema.lookups
            if field in batch.columns and field not in relations
        },
        sent=True,
    )


def check_targets(
    batch: Batch, columns: dict[FieldSchema, list[Any]], *, sent: bool = False
) -> None:
    """Fail the records whose lookup columns hold what does not exist.

    `sent` by the caller: for him exist only the records that he sees. He may send back the value
    that the record has.
    """
    wanted = {field: set(column) - {UNSET, None} for field, column in columns.items()}
    wanted = {field: values for field, values in wanted.items() if values}
    if not wanted:
        return
    granted = _rights_on_targets(batch, wanted) if sent else {}
    for field, found in _existing(batch.snapshot, wanted, granted).items():
        if wanted[field] <= found:
            continue
        target = batch.snapshot.target(field)
        assert field.lookup is not None
        missing = [
            index
            for index in batch.live
            if columns[field][index] is not UNSET
            and columns[field][index] is not None
            and columns[field][index] not in found
        ]
        if sent and field.lookup.by_key and _may_name(granted[field], target, field):
            missing = _name_otherwise(batch, field, columns[field], missing, granted[field])
        held = _held(batch, field, missing) if sent else {}
        for index in missing:
            value = columns[field][index]
            if index in held and held[index] == value:
                continue
            if sent and not _may_name(granted[field], target, field):
                _refuse_to_name(batch, index, field, target.by_column[field.lookup.column].name)
            else:
                batch.fail(
                    index,
                    Code.LOOKUP_NOT_FOUND,
                    f"{field.name}: there is no {target.name} with {field.lookup.column_label} "
                    f"{value!r}.",
                    field.name,
                )


def _name_otherwise(
    batch: Batch,
    field: FieldSchema,
    column: list[Any],
    missing: list[int],
    granted: EntityRights,
) -> list[int]:
    """A key that is spelled in another case, or the target's Id, names it as well; the column gets
    the key. Returns the indexes of what names nothing."""
    assert field.lookup is not None
    target = batch.snapshot.target(field)
    key = quote(field.lookup.column)
    wanted = {str(column[index]).casefold() for index in missing}
    live = "AND deleted_at IS NULL" if target.authored else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key}, id FROM {quote(target.table)} t "
            f"WHERE (lower({key}::text) = ANY(%(wanted)s) OR id::text = ANY(%(wanted)s)) "
            f"{live} {granted.where('t')} ORDER BY id FOR KEY SHARE",
            {"wanted": list(wanted)},
        )
        rows = cursor.fetchall()
    keys: dict[str, set[Any]] = {}
    for value, _ in rows:
        keys.setdefault(str(value).casefold(), set()).add(value)
    # What is a key is no Id, however it is spelled.
    named = {str(record_id): {value} for value, record_id in rows} | keys
    left = []
    for index in missing:
        found = named.get(str(column[index]).casefold(), set())
        if len(found) == 1:
            (column[index],) = found
        else:
            left.append(index)
    return left


def _rights_on_targets(
    batch: Batch, fields: Iterable[FieldSchema]
) -> dict[FieldSchema, EntityRights]:
    return {f: rights(batch.snapshot, batch.context, batch.snapshot.target(f)) for f in fields}


def _may_name(granted: EntityRights, target: EntitySchema, field: FieldSchema) -> bool:
    """Whether the caller may read what a lookup names its target by."""
    assert field.lookup is not None
    return target.by_column[field.lookup.column].name in granted.known


def _refuse_to_name(batch: Batch, index: int, field: FieldSchema, key: str) -> None:
    """Whether there is such a record is not told to who may not read it."""
    target = batch.snapshot.target(field)
    batch.fail(
        index,
        Code.INSUFFICIENT_RIGHTS,
        f"User {batch.context.username} may not read {target.name}.{key[:80]}.",
        field.name,
    )


def _held(batch: Batch, field: FieldSchema, indexes: list[int]) -> dict[int, Any]:
    """Index -> what the caller can read in the lookup field of a record that he is changing, where
    it points to a live record."""
    granted = rights(batch.snapshot, batch.context, batch.schema)
    places = {batch.ids[i]: i for i in indexes if batch.ids[i] is not None}
    target = batch.snapshot.target(field)
    if not places or field.name not in granted.known or batch.context.administrator:
        return {}
    assert field.lookup is not None
    live = "AND p.deleted_at IS NULL" if target.authored else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, {field.sql('t')} FROM {quote(batch.schema.table)} t "
            f"JOIN {quote(target.table)} p ON p.{quote(field.lookup.column)} = {field.sql('t')} "
            f"WHERE t.id = ANY(%s) {live} {granted.where('t')} FOR KEY SHARE OF p",
            [list(places)],
        )
        return {places[record_id]: value for record_id, value in cursor.fetchall()}


def _existing(
    snapshot: Snapshot,
    wanted: dict[FieldSchema, set[Any]],
    granted: dict[FieldSchema, EntityRights],
) -> dict[FieldSchema, set[Any]]:
    """Those of the wanted values of each lookup field that a live target has, which exists for a
    caller with these rights."""
    parts: list[str] = []
    for field in wanted:
        target = snapshot.target(field)
        assert field.lookup is not None
        column = quote(field.lookup.column)
        key = target.by_column[field.lookup.column]
        live = "AND deleted_at IS NULL" if field.lookup.by_key else LIVE_BY_ID
        live = live if target.authored else ""
        seen = ""
        if field in granted:
            seen = (
                granted[field].where("t")
                if _may_name(granted[field], target, field)
                else ("AND FALSE")
            )
        parts.append(
            f"ARRAY(SELECT {column} FROM {quote(target.table)} t "
            f"WHERE {column} = ANY(%s::{key.type.sql_type(key)}[]) {live} {seen} FOR KEY SHARE)"
        )
    arrays = [array_literal([str(value) for value in values]) for values in wanted.values()]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", arrays)
        return dict(zip(wanted, map(set, cursor.fetchone()), strict=True))


def _resolve_objects(batch: Batch, field: FieldSchema, values: list[Any]) -> None:
    """`{"ExtAcctId": "X-1"}` -> the id of the one live target that has that key."""
    target = batch.snapshot.target(field)
    column = batch.columns.setdefault(field, [UNSET] * batch.size)
    by_key: dict[FieldSchema, dict[int, Any]] = {}
    # Failed records too: what they name is there or not, and then not also missing.
    for index in range(batch.size):
        sent = values[index]
        if sent is UNSET or sent is None or sent == "":
            continue
        if column[index] is not UNSET:
            batch.fail(
                index,
                Code.INVALID_RECORD,
                f"{field.name} is given both as a value and as an object; give one of them.",
                field.name,
            )
            continue
        key = _key_of(batch, index, field, target, sent)
        if key is not None:
            key_field, value = key
            by_key.setdefault(key_field, {})[index] = value
    for key_field, wanted in by_key.items():
        found = _ids_by_key(batch, field, key_field, list(set(wanted.values())))
        for index, value in wanted.items():
            matches = found.get(value, [])
            if len(matches) == 1:
                column[index] = matches[0]
            elif matches:
                batch.fail(
                    index,
                    Code.LOOKUP_AMBIGUOUS,
                    f"{field.name}: {len(matches)} {target.name} records have {key_field.name} "
                    f"{value!r}; name the one by its Id.",
                    field.name,
                )
            else:
                batch.fail(
                    index,
                    Code.LOOKUP_NOT_FOUND,
                    f"{field.name}: there is no {target.name} with {key_field.name} {value!r}.",
                    field.name,
                )
    if all(value is UNSET for value in column):
        del batch.columns[field]


def _key_of(
    batch: Batch, index: int, field: FieldSchema, target: EntitySchema, sent: Any
) -> tuple[FieldSchema, Any] | None:
    """The key field and value that a nested object names, or None after failing the record."""
    if not isinstance(sent, dict) or len(sent) != 1:
        batch.fail(
            index,
            Code.INVALID_RECORD,
            f'{field.name}: name the record by one key, such as {{"Id": "1"}} or '
            f'{{"{(target.external_keys or target.fields)[0].name}": "..."}}.',
            field.name,
        )
        return None
    ((name, value),) = sent.items()
    granted = rights(batch.snapshot, batch.context, target)
    key_field = target.find(name)
    if key_field is None and granted.read:
        message = f"{target.name} has no field {name!r}.{nearest(name, sorted(granted.known))}"
        batch.fail(index, Code.UNKNOWN_FIELD, message, field.name)
        return None
    if key_field is None or key_field.name not in granted.known:
        _refuse_to_name(batch, index, field, name)
        return None
    if key_field.column is None:
        batch.fail(
            index, Code.INVALID_RECORD, f"{key_field.name} is computed and no key.", field.name
        )
        return None
    try:
        return key_field, key_field.type.decode_one(value, key_field)
    except Refused as refusal:
        batch.fail(index, refusal.code, f"{key_field.name} {refusal.message}.", field.name)
        return None


def _ids_by_key(
    batch: Batch, field: FieldSchema, key_field: FieldSchema, values: list[Any]
) -> dict[Any, list[Any]]:
    target = batch.snapshot.target(field)
    granted = rights(batch.snapshot, batch.context, target)
    assert field.lookup is not None
    assert key_field.column is not None
    live = "AND deleted_at IS NULL" if target.authored else ""
    place, stored = key_field.type.place, {}
    if place:
        stored = {token: value for value in values for token in sealing.tokens(place, value)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {quote(key_field.column)}, {quote(field.lookup.column)} "
            f"FROM {quote(target.table)} t WHERE {quote(key_field.column)} = ANY(%s) {live} "
            f"{granted.where('t')} FOR KEY SHARE",
            [list(stored) if place else values],
        )
        found: dict[Any, list[Any]] = {}
        for value, target_value in cursor.fetchall():
            found.setdefault(stored.get(value, value), []).append(target_value)
        return found
