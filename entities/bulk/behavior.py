"""What may be asked of bulk jobs: everything that can be said at once is said at once."""

from functools import partial
from typing import Any

import orjson
from django.db import transaction

from entities.access import rights
from entities.bulk import dialect, jobs
from entities.bulk.extracting import LARGEST_BATCH, USUAL_BATCH, compiled
from entities.bulk.loading import forget, plan_of
from entities.errors import Code, RequestError
from entities.fieldtypes.structured import key_of
from entities.files import contents
from entities.models.bulk import (
    FINISHED,
    UNFINISHED,
    BulkApiBatch,
    BulkApiRequest,
    BulkJob,
    BulkUploadHistory,
)
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from metabrm import clock

#: Jobs of one user that have not ended.
MOST_WAITING = 200


class JobBehavior(Behavior):
    """A job begins by itself; whoever may change it can end it."""

    model: type[BulkJob]

    def before_create(self, batch: Batch) -> None:
        self._refuse_too_many(batch)

    def before_update(self, batch: Batch) -> None:
        ended: list[Any] = [UNSET] * batch.size
        for index, status in enumerate(batch.sent("Status")):
            was = batch.stored["Status"][index]
            if status is UNSET or status == was:
                continue
            if status == "CANCELLED" and was not in FINISHED:
                ended[index] = clock.now()
                continue
            name = batch.schema.label.lower()
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"This {name} is {was}: it has ended."
                if was in FINISHED
                else f"The platform sets Status; set it to CANCELLED to stop this {name}.",
                "Status",
            )
        batch.put("FinishedAt", ended)

    def after_create(self, batch: Batch) -> None:
        """Have workers begin once all is committed."""
        jobs.limit(self.model, [batch.ids[i] or 0 for i in batch.live], batch.context)
        for index in batch.live:
            told = batch.ids[index]
            if told is not None and batch.value("Status", index) == "PENDING":
                transaction.on_commit(partial(jobs.tell, self.model, told))

    def _refuse_too_many(self, batch: Batch) -> None:
        waiting = self.model._default_manager.filter(
            status__in=(*UNFINISHED, "AWAITING_FILE"), created_user=batch.context.user_id
        ).count()
        for place, index in enumerate(batch.live):
            if waiting + place >= MOST_WAITING:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"{MOST_WAITING} of your {batch.schema.label_plural.lower()} have not ended; "
                    f"wait for them, or set the Status of some to CANCELLED.",
                )


@behavior("BULK_API_REQUEST")
class BulkApiRequestBehavior(JobBehavior):
    """The query is compiled when it is asked for, with the rights of who asks."""

    model = BulkApiRequest

    def before_create(self, batch: Batch) -> None:
        super().before_create(batch)
        methods = batch.effective("RequestMethod")
        formats = batch.effective("ResponseFormat")
        usual = {"QUERY": "JSON", "RETRIEVE": "CSV"}
        batch.put(
            "ResponseFormat",
            [f or usual.get(m, "JSON") for f, m in zip(formats, methods, strict=True)],
        )
        sizes = batch.effective("RecordsPerBatch")
        others = batch.effective("RequestsPerBatch")
        batch.put(
            "RecordsPerBatch",
            [a or b or USUAL_BATCH for a, b in zip(sizes, others, strict=True)],
        )
        batch.put("Status", ["PENDING"] * batch.size)
        for index in batch.live:
            self._check(batch, index)

    def after_delete(self, batch: Batch) -> None:
        """The batches go with a request, and their files with them."""
        gone = BulkApiBatch.objects.filter(
            bulk_api_request_id__in=[batch.ids[i] for i in batch.live]
        )
        keys = [key_of(held) for held in gone.values_list("batch_file", flat=True)]
        gone.delete()
        if keys:
            transaction.on_commit(partial(contents.discard, keys))

    def _check(self, batch: Batch, index: int) -> None:
        def value(name: str) -> Any:
            return batch.value(name, index)

        size = value("RecordsPerBatch")
        if not 1 <= size <= LARGEST_BATCH:
            batch.fail(
                index,
                Code.NUMBER_OUT_OF_RANGE,
                f"RecordsPerBatch is {size}; a file holds 1 to {LARGEST_BATCH:,} records.",
                "RecordsPerBatch",
            )
            return
        if trouble := dialect.wrong(value("CSVDelimiter"), value("CSVQualifier")):
            field, why = trouble
            batch.fail(index, Code.INVALID_VALUE, why, field)
            return
        columns = orjson.loads(value("Columns") or "[]")
        if not isinstance(columns, list) or not all(isinstance(c, str) for c in columns):
            batch.fail(
                index,
                Code.INVALID_VALUE,
                'Columns is a list of fields, such as ["Id", "Name"].',
                "Columns",
            )
            return
        retrieve = value("RequestMethod") == "RETRIEVE"
        missing = "RetrieveEntityName" if retrieve else "RequestBody"
        if not value(missing):
            batch.fail(index, Code.REQUIRED_FIELD_MISSING, f"{missing} is required.", missing)
            return
        asked = BulkApiRequest(
            request_method=value("RequestMethod"),
            request_body=value("RequestBody"),
            retrieve_entity_name=value("RetrieveEntityName"),
            columns=columns,
            response_format=value("ResponseFormat"),
        )
        try:
            compiled(asked, batch.snapshot, batch.context)
        except RequestError as error:
            unknown = retrieve and error.code == Code.UNKNOWN_ENTITY
            where = "" if error.position is None else f" (at character {error.position + 1})"
            field = "Columns" if error.field == "Columns" else "RequestBody"
            batch.fail(
                index,
                error.code,
                f"{error.message}{where}",
                "RetrieveEntityName" if unknown else field,
            )


