"""What waits to leave the house.

A message is a row written in the transaction of what it tells about: nothing is told of what was
undone, and nothing is lost when a process dies. Whoever sends claims a row for a while (`LEASE`);
when he dies the row is claimed again, so a receiver may see a message twice, under the same number.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction

from entities.fieldtypes.textform import array_literal
from metabrm import clock
from metabrm.background import tell

TASK = "entities.tasks.deliver_outbound"
#: How long a claimed message is its claimer's: longer than any try takes.
LEASE = timedelta(minutes=5)
#: Seconds between the tries, about a day in all; after the last one the message is given up.
DELAYS = (30, 120, 600, 1800, 7200, 21600, 54000)
TRIES = len(DELAYS) + 1

# Materialized: a join may ask a subquery again for each row, and it would find another one to take.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM entities_outboundmessage
    WHERE status IN ('PENDING', 'SENDING') AND next_attempt_at <= %(now)s
    ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE entities_outboundmessage m
SET status = 'SENDING', attempts = m.attempts + 1, next_attempt_at = %(lease)s
FROM due WHERE m.id = due.id
RETURNING m.id, m.kind, m.workflow_action_id, m.destination, m.subject, m.body, m.attempts
"""

_SETTLE = """
WITH settled AS (
    UPDATE entities_outboundmessage SET status = %s, next_attempt_at = %s, sent_at = %s
    WHERE id = %s AND status = 'SENDING' AND attempts = %s
), counted AS (
    INSERT INTO entities_workflowstate (workflow_rule_id, failed_actions)
    SELECT workflow_rule_id, 1 FROM entities_workflowaction WHERE id = %s AND %s
    ON CONFLICT (workflow_rule_id)
    DO UPDATE SET failed_actions = entities_workflowstate.failed_actions + 1
)
INSERT INTO entities_outboundmessageattempt
    (outbound_message_id, attempted_at, milliseconds, response_code, response, error)
SELECT id, %s, %s, %s, %s, %s FROM entities_outboundmessage WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message about one record; `body` is given the number that the message will have."""

    record_id: int
    destination: str
    subject: str | None
    body: Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message whose sending is the claimer's for now."""

    id: int
    kind: str
    action_id: int | None
    destination: str
    subject: str | None
    body: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a try: sent, or not and why; `final` when no further try would help."""

    sent: bool
    milliseconds: int = 0
    code: int | None = None
    text: str | None = None
    error: str | None = None
    final: bool = False


def put(kind: str, action_id: int, entity_id: int, drafts: Sequence[Draft]) -> None:
    """Keep the messages with the open transaction; they are sent once it is committed."""
    if not drafts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval((SELECT pg_get_serial_sequence('entities_outboundmessage', 'id')"
            "::regclass)) FROM generate_series(1, %s)",
            [len(drafts)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "INSERT INTO entities_outboundmessage (id, kind, workflow_action_id, entity_id, "
            "record_id, destination, subject, body, status, attempts, created, next_attempt_at) "
            "SELECT v.id, %s, %s, %s, v.record_id, v.destination, v.subject, v.body, 'PENDING', 0, "
            "%s, %s FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[]) "
            "AS v(id, record_id, destination, subject, body)",
            [
                kind,
                action_id,
                entity_id,
                clock.now(),
                clock.now(),
                ids,
                [d.record_id for d in drafts],
                array_literal([d.destination for d in drafts]),
                array_literal([d.subject for d in drafts]),
                array_literal([d.body(number) for d, number in zip(drafts, ids, strict=True)]),
            ],
        )
    transaction.on_commit(nudge, robust=True)


def nudge() -> None:
    """Have somebody send now; without this the schedule does it a few seconds later."""
    tell(TASK)


def claim() -> Claimed | None:
    """The message that has waited longest, now the caller's; None if none is due.

    One whose claimer died at every try is given up here.
    """
    while True:
        now = clock.now()
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"now": now, "lease": now + LEASE})
            row = cursor.fetchone()
        if row is None:
            return None
        message = Claimed(*row)
        if message.attempt <= TRIES:
            return message
        settle(message, Result(False, error="Whoever sent it died at the last try.", final=True))


def settle(message: Claimed, result: Result) -> None:
    """Log the try; the message is sent, waits for the next try, or is given up.

    Who comes back after his lease is over only logs: the message is another's by then.
    """
    now = clock.now()
    given_up = not result.sent and (result.final or message.attempt >= TRIES)
    status, due = "PENDING", None
    if result.sent:
        status = "SENT"
    elif given_up:
        status = "FAILED"
    else:
        delay = DELAYS[message.attempt - 1] * random.uniform(0.8, 1.2)
        due = now + timedelta(seconds=delay)
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            [
                status,
                due,
                now if result.sent else None,
                message.id,
                message.attempt,
                message.action_id,
                given_up,
                now,
                result.milliseconds,
                result.code,
                _short(result.text),
                _short(result.error),
                message.id,
            ],
        )


def _short(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "")[:1000]
