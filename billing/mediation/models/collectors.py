"""Collectors: where usage comes from, in what form, how often, and what each load brought."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import EncryptedField, FlagField, ListField

#: How the records of a source may be written.
DELIMITED, FIXED_WIDTH, JSON, XML, PARQUET = "DELIMITED", "FIXED WIDTH", "JSON", "XML", "PARQUET"
#: What late usage may become.
CURRENT_PERIOD, ORIGINAL_PERIOD, SUSPENSE = "CURRENT PERIOD", "ORIGINAL PERIOD IF OPEN", "SUSPENSE"
#: States of a load that has not ended, and that nobody need touch.
OPEN, WAITING, RUNNING = "PENDING LOGOUT", "PENDING", "RUNNING"
#: A load's file was tried often enough; somebody has to look at it.
PARKED = "PARKED"
REVERSING, REVERSED = "REVERSING", "REVERSED"
_EMPTY: dict[str, Any] = {"null": True, "blank": True}

#: The Type of collectors that are fed by whole files over BULK_UPLOAD_HISTORY.
BULK_DATA_LOADER = "BULK_DATA_LOADER"


class ActivityCollector(EntityModel):
    """A source of usage: a directory of files, a query, a program, or files that are uploaded."""

    activity_collector_name = models.CharField(
        max_length=255, verbose_name="name", help_text="Name of the collector; unique."
    )
    status = ListField(
        values=("Production Mode", "Test Mode", "DEACTIVATED"),
        default="Production Mode",
        help_text="In production usage is collected, in test mode only tried, else neither.",
    )
    type = ListField(
        values=("API", BULK_DATA_LOADER, "FTP", "DATABASE", "ENTITY"),
        default="API",
        help_text="How usage arrives: record by record, as uploaded files (BULK_DATA_LOADER), "
        "from a directory, from a database, from an entity.",
    )
    billable_activity_flag = FlagField(
        default=True, help_text="What is collected is invoiced; off: it is only recorded."
    )
    rate_activity_flag = FlagField(
        default=True,
        help_text="What is collected is rated; off: the feed brings the amounts, and what has none "
        "is written without one, as UNRATED.",
    )
    reject_closed_flag = FlagField(
        help_text="Usage of a time whose invoice is closed is refused, not put on the next one."
    )
    consolidation_mode = ListField(
        values=("Consolidation", "Deduplication", "Disable"),
        default="Disable",
        help_text="Records of one signature are added up, their repeats are dropped, or each "
        "record counts.",
    )
    account = optional.lookup(
        "customers.Account", "The account whose usage it brings; empty = of all.", models.PROTECT
    )
    load_order = optional.whole("Place in the order in which collectors run, low first.")
    run_interval_min = optional.count(
        "Minutes from one run to the next.", verbose_name="run interval (minutes)"
    )
    start_date = optional.moment("When it runs first.")
    last_runtime = optional.moment("When it ran last.")
    last_row_id = optional.number_of("Number of the last row that was read.")
    last_row_id_char = optional.text(
        255, "Key of the last row that was read, where it is no number.", verbose_name="last row"
    )
    lookback_time_period_start = optional.text(100, "How far back a run begins to read.")
    lookback_time_period_end = optional.text(100, "How far back a run stops reading.")
    time_zone = optional.lookup(
        "localization.TimeZone",
        "In whose days the source's times are written.",
        models.PROTECT,
        db_index=False,
    )

    # Where the data are
    data_source_id = optional.number_of("Id of the data source.")
    data_source_folder = optional.text(500, "Folder of the data source.")
    ftp_data_source = optional.number_of("Id of the server the files lie on.")
    ftp_location_type = optional.text(100, "Kind of the server the files lie on.")
    hostname = optional.text(255, "Name of the server.")
    host_port = optional.count("Port of the server.")
    username = optional.text(255, "The user to sign in as at the source.")
    password = EncryptedField(
        **_EMPTY, help_text="The user's password at the source. It is encrypted, and never shown."
    )
    private_key = EncryptedField(
        **_EMPTY,
        help_text="The user's private key (OpenSSH or PEM) at the source, in place of a password. "
        "It is encrypted, and never shown.",
    )
    host_key = optional.text(
        1000,
        "Public key by which the server is known: ssh-ed25519 AAAA… Without it nothing is sent to "
        "the server.",
    )
    ftp_directory = optional.text(500, "Directory the files lie in.")
    ftp_file_pattern = optional.text(255, "Which files are read: *.csv.")
    entity = optional.lookup(
        "entities.Entity", "The entity whose records are collected.", models.PROTECT
    )
    entity_method = optional.text(100, "How the entity's records are collected.")
    external_entity_field_id = optional.number_of("Id of the field that names a record outside.")
    retrieve_sql = optional.long_text("Query that yields the usage.", verbose_name="query")
    sproc = optional.text(255, "Procedure that yields the usage.", verbose_name="procedure")
    service_point_type_id = optional.number_of("Id of the kind of service point.")
    precollector_validation = optional.text(1000, "What a record must meet to be collected.")

    # How the data are written
    record_format = optional.text(
        100,
        "How records are written: DELIMITED (or CSV; also when empty), FIXED WIDTH, JSON (an "
        "object a line), XML or PARQUET.",
    )
    encoding = ListField(
        values=("UTF-8", "UTF-16", "WINDOWS-1252", "ISO-8859-1"),
        default="UTF-8",
        help_text="How the source's characters are written as bytes.",
    )
    header_row_flag = FlagField(
        verbose_name="column names",
        help_text="The first line behind those skipped names the columns; off: they are called "
        "Column1, Column2 and so on.",
    )
    record_path = optional.text(
        255, "XML: the elements that are records, as in usage/record; empty = those below the root."
    )
    delimiter = optional.text(10, "What stands between two values: a comma.")
    field_included_char = optional.text(
        10, "What texts are put between: a quotation mark.", verbose_name="text qualifier"
    )
    skip_rows = optional.count("How many lines at the beginning of a file are no records.")
    omit_end = optional.count("How many lines at the end of a file are no records.")

    # What a file must be
    sequence_pattern = optional.text(
        255,
        "File names with their number: usage_{sequence}_*.csv. A number that is left out or comes "
        "again is told.",
    )
    last_sequence_number = optional.number_of("Number of the last file, by its name.")
    late_usage_policy = ListField(
        values=(CURRENT_PERIOD, ORIGINAL_PERIOD, SUSPENSE),
        default=CURRENT_PERIOD,
        help_text="Usage of a period whose invoice is closed: it goes on the current invoice, on "
        "that of its own period where that is open, or waits in suspense. RejectClosedFlag has "
        "it wait.",
    )

    # What happens to a file that was read
    after_process_action = optional.text(100, "What is done with a file that was read.")
    after_process_directory = optional.text(500, "Where a file that was read goes.")
    after_process_file_pattern = optional.text(255, "What a file that was read is called.")
    create_after_process_directory_flag = FlagField(
        help_text="That directory is made where it is missing."
    )
    delete_source_file = FlagField(help_text="A file that was read is deleted.")

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR",
        names={"entity": "Entity_Id"},
        external_keys=("activity_collector_name",),
        title="activity_collector_name",
        encrypted=("password", "private_key"),
        write_only=("password", "private_key"),
        read_only=("last_sequence_number",),
    )

    class Meta:
        verbose_name = "activity collector"
        verbose_name_plural = "activity collectors"
        constraints = [
            live_unique("mediation_activitycollector", "activity_collector_name"),
            models.CheckConstraint(
                condition=~Q(type="FTP")
                | Q(ftp_directory__isnull=False, ftp_file_pattern__isnull=False),
                name="mediation_activitycollector_ftp_place",
                violation_error_message="A collector of Type FTP has an FtpDirectory and an "
                "FtpFilePattern",
            ),
            models.CheckConstraint(
                condition=Q(host_port__range=(1, 65535)),
                name="mediation_activitycollector_host_port_range",
                violation_error_message="HostPort is a port from 1 to 65535",
            ),
        ]


class CollectorPart(ExternallyKeyed, EntityModel):
    """What belongs to a collector and goes with it."""

    activity_collector = models.ForeignKey(
        ActivityCollector,
        models.CASCADE,
        related_name="+",
        help_text="The collector it belongs to.",
    )
    sort_order = models.IntegerField(default=0, help_text="Place among its like, low first.")

    class Meta:
        abstract = True


class ActivityCollectorMap(CollectorPart):
    """How one field of the usage is made from what a record of the source holds."""

    name = optional.text(
        100, "What formulas call the source where it has no name of its own: {!Caller}."
    )
    source = optional.text(
        500,
        "Where the value stands in a record: the column's name or number, the characters 11-20 of "
        "a fixed-width line, the path data.bytes or item/@id of JSON and XML.",
    )
    target = optional.text(
        100,
        "The field that it fills: one of COLLECTOR_FIELDS (BillingIdentifier, ACTIVITY_DATE, "
        "Quantity), UsageIdentifier, or a custom field of ACTIVITY; empty = it only has a name.",
    )
    default_value = optional.text(255, "What it is where the source has none.")
    formula = optional.text(
        4000, "What it is made of in place of Source: {!Up} + {!Down}, over the names of columns."
    )
    date_format = optional.text(
        100,
        "How a date is written: YYYY, YY, MM, DD, HH24, MI, SS and any signs between, EPOCH or "
        "EPOCH_MS; empty = ISO 8601.",
    )
    multiplier = optional.quantity("What a number is multiplied by: 0.0166666667 of seconds.")
    signature_flag = FlagField(
        verbose_name="part of the signature",
        help_text="Records in which all fields so marked are equal are one; without any marked, "
        "those whose mapped fields are all equal.",
    )
    consolidation = optional.choice(
        ("SUM", "HIGH-WATER MARK"),
        "What becomes of the values of one signature: their sum, or the record with the highest "
        "stays. Without any so marked quantities are added up.",
    )

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_MAP",
        external_keys=("external_key",),
        title="target",
        example={"Target": "Quantity", "Formula": "NUMBER({!Quantity})"},
    )

    class Meta:
        verbose_name = "collector mapping"
        verbose_name_plural = "collector mappings"
        constraints = [live_unique("mediation_activitycollectormap", "external_key")]


class ActivityCollectorFilter(CollectorPart):
    """Which records of the source are usage; the others are counted, and left out."""

    name = optional.text(255, "What it is about.")
    formula = models.CharField(
        max_length=4000,
        help_text="True of the records that are taken: {!Type} = 'CALL', over the names of "
        "columns. All filters of a collector must be.",
    )

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_FILTER",
        external_keys=("external_key",),
        title="formula",
        example={"Formula": "{!Quantity} > 0"},
    )

    class Meta:
        verbose_name = "collector filter"
        verbose_name_plural = "collector filters"
        constraints = [live_unique("mediation_activitycollectorfilter", "external_key")]


class ActivityCollectorLabel(CollectorPart):
    """A usage identifier that records raise: every product that carries it is charged."""

    usage_identifier = models.ForeignKey(
        "catalog.UsageIdentifier",
        models.PROTECT,
        related_name="+",
        help_text="The label that is raised.",
    )
    formula = optional.text(
        4000, "True of the records that raise it, over the names of columns; empty = all do."
    )

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_LABEL",
        external_keys=("external_key",),
        title="usage_identifier",
    )

    class Meta:
        verbose_name = "collector label"
        verbose_name_plural = "collector labels"
        constraints = [live_unique("mediation_activitycollectorlabel", "external_key")]


class ActivityCollectorControl(CollectorPart):
    """What a header or trailer says of its file, to be reconciled with what is in it."""

    place = ListField(
        values=("HEADER", "TRAILER"),
        default="TRAILER",
        help_text="Where it stands: in the lines skipped at the beginning (SkipRows) or at the end "
        "(OmitEnd).",
    )
    line_number = models.PositiveIntegerField(
        default=1, help_text="Which of these lines, from 1, in the order of the file."
    )
    position = models.CharField(
        max_length=100,
        help_text="Where in the line: the number of the column, or the characters 11-20.",
    )
    kind = ListField(
        values=("RECORD COUNT", "SUM", "TEXT"),
        default="RECORD COUNT",
        help_text="What it says: how many records there are, the sum of a column, or the text of "
        "Expected.",
    )
    source = optional.text(500, "SUM: the column that is added up, written as in a mapping.")
    expected = optional.text(255, "TEXT: what stands there.")

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_CONTROL",
        external_keys=("external_key",),
        title="kind",
        example={"Position": "2"},
    )

    class Meta:
        verbose_name = "collector control"
        verbose_name_plural = "collector controls"
        constraints = [live_unique("mediation_activitycollectorcontrol", "external_key")]


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
        max_length=500, **_EMPTY, help_text="The file with the usage; when it is here, it is read."
    )
    cause = optional.text(
        100, "Source SUSPENSE: the cause whose usage is taken up; empty = all of the collector."
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

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_HISTORY",
        external_keys=("external_key",),
        title="activity_collector",
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
            "progress",
            "heartbeat",
            "attempts",
            "next_attempt",
            "reversed_date",
            "reversed_count",
        ),
        hidden=("identity", "stage"),
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
            )
        ]


class LoadShard(models.Model):
    """A part of a load that is rated by itself; `rated` in the transaction that writes its lines.

    So a load knows for certain, wherever it was killed, which of its usage is rated.
    """

    load = models.ForeignKey(ActivityCollectorHistory, models.CASCADE, related_name="+")
    shard = models.SmallIntegerField()
    rated = models.BooleanField(default=False, db_default=False)

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
