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


def taken_off(cursor: Any, charge: Mapping[str, Any], day: date) -> list[Taken]:
    """What each discount would take off the charge, in their order.

    `charge`: column of a line -> value.
    """
    given: dict[str, Any] = {"until": day, "now": clock.now(), "closing": False}
    given["ids"] = [charge["account_id"]]
    cursor.execute(scope.ACCOUNTS, given)
    if not discounts.are_held(cursor):
        return []
    cursor.execute(scope.OPEN_FROM)
    columns = ", ".join(quote(name) for name in charge)
    values = ", ".join(f"%({name})s" for name in charge)
    cursor.execute(
        _CHARGE.format(columns=columns, values=values),
        {**charge, "id": _NO_ID, "day": day, "now": given["now"]},
    )
    scope.read_lines(cursor, given, _LINES)
    discounts.spread(cursor, Settled(), _LINES)
    cursor.execute(_TAKEN, [_NO_ID])
    return [Taken(*row) for row in cursor.fetchall()]
