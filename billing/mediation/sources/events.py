"""CloudEvents that were sent over HTTP: kept until their collector's next load takes them.

An event is known by its source and id (CloudEvents 1.0, section 3.1.1): one that is sent again, as
senders do that got no answer, is kept and dropped as a duplicate, and counted.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from django.db import connection, transaction

from billing.mediation.loads import claiming
from billing.mediation.models import ActivityCollector, ActivityCollectorHistory, UsageEvent
from metabrm import background, clock

#: Events of one load.
MOST = 100_000


def keep(collector_id: int, events: Sequence[str]) -> None:
    """Keep events, each the JSON of one on a line."""
    now = clock.now()
    UsageEvent.objects.bulk_create(
        [UsageEvent(activity_collector_id=collector_id, event=one, received=now) for one in events]
    )


def gather() -> list[int]:
    """Loads of the events that wait."""
    waiting = UsageEvent.objects.filter(load=None).order_by()
    found = []
    for collector_id in waiting.values_list("activity_collector_id", flat=True).distinct():
        collector = ActivityCollector.objects.filter(pk=collector_id, deleted_at=None).first()
        if collector is not None and collector.status != "DEACTIVATED":
            found.append(_gathered(collector))
    for load_id in found:
        background.tell("metabrm.run_load", load_id)
    return found


def _gathered(collector: ActivityCollector) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        load = claiming.open_load(collector, "EVENTS")
        cursor.execute(
            "WITH taken AS MATERIALIZED (SELECT id FROM mediation_usageevent "
            "WHERE activity_collector_id = %s AND load_id IS NULL "
            "ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) "
            "UPDATE mediation_usageevent SET load_id = %s WHERE id IN (SELECT id FROM taken)",
            [collector.pk, MOST, load.pk],
        )
    return load.pk


@contextmanager
def content(load: ActivityCollectorHistory) -> Iterator[IO[bytes]]:
    """The events of a load, one a line."""
    events = UsageEvent.objects.filter(load=load).order_by("id").values_list("event", flat=True)
    yield io.BytesIO(b"".join(one.encode() + b"\n" for one in events))
