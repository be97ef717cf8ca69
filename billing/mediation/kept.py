"""What mediation says of usage and of loads is its own; what people may still say of them.

A record that mediation has (it lies in a load) can be corrected while it waits: in suspense, or
posted to a load that is still open. How far it has come, which load it is of and who collected it
are told by mediation alone, and so are a load's counts and times. Records and loads that somebody
merely keeps here, of which mediation has nothing, are his.
"""

from billing.changes import changed, found
from billing.mediation.models.loads import OPEN
from billing.mediation.suspense import DISCARDED, FROM, IN_SUSPENSE, PENDING, TAKEN_UP
from entities.errors import Code
from entities.records import Batch

#: Of a record of usage: what it is made of.
MADE_OF = (
    "BillingIdentifier",
    "ACTIVITY_DATE",
    "ActivityDateTS",
    "Quantity",
    "UsageIdentifier",
    "ChargeType",
    "ORIGINATION_COUNTRY_CODE",
    "DESTINATION_COUNTRY_CODE",
    "OVERRIDE_RATE",
    "OVERRIDE_COST",
    "OVERRIDE_BUY_COST",
    "ConsolidationExempt",
    "CreditActivityOption",
    "ExtraFields",
)
#: And what mediation says of it, with what is to be done instead of changing it.
TOLD = {
    "PROCESS_STATUS": "send Reprocess_Status RESUBMIT, DISCARD or RESTORE to have something done",
    "Reprocess_Date": "leave it out",
    "ACTIVITY_COLLECTOR_ID": "discard this record, and post another one to the other collector",
    "ACTIVITY_COLLECTOR_HISTORY_ID": "leave it out",
    "RecordNumber": "leave it out",
}
#: Of a load: what mediation counts and notes while it works.
COUNTED = (
    "RecordCount",
    "ProcessedCount",
    "ErrorCount",
    "StartDate",
    "EndDate",
    "FileName",
    "UsageFile",
    "Source",
    "ActivityCollectorId",
    "Cause",
    "SuspenseDay",
    "SuspenseToken",
)
#: States that a load comes to by itself.
_BY_ITSELF = ("RUNNING", "COMPLETED", "PARKED", OPEN)

_ENDED = {
    "PROCESSED": "It was charged: correct or withdraw its line.",
    "DUPLICATE": "It repeats another one, which counts.",
    "REVERSED": "Its load was taken back.",
    DISCARDED: "It was given up; send Reprocess_Status RESTORE first.",
    TAKEN_UP: "It is being taken up again; what can't be charged of it comes back into suspense.",
    PENDING: "Its load is closed, and being read; what can't be charged of it comes into suspense.",
}

# Those of which the records are still waited for, kept open until the change is written.
_STILL_OPEN = """
SELECT id FROM mediation_activitycollectorhistory
WHERE id = ANY(%(ids)s) AND status = 'PENDING LOGOUT' FOR SHARE
"""
# Loads that mediation has something of, or has begun with.
_OURS = """
SELECT id FROM mediation_activitycollectorhistory
WHERE id = ANY(%(ids)s)
  AND (identity IS NOT NULL OR begun_date IS NOT NULL OR source <> 'API' OR usage_file <> '')
"""


def _has(batch: Batch, index: int) -> bool:
    """Whether mediation has a record of usage: it lies in a load, in a state of mediation's."""
    state = batch.stored["PROCESS_STATUS"][index]
    load = batch.stored["ACTIVITY_COLLECTOR_HISTORY_ID"][index]
    return load is not None and (state == IN_SUSPENSE or state in _ENDED)


def keep_usage(batch: Batch) -> None:
    """Refuse what is not to be corrected of collected usage, or not any more."""
    for name, instead in TOLD.items():
        for index in changed(batch, name):
            if _has(batch, index):
                load = batch.stored["ACTIVITY_COLLECTOR_HISTORY_ID"][index]
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    f"{name} is told by mediation, which has this record in load {load}; "
                    f"{instead}.",
                    name,
                )
    sent = batch.sent("Reprocess_Status")
    for index in changed(batch, "Reprocess_Status"):
        if _has(batch, index) and str(sent[index] or "").upper() not in FROM:
            batch.fail(
                index,
                Code.INVALID_VALUE,
                f"Reprocess_Status is {sent[index]!r}; send one of {', '.join(FROM)}.",
                "Reprocess_Status",
            )
    _keep_content(batch)


def _keep_content(batch: Batch) -> None:
    """Usage that waits in suspense or in an open load can be corrected, and no other."""
    loads, states = (
        batch.stored[name] for name in ("ACTIVITY_COLLECTOR_HISTORY_ID", "PROCESS_STATUS")
    )
    asked = {name: changed(batch, name) for name in MADE_OF}
    wanted = {
        index
        for indexes in asked.values()
        for index in indexes
        if states[index] != IN_SUSPENSE and _has(batch, index)
    }
    posted = {loads[index] for index in wanted if states[index] == PENDING}
    still = {id for (id,) in found(_STILL_OPEN, ids=sorted(posted))} if posted else set()
    for name, indexes in asked.items():
        for index in wanted.intersection(indexes):
            if states[index] == PENDING and loads[index] in still:
                continue
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"{name} can't be corrected: this record is {states[index]}. "
                f"{_ENDED[states[index]]}",
                name,
            )


def keep_load(batch: Batch) -> None:
    """Refuse what only mediation says of a load that it has."""
    asked = {name: changed(batch, name) for name in (*COUNTED, "Status")}
    wanted = {index for indexes in asked.values() for index in indexes}
    if not wanted:
        return
    ours = {id for (id,) in found(_OURS, ids=[batch.ids[index] for index in wanted])}
    states = batch.effective("Status")
    for name, indexes in asked.items():
        for index in indexes:
            if batch.ids[index] not in ours:
                continue
            if name != "Status":
                message = f"{name} is told by mediation, which has this load; leave it out."
            elif states[index] in _BY_ITSELF:
                message = (
                    f"A load becomes {states[index]} by itself. Send PENDING to begin it again, "
                    f"CANCELLED to give it up, REVERSED to take it back."
                )
            else:
                continue
            batch.fail(index, Code.FIELD_NOT_CHANGEABLE, message, name)
