"""Core models -> ENTITY, ENTITY_FIELD and ENTITY_FIELD_VALUES rows, after every migrate.

What follows from code (column, type, length, rules, where a lookup points) is written each time;
what people may change (labels, help, order, visibility) only when the row is new. Running it again
changes nothing and says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.db.models import NOT_PROVIDED

from entities.history import triggers
from entities.models import (
    Entity,
    EntityField,
    EntityFieldRole,
    EntityFieldValue,
    EntityValidation,
)
from entities.schema import gate
from entities.schema.compiling import core_models
from entities.schema.naming import AUTHORSHIP, UNNAMED, field_api_name
from metabrm import clock
from metabrm.entity import CHANGES, Computed, CoreModel, EntityModel, EntityOptions
from metabrm.fields import EncryptedField, FlagField, ListField, MoneyField, PercentField
from metabrm.identity.context import Context

_DATA_TYPES: tuple[tuple[type[models.Field], str], ...] = (
    (models.ForeignKey, "LOOKUP"),
    (models.AutoField, "ID"),
    (models.BigAutoField, "ID"),
    (FlagField, "FLAG"),
    (models.BooleanField, "FLAG"),
    (ListField, "LIST"),
    (models.EmailField, "EMAIL"),
    (models.URLField, "URL"),
    (models.FileField, "FILE"),
    (models.CharField, "TEXT"),
    (EncryptedField, "TEXT"),
    (models.TextField, "LONG_TEXT"),
    (MoneyField, "MONEY"),
    (PercentField, "PERCENT"),
    (models.DecimalField, "DECIMAL"),
    (models.IntegerField, "INTEGER"),
    (models.DateTimeField, "DATETIME"),
    (models.DateField, "DATE"),
    (models.JSONField, "JSON"),
    (ArrayField, "MULTI_LIST"),
)

_ON_DELETE: dict[Any, str] = {
    models.PROTECT: "RESTRICT",
    models.RESTRICT: "RESTRICT",
    models.CASCADE: "CASCADE",
    models.SET_NULL: "SET_NULL",
}


#: Between the places of fields, and of values of a list, so that others fit in.
STEP = 10


@dataclass
class Report:
    """What a sync changed, in API names."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [
            f"{len(names)} {verb} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
            for verb, names in (
                ("added", self.added),
                ("changed", self.changed),
                ("removed", self.removed),
            )
            if names
        ]
        return "; ".join(parts) or "nothing to change"


def sync() -> Report:
    """Bring the metadata of all core entities in line with their models, in one transaction."""
    report = Report()
    with transaction.atomic():
        _ensure_version()
        gate.enter(Context.system("metadata sync"))
        entities = _sync_entities(report)
        fields = _sync_fields(entities, report)
        _sync_values(fields, report)
        for model in core_models().values():
            if issubclass(model, EntityModel):
                entity = entities[model.brm.name]
                triggers.ensure(
                    entity.table_name or "",
                    entity.pk,
                    enabled=entity.history_flag,
                    unaudited=model.brm.unaudited,
                    creations=model.brm.history != CHANGES,
                )
    return report


def _ensure_version() -> None:
    # The first version is a moment, so that no two databases of one process share a version.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO entities_schemaversion (id, version) "
            "VALUES (1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) "
            "ON CONFLICT DO NOTHING"
        )
        cursor.execute(
            "SELECT setval('metabrm_schema_versions', version) FROM entities_schemaversion, "
            "metabrm_schema_versions WHERE version > last_value"
        )


def _sync_entities(report: Report) -> dict[str, Entity]:
    now = clock.now()
    existing = {e.entity_name: e for e in Entity.objects.filter(deleted_at=None, system_flag=True)}
    for name, model in core_models().items():
        owned, initial = entity_declaration(model)
        entity = existing.get(name)
        if entity is None:
            entity = Entity.objects.create(
                entity_name=name,
                system_flag=True,
                created=now,
                updated=now,
                **owned,
                **initial,
            )
            existing[name] = entity
            report.added.append(name)
        elif _differs(entity, owned):
            entity.updated = now
            entity.save()
            report.changed.append(name)
    for name in existing.keys() - core_models().keys():
        entity = existing.pop(name)
        entity.deleted_at = now
        entity.save()
        for model in (EntityFieldRole, EntityValidation):
            model._base_manager.filter(entity=entity, deleted_at=None).update(deleted_at=now)
        report.removed.append(name)
    return existing


