"""What collected usage must obey: what is posted waits in a load, as does what is resubmitted."""

from collections import defaultdict
from functools import partial
from typing import Any
from uuid import uuid4

from django.db import transaction

from billing.mediation import suspense
from billing.mediation.kept import keep_usage
from billing.mediation.loads import claiming
from billing.mediation.loads.running import RUN
from billing.mediation.models import ActivityCollector
from billing.mediation.sources import posted
from entities.errors import Code
from entities.records import UNSET, Batch, Behavior, behavior
from metabrm import background


@behavior("COLLECTOR_FIELDS")
class CollectedBehavior(Behavior):
    """What is posted waits in an open load; what is resubmitted becomes a load of its own."""

    def before_create(self, batch: Batch) -> None:
        self._check_extra(batch)
        collectors = batch.effective("ACTIVITY_COLLECTOR_ID")
        loads = batch.effective("ACTIVITY_COLLECTOR_HISTORY_ID")
        states = batch.effective("PROCESS_STATUS")
        wanted: dict[int, list[int]] = defaultdict(list)
        for index in batch.live:
            # Who says how far a record has come keeps it himself.
            if loads[index] is None and states[index] is None and collectors[index] is not None:
                wanted[collectors[index]].append(index)
        if not wanted:
            return
        active = set(
            ActivityCollector.objects.filter(pk__in=wanted, type="API")
            .exclude(status="DEACTIVATED")
            .values_list("pk", flat=True)
        )
        put_loads: list[Any] = [UNSET] * batch.size
        put_states: list[Any] = [UNSET] * batch.size
        for collector, indexes in wanted.items():
            if collector not in active:
                continue
            load = posted.open_load(collector, batch.context.user_id, len(indexes))
            for index in indexes:
                put_loads[index], put_states[index] = load, suspense.PENDING
        if active:
            self._put(batch, "ACTIVITY_COLLECTOR_HISTORY_ID", put_loads)
            self._put(batch, "PROCESS_STATUS", put_states)

    def _put(self, batch: Batch, name: str, values: list[Any]) -> None:
        sent = batch.sent(name)
        batch.put(name, [s if v is UNSET else v for s, v in zip(sent, values, strict=True)])

    def _check_extra(self, batch: Batch) -> None:
        for index, sent in enumerate(batch.sent("ExtraFields")):
            if isinstance(sent, str) and not sent.startswith("{"):
                batch.fail(
                    index,
                    Code.INVALID_VALUE,
                    'ExtraFields are an object of custom fields of ACTIVITY: {"CallId": "a-1"}.',
                    "ExtraFields",
                )

    def before_update(self, batch: Batch) -> None:
        self._check_extra(batch)
        keep_usage(batch)
        wanted = [self._wants(batch, index) for index in range(batch.size)]
        if not any(wanted):
            return
        states: list[Any] = [UNSET] * batch.size
        told: list[Any] = [UNSET] * batch.size
        marks: list[Any] = [UNSET] * batch.size
        said = batch.sent("PROCESS_DESCRIPTION")
        for index in batch.live:
            action = wanted[index]
            if not action:
                continue
            state = batch.stored["PROCESS_STATUS"][index]
            if state != suspense.FROM[action]:
                batch.fail(index, Code.VALIDATION_FAILED, _unfit(action, state), "Reprocess_Status")
            elif action == suspense.DISCARD:
                states[index], marks[index] = suspense.DISCARDED, suspense.DISCARDED
                if said[index] is UNSET or not str(said[index] or "").strip():
                    batch.fail(
                        index,
                        Code.REQUIRED_FIELD_MISSING,
                        "Say in PROCESS_DESCRIPTION why the usage is discarded; it is kept with "
                        "it.",
                        "PROCESS_DESCRIPTION",
                    )
            elif action == suspense.RESTORE:
                states[index], marks[index] = suspense.IN_SUSPENSE, None
                told[index] = str(batch.stored["Reason"][index] or "")[:1000] or None
        self._put(batch, "PROCESS_STATUS", states)
        self._put(batch, "PROCESS_DESCRIPTION", told)
        self._put(batch, "Reprocess_Status", marks)

    def after_update(self, batch: Batch) -> None:
        chosen: dict[int, list[int]] = defaultdict(list)
        collectors = batch.effective("ACTIVITY_COLLECTOR_ID")
        for index in batch.live:
            if self._resubmits(batch, index):
                chosen[collectors[index]].append(batch.ids[index] or 0)
        for collector_id, ids in chosen.items():
            collector = ActivityCollector.objects.get(pk=collector_id)
            load = claiming.open_load(
                collector,
                "SUSPENSE",
                created_user_id=batch.context.user_id,
                identity=f"chosen:{uuid4()}",
            )
            suspense.take_up_chosen(load.pk, ids)
            transaction.on_commit(partial(background.tell, RUN, load.pk))

    def _resubmits(self, batch: Batch, index: int) -> bool:
        return self._wants(batch, index) == suspense.RESUBMIT

    def _wants(self, batch: Batch, index: int) -> str:
        """What is to be done with a record; "" for nothing."""
        action = str(batch.sent("Reprocess_Status")[index] or "").upper()
        return action if action in suspense.FROM else ""


def _unfit(action: str, state: str | None) -> str:
    """Why nothing is done with a record of this state."""
    done = {suspense.RESUBMIT: "resubmitted", suspense.DISCARD: "discarded"}
    return (
        f"This record is {state or 'not in suspense'}; only one in {suspense.FROM[action]} can be "
        f"{done.get(action, 'taken back into suspense')}."
    )
