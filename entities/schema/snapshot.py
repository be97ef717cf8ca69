"""Everything known about one version of the schema, compiled and immutable.

A Snapshot is built whole from ENTITY and ENTITY_FIELD rows and swapped in by one assignment, so a
request finishes on the schema it began with. `current(version)` gives the process's snapshot and
rebuilds it, once, when the database's version has moved.

Names resolve without regard to case or underscores: `/rest/2.0/billing_profile`, `BillingProfile`
and `BILLING_PROFILE` are one entity, `LOWER_BAND` and `LowerBand` one field.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

from django.apps import apps as static_apps
from django.db import connection, models

from entities import fieldtypes
from entities.errors import Code, RequestError, nearest
from entities.fieldtypes import FieldType, Refused
from entities.schema.runtime import RuntimeApps, runtime_model
from metabrm.entity import CoreModel

log = logging.getLogger(__name__)


def fold(name: str) -> str:
    """The form under which names are compared."""
    return name.replace("_", "").casefold()


def quote(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where a lookup field points: to the Id of `entity`, or to its key column `column`.

    `on_delete` is RESTRICT, CASCADE, SET_NULL, or "" where deleting the target concerns nobody.
    """

    entity: str
    column: str
    column_label: str
    on_delete: str

    @property
    def by_key(self) -> bool:
        return self.column != "id"


@dataclass(frozen=True, slots=True, eq=False)
class FieldSchema:
    """One field of an entity as every part of the house sees it.

    column        physical column, None for a computed field
    expression    SQL of a computed field over the alias `{t}`, else None
    length        most characters of a text, None without limit
    digits, places, bound   of a number: digits in all, after the point, 10**(digits - places)
    default       Python value a new record gets when none is sent, or None
    list_values   folded spelling -> the list's own, in order
    column_type   msgspec annotation for a whole column of wire values
    """

    id: int
    name: str
    label: str
    help: str
    type: FieldType
    column: str | None
    expression: str | None
    length: int | None
    digits: int | None
    places: int
    bound: Decimal
    required: bool
    unique: bool
    external_key: bool
    searchable: bool
    read_only: bool
    set_once: bool
    api_accessible: bool
    api_hidden: bool
    hidden: bool
    pii: bool
    default: Any
    list_values: Mapping[str, str]
    lookup: Lookup | None
    currency_source: str | None
    column_type: Any = None

    def sql(self, alias: str) -> str:
        """The field's native value in a statement where the record is `alias`."""
        if self.column is not None:
            return f"{alias}.{quote(self.column)}"
        assert self.expression is not None
        return self.expression.replace("{t}", alias)

    def wire_sql(self, alias: str) -> str:
        """The field's wire form (text, or something whose JSON is right) over `alias`."""
        return self.type.wire_sql(self.sql(alias))


@dataclass(frozen=True, eq=False)
class EntitySchema:
    """One entity: its table, its fields in order, its keys."""

    id: int
    name: str
    label: str
    label_plural: str
    help: str
    node: str
    table: str
    title: str
    fields: tuple[FieldSchema, ...]
    model: type[models.Model]
    system: bool
    writable: bool
    api_enabled: bool
    visible: bool
    recycle_bin: bool
    history: bool
    authored: bool
    #: Unique keys among live records: names of fields together.
    unique_keys: tuple[tuple[str, ...], ...]
    #: Name of a database constraint -> what to tell whoever violates it.
    constraint_messages: Mapping[str, str] = field(default_factory=dict)
    #: Folded name of what may never be kept -> what to send instead.
    refused: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _by_name(self) -> Mapping[str, FieldSchema]:
        return {fold(f.name): f for f in self.fields}

    @cached_property
    def by_column(self) -> Mapping[str, FieldSchema]:
        return {f.column: f for f in self.fields if f.column}

    def find(self, name: str) -> FieldSchema | None:
        """The field called `name` in any spelling, or None."""
        return self._by_name.get(fold(name))

    def field(self, name: str) -> FieldSchema:
        """The field called `name`; RequestError UNKNOWN_FIELD naming the nearest known one."""
        found = self.find(name)
        if found is None:
            known = [f.name for f in self.fields]
            raise RequestError(
                Code.UNKNOWN_FIELD,
                f"{self.name} has no field {name!r}.{nearest(name, known)}",
                field=name,
            )
        return found

    def relation(self, name: str) -> FieldSchema | None:
        """The lookup field behind `AccountObj` or `AccountIdObj`, or None."""
        folded = fold(name)
        if not folded.endswith("obj"):
            return None
        stem = folded[:-3]
        for candidate in (stem, stem + "id"):
            found = self._by_name.get(candidate)
            if found is not None and found.lookup is not None:
                return found
        return None

    @cached_property
    def lookups(self) -> tuple[FieldSchema, ...]:
        return tuple(f for f in self.fields if f.lookup is not None)

    @cached_property
    def external_keys(self) -> tuple[FieldSchema, ...]:
        return tuple(f for f in self.fields if f.external_key)


