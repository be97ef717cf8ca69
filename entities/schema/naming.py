"""How a core model's columns are called outside."""

from django.db import models

from metabrm.entity import CoreModel, api_name

#: Columns that every entity has for the platform's own use and that no metadata mentions.
UNNAMED = frozenset({"deleted_at"})
#: Fields that the platform keeps on every entity.
AUTHORSHIP = frozenset({"created", "created_user", "updated", "updated_user"})


def field_api_name(model: type[CoreModel], field: models.Field) -> str:
    """API name of a model field: the given one, else derived from its column-like name."""
    return model.brm.names.get(field.name) or api_name(field.attname)


#: Words that mean many things as they stand.
_NO_PLURAL = frozenset({"data", "equipment", "information", "metadata", "news", "software"})
_IRREGULAR = {"person": "people", "child": "children"}


def plural_of(label: str) -> str:
    """`Sales promotion` -> `sales promotions`, `SIM card` -> `SIM cards`; as it is if a plural."""
    words = label.split()
    words = [w if len(w) > 1 and not w[1:].islower() else w.lower() for w in words]
    if not words:
        return label
    last = words[-1]
    low = last.lower()
    if low in _NO_PLURAL or (low.endswith("s") and not low.endswith(("ss", "us", "is"))):
        return " ".join(words)
    if low in _IRREGULAR:
        last = _IRREGULAR[low]
    elif low.endswith("is") and len(low) > 3:
        last = f"{last[:-2]}es"
    elif low.endswith(("s", "x", "z", "ch", "sh")):
        last = f"{last}es"
    elif low.endswith("y") and low[-2:-1] not in "aeiou":
        last = f"{last[:-1]}ies"
    else:
        last = f"{last}s"
    return " ".join([*words[:-1], last])
