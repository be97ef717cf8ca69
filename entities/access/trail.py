"""What of the history a role sees: entries about what it may read, and in them what it may read.

The audit log holds every record as it was. Without this, the right to read it would be the right to
read everything.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot

ENTITY = "AUDIT_LOG"
_DOCUMENTS = {"Before": "before", "After": "after"}


def condition(snapshot: Snapshot, may_read: Callable[[EntitySchema], bool]) -> str:
    """SQL over `{t}`: the entries about entities that the role may read."""
    ids = sorted(schema.id for schema in snapshot.entities.values() if may_read(schema))
    return f"{{t}}.entity_id = ANY(ARRAY[{', '.join(map(str, ids))}]::bigint[])"


def documents(
    snapshot: Snapshot,
    log: EntitySchema,
    readable: Callable[[EntitySchema], frozenset[str]],
) -> Mapping[str, FieldSchema]:
    """Before and After without the fields that the role may not read."""
    cases = []
    for schema in snapshot.entities.values():
        seen = readable(schema)
        unseen = [f.column for f in schema.fields if f.column and f.name not in seen]
        if seen and unseen:
            cases.append(f"WHEN {schema.id} THEN ARRAY[{', '.join(map(_text, unseen))}]")
    if not cases:
        return {}
    unseen_keys = f"CASE {{t}}.entity_id {' '.join(cases)} ELSE ARRAY[]::text[] END"
    found = {}
    for name, column in _DOCUMENTS.items():
        field = log.field(name)
        assert field.expression is not None
        kept = f"({{t}}.{column} - ({unseen_keys}))"
        expression = field.expression.replace(f"{{t}}.{column}", kept)
        found[name] = replace(field, expression=expression)
    return found


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