class Snapshot:
    """One version of the schema: entities by name, the reverse of every lookup, run-time models."""

    def __init__(self, version: int, entities: Iterable[EntitySchema], apps: RuntimeApps) -> None:
        self.version = version
        self.apps = apps
        self.entities: Mapping[str, EntitySchema] = MappingProxyType(
            {fold(e.name): e for e in entities}
        )
        references: dict[str, list[tuple[EntitySchema, FieldSchema]]] = defaultdict(list)
        for entity in self.entities.values():
            for lookup_field in entity.lookups:
                assert lookup_field.lookup is not None
                references[fold(lookup_field.lookup.entity)].append((entity, lookup_field))
        self._references = {name: tuple(found) for name, found in references.items()}

    def find(self, name: str) -> EntitySchema | None:
        """The entity called `name` in any spelling, or None."""
        return self.entities.get(fold(name))

    def entity(self, name: str) -> EntitySchema:
        """The entity called `name`; RequestError UNKNOWN_ENTITY naming the nearest known one."""
        found = self.find(name)
        if found is None:
            known = [e.name for e in self.entities.values()]
            raise RequestError(
                Code.UNKNOWN_ENTITY, f"There is no entity {name!r}.{nearest(name, known)}"
            )
        return found

    def target(self, lookup_field: FieldSchema) -> EntitySchema:
        """The entity that a lookup field points to."""
        assert lookup_field.lookup is not None
        return self.entities[fold(lookup_field.lookup.entity)]

    def references(self, entity: EntitySchema) -> tuple[tuple[EntitySchema, FieldSchema], ...]:
        """Every (entity, lookup field) that points to `entity`."""
        return self._references.get(fold(entity.name), ())


_current: Snapshot | None = None
_building = threading.Lock()


def database_version() -> int:
    """The version of the schema as the database has it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM entities_schemaversion WHERE id = 1")
        row = cursor.fetchone()
    return row[0] if row else 0


def current(version: int | None = None) -> Snapshot:
    """The snapshot of `version` (asked of the database when not given), built once per process."""
    global _current
    if version is None:
        version = database_version()
    snapshot = _current
    if snapshot is not None and snapshot.version == version:
        return snapshot
    with _building:
        if _current is None or _current.version != version:
            _current = build()
        return _current


def latest() -> Snapshot:
    """The process's snapshot without asking the database whether it is still the newest.

    For callers that compare its version themselves, as every write does behind the gate.
    """
    return _current or current()


def forget() -> None:
    """Drop the process's snapshot (tests that swap databases)."""
    global _current
    _current = None


_ENTITIES = """
SELECT id, entity_name, coalesce(entity_label, entity_name), coalesce(short_help_label, ''),
       coalesce(node, ''), table_name, system_flag, api_enabled, visible_flag, recycle_bin_flag,
       history_flag, virtual_entity_flag
FROM entities_entity
WHERE deleted_at IS NULL AND table_name IS NOT NULL
ORDER BY entity_name
"""

_FIELDS = """
SELECT f.entity_id, f.id, f.field_name, coalesce(f.field_label, f.field_name),
       coalesce(f.help_content_short, ''), f.data_type, f.data_length, f.column_name,
       f.required_flag, f.unique_field, f.external_key_flag, f.searchable_flag, f.read_only_flag,
       f.set_once_flag, f.api_accessable_flag, f.api_hidden_flag, f.hidden_flag, f.pii_flag,
       f.default_value, t.entity_name, f.referenced_column, f.on_delete, f.currency_source
FROM entities_entityfield f
LEFT JOIN entities_entity t ON t.id = f.referenced_entity_id AND t.deleted_at IS NULL
WHERE f.deleted_at IS NULL AND f.status = 'ACTIVE'
ORDER BY f.entity_id, f.item_position, f.id
"""

_VALUES = """
SELECT entity_field_id, list_value FROM entities_entityfieldvalue
WHERE deleted_at IS NULL ORDER BY entity_field_id, sort_order, id
"""


def core_models() -> dict[str, type[CoreModel]]:
    """API name -> static model of every core entity."""
    return {m.brm.name: m for m in static_apps.get_models() if issubclass(m, CoreModel)}


