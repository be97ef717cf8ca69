"""Rules that run at set times, over all records that meet their criteria.

A run goes through the records by Id, a portion in one transaction, which also keeps how far it
came: whoever is killed loses a portion that is then done again from its beginning, and nothing is
done twice. The row that keeps it is locked meanwhile, so a rule never runs twice at once.

The time of the next run is kept when a run is over, counted from then: runs that were missed are
made up once.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from entities.automation import rules, running
from entities.automation.applying import apply
from entities.automation.calendar import next_run, parse_time
from entities.automation.rules import Rule
from entities.models import workflow
from entities.records.batch import Batch
from entities.schema import gate
from entities.schema.current import current
from entities.schema.description import EntitySchema, quote
from entities.schema.snapshot import Snapshot
from metabrm import clock
from metabrm.identity.context import Context

log = logging.getLogger(__name__)

#: Records looked at in one transaction.
PORTION = 1000
#: Records of a portion that are noted where many failed for the same reason.
NOTED = 10

_RULE = """
SELECT r.shedule_interval, r.exec_time, coalesce(z.name, 'UTC'), r.created
FROM entities_workflowrule r LEFT JOIN localization_timezone z ON z.id = r.time_zone_id
WHERE r.id = %s AND r.event = %s AND r.status = 'ACTIVE'
"""
_BEGIN = """
INSERT INTO entities_workflowstate (workflow_rule_id, next_run_time) VALUES (%s, %s)
ON CONFLICT (workflow_rule_id) DO UPDATE SET next_run_time = excluded.next_run_time,
    progress_id = NULL
"""
_DUE = """
SELECT s.workflow_rule_id FROM entities_workflowstate s
JOIN entities_workflowrule r ON r.id = s.workflow_rule_id
WHERE s.next_run_time <= %s AND r.event = %s AND r.status = 'ACTIVE' AND r.deleted_at IS NULL
ORDER BY s.next_run_time, s.workflow_rule_id
"""
_LOCK = """
SELECT next_run_time, coalesce(progress_id, 0) FROM entities_workflowstate
WHERE workflow_rule_id = %s AND next_run_time <= %s
FOR UPDATE SKIP LOCKED
"""
_KEEP = """
UPDATE entities_workflowstate
SET next_run_time = %s, progress_id = %s, last_run_time = %s WHERE workflow_rule_id = %s
"""


def begin(rule_ids: Sequence[int]) -> None:
    """Count the next run of the rules from now; of rules that are not scheduled there is none."""
    with connection.cursor() as cursor:
        for rule_id in rule_ids:
            cursor.execute(_RULE, [rule_id, workflow.SCHEDULED])
            row = cursor.fetchone()
            cursor.execute(_BEGIN, [rule_id, _next(clock.now(), *row) if row else None])


def run_due() -> int:
    """Run every scheduled rule whose time has come; the number of portions done.

    A rule that fails as a whole is tried again next time, and holds up no other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [clock.now(), workflow.SCHEDULED])
        due = [row[0] for row in cursor.fetchall()]
    portions = 0
    for rule_id in due:
        try:
            while _portion(rule_id):
                portions += 1
        except Exception:
            log.exception("workflow rule %s did not run", rule_id)
    return portions


def _portion(rule_id: int) -> bool:
    """Do one portion of a due rule; False when it is not due or somebody else runs it."""
    context = Context.system("scheduled workflow rule")
    with transaction.atomic():
        snapshot = current(gate.enter(context))
        rule = next((r for r in rules.scheduled(snapshot) if r.id == rule_id), None)
        if rule is None:
            return False
        now = clock.now()
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [rule_id, now])
            row = cursor.fetchone()
        if row is None:
            return False
        due, progress = row
        ids = _ids(snapshot, rule, progress)
        _act(snapshot, rule, ids, context)
        after, done = due, ids[-1] if ids else None
        if len(ids) < PORTION:
            after, done = _next(now, rule.interval, rule.time, rule.zone, rule.made), None
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [after, done, now, rule_id])
    return True


def _next(after: datetime, interval: str, time: str, zone: str, made: datetime) -> datetime:
    return next_run(after, interval, parse_time(time), ZoneInfo(zone), made)


def _ids(snapshot: Snapshot, rule: Rule, after_id: int) -> list[int]:
    """The next records by Id; criteria are asked for them, so that a portion is always short."""
    schema = _schema(snapshot, rule)
    live = "AND deleted_at IS NULL" if schema.authored else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {quote(schema.table)} WHERE id > %s {live} "
            f"ORDER BY id LIMIT {PORTION}",
            [after_id],
        )
        return [row[0] for row in cursor.fetchall()]


def _act(snapshot: Snapshot, rule: Rule, ids: list[int], context: Context) -> None:
    """Apply the rule; records for which that fails are left out and noted, the others done."""
    schema = _schema(snapshot, rule)
    failed: dict[int, str] = {}
    while left := [i for i in ids if i not in failed]:
        batch = Batch(snapshot, schema, context, len(left))
        batch.ids = list(left)
        undone = transaction.savepoint()
        apply(batch, [rule])
        if not batch.problems:
            transaction.savepoint_commit(undone)
            break
        transaction.savepoint_rollback(undone)
        failed |= {left[i]: problems[0].message for i, problems in batch.problems.items()}
    if failed:
        _note(rule, failed)


def _note(rule: Rule, failed: Mapping[int, str]) -> None:
    """Note why records failed; of many for one reason the first, and how many more there are."""
    by_reason: dict[str, list[int]] = {}
    for id_, why in failed.items():
        by_reason.setdefault(why, []).append(id_)
    noted, told = [], []
    for why, ids in by_reason.items():
        first, more = ids[:NOTED], len(ids) - NOTED
        noted += first
        told += [why] * (len(first) - 1)
        told.append(f"{why} So it was with {more:,} more." if more > 0 else why)
    running.note(rule, noted, "FAILED", told, more=len(failed) - len(noted))


def _schema(snapshot: Snapshot, rule: Rule) -> EntitySchema:
    return next(s for s in snapshot.entities.values() if s.id == rule.entity_id)
