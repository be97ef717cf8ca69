"""From ENTITY and ENTITY_FIELD rows to a Snapshot."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from django.apps import apps as static_apps
from django.db import connection, models

from entities import fieldtypes
from entities.fieldtypes import Refused, default_length
from entities.fieldtypes.lengths import Size, size_of
from entities.formulas import FormulaError
from entities.schema import formulating, layouts
from entities.schema.description import (
    EntitySchema,
    FieldSchema,
    Lookup,
    Validation,
    fold,
    quote,
)
from entities.schema.layouts import Layout
from entities.schema.naming import plural_of
from entities.schema.runtime import RuntimeApps, runtime_model
from entities.schema.snapshot import Snapshot
from entities.schema.versioning import database_version
from metabrm.collecting import uncollected
from metabrm.entity import CHANGES, CoreModel

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

_NO_VALUES: Mapping[str, str] = MappingProxyType({})
_NONE_RETIRED: frozenset[str] = frozenset()


def core_models() -> dict[str, type[CoreModel]]:
    """API name -> static model of every core entity."""
    return {m.brm.name: m for m in static_apps.get_models() if issubclass(m, CoreModel)}


@uncollected()
def build() -> Snapshot:
    """Read the metadata and compile it. A few statements, whatever the number of entities."""
    with connection.cursor() as cursor:
        # One statement per table must still see one moment: the version is read first and last.
        while True:
            version = database_version()
            cursor.execute(_ENTITIES)
            entity_rows = cursor.fetchall()
            cursor.execute(_FIELDS)
            field_rows = cursor.fetchall()
            cursor.execute(_VALUES)
            value_rows = cursor.fetchall()
            cursor.execute(_KEYS)
            key_rows = cursor.fetchall()
            cursor.execute(_VALIDATIONS)
            validation_rows = cursor.fetchall()
            cursor.execute(_LAYOUTS)
            layout_rows = cursor.fetchall()
            if database_version() == version:
                break

    values: dict[int, dict[str, str]] = defaultdict(dict)
    retired: dict[int, list[str]] = defaultdict(list)
    for field_id, value, active in value_rows:
        values[field_id].setdefault(value.casefold(), value)
        if not active:
            retired[field_id].append(value)

    core = core_models()
    expressions = {
        name: {c.name: c.sql for c in model.brm.computed} for name, model in core.items()
    }
    names = {row[0]: row[1] for row in entity_rows}
    tables = {row[0]: row[5] for row in entity_rows}
    write_only = _marked(core, "write_only")
    supplied = _marked(core, "supplied")
    columns = {
        (names[entity_id], fold(row[1])): row[6]
        for entity_id, *row in field_rows
        if entity_id in names and row[6] is not None
    }
    fields: dict[int, list[FieldSchema]] = defaultdict(list)
    for entity_id, *row in field_rows:
        if entity_id in names:
            computed = expressions.get(names[entity_id], {})
            made = _field(row, tables[entity_id], names, values, retired, computed, columns)
            place = (names[entity_id], made.column)
            if place in write_only or place in supplied:
                made = replace(made, write_only=place in write_only, supplied=place in supplied)
            fields[entity_id].append(made)

    keys: dict[int, list[str]] = defaultdict(list)
    for entity_id, field_names in key_rows:
        keys[entity_id].append(field_names)
    validations: dict[int, list[Validation]] = defaultdict(list)
    for entity_id, *row in validation_rows:
        validations[entity_id].append(Validation(*row))
    arranged = _layouts(layout_rows)

    apps = RuntimeApps()
    entities = [
        _entity(
            row,
            tuple(fields[row[0]]),
            keys[row[0]],
            validations[row[0]],
            arranged[row[0]],
            core,
            apps,
        )
        for row in entity_rows
    ]
    snapshot = Snapshot(version, entities, apps)
    _compute(snapshot)
    return snapshot


def _layouts(rows: Iterable[tuple[int, str, str, str]]) -> dict[int, dict[str, Layout]]:
    """Entity -> kind of page -> the layout that its pages use."""
    found: dict[int, dict[str, Layout]] = defaultdict(dict)
    for entity_id, kind, name, document in rows:
        try:
            found[entity_id][kind] = layouts.read(json.loads(document))
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


def _field(
    row: list[Any],
    table: str,
    names: Mapping[int, str],
    values: Mapping[int, dict[str, str]],
    retired: Mapping[int, list[str]],
    computed: Mapping[str, str],
    columns: Mapping[tuple[str, str], str],
) -> FieldSchema:
    (
        field_id,
        name,
        label,
        help_text,
        data_type,
        data_length,
        column,
        required,
        unique,
        external_key,
        searchable,
        read_only,
        immutable,
        set_once,
        encrypted,
        system,
        api_accessible,
        api_hidden,
        hidden,
        pii,
        default_text,
        default_formula,
        formula,
        formula_data_type,
        target_id,
        referenced_column,
        on_delete,
        currency_source,
    ) = row
    expression = computed.get(name)
    lookup = None
    try:
        kind = fieldtypes.get(data_type)
        if target_id in names:
            lookup = _lookup(names[target_id], referenced_column, on_delete, columns)
        if encrypted and column:
            kind = fieldtypes.sealed(kind, table, column)
    except KeyError as unknown:
        # One bad row must not take the whole schema down: what is stored can be read, as text.
        log.error("Field %s (%s) is served as text only: %s is unknown", name, field_id, unknown)
        kind = fieldtypes.get("TEXT")
        expression = f"{{t}}.{quote(column)}::text" if column else "NULL::text"
        column = default_text = data_length = None
    length, digits, places = _size(kind.name, data_length, field_id)
    schema = FieldSchema(
        id=field_id,
        name=name,
        label=label,
        help=help_text,
        type=kind,
        column=column,
        expression=expression,
        length=length,
        digits=digits,
        places=places,
        bound=Decimal(10) ** ((digits or 0) - places),
        required=required,
        unique=unique,
        external_key=external_key,
        searchable=searchable,
        read_only=read_only or column is None,
        immutable=immutable,
        set_once=set_once,
        encrypted=encrypted,
        system=system,
        api_accessible=api_accessible,
        api_hidden=api_hidden,
        hidden=hidden,
        pii=pii,
        default=None,
        default_formula=default_formula,
        formula=formula,
        formula_type=formula_data_type or "",
        retired=frozenset(retired[field_id]) if field_id in retired else _NONE_RETIRED,
        list_values=MappingProxyType(values[field_id]) if field_id in values else _NO_VALUES,
        lookup=lookup,
        currency_source=currency_source,
    )
    if column is not None:
        object.__setattr__(schema, "column_type", list[kind.msgspec_type(schema) | None])  # type: ignore[misc]
    if default_text is not None:
        try:
            object.__setattr__(schema, "default", kind.decode_one(default_text, schema))
        except Refused as refusal:
            # A bad default must not take the whole schema down; the field just has none.
            log.error("DefaultValue of %s (field %s) is ignored: %s", name, field_id, refusal)
    return schema


def _size(data_type: str, data_length: str | None, field_id: int) -> Size:
    """DataLength -> (characters, digits, places); the type's own where it says nothing sensible."""
    try:
        return size_of(data_type, data_length)
    except ValueError as error:
        log.error("Field %s has the length of any %s: %s", field_id, data_type, error)
        return size_of(data_type, default_length(data_type))