def _sync_fields(entities: dict[str, Entity], report: Report) -> dict[str, EntityField]:
    now = clock.now()
    living = {e.pk for e in entities.values()}
    # With what lookups point to, which is compared: asked for one by one it is half of the work.
    fields = EntityField.objects.select_related("referenced_entity")
    rows = list(fields.filter(deleted_at=None, system_flag=True))
    by_key = {f.external_key: f for f in rows if f.entity_id in living}
    new: list[EntityField] = []
    changed: list[EntityField] = []
    declared: set[str] = set()
    for name, model in core_models().items():
        for position, (owned, initial) in enumerate(declarations(model, entities)):
            key = f"{name}.{owned['field_name']}"
            declared.add(key)
            row = by_key.get(key)
            if row is None:
                row = EntityField(
                    entity=entities[name],
                    external_key=key,
                    system_flag=True,
                    item_position=(position + 1) * STEP,
                    created=now,
                    updated=now,
                    **owned,
                    **initial,
                )
                by_key[key] = row
                new.append(row)
            elif _differs(row, owned):
                row.updated = now
                changed.append(row)
    gone = [by_key.pop(key) for key in by_key.keys() - declared]
    gone += [f for f in rows if f.entity_id not in living]
    for row in gone:
        row.deleted_at = now
    columns = [f.name for f in EntityField._meta.concrete_fields if not f.primary_key]
    EntityField.objects.bulk_update(changed + gone, columns, batch_size=200)
    # What belongs to a field goes with it: a field that comes back is another one, and its keys
    # must be free.
    for model in (EntityFieldValue, EntityFieldRole):
        model._base_manager.filter(entity_field__in=gone, deleted_at=None).update(deleted_at=now)
    EntityField.objects.bulk_create(new)
    report.added += [f.external_key for f in new]
    report.changed += [f.external_key for f in changed]
    report.removed += [f.external_key for f in gone]
    return by_key


def _sync_values(fields: dict[str, EntityField], report: Report) -> None:
    now = clock.now()
    # In the recycle bin too: what people removed stays removed.
    known = set(
        EntityFieldValue.objects.filter(entity_field__in=fields.values()).values_list(
            "external_key", flat=True
        )
    )
    new = []
    for name, model in core_models().items():
        for model_field in model._meta.fields:
            if not isinstance(model_field, ListField):
                continue
            row = fields[f"{name}.{field_api_name(model, model_field)}"]
            for position, value in enumerate(model_field.values):
                key = f"{row.external_key}.{value}"
                if key not in known:
                    new.append(
                        EntityFieldValue(
                            entity_field=row,
                            list_value=value,
                            external_key=key,
                            sort_order=(position + 1) * STEP,
                            created=now,
                            updated=now,
                        )
                    )
    EntityFieldValue.objects.bulk_create(new)
    report.added += [v.external_key for v in new]


def entity_declaration(model: type[CoreModel]) -> tuple[dict[str, Any], dict[str, Any]]:
    """For a core model: what code decides of its entity, and how a new row begins."""
    kept = model.brm.writable and issubclass(model, EntityModel)
    owned = {
        "table_name": model._meta.db_table,
        "virtual_entity_flag": not model.brm.writable,
    }
    initial = {
        "entity_label": _capitalised(model._meta.verbose_name),
        "short_help_label": _docstring(model),
        "node": str(model._meta.app_config.verbose_name),
        "history_flag": kept and bool(model.brm.history),
        "recycle_bin_flag": kept and model.brm.deletable,
    }
    return owned, initial


def declarations(
    model: type[CoreModel], entities: Mapping[str, Any]
) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """For each field of a core model: what code decides, and how a new row begins."""
    options: EntityOptions = model.brm
    hidden = UNNAMED.union(options.hidden)
    fields = [f for f in model._meta.fields if f.name not in hidden]
    # Identity first, then the fields as written, then the computed ones, authorship last.
    own = [f for f in fields if f.primary_key]
    own += [f for f in fields if not f.primary_key and f.name not in AUTHORSHIP]
    for model_field in own:
        yield _declaration(model, model_field, entities)
    for computed in options.computed:
        yield _computed_declaration(computed)
    for model_field in fields:
        if model_field.name in AUTHORSHIP:
            yield _declaration(model, model_field, entities)


