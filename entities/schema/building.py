"""From ENTITY and ENTITY_FIELD rows to a Snapshot.

A change of the schema touches few entities. Those of which every row reads as it did when this
process built its last snapshot are taken over from there: descriptions are immutable, so snapshots
can share them.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection

from entities import fieldtypes
from entities.formulas import FormulaError
from entities.schema import formulating, layouts
from entities.schema.compiling import (
    Target,
    core_models,
    entity_of,
    field_of,
    has_static_model,
)
from entities.schema.description import EntitySchema, FieldSchema, Validation, fold
from entities.schema.layouts import Layout
from entities.schema.runtime import RuntimeApps
from entities.schema.snapshot import Snapshot
from entities.schema.versioning import database_version
from metabrm.collecting import uncollected
from metabrm.entity import CoreModel

log = logging.getLogger(__name__)

_ENTITIES = """
SELECT id, entity_name, coalesce(entity_label, entity_name), coalesce(short_help_label, ''),
       coalesce(node, ''), table_name, system_flag, api_enabled, visible_flag, recycle_bin_flag,
       history_flag, virtual_entity_flag, cascade_delete_flag, sharing_model = 'PRIVATE'
FROM entities_entity
WHERE deleted_at IS NULL AND table_name IS NOT NULL
ORDER BY entity_name
"""

_FIELDS = """
SELECT f.entity_id, f.id, f.field_name, coalesce(f.field_label, f.field_name),
       coalesce(f.help_content_short, ''), f.data_type, f.data_length, f.column_name,
       f.required_flag, f.unique_field, f.external_key_flag, f.searchable_flag, f.read_only_flag,
       f.immutable_flag, f.set_once_flag, f.encrypted_flag, f.system_flag, f.api_accessable_flag,
       f.api_hidden_flag, f.hidden_flag, f.pii_flag, f.default_value,
       coalesce(f.default_formula, ''), coalesce(f.formula_value, ''), f.formula_data_type,
       f.referenced_entity_id, f.referenced_column, f.on_delete, f.currency_source
FROM entities_entityfield f
WHERE f.deleted_at IS NULL AND f.status = 'ACTIVE'
ORDER BY f.entity_id, f.item_position, f.id
"""

_VALUES = """
SELECT entity_field_id, list_value, active_flag FROM entities_entityfieldvalue
WHERE deleted_at IS NULL ORDER BY entity_field_id, NOT active_flag, sort_order, id
"""

_KEYS = """
SELECT entity_id, field_names FROM entities_entitykey
WHERE deleted_at IS NULL ORDER BY entity_id, key_name
"""

_VALIDATIONS = """
SELECT entity_id, id, entity_validation_name, formula_value, error_text
FROM entities_entityvalidation
WHERE deleted_at IS NULL AND active ORDER BY entity_id, valdation_order, id
"""

_LAYOUTS = """
SELECT entity_id, layout_type, layout_name, layout_fields::text FROM entities_entitylayout
WHERE deleted_at IS NULL AND default_flag
"""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """All that is told of one entity: the same rows make the same descriptions."""

    entity: Row
    fields: list[Row]
    #: What each field points to, and the values of its list.
    targets: list[Target | None]
    values: list[list[tuple[str, bool]]]
    keys: list[str]
    validations: list[Row]
    layouts: list[Row]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was made of rows; `schema` where it belongs to no snapshot, as its model is static."""

    rows: _Rows
    fields: tuple[FieldSchema, ...]
    schema: EntitySchema | None


#: Entity -> what this process's last build made of it.
_kept: Mapping[int, _Kept] = {}


def forget() -> None:
    """Have the next snapshot built from the ground up."""
    global _kept
    _kept = {}


