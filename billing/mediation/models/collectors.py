"""Collectors: where usage comes from, in what form, how often, and what each load brought."""

from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, ListField

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
        default=True, help_text="What is collected is rated; off: the feed brings the amounts."
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
    record_format = optional.text(100, "How records are written: CSV, fixed width.")
    delimiter = optional.text(10, "What stands between two values: a comma.")
    field_included_char = optional.text(
        10, "What texts are put between: a quotation mark.", verbose_name="text qualifier"
    )
    skip_rows = optional.count("How many lines at the beginning of a file are no records.")
    omit_end = optional.count("How many lines at the end of a file are no records.")

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


class ActivityCollectorHistory(ExternallyKeyed, EntityModel):
    """One load of a collector: when it ran, what it brought, how it ended."""

    activity_collector = models.ForeignKey(
        ActivityCollector,
        models.PROTECT,
        related_name="+",
        help_text="The collector that brought the usage.",
    )
    status = ListField(
        values=("PENDING LOGOUT", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"),
        default="PENDING LOGOUT",
        help_text="How far the load has come; PENDING LOGOUT: more may still come.",
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

    brm = EntityOptions(
        name="ACTIVITY_COLLECTOR_HISTORY",
        external_keys=("external_key",),
        title="activity_collector",
    )

    class Meta:
        verbose_name = "usage load"
        verbose_name_plural = "usage loads"
        constraints = [
            live_unique("mediation_activitycollectorhistory", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="mediation_activitycollectorhistory_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
