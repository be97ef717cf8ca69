from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EntitiesConfig(AppConfig):
    name = "entities"
    label = "entities"
    verbose_name = "Metadata"

    def ready(self) -> None:
        post_migrate.connect(_after_migrate, sender=self)


def _after_migrate(verbosity: int = 1, plan: Any = (), **_: Any) -> None:
    """Write metadata and reference data once the tables stand (all apps have migrated by now)."""
    from django.db import connection

    from entities.schema import seeds, sync

    if "entities_schemaversion" not in connection.introspection.table_names():
        return  # a migration to a state before the metadata tables
    report = sync.sync()
    planted = seeds.plant()
    if verbosity:
        print(f"  Metadata of core entities: {report}")
        print(f"  Reference data: {planted}")
