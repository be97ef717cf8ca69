"""What is done with usage in suspense, each record by the verbs, in the name of whoever asks.

A few records are written at once; many are written by a bulk job, which tells how far it is and
what it could not write. To try a group again is a load of its own (Source SUSPENSE).
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from billing.mediation.suspense import DISCARD, DISCARDED, IN_SUSPENSE, RESTORE, RESUBMIT
from billing.mediation.workbench import selecting
from billing.mediation.workbench.selecting import NEEDED, Selection
from entities import files, records
from entities.access.rights import EntityRights, require, rights
from entities.errors import Code, RequestError, nearest
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

ENTITY = "COLLECTOR_FIELDS"
CORRECT = "CORRECT"
ACTIONS = (CORRECT, RESUBMIT, DISCARD, RESTORE)
#: What may be corrected of usage: what it is made of, never how far it has come.
CORRECTABLE = (
    "BillingIdentifier",
    "ACTIVITY_DATE",
    "Quantity",
    "UsageIdentifier",
    "ChargeType",
    "ORIGINATION_COUNTRY_CODE",
    "DESTINATION_COUNTRY_CODE",
    "OVERRIDE_RATE",
    "OVERRIDE_COST",
)
#: So many records are written at once, and so many by one bulk job.
AT_ONCE, MOST = 1_000, 500_000


@dataclass(slots=True)
class Done:
    """What came of it: records that were written or given to a job or load, and what was not."""

    count: int = 0
    job: int | None = None
    loads: list[int] = field(default_factory=list)
    problems: list[tuple[int | None, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """An action on a selection; `values`: what each record is set to."""

    action: str
    chosen: Selection
    values: Mapping[str, Any]

    @property
    def written(self) -> Mapping[str, Any]:
        """What the verb is sent for each record."""
        return (
            self.values
            if self.action == CORRECT
            else {
                "Reprocess_Status": self.action,
                **self.values,
            }
        )


def asked(said: Mapping[str, Any], snapshot: Snapshot) -> Asked:
    """What a request asks for: Action, what it is about, Values or Reason. RequestError."""
    action = str(said.get("Action") or "").upper()
    if action not in ACTIONS:
        raise RequestError(
            Code.INVALID_VALUE,
            f"Action is {action[:80]!r}; it is one of {', '.join(ACTIONS)}.",
            field="Action",
        )
    state = DISCARDED if action == RESTORE else IN_SUSPENSE
    chosen = selecting.selection({**said, "State": state})
    if action == CORRECT:
        return Asked(action, chosen, _values(said.get("Values"), snapshot))
    if action == DISCARD:
        reason = str(said.get("Reason") or "").strip()
        if not reason:
            raise RequestError(
                Code.REQUIRED_FIELD_MISSING,
                "Say in Reason why the usage is discarded; it is kept with it.",
                field="Reason",
            )
        return Asked(action, chosen, {"PROCESS_DESCRIPTION": reason})
    return Asked(action, chosen, {})


def _values(said: Any, snapshot: Snapshot) -> dict[str, Any]:
    if not isinstance(said, Mapping) or not said:
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            'Say in Values what to set: {"BillingIdentifier": "4915123456"}.',
            field="Values",
        )
    schema = snapshot.entity(ENTITY)
    values = {}
    for name, value in said.items():
        found = schema.find(str(name))
        if found is None or found.name not in CORRECTABLE:
            raise RequestError(
                Code.INVALID_VALUE,
                f"Values has {str(name)[:80]!r}, which can't be corrected."
                f"{nearest(str(name), list(CORRECTABLE))} It is one of {', '.join(CORRECTABLE)}.",
                field="Values",
            )
        values[found.name] = None if value == "" else value
    return values


def granted(snapshot: Snapshot, context: Context) -> EntityRights:
    """The rights of whoever works on suspense. RequestError INSUFFICIENT_RIGHTS."""
    schema = snapshot.entity(ENTITY)
    found = rights(snapshot, context, schema)
    require(found.read and found.known >= NEEDED, context, "read all that is needed of", schema)
    return found


def act(wanted: Asked, context: Context, snapshot: Snapshot) -> Done:
    """Do it. RequestError where it can't be done to any."""
    found = granted(snapshot, context)
    chosen = wanted.chosen
    again = wanted.action == RESUBMIT and not chosen.ids
    ids = selecting.ids_of(chosen, found, 1 if again else MOST)
    if again:
        return _again(chosen, context) if ids else Done()
    if len(ids) > AT_ONCE:
        return _by_a_job(wanted, ids, context)
    rows = [{"Id": str(id), **wanted.written} for id in ids]
    done = Done(
        problems=[
            (id, f"There is no usage with Id {id} whose PROCESS_STATUS is {chosen.state}.")
            for id in sorted(set(chosen.ids).difference(ids))
        ]
    )
    if rows:
        for outcome in records.update(ENTITY, rows, context, null_clears=True):
            done.count += outcome.ok
            done.problems += [(outcome.id, problem.message) for problem in outcome.problems]
    return done


def _again(chosen: Selection, context: Context) -> Done:
    row = {
        "ActivityCollectorId": str(chosen.collector),
        "Source": "SUSPENSE",
        "Cause": chosen.cause,
        "SuspenseDay": chosen.day.isoformat() if chosen.day else None,
        "SuspenseToken": chosen.token,
    }
    (outcome,) = records.create(
        "ACTIVITY_COLLECTOR_HISTORY", [{k: v for k, v in row.items() if v is not None}], context
    )
    if outcome.id is None or not outcome.ok:
        return Done(problems=[(None, problem.message) for problem in outcome.problems])
    return Done(loads=[outcome.id])


def _by_a_job(wanted: Asked, ids: list[int], context: Context) -> Done:
    """A file of the records and what they are set to, loaded like any other."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["Id", *wanted.written])
    values = ["" if value is None else str(value) for value in wanted.written.values()]
    writer.writerows([id, *values] for id in ids)
    row = {
        "EntityName": ENTITY,
        "Verb": "UPDATE",
        "FileFormat": "CSV",
        "CSVDelimiter": ",",
        "CSVQualifier": '"',
        "TreatNullAsReset": "1",
    }
    content = written.getvalue().encode()
    name = f"suspense {wanted.action.lower()}.csv"
    with files.held({"AllRecordsFile": (name, content)}) as held:
        (outcome,) = records.create("BULK_UPLOAD_HISTORY", [row | held], context)
        if not outcome.ok:
            held.clear()
    if outcome.id is None or not outcome.ok:
        return Done(problems=[(None, problem.message) for problem in outcome.problems])
    return Done(count=len(ids), job=outcome.id)
