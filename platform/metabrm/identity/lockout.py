"""Whoever guesses passwords is locked out, on every way in.

django-axes asks this handler before anybody looks at a password, and tells it what failed; all web
workers count in its table. Three things have limits, each until AXES_COOLOFF_TIME has passed since
the last failure: a user name at one address, an address, and, so that a crowd of addresses can't
share out the guesses, a user name at all addresses. Names that nobody has are counted as well: the
answer tells nobody which exist.
"""

import unicodedata
from typing import Any

from axes.handlers.base import AxesHandler
from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from metabrm import clock, environment
from metabrm.web.addresses import client_address, one_and_the_same

#: An address, and a name at all addresses, may fail so many times as often as a name at an address.
MANY = 20
#: What the counter of an OAuth client's secret is named by.
CLIENT = "client "

_MAY_TRY = """
SELECT coalesce(sum(failures_since_start) FILTER (
           WHERE username = %(name)s AND ip_address = %(address)s::inet), 0) < %(limit)s
   AND coalesce(sum(failures_since_start) FILTER (WHERE username = %(name)s), 0) < %(many)s
   AND coalesce(sum(failures_since_start) FILTER (
           WHERE ip_address = %(address)s::inet), 0) < %(many)s
FROM axes_accessattempt
WHERE (username = %(name)s OR ip_address = %(address)s::inet) AND attempt_time > %(since)s
"""
_FAILED = """
INSERT INTO axes_accessattempt (username, ip_address, user_agent, http_accept, path_info,
    get_data, post_data, attempt_time, failures_since_start)
VALUES (%(name)s, %(address)s::inet, '', '', '', '', '', %(now)s, 1)
ON CONFLICT (username, ip_address, user_agent) DO UPDATE SET attempt_time = excluded.attempt_time,
    failures_since_start = 1 + CASE WHEN axes_accessattempt.attempt_time > %(since)s
        THEN axes_accessattempt.failures_since_start ELSE 0 END
"""
_FORGET = "DELETE FROM axes_accessattempt WHERE {which}"


class Handler(AxesHandler):
    """django-axes' questions, answered by its own table of attempts."""

    def is_allowed(self, request: HttpRequest, credentials: Any = None) -> bool:
        return may_try(request, _of(credentials))

    def user_login_failed(
        self, sender: Any, credentials: Any, request: HttpRequest | None = None, **_: Any
    ) -> None:
        if request is not None and not getattr(request, "axes_locked_out", False):
            failed(request, _of(credentials))

    def user_logged_in(self, sender: Any, request: HttpRequest | None, user: Any, **_: Any) -> None:
        if request is not None:
            succeeded(request, user.get_username())

    def reset_attempts(
        self,
        *,
        ip_address: str | None = None,
        username: str | None = None,
        ip_or_username: bool = False,
    ) -> int:
        wanted = [("username = %s", _name(username))] if username is not None else []
        if ip_address is not None:
            wanted.append(("ip_address = %s::inet", _place(ip_address)))
        either = (" OR " if ip_or_username else " AND ").join(sql for sql, _ in wanted)
        with connection.cursor() as cursor:
            cursor.execute(
                _FORGET.format(which=either or "TRUE"),
                [value for _, value in wanted],
            )
            return cursor.rowcount


def may_try(request: HttpRequest, username: str) -> bool:
    """Whether somebody may try to sign in as `username` from the request's address."""
    with connection.cursor() as cursor:
        cursor.execute(_MAY_TRY, _about(request, username))
        return bool(cursor.fetchone()[0])


def failed(request: HttpRequest, username: str) -> None:
    """Count a try that failed."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, _about(request, username))


def succeeded(request: HttpRequest, username: str) -> None:
    """Forget the tries of `username` at the request's address: the last was right."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM axes_accessattempt WHERE username = %s AND ip_address = %s::inet",
            [_name(username), _place(client_address(request))],
        )


def unlock(username: str) -> int:
    """Forget all failed tries to sign in as `username`; returns at how many addresses."""
    return Handler().reset_attempts(username=username)


def failures(username: str) -> int:
    """How many tries to sign in as `username` have failed of late, from anywhere."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(failures_since_start), 0) FROM axes_accessattempt "
            "WHERE username = %s AND attempt_time > %s",
            [_name(username), clock.now() - settings.AXES_COOLOFF_TIME],
        )
        return int(cursor.fetchone()[0])


def purge() -> int:
    """Forget what locks nobody out any more; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM axes_accessattempt WHERE attempt_time <= %s",
            [clock.now() - settings.AXES_COOLOFF_TIME],
        )
        return cursor.rowcount


def retry_after() -> int:
    """Seconds after which whoever is locked out may try again at the latest."""
    return int(settings.AXES_COOLOFF_TIME.total_seconds())


def _of(credentials: Any) -> str:
    return str((credentials or {}).get("username") or "")


def _about(request: HttpRequest, username: str) -> dict[str, Any]:
    now, limit = clock.now(), environment.current().lockout_failures
    return {
        "name": _name(username),
        "address": _place(client_address(request)),
        "now": now,
        "since": now - settings.AXES_COOLOFF_TIME,
        "limit": limit,
        "many": limit * MANY,
    }


def _name(username: str) -> str:
    """One name for all spellings: what looks the same shares its tries."""
    plain = unicodedata.normalize("NFKC", username).casefold().replace("\0", "")
    return plain.encode("utf-8", "replace").decode()[:255]


def _place(address: str) -> str:
    """The address that tries are counted by; all that are not known are one."""
    return one_and_the_same(address) or "::"
