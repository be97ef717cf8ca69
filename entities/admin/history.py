"""A record's history as people read it: who, when, why, and field by field before and after."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from entities.access import EntityRights
from entities.admin import recycling
from entities.admin.choice import AUTHORSHIP
from entities.admin.display import badge, plain, record_url
from entities.admin.titles import Titled, called, title_of, titles
from entities.fieldtypes.structured import name_of
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot
from metabrm import sealing

if TYPE_CHECKING:
    from entities.admin.pages import RecordAdmin

PAGE = 25
#: Columns that change with every write and say nothing that the entry does not say itself.
_EVIDENT = frozenset(AUTHORSHIP)

_ENTRIES = """
SELECT a.id, a.changed_at, a.entity_id, a.record_id, a.action, u.username, a.reason, a.request_id,
       a.before, a.after
FROM entities_auditlog a LEFT JOIN identity_user u ON u.id = a.user_id
"""
_OF_RECORD = (
    _ENTRIES + "WHERE a.entity_id = %s AND a.record_id = %s ORDER BY a.id DESC LIMIT %s OFFSET %s"
)
_RECENT = _ENTRIES + "WHERE a.entity_id = ANY(%s) {seen} ORDER BY a.id DESC LIMIT %s"

#: Action -> what was done with the record.
DONE = {
    "CREATE": "added",
    "UPDATE": "changed",
    "DELETE": "deleted",
    "UNDELETE": "restored",
    "PURGE": "purged",
}


@dataclass(frozen=True)
class Change:
    """One field of one entry; `before` and `after` as people read them."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One row of AUDIT_LOG."""

    id: int
    at: datetime
    schema: EntitySchema | None
    record_id: int
    action: str
    username: str
    reason: str
    request_id: str
    changes: tuple[Change, ...]
    title: str
    #: Address of the record's page, "" if it has none any more.
    url: str

    @property
    def done(self) -> str:
        return DONE.get(self.action, self.action.lower())

    @property
    def badge(self) -> str:
        return badge(self.action)


def page(admin: "RecordAdmin", request: HttpRequest, record_id: int) -> HttpResponse:
    """The history page of one record; it is there even when the record is gone, for those for whom
    all records of the entity exist."""
    number = request.GET.get("p", "1")
    at = max(1, int(number)) if number.isdecimal() and len(number) < 8 else 1
    rights = admin.rights(request)
    if rights.condition and not admin.seen(request).filter(pk=record_id).exists():
        return recycling.gone(admin, request, str(record_id))
    found = _read(
        admin.snapshot,
        _OF_RECORD,
        [admin.schema.id, record_id, PAGE + 1, PAGE * (at - 1)],
        {admin.schema.name: rights.known},
    )
    exists = admin.get_queryset(request).filter(pk=record_id).exists()
    title = title_of(admin.snapshot, admin.schema, record_id)
    return admin.render(
        request,
        "history.html",
        {
            "title": f"History of {title}",
            "entries": found[:PAGE],
            "number": at,
            "older": len(found) > PAGE,
            "record_url": admin.page("change", record_id) if exists else "",
            "kept": admin.schema.history,
            "creation": admin.schema.records_creation,
        },
    )


def recent(
    snapshot: Snapshot,
    readable: dict[str, frozenset[str]],
    granted: EntityRights,
    most: int = 12,
) -> list[Entry]:
    """The newest changes of the entities in `readable` (name -> fields to be seen), as far as the
    rights on the audit log go."""
    ids = [snapshot.entity(name).id for name in readable]
    return _read(snapshot, _RECENT.format(seen=granted.where("a")), [ids, most], readable)


def entry(snapshot: Snapshot, entry_id: int, readable: dict[str, frozenset[str]]) -> Entry | None:
    """One entry of the audit log."""
    found = _read(snapshot, _ENTRIES + "WHERE a.id = %s", [entry_id], readable)
    return found[0] if found else None


