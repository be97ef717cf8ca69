"""What rules did, record by record (WORKFLOW_RUN), and how often in all (the rule's counters).

The counters are raised once the transaction is committed: raised within it, they would make all
writers of an entity wait for each other.
"""

from collections.abc import Sequence

from django.db import connection, transaction

from entities.automation.rules import Rule
from entities.fieldtypes.textform import array_literal
from metabrm import clock

_NOTE = """
INSERT INTO entities_workflowrun
    (workflow_rule_id, entity_id, record_id, run_at, status, message)
SELECT %s, %s, v.record_id, %s, %s, v.message
FROM unnest(%s::bigint[], %s::text[]) AS v(record_id, message)
"""

_COUNT = """
INSERT INTO entities_workflowstate
    (workflow_rule_id, last_run_time, total_actions, failed_actions)
SELECT id, %s, %s, %s FROM entities_workflowrule WHERE id = %s
ON CONFLICT (workflow_rule_id) DO UPDATE
SET last_run_time = greatest(entities_workflowstate.last_run_time, excluded.last_run_time),
    total_actions = entities_workflowstate.total_actions + excluded.total_actions,
    failed_actions = entities_workflowstate.failed_actions + excluded.failed_actions
"""


def note(
    rule: Rule,
    ids: Sequence[int],
    status: str,
    told: str | Sequence[str],
    *,
    actions: int = 0,
    more: int = 0,
) -> None:
    """Keep with the open transaction that the rule was applied to these records, or why not.

    `told` is about all of them, or about each.
    `actions` were done for each of them; `more` records went the same way without an entry.
    """
    at = clock.now()
    with connection.cursor() as cursor:
        messages = [told] * len(ids) if isinstance(told, str) else list(told)
        cursor.execute(
            _NOTE, [rule.id, rule.entity_id, at, status, list(ids), array_literal(messages)]
        )
    done = len(ids) * actions
    failed = 0 if status == "DONE" else len(ids) + more

    def count() -> None:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [at, done, failed, rule.id])

    transaction.on_commit(count, robust=True)
