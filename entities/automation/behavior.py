"""When workflow rules are applied: after the record's own rules, in the same transaction.

Entities without ACTIVE rules cost nothing.
"""

from entities.automation import checks, messages, rules  # noqa: F401 (register themselves)
from entities.automation.applying import apply
from entities.models import workflow
from entities.records.batch import Batch
from entities.records.behavior import Behavior, everywhere
from entities.schema.description import EntitySchema
from entities.schema.snapshot import Snapshot

_CREATED = (
    workflow.AFTER_CREATE,
    workflow.AFTER_CREATE_AND_UPDATE,
    workflow.CRITERIA_MET_AND_CHANGED,
)
_UPDATED = (workflow.AFTER_CREATE_AND_UPDATE, workflow.CRITERIA_MET_AND_CHANGED)


@everywhere(order=50)
class WorkflowBehavior(Behavior):
    """Applies the entity's rules."""

    def concerns(self, snapshot: Snapshot, schema: EntitySchema) -> bool:
        return any(r.event != workflow.SCHEDULED for r in rules.of_entity(snapshot, schema))

    def after_create(self, batch: Batch) -> None:
        _apply(batch, _CREATED)

    def after_update(self, batch: Batch) -> None:
        _apply(batch, _UPDATED)

    def before_delete(self, batch: Batch) -> None:
        _apply(batch, (workflow.BEFORE_DELETE,))

    def after_undelete(self, batch: Batch) -> None:
        _apply(batch, (workflow.AFTER_RESTORE,))


def _apply(batch: Batch, events: tuple[str, ...]) -> None:
    found = rules.of_entity(batch.snapshot, batch.schema)
    apply(batch, [rule for rule in found if rule.event in events])
