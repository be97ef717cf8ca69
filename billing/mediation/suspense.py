"""Usage in suspense: what could not be mapped or priced, kept with its cause, and taken up again.

What is resubmitted becomes a load of its own (Source SUSPENSE), mapped by one statement as any
other: one record, all of a cause, or all of a collector.
"""

from django.db import connection

from billing.mediation.models import ActivityCollectorHistory
from metabrm import clock

IN_SUSPENSE, TAKEN_UP, PENDING, DISCARDED = "SUSPENSE", "RESUBMITTED", "PENDING", "DISCARDED"
#: What Reprocess_Status is set to by whoever wants a record taken up, given up, or back again.
RESUBMIT, DISCARD, RESTORE = "RESUBMIT", "DISCARD", "RESTORE"
#: The same -> the state that a record must have for it.
FROM = {RESUBMIT: IN_SUSPENSE, DISCARD: IN_SUSPENSE, RESTORE: DISCARDED}
#: Records of one load.
MOST = 1_000_000

_TAKE = """
WITH taken AS MATERIALIZED (
    SELECT id FROM mediation_collectorfields
    WHERE activity_collector_id = %(collector)s AND cause IS NOT NULL
      AND process_state = 'SUSPENSE' AND deleted_at IS NULL
      AND (%(cause)s::text IS NULL OR cause = %(cause)s)
      AND (%(day)s::date IS NULL OR created >= (%(day)s::date)::timestamp AT TIME ZONE 'UTC'
           AND created < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC')
      AND (%(token)s::text IS NULL OR billing_identifier = %(token)s)
    ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE mediation_collectorfields SET process_state = 'RESUBMITTED',
    reprocess_status = 'LOAD ' || %(load)s::text, reprocess_date = %(now)s, updated = %(now)s
WHERE id IN (SELECT id FROM taken)
"""
_CHOSEN = """
UPDATE mediation_collectorfields SET process_state = 'RESUBMITTED',
    reprocess_status = 'LOAD ' || %(load)s::text, reprocess_date = %(now)s, updated = %(now)s
WHERE id = ANY(%(ids)s) AND process_state = 'SUSPENSE' AND deleted_at IS NULL
"""


def take_up(load: ActivityCollectorHistory) -> int:
    """Give a load of Source SUSPENSE what it is to take up, in the transaction that maps it; how
    much that is. One that was given chosen rows has an identity."""
    if load.identity is not None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "load": load.pk,
                "collector": load.activity_collector_id,
                "cause": load.cause or None,
                "day": load.suspense_day,
                "token": load.suspense_token or None,
                "now": clock.now(),
                "most": MOST,
            },
        )
        return int(cursor.rowcount)


def take_up_chosen(load_id: int, ids: list[int]) -> int:
    """Give a load the rows with these Ids; how many were in suspense."""
    with connection.cursor() as cursor:
        cursor.execute(_CHOSEN, {"load": load_id, "ids": ids, "now": clock.now()})
        return int(cursor.rowcount)
