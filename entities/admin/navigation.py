"""The menu: rooms with their entities, the business first, the platform's own rooms last."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.http import HttpRequest
from django.utils.html import escape

from entities.admin.choice import AUTHORSHIP
from entities.admin.icons import icon_of
from entities.admin.offered import Page

if TYPE_CHECKING:
    from entities.admin.pages import RecordAdmin

#: The room of entities that name none.
_CUSTOM = "Custom"
_AUDIT = "AUDIT_LOG"
#: Where the API is described, in pages of its own.
DOCUMENTATION = "/docs/"


def rooms(admins: list["RecordAdmin"]) -> list[tuple[str, list["RecordAdmin"]]]:
    """(Room, its entities), both in order."""
    by_room: dict[str, list[RecordAdmin]] = {}
    for admin in admins:
        by_room.setdefault(admin.schema.node or _CUSTOM, []).append(admin)
    order = _order()
    return [
        (room, sorted(by_room[room], key=_weight))
        for room in sorted(by_room, key=lambda r: (order.get(r, (1, 0)), r))
    ]


def _order() -> dict[str, tuple[int, int]]:
    """Room -> its place: rooms of the business (0), made by people (1), of the platform (2)."""
    return {
        str(app.verbose_name): (
            2 if app.name.startswith(("metabrm.", "entities")) else 0,
            place,
        )
        for place, app in enumerate(apps.get_app_configs())
    }


def _weight(admin: "RecordAdmin") -> tuple[int, int, str]:
    """What stands on its own comes first, then what others point to most."""
    needs = sum(field.required for field in admin.schema.lookups)
    pointing = sum(
        field.name not in AUTHORSHIP for _, field in admin.snapshot.references(admin.schema)
    )
    return needs, -pointing, admin.schema.label_plural


def sidebar(
    request: HttpRequest,
    root: str,
    admins: list["RecordAdmin"],
    *,
    designs: bool = False,
    watches: bool = False,
    more: Sequence[Page] = (),
) -> list[dict[str, Any]]:
    """The groups of the menu as the theme draws them."""
    groups: list[dict[str, Any]] = [
        {
            "title": "",
            "separator": False,
            "collapsible": False,
            "items": [_item(request, "Overview", root, "space_dashboard", None, exact=True)]
            + [_item(request, "Signed in", f"{root}sessions/", "devices", None)]
            + ([_item(request, "Designer", f"{root}designer/", "design_services", None)] * designs)
            + ([_item(request, "Slow queries", f"{root}slow-queries/", "speed", None)] * watches)
            + [_entity(request, a) for a in admins if a.schema.name == _AUDIT]
            + ([_item(request, "API", DOCUMENTATION, "api", None)] * bool(admins)),
        }
    ]
    for room, found in rooms([a for a in admins if a.schema.name != _AUDIT]):
        groups.append(
            {
                "title": room,
                "separator": True,
                "collapsible": True,
                "items": [_entity(request, admin) for admin in found],
            }
        )
    for page in more:
        item = _item(request, page.title, f"{root}{page.address}", page.icon, None)
        group = next((each for each in groups if each["title"] == page.room), None)
        if group is None:
            group = {"title": page.room, "separator": True, "collapsible": True, "items": []}
            groups.append(group)
        group["items"].insert(0, item)
    return groups


def _entity(request: HttpRequest, admin: "RecordAdmin") -> dict[str, Any]:
    schema = admin.schema
    title = schema.label_plural[:1].upper() + schema.label_plural[1:]
    return _item(request, title, admin.page("changelist"), icon_of(schema.name), schema.model)


def _item(
    request: HttpRequest, title: str, link: str, icon: str, model: Any, exact: bool = False
) -> dict[str, Any]:
    path = request.path
    return {
        # The theme's menu takes a title for HTML.
        "title": escape(title),
        "link": link,
        "icon": icon,
        "model": model,
        "has_permission": True,
        "active": path == link if exact else bool(link) and path.startswith(link),
    }
