"""Many records at once: extracts of them, loads of them, and what came of both."""

from typing import Any

from django.db import models

from metabrm.entity import CoreModel, EntityOptions
from metabrm.fields import FlagField, ListField

OPTIONAL: dict[str, Any] = {"null": True, "blank": True}
#: Of both kinds of jobs; a load waits for its file first.
UNFINISHED = ("PENDING", "RUNNING")
FINISHED = ("COMPLETED", "FAILED", "CANCELLED")
#: A line ends with CR, LF or both.
LINE_ENDS = ("CRLF", "LF", "CR")


class BulkJob(CoreModel):
    """What a worker does for somebody: how far it is, and who made it.

    No history is kept of it and no recycle bin: it is a log of itself.
    """

    status = ListField(values=(*UNFINISHED, *FINISHED), default="PENDING")
    progress = models.IntegerField(default=0, help_text="Per cent.")
    record_count = models.BigIntegerField(default=0, help_text="Records so far.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error_text = models.TextField(null=True, help_text="Why it failed, and what would be right.")
    attempts = models.IntegerField(default=0, help_text="How often a worker has begun.")
    created = models.DateTimeField(editable=False)
    created_user = models.ForeignKey(
        "identity.User",
        models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
    )
    updated = models.DateTimeField(editable=False)
    updated_user = models.ForeignKey(
        "identity.User",
        models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    role_id = models.BigIntegerField(
        null=True,
        help_text="Role of the API key by which it was asked for, where that is not its user's.",
    )

    class Meta:
        abstract = True


_KEPT = ("progress", "record_count", "started_at", "finished_at", "error_text", "attempts")


class BulkApiRequest(BulkJob):
    """A query whose rows are written to files, however many there are.

    PENDING -> RUNNING -> COMPLETED or FAILED; set Status to CANCELLED to stop it.
    """

    brm = EntityOptions(
        "BULK_API_REQUEST",
        title="request_name",
        names={
            "csv_delimiter": "CSVDelimiter",
            "csv_qualifier": "CSVQualifier",
            "csv_end_line_format": "CSVEndLineFormat",
        },
        immutable=(
            "request_body",
            "request_method",
            "retrieve_entity_name",
            "columns",
            "requests_per_batch",
            "records_per_batch",
            "response_format",
            "csv_delimiter",
            "csv_qualifier",
            "csv_end_line_format",
        ),
        example={
            "RequestBody": "SELECT Id, Name FROM ROLE",
            "RetrieveEntityName": None,
            "ResponseFormat": "CSV",
        },
        read_only=(*_KEPT, "batch_count", "response_file"),
        hidden=("role_id",),
        personal=True,
    )

    request_name = models.CharField(max_length=255, help_text="What people call it.")
    request_method = ListField(
        values=("QUERY", "RETRIEVE"),
        default="QUERY",
        help_text="QUERY: RequestBody is a SELECT. RETRIEVE: it is a condition on the records of "
        "RetrieveEntityName.",
    )
    request_body = models.CharField(
        max_length=4000,
        **OPTIONAL,
        help_text="The SELECT, or the condition; no condition retrieves all records.",
    )
    retrieve_entity_name = models.CharField(max_length=63, **OPTIONAL)
    columns = models.JSONField(
        **OPTIONAL, help_text='RETRIEVE: fields to give, as in ["Id", "Name"]; none for all.'
    )
    response_format = ListField(
        values=("JSON", "CSV"), **OPTIONAL, help_text="CSV for RETRIEVE, else JSON."
    )
    records_per_batch = models.IntegerField(
        **OPTIONAL, help_text="Records in one file; 10,000 when not set."
    )
    requests_per_batch = models.IntegerField(
        **OPTIONAL, help_text="Another name of RecordsPerBatch."
    )
    csv_delimiter = models.CharField(
        max_length=1, default=",", verbose_name="CSV delimiter", help_text="Between values."
    )
    csv_qualifier = models.CharField(
        max_length=1,
        default='"',
        verbose_name="CSV qualifier",
        help_text="Around values that need it.",
    )
    csv_end_line_format = ListField(
        values=LINE_ENDS, default="CRLF", verbose_name="CSV end of line"
    )
    batch_count = models.IntegerField(default=0, help_text="Files so far: BULK_API_BATCH.")
    response_file = models.FileField(
        max_length=500, null=True, help_text="The first batch; all of them are BULK_API_BATCH."
    )

    class Meta:
        verbose_name = "bulk extract"
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "id"], name="bulk_request_status")]

    def __str__(self) -> str:
        return self.request_name


