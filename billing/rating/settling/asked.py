"""What the discounts of an account would take off a charge that is not made: of a quote.

The charge is put beside the open lines of the account, as if it were made at the end of its day,
and the discounts are reckoned over all of them, by the statements of settling. Nobody is locked.
Whoever asks takes back what is written here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billing.rating.settling import discounts, scope
from billing.rating.settling.writing import Settled
from entities.schema.description import quote
from metabrm import clock

#: Stands for the Id of the charge; no line has it.
_NO_ID = 0

_CHARGE = """
CREATE TEMP TABLE settle_asked (LIKE mediation_activity INCLUDING DEFAULTS) ON COMMIT DROP;
INSERT INTO settle_asked (id, activity_date, created, updated, {columns})
SELECT %(id)s, (%(day)s::date + 1)::timestamp AT TIME ZONE zone - interval '1 microsecond',
       %(now)s, %(now)s, {values}
FROM settle_account
"""
_LINES = f"(SELECT * FROM {scope.CHARGE_LINES} UNION ALL SELECT * FROM settle_asked)"  # noqa: S608
_CHARGED = "SELECT FROM settle_line WHERE id = %s"
_STANDING = "SELECT DISTINCT account_product_id FROM settle_deal"
_TAKEN = """
SELECT d.account_product_id, d.product_id, p.rate, p.share
FROM settle_part p JOIN settle_deal d ON d.key = p.key
WHERE p.line_id = %s AND p.share <> 0
ORDER BY d.step
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one discount takes off."""

    account_product_id: int
    product_id: int
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Failing:
    """A discount that can't be applied, and why."""

    account_product_id: int
    product_id: int | None
    why: str


def taken_off(
    cursor: Any, charge: Mapping[str, Any], day: date
) -> tuple[list[Taken], list[Failing]]:
    """What each discount would take off the charge, in their order; and those that can't be
    applied to it.

    `charge`: column of a line -> value.
    """
    given: dict[str, Any] = {"until": day, "now": clock.now(), "closing": False}
    given["ids"] = [charge["account_id"]]
    cursor.execute(scope.ACCOUNTS, given)
    if not discounts.are_held(cursor):
        return [], []
    cursor.execute(scope.OPEN_FROM)
    columns = ", ".join(quote(name) for name in charge)
    values = ", ".join(f"%({name})s" for name in charge)
    cursor.execute(
        _CHARGE.format(columns=columns, values=values),
        {**charge, "id": _NO_ID, "day": day, "now": given["now"]},
    )
    scope.read_lines(cursor, given, _LINES)
    done = Settled()
    discounts.spread(cursor, done, _LINES)
    cursor.execute(_TAKEN, [_NO_ID])
    return [Taken(*row) for row in cursor.fetchall()], _failing(cursor, done)


def _failing(cursor: Any, done: Settled) -> list[Failing]:
    """Of what can't be settled, what the charge is to do with."""
    cursor.execute(_CHARGED, [_NO_ID])
    if not done.problems or not cursor.rowcount:
        return []
    cursor.execute(discounts.UNPRICED, [_NO_ID])
    found = [
        Failing(id, product, f"It has no price in {currency} on {day}.")
        for id, product, currency, day in cursor.fetchall()
    ]
    cursor.execute(_STANDING)
    standing = {id for (id,) in cursor.fetchall()}
    why = "A filter or the condition of its rating method makes no sense any more."
    return found + [Failing(id, None, why) for id in sorted(done.problems.keys() - standing)]
