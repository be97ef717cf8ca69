"""Messages put into the outbox by hand, without a rule."""

from entities.automation import outbox
from entities.models import Entity
from entities.models.workflow import OutboundMessage, WorkflowAction, WorkflowRule


def action(kind: str = "WEBHOOK", secret: str | None = "s3cret") -> WorkflowAction:
    """An action of a rule for products."""
    entity = Entity.objects.get(entity_name="PRODUCT", deleted_at=None)
    number = WorkflowAction.objects.count()
    rule = WorkflowRule.objects.create(
        entity=entity, rule_name=f"R{number}", external_key=f"R{number}", event="After Create"
    )
    return WorkflowAction.objects.create(
        workflow_rule=rule,
        action_name="A",
        external_key=f"A{number}",
        action_type=kind,
        secret=secret,
    )


def put(destination: str, of: WorkflowAction, count: int = 1, **draft: str) -> list[int]:
    """Put `count` messages into the outbox; their numbers."""
    before = set(OutboundMessage.objects.values_list("id", flat=True))
    drafts = [
        outbox.Draft(
            n, destination, draft.get("subject"), lambda i: draft.get("body", f'{{"id": "{i}"}}')
        )
        for n in range(count)
    ]
    outbox.put(of.action_type, of.pk, of.workflow_rule.entity_id, drafts)
    return sorted(set(OutboundMessage.objects.values_list("id", flat=True)) - before)
