"""Workflow rules, what they do, what they did, and what waits to leave the house."""

from typing import Any

from django.db import models

from metabrm.entity import Computed, CoreModel, EntityModel, EntityOptions, live_unique
from metabrm.fields import ACTIVE_OR_NOT, EncryptedField, ListField

OPTIONAL: dict[str, Any] = {"null": True, "blank": True}

#: WORKFLOW_RULE.Event: when a rule looks at a record.
AFTER_CREATE = "After Create"
AFTER_CREATE_AND_UPDATE = "After Create and After Update"
CRITERIA_MET_AND_CHANGED = "After Create and After Update with criteria met and changed"
BEFORE_DELETE = "Before Delete"
AFTER_RESTORE = "After Restore"
SCHEDULED = "Scheduled"
EVENTS = (
    AFTER_CREATE,
    AFTER_CREATE_AND_UPDATE,
    CRITERIA_MET_AND_CHANGED,
    BEFORE_DELETE,
    AFTER_RESTORE,
    SCHEDULED,
)
_STATE = "(SELECT s.{} FROM entities_workflowstate s WHERE s.workflow_rule_id = {{t}}.id)"
ACTIONS = ("SET_FIELDS", "CREATE_RECORD", "WEBHOOK", "EMAIL")


class WorkflowRule(EntityModel):
    """On which records of an entity, and when, its actions are done."""

    brm = EntityOptions(
        "WORKFLOW_RULE",
        external_keys=("external_key",),
        supplied=("external_key",),
        title="rule_name",
        computed=(
            Computed("LastRunTime", "DATETIME", _STATE.format("last_run_time")),
            Computed("NextRunTime", "DATETIME", _STATE.format("next_run_time")),
            Computed("CounterTotalAction", "INTEGER", _STATE.format("total_actions")),
            Computed("CounterFailAction", "INTEGER", _STATE.format("failed_actions")),
        ),
    )

    entity = models.ForeignKey("entities.Entity", models.CASCADE, related_name="+")
    rule_name = models.CharField(max_length=255)
    external_key = models.CharField(
        max_length=255, help_text="The key of this row across systems; unique."
    )
    description = models.CharField(max_length=4000, **OPTIONAL)
    event = ListField(values=EVENTS, help_text="When the rule looks at a record.")
    exec_order = models.PositiveIntegerField(
        default=0, help_text="Lowest first; rules of the same number by name."
    )
    status = ListField(values=ACTIVE_OR_NOT, default="ACTIVE", db_default="ACTIVE")
    criteria = models.TextField(
        **OPTIONAL, help_text="Condition under which the actions are done; always if not set."
    )
    exec_time = models.CharField(
        max_length=5,
        **OPTIONAL,
        help_text="Scheduled: time of day at which it runs, such as 06:30, in its time zone.",
    )
    shedule_interval = ListField(
        verbose_name="schedule interval",
        values=("HOURLY", "DAILY", "WEEKLY", "MONTHLY"),
        **OPTIONAL,
        help_text="Scheduled: how often it runs.",
    )
    time_zone = models.ForeignKey(
        "localization.TimeZone", models.PROTECT, **OPTIONAL, related_name="+"
    )

    class Meta:
        ordering = ["entity_id", "exec_order", "rule_name"]
        constraints = [live_unique("entities_workflowrule", "external_key")]


class WorkflowState(models.Model):
    """How a rule has fared. Kept beside the rule, whose own row is part of the schema."""

    workflow_rule = models.OneToOneField(
        WorkflowRule, models.CASCADE, primary_key=True, related_name="+"
    )
    last_run_time = models.DateTimeField(null=True)
    next_run_time = models.DateTimeField(null=True)
    #: Of a scheduled run that is not over: Id of the last record it looked at.
    progress_id = models.BigIntegerField(null=True)
    total_actions = models.BigIntegerField(default=0, db_default=0)
    failed_actions = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"state of workflow rule {self.workflow_rule_id}"


