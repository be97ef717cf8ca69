"""How personal data reads to those who may not see it: as a fixed text, wherever there is a value.

The mask takes the field's place in the statement itself. So a filter, an order, a group and an
aggregate meet nothing but the mask, and tell no more than an answer does: whether there is a value.
"""

from dataclasses import replace
from typing import Any

from entities import fieldtypes
from entities.schema.description import EntitySchema, FieldSchema

#: What is read instead of a value. Sent back, it means that the field stays as it is.
MASK = "****"


def masks(schema: EntitySchema) -> dict[str, FieldSchema]:
    """The personal fields of `schema` as texts that show the mask."""
    return {field.name: masked(field) for field in schema.fields if field.pii and _maskable(field)}


def is_mask(value: Any) -> bool:
    """Whether a value that was sent is the mask that was read."""
    return isinstance(value, str) and value == MASK


def _maskable(field: FieldSchema) -> bool:
    """Without its Id no record could be addressed; it tells nothing of a person."""
    return field.type.name != "ID" and (field.column is not None or field.expression is not None)


def masked(field: FieldSchema) -> FieldSchema:
    """The field as a text that shows the mask."""
    return replace(
        field,
        type=fieldtypes.get("TEXT"),
        column=None,
        expression=f"CASE WHEN {field.sql('{t}')} IS NOT NULL THEN '{MASK}'::text END",
        lookup=None,
        list_values={},
        length=None,
        digits=None,
        currency_source=None,
        encrypted=False,
    )
