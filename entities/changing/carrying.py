"""Carrying out the steps of a change, or only telling them.

The behaviors hand their steps to `carry_out` in the transaction that writes the rows. In a preview
nothing is run: the steps are kept, and everything is undone.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from entities import records
from entities.changing.steps import Step
from entities.errors import Code, RequestError
from entities.models import SchemaChange
from entities.records.batch import Batch
from entities.records.outcome import Outcome
from metabrm import clock
from metabrm.identity.context import Context

_TRIES = 20


@dataclass(frozen=True)
class Preview:
    """What a write would do: the outcome of each record, and the steps of those that are right."""

    outcomes: list[Outcome]
    steps: list[Step]


@dataclass
class _Recorder:
    """Steps by batch: a batch that is written anew brings its steps anew.

    tells_only  the steps are not run
    rehearses   they are run, to be undone: what would take long is left out
    """

    tells_only: bool = True
    rehearses: bool = False
    batches: dict[Batch, list[Step]] = field(default_factory=dict)

    @property
    def steps(self) -> list[Step]:
        return [step for batch in self.batches.values() for step in batch]


_recorder: ContextVar[_Recorder | None] = ContextVar("recorder", default=None)


class _UndoError(Exception):
    """A preview is over."""


def preview(verb: str, entity: str, rows: Sequence[Any], context: Context) -> Preview:
    """What `records.<verb>(entity, rows, context)` would do; `rows` are Ids for "delete",
    "purge" and "undelete". Nothing is written. Raises RequestError as the verb does."""
    options: dict[str, Any] = {}
    if verb == "purge":
        verb, options = "delete", {"permanently": True}
    write = getattr(records, verb)
    for last in range(_TRIES):
        recorder = _Recorder()
        token = _recorder.set(recorder)
        try:
            with transaction.atomic():
                outcomes = write(entity, rows, context, **options)
                raise _UndoError
        except _UndoError:
            return Preview(outcomes, recorder.steps)
        except RequestError as error:
            if error.code != Code.SCHEMA_BUSY or last == _TRIES - 1:
                raise
            time.sleep(random.uniform(0.02, 0.2))
        finally:
            _recorder.reset(token)
    raise AssertionError("unreachable")


@contextmanager
def recorded(*, rehearsal: bool = False) -> Iterator[Callable[[], list[Step]]]:
    """Carry out several changes and know their steps; gives a function that tells them so far.

    `rehearsal`: the caller undoes everything, so no large table is written anew for it.
    """
    recorder = _Recorder(tells_only=False, rehearses=rehearsal)
    token = _recorder.set(recorder)
    try:
        yield lambda: recorder.steps
    finally:
        _recorder.reset(token)


def previewing() -> bool:
    """Whether the change under way is only told, and then undone."""
    recorder = _recorder.get()
    return recorder is not None and recorder.tells_only


def carry_out(batch: Batch, steps: Sequence[Step]) -> None:
    """Run the steps in the open transaction and write them into SCHEMA_CHANGE, or record them."""
    recorder = _recorder.get()
    if recorder is not None:
        recorder.batches.setdefault(batch, []).extend(steps)
        if recorder.tells_only:
            return
    done = []
    for step in steps:
        began = time.monotonic()
        with connection.cursor() as cursor:
            for statement in step.statements:
                if not (recorder and recorder.rehearses and step.long):
                    cursor.execute(statement)
        if step.work is not None and not (recorder and recorder.rehearses):
            step.work()
        done.append(
            SchemaChange(
                changed_at=clock.now(),
                user_id=batch.context.user_id,
                reason=batch.context.reason or None,
                request_id=batch.context.request_id or None,
                entity_id=step.entity_id,
                entity_name=step.entity,
                summary=step.words,
                statements=";\n".join(step.statements) or None,
                milliseconds=round((time.monotonic() - began) * 1000),
            )
        )
    SchemaChange.objects.bulk_create(done)


def start_over(batch: Batch) -> None:
    """The batch's write begins again: what it was going to do is no longer so."""
    recorder = _recorder.get()
    if recorder is not None:
        recorder.batches.pop(batch, None)
