"""Answers that are given again to whoever sends the same request under the same key.

Of the requests with one key, one at a time is worked on: it holds a lock of the database that ends
with its transaction, however that ends. So there is nothing to clean up after a process that was
killed: its lock is gone, and what it wrote is there together with its answer, or not at all.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from metabrm import clock, environment
from metabrm.web.models import KeptAnswer

#: Answers removed by one statement.
PORTION = 1_000


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that is to be done once: who sends it, what it does, and the key he gave it."""

    owner: str
    operation: str
    key: str

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(f"{self.owner}\0{self.operation}\0{self.key}".encode()).digest()


def claim(keyed: Keyed) -> bool:
    """Whether the request is this transaction's to work on; False: another one does already."""
    number = int.from_bytes(keyed.digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def kept(keyed: Keyed) -> KeptAnswer | None:
    """The answer that is kept. Asked after `claim`: by then the one before has committed."""
    since = clock.now() - _lifetime()
    return KeptAnswer.objects.filter(digest=keyed.digest, stored_at__gt=since).first()


def keep(keyed: Keyed, body_digest: bytes, status: int, body: bytes) -> None:
    """Keep the answer, in place of one whose time is over."""
    values = {
        "owner": keyed.owner,
        "operation": keyed.operation[:200],
        "key": keyed.key,
        "body_digest": body_digest,
        "status": status,
        "body": body,
        "stored_at": clock.now(),
    }
    KeptAnswer.objects.bulk_create(
        [KeptAnswer(digest=keyed.digest, **values)],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=list(values),
    )


def trim() -> int:
    """Remove the answers whose time is over; how many. Can be killed and run again."""
    removed = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM web_keptanswer WHERE digest IN (SELECT digest FROM web_keptanswer "
                "WHERE stored_at <= %s LIMIT %s)",
                [clock.now() - _lifetime(), PORTION],
            )
            removed += cursor.rowcount
            if cursor.rowcount < PORTION:
                return removed


def _lifetime() -> timedelta:
    return timedelta(hours=environment.current().idempotency_hours)
