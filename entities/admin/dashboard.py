"""The overview: what the system holds, what changed lately, and what to do next.

It is read in a fixed number of queries, however many entities and records there are.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from entities.access import EntityRights
from entities.admin import history
from entities.admin.choice import AUTHORSHIP
from entities.admin.icons import icon_of
from entities.admin.navigation import rooms
from entities.admin.recycling import bin_counts
from entities.admin.sizes import AtLeast, counts, estimates, live
from metabrm import clock

if TYPE_CHECKING:
    from entities.admin.pages import RecordAdmin

DAYS = 14
#: The chart looks at the newest changes only, so that a long history costs nothing.
_LOOKED_AT = 100_000
_MOST_STEPS = 4

_PER_DAY = """
WITH newest AS (
    SELECT a.changed_at FROM entities_auditlog a
    WHERE a.id > (SELECT coalesce(max(id), 0) FROM entities_auditlog) - %s {seen}
)
SELECT (changed_at AT TIME ZONE %s)::date AS day, count(*) FROM newest
WHERE changed_at >= %s GROUP BY day
"""


@dataclass(frozen=True)
class Bar:
    """A day of the chart; `x`, `y`, `height` in the units of its drawing."""

    day: date
    changes: int
    x: int
    y: float
    height: float


def overview(request: HttpRequest, admins: list["RecordAdmin"]) -> dict[str, Any]:
    """What the overview's template shows; `admins` are the entities the user may read."""
    if not admins:
        return {"nothing": True}
    snapshot = admins[0].snapshot
    readable = {a.schema.name: a.rights(request).known for a in admins}
    held = dict(zip(admins, _held(request, admins), strict=True))
    tiles = [
        (room, [_tile(request, admin, held[admin]) for admin in found])
        for room, found in rooms([a for a in admins if a.schema.writable])
    ]
    recycled = [
        {
            "label": admin.schema.label_plural,
            "count": count,
            "url": admin.page("bin"),
        }
        for admin, count in zip(
            [a for a in admins if a.keeps_deleted()],
            bin_counts(request, [a for a in admins if a.keeps_deleted()]),
            strict=True,
        )
        if count
    ]
    audit = next((a for a in admins if a.schema.name == "AUDIT_LOG"), None)
    return {
        "rooms": tiles,
        "recycled": recycled,
        "recent": history.recent(snapshot, readable, audit.rights(request)) if audit else [],
        "audit_url": audit.page("changelist") if audit else "",
        "bars": _bars(audit.rights(request)) if audit else [],
        "steps": _next_steps(request, held),
        "days": DAYS,
    }


def _held(request: HttpRequest, admins: list["RecordAdmin"]) -> list[int | None]:
    """Records per entity: counted up to a point, estimated beyond it where the user sees all."""
    granted = [a.rights(request) for a in admins]
    counted = counts(
        [
            (a.schema, f"{live(a.schema)} {own.where('r')}", [])
            for a, own in zip(admins, granted, strict=True)
        ]
    )
    if not any(isinstance(count, AtLeast) for count in counted):
        return counted
    rough = estimates([a.schema for a in admins])
    return [
        max(count, rough.get(admin.schema.table, 0))
        if isinstance(count, AtLeast) and not own.condition
        else count
        for admin, count, own in zip(admins, counted, granted, strict=True)
    ]


def _tile(request: HttpRequest, admin: "RecordAdmin", count: int | None) -> dict[str, Any]:
    schema = admin.schema
    return {
        "label": schema.label_plural[:1].upper() + schema.label_plural[1:],
        "count": count,
        "icon": icon_of(schema.name),
        "url": admin.page("changelist"),
        "add_url": admin.page("add") if not count and admin.has_add_permission(request) else "",
    }


def _next_steps(
    request: HttpRequest, held: dict["RecordAdmin", int | None]
) -> list[dict[str, str]]:
    """Entities without records that others point to, and whose own needs are met; the most needed
    first.
    """
    by_name = {admin.schema.name: admin for admin in held}
    steps = []
    for admin, count in held.items():
        schema = admin.schema
        pointing = {
            child.name
            for child, field in admin.snapshot.references(schema)
            if field.name not in AUTHORSHIP and child is not schema
        }
        if count or not pointing or not admin.has_add_permission(request):
            continue
        needs = [f.lookup.entity for f in schema.lookups if f.required and f.lookup is not None]
        if all(name in by_name and held[by_name[name]] for name in needs):
            steps.append((len(needs), -len(pointing), admin))
    steps.sort(key=lambda step: (*step[:2], step[2].schema.label))
    return [
        {
            "label": admin.schema.noun,
            "plural": admin.schema.label_plural,
            "help": admin.schema.help,
            "icon": icon_of(admin.schema.name),
            "url": admin.page("add"),
        }
        for _, _, admin in steps[:_MOST_STEPS]
    ]


def _bars(granted: EntityRights) -> list[Bar]:
    """Changes per day, oldest first, in the reader's zone, of what he sees of the history."""
    zone = timezone.get_current_timezone_name()
    today = clock.today(zone)
    first = today - timedelta(days=DAYS - 1)
    begin = timezone.localtime(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            _PER_DAY.format(seen=granted.where("a")),
            [_LOOKED_AT, zone, begin - timedelta(days=DAYS - 1)],
        )
        found = dict(cursor.fetchall())
    days = [first + timedelta(days=n) for n in range(DAYS)]
    most = max(found.values(), default=0) or 1
    bars = []
    for place, day in enumerate(days):
        changes = found.get(day, 0)
        height = max(2.0, 90 * changes / most) if changes else 1.0
        bars.append(Bar(day, changes, place * 40 + 4, round(100 - height, 1), round(height, 1)))
    return bars
