"""The admin site of a snapshot: all its entities, registered at once, kept until the schema moves.

The middleware gives it to requests under /admin/, with the addresses by which Django finds its
pages. So a new entity has its pages with the next request, and a request that has begun ends on the
site it began with. One site is kept; Django's caches of addresses, which would keep all there ever
were, are emptied with each new ones.
"""

import threading
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, clear_url_caches, path, reverse
from unfold.sites import UnfoldAdminSite

from entities.admin import dashboard, lookups, offered, running, signed_in, slow
from entities.admin.addresses import Addresses
from entities.admin.designer.access import may_design
from entities.admin.designer.moving import Moving
from entities.admin.designer.views import Designer
from entities.admin.navigation import sidebar
from entities.admin.pages import RecordAdmin
from entities.admin.special import SPECIAL, OwnPasswordForm, SignInForm
from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot
from metabrm.collecting import uncollected
from metabrm.identity import lockout

ROOT = "/admin/"


class RecordSite(UnfoldAdminSite):
    """The pages of all visible entities of one snapshot."""

    site_title = site_header = "metabrm"
    index_title = "Overview"
    index_template = "admin/metabrm/dashboard.html"
    login_form = SignInForm
    root = ROOT

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__("admin")
        self.snapshot = snapshot
        self.admins: dict[str, RecordAdmin] = {}
        #: By what their addresses are made of.
        self.pages: dict[tuple[str, str, type[RecordAdmin]], RecordAdmin] = {}
        for schema in snapshot.entities.values():
            if schema.visible:
                self._admit(schema)

    def _admit(self, schema: EntitySchema) -> None:
        pages = offered.pages_of(schema.name) or SPECIAL.get(schema.name, RecordAdmin)
        admin = pages(self, self.snapshot, schema)
        self._registry[schema.model] = self.admins[schema.name] = admin
        self.pages[admin.opts.app_label, str(admin.opts.model_name), type(admin)] = admin

    @cached_property
    def addresses(self) -> Addresses:
        """How Django finds the pages."""
        return Addresses(self)

    @cached_property
    def views(self) -> list[Callable[..., Any]]:
        """What the addresses beside those of the entities lead to, in their order."""
        return [each.callback for each in self.get_urls() if isinstance(each, URLPattern)]

    def extra_urls(self) -> list[URLPattern]:
        return [
            path("lookup/<str:entity>/<str:field>/", self.admin_view(self.lookup), name="lookup"),
            path("sessions/", self.admin_view(self.sessions), name="sessions"),
            path("running/", self.admin_view(self.running), name="running"),
            path("slow-queries/", self.admin_view(self.slow_queries), name="slow_queries"),
            *(
                path(page.address, self.admin_view(partial(self.brought, page)), name=page.name)
                for page in offered.pages()
            ),
            *Moving(self, self.snapshot).urls(),
            *Designer(self, self.snapshot).urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Django's own answer names records whatever their reader may see; forms ask `lookup`."""
        raise Http404

    def lookup(self, request: HttpRequest, entity: str, field: str) -> HttpResponse:
        """What a lookup can point to."""
        return lookups.answer(request, self.snapshot, entity, field)

    def brought(self, page: offered.Page, request: HttpRequest) -> HttpResponse:
        """A page of another room."""
        if not page.usable(request, self.snapshot):
            raise PermissionDenied(f"{page.title}: your role has no right to all that it shows.")
        return page.view(self, request)

    def running(self, request: HttpRequest) -> HttpResponse:
        """The part of the overview that has to ask other processes."""
        return render(request, "admin/metabrm/running.html", running.report(self.snapshot))

    def sessions(self, request: HttpRequest) -> HttpResponse:
        """Who is signed in."""
        return signed_in.page(request, self.snapshot, self.each_context(request))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = cast(HttpResponse, super().login(request, extra_context))
        if getattr(request, "axes_locked_out", False):
            minutes = -(-lockout.retry_after() // 60)
            said = f"Too many sign-ins have failed. Try again in {minutes} minutes."
            context = {"title": "Signing in is locked", "message": said, "status": 429}
            response = render(request, "admin/metabrm/trouble_outside.html", context, status=429)
            response.headers["Retry-After"] = str(lockout.retry_after())
        return response

    def slow_queries(self, request: HttpRequest) -> HttpResponse:
        """The last queries that took too long."""
        context = {**self.each_context(request), **slow.page(request)}
        return render(request, "admin/metabrm/slow.html", context)

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        seen = self.seen_by(request)
        return super().index(
            request, {**dashboard.overview(request, seen), **(extra_context or {})}
        )

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Rooms and their entities, as the search in the menu reads them."""
        return [
            {
                "name": group["title"],
                "app_label": group["title"],
                "app_url": self.root,
                "has_module_perms": True,
                "models": [
                    {"name": item["title"], "admin_url": item["link"], "model": item["model"]}
                    for item in group["items"]
                ],
            }
            for group in self.get_sidebar_list(request)
            if group["title"]
        ]

    def _build_app_dict(self, request: HttpRequest, label: str | None = None) -> dict[str, Any]:
        """The same for the theme's search; Django's own knows no entities that people made."""
        return {app["app_label"]: app for app in self.get_app_list(request)}

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        # Each page asks for it twice.
        for_whom = f"brm_menu_of_{request.user.pk}"
        menu: list[dict[str, Any]] | None = getattr(request, for_whom, None)
        if menu is None:
            seen = self.seen_by(request)
            designs = bool(seen) and may_design(request, self.snapshot)
            watches = bool(seen) and slow.may_look(request)
            more = [p for p in offered.pages() if seen and p.usable(request, self.snapshot)]
            menu = sidebar(request, self.root, seen, designs=designs, watches=watches, more=more)
            setattr(request, for_whom, menu)
        return menu

    def seen_by(self, request: HttpRequest) -> list[RecordAdmin]:
        """The entities that the request's user may read; none for who has not signed in."""
        if not self.has_permission(request):
            return []
        return [a for a in self.admins.values() if a.has_view_permission(request)]

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        from django.contrib.auth.views import PasswordChangeView

        request.current_app = self.name
        needed = getattr(request.user, "reset_password_flag", False)
        title = "Choose a new password first" if needed else "Change your password"
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=f"{self.root}password_change/done/",
            extra_context={
                **self.each_context(request),
                "title": title,
                **(extra_context or {}),
            },
        )
        return cast(HttpResponse, view(request))


_current: RecordSite | None = None
_building = threading.Lock()


def site_of(snapshot: Snapshot) -> RecordSite:
    """The snapshot's site, built once."""
    global _current
    site = _current
    if site is not None and site.snapshot is snapshot:
        return site
    with _building:
        if _current is None or _current.snapshot is not snapshot:
            known = _current.addresses if _current is not None else None
            with uncollected():
                site = RecordSite(snapshot)
                if known is not None and known.lead_to(site):
                    site.addresses = known
                else:
                    _compile(site.addresses)
            _current = site
        return _current


def _compile(addresses: Addresses) -> None:
    clear_url_caches()
    # Django compiles all addresses when it is asked for the first one.
    reverse("admin:index", urlconf=cast(Any, addresses))
