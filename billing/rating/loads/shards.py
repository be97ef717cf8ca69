"""A shard of a load is rated in one transaction, which also notes that it is.

Killed at any line, it leaves nothing, and run again it does nothing. What can't be priced stays in
flight with its cause.
"""

from typing import Any

from django.db import connection, transaction

from billing.mediation.partitions import ensure_months_of
from billing.rating.loads import long, prices
from billing.rating.loads.lines import NO_PRICE, SIMPLE
from billing.rating.loads.long import LINES
from metabrm import clock

MONTHS = """
SELECT (date_trunc('month', activity_date AT TIME ZONE 'UTC'))::date, count(*)
FROM mediation_usage
WHERE load_id = %(load)s AND shard = %(shard)s AND cause IS NULL
GROUP BY 1
"""

# The shard is rated from here on, if the transaction holds.
DONE = """
UPDATE mediation_loadshard SET rated = true
WHERE load_id = %(load)s AND shard = %(shard)s AND NOT rated
"""


def rate(load_id: int, shard: int) -> int:
    """Write the lines of a shard's usage; gives how many. 0 if that was done before.

    What has no price keeps its place in flight with cause and reason.
    """
    given: dict[str, Any] = {"load": load_id, "shard": shard, "now": clock.now()}
    to_rate = _make_months(given)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DONE, given)
        if not cursor.rowcount:
            return 0
        # The planner guesses the sizes of what is made here; loops over its guesses take hours.
        cursor.execute("SET LOCAL enable_nestloop = off")
        prices.find(cursor, given)
        cursor.execute(SIMPLE, given)
        written = cursor.rowcount
        cursor.execute(LINES, given)
        others: int = cursor.rowcount
        if written + others < to_rate:
            cursor.execute(NO_PRICE, given)
        if others:
            written += long.write(cursor, given)
        cursor.execute("DROP TABLE rating_key, rating_book, rating_band, rating_quote, rating_line")
    return written


def _make_months(given: dict[str, Any]) -> int:
    """Have the months that the shard's lines go to; gives how much usage it is."""
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, given)
        months = dict(cursor.fetchall())
    ensure_months_of(months)
    return sum(months.values())
