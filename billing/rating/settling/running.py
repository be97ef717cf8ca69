"""Accounts are settled, some hundred of them in a transaction."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from billing.mediation import partitions
from billing.rating.settling import bounds, commitments, conditional, discounts, scope
from billing.rating.settling.writing import Settled, write
from metabrm import clock, months

#: Accounts of one transaction.
CHUNK = 500


def settle(
    until: date | None = None,
    accounts: Sequence[int] | None = None,
    *,
    closing: bool = False,
    dry_run: bool = False,
    progress: Callable[[Settled], None] | None = None,
) -> Settled:
    """Bring the lines of all deals to what they come to, for the lines up to a day.

    By default today, where the account is, and all accounts with deals. `closing`: the billing
    period that holds the day ends with it, as when an invoice is closed before its time. A dry run
    writes all of it and takes it back.
    """
    done = Settled()
    now = clock.now()
    given: dict[str, Any] = {"until": until, "now": now, "closing": closing}
    ids = due() if accounts is None else sorted(set(accounts))
    last = until or clock.today() + timedelta(days=1)
    partitions.ensure_months_of(months.between(last - timedelta(days=62), last))
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        with transaction.atomic():
            _settle(given | {"ids": some}, done)
            if dry_run:
                transaction.set_rollback(True)
        done.accounts += len(some)
        if progress:
            progress(done)
    return done


def due() -> list[int]:
    """The accounts that have deals, of their own or from above, or have had some."""
    with connection.cursor() as cursor:
        cursor.execute(scope.DUE)
        return [id for (id,) in cursor.fetchall()]


def _settle(given: dict[str, Any], done: Settled) -> None:
    """Settle some accounts, in the transaction that is open."""
    with connection.cursor() as cursor:
        scope.read(cursor, given)
        before = done.lines + done.taken_back
        conditional.reckon(cursor, done)
        write(cursor, given, done, (conditional.KIND,), given["ids"])
        bounds.reckon(cursor)
        write(cursor, given, done, scope.BOUNDS, given["ids"])
        if done.lines + done.taken_back > before:
            scope.read_lines(cursor, given)
        discounts.reckon(cursor, done)
        write(cursor, given, done, ("Discount",), given["ids"])
        commitments.reckon(cursor, done)
        write(cursor, given, done, ("Commitment",), given["ids"])
        cursor.execute("DROP TABLE settle_account, settle_line, settle_period")