class BulkApiBatch(CoreModel):
    """One of the files that a bulk extract writes."""

    brm = EntityOptions("BULK_API_BATCH", title="batch_number", writable=False, personal=True)

    bulk_api_request = models.ForeignKey(BulkApiRequest, models.CASCADE, related_name="+")
    batch_number = models.IntegerField(help_text="From 1.")
    record_count = models.BigIntegerField()
    batch_file = models.FileField(max_length=500)
    created = models.DateTimeField(editable=False)
    created_user = models.ForeignKey(
        "identity.User",
        models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        verbose_name = "bulk extract batch"
        verbose_name_plural = "bulk extract batches"
        ordering = ["bulk_api_request_id", "batch_number"]
        constraints = [
            models.UniqueConstraint(
                fields=["bulk_api_request", "batch_number"], name="bulk_batch_number_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.bulk_api_request_id}/{self.batch_number}"


class BulkUploadHistory(BulkJob):
    """A file of records to be created or changed; what came of each is told in two files.

    AWAITING_FILE -> PENDING -> RUNNING -> COMPLETED or FAILED; set Status to CANCELLED to stop it.
    The file goes into AllRecordsFile. Where it goes and how it is read is said here, or by the
    collector.
    """

    brm = EntityOptions(
        "BULK_UPLOAD_HISTORY",
        title="id",
        names={
            "external_id_field_name": "ExternalIDFieldName",
            "csv_delimiter": "CSVDelimiter",
            "csv_qualifier": "CSVQualifier",
        },
        lookups={"activity_collector_id": "ACTIVITY_COLLECTOR"},
        immutable=(
            "activity_collector_id",
            "entity_name",
            "verb",
            "external_id_field_name",
            "treat_null_as_reset",
            "file_format",
            "encoding",
            "csv_delimiter",
            "csv_qualifier",
        ),
        read_only=(
            *_KEPT,
            "accepted_count",
            "rejected_count",
            "accepted_records_file",
            "rejected_records_file",
        ),
        hidden=("role_id", "staged"),
        example={
            "EntityName": "ACCOUNT_TYPE",
            "Verb": "UPSERT",
            "ExternalIDFieldName": "AccountType",
            "CSVDelimiter": ",",
            "CSVQualifier": '"',
        },
        personal=True,
    )

    activity_collector_id = models.BigIntegerField(
        **OPTIONAL, help_text="Says how to read the file, where this record does not."
    )
    entity_name = models.CharField(
        max_length=63, **OPTIONAL, help_text="Entity of the records in the file."
    )
    verb = ListField(
        values=("CREATE", "UPDATE", "UPSERT"), **OPTIONAL, help_text="CREATE when not set."
    )
    external_id_field_name = models.CharField(
        max_length=63, **OPTIONAL, help_text="UPSERT: the external key that finds a record."
    )
    treat_null_as_reset = FlagField(
        help_text="UPDATE, UPSERT: an empty value clears its field, instead of leaving it as it is."
    )
    file_format = ListField(
        values=("CSV", "JSON"),
        **OPTIONAL,
        help_text="JSON: an object a line. When not set, the file's name says it.",
    )
    encoding = ListField(values=("UTF-8", "UTF-16", "WINDOWS-1252", "ISO-8859-1"), default="UTF-8")
    csv_delimiter = models.CharField(max_length=1, **OPTIONAL, verbose_name="CSV delimiter")
    csv_qualifier = models.CharField(max_length=1, **OPTIONAL, verbose_name="CSV qualifier")
    status = ListField(values=("AWAITING_FILE", *UNFINISHED, *FINISHED), default="AWAITING_FILE")
    accepted_count = models.BigIntegerField(default=0)
    rejected_count = models.BigIntegerField(default=0)
    all_records_file = models.FileField(
        max_length=500, **OPTIONAL, help_text="The file; when it is here, the load begins."
    )
    accepted_records_file = models.FileField(
        max_length=500, null=True, help_text="Line and Id of each record that was taken."
    )
    rejected_records_file = models.FileField(
        max_length=500, null=True, help_text="The other records as they were sent, and why."
    )
    staged = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name = "bulk load"
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "id"], name="bulk_upload_status")]

    def __str__(self) -> str:
        return f"Bulk load {self.pk}"


class BulkUploadChunk(models.Model):
    """What came of some records of a load, kept in the transaction that wrote them.

    So a load knows for certain, wherever it was killed, which of its records are written.
    """

    bulk_upload_history = models.ForeignKey(BulkUploadHistory, models.CASCADE, related_name="+")
    last_line = models.BigIntegerField(help_text="Records up to this line are done.")
    accepted = models.TextField(help_text="Lines of AcceptedRecordsFile.")
    rejected = models.TextField(help_text="Lines of RejectedRecordsFile.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["bulk_upload_history", "last_line"], name="bulk_chunk_line_key"
            )
        ]


class BulkStagedRecord(models.Model):
    """A record of a file that is being loaded. The table is unlogged: it can be made again."""

    pk = models.CompositePrimaryKey("bulk_upload_history_id", "line")
    bulk_upload_history_id = models.BigIntegerField()
    line = models.BigIntegerField(help_text="Where it begins in the file.")
    record = models.TextField(help_text="JSON: values in the order of the header, or an object.")
    problem = models.TextField(null=True, help_text="Why it can't be read.")
