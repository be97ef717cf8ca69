"""List values that are no longer in use: whoever holds one keeps it, nobody else can take it."""

from typing import Any

from entities.errors import Code
from entities.fieldtypes.choices import choosable
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, everywhere
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot


@everywhere(20)
class RetiredValues(Behavior):
    """Refuses values of ENTITY_FIELD_VALUES rows whose ActiveFlag is off."""

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return any(field.retired for field in schema.fields)

    def before_create(self, batch: Batch) -> None:
        _refuse(batch, held=False)

    def before_update(self, batch: Batch) -> None:
        _refuse(batch, held=True)


def _refuse(batch: Batch, *, held: bool) -> None:
    for field, values in batch.columns.items():
        if not field.retired:
            continue
        stored = batch.stored[field.name] if held else [None] * batch.size
        for index in batch.live:
            taken = _parts(values[index]) & field.retired - _parts(stored[index])
            if taken:
                batch.fail(index, Code.VALUE_NOT_IN_LIST, _message(field, min(taken)), field.name)


def _parts(value: Any) -> frozenset[str]:
    if value is None or value is UNSET:
        return frozenset()
    return frozenset([value] if isinstance(value, str) else value)


def _message(field: FieldSchema, value: str) -> str:
    active = [v for v in field.list_values.values() if v not in field.retired]
    instead = f"use one of {choosable(value, active)}" if active else "leave it out"
    return f"{field.name} is {value!r}, which is no longer in use; {instead}."
