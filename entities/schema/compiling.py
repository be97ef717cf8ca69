"""From the rows of one entity and of its fields to what a snapshot says of them."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache, partial
from types import MappingProxyType
from typing import Any, cast

from django.apps import apps as static_apps
from django.db import models

from entities import fieldtypes
from entities.fieldtypes import Refused, default_length
from entities.fieldtypes.lengths import Size, size_of
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
from metabrm.entity import CHANGES, CoreModel

log = logging.getLogger(__name__)

_NO_VALUES: Mapping[str, str] = MappingProxyType({})
_NONE_RETIRED: frozenset[str] = frozenset()

#: What a lookup points to: the entity, and its column; None if it has none of that name.
Target = tuple[str, str | None]


def core_models() -> dict[str, type[CoreModel]]:
    """API name -> static model of every core entity."""
    return {m.brm.name: m for m in static_apps.get_models() if issubclass(m, CoreModel)}


def field_of(
    row: tuple[Any, ...],
    table: str,
    target: Target | None,
    values: Sequence[tuple[str, bool]],
    static: type[CoreModel] | None,
) -> FieldSchema:
    """The field of a row of ENTITY_FIELD; `values` are those of its list, and whether in use."""
    (
        _,
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
        _,
        referenced_column,
        on_delete,
        currency_source,
    ) = row
    expression = _expressions(static).get(name) if static is not None else None
    lookup = None
    try:
        kind = fieldtypes.get(data_type)
        if target is not None:
            lookup = _lookup(target, referenced_column, on_delete)
        if encrypted and column:
            kind = fieldtypes.sealed(kind, table, column)
    except KeyError as unknown:
        # One bad row must not take the whole schema down: what is stored can be read, as text.
        log.error("Field %s (%s) is served as text only: %s is unknown", name, field_id, unknown)
        kind = fieldtypes.get("TEXT")
        expression = f"{{t}}.{quote(column)}::text" if column else "NULL::text"
        column = default_text = data_length = None
    length, digits, places = _size(kind.name, data_length, field_id)
    listed: dict[str, str] = {}
    for value, _ in values:
        listed.setdefault(value.casefold(), value)
    retired = [value for value, active in values if not active]
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
        write_only=static is not None and column in _marked(static, "write_only"),
        supplied=static is not None and column in _marked(static, "supplied"),
        retired=frozenset(retired) if retired else _NONE_RETIRED,
        list_values=MappingProxyType(listed) if listed else _NO_VALUES,
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


def _lookup(target: Target, referenced_column: str | None, on_delete: str | None) -> Lookup:
    entity, column = target
    if column is None:
        raise KeyError(f"{entity}.{referenced_column}")
    return Lookup(entity, column, referenced_column or "Id", on_delete or "")


def entity_of(
    row: tuple[Any, ...],
    fields: tuple[FieldSchema, ...],
    keys: Iterable[str],
    validations: Iterable[Validation],
    arranged: Mapping[str, Layout],
    static: type[CoreModel] | None,
    apps: RuntimeApps,
) -> EntitySchema:
    """The entity of a row of ENTITY, and of what else is told of it."""
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
    called = static.__name__ if static is not None else name
    make_model: Callable[[], type[models.Model]]
    if static is not None and has_static_model(static, fields):
        make_model = partial(_itself, static)
    else:
        make_model = partial(
            apps.made_once,
            table,
            partial(runtime_model, apps, called, table, (label, plural), fields, static),
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
        make_model=make_model,
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
        described_by=_named(static, "described_by", fields)
        or _described_among(name, title, fields),
        listed=tuple(f.name for f in _named(static, "listed", fields)),
        seen_with=_named(static, "seen_with", fields),
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


def has_static_model(static: type[CoreModel] | None, fields: Iterable[FieldSchema]) -> bool:
    """Whether a core entity has no more fields than its model, and so needs no other one."""
    return static is not None and {f.column for f in fields if f.column} <= _columns(static)


def _itself(model: type[models.Model]) -> type[models.Model]:
    return model


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


def _described_among(
    entity: str, title: str, fields: Sequence[FieldSchema]
) -> tuple[FieldSchema, ...]:
    """What tells records without a name apart where nothing says what does: the Id, the title, and
    what the required lookups point to, two at the most; without any, the first lookup."""
    stored = [f for f in fields if f.column is not None]
    by_id = [f for f in stored if f.lookup is not None and not f.lookup.by_key]
    lookups = [f for f in by_id if f.lookup and f.lookup.entity not in (entity, "USER")]
    telling = [f for f in stored if f.type.name == "ID"]
    telling += [f for f in stored if f.name == title]
    telling += [f for f in lookups if f.required][:2] or lookups[:1]
    return tuple(dict.fromkeys(telling))


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


@cache
def _marked(model: type[CoreModel], mark: str) -> frozenset[str]:
    """The physical columns that a core model names in the option `mark`."""
    return frozenset(_column(model, name) for name in getattr(model.brm, mark))


@cache
def _expressions(model: type[CoreModel]) -> Mapping[str, str]:
    """Name of a computed field of a core model -> its SQL."""
    return {c.name: c.sql for c in model.brm.computed}


def _column(model: type[models.Model], name: str) -> str:
    """Physical column of the model field called `name`."""
    return str(cast("models.Field[Any, Any]", model._meta.get_field(name)).column)
