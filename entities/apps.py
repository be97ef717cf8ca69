from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db import connection, transaction
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class EntitiesConfig(AppConfig):
    name = "entities"
    label = "entities"
    verbose_name = "Metadata"

    def ready(self) -> None:
        # Every room says in a module `behavior` what happens when its entities are written.
        autodiscover_modules("behavior")
        import_module("entities.observing")
        post_migrate.connect(_after_migrate, sender=self)


def _after_migrate(verbosity: int = 1, **_: Any) -> None:
    """Write metadata and reference data once the tables stand (all apps have migrated by now)."""
    from entities.schema import gate, sync
    from metabrm import seeding
    from metabrm.identity.context import Context

    if "entities_schemaversion" not in connection.introspection.table_names():
        return  # a migration back to before the metadata tables
    with transaction.atomic():
        report = sync.sync()
        gate.enter(Context.system("reference data"))
        planted = seeding.plant()
    if verbosity:
        print(f"  Metadata of core entities: {report}")
        print(f"  Reference data: {planted} records added")
