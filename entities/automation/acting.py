"""What the actions of a rule do, for all the records that met its criteria at once.

The records that an action writes are written by the verbs, in the same transaction, under the name
of whoever made the rule apply and with all rights. What goes wrong with such a record fails the
record that led to it; its neighbours are unharmed.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from entities import records
from entities.automation import outbox, running
from entities.automation.cascade import MOST, Chain
from entities.automation.evaluating import evaluate
from entities.automation.rules import ADDRESS, Action, Rule, addresses, filled
from entities.errors import Code
from entities.query import retrieve_ids
from entities.records.batch import Batch
from entities.records.outcome import Outcome
from metabrm import clock
from metabrm.identity.context import Context

#: What is told of these holds no value: a rule may have written what the caller may not read.
_WITHOUT_VALUES = frozenset(
    {
        Code.REQUIRED_FIELD_MISSING,
        Code.VALUE_TOO_LONG,
        Code.FIELD_NOT_CHANGEABLE,
        Code.VALIDATION_FAILED,
    }
)


@dataclass(slots=True)
class _Work:
    """A rule being applied to records of a batch. `left` are those for which nothing is wrong."""

    batch: Batch
    rule: Rule
    left: list[int]
    chain: Chain
    context: Context
    #: Index -> what was done for the record, in words.
    deeds: dict[int, list[str]]

    def record(self, index: int) -> int:
        record_id = self.batch.ids[index]
        assert record_id is not None
        return record_id

    def fresh(self, action: Action) -> list[int]:
        """The records for which the action was not done as they are now."""
        known = self.chain.cascade.is_done
        entity = self.batch.schema.id
        return [i for i in self.left if not known(action.id, entity, self.record(i))]

    def begin(self, action: Action, indexes: Sequence[int]) -> list[int]:
        """Those of the records for which the action may be done; the rule stops for the others."""
        cascade = self.chain.cascade
        over = cascade.spent >= MOST
        may = [i for i in indexes if not over and cascade.may_do(action.id, self.record(i))]
        if len(may) != len(indexes):
            allowed = set(may)
            self.stop([i for i in indexes if i not in allowed])
        if may:
            cascade.spent += 1
        for index in may:
            cascade.done(action.id, self.batch.schema.id, self.record(index))
            self.deeds[index].append(action.name)
        return may

    def stop(self, indexes: Sequence[int]) -> None:
        if not indexes:
            return
        running.note(
            self.rule,
            [self.record(i) for i in indexes],
            "STOPPED",
            f"Rules that set each other off: {self.chain.told(self.rule)}. The last one was not "
            f"applied again.",
        )
        stopped = set(indexes)
        self.left = [i for i in self.left if i not in stopped]

    def take_over(self, action: Action, places: Sequence[int], outcomes: Sequence[Outcome]) -> None:
        """What is wrong with a record that an action wrote is wrong with the one that led to it."""
        for index, outcome in zip(places, outcomes, strict=True):
            for problem in outcome.problems:
                at = f"{problem.field}: " if problem.field else ""
                told = problem.message
                if not self.batch.context.administrator and problem.code not in _WITHOUT_VALUES:
                    told = (
                        f"{problem.code}. What the rule wrote is not shown to you; an "
                        f"administrator who writes the same record is told."
                    )
                self.batch.fail(
                    index,
                    problem.code,
                    f"Workflow rule {self.rule.name!r}, action {action.name!r}: {at}{told}",
                )
        self.left = [i for i in self.left if i not in self.batch.problems]


def act(batch: Batch, rule: Rule, indexes: Sequence[int], chain: Chain) -> None:
    """Do the rule's actions with the batch's records at `indexes`, which met its criteria."""
    context = replace(
        batch.context.because(f"workflow rule {rule.name}"),
        role_id=None,
        administrator=True,
        cause=chain.then(rule),
    )
    work = _Work(batch, rule, list(indexes), chain, context, defaultdict(list))
    if chain.ended(rule):
        waiting = {i for action in rule.actions for i in work.fresh(action)}
        work.stop(sorted(waiting))
        return
    for action in rule.actions:
        if work.left:
            _DO[action.kind](work, action)
    by_deeds: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, deeds in work.deeds.items():
        if index not in batch.problems:
            by_deeds[tuple(deeds)].append(work.record(index))
    for told, ids in by_deeds.items():
        running.note(rule, ids, "DONE", f"Done: {', '.join(told)}.", actions=len(told))


def fail(batch: Batch, rule: Rule, indexes: Sequence[int], message: str) -> None:
    """Fail the records because the rule can't be applied to them."""
    for index in indexes:
        batch.fail(index, Code.VALIDATION_FAILED, f"Workflow rule {rule.name!r}: {message}")


