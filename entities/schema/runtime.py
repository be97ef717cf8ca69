"""Django models made at run time, in a registry of their own.

A core entity without custom fields is served by its static model. Every other entity gets a model
over its table when one is first asked for. Such models are plain columns, lookups too: there are
no relations, so nothing static ever hears of them and the database alone decides what deleting a
record does. They never enter Django's global registry, which would keep every one of them for ever;
a snapshot has a private one and takes it along when it goes.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.apps import apps as static_apps
from django.apps.registry import Apps
from django.db import models

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema

#: Where the admin puts the pages of entities that people made: /admin/custom/...
CUSTOM = "custom"


class RuntimeApps(Apps):
    """A registry of one snapshot's run-time models."""

    def __init__(self) -> None:
        super().__init__(installed_apps=())
        # Pages print what an app is called; the custom entities' is none of Django's.
        room: Any = SimpleNamespace(label=CUSTOM, name=CUSTOM, verbose_name="Custom")
        self.app_configs = {**static_apps.app_configs, CUSTOM: room}
        self._making = threading.RLock()
        self._made: dict[str, type[models.Model]] = {}

    def made_once(self, table: str, make: Callable[[], type[models.Model]]) -> type[models.Model]:
        """The model over `table`, made by the first of however many threads ask for it."""
        found = self._made.get(table)
        if found is None:
            with self._making:
                found = self._made.get(table)
                if found is None:
                    found = self._made[table] = make()
        return found

    def get_models(
        self, include_auto_created: bool = False, include_swapped: bool = False
    ) -> list[type[models.Model]]:
        """Own models only: the base class walks app_configs, whose models are the static ones."""
        return [model for by_name in self.all_models.values() for model in by_name.values()]

    def clear_cache(self) -> None:
        """Models without relations keep nothing that another model could make untrue."""


def runtime_model(
    apps: RuntimeApps,
    name: str,
    table: str,
    labels: tuple[str, str],
    fields: "Iterable[FieldSchema]",
    static: type[models.Model] | None = None,
) -> type[models.Model]:
    """A model over `table` with the stored `fields`; `labels` are its singular and plural.

    Attribute names are the physical columns. Over the table of a core entity, those columns that
    its `static` model knows are called as there, so both models can stand for one another.
    """
    names = attribute_names(static) if static is not None else {}
    meta: dict[str, Any] = {
        "apps": apps,
        "app_label": static._meta.app_label if static is not None else CUSTOM,
        "db_table": table,
        "verbose_name": labels[0],
        "verbose_name_plural": labels[1],
        "managed": False,
        "ordering": list(static._meta.ordering or ()) if static is not None else [],
    }
    attributes: dict[str, Any] = {
        "__module__": __name__,
        "__str__": lambda record: f"{labels[0]} {record.pk}",
        "id": models.BigAutoField(primary_key=True),
        "Meta": type("Meta", (), meta),
    }
    if static is None or "deleted_at" in names:
        attributes["deleted_at"] = models.DateTimeField(null=True, editable=False)
    for field in fields:
        if field.column is None or field.column == "id":
            continue
        model_field = field.type.model_field(field)
        model_field.null = model_field.blank = not field.required
        model_field.db_column = field.column
        model_field.verbose_name = field.label
        model_field.help_text = field.help
        attributes[names.get(field.column, field.column)] = model_field
    return type(name, (models.Model,), attributes)


def attribute_names(model: type[models.Model]) -> Mapping[str, str]:
    """Physical column -> the name under which `model` keeps its native value."""
    return {str(f.column): f.attname for f in model._meta.concrete_fields}
