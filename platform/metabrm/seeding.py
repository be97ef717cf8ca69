"""Reference data that every installation starts with: inserted where missing, never changed.

A room's `seeds.load()` runs after every migrate. A row whose Id or key is taken is left alone,
even in the recycle bin, so what an administrator changed or removed stays that way.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from django.apps import apps
from django.db import connections, models
from django.db.models import Max
from django.utils.module_loading import module_has_submodule


def insert_missing(
    model: type[models.Model], rows: Iterable[Mapping[str, Any]], using: str = "default"
) -> int:
    """Insert the `rows` (Python field name -> value, `id` among them) whose Id is free.

    Returns how many were new. The sequence of Ids continues after the highest one.
    """
    manager = model._base_manager.using(using)
    taken = set(manager.values_list("id", flat=True))
    missing = [model(**row) for row in rows if row["id"] not in taken]
    if not missing:
        return 0
    manager.bulk_create(missing, ignore_conflicts=True)
    table = model._meta.db_table
    highest = manager.aggregate(highest=Max("id"))["highest"]
    with connections[using].cursor() as cursor:
        # setval never goes back: an Id handed out once is not handed out again.
        cursor.execute(
            "SELECT setval(s, greatest(%s, coalesce(pg_sequence_last_value(s), 1)))"
            " FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS s) AS own",
            [highest, table],
        )
    return manager.count() - len(taken)


def plant() -> int:
    """Run `load()` of every room that has a `seeds` module, in the order of INSTALLED_APPS.

    Returns the number of new records.
    """
    rooms = [app for app in apps.get_app_configs() if app.module is not None]
    return sum(
        import_module(f"{app.name}.seeds").load()
        for app in rooms
        if module_has_submodule(app.module, "seeds")
    )
