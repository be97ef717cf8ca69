"""Names inside external keys: they follow a rename, a row's own and those of what belongs to it."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from entities.records.batch import UNSET, Batch

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


def follow_own(batch: Batch, name: str, leads: Sequence[str | None]) -> None:
    """The ExternalKey of a row whose field `name` changes follows it, unless one was sent.

    `leads` are what stands before the name in each row's key; None where nothing follows.
    """
    names, keys = batch.sent(name), batch.sent("ExternalKey")
    followed = list(keys)
    for index in batch.live:
        lead, old = leads[index], batch.stored[name][index]
        if (
            lead is not None
            and names[index] not in (UNSET, None, old)
            and keys[index] is UNSET
            and batch.stored["ExternalKey"][index] == f"{lead}.{old}"
        ):
            followed[index] = f"{lead}.{names[index]}"
    batch.put("ExternalKey", followed)


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
