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
            taken = parts(values[index]) & field.retired - parts(stored[index])
            if taken:
                message = f"{field.name} {told(field, min(taken))}."
                batch.fail(index, Code.VALUE_NOT_IN_LIST, message, field.name)


def parts(value: Any) -> frozenset[str]:
    """The values of a list that a LIST or MULTI_LIST field holds."""
    if value is None or value is UNSET:
        return frozenset()
    return frozenset([value] if isinstance(value, str) else value)


def told(field: FieldSchema, value: str) -> str:
    """What is wrong with the retired value and what would be right, after the field's name."""
    active = [v for v in field.list_values.values() if v not in field.retired]
    instead = f"use one of {choosable(value, active)}" if active else "leave it out"
    return f"is {value!r}, which is no longer in use; {instead}"
