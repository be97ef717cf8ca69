"""What is to be rated again is a RERATE record first, which a worker takes up and which then tells
what came of it.

The record is locked while it is carried out and says that it is done in the same transaction: two
workers never carry out one, and one that was killed leaves it as it was.
"""

import logging
from collections.abc import Sequence

from django.db import transaction

from billing.mediation.partitions import ensure_months_of
from billing.rating.models import Rerate
from billing.rating.passing import in_passing
from billing.rating.rerating.correcting import Correction
from billing.rating.rerating.running import rerate
from billing.rating.rerating.telling import Result, money
from billing.rating.rerating.wanted import Wanted
from billing.rating.telling import TOO_LARGE
from entities.errors import Code, RequestError
from metabrm import background, clock

log = logging.getLogger(__name__)

RERATE = "metabrm.rerate"
PENDING, COMPLETED, FAILED = "PENDING", "COMPLETED", "FAILED"
#: So often a run is tried.
MOST_ATTEMPTS = 3


def ask(wanted: Wanted, reason: str, user_id: int | None) -> int:
    """Have lines rated again once the transaction is committed; gives the Id of the RERATE."""
    return ask_all([(wanted, reason)], user_id)[0]


def ask_all(wishes: Sequence[tuple[Wanted, str]], user_id: int | None) -> list[int]:
    """Have the lines of several wishes rated again, each by a RERATE of its own."""
    now = clock.now()
    made = Rerate.objects.bulk_create(
        [
            Rerate(
                kind="RERATE",
                status=PENDING,
                reason=reason[:1000],
                wanted=wanted.kept(),
                user_id=user_id,
                created=now,
            )
            for wanted, reason in wishes
        ]
    )
    for run in made:
        transaction.on_commit(lambda id=run.pk: background.tell(RERATE, id))  # type: ignore[misc]
    return [run.pk for run in made]


def waiting() -> list[int]:
    """The RERATE records that are still to be carried out."""
    return list(Rerate.objects.filter(status=PENDING).order_by("pk").values_list("pk", flat=True))


def carry_out(run_id: int) -> Result | None:
    """Carry out a RERATE that is PENDING, unless somebody else does; what came of it."""
    try:
        with transaction.atomic():
            run = _locked(run_id)
            if run is None:
                return None
            told = rerate(Wanted.of(run.wanted), preview=False, run=run_id)
            _done(run, told)
    except Exception as error:
        log.warning("re-rating %s failed", run_id, exc_info=error)
        _failed(run_id, error)
        return None
    return told


def correct(correction: Correction, reason: str, user_id: int | None, count: int = 0) -> Result:
    """Correct a line now, by a RERATE of its own; what changes nothing leaves none."""
    moved = correction.values.get("activity_date")
    if moved is not None:
        ensure_months_of([moved.date()])
    with in_passing("Correct it when less is at work."):
        wanted = Wanted(activity_id=correction.activity_id)
        run = Rerate.objects.create(
            kind="CORRECTION",
            status=PENDING,
            reason=reason[:1000],
            wanted=wanted.kept(),
            user_id=user_id,
            created=clock.now(),
        )
        told = rerate(wanted, preview=False, correction=correction, run=run.pk, count=count)
        refuse_unpriced(correction, told)
        if told.changed:
            _done(run, told)
        else:
            run.delete()
    return told


def refuse_unpriced(correction: Correction, told: Result) -> None:
    """RequestError where the corrected line has no price."""
    for line, reason in told.reasons:
        if line == correction.activity_id:
            large = reason == TOO_LARGE
            code = Code.NUMBER_OUT_OF_RANGE if large else Code.VALIDATION_FAILED
            raise RequestError(code, reason, field="" if large else "ActivityId")


def _locked(run_id: int) -> Rerate | None:
    return (
        Rerate.objects.select_for_update(skip_locked=True).filter(pk=run_id, status=PENDING).first()
    )


def _done(run: Rerate, told: Result) -> None:
    run.status = COMPLETED
    run.ended = clock.now()
    run.line_count, run.changed_count = told.lines, told.changed
    run.unpriced_count = told.unpriced
    run.amounts = in_words(told)[:4000] or None
    run.error = None
    run.save()


def in_words(told: Result) -> str:
    """What the changed lines came to and come to, by currency; empty where none has changed."""
    return "; ".join(
        f"{money(a.old)} → {money(a.new)} {a.currency_code} "
        f"({'+' if a.difference > 0 else ''}{money(a.difference)})"
        for a in told.amounts
    )


def _failed(run_id: int, error: Exception) -> None:
    with transaction.atomic():
        run = _locked(run_id)
        if run is None:
            return
        run.attempts += 1
        run.error = (
            f"Attempt {run.attempts} failed: {type(error).__name__}. The platform's log says more."
        )
        if run.attempts >= MOST_ATTEMPTS:
            run.status, run.ended = FAILED, clock.now()
        run.save()