def _set_fields(work: _Work, action: Action) -> None:
    """Write what differs from what the record holds; a rule that changes nothing sets off none."""
    batch = work.batch
    wanted = evaluate(batch, work.left, [v.sql for v in action.values])
    rows = {}
    for index in work.left:
        row = {
            value.name: text
            for value, (differs, text) in zip(action.values, _pairs(wanted[index]), strict=True)
            if differs
        }
        if row:
            rows[index] = {"Id": str(batch.ids[index]), **row}
    places = work.begin(action, list(rows))
    if not places:
        return
    for index in places:
        work.chain.cascade.changed(batch.schema.id, work.record(index))
    outcomes = records.update(
        batch.schema.name, [rows[i] for i in places], work.context, null_clears=True
    )
    work.take_over(action, places, outcomes)


def _pairs(document: Sequence[Any]) -> list[tuple[bool, str | None]]:
    return [(differs, text) for differs, text in (orjson.loads(d) for d in document)]


def _create_record(work: _Work, action: Action) -> None:
    places = work.begin(action, work.fresh(action))
    if not places:
        return
    found = evaluate(work.batch, places, [v.sql for v in action.values])
    rows = [
        {v.name: text for v, text in zip(action.values, found[i], strict=True) if text is not None}
        for i in places
    ]
    work.take_over(action, places, records.create(action.target, rows, work.context))


def _webhook(work: _Work, action: Action) -> None:
    """The fields that the action names, or else the whole record as an administrator sees it,
    without what is personal or encrypted."""
    places = work.begin(action, work.fresh(action))
    if not places:
        return
    rule, schema = work.rule, work.batch.schema
    shown = _named(work, action, places) if action.values else _whole(work, places)
    occurred_at = clock.now().isoformat()

    def body(record_id: int) -> Callable[[int], str]:
        return lambda number: orjson.dumps(
            {
                "id": str(number),
                "event": rule.event,
                "rule": rule.key,
                "action": action.name,
                "entity": schema.name,
                "record_id": str(record_id),
                "occurred_at": occurred_at,
                "record": shown[record_id],
            }
        ).decode()

    drafts = [outbox.Draft(i, action.url, rule.name, body(i)) for i in shown]
    outbox.put("WEBHOOK", action.id, schema.id, drafts)


def _named(work: _Work, action: Action, places: Sequence[int]) -> dict[int, dict[str, Any]]:
    found = evaluate(work.batch, places, [v.sql for v in action.values])
    return {
        work.record(i): {
            v.name: orjson.loads(value) for v, value in zip(action.values, found[i], strict=True)
        }
        for i in places
    }


def _whole(work: _Work, places: Sequence[int]) -> dict[int, dict[str, Any]]:
    batch = work.batch
    ids = [work.record(i) for i in places]
    page = retrieve_ids(batch.schema.name, ids, work.context, snapshot=batch.snapshot)
    kept_back = {f.name for f in batch.schema.fields if f.pii or f.encrypted}
    return {
        int(record["Id"]): {name: v for name, v in record.items() if name not in kept_back}
        for record in orjson.loads(page.json)
    }


def _email(work: _Work, action: Action) -> None:
    """Recipient and subject are one line each: what would break it becomes a blank."""
    places = work.begin(action, work.fresh(action))
    if not places:
        return
    drafts = []
    found = evaluate(work.batch, places, [v.sql for v in action.values])
    for index in places:
        known = {v.name: v_text for v, v_text in zip(action.values, found[index], strict=True)}
        to = [" ".join(filled(one, known).split()) for one in addresses(action.recipient)]
        to = [one for one in to if ADDRESS.fullmatch(one)]
        if not to:
            work.deeds[index][-1] += " (not sent: the record has no mail address)"
            continue
        subject = " ".join(filled(action.subject, known).split())[:1000]
        text = filled(action.body, known)
        drafts.append(
            outbox.Draft(work.record(index), ", ".join(to)[:2000], subject, _always(text))
        )
    outbox.put("EMAIL", action.id, work.batch.schema.id, drafts)


def _always(text: str) -> Callable[[int], str]:
    return lambda _: text


_DO = {
    "SET_FIELDS": _set_fields,
    "CREATE_RECORD": _create_record,
    "WEBHOOK": _webhook,
    "EMAIL": _email,
}