class WorkflowAction(EntityModel):
    """One thing that a workflow rule does with a record."""

    brm = EntityOptions(
        "WORKFLOW_ACTION",
        external_keys=("external_key",),
        supplied=("external_key",),
        title="action_name",
        example={
            "ActionType": "EMAIL",
            "Recipient": "billing@example.com",
            "Subject": "A record has changed",
            "Body": "Look at {!Id}.",
        },
        encrypted=("secret",),
        write_only=("secret",),
        unaudited=("secret",),
    )

    workflow_rule = models.ForeignKey(WorkflowRule, models.CASCADE, related_name="+")
    action_name = models.CharField(max_length=255)
    external_key = models.CharField(
        max_length=255, help_text="The key of this row across systems; unique."
    )
    action_type = ListField(values=ACTIONS)
    exec_order = models.PositiveIntegerField(default=0, help_text="Lowest first.")
    status = ListField(values=ACTIVE_OR_NOT, default="ACTIVE", db_default="ACTIVE")
    target_entity = models.ForeignKey(
        "entities.Entity",
        models.CASCADE,
        **OPTIONAL,
        related_name="+",
        help_text="CREATE_RECORD: the entity of the record that is made.",
    )
    field_formulas = models.JSONField(
        **OPTIONAL,
        help_text="SET_FIELDS and CREATE_RECORD: field -> formula over the record: "
        '{"Status": "\'CLOSED\'", "AccountId": "{!Id}"}. WEBHOOK: name -> formula of what is sent '
        "of the record; without it the whole record is sent but for personal data.",
    )
    url = models.URLField(max_length=2000, **OPTIONAL, help_text="WEBHOOK: where it is sent.")
    recipient = models.CharField(
        max_length=1000,
        **OPTIONAL,
        help_text="EMAIL: addresses, separated by commas; {!Name} for the record's value.",
    )
    subject = models.CharField(max_length=1000, **OPTIONAL)
    body = models.TextField(
        **OPTIONAL, help_text="EMAIL: text in which {!Name} stands for the record's values."
    )
    secret = EncryptedField(
        max_length=1000,
        **OPTIONAL,
        help_text="WEBHOOK: key that signs what is sent (HMAC-SHA256). Never shown again.",
    )

    class Meta:
        ordering = ["workflow_rule_id", "exec_order", "id"]
        constraints = [live_unique("entities_workflowaction", "external_key")]


class WorkflowRun(CoreModel):
    """What a workflow rule did with one record, or why it did not."""

    brm = EntityOptions("WORKFLOW_RUN", title="id", writable=False)

    workflow_rule = models.ForeignKey(
        WorkflowRule, models.DO_NOTHING, related_name="+", db_constraint=False
    )
    workflow_action = models.ForeignKey(
        WorkflowAction,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    entity_id = models.BigIntegerField()
    record_id = models.BigIntegerField(null=True)
    run_at = models.DateTimeField()
    status = ListField(values=("DONE", "FAILED", "STOPPED"))
    message = models.TextField(null=True)

    class Meta:
        verbose_name = "workflow run"
        ordering = ["-id"]
        indexes = [models.Index(fields=["entity_id", "record_id"], name="workflow_run_record")]

    def __str__(self) -> str:
        return f"{self.status} {self.entity_id}/{self.record_id}"


class OutboundMessage(CoreModel):
    """A webhook or mail that waits to be sent, was sent, or was given up.

    PENDING -> SENDING -> SENT, or PENDING again after a failure, and FAILED after the last try.
    """

    brm = EntityOptions(
        "OUTBOUND_MESSAGE",
        title="subject",
        read_only=(
            "kind",
            "workflow_action",
            "entity_id",
            "record_id",
            "destination",
            "subject",
            "body",
            "attempts",
            "created",
            "next_attempt_at",
            "sent_at",
        ),
    )

    kind = ListField(values=("WEBHOOK", "EMAIL"))
    workflow_action = models.ForeignKey(
        WorkflowAction, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    entity_id = models.BigIntegerField(null=True)
    record_id = models.BigIntegerField(null=True)
    destination = models.CharField(max_length=2000, help_text="Web address or mail address.")
    subject = models.CharField(max_length=1000, null=True)
    body = models.TextField(help_text="What is sent: JSON of a webhook, text of a mail.")
    status = ListField(values=("PENDING", "SENDING", "SENT", "FAILED"), default="PENDING")
    attempts = models.IntegerField(default=0)
    created = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "outbound message"
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(status__in=("PENDING", "SENDING")),
                name="outbound_message_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.destination}"


class OutboundMessageAttempt(CoreModel):
    """One try to deliver an outbound message, and what came back."""

    brm = EntityOptions("OUTBOUND_MESSAGE_ATTEMPT", title="id", writable=False)

    outbound_message = models.ForeignKey(OutboundMessage, models.CASCADE, related_name="+")
    attempted_at = models.DateTimeField()
    milliseconds = models.IntegerField()
    response_code = models.IntegerField(null=True, help_text="HTTP status, or SMTP reply.")
    response = models.CharField(max_length=1000, null=True, help_text="Beginning of the answer.")
    error = models.CharField(max_length=1000, null=True, help_text="Why there was no answer.")

    class Meta:
        verbose_name = "delivery attempt"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.response_code or self.error}"
