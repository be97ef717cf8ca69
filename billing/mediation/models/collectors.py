"""Collectors: where usage comes from, in what form, and how often."""

from django.db import models
from django.db.models import Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import EncryptedField, FlagField, ListField

#: How the records of a source may be written.
DELIMITED, FIXED_WIDTH, JSON, XML, PARQUET = "DELIMITED", "FIXED WIDTH", "JSON", "XML", "PARQUET"
#: What late usage may become.
CURRENT_PERIOD, ORIGINAL_PERIOD, SUSPENSE = "CURRENT PERIOD", "ORIGINAL PERIOD IF OPEN", "SUSPENSE"

#: The Types of collectors that go and look by themselves.
LOOKING = ("FTP", "DATABASE", "ENTITY")
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
        null=True,
        blank=True,
        help_text="The user's password at the source. It is encrypted, and never shown.",
    )
    private_key = EncryptedField(
        null=True,
        blank=True,
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
    reads_as_user = optional.past(
        "identity.User",
        "In whose name rows are read: who said last which ones, by the query or the entity. What "
        "that user may not read, the collector does not.",
        verbose_name="reads as",
    )
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
        read_only=("last_sequence_number", "reads_as_user"),
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
