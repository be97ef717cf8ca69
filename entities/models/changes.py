"""What became of the schema over time, and what is still being done to it."""

from django.db import models

from metabrm.entity import Computed, CoreModel, EntityOptions
from metabrm.fields import ListField


class SchemaChange(CoreModel):
    """One change of the schema: who, when and why, in words and in the statements that were run."""

    brm = EntityOptions("SCHEMA_CHANGE", title="summary", names={"user": "UserId"}, writable=False)

    changed_at = models.DateTimeField(help_text="When the change was made.")
    user = models.ForeignKey(
        "identity.User",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="Who made it; not set when the platform itself did.",
    )
    reason = models.CharField(max_length=255, null=True, help_text="Why, as the caller said it.")
    request_id = models.CharField(max_length=64, null=True)
    entity_id = models.BigIntegerField(null=True, help_text="ENTITY.Id of the changed entity.")
    entity_name = models.CharField(max_length=63, help_text="Its name at that time.")
    summary = models.CharField(max_length=1000, help_text="What was done, in words.")
    statements = models.TextField(null=True, help_text="The SQL that was run; none if none was.")
    milliseconds = models.IntegerField(help_text="How long the statements took.")

    class Meta:
        verbose_name = "schema change"
        ordering = ["-id"]
        indexes = [models.Index(fields=["entity_id", "id"], name="schema_change_entity")]

    def __str__(self) -> str:
        return self.summary


# The server knows how far it is: it counts the table's blocks first, and the rows last. Partitions
# come one after the other.
_PROGRESS = """CASE {t}.status WHEN 'READY' THEN 100 WHEN 'BUILDING' THEN coalesce((
    SELECT 100 * (count(h.inhrelid) + coalesce(sum(coalesce(
        p.blocks_done / nullif(p.blocks_total, 0)::numeric,
        p.tuples_done / nullif(p.tuples_total, 0)::numeric, 0)), 0)) / count(*)
    FROM (SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = to_regclass({t}.table_name)
          UNION ALL SELECT to_regclass({t}.table_name)::oid WHERE NOT EXISTS (
              SELECT FROM pg_inherits WHERE inhparent = to_regclass({t}.table_name))) part
    LEFT JOIN pg_stat_progress_create_index p ON p.relid = part.oid
    LEFT JOIN (pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid)
        ON i.indrelid = part.oid AND h.inhparent = to_regclass({t}.index_name)), 0)::bigint
ELSE 0 END"""


class SchemaJob(CoreModel):
    """Work on the schema that goes on beside the records: the building of an index.

    PENDING -> BUILDING -> READY or FAILED; CANCELLED where a later change made it needless.
    """

    brm = EntityOptions(
        "SCHEMA_JOB",
        title="summary",
        names={"user": "UserId"},
        writable=False,
        computed=(Computed("Progress", "INTEGER", _PROGRESS, help="Per cent."),),
    )

    entity_id = models.BigIntegerField(help_text="ENTITY.Id whose table is worked on.")
    entity_name = models.CharField(max_length=63, help_text="Its name when the job was made.")
    summary = models.CharField(max_length=1000, help_text="What is done, in words.")
    kind = ListField(values=("UNIQUE_INDEX", "SEARCH_INDEX"))
    status = ListField(
        values=("PENDING", "BUILDING", "READY", "FAILED", "CANCELLED"), default="PENDING"
    )
    message = models.TextField(
        null=True, help_text="Why it failed, with the Ids of the records that are in the way."
    )
    table_name = models.CharField(max_length=63)
    index_name = models.CharField(max_length=63)
    columns = models.CharField(max_length=1000, help_text="Physical columns, with commas.")
    user = models.ForeignKey(
        "identity.User",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="Who made the change that needs it.",
    )
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "schema job"
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "id"], name="schema_job_status")]

    def __str__(self) -> str:
        return self.summary