def build() -> Snapshot:
    """Read the metadata and compile it. Four statements, whatever the number of entities."""
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
            if database_version() == version:
                break

    values: dict[int, dict[str, str]] = defaultdict(dict)
    for field_id, value in value_rows:
        values[field_id][value.casefold()] = value

    core = core_models()
    expressions = {
        name: {c.name: c.sql for c in model.brm.computed} for name, model in core.items()
    }
    names = {row[0]: row[1] for row in entity_rows}
    fields: dict[int, list[FieldSchema]] = defaultdict(list)
    for entity_id, *row in field_rows:
        if entity_id in names:
            computed = expressions.get(names[entity_id], {})
            fields[entity_id].append(_field(row, values, computed, core))

    apps = RuntimeApps()
    entities = [_entity(row, tuple(fields[row[0]]), core, apps) for row in entity_rows]
    apps.seal()
    return Snapshot(version, entities, apps)


def _field(
    row: list[Any],
    values: Mapping[int, dict[str, str]],
    computed: Mapping[str, str],
    core: Mapping[str, type[CoreModel]],
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
        set_once,
        api_accessible,
        api_hidden,
        hidden,
        pii,
        default_text,
        target,
        referenced_column,
        on_delete,
        currency_source,
    ) = row
    kind = fieldtypes.get(data_type)
    length, digits, places = _size(kind, data_length)
    schema = FieldSchema(
        id=field_id,
        name=name,
        label=label,
        help=help_text,
        type=kind,
        column=column,
        expression=computed.get(name),
        length=length,
        digits=digits,
        places=places,
        bound=Decimal(10) ** ((digits or 0) - places),
        required=required,
        unique=unique,
        external_key=external_key,
        searchable=searchable,
        read_only=read_only or column is None,
        set_once=set_once,
        api_accessible=api_accessible,
        api_hidden=api_hidden,
        hidden=hidden,
        pii=pii,
        default=None,
        list_values=MappingProxyType(values.get(field_id, {})),
        lookup=_lookup(target, referenced_column, on_delete, core) if target else None,
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


def _size(kind: FieldType, data_length: str | None) -> tuple[int | None, int | None, int]:
    """DataLength -> (characters, digits, places)."""
    if not data_length:
        return None, None, 0
    first, _, second = data_length.partition(",")
    if kind.pg_type in ("numeric", "bigint"):
        return None, int(first), int(second or 0)
    return int(first), None, 0


def _lookup(
    target: str,
    referenced_column: str | None,
    on_delete: str | None,
    core: Mapping[str, type[CoreModel]],
) -> Lookup:
    column = "id"
    if referenced_column and referenced_column != "Id":
        from entities.schema.naming import core_columns

        column = core_columns(core[target])[referenced_column]
    return Lookup(target, column, referenced_column or "Id", on_delete or "")


def _entity(
    row: tuple[Any, ...],
    fields: tuple[FieldSchema, ...],
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
    ) = row
    static = core.get(name)
    model: type[models.Model] = static or runtime_model(apps, table, label, fields)
    by_column = {f.column: f.name for f in fields}
    unique_keys: list[tuple[str, ...]] = [(f.name,) for f in fields if f.unique]
    messages = {
        f"{table}_{f.column}_check": f"{by_column[f.column]} is 0 or more"
        for f in model._meta.fields
        if isinstance(f, models.PositiveIntegerField) and f.column in by_column
    }
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            columns = [_column(model, name) for name in constraint.fields]
            key = tuple(by_column[c] for c in columns if c in by_column)
            if len(key) == len(columns) and key not in unique_keys:
                unique_keys.append(key)
        elif isinstance(constraint, models.CheckConstraint):
            messages[constraint.name] = str(constraint.violation_error_message or "")
    options = static.brm if static is not None else None
    title = by_column.get(_column(model, options.title)) if options else None
    return EntitySchema(
        id=entity_id,
        name=name,
        label=label,
        label_plural=str(model._meta.verbose_name_plural),
        help=help_text,
        node=node,
        table=table,
        title=title or "Id",
        fields=fields,
        model=model,
        system=system,
        writable=not virtual and (options.writable if options else True),
        api_enabled=api_enabled,
        visible=visible,
        recycle_bin=recycle_bin,
        history=history,
        authored=any(f.name == "deleted_at" for f in model._meta.fields) or static is None,
        unique_keys=tuple(unique_keys),
        constraint_messages=MappingProxyType(messages),
        refused={fold(n): text for n, text in (options.refused if options else {}).items()},
    )


def _column(model: type[models.Model], name: str) -> str:
    """Physical column of the model field called `name`."""
    return str(cast("models.Field[Any, Any]", model._meta.get_field(name)).column)