@uncollected()
def build() -> Snapshot:
    """Read the metadata and compile it. A few statements, whatever the number of entities."""
    global _kept
    before = _kept
    version, told = _read()
    core = core_models()
    apps = RuntimeApps()
    entities: list[EntitySchema] = []
    kept: dict[int, _Kept] = {}
    for rows in told:
        entity_id, name, *_ = rows.entity
        static = core.get(name)
        same = before.get(entity_id)
        if same is not None and same.rows != rows:
            same = None
        if same is not None and same.schema is not None:
            kept[entity_id] = same
            entities.append(same.schema)
            continue
        fields = same.fields if same is not None else _fields(rows, static)
        schema = _entity(rows, fields, static, apps)
        entities.append(schema)
        if not any(map(_depends, fields)):
            shared = schema if has_static_model(static, fields) else None
            kept[entity_id] = _Kept(rows, fields, shared)
    _kept = kept
    snapshot = Snapshot(version, entities, apps)
    _compute(snapshot)
    return snapshot


def _depends(field: FieldSchema) -> bool:
    """Whether a field is not made of its rows alone: of other fields, or of the keys at hand."""
    return field.type.name == "FORMULA" or field.encrypted


def _fields(rows: _Rows, static: type[CoreModel] | None) -> tuple[FieldSchema, ...]:
    table = rows.entity[5]
    return tuple(
        field_of(row, table, target, values, static)
        for row, target, values in zip(rows.fields, rows.targets, rows.values, strict=True)
    )


def _entity(
    rows: _Rows,
    fields: tuple[FieldSchema, ...],
    static: type[CoreModel] | None,
    apps: RuntimeApps,
) -> EntitySchema:
    validations = [Validation(*row) for _, *row in rows.validations]
    return entity_of(
        rows.entity, fields, rows.keys, validations, _layouts(rows.layouts), static, apps
    )


def _read() -> tuple[int, list[_Rows]]:
    """The version, and what is told of each entity."""
    statements = (_ENTITIES, _FIELDS, _VALUES, _KEYS, _VALIDATIONS, _LAYOUTS)
    with connection.cursor() as cursor:
        # One statement per table must still see one moment: the version is read first and last.
        while True:
            version = database_version()
            entities, *others = [_all(cursor, statement) for statement in statements]
            if database_version() == version:
                break
    fields, values, keys, validations, layouts = map(_by_first, others)
    names = {row[0]: row[1] for row in entities}

    @cache
    def columns(entity_id: int) -> Mapping[str, str]:
        """Name of an entity's field -> its column."""
        return {fold(row[2]): row[7] for row in fields[entity_id] if row[7] is not None}

    def target(row: Row) -> Target | None:
        entity_id, named = row[25], row[26]
        if entity_id not in names:
            return None
        by_id = not named or named == "Id"
        return names[entity_id], "id" if by_id else columns(entity_id).get(fold(named))

    return version, [
        _Rows(
            row,
            own := fields[row[0]],
            [target(field) for field in own],
            [[(value, active) for _, value, active in values.get(f[1], ())] for f in own],
            [names_ for _, names_ in keys[row[0]]],
            validations[row[0]],
            layouts[row[0]],
        )
        for row in entities
    ]


def _all(cursor: Any, statement: str) -> list[Row]:
    cursor.execute(statement)
    rows: list[Row] = cursor.fetchall()
    return rows


def _by_first(rows: list[Row]) -> defaultdict[int, list[Row]]:
    """The rows by the number that each begins with."""
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _layouts(rows: list[Row]) -> dict[str, Layout]:
    """Kind of page -> the layout that an entity's pages use."""
    found: dict[str, Layout] = {}
    for entity_id, kind, name, document in rows:
        try:
            found[kind] = layouts.read(json.loads(document))
        except ValueError as error:
            # Pages without a layout are better than no pages.
            log.error("The layout %s of entity %s is ignored: it %s", name, entity_id, error)
    return found


def _compute(snapshot: Snapshot) -> None:
    """Compile the formula fields, now that all fields are known that they may refer to."""
    for schema in snapshot.entities.values():
        for field in schema.fields:
            if field.type.name != "FORMULA":
                continue
            try:
                formulating.complete(snapshot, schema, field)
            except FormulaError as error:
                # A formula that no longer holds must not take the whole schema down.
                log.error("%s.%s reads as empty: %s", schema.name, field.name, error.told())
                object.__setattr__(field, "type", fieldtypes.get("TEXT"))
                object.__setattr__(field, "expression", "NULL::text")
