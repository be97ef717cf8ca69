"""The names of entities and fields inside the external keys of what belongs to them."""

from typing import Any

from django.db import connection

#: Table -> the condition on its rows that belong to the renamed thing, and what stands in their
#: keys before its name.
_OF_ENTITY = {
    "entities_entityfield": ("k.entity_id = %(id)s", "''"),
    "entities_entitykey": ("k.entity_id = %(id)s", "''"),
    "entities_entitylayout": ("k.entity_id = %(id)s", "''"),
    "entities_entityvalidation": ("k.entity_id = %(id)s", "''"),
    "entities_entityfieldvalue": (
        "k.entity_field_id IN (SELECT id FROM entities_entityfield WHERE entity_id = %(id)s)",
        "''",
    ),
    "entities_entityfieldrole": (
        "k.entity_id = %(id)s",
        "(SELECT name || '.' FROM identity_role r WHERE r.id = k.role_id)",
    ),
}
_OF_FIELD = {
    "entities_entityfieldvalue": ("k.entity_field_id = %(id)s", "''"),
    "entities_entityfieldrole": (
        "k.entity_field_id = %(id)s",
        "(SELECT name || '.' FROM identity_role r WHERE r.id = k.role_id)",
    ),
}
_FOLLOW = """
UPDATE {table} k SET external_key =
    {lead} || %(new)s || substr(external_key, length({lead} || %(old)s) + 1)
WHERE {where} AND starts_with(external_key || '.', {lead} || %(old)s || '.')
"""


def follow_entity(entity_id: int, old: str, new: str) -> None:
    """The keys of what an entity has follow its new name."""
    _follow(_OF_ENTITY, {"id": entity_id, "old": old, "new": new})


def follow_field(field_id: int, old: str, new: str) -> None:
    """The keys of what a field has follow it; `old` and `new` are entity and field, PROMO.Code."""
    _follow(_OF_FIELD, {"id": field_id, "old": old, "new": new})


def _follow(keyed: dict[str, tuple[str, str]], names: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        for table, (where, lead) in keyed.items():
            cursor.execute(_FOLLOW.format(table=table, where=where, lead=lead), names)
