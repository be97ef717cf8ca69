"""From the records of a request to the columns of a batch.

Keys are resolved once per distinct shape of record, values are checked a column at a time by their
field type. Everything wrong with a record is found here at once, not only the first thing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from entities.access import EntityRights
from entities.access.masking import is_mask
from entities.errors import Code, RequestError, nearest
from entities.records.batch import UNSET, Batch
from entities.schema.description import EntitySchema, FieldSchema, fold
from metabrm.sealing import is_unopened

FIELDS_TO_NULL = "fieldstonull"


class Shape:
    """What the keys of one kind of record mean, resolved once."""

    def __init__(self, schema: EntitySchema, keys: tuple[Any, ...]) -> None:
        self.fields: list[tuple[str, FieldSchema]] = []
        self.relations: list[tuple[str, FieldSchema]] = []
        self.to_null: str | None = None
        self.problems: list[tuple[Code, str, str]] = []
        self.refused: list[tuple[str, str]] = []
        seen: dict[FieldSchema, str] = {}
        for key in keys:
            field = schema.find(key)
            if field is not None and field.api_accessible:
                self.fields.append((key, field))
            elif (field := schema.relation(key)) is not None and field.api_accessible:
                self.relations.append((key, field))
            elif fold(key) == FIELDS_TO_NULL:
                self.to_null = key
                continue
            elif (instead := schema.refused.get(fold(key))) is not None:
                self.refused.append((key, instead))
                continue
            else:
                known = [f.name for f in schema.fields if f.api_accessible]
                self.problems.append(
                    (
                        Code.UNKNOWN_FIELD,
                        f"{schema.name} has no field {key!r}.{nearest(key, known)}",
                        key,
                    )
                )
                continue
            if field in seen:
                self.problems.append(
                    (
                        Code.INVALID_RECORD,
                        f"{field.name} is given twice, as {seen[field]!r} and {key!r}; "
                        f"give it once.",
                        field.name,
                    )
                )
            seen[field] = key


def decode(
    batch: Batch,
    rows: Sequence[Any],
    rights: EntityRights,
    *,
    null_clears: bool = False,
) -> dict[FieldSchema, list[Any]]:
    """Fill the batch's columns from `rows`; return what was sent for relations (nested objects).

    In a column, UNSET means "not mentioned" and None means "clear". Without `null_clears`, null and
    "" are UNSET, so that a record read elsewhere and sent back whole wipes nothing.
    """
    raw, relations, to_null = _columns(batch, rows)
    not_writable: list[FieldSchema] = []
    for field, values in raw.items():
        if field.read_only:
            continue
        if field.name in rights.masked:
            values = [UNSET if is_mask(v) else v for v in values]
        if field.encrypted:
            values = [UNSET if is_unopened(v) else v for v in values]
        sent = [v is not UNSET and v is not None and v != "" for v in values]
        if field.type.name == "ID":
            batch.columns[field] = [
                v if is_sent else UNSET for v, is_sent in zip(values, sent, strict=True)
            ]
            continue
        if field.name not in rights.writable:
            not_writable.append(field)
            _refuse_unwritable(batch, field, sent)
            continue
        everywhere = all(sent)
        decoded, refused = field.type.decode(
            values if everywhere else [v if s else None for v, s in zip(values, sent, strict=True)],
            field,
        )
        for index, refusal in refused.items():
            batch.fail(index, refusal.code, f"{field.name} {refusal.message}.", field.name)
        if not everywhere:
            cleared = None if null_clears else UNSET
            decoded = [
                value if is_sent else (UNSET if was is UNSET else cleared)
                for value, is_sent, was in zip(decoded, sent, values, strict=True)
            ]
        batch.columns[field] = decoded
    for index, names in to_null.items():
        _clear(batch, index, names, rights)
    return {f: v for f, v in relations.items() if f not in not_writable and not f.read_only}


def _columns(
    batch: Batch, rows: Sequence[Any]
) -> tuple[dict[FieldSchema, list[Any]], dict[FieldSchema, list[Any]], dict[int, Any]]:
    """Turn records into raw columns; keys that mean nothing fail their record."""
    shapes: dict[tuple[Any, ...], Shape] = {}
    by_row: list[Shape | None] = []
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            batch.fail(
                index,
                Code.INVALID_RECORD,
                f"a record is a JSON object of field names and values, not {_kind(row)}.",
            )
            by_row.append(None)
            continue
        keys = tuple(row)
        shape = shapes.get(keys)
        if shape is None:
            shape = shapes[keys] = Shape(batch.schema, keys)
        for problem in shape.problems:
            batch.fail(index, *problem)
        for key, instead in shape.refused:
            if row[key] is not None and row[key] != "":
                batch.fail(index, Code.INVALID_VALUE, instead, key)
        by_row.append(shape)

    columns: dict[FieldSchema, list[Any]] = {}
    relations: dict[FieldSchema, list[Any]] = {}
    to_null: dict[int, Any] = {}
    if len(shapes) == 1 and None not in by_row:
        (shape,) = shapes.values()
        for key, field in shape.fields:
            columns[field] = [row[key] for row in rows]
        for key, field in shape.relations:
            relations[field] = [row[key] for row in rows]
        if shape.to_null is not None:
            to_null = {index: row[shape.to_null] for index, row in enumerate(rows)}
        return columns, relations, to_null

    for index, (row, shape_or_none) in enumerate(zip(rows, by_row, strict=True)):
        if shape_or_none is None:
            continue
        for target, pairs in (
            (columns, shape_or_none.fields),
            (relations, shape_or_none.relations),
        ):
            for key, field in pairs:
                column = target.get(field)
                if column is None:
                    column = target[field] = [UNSET] * batch.size
                column[index] = row[key]
        if shape_or_none.to_null is not None:
            to_null[index] = row[shape_or_none.to_null]
    return columns, relations, to_null


def _refuse_unwritable(batch: Batch, field: FieldSchema, sent: list[bool]) -> None:
    for index, is_sent in enumerate(sent):
        if is_sent:
            batch.fail(
                index,
                Code.INSUFFICIENT_RIGHTS,
                f"User {batch.context.username} may not write {field.name}; leave it out.",
                field.name,
            )


def _clear(batch: Batch, index: int, names: Any, rights: EntityRights) -> None:
    """fieldsToNull of one record: set the named fields to None."""
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        batch.fail(
            index,
            Code.INVALID_RECORD,
            'fieldsToNull is a list of field names, such as ["EndDate"].',
            "fieldsToNull",
        )
        return
    for name in names:
        try:
            field = batch.schema.field(name)
        except RequestError as error:
            batch.fail(index, error.code, error.message, name)
            continue
        if field.read_only or field.type.name == "ID" or field.name not in rights.writable:
            batch.fail(
                index, Code.FIELD_NOT_CHANGEABLE, f"{field.name} can't be cleared.", field.name
            )
            continue
        column = batch.columns.setdefault(field, [UNSET] * batch.size)
        column[index] = None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")
