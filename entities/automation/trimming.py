"""How long the logs of workflow rules are kept: RetentionDays of their entities.

What waits to be sent stays, however old.
"""

from datetime import timedelta

from django.db import connection

from metabrm import clock

#: Rows deleted in one statement.
PORTION = 10_000

_DAYS = "SELECT retention_days FROM entities_entity WHERE entity_name = %s AND deleted_at IS NULL"
_MESSAGES = """
WITH old AS (
    DELETE FROM entities_outboundmessage WHERE id IN (
        SELECT id FROM entities_outboundmessage
        WHERE status IN ('SENT', 'FAILED') AND created < %s ORDER BY id LIMIT %s
    ) RETURNING id
), tries AS (
    DELETE FROM entities_outboundmessageattempt WHERE outbound_message_id IN (SELECT id FROM old)
)
SELECT count(*) FROM old
"""
_RUNS = """
WITH old AS (
    DELETE FROM entities_workflowrun WHERE id IN (
        SELECT id FROM entities_workflowrun WHERE run_at < %s ORDER BY id LIMIT %s
    ) RETURNING id
)
SELECT count(*) FROM old
"""


def trim() -> dict[str, int]:
    """Delete what is over; entity name -> how many. Can be killed at any line and run again."""
    return {
        "OUTBOUND_MESSAGE": _trim("OUTBOUND_MESSAGE", _MESSAGES),
        "WORKFLOW_RUN": _trim("WORKFLOW_RUN", _RUNS),
    }


def _trim(entity: str, statement: str) -> int:
    count = 0
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [entity])
        (days,) = cursor.fetchone()
        before = clock.now() - timedelta(days=days)
        while True:
            cursor.execute(statement, [before, PORTION])
            (deleted,) = cursor.fetchone()
            count += deleted
            if deleted < PORTION:
                return count