@behavior("BULK_UPLOAD_HISTORY")
class BulkUploadHistoryBehavior(JobBehavior):
    """The load begins when its file is here."""

    model = BulkUploadHistory

    def before_create(self, batch: Batch) -> None:
        super().before_create(batch)
        here = batch.sent("AllRecordsFile")
        batch.put("Status", ["PENDING" if file else "AWAITING_FILE" for file in here])
        for index in batch.live:
            self._check(batch, index)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        sent = batch.sent("AllRecordsFile")
        status = batch.sent("Status")
        makers = batch.stored["CreatedUserId"]
        for index in batch.live:
            if sent[index] is UNSET:
                continue
            if batch.stored["Status"][index] != "AWAITING_FILE":
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    f"This load has its file and is {batch.stored['Status'][index]}; create "
                    f"another one for another file.",
                    "AllRecordsFile",
                )
            elif not batch.context.administrator and makers[index] != batch.context.user_id:
                batch.fail(
                    index,
                    Code.INSUFFICIENT_RIGHTS,
                    "What is in the file is written in the name of whoever made this load; only "
                    "he, or an administrator, sends it.",
                    "AllRecordsFile",
                )
            elif sent[index] and status[index] is UNSET:
                status[index] = "PENDING"
        batch.put("Status", status)

    def after_update(self, batch: Batch) -> None:
        was, status = batch.stored["Status"], batch.sent("Status")
        awaited = [i for i in batch.live if was[i] == "AWAITING_FILE"]
        begun = [batch.ids[i] or 0 for i in awaited if status[i] == "PENDING"]
        # Whoever may less than who made the load gains nothing by sending its file.
        jobs.limit(self.model, begun, batch.context)
        for told in begun:
            transaction.on_commit(partial(jobs.tell, self.model, told))

    def after_delete(self, batch: Batch) -> None:
        """A load that is still on its way ends with its next step."""
        for index in batch.live:
            forget(batch.ids[index] or 0)

    def _check(self, batch: Batch, index: int) -> None:
        def value(name: str) -> Any:
            return batch.value(name, index)

        delimiter, qualifier = value("CSVDelimiter"), value("CSVQualifier")
        if trouble := dialect.wrong(delimiter or ",", qualifier or '"'):
            field, why = trouble
            batch.fail(index, Code.INVALID_VALUE, why, field)
            return
        asked = BulkUploadHistory(
            activity_collector_id=value("ActivityCollectorId"),
            entity_name=value("EntityName"),
            verb=value("Verb"),
            external_id_field_name=value("ExternalIDFieldName"),
            encoding=value("Encoding"),
        )
        try:
            plan = plan_of(asked, batch.snapshot, batch.context)
        except RequestError as error:
            batch.fail(index, error.code, error.message, error.field or "EntityName")
            return
        self._may(batch, index, plan.entity, plan.verb)

    def _may(self, batch: Batch, index: int, entity: str, verb: str) -> None:
        schema = batch.snapshot.entity(entity)
        granted = rights(batch.snapshot, batch.context, schema)
        allowed = {
            "CREATE": granted.create,
            "UPDATE": granted.update,
            "UPSERT": granted.create or granted.update,
        }[verb]
        if not (allowed and schema.writable):
            batch.fail(
                index,
                Code.INSUFFICIENT_RIGHTS,
                f"User {batch.context.username} may not {verb.lower()} {entity}.",
                "EntityName",
            )
