"""What people call a record: its title, found for many records in one query per entity.

A record that has a name is called by it. Any other is called by what tells it apart, such as the
account and the product of an account product: lookups stand for the titles of what they point to,
a few steps deep. Where the reader may see none of that, it is called by its entity and Id.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models

from entities.admin.reader import may_see, where
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot

#: A record as a link needs it: its Id and its title.
Titled = tuple[int, str]

#: How many lookups one after the other a title follows.
_STEPS = 3


def title_sql(snapshot: Snapshot, schema: EntitySchema, alias: str) -> str:
    """SQL text of a record's title over `alias`; null where it has none that the reader may see."""
    return _title(snapshot, schema, alias, _STEPS)


def _title(snapshot: Snapshot, schema: EntitySchema, alias: str, steps: int) -> str:
    name = schema.name_field
    described = _description(snapshot, schema, alias, steps)
    if name is None or not may_see(snapshot, schema, name):
        return described
    return f"coalesce({_text(name, alias)}, {described})"


def _description(snapshot: Snapshot, schema: EntitySchema, alias: str, steps: int) -> str:
    """SQL text of what tells a record apart that has no name."""
    fields = [f for f in schema.described_by if may_see(snapshot, schema, f)]
    if steps < _STEPS and fields and fields[0].type.name == "ID":
        # Its Id tells enough of what a title only mentions.
        fields = fields[:1]
    parts: list[str] = []
    for field in fields:
        part = _part(snapshot, schema, field, alias, steps)
        if parts and field.lookup is not None and field.lookup.by_key:
            parts[-1] = f"nullif(concat_ws(' ', {parts[-1]}, {part}), '')"
        else:
            parts.append(part)
    return f"nullif(concat_ws(' – ', {', '.join(parts)}), '')" if parts else "NULL::text"


def _part(
    snapshot: Snapshot, schema: EntitySchema, field: FieldSchema, alias: str, steps: int
) -> str:
    if field.type.name == "ID":
        label = schema.label.replace("'", "''").replace("%", "%%")
        return f"'{label} ' || {field.sql(alias)}"
    if field.lookup is None or field.lookup.by_key:
        return _text(field, alias)
    if not steps:
        return "NULL::text"
    target, there = snapshot.target(field), f"titled{steps}"
    return (
        f"(SELECT {_title(snapshot, target, there, steps - 1)} FROM {quote(target.table)} {there} "
        f"WHERE {there}.{quote(field.lookup.column)} = {field.sql(alias)} "
        f"{where(snapshot, target, there)})"
    )


def _text(field: FieldSchema, alias: str) -> str:
    return f"nullif(({field.type.wire_sql(field.sql(alias))})::text, '')"


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
