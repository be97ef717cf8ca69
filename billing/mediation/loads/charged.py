"""What the lines of a load come to, by currency.

Each shard keeps it as it writes them, and whoever finishes the load adds up a few rows: nobody
looks through a million lines again, which one processor would do alone.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from billing.mediation.models import LoadShard

#: Currency, lines, records, quantity, amount.
Charged = tuple[str, int, int, Decimal, Decimal]

# The parts of a record that was split over bands are one, and a refill is none.
_COUNTED = """
WITH line AS (
    {insert}
    RETURNING currency_code, quantity, rated_amount, split_from_bill_act_id IS NOT NULL AS further,
              coalesce(prepaid_by_id = account_product_id, false) AS refill
)
SELECT coalesce(currency_code, ''), count(*), count(*) FILTER (WHERE NOT further AND NOT refill),
       coalesce(sum(quantity) FILTER (WHERE NOT refill), 0), coalesce(sum(rated_amount), 0)
FROM line GROUP BY 1
"""


def counted(insert: str) -> str:
    """The statement that inserts lines and yields what they come to."""
    return _COUNTED.replace("{insert}", insert)


def added(rows: Iterable[Charged]) -> list[Charged]:
    """One row for each currency."""
    found: dict[str, Charged] = {}
    for currency, lines, records, quantity, amount in rows:
        before = found.get(currency, (currency, 0, 0, Decimal(), Decimal()))
        found[currency] = (
            currency,
            before[1] + lines,
            before[2] + records,
            before[3] + quantity,
            before[4] + amount,
        )
    return [found[currency] for currency in sorted(found)]


def kept(rows: Iterable[Charged]) -> str:
    """The rows as a shard keeps them."""
    return json.dumps(
        [[*counts, f"{quantity:f}", f"{amount:f}"] for *counts, quantity, amount in added(rows)]
    )


def of_shards(load_id: int) -> list[Charged] | None:
    """What the shards of a load kept; None where one did not."""
    found: list[Charged] = []
    rows: list[list[Any]] | None
    for rows in LoadShard.objects.filter(load_id=load_id).values_list("charged", flat=True):
        if rows is None:
            return None
        found += [
            (currency, lines, records, Decimal(quantity), Decimal(amount))
            for currency, lines, records, quantity, amount in rows
        ]
    return added(found)
