"""What the designer shows, read in a fixed number of statements however much there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import HttpRequest

from entities import fieldtypes
from entities.admin.callers import rights_on
from entities.admin.designer.access import may
from entities.admin.icons import icon_of
from entities.admin.sizes import ESTIMATE, live
from entities.models import SchemaJob
from entities.schema.description import EntitySchema, quote
from entities.schema.snapshot import Snapshot

#: Tables with more rows than this are not counted: their estimate is shown, and shown as one.
COUNTED = 5_000
PAGE = 25

_ENTITIES = """
SELECT e.id, e.entity_name AS name, coalesce(e.entity_label, e.entity_name) AS label,
       coalesce(e.node, '') AS node, coalesce(e.short_help_label, '') AS help,
       e.system_flag AS system, e.deleted_at, e.table_name, e.view_entity AS view,
       (SELECT count(*) FROM entities_entityfield f
        WHERE f.entity_id = e.id AND f.deleted_at IS NULL) AS fields,
       coalesce(j.running, 0) AS running, coalesce(j.failed, 0) AS failed
FROM entities_entity e
LEFT JOIN (SELECT entity_id, count(*) FILTER (WHERE status IN ('PENDING', 'BUILDING')) AS running,
                  count(*) FILTER (WHERE status = 'FAILED') AS failed
           FROM entities_schemajob WHERE status IN ('PENDING', 'BUILDING', 'FAILED')
           GROUP BY entity_id) j ON j.entity_id = e.id
ORDER BY e.deleted_at IS NOT NULL, e.system_flag, e.entity_name
"""

_FIELDS = """
SELECT f.*, t.entity_name AS target
FROM entities_entityfield f LEFT JOIN entities_entity t ON t.id = f.referenced_entity_id
WHERE f.entity_id = %s ORDER BY f.deleted_at IS NOT NULL, f.item_position, f.id
"""

_VALUES = """
SELECT id, list_value, active_flag FROM entities_entityfieldvalue
WHERE entity_field_id = %s AND deleted_at IS NULL ORDER BY sort_order, id
"""

_FACTS = """
SELECT
    (SELECT count(*) FROM entities_entityvalidation
     WHERE entity_id = %(id)s AND deleted_at IS NULL) AS validations,
    (SELECT count(*) FROM entities_entitykey
     WHERE entity_id = %(id)s AND deleted_at IS NULL) AS keys,
    (SELECT count(*) FROM entities_entityfieldrole
     WHERE entity_id = %(id)s AND deleted_at IS NULL) AS grants,
    (SELECT count(*) FROM entities_entitylayout
     WHERE entity_id = %(id)s AND deleted_at IS NULL) AS layouts,
    (SELECT count(*) FROM entities_workflowrule
     WHERE entity_id = %(id)s AND deleted_at IS NULL) AS workflows,
    (SELECT count(*) FROM entities_sharinggrouprule
     WHERE entity_id = %(id)s AND deleted_at IS NULL) AS sharing
"""

_PROGRESS = next(c.sql for c in SchemaJob.brm.computed if c.name == "Progress").replace("{t}", "j")
_JOBS = f"""
SELECT j.*, {_PROGRESS} AS progress, u.username
FROM entities_schemajob j LEFT JOIN identity_user u ON u.id = j.user_id
ORDER BY j.status NOT IN ('BUILDING', 'PENDING', 'FAILED'), j.id DESC LIMIT 100
"""

_CHANGES = """
SELECT c.*, u.username FROM entities_schemachange c LEFT JOIN identity_user u ON u.id = c.user_id
WHERE %s::bigint IS NULL OR c.entity_id = %s::bigint
ORDER BY c.id DESC LIMIT %s OFFSET %s
"""

#: Data type -> Material symbol; a type that is not named has the last.
_TYPE_ICONS = {
    "TEXT": "text_fields",
    "LONG_TEXT": "notes",
    "EMAIL": "alternate_email",
    "URL": "link",
    "INTEGER": "tag",
    "ID": "key",
    "DECIMAL": "pin",
    "MONEY": "payments",
    "PERCENT": "percent",
    "DATE": "event",
    "DATETIME": "schedule",
    "FLAG": "check_box",
    "LIST": "list",
    "MULTI_LIST": "checklist",
    "LOOKUP": "arrow_outward",
    "JSON": "data_object",
    "FILE": "attach_file",
    "FORMULA": "function",
}

#: Column of a field's row -> word on its badge.
_BADGES = {
    "required_flag": "required",
    "unique_field": "unique",
    "external_key_flag": "key",
    "searchable_flag": "indexed",
    "immutable_flag": "immutable",
    "set_once_flag": "set once",
    "encrypted_flag": "encrypted",
    "pii_flag": "personal",
    "read_only_flag": "read-only",
}


@dataclass(frozen=True)
class Held:
    """How many records there are; `about` where the database only estimates it."""

    count: int
    about: bool = False

    def __str__(self) -> str:
        return f"{'about ' if self.about else ''}{self.count:,}"


def rows(statement: str, parameters: Any = None) -> list[dict[str, Any]]:
    """The statement's rows as dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def entities(request: HttpRequest, snapshot: Snapshot) -> list[dict[str, Any]]:
    """All entities with what the overview says of them, the deleted ones last."""
    found = rows(_ENTITIES)
    held = held_by(request, snapshot, list(snapshot.entities.values()))
    for row in found:
        schema = snapshot.find(row["name"])
        row["held"] = held.get(row["id"])
        row["icon"] = icon_of(row["name"])
        row["here"] = schema is not None and schema.id == row["id"]
    return found


