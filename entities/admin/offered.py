"""Pages of the admin that other rooms bring: more than an entity's list and form, or other ones.

A room offers a `Page` when it is loaded (in its AppConfig.ready). It stands in the menu of whoever
may use it, in the room that it names; nothing here knows whose it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse

from entities.schema.snapshot import Snapshot

if TYPE_CHECKING:
    from entities.admin.pages import RecordAdmin
    from entities.admin.site import RecordSite


@dataclass(frozen=True, slots=True)
class Page:
    """`address` is what follows /admin/: "price-explorer/"; `name` what the address is called.

    room    the heading it stands under in the menu
    about   entities whose records' pages know it as `explorable` -> the parameter that takes their
            Id, for a link among the tools of their pages ("" for none)
    link    what that link is called, where it is not the title
    usable  whether the request's user may open it
    view    what answers; whoever may not use the page never gets there
    """

    name: str
    address: str
    title: str
    icon: str
    room: str
    usable: Callable[[HttpRequest, Snapshot], bool]
    view: Callable[["RecordSite", HttpRequest], HttpResponse]
    about: Mapping[str, str] = field(default_factory=dict)
    link: str = ""


_offered: dict[str, Page] = {}
_pages_of: dict[str, type["RecordAdmin"]] = {}


def offer(page: Page) -> None:
    """Have the page from the next site on."""
    _offered[page.name] = page


def pages() -> list[Page]:
    """All pages of other rooms, by title."""
    return sorted(_offered.values(), key=lambda page: page.title)


def explorable(request: HttpRequest, snapshot: Snapshot, entity: str) -> list[Page]:
    """The pages about records of an entity that the request's user may open."""
    return [page for page in pages() if entity in page.about and page.usable(request, snapshot)]


def offer_pages_of(entity: str, pages: type["RecordAdmin"]) -> None:
    """Have an entity's list and form made by this class from the next site on."""
    _pages_of[entity] = pages


def pages_of(entity: str) -> type["RecordAdmin"] | None:
    """The class that another room has for an entity's list and form."""
    return _pages_of.get(entity)
