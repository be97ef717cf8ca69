"""What a change would do before it is done, and the doing of it: both are the verb.

A change of a field may also touch the values of its list; they are written after it, and what is
wrong with them stands beside what is wrong with the field.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from entities import changing, records
from entities.changing import jobs
from entities.errors import Code, Problem, RequestError
from entities.records import Outcome
from metabrm.identity.context import Context

VALUES = "ENTITY_FIELD_VALUES"


@dataclass(frozen=True)
class Plan:
    """The steps that a change takes, and what stands in its way."""

    steps: Sequence[Any] = ()
    problems: Sequence[Problem] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        return not self.problems


def preview(verb: str, entity: str, row: Any, context: Context) -> Plan:
    """What the verb would do with one row; nothing is written."""
    try:
        found = changing.preview(verb, entity, [row], context)
    except RequestError as error:
        return Plan(problems=(Problem(error.code, error.field, error.message),))
    return Plan(found.steps, [p for o in found.outcomes for p in o.problems])


def apply(verb: str, entity: str, row: Any, context: Context, **more: Any) -> Outcome:
    """Do it; what the verb refuses as a whole is a problem like any other."""
    try:
        (outcome,) = getattr(records, verb)(entity, [row], context, **more)
    except RequestError as error:
        if error.code == Code.SCHEMA_BUSY and connection.in_atomic_block:
            # Whoever has begun the transaction begins it again.
            raise
        return Outcome(None, (Problem(error.code, error.field, error.message),))
    return outcome


def retry(job_id: int, context: Context) -> None:
    """Let a job that failed begin again."""
    jobs.retry(job_id, context)


def stale(row: dict[str, Any] | None, posted: Any) -> Problem | None:
    """What to say if a row has changed since the panel that is posted was opened."""
    if row is None or posted.get("seen") == seen(row):
        return None
    return Problem(
        Code.VALIDATION_FAILED,
        "",
        "Somebody has changed this since you opened it. Close the panel and open it again to see "
        "what is new; nothing of yours is saved yet.",
    )


def seen(row: dict[str, Any]) -> str:
    """The state of a row that a panel was opened on."""
    return str(row["updated"].isoformat())


@dataclass(frozen=True)
class ListValue:
    """A line of the panel's list: the row it is already, if any; its text; if it is in use."""

    id: int | None
    text: str
    active: bool


def values_of(posted: Any) -> list[ListValue]:
    """The list's lines as posted, in order; empty lines are none."""
    lines = zip(
        posted.getlist("value_id"),
        posted.getlist("value"),
        posted.getlist("value_active"),
        strict=False,
    )
    return [
        ListValue(int(i) if i.isascii() and i.isdecimal() and len(i) < 19 else None, text, a == "1")
        for i, text, a in ((i, t.strip(), a) for i, t, a in lines)
        if text
    ]


def _save_values(
    field_id: int, wanted: list[ListValue], stored: list[dict[str, Any]], context: Context
) -> tuple[Problem, ...]:
    """Bring the list to what is wanted: new values, order, and which are still taken."""
    outcomes: list[Outcome] = []
    try:
        for verb, rows in _writes(field_id, wanted, stored):
            outcomes += getattr(records, verb)(VALUES, rows, context)
    except RequestError as error:
        if error.code == Code.SCHEMA_BUSY:
            raise
        return (Problem(error.code, "ListValues", error.message),)
    return tuple(p for outcome in outcomes for p in outcome.problems)


class _UndoError(Exception):
    """Something of a change can't be done, so nothing of it is."""


def apply_field(
    verb: str,
    row: dict[str, Any] | None,
    field_id: int | None,
    wanted: list[ListValue],
    stored: list[dict[str, Any]],
    context: Context,
) -> tuple[Problem, ...]:
    """Write a field, if `row` is to be written, and its list: both or neither; the problems."""

    def work() -> tuple[Problem, ...]:
        record_id, problems = field_id, tuple[Problem, ...]()
        if row is not None:
            outcome = apply(verb, "ENTITY_FIELD", row, context)
            record_id, problems = outcome.id, outcome.problems
        if not problems and record_id is not None and wanted:
            problems = _save_values(record_id, wanted, stored, context)
        if problems:
            raise _UndoError(problems)
        return ()

    try:
        return changing.together(context, work)
    except _UndoError as undone:
        (problems,) = undone.args
        return problems
    except RequestError as error:
        return (Problem(error.code, error.field, error.message),)


def preview_values(
    field_id: int | None, wanted: list[ListValue], stored: list[dict[str, Any]], context: Context
) -> Plan:
    """What would become of the list of a field, or of one that is still to be made."""
    if field_id is None:
        return Plan()
    steps: list[Any] = []
    problems: list[Problem] = []
    for verb, rows in _writes(field_id, wanted, stored):
        try:
            found = changing.preview(verb, VALUES, rows, context)
        except RequestError as error:
            return Plan(problems=(Problem(error.code, "ListValues", error.message),))
        steps += found.steps
        problems += [p for o in found.outcomes for p in o.problems]
    return Plan(steps, problems)


def _writes(
    field_id: int, wanted: list[ListValue], stored: list[dict[str, Any]]
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The verbs that make of the stored list the wanted one, each with its rows."""
    known = {row["id"]: (place, row) for place, row in enumerate(stored)}
    news, changed = [], []
    for place, value in enumerate(wanted):
        line = {"ListValue": value.text, "SortOrder": place, "ActiveFlag": value.active}
        if value.id not in known:
            news.append({**line, "EntityFieldId": str(field_id)})
            continue
        before_place, before = known[value.id]
        same = (before["list_value"], before["active_flag"]) == (value.text, value.active)
        if not same or before_place != place:
            changed.append({**line, "Id": str(value.id)})
    return [(verb, rows) for verb, rows in (("update", changed), ("create", news)) if rows]


def words_of_values(wanted: list[ListValue]) -> list[str]:
    """In words what the list of a new field would hold."""
    return [f"Add to the list: {', '.join(v.text for v in wanted)}."] if wanted else []


def duplicate(wanted: list[ListValue]) -> Problem | None:
    """The first value that stands in the list twice."""
    seen: set[str] = set()
    for value in wanted:
        if value.text.casefold() in seen:
            return Problem(
                Code.DUPLICATE_IN_REQUEST,
                "ListValues",
                f"{value.text} stands in the list twice; remove one.",
            )
        seen.add(value.text.casefold())
    return None