def _countable(schema: EntitySchema) -> bool:
    """Whether the entity has a table of its own to look into."""
    return bool(schema.table) and any(f.column for f in schema.fields)


def held_by(
    request: HttpRequest, snapshot: Snapshot, schemas: list[EntitySchema]
) -> dict[int, Held]:
    """ENTITY.Id -> records that the user sees: counted where there are few, estimated beyond; one
    statement."""
    parts = []
    limited = set()
    for schema in schemas:
        granted = rights_on(request, snapshot, schema)
        if not (granted.read and _countable(schema)):
            continue
        if granted.condition:
            limited.add(schema.id)
        alive = f"WHERE {live(schema)} {granted.where('r')}"
        parts.append(
            f"SELECT {schema.id}, count(*), "
            f"{ESTIMATE.format(oid=f'to_regclass({_text(quote(schema.table))})::oid')} "
            f"FROM (SELECT 1 FROM {quote(schema.table)} r {alive} LIMIT {COUNTED + 1}) AS few"
        )
    if not parts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return {
            entity: Held(counted if entity in limited else max(counted, rough or 0), about=True)
            if counted > COUNTED
            else Held(counted)
            for entity, counted, rough in cursor.fetchall()
        }


def _text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def entity_row(name: str) -> dict[str, Any] | None:
    """The newest live row of ENTITY called `name`, in any spelling."""
    found = rows(
        "SELECT * FROM entities_entity WHERE replace(lower(entity_name), '_', '') = %s "
        "AND deleted_at IS NULL",
        [name.replace("_", "").lower()],
    )
    return found[0] if found else None


def deleted_entity(entity_id: int) -> dict[str, Any] | None:
    """The row of ENTITY in the recycle bin with this Id."""
    found = rows(
        "SELECT * FROM entities_entity WHERE id = %s AND deleted_at IS NOT NULL", [entity_id]
    )
    return found[0] if found else None


def fields(entity_id: int) -> list[dict[str, Any]]:
    """An entity's fields in order, those in the recycle bin last."""
    found = rows(_FIELDS, [entity_id])
    for row in found:
        kind = fieldtypes.get(row["data_type"])
        row["icon"] = icon_of_type(kind.name)
        row["type"] = kind.label
        row["badges"] = [word for column, word in _BADGES.items() if row[column]]
    return found


def icon_of_type(data_type: str) -> str:
    """The icon of a data type."""
    return _TYPE_ICONS.get(data_type, "category")


def values(field_id: int) -> list[dict[str, Any]]:
    """A list field's values in order."""
    return rows(_VALUES, [field_id])


def facts(entity_id: int) -> Mapping[str, int]:
    """How many rules, keys, grants and layouts the entity has."""
    return rows(_FACTS, {"id": entity_id})[0]


def jobs(request: HttpRequest, snapshot: Snapshot) -> list[dict[str, Any]]:
    """The jobs on the schema: what runs and what failed first, then the newest."""
    return rows(_JOBS) if may(request, snapshot, "read", "SCHEMA_JOB") else []


def changes(
    request: HttpRequest, snapshot: Snapshot, entity_id: int | None, number: int
) -> tuple[list[dict[str, Any]], bool]:
    """A page of the schema's changes, the newest first, and whether there are older ones."""
    if not may(request, snapshot, "read", "SCHEMA_CHANGE"):
        return [], False
    found = rows(_CHANGES, [entity_id, entity_id, PAGE + 1, PAGE * (number - 1)])
    return found[:PAGE], len(found) > PAGE
