"""Gives requests under /admin/ the site of the newest snapshot, and the user's time zone."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from entities import files
from entities.admin.reader import reading
from entities.admin.site import ROOT, site_of
from entities.schema.current import current
from metabrm.identity import browser
from metabrm.identity.context import Context
from metabrm.identity.models import User

#: The largest form: a file of the largest size, and what stands around it.
MOST_BYTES = files.MOST_BYTES + 2 * 1024 * 1024
#: How much of a form that is too large is taken off the wire, so that the browser reads the answer.
PATIENCE = 64 * 1024 * 1024
_PIECE = 64 * 1024
_NEW_PASSWORD = f"{ROOT}password_change/"


class AdminOfTheSnapshot:
    """Middleware; stands behind authentication, because times are shown in the user's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not f"{request.path_info}/".startswith(ROOT):
            return self.get_response(request)
        if _length(request) > MOST_BYTES:
            return _too_large(request)
        site = site_of(current())
        request.brm_site = site  # type: ignore[attr-defined]
        request.urlconf = site.addresses  # type: ignore[assignment]
        if request.user.is_authenticated:
            browser.used(request)
        user = request.user
        if isinstance(user, User) and user.reset_password_flag and not _leads_out(request):
            return HttpResponseRedirect(_NEW_PASSWORD)
        context = Context.of(user) if isinstance(user, User) else None
        with timezone.override(context.time_zone if context else "UTC"), reading(context):
            return self.get_response(request)


def _leads_out(request: HttpRequest) -> bool:
    """Whether it is one of the pages for who has to choose a new password before all others."""
    return request.path_info in (_NEW_PASSWORD, f"{ROOT}logout/", f"{ROOT}jsi18n/")


def _length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


def _too_large(request: HttpRequest) -> HttpResponse:
    """Refuse a form before it is read, as nobody is to fill the disk with what is refused."""
    length = _length(request)
    left = min(length, PATIENCE)
    while left > 0 and (piece := request.read(min(_PIECE, left))):
        left -= len(piece)
    return render(
        request, "admin/metabrm/too_large.html", {"said": files.too_large(length)}, status=413
    )
