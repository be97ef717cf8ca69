"""Values by formula for new records that were sent none, in one SELECT for the whole batch.

A formula sees the record as it was sent, with the fixed defaults filled in; it does not see what
other formulas give it, so their order matters to nobody. What it yields is checked like a value
that was sent.
"""

import logging
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from django.db import connection

from entities.access import rights
from entities.formulas import FormulaError, as_text
from entities.records import images
from entities.records.batch import Batch
from entities.records.resolve import check_targets
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.formulating import compile_value
from entities.schema.snapshot import Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Default:
    """A field and the SQL, over `{t}`, of the wire form of its value."""

    field: FieldSchema
    sql: str


_cache: WeakKeyDictionary[Snapshot, dict[int, tuple[Default, ...]]] = WeakKeyDictionary()


def defaults_of(snapshot: Snapshot, schema: EntitySchema) -> tuple[Default, ...]:
    """The fields of the entity that have a default formula."""
    compiled = _cache.setdefault(snapshot, {})
    found = compiled.get(schema.id)
    if found is None:
        found = tuple(
            default
            for field in schema.fields
            if field.default_formula and (default := _compiled(snapshot, schema, field))
        )
        compiled[schema.id] = found
    return found


def fill(batch: Batch) -> None:
    """Give the live records of the batch the values by formula that they lack."""
    lacking = {
        default.field: (default, indexes)
        for default in defaults_of(batch.snapshot, batch.schema)
        if (indexes := _without(batch, default.field))
    }
    if not lacking:
        return
    indexes = sorted({i for _, some in lacking.values() for i in some})
    relation, parameters = images.proposed(batch, indexes)
    selected = ", ".join(default.sql.replace("{t}", "t") for default, _ in lacking.values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t.place, {selected} FROM {relation} t", parameters)
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    for place, (field, (_, some)) in enumerate(lacking.items()):
        _put(batch, field, {i: rows[i][place] for i in some})
    # Nobody may delete meanwhile what a record is about to point to.
    check_targets(
        batch,
        {f: batch.columns[f] for f in lacking if f.lookup is not None and f in batch.columns},
    )


def _without(batch: Batch, field: FieldSchema) -> list[int]:
    column = batch.columns.get(field)
    return [i for i in batch.live if column is None or column[i] is None]


def _put(batch: Batch, field: FieldSchema, found: dict[int, str | None]) -> None:
    indexes = [i for i, value in found.items() if value is not None]
    values, refused = field.type.decode([found[i] for i in indexes], field)
    column = list(batch.columns.get(field) or [None] * batch.size)
    for index, value in zip(indexes, values, strict=True):
        column[index] = value
    # A formula may yield what the caller could not read in the field afterwards.
    told = refused and field.name in rights(batch.snapshot, batch.context, batch.schema).known
    for place, refusal in refused.items():
        why = refusal.message if told else "does not fit; send a value"
        batch.fail(
            indexes[place],
            refusal.code,
            f"{field.name} was not sent, and what its default formula yields {why}.",
            field.name,
        )
    if indexes:
        batch.columns[field] = column


def _compiled(snapshot: Snapshot, schema: EntitySchema, field: FieldSchema) -> Default | None:
    try:
        value = compile_value(snapshot, schema, field, field.default_formula)
    except FormulaError as error:
        # As a DefaultValue that is none: the field has no default, and a required one says so.
        log.error("Default formula of %s.%s is ignored: %s", schema.name, field.name, error.told())
        return None
    return Default(field, as_text(value.term).sql)
