"""Whether a field's formula will do, in the entity as it would be with that field."""

from dataclasses import replace

from entities.formulas import FormulaError
from entities.records.batch import Batch
from entities.schema.description import EntitySchema, FieldSchema, fold
from entities.schema.formulating import compile_formula


def check(batch: Batch, schema: EntitySchema, field: FieldSchema, text: str) -> str:
    """What is wrong with the formula `text` of `field`, with the position, or ""."""
    others = tuple(f for f in schema.fields if fold(f.name) != fold(field.name))
    # A formula that names its own field runs in a circle, whatever the field was before.
    future = replace(schema, fields=(*others, field))
    try:
        compile_formula(batch.snapshot, future, text)
    except FormulaError as error:
        return error.told()
    return ""
