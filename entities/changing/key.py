"""Rows of ENTITY_KEY: unique keys of several fields, each a unique index among live records."""

from typing import Any

from django.db import connection

from entities.changing import jobs, sealing, tables
from entities.changing.carrying import carry_out, start_over
from entities.changing.indexes import drop_step, index_step
from entities.changing.rules import administrators_only, unknown
from entities.errors import Code
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from entities.schema.description import EntitySchema, FieldSchema

#: Fields of a key.
MOST_FIELDS = 8


@behavior("ENTITY_KEY")
class KeyBehavior(Behavior):
    exclusive = True

    def before_create(self, batch: Batch) -> None:
        administrators_only(batch)
        names = batch.effective("KeyName")
        keys = batch.effective("ExternalKey")
        entities = {e.id: e for e in batch.snapshot.entities.values()}
        listed = list(batch.effective("FieldNames"))
        schemas = [entities.get(i) for i in batch.effective("EntityId")]
        for index, schema in enumerate(schemas):
            if schema is not None:
                keys[index] = keys[index] or f"{schema.name}.{names[index]}"
        batch.put("ExternalKey", keys)
        batch.put("IndexName", list(tables.physical_names("brm_k", batch.size)))
        batch.memory["fields"] = found = {}
        for index in list(batch.live):
            schema = schemas[index]
            if schema is None or not listed[index]:
                continue
            fields = _fields(batch, index, schema, listed[index])
            if fields:
                found[index] = (schema, fields)
                listed[index] = ", ".join(f.name for f in fields)
        batch.put("FieldNames", listed)

    def after_create(self, batch: Batch) -> None:
        start_over(batch)
        index_names = batch.effective("IndexName")
        found: dict[int, tuple[EntitySchema, list[FieldSchema]]] = batch.memory["fields"]
        carry_out(
            batch,
            [index_step(batch, *found[i], unique=True, name=index_names[i]) for i in batch.live],
        )

    def before_update(self, batch: Batch) -> None:
        administrators_only(batch)
        for name in ("EntityId", "FieldNames"):
            for index, value in enumerate(batch.sent(name)):
                if value is not UNSET and value != batch.stored[name][index]:
                    batch.fail(
                        index,
                        Code.FIELD_NOT_CHANGEABLE,
                        f"{name} of a key can't change; make another key and delete this one.",
                        name,
                    )

    def before_delete(self, batch: Batch) -> None:
        administrators_only(batch)
        batch.memory["rows"] = _rows(batch)

    def after_delete(self, batch: Batch) -> None:
        start_over(batch)
        steps = []
        for index in batch.live:
            entity_id, names, index_name, deleted = batch.memory["rows"][batch.ids[index]]
            schema = next((e for e in batch.snapshot.entities.values() if e.id == entity_id), None)
            if schema is not None and not deleted:
                fields = [f for f in map(schema.find, _split(names)) if f is not None]
                steps.append(drop_step(schema, fields, index_name))
        carry_out(batch, steps)

    def after_undelete(self, batch: Batch) -> None:
        start_over(batch)
        administrators_only(batch)
        steps = []
        for index in list(batch.live):
            entity_id, names, index_name, _ = _rows(batch)[batch.ids[index]]
            schema = next((e for e in batch.snapshot.entities.values() if e.id == entity_id), None)
            fields = _fields(batch, index, schema, names) if schema is not None else []
            if schema is not None and fields:
                steps.append(index_step(batch, schema, fields, unique=True, name=index_name))
        if not batch.problems:
            carry_out(batch, steps)


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _fields(batch: Batch, index: int, schema: EntitySchema, names: str) -> list[FieldSchema]:
    """The key's fields; none after failing the record for what is wrong with them."""

    def refuse(message: str, code: Code = Code.INVALID_VALUE) -> list[FieldSchema]:
        batch.fail(index, code, message, "FieldNames")
        return []

    fields: list[FieldSchema] = []
    for name in _split(names):
        field = schema.find(name)
        if field is None:
            known = [f.name for f in schema.fields]
            return refuse(unknown(name, known, f"field of {schema.name}"), Code.UNKNOWN_FIELD)
        if field.column is None or not {"=", "<"} & set(field.type.operators):
            return refuse(f"{field.name} can't be part of a key.")
        if field.encrypted and not sealing.under_one_key(
            sealing.Column(schema.id, schema.table, field.column)
        ):
            return refuse(
                f"{field.name} is encrypted under several keys; have the operator run "
                f"rotate_field_keys first.",
                Code.VALIDATION_FAILED,
            )
        if field in fields:
            return refuse(f"{field.name} stands twice in the key; name it once.")
        fields.append(field)
    if not 2 <= len(fields) <= MOST_FIELDS:
        return refuse(
            f"A key has 2 to {MOST_FIELDS} fields, such as AccountId, Number; a key of one field "
            f"is its UniqueField."
        )
    by = schema.partitioned_by
    if by is not None and by not in fields:
        return refuse(
            f"{schema.name} is kept in months of {by.name}, each of which knows only its own "
            f"records: the key has to contain {by.name}.",
            Code.VALIDATION_FAILED,
        )
    groups = jobs.duplicates(schema.table, [f.column or "" for f in fields])
    if groups.ids:
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"{schema.name} records have the same values: {groups.words}; change or delete all but "
            f"one of each first.",
            "FieldNames",
            of=schema.name,
            in_the_way=groups.ids,
        )
        return []
    return fields


def _rows(batch: Batch) -> dict[Any, tuple[int, str, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, entity_id, field_names, index_name, deleted_at IS NOT NULL "
            "FROM entities_entitykey WHERE id = ANY(%s)",
            [[i for i in batch.ids if i is not None]],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}
