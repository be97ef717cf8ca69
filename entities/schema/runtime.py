"""Django models made at run time, in a registry of their own.

Classes made at run time never enter Django's global registry: it would keep every one of them for
ever, and rebuild the relation trees of all static models on each. A snapshot has a private registry
that falls back to the global one only to find the targets of lookups. Towards static models there
is no reverse relation, so Python-side cascades never see run-time models; the database decides.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.apps import apps as static_apps
from django.apps.registry import Apps
from django.db import models

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema

APP_LABEL = "entities"


class RuntimeApps(Apps):
    """A registry of one snapshot's run-time models."""

    def __init__(self) -> None:
        super().__init__(installed_apps=())
        self.app_configs = static_apps.app_configs

    def get_model(
        self, app_label: str, model_name: str | None = None, require_ready: bool = True
    ) -> type[models.Model]:
        if model_name is None:
            app_label, model_name = app_label.split(".")
        own = self.all_models[app_label].get(model_name.lower())
        return own or static_apps.get_model(app_label, model_name, require_ready)

    def get_registered_model(self, app_label: str, model_name: str) -> type[models.Model]:
        own = self.all_models[app_label].get(model_name.lower())
        return own or static_apps.get_registered_model(app_label, model_name)

    # Uncached and own models only: the base class caches per argument and walks app_configs,
    # whose models are the static ones.
    def get_models(
        self, include_auto_created: bool = False, include_swapped: bool = False
    ) -> list[type[models.Model]]:
        return [model for by_name in self.all_models.values() for model in by_name.values()]

    def clear_cache(self) -> None:
        for model in self.get_models():
            model._meta._expire_cache()  # type: ignore[attr-defined]

    def seal(self) -> None:
        """All models are made: nothing may still wait for a class that will never come."""
        assert not self._pending_operations, list(self._pending_operations)
        self.clear_cache()


def runtime_model(
    apps: RuntimeApps, table: str, label: str, fields: "Iterable[FieldSchema]"
) -> type[models.Model]:
    """A model over `table` with the stored `fields`; attribute names are the physical columns."""
    attributes: dict[str, Any] = {
        "__module__": __name__,
        "id": models.BigAutoField(primary_key=True),
        "deleted_at": models.DateTimeField(null=True, editable=False),
        "Meta": type(
            "Meta",
            (),
            {
                "apps": apps,
                "app_label": APP_LABEL,
                "db_table": table,
                "verbose_name": label,
                "verbose_name_plural": label,
                "managed": False,
            },
        ),
    }
    for field in fields:
        if field.column is None or field.column == "id":
            continue
        model_field = field.type.model_field(field)
        model_field.null = model_field.blank = not field.required
        model_field.db_column = field.column
        model_field.verbose_name = field.label
        model_field.help_text = field.help
        attributes[field.column] = model_field
    return type(f"Runtime_{table}", (models.Model,), attributes)
