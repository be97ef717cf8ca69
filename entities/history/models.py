"""The history: one row per record changed, written by the database's own triggers."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from metabrm.entity import Computed, CoreModel, EntityOptions

# Stored values are keyed by physical column; a rename of a field keeps its history whole.
_NAMED = """(
    SELECT jsonb_object_agg(coalesce(f.field_name, v.key), v.value)
    FROM jsonb_each({{t}}.{column}) v
    LEFT JOIN entities_entityfield f
      ON f.entity_id = {{t}}.entity_id AND f.column_name = v.key AND f.deleted_at IS NULL
)"""


class AuditLog(CoreModel):
    """Who changed which record when and why, and how it looked before and after."""

    brm = EntityOptions(
        "AUDIT_LOG",
        title="id",
        names={"user": "UserId"},
        hidden=("before", "after"),
        computed=(
            Computed(
                "EntityName",
                "TEXT",
                "(SELECT e.entity_name FROM entities_entity e WHERE e.id = {t}.entity_id)",
                help="API name of the changed record's entity.",
            ),
            Computed(
                "Username",
                "TEXT",
                "(SELECT u.username FROM identity_user u WHERE u.id = {t}.user_id)",
                help="Who made the change.",
            ),
            Computed(
                "Before",
                "JSON",
                _NAMED.format(column="before"),
                help="The record before; null if new.",
            ),
            Computed(
                "After",
                "JSON",
                _NAMED.format(column="after"),
                help="The record afterwards; null if it is gone for good.",
            ),
        ),
        writable=False,
    )

    changed_at = models.DateTimeField(help_text="Start of the transaction that made the change.")
    entity_id = models.BigIntegerField(null=True, help_text="ENTITY.Id of the changed record.")
    record_id = models.BigIntegerField(help_text="Id of the changed record.")
    action = models.CharField(
        max_length=10, help_text="CREATE, UPDATE, DELETE (to the recycle bin), UNDELETE or PURGE."
    )
    user = models.ForeignKey(
        "identity.User",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="Who; not set when the platform itself or somebody at the database did it.",
    )
    reason = models.CharField(max_length=255, null=True, help_text="Why, as the caller said it.")
    request_id = models.CharField(max_length=64, null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        verbose_name = "change"
        verbose_name_plural = "audit log"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["entity_id", "record_id", "id"], name="audit_log_record"),
            # Time only grows, so a few blocks' ranges find a day.
            BrinIndex(fields=["changed_at"], autosummarize=True, name="audit_log_time"),
        ]

    def __str__(self) -> str:
        return (
            f"{self.action} {self.entity_id}/{self.record_id} at {self.changed_at:%Y-%m-%d %H:%M}"
        )
