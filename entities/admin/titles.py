"""What people call a record: its title, found for many records in one query per entity.

A title that is itself a lookup (an ACCOUNT_PACKAGE is called after its package) is followed one
step. A record without a title is called by its entity and Id.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models

from entities.admin.reader import may_see, where
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot

#: A record as a link needs it: its Id and its title.
Titled = tuple[int, str]


def title_sql(snapshot: Snapshot, schema: EntitySchema, alias: str) -> str:
    """SQL text of a record's title over `alias`; null where it has none that the reader may see."""
    field = schema.field(schema.title)
    if field.type.name == "ID" or not may_see(snapshot, schema, field):
        return "NULL::text"
    if field.lookup is None or field.lookup.by_key:
        return f"nullif({_text(field, alias)}, '')"
    target = snapshot.target(field)
    title = target.field(target.title)
    if (
        title.type.name == "ID"
        or (title.lookup is not None and not title.lookup.by_key)
        or not may_see(snapshot, target, title)
    ):
        return "NULL::text"
    return (
        f"(SELECT nullif({_text(title, 't')}, '') FROM {quote(target.table)} t "
        f"WHERE t.{quote(field.lookup.column)} = {field.sql(alias)} "
        f"{where(snapshot, target, 't')})"
    )


def _text(field: FieldSchema, alias: str) -> str:
    return f"({field.type.wire_sql(field.sql(alias))})::text"


def titles(
    snapshot: Snapshot, schema: EntitySchema, keys: Iterable[Any], column: str = "id"
) -> dict[Any, Titled]:
    """Key -> (Id, title) of the records that have one of the `keys` in `column`, in one query.

    What does not exist for the reader has no title.
    """
    wanted = list({key for key in keys if key is not None})
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.{quote(column)}, r.id, {title_sql(snapshot, schema, 'r')} "
            f"FROM {quote(schema.table)} r WHERE r.{quote(column)} = ANY(%s) "
            f"{where(snapshot, schema, 'r')}",
            [wanted],
        )
        return {
            key: (record_id, called(schema, record_id, title))
            for key, record_id, title in cursor.fetchall()
        }


def called(schema: EntitySchema, record_id: int, title: str | None) -> str:
    """The title, or `Billing profile 12` without one."""
    return title or f"{schema.label} {record_id}"


def title_of(snapshot: Snapshot, schema: EntitySchema, record_id: int) -> str:
    """The title of one record, also of one that is gone."""
    found = titles(snapshot, schema, [record_id])
    return found[record_id][1] if record_id in found else called(schema, record_id, None)


def attach_titles(
    snapshot: Snapshot,
    schema: EntitySchema,
    records: Sequence[models.Model],
    lookups: Iterable[FieldSchema],
) -> None:
    """Give each record the titles of what its `lookups` point to, one query per target and key."""
    wanted: dict[tuple[str, str], list[FieldSchema]] = {}
    for field in lookups:
        assert field.lookup is not None
        wanted.setdefault((field.lookup.entity, field.lookup.column), []).append(field)
    for record in records:
        record.brm_titles = {}  # type: ignore[attr-defined]
    for (entity, column), fields in wanted.items():
        keys = [stored(record, schema, field) for record in records for field in fields]
        found = titles(snapshot, snapshot.entity(entity), keys, column)
        for record in records:
            for field in fields:
                titled = found.get(stored(record, schema, field))
                if titled is not None:
                    record.brm_titles[field.name] = titled  # type: ignore[attr-defined]


def stored(record: models.Model, schema: EntitySchema, field: FieldSchema) -> Any:
    """The native value of a stored field, without following the lookup."""
    return getattr(record, attribute(schema, field))


def attribute(schema: EntitySchema, field: FieldSchema) -> str:
    """The name under which the entity's model keeps the field's native value."""
    if field.column is None:
        raise KeyError(f"{schema.name}.{field.name} has no column")
    return schema.attributes[field.column]


class Called:
    """A record for templates that print it: by the title that the reader may see."""

    def __init__(self, record: models.Model, title: str) -> None:
        self._record = record
        self._title = title

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)

    def __str__(self) -> str:
        return self._title
