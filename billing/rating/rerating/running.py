"""Rating lines again is one transaction: killed anywhere, it leaves nothing.

A preview does all of it and keeps nothing; so does what changes nothing. What has changed has the
discounts and other deals of its accounts settled, by a worker.
"""

from typing import Any

from django.db import connection, transaction

from billing.rating import settling
from billing.rating.rerating import prepaid, recurring, telling, writing
from billing.rating.rerating.choosing import Sum, add, choose
from billing.rating.rerating.correcting import Correction
from billing.rating.rerating.pricing import compare, price
from billing.rating.rerating.telling import Result
from billing.rating.rerating.wanted import Wanted
from entities.errors import Code, RequestError
from metabrm import background, clock

SETTLE = "metabrm.settle"
_TABLES = (
    "rerate_line, rerate_record, rerate_kept, rerate_usage, rerate_new, rerate_changed, "
    f"rerate_total, rerate_back, rerate_said, {recurring.KEPT}, {prepaid.KEPT}"
)


def rerate(
    wanted: Wanted,
    *,
    preview: bool,
    correction: Correction | None = None,
    run: int | None = None,
    start: int = 0,
    count: int = 0,
    most: int | None = None,
) -> Result:
    """Rate the wanted lines again, for a RERATE record; gives what came of it, with `count` of the
    changed lines from the `start`-th on. RequestError where they are more than `most`.
    """
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        lines = _price(cursor, wanted, correction, now, most)
        changed, moved = compare(cursor)
        told = telling.tell(cursor, lines, changed, start, count)
        if preview:
            transaction.set_rollback(True)
            return told
        if changed:
            accounts = writing.write(cursor, {"now": now, "run": run})
            transaction.on_commit(lambda: _settle(accounts))
            if run is not None:
                telling.keep(cursor, run)
        if not writing.tell(cursor) and not changed and not moved:
            transaction.set_rollback(True)
            return told
        cursor.execute(f"DROP TABLE IF EXISTS {_TABLES}")
    return told


def _settle(accounts: set[int]) -> None:
    """Have the deals of the accounts looked at, for what they are about came to something else."""
    due = sorted(accounts.intersection(settling.due()))
    for start in range(0, len(due), settling.CHUNK):
        background.tell(SETTLE, due[start : start + settling.CHUNK])


def _price(
    cursor: Any, wanted: Wanted, correction: Correction | None, now: Any, most: int | None
) -> int:
    """Choose and price the lines; gives how many. Begun again while they join others, or some turn
    out to stay where they are."""
    corrected = correction.activity_id if correction else None
    also: list[Sum] = []
    kept: set[int] = set()
    while True:
        point = transaction.savepoint()
        lines = choose(cursor, wanted, corrected, also)
        if most is not None and lines > most:
            raise RequestError(
                Code.REQUEST_TOO_LARGE,
                f"These are {lines:,} lines, and a preview tells of {most:,} at most. Ask for "
                f"fewer, by an account or days; a run rates any number, and RERATE_TOTAL says what "
                f"it changed.",
            )
        joined, stay = price(cursor, now, correction, kept)
        # What follows is sized, and has loops where they pay.
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
        more = joined if joined and add(cursor, joined) else []
        if not more and stay <= kept:
            transaction.savepoint_commit(point)
            return lines
        also += more
        kept |= stay
        transaction.savepoint_rollback(point)
