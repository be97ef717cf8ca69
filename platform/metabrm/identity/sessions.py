"""Who is signed in, and who is calling: what `login` opens, a credential names, `logout` closes.

A session id is 256 random bits, shown once; the database keeps its SHA-256, so a stolen backup
opens nothing. Tokens have a row like a session, so that they end the same ways: when it is closed,
API_SESSION_LIFETIME after it was opened, and a session also when nobody used it for
API_SESSION_IDLE. A credential works only while its user and the user's role are active. Reading it
is one statement, because every request does; its last use is written at most once a minute,
because writing costs more than reading.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.http import HttpRequest

from metabrm import clock
from metabrm.identity.context import Context
from metabrm.identity.models import ApiSession, BrowserSession, User
from metabrm.web.addresses import client_address

LAST_USE_RESOLUTION = timedelta(minutes=1)
# Longer than any id given out; what is longer isn't one, and need not be hashed to know it.
LONGEST_SESSION_ID = 200

# `{alongside}` is an expression of the caller's own, answered by the same statement.
_CALLER = """
SELECT u.id, r.id, {administrator}, u.username, coalesce(z.name, 'UTC'), {views_pii}, {alongside},
       {proof}
FROM identity_user u
{joins}
LEFT JOIN localization_timezone z ON z.id = u.time_zone_id
WHERE {condition}
  AND u.status = 'ACTIVE' AND u.deleted_at IS NULL
  AND r.status = 'ACTIVE' AND r.deleted_at IS NULL
"""
_OWN_ROLE = {
    "administrator": "r.administrator_flag",
    "views_pii": "r.view_pii_flag",
    "proof": "s.id, s.last_used",
}
_BY_SESSION = {
    **_OWN_ROLE,
    "joins": "JOIN identity_role r ON r.id = u.role_id\n"
    "JOIN identity_apisession s ON s.user_id = u.id",
    "condition": "s.token_hash = $1 AND s.expires > $2 AND s.last_used > $3",
}
_BY_TOKEN = {
    **_OWN_ROLE,
    "joins": _BY_SESSION["joins"] + "\nLEFT JOIN identity_secret p ON p.id = s.secret_id"
    "\nLEFT JOIN identity_oauthclient c ON c.id = p.client_id",
    # A client's tokens are worth no more than the secret by which it got them.
    "condition": "s.id = $1 AND u.id = $3 AND s.expires > $2 "
    "AND (s.secret_id IS NULL OR coalesce(p.expires, 'infinity') > $2 "
    "AND c.status = 'ACTIVE' AND c.deleted_at IS NULL)",
}
# A key with a role of its own makes nobody more than he is: administrators are both.
_BY_KEY = {
    "administrator": "r.administrator_flag AND o.administrator_flag",
    "views_pii": "r.view_pii_flag AND o.view_pii_flag",
    "proof": "s.id, s.last_used",
    "joins": "JOIN identity_apikey k ON k.user_id = u.id\n"
    "JOIN identity_secret s ON s.api_key_id = k.id\n"
    "JOIN identity_role o ON o.id = u.role_id\n"
    "JOIN identity_role r ON r.id = coalesce(k.role_id, u.role_id)",
    "condition": "s.secret_hash = $1 AND k.status = 'ACTIVE' AND k.deleted_at IS NULL "
    "AND coalesce(k.expiration_date, 'infinity') > $2 AND coalesce(s.expires, 'infinity') > $2 "
    "AND o.status = 'ACTIVE' AND o.deleted_at IS NULL",
}


_STILL = """
SELECT 1 FROM identity_user
WHERE id = %s AND password = %s AND status = 'ACTIVE' AND deleted_at IS NULL FOR SHARE
"""
_USED = """
UPDATE {table} SET last_used = %s WHERE id = (SELECT id FROM {table}
    WHERE id = %s AND (last_used IS NULL OR last_used < %s) FOR UPDATE SKIP LOCKED)
"""


class SignInOvertakenError(Exception):
    """Between the proof and the sign-in the password changed, or the user was deactivated."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where somebody signs in from, as the list of sessions shows it."""

    address: str = ""
    agent: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "Origin":
        return cls(client_address(request), agent_of(request))


NOWHERE = Origin()


def agent_of(request: HttpRequest) -> str:
    """What a program or browser calls itself, made fit to be shown."""
    sent = str(request.META.get("HTTP_USER_AGENT", ""))[:200]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in sent)


def open_session(user: User, origin: Origin = NOWHERE) -> str:
    """Open a session for `user`, who has proved to be that user; returns the session id."""
    session_id = secrets.token_urlsafe(32)
    _open(user, origin, settings.API_SESSION_LIFETIME, token_hash=hash_of(session_id))
    return session_id


def open_tokens(
    user: User, origin: Origin, lifetime: timedelta, *, secret_id: int | None = None
) -> int:
    """Note that tokens are issued to `user`, or to a client by its secret; returns what names the
    row in them."""
    return _open(user, origin, lifetime, secret_id=secret_id).pk