def _declaration(
    model: type[CoreModel], model_field: models.Field, entities: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    options: EntityOptions = model.brm
    system = model_field.primary_key or model_field.name in AUTHORSHIP
    default = _default(model_field)
    owned: dict[str, Any] = {
        "field_name": field_api_name(model, model_field),
        "column_name": model_field.column,
        "data_type": data_type(model_field),
        "data_length": _data_length(model_field),
        "primary_key_flag": model_field.primary_key,
        "read_only_flag": (system and not model_field.primary_key)
        or model_field.name in options.read_only,
        "required_flag": not system
        and not model_field.null
        and default is None
        and model_field.db_default is NOT_PROVIDED,
        "unique_field": _is_unique(model, model_field),
        "external_key_flag": model_field.name in options.external_keys,
        "searchable_flag": bool(getattr(model_field, "db_index", False) or model_field.unique),
        "immutable_flag": model_field.name in options.immutable,
        "encrypted_flag": model_field.name in options.encrypted,
        "currency_source": getattr(model_field, "currency_source", None) or None,
        "referenced_entity": None,
        "referenced_column": None,
        "on_delete": None,
    }
    if isinstance(model_field, models.ForeignKey):
        target = cast("type[CoreModel]", model_field.remote_field.model)
        target_field = model_field.target_field
        owned["referenced_entity"] = entities[target.brm.name]
        owned["referenced_column"] = (
            None if target_field.primary_key else field_api_name(target, target_field)
        )
        owned["on_delete"] = _ON_DELETE.get(model_field.remote_field.on_delete)
    elif model_field.name in options.lookups:
        pointed = entities[options.lookups[model_field.name]]
        owned |= {"data_type": "LOOKUP", "referenced_entity": pointed}
    initial = {
        "field_label": _capitalised(model_field.verbose_name),
        "help_content_short": str(model_field.help_text) or None,
        "default_value": default,
        "pii_flag": False,
    }
    return owned, initial


def _computed_declaration(computed: Computed) -> tuple[dict[str, Any], dict[str, Any]]:
    owned = {
        "field_name": computed.name,
        "column_name": None,
        "data_type": computed.data_type,
        "read_only_flag": True,
    }
    initial = {
        "field_label": computed.label or _spaced(computed.name),
        "help_content_short": computed.help or None,
    }
    return owned, initial


def data_type(model_field: models.Field) -> str:
    """Name of the data type that a model field is of."""
    for cls, name in _DATA_TYPES:
        if isinstance(model_field, cls):
            return name
    raise TypeError(f"{model_field} has no data type; add one to the registry")


def _data_length(model_field: models.Field) -> str | None:
    if isinstance(model_field, models.DecimalField):
        return f"{model_field.max_digits},{model_field.decimal_places}"
    if isinstance(model_field, models.ForeignKey | models.BigAutoField | models.BigIntegerField):
        return None
    if isinstance(model_field, models.IntegerField):
        return "10"
    return str(model_field.max_length) if model_field.max_length else None


def _default(model_field: models.Field) -> str | None:
    default = model_field.default
    if default is NOT_PROVIDED or default is None or callable(default):
        return None
    if isinstance(default, bool):
        return "1" if default else "0"
    return str(default)


def _is_unique(model: type[CoreModel], model_field: models.Field) -> bool:
    return model_field.unique or any(
        isinstance(c, models.UniqueConstraint) and tuple(c.fields) == (model_field.name,)
        for c in model._meta.constraints
    )


def _differs(row: models.Model, owned: dict[str, Any]) -> bool:
    """Set the owned attributes; whether any of them was different."""
    different = False
    for name, value in owned.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            different = True
    return different


def _docstring(model: type[CoreModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _capitalised(text: Any) -> str:
    text = str(text)
    return text[:1].upper() + text[1:]


def _spaced(name: str) -> str:
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
    return _capitalised(spaced)
