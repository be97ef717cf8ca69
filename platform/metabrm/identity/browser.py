"""Browser sessions: Django's own in the database, with whose they are and where they are used.

So they are listed and ended like those of programs, and as of those, the database keeps only a hash
of what the cookie holds. They end when nobody used them for SESSION_COOKIE_AGE, and
API_SESSION_LIFETIME after the sign-in; the last use is written once a minute.
"""

import hashlib
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from metabrm import clock
from metabrm.identity.models import BrowserSession
from metabrm.identity.sessions import LAST_USE_RESOLUTION, agent_of
from metabrm.web.addresses import client_address

_SINCE, _SEEN, _ADDRESS, _AGENT = "since", "seen", "address", "agent"


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        return BrowserSession

    def _get_session_from_db(self) -> BrowserSession | None:
        now = timezone.now()
        rows = BrowserSession.objects.filter(session_key=stored(self.session_key or ""))
        found: BrowserSession | None = rows.filter(expire_date__gt=now).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return super().exists(stored(session_key))

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(stored(key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = stored(row.session_key)
        row.user_id = data.get(SESSION_KEY)
        row.address, row.agent = data.get(_ADDRESS, ""), data.get(_AGENT, "")
        row.last_used = _moment(data.get(_SEEN))
        return row


def stored(session_key: str) -> str:
    """What the database keeps of a session's key."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


@receiver(user_logged_in, dispatch_uid="metabrm.identity.browser")
def _signed_in(request: HttpRequest | None, **_: Any) -> None:
    if request is None:
        return
    now = clock.now().isoformat()
    request.session[_SINCE] = request.session[_SEEN] = now
    request.session[_ADDRESS] = client_address(request)
    request.session[_AGENT] = agent_of(request)


def used(request: HttpRequest) -> None:
    """Somebody who is signed in opens a page: note it, or sign him out after the longest time."""
    now, since = clock.now(), _moment(request.session.get(_SINCE))
    if since is None or now - since > settings.API_SESSION_LIFETIME:
        logout(request)
        return
    seen = _moment(request.session.get(_SEEN))
    if seen is None or now - seen > LAST_USE_RESOLUTION:
        request.session[_SEEN] = now.isoformat()


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