def _open(user: User, origin: Origin, lifetime: timedelta, **proof: Any) -> ApiSession:
    now = clock.now()
    with transaction.atomic():
        # Whoever gives a new password or deactivates waits for this, and then ends it too; if he
        # came first, the proof is worth nothing any more.
        with connection.cursor() as cursor:
            cursor.execute(_STILL, [user.pk, user.password])
            if cursor.fetchone() is None:
                raise SignInOvertakenError
        return ApiSession.objects.create(
            user=user,
            address=origin.address,
            agent=origin.agent,
            created=now,
            last_used=now,
            expires=now + lifetime,
            **proof,
        )


def close_session(session_id: str) -> bool:
    """Close the session; False if there was none (any more)."""
    if not _possible(session_id):
        return False
    deleted, _ = ApiSession.objects.filter(token_hash=hash_of(session_id)).delete()
    return bool(deleted)


def context_of_session(
    session_id: str, *, reason: str = "", request_id: str = "", alongside: str = "NULL"
) -> tuple[Context, Any] | None:
    """The caller behind a session id and the value of the SQL expression `alongside`.

    None if no such session is open, or its user may no longer sign in.
    """
    if not _possible(session_id):
        return None
    now = clock.now()
    sql = _CALLER.format(alongside=alongside, **_BY_SESSION)
    row = _ask(sql, [hash_of(session_id), now, now - settings.API_SESSION_IDLE])
    return _found(row, now, "identity_apisession", reason, request_id)


def context_of_tokens(
    row_id: int, user_id: int, *, reason: str = "", request_id: str = "", alongside: str = "NULL"
) -> tuple[Context, Any] | None:
    """The same for tokens, by the row that they name and the user they were issued to."""
    now = clock.now()
    sql = _CALLER.format(alongside=alongside, **_BY_TOKEN)
    row = _ask(sql, [row_id, now, user_id])
    return _found(row, now, "identity_apisession", reason, request_id)


def context_of_key(
    key: str, *, reason: str = "", request_id: str = "", alongside: str = "NULL"
) -> tuple[Context, Any] | None:
    """The same for an API key: its user, with the rights of the key's role."""
    if not _possible(key):
        return None
    now = clock.now()
    sql = _CALLER.format(alongside=alongside, **_BY_KEY)
    row = _ask(sql, [hash_of(key), now])
    return _found(row, now, "identity_secret", reason, request_id)


def close_row(row_id: int) -> None:
    """Close what tokens name by this Id."""
    ApiSession.objects.filter(pk=row_id).delete()


def row_of_session(session_id: str) -> int | None:
    """What names an open session in tokens that are issued to it."""
    row = ApiSession.objects.filter(token_hash=hash_of(session_id)).only("pk").first()
    return row.pk if row else None


def close_sessions_of(user: User) -> int:
    """Sign `user` out everywhere (the password changed); returns how many sessions there were."""
    return close_sessions_of_users([user.pk])


def close_sessions_of_users(user_ids: Iterable[int]) -> int:
    """Sign the users with these Ids out: programs, tokens and browsers; returns how many."""
    ids = list(user_ids)
    if not ids:
        return 0
    programs, _ = ApiSession.objects.filter(user__in=ids).delete()
    browsers, _ = BrowserSession.objects.filter(user__in=ids).delete()
    return programs + browsers


def close_sessions_of_roles(role_ids: Iterable[int]) -> int:
    """Sign all members of the roles out, and keys that have one of them; returns how many."""
    members = User.objects.filter(role__in=list(role_ids)).values_list("pk", flat=True)
    return close_sessions_of_users(members)


def purge_expired_sessions() -> int:
    """Remove the sessions that have ended; returns how many."""
    now = clock.now()
    idle = Q(last_used__lte=now - settings.API_SESSION_IDLE, token_hash__isnull=False)
    programs, _ = ApiSession.objects.filter(Q(expires__lte=now) | idle).delete()
    browsers, _ = BrowserSession.objects.filter(expire_date__lte=now).delete()
    return programs + browsers


def hash_of(secret: str) -> bytes:
    """What is kept of 256 random bits: guessing them is hopeless, so one SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _ask(sql: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    """The one row of a prepared statement: planning these joins takes longer than running them."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.RawCursor(connection.connection)
        return cursor.execute(sql, parameters, prepare=True).fetchone()


def _found(
    row: tuple[Any, ...] | None, now: datetime, table: str, reason: str, request_id: str
) -> tuple[Context, Any] | None:
    if row is None:
        return None
    user_id, role_id, administrator, username, zone, views_pii, value, key, last_used = row
    if last_used is None or now - last_used > LAST_USE_RESOLUTION:
        _used(table, key, now)
    context = Context(
        user_id, role_id, administrator, username, reason, request_id, zone, views_pii
    )
    return context, value


def _used(table: str, key: int, now: datetime) -> None:
    # Many requests of one session may find the minute over at once: the first of them writes, and
    # none of them waits for it.
    with connection.cursor() as cursor:
        cursor.execute(_USED.format(table=table), [now, key, now - LAST_USE_RESOLUTION])


def _possible(session_id: str) -> bool:
    return 0 < len(session_id) <= LONGEST_SESSION_ID