def _read(
    snapshot: Snapshot, sql: str, parameters: list[Any], readable: dict[str, frozenset[str]]
) -> list[Entry]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    by_id = {schema.id: schema for schema in snapshot.entities.values()}
    differing = [
        _differing(by_id.get(row[2]), row[8], row[9], readable) for row in map(_loaded, rows)
    ]
    named = _named(snapshot, differing)
    of_records = _titles_of_records(snapshot, by_id, rows)
    entries = []
    for row, fields in zip(rows, differing, strict=True):
        schema = by_id.get(row[2])
        titled = of_records.get((row[2], row[3]))
        entries.append(
            Entry(
                id=row[0],
                at=row[1],
                schema=schema,
                record_id=row[3],
                action=row[4],
                username=row[5] or "the platform",
                reason=row[6] or "",
                request_id=row[7] or "",
                changes=tuple(
                    Change(f.label, _shown(f, old, named), _shown(f, new, named))
                    for f, old, new in fields
                ),
                title=titled[1] if titled else called(schema, row[3], None) if schema else "",
                url=record_url(schema, row[3]) if schema and titled else "",
            )
        )
    return entries


def _loaded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row with its documents as dicts, whatever the driver makes of jsonb."""
    return (*row[:8], *(json.loads(d) if isinstance(d, str) else d or {} for d in row[8:]))


_Differing = list[tuple[FieldSchema, Any, Any]]


def _differing(
    schema: EntitySchema | None,
    before: dict[str, Any],
    after: dict[str, Any],
    readable: dict[str, frozenset[str]],
) -> _Differing:
    if schema is None:
        return []
    visible = readable.get(schema.name, frozenset())
    return [
        (field, before.get(column), after.get(column))
        for column, field in schema.by_column.items()
        if field.name in visible
        and field.name not in _EVIDENT
        and field.type.name != "ID"
        and before.get(column) != after.get(column)
    ]


def _named(
    snapshot: Snapshot, differing: Iterable[_Differing]
) -> dict[tuple[str, str], dict[Any, Titled]]:
    """Titles of all that the changed lookups point to, one query per target."""
    wanted: dict[tuple[str, str], set[Any]] = {}
    for fields in differing:
        for field, old, new in fields:
            if field.lookup is not None:
                key = (field.lookup.entity, field.lookup.column)
                wanted.setdefault(key, set()).update(v for v in (old, new) if v is not None)
    return {
        key: titles(snapshot, snapshot.entity(key[0]), values, key[1])
        for key, values in wanted.items()
    }


def _titles_of_records(
    snapshot: Snapshot, by_id: dict[int, EntitySchema], rows: list[tuple[Any, ...]]
) -> dict[tuple[int, int], Titled]:
    wanted: dict[int, set[int]] = {}
    for row in rows:
        wanted.setdefault(row[2], set()).add(row[3])
    return {
        (entity_id, record_id): titled
        for entity_id, ids in wanted.items()
        if entity_id in by_id
        for record_id, titled in titles(snapshot, by_id[entity_id], ids).items()
    }


def _shown(field: FieldSchema, value: Any, named: dict[tuple[str, str], dict[Any, Titled]]) -> str:
    if value is None or value == "":
        return ""
    if field.type.place:
        return sealing.opened_one(field.type.place, str(value))
    if field.lookup is not None:
        found = named.get((field.lookup.entity, field.lookup.column), {}).get(value)
        return found[1] if found and not field.lookup.by_key else str(value)
    kind = field.type.name
    if kind == "FLAG":
        return "yes" if value else "no"
    if kind == "FILE":
        return name_of(str(value))
    if kind == "DATETIME":
        instant = parse_datetime(str(value))
        return plain(timezone.localtime(instant)) if instant else str(value)
    if kind in ("DECIMAL", "MONEY", "PERCENT"):
        text = str(value)
        return text.rstrip("0").rstrip(".") if "." in text else text
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
