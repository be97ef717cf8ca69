"""What each run of a collector brought, events that wait for one, the parts it is rated in."""

from django.db import models
from django.db.models import F, Q

from billing.mediation.models.collectors import ActivityCollector
from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ListField

#: States of a load that has not ended, and that nobody need touch.
OPEN, WAITING, RUNNING = "PENDING LOGOUT", "PENDING", "RUNNING"
#: A load's file was tried often enough; somebody has to look at it.
PARKED = "PARKED"
REVERSING, REVERSED = "REVERSING", "REVERSED"
#: States of a load that is begun again, from its source, when its Status is set to PENDING: it
#: ended without having been finished, or waits for its next attempt.
AGAIN = (PARKED, "FAILED", "CANCELLED", WAITING)


def only_tells(source: str | None, file_name: str | None, usage_file: str | None) -> bool:
    """Whether a load brought nothing: it tells that a source could not be looked at."""
    return source in ("FILE", "SFTP", "QUERY") and not file_name and not usage_file


class ActivityCollectorHistory(ExternallyKeyed, EntityModel):
    """One load of a collector: when it ran, what it brought, how it ended.

    A file that is put into UsageFile is read as the collector says. Source SUSPENSE takes up what
    waits in suspense, all of it or that of one Cause. Status REVERSED takes a whole load back.
    """

    activity_collector = models.ForeignKey(
        ActivityCollector,
        models.PROTECT,
        related_name="+",
        help_text="The collector that brought the usage.",
    )
    status = ListField(
        values=(
            OPEN,
            WAITING,
            RUNNING,
            "COMPLETED",
            "FAILED",
            "CANCELLED",
            PARKED,
            REVERSING,
            REVERSED,
        ),
        default=OPEN,
        help_text="How far the load has come; PENDING LOGOUT: more may still come. PARKED: its "
        "file was tried often enough; set it to PENDING to try again. A load that is COMPLETED is "
        "taken back by REVERSED.",
    )
    source = ListField(
        values=("API", "FILE", "SFTP", "QUERY", "EVENTS", "SUSPENSE"),
        default="API",
        help_text="Where its records came from.",
    )
    start_date = optional.moment("When the load began.")
    end_date = optional.moment("When the load was closed.")
    file_name = optional.text(500, "The file that was read.")
    record_count = models.PositiveIntegerField(default=0, help_text="How many records came.")
    processed_count = models.PositiveIntegerField(
        default=0, help_text="How many of them became charges."
    )
    error_count = models.PositiveIntegerField(
        default=0, help_text="How many of them could not become charges."
    )
    error_text = optional.text(4000, "Why the load failed.")
    usage_file = models.FileField(
        max_length=500,
        null=True,
        blank=True,
        help_text="The file with the usage; when it is here, it is read.",
    )
    cause = optional.text(
        100, "Source SUSPENSE: the cause whose usage is taken up; empty = all of the collector."
    )
    suspense_day = optional.day(
        "Source SUSPENSE: the day, in UTC, since which the usage that is taken up waits; empty = "
        "since any."
    )
    suspense_token = optional.text(
        255, "Source SUSPENSE: the billing identifier whose usage is taken up; empty = of all."
    )
    file_size = optional.number_of("Bytes of the file.")
    sha256 = optional.text(64, "SHA-256 of the file.", verbose_name="SHA-256")
    sequence_number = optional.number_of("Number of the file, by its name.")
    notice = optional.text(4000, "What was noticed, such as files left out before this one.")
    archive_place = optional.text(1000, "Where the file lies now.")
    duplicate_count = models.PositiveIntegerField(
        default=0, help_text="How many records repeated another one and were dropped."
    )
    consolidated_count = models.PositiveIntegerField(
        default=0, help_text="How many records were added to another one."
    )
    filtered_count = models.PositiveIntegerField(
        default=0, help_text="How many records were left out by the collector's filters."
    )
    suspended_count = models.PositiveIntegerField(
        default=0, help_text="How many records went to suspense."
    )
    rated_count = models.PositiveIntegerField(
        default=0, help_text="How many charges were made; one record may be charged to several."
    )
    total_quantity = optional.quantity("Sum of the quantities that were charged.")
    rated_amount = optional.quantity("Sum of the amounts, whatever their currencies.")
    amounts = models.JSONField(
        null=True, blank=True, help_text='Sum of the amounts by currency: {"USD": "12.5"}.'
    )
    controls = models.JSONField(
        null=True,
        blank=True,
        help_text="What header and trailer say, and what was found in the file.",
    )
    begun_date = optional.moment("When a worker began with it, the last time.")
    mapped_date = optional.moment("When its records were read and mapped.")
    rated_date = optional.moment("When all its usage was rated.")
    progress = models.IntegerField(default=0, help_text="Per cent.")
    heartbeat = optional.moment("When a worker was last seen at it.")
    attempts = models.IntegerField(default=0, help_text="How often a worker has begun.")
    next_attempt = optional.moment("When it is tried again.")
    reversed_date = optional.moment("When it was taken back.")
    reversed_count = models.PositiveIntegerField(
        default=0, help_text="How many charges were taken back."
    )
    #: Nobody may take the same twice: of files collector, name, size and hash; of posted records
    #: collector and user, while the load is open.
    identity = optional.text(200, "What the load is of.")
    #: The file was read into its table, the usage was mapped.
    stage = models.CharField(max_length=20, default="", db_default="")
    #: Names of the columns, lines before and behind the records: what a file of those that were
    #: rejected is made with.
    frame = models.JSONField(null=True, editable=False)

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_HISTORY",
        external_keys=("external_key",),
        title="file_name",
        described_by=("id", "activity_collector"),
        names={"sha256": "SHA256"},
        listed=(
            "id",
            "activity_collector",
            "status",
            "file_name",
            "start_date",
            "end_date",
            "record_count",
            "rated_count",
            "suspended_count",
            "duplicate_count",
        ),
        read_only=(
            "file_size",
            "sha256",
            "sequence_number",
            "notice",
            "archive_place",
            "duplicate_count",
            "consolidated_count",
            "filtered_count",
            "suspended_count",
            "rated_count",
            "total_quantity",
            "rated_amount",
            "amounts",
            "controls",
            "begun_date",
            "mapped_date",
            "rated_date",
            "progress",
            "heartbeat",
            "attempts",
            "next_attempt",
            "reversed_date",
            "reversed_count",
        ),
        hidden=("identity", "stage", "frame"),
    )

    class Meta:
        verbose_name = "usage load"
        verbose_name_plural = "usage loads"
        constraints = [
            live_unique("mediation_activitycollectorhistory", "external_key"),
            models.UniqueConstraint(
                fields=["identity"],
                condition=Q(identity__isnull=False),
                name="mediation_activitycollectorhistory_identity_key",
            ),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="mediation_activitycollectorhistory_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "id"],
                condition=Q(status__in=[OPEN, WAITING, RUNNING, REVERSING]),
                name="mediation_load_unfinished",
            ),
            models.Index(
                fields=["activity_collector", "created"], name="mediation_load_of_collector"
            ),
            models.Index(
                fields=["activity_collector"],
                condition=Q(status=PARKED),
                name="mediation_load_parked",
            ),
        ]


class LoadShard(models.Model):
    """A part of a load that is rated by itself; `rated` in the transaction that writes its lines.

    So a load knows for certain, wherever it was killed, which of its usage is rated.
    """

    load = models.ForeignKey(ActivityCollectorHistory, models.CASCADE, related_name="+")
    shard = models.SmallIntegerField()
    rated = models.BooleanField(default=False, db_default=False)
    #: What its lines come to (billing.mediation.loads.charged). Null where records raise labels:
    #: one may be charged to several account products, so they are counted when all are rated.
    charged = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["load", "shard"], name="mediation_loadshard_key")
        ]


class UsageEvent(models.Model):
    """An event that was sent over HTTP and waits for the next load of its collector."""

    activity_collector = models.ForeignKey(
        ActivityCollector, models.CASCADE, db_index=False, related_name="+"
    )
    load = models.ForeignKey(
        ActivityCollectorHistory, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    event = models.TextField(help_text="The CloudEvent, as JSON.")
    received = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["activity_collector", "load"], name="mediation_event_load")]
