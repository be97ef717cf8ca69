"""Rows that belong to a record and are none themselves: how a rule has fared, a client's secrets.

No metadata tells of their tables, so no deletion takes them along of itself; a record that is
purged takes them with it. In the recycle bin a record keeps them.
"""

from functools import cache
from typing import Any

from django.apps import apps
from django.db import models

from entities.schema.description import quote
from metabrm.entity import CoreModel


def remove(cursor: Any, table: str, ids: list[Any]) -> None:
    """Remove what belongs to the rows of `table` that are being purged; keys are checked later."""
    for satellite, column, key in _of(table):
        cursor.execute(
            f"DELETE FROM {quote(satellite)} WHERE {quote(column)} = ANY(%s) "
            f"RETURNING {quote(key)}",
            [ids],
        )
        if gone := [row[0] for row in cursor.fetchall()]:
            remove(cursor, satellite, gone)


@cache
def _of(table: str) -> tuple[tuple[str, str, str], ...]:
    """Of whatever goes with a row of `table`: its table, its column that says so, its key."""
    return tuple(
        (model._meta.db_table, str(field.column), str(model._meta.pk.column))
        for model in apps.get_models()
        if not issubclass(model, CoreModel)
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and field.remote_field.on_delete is models.CASCADE
        and field.related_model._meta.db_table == table
    )
