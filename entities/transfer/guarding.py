"""What an import would destroy or take away, and from how many: only done when asked for.

Deleted entities, fields and rows lie in the recycle bin and can be restored; what reads them goes
without from that moment on.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection

from entities.changing import tables
from entities.fieldtypes import check_length
from entities.fieldtypes.base import Refused
from entities.schema.description import EntitySchema, quote
from entities.schema.snapshot import Snapshot
from entities.transfer.difference import Action, Change, Difference
from entities.transfer.items import Item
from entities.transfer.kinds import (
    ENTITY,
    FIELD,
    RIGHT,
    ROLE,
    SHARING_GROUP,
    SHARING_RULE,
    VALUE,
    Kind,
)

#: Records are counted up to here.
COUNTED = 100_000

Judge = Callable[[Any, Any, Change], str]


def _switched_off(why: str) -> Judge:
    return lambda now, then, change: why if now and not then else ""


def _shortened(why: str) -> Judge:
    def judge(now: Any, then: Any, change: Change) -> str:
        return why if then is not None and (now is None or then < now) else ""

    return judge


def _became(value: str, why: str) -> Judge:
    return lambda now, then, change: why if then == value != now else ""


def _retyped(now: Any, then: Any, change: Change) -> str:
    return "its values are converted"


def _narrowed(now: Any, then: Any, change: Change) -> str:
    """A length that holds less than before; another type's length is judged with the type."""
    if change.stored is None or "DataType" in change.values:
        return ""
    kind = change.stored.values["DataType"]
    try:
        old, new = check_length(kind, now), check_length(kind, then)
    except (Refused, KeyError):
        return ""
    length, digits, places = new
    less = length is not None and (old[0] is None or length < old[0])
    less = less or (digits is not None and (old[1] is None or digits < old[1]))
    if less or (digits is not None and (digits - places < (old[1] or 0) - old[2])):
        return "it holds less than before"
    return "it holds less than before" if places < old[2] else ""


_SHARING = {
    "PRIVATE": "its records are no longer seen by everybody",
    "PUBLIC": "its records are seen by everybody whose role may read it",
}
_RIGHTS = ("CreateFlag", "ReadFlag", "UpdateFlag", "DeleteFlag")

#: Kind and word -> whether another value destroys or takes something, and what.
_JUDGES: dict[tuple[Kind, str], Judge] = {
    (ENTITY, "RecycleBinFlag"): _switched_off("deleted records are gone at once"),
    (ENTITY, "RetentionDays"): _shortened("deleted records are purged sooner"),
    (ENTITY, "HistoryFlag"): _switched_off("changes are no longer kept"),
    (ENTITY, "HistoryRetentionDays"): _shortened("older history is removed"),
    (ENTITY, "ApiEnabled"): _switched_off("its API is closed"),
    (ENTITY, "SharingModel"): lambda now, then, change: _SHARING.get(then, ""),
    (FIELD, "DataType"): _retyped,
    (FIELD, "DataLength"): _narrowed,
    (FIELD, "Status"): _became("HIDDEN", "it is served nowhere"),
    (FIELD, "ReferencedEntity"): _retyped,
    (FIELD, "ApiAccessableFlag"): _switched_off("it is no longer in the API"),
    (FIELD, "PIIFlag"): _switched_off("its values are shown to everybody who may read it"),
    (FIELD, "EncryptedFlag"): _switched_off("its values are no longer encrypted"),
    (ROLE, "AdministratorFlag"): _switched_off("its users lose their rights"),
    (ROLE, "ViewPiiFlag"): _switched_off("its users no longer see personal data"),
    (ROLE, "Status"): _became("DEACTIVATED", "its users can't sign in"),
    **{(RIGHT, word): _switched_off("a right is taken away") for word in _RIGHTS},
    (SHARING_GROUP, "Status"): _became("DEACTIVATED", "its users lose access"),
    (SHARING_RULE, "Status"): _became("DEACTIVATED", "its users lose access"),
    (SHARING_RULE, "AccessLevel"): _became("READ", "its users may only read"),
}


def judge(difference: Difference, snapshot: Snapshot) -> None:
    """Say of each change what it destroys or takes, and how many records or users it touches."""
    for change in difference.changes:
        if change.action is Action.REMOVE:
            change.danger = _REMOVED.get(change.kind, "it is deleted")
        elif change.action is Action.CHANGE:
            told = [
                why
                for word, (now, then) in change.values.items()
                if (why := _judged(change, word, now, then))
            ]
            change.danger = ", ".join(dict.fromkeys(told))
        if change.danger and change.stored is not None:
            change.affected = _affected(snapshot, change.stored)


_REMOVED = {
    ENTITY: "it is deleted with its records",
    FIELD: "it is deleted with its values",
    ROLE: "its users lose their rights",
    RIGHT: "a right is taken away",
    SHARING_GROUP: "its users lose access",
    SHARING_RULE: "its users lose access",
}


def _judged(change: Change, word: str, now: Any, then: Any) -> str:
    if word in change.kind.fixed:
        return "it is deleted and made anew"
    found = _JUDGES.get((change.kind, word))
    return found(now, then, change) if found is not None else ""


def _affected(snapshot: Snapshot, item: Item) -> int | None:
    """Records that hold something of the row, or users whom it concerns."""
    if item.kind is RIGHT or item.kind is ROLE:
        role = item.parent if item.kind is RIGHT else item
        return _count("identity_user", "role_id = %s", [role.id if role else None])
    if item.kind is SHARING_GROUP or item.kind is SHARING_RULE:
        group = item.parent if item.kind is SHARING_RULE else item
        return _count(
            "entities_sharinggroupuser", "sharing_group_id = %s", [group.id if group else None]
        )
    entity = item
    while entity.kind is not ENTITY:
        assert entity.parent is not None
        entity = entity.parent
    schema = next((e for e in snapshot.entities.values() if e.id == entity.id), None)
    if schema is None or not tables.is_stored(schema):
        return None
    if item.kind is ENTITY:
        return _count(schema.table, "true", [])
    return _holding(schema, item) if item.kind in (FIELD, VALUE) else None


def _holding(schema: EntitySchema, item: Item) -> int | None:
    """Records that have a value in the field, or this value of a list."""
    field_id = item.id if item.kind is FIELD else item.parent.id if item.parent else None
    field = next((f for f in schema.fields if f.id == field_id), None)
    if field is None or field.column is None:
        return None
    column = quote(field.column)
    if item.kind is FIELD:
        return _count(schema.table, f"{column} IS NOT NULL", [])
    same = f"%s = ANY({column})" if field.type.name == "MULTI_LIST" else f"{column} = %s"
    return _count(schema.table, same, [item.name])


def _count(table: str, condition: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT FROM {quote(table)} WHERE deleted_at IS NULL "
            f"AND {condition} LIMIT {COUNTED}) counted",
            values,
        )
        return int(cursor.fetchone()[0])
