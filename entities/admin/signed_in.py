"""Who is signed in, by programs and browsers: from where, last seen when, a button that ends it.

Everybody sees what he himself is signed in by; administrators see all. Of one user, whoever may
change and manage him ends everything at once, or forgets the failed sign-ins that lock him out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from entities import credentials
from entities.admin.callers import context_of
from entities.errors import RequestError
from entities.schema.snapshot import Snapshot
from metabrm import clock
from metabrm.identity import lockout
from metabrm.identity.browser import stored
from metabrm.identity.models import ApiSession, BrowserSession, User

#: Of all users, so many are shown of each kind.
MOST = 200


@dataclass(frozen=True, slots=True)
class Row:
    """Something somebody is signed in by; `key` names it in the form."""

    key: str
    user_id: int
    username: str
    by: str
    address: str
    agent: str
    since: datetime | None
    last_used: datetime | None
    own: bool


def page(request: HttpRequest, snapshot: Snapshot, frame: dict[str, Any]) -> HttpResponse:
    """The list, of all or of the user in `?user=`; a POST ends what it names."""
    context = context_of(request, "admin: end sessions")
    asked = request.GET.get("user", "")
    if not context.administrator and not asked:
        asked = str(context.user_id)
    user = None
    if asked:
        known = User.objects.filter(pk=int(asked)) if _is_key(asked) else User.objects.none()
        user = known.first()
        if user is None:
            raise Http404
    if user is not None:
        _require_power_over(request, snapshot, user.pk)
    if request.method == "POST":
        return _done(request, snapshot, user)
    rows = _rows(request, user)
    return TemplateResponse(
        request,
        "admin/metabrm/sessions.html",
        {
            **frame,
            "title": f"Where {user} is signed in" if user else "Who is signed in",
            "about": user,
            "rows": rows,
            "more": user is None and len(rows) >= MOST,
            "failures": lockout.failures(user.username) if user else 0,
            "may_unlock": user is not None and user.pk != context.user_id,
        },
    )


def _rows(request: HttpRequest, user: User | None) -> list[Row]:
    now = clock.now()
    live = Q(expires__gt=now) & (
        Q(token_hash=None) | Q(last_used__gt=now - settings.API_SESSION_IDLE)
    )
    programs = _of(ApiSession.objects.filter(live), user).select_related("secret__client")
    browsers = _of(
        BrowserSession.objects.filter(expire_date__gt=timezone.now(), user__isnull=False), user
    )
    here = stored(request.session.session_key or "")
    rows = [
        Row(
            f"program-{row.pk}",
            row.user_id,
            row.user.username,
            _kind(row),
            row.address,
            row.agent,
            row.created,
            row.last_used,
            False,
        )
        for row in programs
    ] + [
        Row(
            f"browser-{row.session_key}",
            row.user_id,
            row.user.username,
            "browser",
            row.address,
            row.agent,
            _since(row),
            row.last_used,
            row.session_key == here,
        )
        for row in browsers
    ]
    return sorted(rows, key=lambda row: row.last_used or now, reverse=True)


def _of(rows: QuerySet[Any], user: User | None) -> QuerySet[Any]:
    own = rows.filter(user=user) if user else rows
    return own.select_related("user").order_by("-last_used")[: None if user else MOST]


def _kind(row: ApiSession) -> str:
    if row.token_hash is not None:
        return "session"
    return f"client {row.secret.client.name}" if row.secret and row.secret.client else "token"


def _since(row: BrowserSession) -> datetime | None:
    since = row.get_decoded().get("since")
    return datetime.fromisoformat(since) if since else None


def _done(request: HttpRequest, snapshot: Snapshot, user: User | None) -> HttpResponse:
    back = HttpResponseRedirect(request.get_full_path())
    context = context_of(request, "admin: end sessions")
    if user is not None and "everywhere" in request.POST:
        if user.pk == context.user_id:
            logout(request)
        credentials.sign_out_everywhere(snapshot, context, user.pk)
        messages.success(request, f"{user} is signed out everywhere.")
        return back
    if user is not None and "unlock" in request.POST:
        if user.pk == context.user_id:
            raise PermissionDenied("Somebody else unlocks you.")
        lockout.unlock(user.username)
        messages.success(request, f"{user} can sign in again.")
        return back
    kind, _, key = request.POST.get("end", "").partition("-")
    if kind == "browser" and key == stored(request.session.session_key or ""):
        logout(request)
        return back
    found: Any = None
    if kind == "program" and _is_key(key):
        found = ApiSession.objects.filter(pk=int(key)).first()
    elif kind == "browser":
        found = BrowserSession.objects.filter(session_key=key, user__isnull=False).first()
    if found is not None:
        _require_power_over(request, snapshot, found.user_id)
        found.delete()
        messages.success(request, f"A session of {found.user} has ended.")
    return back


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _require_power_over(request: HttpRequest, snapshot: Snapshot, user_id: int) -> None:
    try:
        credentials.require_power_over(snapshot, context_of(request), user_id)
    except RequestError as error:
        raise PermissionDenied(error.message) from error
