"""Charges that recur or come once become lines: subscriptions, one time charges, trials.

For each account product there is what its terms ask, days of its cycles with a quantity, and what
is charged already, rows of CHARGED_PERIOD. What is asked and not charged is charged once its day
has come; what is charged and no longer asked is credited, if its rating method says so.

So nothing is charged twice. An account product is locked while it is looked at, and its lines, its
charged periods and how far it has come (CHARGE_SCHEDULE) are written in one transaction: whoever
comes second, or again after being killed, finds the days charged. Lines are not asked, so that they
may be archived.

    prepaid      charged on the first day of its period, or ChargeInAdvancePeriod before
    postpaid     charged on the day after its last one, or ChargeInSubsequentPer after that
    whole        any day of service in a cycle is charged as the cycle; prorated: by its days
    trial        its days are charged and taken back by a discount; what is paid begins after it
                 (TrialEndDate of a subscription; what follows a Trial: billing.rating.trials)
    once         on StartDate
    quantity     what is prepaid follows a new quantity from the day on which that is seen
    ends early   the days that are cut off are credited, at what was charged (AutoCalculateCredit)

The price is that of the first day charged for, its tier that of the full quantity. A charge that
can't be priced is tried again each time; CHARGE_SCHEDULE says why. What changes an account product
is seen by a fingerprint of its terms, so that the others cost nothing until their next day.

The statements of a run, in its order: whom it looks at (subjects), what was charged too much
(credits), which days lack something (periods), what they cost (costs, formulas), what is written
(lines).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from billing.mediation import partitions
from billing.rating import trials
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.recurring import formulas
from billing.rating.recurring.costs import COSTS, KEYS
from billing.rating.recurring.credits import CREDIT, CUT, CUTS
from billing.rating.recurring.lines import CHARGED, INCLUDED, LINES, RENEW, SCHEDULE
from billing.rating.recurring.periods import COVER, CYCLES, RUNS
from billing.rating.recurring.subjects import DUE, LOCK, SUBJECTS
from metabrm import clock, months

#: Account products of one transaction.
CHUNK = 2000


@dataclass
class Summary:
    """What a run came to."""

    account_products: int = 0
    lines: int = 0
    credits: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    #: What could not be charged, by account product, in words.
    problems: dict[int, str] = field(default_factory=dict)

    def add(self, written: Sequence[tuple[str, Decimal]]) -> int:
        for currency, amount in written:
            self.amounts[currency] = self.amounts.get(currency, Decimal(0)) + amount
        return len(written)


def charge(
    until: date | None = None,
    accounts: Sequence[int] | None = None,
    *,
    dry_run: bool = False,
    progress: Callable[[Summary], None] | None = None,
) -> Summary:
    """Write the lines of all that is due up to a day: by default today, where the account is.

    A dry run writes all of it and takes it back; it does not see what follows trials.
    """
    done = Summary()
    wanted = None if accounts is None else list(accounts)
    if not dry_run:
        done.problems |= trials.follow(until or clock.today(), wanted)
    given: dict[str, Any] = {
        "until": until,
        "accounts": wanted,
        "now": clock.now(),
        "chunk": CHUNK,
        "after": 0,
    }
    while due := _rows(DUE, given):
        ids = [id for id, _ in due]
        if not dry_run:
            _make_months(min(day for _, day in due), until or clock.today())
        with transaction.atomic():
            _charge(given | {"ids": ids}, done)
            if dry_run:
                transaction.set_rollback(True)
        given["after"] = ids[-1]
        if progress:
            progress(done)
    return done


def _make_months(first: date, last: date) -> None:
    around = timedelta(days=1)
    partitions.ensure_months_of(months.between(first - around, max(first, last) + around))


def _rows(statement: str, given: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchall()


def _charge(given: dict[str, Any], done: Summary) -> None:
    """Charge some account products, in the transaction that is open."""
    with connection.cursor() as cursor:
        for statement in (LOCK, SUBJECTS):
            cursor.execute(statement, given)
        formulas.ask(cursor, given)
        cursor.execute(CUTS, given)
        credits = _rows(CREDIT, given)
        cursor.execute(CUT)
        for statement in (CYCLES, COVER, RUNS, KEYS, TABLES, FILL, "ANALYZE rating_band"):
            cursor.execute(statement)
        cursor.execute(COSTS)
        formulas.reckon(cursor, given)
        lines = _rows(LINES, given)
        cursor.execute(CHARGED, given)
        cursor.execute(INCLUDED, given)
        schedules = _rows(SCHEDULE, given)
        cursor.execute(RENEW, given)
        done.credits += done.add(credits)
        done.lines += done.add(lines)
        done.account_products += len(schedules)
        done.problems |= {id: reason for id, reason in schedules if reason}
        cursor.execute(
            "DROP TABLE charge_subject, charge_cut, charge_cycle, charge_cover, charge_run, "
            "charge_cost, rating_key, rating_book, rating_band"
        )
