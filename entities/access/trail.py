"""What of the history a caller sees: entries about records that exist for him, and in them what he
may read.

The audit log holds every record as it was. Without this, the right to read it would be the right to
read everything. The same goes for what the platform did with records: its messages and runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot

ENTITY = "AUDIT_LOG"
_DOCUMENTS = {"Before": "before", "After": "after"}

#: What is left of a document under the names of the fields that there are now.
_NAMED = """(
    SELECT jsonb_object_agg(f.field_name, v.value)
    FROM jsonb_each({{t}}.{column} - ({unseen})) v
    JOIN entities_entityfield f
      ON f.entity_id = {{t}}.entity_id AND f.column_name = v.key AND f.deleted_at IS NULL
     AND f.status = 'ACTIVE'
)"""


def condition(
    snapshot: Snapshot,
    may_read: Callable[[EntitySchema], bool],
    seen: Callable[[EntitySchema], str],
) -> str:
    """SQL over `{t}`: the entries about what the caller may read; `seen` gives SQL over `{t}` of
    the records of an entity that exist for him, "" for all."""
    readable = [schema for schema in snapshot.entities.values() if may_read(schema)]
    ids = sorted(schema.id for schema in readable if not seen(schema))
    whole = f"{{t}}.entity_id = ANY(ARRAY[{', '.join(map(str, ids))}]::bigint[])"
    limited = [_of_records(schema, seen(schema)) for schema in readable if seen(schema)]
    return f"({' OR '.join([whole, *limited])})" if limited else whole


def tells_of_records(schema: EntitySchema) -> bool:
    """Whether the platform keeps there what it did with records of other entities."""
    columns = schema.by_column.keys()
    return {"entity_id", "record_id"} <= columns and "created_user_id" not in columns


def condition_of_others(snapshot: Snapshot, seen: Callable[[EntitySchema], str]) -> str:
    """SQL over `{t}`: entries about any records but those that don't exist for the caller."""
    private = ", ".join(str(schema.id) for schema in snapshot.private)
    others = f"({{t}}.entity_id = ANY(ARRAY[{private}]::bigint[])) IS NOT TRUE"
    limited = [_of_records(schema, seen(schema)) for schema in snapshot.private if seen(schema)]
    return f"({' OR '.join([others, *limited])})"


def _of_records(schema: EntitySchema, seen: str) -> str:
    return (
        f"({{t}}.entity_id = {schema.id} AND EXISTS (SELECT FROM {quote(schema.table)} told_ "
        f"WHERE told_.id = {{t}}.record_id AND {seen.replace('{t}', 'told_')}))"
    )


def documents(
    snapshot: Snapshot,
    log: EntitySchema,
    readable: Callable[[EntitySchema], frozenset[str]],
) -> Mapping[str, FieldSchema]:
    """Before and After without the fields that the caller may not read."""
    cases = []
    for schema in snapshot.entities.values():
        seen = readable(schema)
        unseen = [f.column for f in schema.fields if f.column and f.name not in seen]
        if seen and unseen:
            cases.append(f"WHEN {schema.id} THEN ARRAY[{', '.join(map(_text, unseen))}]")
    nothing = "ARRAY[]::text[]"
    unseen_keys = f"CASE {{t}}.entity_id {' '.join(cases)} ELSE {nothing} END" if cases else nothing
    return {
        name: replace(log.field(name), expression=_NAMED.format(column=column, unseen=unseen_keys))
        for name, column in _DOCUMENTS.items()
    }


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