def _lookup(
    target: str,
    referenced_column: str | None,
    on_delete: str | None,
    columns: Mapping[tuple[str, str], str],
) -> Lookup:
    column = "id"
    if referenced_column and referenced_column != "Id":
        column = columns[target, fold(referenced_column)]
    return Lookup(target, column, referenced_column or "Id", on_delete or "")


def _entity(
    row: tuple[Any, ...],
    fields: tuple[FieldSchema, ...],
    keys: Iterable[str],
    validations: Iterable[Validation],
    arranged: Mapping[str, Layout],
    core: Mapping[str, type[CoreModel]],
    apps: RuntimeApps,
) -> EntitySchema:
    (
        entity_id,
        name,
        label,
        help_text,
        node,
        table,
        system,
        api_enabled,
        visible,
        recycle_bin,
        history,
        virtual,
        cascades,
        private,
    ) = row
    static = core.get(name)
    by_column = {f.column: f.name for f in fields if f.column is not None}
    unique_keys: list[tuple[str, ...]] = [(f.name,) for f in fields if f.unique]
    messages: dict[str, str] = {}
    if static is not None:
        unique_keys += _static_keys(static, by_column)
        messages = _constraint_messages(static, table, by_column)
    unique_keys += _composite_keys(name, keys, fields)
    options = static.brm if static is not None else None
    if options is not None:
        title = by_column.get(_column(cast("type[models.Model]", static), options.title), "Id")
    else:
        title = title_among(fields)
    plural = _plural(label, static)

    def model() -> type[models.Model]:
        if static is not None and by_column.keys() <= _columns(static):
            return static
        called = static.__name__ if static is not None else name
        return apps.made_once(
            table, lambda: runtime_model(apps, called, table, (label, plural), fields, static)
        )

    return EntitySchema(
        id=entity_id,
        name=name,
        label=label,
        label_plural=plural,
        help=help_text,
        node=node,
        table=table,
        title=title,
        fields=fields,
        make_model=model,
        system=system,
        writable=not virtual and (options.writable if options else True),
        deletable=options.deletable if options else True,
        api_enabled=api_enabled,
        visible=visible,
        recycle_bin=recycle_bin,
        history=history,
        cascades=cascades,
        authored=static is None or "deleted_at" in _columns(static),
        unique_keys=tuple(dict.fromkeys(unique_keys)),
        private=private,
        listed=tuple(f.name for f in _named(static, "listed", fields)),
        seen_with=_named(static, "seen_with", fields),
        reckoned_by=options.reckoned_by if options else "",
        inputs=_named(static, "inputs", fields),
        personal=bool(options and options.personal),
        partitioned_by=next(iter(_named(static, "partitioned_by", fields)), None),
        records_creation=options is None or options.history != CHANGES,
        constraint_messages=MappingProxyType(messages),
        refused={fold(n): text for n, text in (options.refused if options else {}).items()},
        example=options.example if options else {},
        validations=tuple(validations),
        layouts=MappingProxyType(arranged),
    )


