"""The addresses of the admin, which outlive the site of a snapshot.

Django takes ten times as long to compile addresses as a site takes to be made, and most changes of
the schema leave every address as it is. So what an address leads to is found when it is asked for,
in the site that the request has: addresses are kept as long as they know all entities of the newest
site. Those of an entity that is gone lead nowhere until other addresses take their place.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, include, path

if TYPE_CHECKING:
    from entities.admin.site import RecordSite

View = Callable[..., Any]


class Addresses:
    """The URL configuration of a request under /admin/: the site's, then all the others."""

    handler400 = "entities.api.outside.bad_request"
    # Nothing but a page by itself: what failed may be what the menu is made of.
    handler500 = "entities.api.outside.failed"

    def __init__(self, site: "RecordSite") -> None:
        self.pages = frozenset(site.pages)
        self.urlpatterns = [
            path(site.root.lstrip("/"), (list(_patterns(site)), "admin", site.name)),
            path("", include(settings.ROOT_URLCONF)),
        ]

    def lead_to(self, site: "RecordSite") -> bool:
        """Whether each entity of the site has its addresses."""
        return self.pages.issuperset(site.pages)

    def handler403(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        return _trouble(request, 403, "You may not do this", str(exception))

    def handler404(self, request: HttpRequest, exception: Exception) -> HttpResponse:
        return _trouble(request, 404, "There is no such page", "")


def _patterns(site: "RecordSite") -> Iterator[URLPattern | URLResolver]:
    pages = iter(site.pages.items())
    numbers = count()
    for pattern in site.get_urls():
        if isinstance(pattern, URLPattern):
            yield _late(pattern, lambda site: site.views, next(numbers))
        else:
            page, admin = next(pages)

            def views_of(site: "RecordSite", page: Any = page) -> list[View] | None:
                found = site.pages.get(page)
                return found.views if found is not None else None

            own = [_late(each, views_of, number) for number, each in enumerate(admin.get_urls())]
            yield URLResolver(pattern.pattern, own)


def _late(
    pattern: URLPattern, views_of: Callable[["RecordSite"], list[View] | None], number: int
) -> URLPattern:
    """The same address, for whichever site the request has."""

    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        site = _site(request)
        views = views_of(site)
        found = views[number] if views is not None else site.admin_view(_nothing)
        return found(request, *args, **kwargs)

    return URLPattern(pattern.pattern, view, pattern.default_args, pattern.name)


def _nothing(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    raise Http404


def _site(request: HttpRequest) -> "RecordSite":
    site: RecordSite = request.brm_site  # type: ignore[attr-defined]
    return site


def _trouble(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    site = _site(request)
    signed_in = hasattr(request, "user") and site.has_permission(request)
    context = {
        **(site.each_context(request) if signed_in else {}),
        "title": title,
        "message": message,
        "status": status,
    }
    template = "trouble.html" if signed_in else "trouble_outside.html"
    return render(request, f"admin/metabrm/{template}", context, status=status)
