"""COLLECTOR_FIELDS that programs send: they wait in an open load until the sender has signed out.

All that one user sends for a collector while he is signed in is one load, in PENDING LOGOUT. When
he has no session any more (logged out, or expired) the load is closed and runs. Who comes with a
key or a token has no session: his load closes when nothing has come for a while.
"""

from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from billing.mediation.models import ActivityCollectorHistory
from billing.mediation.models.loads import OPEN, WAITING
from metabrm import background, clock

#: How long a load without a session stays open after its last record.
IDLE = timedelta(seconds=20)

_LIVE = """
SELECT EXISTS (
    SELECT FROM identity_apisession s WHERE s.user_id = %(user)s AND s.token_hash IS NOT NULL
      AND s.expires > %(now)s AND s.last_used > %(idle)s
)
"""


def open_load(collector_id: int, user_id: int | None, count: int) -> int:
    """The open load of a user's records for a collector, to which so many are added."""
    key = f"api:{collector_id}:{user_id or 0}"
    while True:
        now = clock.now()
        found = ActivityCollectorHistory.objects.filter(identity=key, status=OPEN)
        added = found.update(updated=now, record_count=F("record_count") + count)
        load = found.first() if added else None
        if load is not None:
            return load.pk
        with suppress(IntegrityError), transaction.atomic():
            return ActivityCollectorHistory.objects.create(
                activity_collector_id=collector_id,
                identity=key,
                status=OPEN,
                source="API",
                start_date=now,
                updated=now,
                created_user_id=user_id,
                updated_user_id=user_id,
                record_count=count,
            ).pk


def close(now_for: int | None = None) -> list[int]:
    """Close the open loads whose senders have gone; which they were. `now_for`: of this load,
    whoever is there."""
    closed = []
    opened = ActivityCollectorHistory.objects.filter(
        status=OPEN, source="API", identity__startswith="api:"
    )
    for load in opened.order_by("id"):
        if load.pk != now_for and not _left(load):
            continue
        with transaction.atomic():
            # A record that comes now opens another load.
            done = ActivityCollectorHistory.objects.filter(
                pk=load.pk, status=OPEN, updated=load.updated
            ).update(status=WAITING, identity=None, updated=F("updated"))
        if done:
            closed.append(load.pk)
            background.tell("metabrm.run_load", load.pk)
    return closed


def _left(load: ActivityCollectorHistory) -> bool:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _LIVE,
            {"user": load.created_user_id, "now": now, "idle": now - settings.API_SESSION_IDLE},
        )
        (there,) = cursor.fetchone()
    return not there and load.updated < now - IDLE