def _named(
    static: type[CoreModel] | None, option: str, fields: Iterable[FieldSchema]
) -> tuple[FieldSchema, ...]:
    """The fields whose Python names an option of a core model gives, in its order."""
    given: tuple[str, ...] | str = getattr(static.brm, option) if static is not None else ()
    names = (given,) if isinstance(given, str) and given else given
    by_column = {field.column: field for field in fields}
    columns = [_column(cast("type[models.Model]", static), name) for name in names]
    return tuple(by_column[column] for column in columns if column in by_column)


def title_among(fields: Iterable[FieldSchema]) -> str:
    """Name of the field that people know records of a custom entity by.

    That is the field called Name, else the first external key, the first required text, the first
    text, and the Id where there is none of these. A field that is encrypted at rest is none of
    them: lists are sorted and searched by titles, and names stand on many pages.
    """
    stored = [f for f in fields if f.column is not None and f.type.name != "ID" and not f.encrypted]
    texts = [f for f in stored if f.type.name == "TEXT"]
    candidates = [f for f in stored if fold(f.name) == "name"]
    candidates += [f for f in stored if f.external_key]
    candidates += [f for f in texts if f.required]
    candidates += texts
    return candidates[0].name if candidates else "Id"


def _plural(label: str, static: type[CoreModel] | None) -> str:
    """What several records are called; the model knows best, unless people renamed the entity."""
    if static is not None and label.casefold() == str(static._meta.verbose_name).casefold():
        return str(static._meta.verbose_name_plural)
    return plural_of(label)


def _static_keys(model: type[CoreModel], by_column: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The unique keys that a core model declares, in names of fields."""
    keys = []
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            columns = [_column(model, name) for name in constraint.fields]
            if by_column.keys() >= set(columns):
                keys.append(tuple(by_column[c] for c in columns))
    return keys


def _constraint_messages(
    model: type[CoreModel], table: str, by_column: Mapping[str, str]
) -> dict[str, str]:
    """Name of a core model's check -> what to tell whoever violates it."""
    messages = {
        f"{table}_{f.column}_check": f"{by_column[str(f.column)]} is 0 or more"
        for f in model._meta.fields
        if isinstance(f, models.PositiveIntegerField) and f.column in by_column
    }
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            messages[constraint.name] = str(constraint.violation_error_message or "")
    return messages


def _composite_keys(
    entity: str, keys: Iterable[str], fields: Iterable[FieldSchema]
) -> list[tuple[str, ...]]:
    """The keys that people gave an entity; one that names a field in vain is none."""
    names = {fold(f.name): f.name for f in fields if f.column is not None}
    found = []
    for text in keys:
        parts = [fold(part.strip()) for part in text.split(",")]
        if names.keys() >= set(parts):
            found.append(tuple(names[part] for part in parts))
        else:
            log.error("The unique key %r of %s is ignored: a field is missing", text, entity)
    return found


@cache
def _columns(model: type[CoreModel]) -> frozenset[str]:
    """The physical columns that a core model knows."""
    return frozenset(str(f.column) for f in model._meta.concrete_fields)


def _marked(core: Mapping[str, type[CoreModel]], mark: str) -> frozenset[tuple[str, str]]:
    """The columns that core models name in the option `mark`: (entity, column)."""
    return frozenset(
        (name, _column(model, python_name))
        for name, model in core.items()
        for python_name in getattr(model.brm, mark)
    )


def _column(model: type[models.Model], name: str) -> str:
    """Physical column of the model field called `name`."""
    return str(cast("models.Field[Any, Any]", model._meta.get_field(name)).column)
