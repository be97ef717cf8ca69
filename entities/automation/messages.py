"""What people may do with the delivery log: send once more what was given up.

The one change is Status FAILED -> PENDING; it begins the tries anew.
"""

from django.db import transaction

from entities.automation.outbox import nudge
from entities.errors import Code
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from metabrm import clock


@behavior("OUTBOUND_MESSAGE")
class MessageBehavior(Behavior):
    """Refuses all but that, also to administrators: the log says what happened."""

    def before_create(self, batch: Batch) -> None:
        _refuse(batch, "Messages are written by workflow rules; make an action that sends one.")

    def before_delete(self, batch: Batch) -> None:
        _refuse(
            batch, "Messages are kept for RetentionDays of the entity OUTBOUND_MESSAGE, then go."
        )

    def before_update(self, batch: Batch) -> None:
        sent, stored = batch.sent("Status"), batch.stored["Status"]
        for index in list(batch.live):
            if sent[index] is UNSET or sent[index] == stored[index]:
                continue
            if (stored[index], sent[index]) != ("FAILED", "PENDING"):
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    f"Status {stored[index]} can't become {sent[index]}; a FAILED message becomes "
                    f"PENDING to be sent once more.",
                    "Status",
                )
        again = {i for i in batch.live if sent[i] is not UNSET and stored[i] == "FAILED"}
        if again:
            places = range(batch.size)
            batch.put("Attempts", [0 if i in again else UNSET for i in places])
            batch.put("NextAttemptAt", [clock.now() if i in again else UNSET for i in places])

    def after_update(self, batch: Batch) -> None:
        transaction.on_commit(nudge, robust=True)


def _refuse(batch: Batch, message: str) -> None:
    for index in list(batch.live):
        batch.fail(index, Code.READ_ONLY_ENTITY, message)
