"""How a core model's columns are called outside."""

from functools import cache

from django.db import models

from metabrm.entity import CoreModel, api_name

#: Columns that every entity has for the platform's own use and that no metadata mentions.
UNNAMED = frozenset({"deleted_at"})
#: Fields that the platform keeps on every entity.
AUTHORSHIP = frozenset({"created", "created_user", "updated", "updated_user"})


def field_api_name(model: type[CoreModel], field: models.Field) -> str:
    """API name of a model field: the given one, else derived from its column-like name."""
    return model.brm.names.get(field.name) or api_name(field.attname)


@cache
def core_columns(model: type[CoreModel]) -> dict[str, str]:
    """API name -> physical column of a core entity's stored fields."""
    hidden = UNNAMED.union(model.brm.hidden)
    return {
        field_api_name(model, field): str(field.column)
        for field in model._meta.fields
        if field.name not in hidden
    }
