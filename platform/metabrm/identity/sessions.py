"""API sessions: what `login` opens, the `sessionid` header names, and `logout` closes.

The session id is 256 random bits, shown once; the database keeps its SHA-256, so a stolen backup
opens nothing. A session ends when it is closed, when nobody used it for API_SESSION_IDLE, or
API_SESSION_LIFETIME after it was opened, and it works only while its user and the user's role are
active. Reading it is one statement, because every request does; its last use is written at most
once a minute, because writing costs more than reading.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.models import Q

from metabrm import clock
from metabrm.identity.context import Context
from metabrm.identity.models import ApiSession, User

LAST_USE_RESOLUTION = timedelta(minutes=1)
# Longer than any id given out; what is longer isn't one, and need not be hashed to know it.
LONGEST_SESSION_ID = 200

# `{alongside}` is an expression of the caller's own, answered by the same statement.
_CALLER = """
SELECT u.id, u.role_id, r.administrator_flag, u.username, coalesce(z.name, 'UTC'), r.view_pii_flag,
       {alongside}, {proof}
FROM identity_user u
JOIN identity_role r ON r.id = u.role_id
LEFT JOIN localization_timezone z ON z.id = u.time_zone_id
{by}
  AND u.status = 'ACTIVE' AND u.deleted_at IS NULL
  AND r.status = 'ACTIVE' AND r.deleted_at IS NULL
"""
_BY_SESSION = """
JOIN identity_apisession s ON s.user_id = u.id
WHERE s.token_hash = $1 AND s.expires > $2 AND s.last_used > $3"""
_BY_USER = "WHERE u.id = $1"


def open_session(user: User) -> str:
    """Open a session for `user`, who has proved to be that user; returns the session id."""
    session_id = secrets.token_urlsafe(32)
    now = clock.now()
    ApiSession.objects.create(
        token_hash=_hash(session_id),
        user=user,
        created=now,
        last_used=now,
        expires=now + settings.API_SESSION_LIFETIME,
    )
    return session_id


def close_session(session_id: str) -> bool:
    """Close the session; False if there was none (any more)."""
    if not _possible(session_id):
        return False
    deleted, _ = ApiSession.objects.filter(token_hash=_hash(session_id)).delete()
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
    sql = _CALLER.format(alongside=alongside, proof="s.id, s.last_used", by=_BY_SESSION)
    row = _ask(sql, [_hash(session_id), now, now - settings.API_SESSION_IDLE])
    if row is None:
        return None
    *caller, value, key, last_used = row
    if now - last_used > LAST_USE_RESOLUTION:
        _used(key, now)
    return _context(caller, reason, request_id), value


def context_of_user(
    user_id: int, *, reason: str = "", request_id: str = "", alongside: str = "NULL"
) -> tuple[Context, Any, str] | None:
    """The same for a user known by Id, with the hash of the user's password as third value."""
    sql = _CALLER.format(alongside=alongside, proof="u.password", by=_BY_USER)
    row = _ask(sql, [user_id])
    if row is None:
        return None
    *caller, value, password = row
    return _context(caller, reason, request_id), value, password


def close_sessions_of(user: User) -> int:
    """Close every session of `user` (the password changed); returns how many."""
    return close_sessions_of_users([user.pk])


def close_sessions_of_users(user_ids: Iterable[int]) -> int:
    """Close every session of the users with these Ids; returns how many."""
    return ApiSession.objects.filter(user__in=list(user_ids)).delete()[0]


def purge_expired_sessions() -> int:
    """Remove the sessions that have ended; returns how many."""
    now = clock.now()
    ended = Q(expires__lte=now) | Q(last_used__lte=now - settings.API_SESSION_IDLE)
    return ApiSession.objects.filter(ended).delete()[0]


def _ask(sql: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    """The one row of a prepared statement: planning these joins takes longer than running them."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.RawCursor(connection.connection)
        return cursor.execute(sql, parameters, prepare=True).fetchone()


def _used(key: int, now: datetime) -> None:
    # Many requests of one session may find the minute over at once: the first of them writes, and
    # none of them waits for it.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE identity_apisession SET last_used = %s WHERE id = ("
            "SELECT id FROM identity_apisession WHERE id = %s AND last_used < %s "
            "FOR UPDATE SKIP LOCKED)",
            [now, key, now - LAST_USE_RESOLUTION],
        )


def _context(caller: list[Any], reason: str, request_id: str) -> Context:
    user_id, role_id, administrator, username, zone, views_pii = caller
    return Context(user_id, role_id, administrator, username, reason, request_id, zone, views_pii)


def _possible(session_id: str) -> bool:
    return 0 < len(session_id) <= LONGEST_SESSION_ID


def _hash(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()
