"""What collectors, their rows and loads must obey, and what begins by itself."""

from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from billing.changes import changed
from billing.mediation.collected import CollectedBehavior  # noqa: F401 (registers itself)
from billing.mediation.kept import keep_load
from billing.mediation.loads import claiming, numbering
from billing.mediation.loads.running import RUN
from billing.mediation.mapping import casting, fields
from billing.mediation.models import (
    ActivityCollector,
    ActivityCollectorHistory,
    ActivityCollectorMap,
)
from billing.mediation.models.loads import AGAIN, REVERSED, REVERSING, only_tells
from billing.mediation.reading import Layout, UnreadableError
from billing.mediation.rows import check_rows
from entities.errors import Code
from entities.fieldtypes.structured import key_of
from entities.files import contents
from entities.formulas import FormulaError
from entities.records import UNSET, Batch, Behavior, behavior
from metabrm import background

#: The loads that nobody changes any more, but by taking them back.
_ENDED = ("COMPLETED", "FAILED", "CANCELLED", "PARKED", REVERSING, REVERSED)
_BEGUN = ("PENDING", "RUNNING")


class _Checked(Behavior):
    """What is asked of a new record is asked of a changed one, too."""

    def before_create(self, batch: Batch) -> None:
        self.check(batch)

    def before_update(self, batch: Batch) -> None:
        self.check(batch)

    def check(self, batch: Batch) -> None:
        raise NotImplementedError


@behavior("ACTIVITY")
class LineBehavior(_Checked):
    """A line that is never billed stands on no invoice."""

    def check(self, batch: Batch) -> None:
        names = ("InvoiceId", "NonBillableFlag")
        if not any(batch.schema.field(name) in batch.columns for name in names):
            return
        invoices, unbilled = (batch.effective(name) for name in names)
        for index in batch.live:
            if invoices[index] is not None and unbilled[index]:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    "InvoiceId is sent for a line whose NonBillableFlag is 1: it is recorded, and "
                    "never put on an invoice. Leave InvoiceId out, or send NonBillableFlag 0.",
                    "InvoiceId",
                )


@behavior("ACTIVITY_COLLECTOR")
class CollectorBehavior(_Checked):
    """What is said of a source can be carried out."""

    def check(self, batch: Batch) -> None:
        check_rows(batch)
        names = ("RecordFormat", "Delimiter", "FieldIncludedChar", "Encoding", "SequencePattern")
        columns = {name: batch.effective(name) for name in names}
        self._guard_password(batch)
        self._say_who_reads(batch)
        for index in batch.live:
            told = {name: column[index] for name, column in columns.items()}
            collector = ActivityCollector(
                record_format=told["RecordFormat"],
                delimiter=told["Delimiter"],
                field_included_char=told["FieldIncludedChar"],
            )
            try:
                if told["RecordFormat"]:
                    Layout.of(collector)
            except UnreadableError as error:
                batch.fail(index, Code.INVALID_VALUE, str(error), str(error).split()[0])
            pattern = told["SequencePattern"]
            if pattern and numbering.pattern_of(pattern) is None:
                batch.fail(
                    index,
                    Code.INVALID_VALUE,
                    f"SequencePattern is {pattern!r}; it has {{sequence}} once, where the number "
                    f"stands in the file's name: usage_{{sequence}}.csv.",
                    "SequencePattern",
                )

    def _guard_password(self, batch: Batch) -> None:
        """The password is shown to nobody: so it is not sent to another server either, unless
        whoever names that server knows it."""
        keys, passwords = batch.sent("HostKey"), batch.sent("Password")
        for index in batch.live:
            was = batch.stored["HostKey"][index] if batch.stored else None
            if not was or keys[index] in (UNSET, was) or not batch.stored["Password"][index]:
                continue
            if passwords[index] is UNSET:
                batch.fail(
                    index,
                    Code.REQUIRED_FIELD_MISSING,
                    "HostKey names another server, which would be sent the password that is kept. "
                    "Send Password, too, or clear it.",
                    "Password",
                )

    def _say_who_reads(self, batch: Batch) -> None:
        """Who says which rows are read, reads them: others who save the collector lend no rights
        to what he wrote."""
        said = set(changed(batch, "Type", "Entity_Id", "RetrieveSql"))
        if said:
            reader = batch.context.user_id
            batch.put("ReadsAsUserId", [reader if i in said else UNSET for i in range(batch.size)])


@behavior("ACTIVITY_COLLECTOR_MAP")
class MapBehavior(_Checked):
    """A mapping fills a field that there is, with what can be made."""

    def check(self, batch: Batch) -> None:
        names = fields.names_for(Layout(), [])
        told = {
            name: batch.effective(name)
            for name in ("Target", "Source", "Formula", "DateFormat", "DefaultValue", "Name")
        }
        for index in batch.live:
            one = {name: column[index] for name, column in told.items()}
            if not one["Target"]:
                continue
            mapping = ActivityCollectorMap(
                target=one["Target"],
                source=one["Source"],
                formula=one["Formula"],
                date_format=one["DateFormat"],
            )
            try:
                fields.value_of(mapping, names, batch.snapshot, 0)
                if one["DateFormat"]:
                    casting.moment_sql("x", one["DateFormat"])
            except UnreadableError as error:
                message = str(error)
                field = next(
                    (n for n in ("Target", "Formula", "DateFormat") if message.startswith(n)), ""
                )
                batch.fail(index, Code.INVALID_VALUE, message, field)


