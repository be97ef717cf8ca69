"""Who is at a load, that nobody else is, and what happens when it fails.

A worker holds a lock of its database session as long as it is at a load: when it dies, the lock is
gone with the session, and the next one takes the load up from its stage. What can't be read is
parked at once; what failed for another reason is tried again, later each time, and then parked.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from django.db import connection
from django.db.models import F, Q

from billing.mediation.loads import finishing, mapping
from billing.mediation.models import ActivityCollectorHistory, LoadShard
from billing.mediation.models.loads import PARKED, REVERSING, RUNNING, WAITING
from billing.mediation.reading import UnreadableError
from entities.bulk.jobs import another_connection
from entities.formulas import FormulaError
from metabrm import background, clock
from metabrm.background import alone

log = logging.getLogger(__name__)

#: Half of the key of a load's lock; the other is its Id.
KIND = 0x6272_6D75
RUN, RATE, FINISH = "metabrm.run_load", "metabrm.rate_load", "metabrm.finish_load"
#: So often a load is tried.
MOST_ATTEMPTS = 6
#: Seconds until the second attempt; each further one waits twice as long.
PAUSE = 30
#: Progress, in per cent, from which on shards are told.
RATED_FROM = 60
#: How long shards may take to be rated before somebody is told again.
RATING = timedelta(minutes=5)
#: Seconds between two signs of life.
BEAT = 5.0


def run(load_id: int) -> bool:
    """Map the load, unless somebody else is at it or it is done; whether it was taken up."""
    with alone(KIND, load_id) as mine:
        if not mine or not _claimed(load_id):
            return False
        load = ActivityCollectorHistory.objects.get(pk=load_id)
        if load.attempts > MOST_ATTEMPTS:
            _park(
                load,
                f"Whoever was at it died, or failed, {MOST_ATTEMPTS} times. Last: "
                f"{load.error_text or 'nothing was told'}",
            )
            return True
        if load.stage == "MAPPED" and _in_flight(load):
            # Whoever rates it has had his time, and is told again.
            told = load.progress >= RATED_FROM and load.heartbeat
            if told and told > clock.now() - RATING:
                return False
            mapping.make_months(load_id)
        else:
            try:
                with _beating(load_id) as beat:
                    mapping.map_load(load, beat)
            except (UnreadableError, FormulaError) as error:
                _park(load, str(error))
                return True
            except Exception as error:
                _later(load, error)
                return True
    rate(load_id)
    return True


def rate(load_id: int) -> None:
    """Have the shards rated that are not; finish where there is none."""
    waiting = LoadShard.objects.filter(load_id=load_id, rated=False)
    shards = list(waiting.order_by("shard").values_list("shard", flat=True))
    if not shards or _only_tried(load_id):
        finish(load_id)
        return
    ActivityCollectorHistory.objects.filter(pk=load_id).update(
        heartbeat=clock.now(), progress=RATED_FROM
    )
    for shard in shards:
        background.tell(RATE, load_id, shard)


def finish(load_id: int) -> bool:
    """Write what became of the load's usage once all of it is rated, and put its file away."""
    with alone(KIND, load_id) as mine:
        if not mine:
            return False
        return finishing.finish(load_id)


def _only_tried(load_id: int) -> bool:
    return ActivityCollectorHistory.objects.filter(
        pk=load_id, activity_collector__status="Test Mode"
    ).exists()


def _claimed(load_id: int) -> bool:
    now = clock.now()
    due = Q(next_attempt=None) | Q(next_attempt__lte=now)
    load = ActivityCollectorHistory.objects.filter(due, pk=load_id, deleted_at=None)
    begun = load.filter(status__in=(WAITING, RUNNING), stage="").update(
        status=RUNNING,
        attempts=F("attempts") + 1,
        begun_date=now,
        mapped_date=None,
        rated_date=None,
        heartbeat=now,
        updated=now,
    )
    return bool(begun) or load.filter(status=RUNNING, stage="MAPPED").exists()


def _in_flight(load: ActivityCollectorHistory) -> bool:
    """Whether the usage that was mapped is still there; a database that crashed has emptied it."""
    if not LoadShard.objects.filter(load=load).exists():
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM mediation_usage WHERE load_id = %s LIMIT 1", [load.pk])
        return bool(cursor.rowcount)


def _park(load: ActivityCollectorHistory, why: str) -> None:
    log.warning("load %s is parked: %s", load.pk, why)
    now = clock.now()
    ActivityCollectorHistory.objects.filter(pk=load.pk).update(
        status=PARKED, error_text=why[:4000], end_date=now, updated=now, next_attempt=None
    )


def _later(load: ActivityCollectorHistory, error: Exception) -> None:
    """Try again after a pause that grows."""
    log.warning("load %s failed, attempt %s", load.pk, load.attempts, exc_info=error)
    told = f"Attempt {load.attempts} failed: {type(error).__name__}."
    if load.attempts >= MOST_ATTEMPTS:
        _park(load, f"{told} Tell the administrator; the platform's log says more.")
        return
    now = clock.now()
    ActivityCollectorHistory.objects.filter(pk=load.pk).update(
        status=WAITING,
        error_text=told,
        next_attempt=now + timedelta(seconds=PAUSE * 2 ** (load.attempts - 1)),
        updated=now,
    )


def unfinished() -> list[int]:
    """Loads that wait, or whose worker may be gone, in the order of their collectors."""
    now = clock.now()
    due = Q(next_attempt=None) | Q(next_attempt__lte=now)
    waiting = Q(status__in=(WAITING, RUNNING, REVERSING)) | Q(status="COMPLETED", stage="FINISHED")
    found = ActivityCollectorHistory.objects.filter(due & waiting, deleted_at=None)
    ordered = found.order_by(F("activity_collector__load_order").asc(nulls_last=True), "id")
    return list(ordered.values_list("pk", flat=True))


@contextmanager
def _beating(load_id: int) -> Iterator[mapping.Beat]:
    """Signs of life, with how many records were read, on a connection of their own."""
    done = threading.Event()
    count = [0]

    def beat(records: int) -> None:
        count[0] = records

    thread = threading.Thread(target=_beat, args=[load_id, count, done], daemon=True)
    thread.start()
    try:
        yield beat
    finally:
        done.set()
        thread.join()


def _beat(load_id: int, count: list[int], done: threading.Event) -> None:
    began = time.monotonic()
    while not done.wait(BEAT):
        try:
            with another_connection() as raw:
                raw.execute(
                    "UPDATE mediation_activitycollectorhistory SET heartbeat = %s, "
                    "record_count = %s, progress = least(40, 5 + %s) WHERE id = %s",
                    [clock.now(), count[0], int(time.monotonic() - began) // 5, load_id],
                )
        except psycopg.Error:
            # Who runs the load meets the same trouble, and tells of it.
            return