class _FormulaBehavior(_Checked):
    """A formula is a condition over the columns of the source."""

    def check(self, batch: Batch) -> None:
        names = fields.names_for(Layout(), [])
        formulas = batch.effective("Formula")
        for index in batch.live:
            if not formulas[index]:
                continue
            try:
                fields.condition(formulas[index], names, "Formula")
            except (UnreadableError, FormulaError) as error:
                batch.fail(index, Code.INVALID_VALUE, str(error), "Formula")


@behavior("ACTIVITY_COLLECTOR_FILTER")
class FilterBehavior(_FormulaBehavior):
    """Filters are conditions."""


@behavior("ACTIVITY_COLLECTOR_LABEL")
class LabelBehavior(_FormulaBehavior):
    """Labels are raised under conditions."""


@behavior("ACTIVITY_COLLECTOR_HISTORY")
class LoadBehavior(Behavior):
    """A load with a file, or of suspense, begins by itself; one that is done can be taken back."""

    def before_create(self, batch: Batch) -> None:
        files = batch.sent("UsageFile")
        sent = batch.sent("Status")
        source = batch.effective("Source")
        status: list[Any] = list(sent)
        sources: list[Any] = [UNSET] * batch.size
        for index in batch.live:
            if files[index]:
                status[index], sources[index] = "PENDING", "FILE"
                self._refuse_taken(batch, index, files[index])
            elif source[index] == "SUSPENSE":
                status[index] = "PENDING"
        self._put(batch, "Status", status)
        self._put(batch, "Source", sources)

    def _put(self, batch: Batch, name: str, values: list[Any]) -> None:
        if any(value is not UNSET for value in values):
            batch.put(name, values)

    def _refuse_taken(self, batch: Batch, index: int, held: str) -> None:
        found = self._identity(batch, index, held)
        load = claiming.taken(found[0]) if found else None
        if load is not None and load.status != REVERSED:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"This file was taken already, as load {load.pk} ({load.status}); take that one "
                f"back first (Status REVERSED), or send it under another name.",
                "UsageFile",
            )

    def _identity(self, batch: Batch, index: int, held: str) -> tuple[str, Any] | None:
        stored = contents.about(key_of(held))
        if stored is None:
            return None
        collector = int(batch.value("ActivityCollectorId", index) or 0)
        return claiming.identity(collector, stored.file_name, stored.size, stored.sha256), stored

    def after_create(self, batch: Batch) -> None:
        files = batch.sent("UsageFile")
        source = batch.effective("Source")
        for index in batch.live:
            load_id = batch.ids[index]
            if load_id is None:
                continue
            if files[index]:
                self._begin(batch, index, load_id, files[index])
            elif source[index] == "SUSPENSE":
                transaction.on_commit(partial(background.tell, RUN, load_id))

    def _begin(self, batch: Batch, index: int, load_id: int, held: str) -> None:
        found = self._identity(batch, index, held)
        if found is None:
            return
        key, stored = found
        collector = ActivityCollector.objects.get(pk=batch.value("ActivityCollectorId", index))
        try:
            with transaction.atomic():
                claiming.release(key)
                ActivityCollectorHistory.objects.filter(pk=load_id).update(
                    identity=key,
                    file_name=stored.file_name[:500],
                    file_size=stored.size,
                    sha256=stored.sha256,
                    **numbering.number(collector, stored.file_name),
                )
        except IntegrityError:
            # Somebody else sent the same at the same time.
            self._refuse_taken(batch, index, held)
            return
        transaction.on_commit(partial(background.tell, RUN, load_id))

    def before_update(self, batch: Batch) -> None:
        keep_load(batch)
        status = batch.sent("Status")
        taken_back = list(status)
        for index in batch.live:
            was = batch.stored["Status"][index]
            wanted = status[index]
            if wanted is UNSET or wanted == was:
                continue
            if wanted in (REVERSED, REVERSING):
                if was not in ("COMPLETED", REVERSED, REVERSING):
                    batch.fail(
                        index,
                        Code.VALIDATION_FAILED,
                        f"This load is {was}; one that is COMPLETED can be taken back.",
                        "Status",
                    )
                taken_back[index] = REVERSING if was == "COMPLETED" else was
            elif was in (REVERSING, REVERSED) or (was == "COMPLETED" and wanted in _BEGUN):
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"This load is {was}: it has ended, and can only be taken back (REVERSED).",
                    "Status",
                )
            elif wanted == "PENDING" and only_tells(*self._came(batch, index)):
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    "This load only tells that its source could not be looked at: there is nothing "
                    "to begin again. The collector's next run looks there again.",
                    "Status",
                )
        self._put(batch, "Status", taken_back)

    def _came(self, batch: Batch, index: int) -> tuple[Any, Any, Any]:
        """What tells where a load came from."""
        source, name, file = (batch.stored[n][index] for n in ("Source", "FileName", "UsageFile"))
        return source, name, file

    def after_update(self, batch: Batch) -> None:
        now = batch.effective("Status")
        was = batch.stored["Status"]
        sent = [i for i in batch.live if batch.sent("Status")[i] is not UNSET]
        again = [batch.ids[i] or 0 for i in sent if now[i] == "PENDING" and was[i] in AGAIN]
        begun = [
            batch.ids[i] or 0
            for i in sent
            if now[i] in ("PENDING", REVERSING) and (now[i] != was[i] or batch.ids[i] in again)
        ]
        if again:
            ActivityCollectorHistory.objects.filter(pk__in=again).update(
                attempts=0, next_attempt=None, end_date=None, stage=""
            )
        for load_id in begun:
            transaction.on_commit(partial(background.tell, RUN, load_id))
