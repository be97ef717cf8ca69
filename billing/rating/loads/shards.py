"""A shard of a load is rated in one transaction, which also notes that it is.

Killed at any line, it leaves nothing, and run again it does nothing. What can't be priced stays in
flight with its cause.
"""

from typing import Any

from django.db import connection, transaction

from billing.mediation.partitions import ensure_months_of
from billing.rating.loads import custom, long, prices
from billing.rating.loads.lines import NO_PRICE, simple, unrated
from billing.rating.loads.long import LINES
from metabrm import clock

# What the shard is made of, month by month: how much, with prices of its own, with custom fields.
MONTHS = """
SELECT (date_trunc('month', activity_date AT TIME ZONE 'UTC'))::date, count(*),
       bool_or(override_rate IS NOT NULL OR override_cost IS NOT NULL), bool_or(extra IS NOT NULL)
FROM mediation_usage
WHERE load_id = %(load)s AND shard = %(shard)s AND cause IS NULL
GROUP BY 1
"""

# What the collector says of its lines: whether they are rated, and whether they are never invoiced.
SAID = """
SELECT c.rate_activity_flag, NOT c.billable_activity_flag
FROM mediation_activitycollectorhistory h
JOIN mediation_activitycollector c ON c.id = h.activity_collector_id
WHERE h.id = %(load)s
"""

# The shard is rated from here on, if the transaction holds.
DONE = """
UPDATE mediation_loadshard SET rated = true
WHERE load_id = %(load)s AND shard = %(shard)s AND NOT rated
"""


def rate(load_id: int, shard: int) -> int:
    """Write the lines of a shard's usage; gives how many. 0 if that was done before.

    What has no price keeps its place in flight with cause and reason; where the collector does not
    rate, lines are written without one.
    """
    given: dict[str, Any] = {"load": load_id, "shard": shard, "now": clock.now()}
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, given)
        months = cursor.fetchall()
        cursor.execute(SAID, given)
        rated, given["unbilled"] = cursor.fetchone()
    ensure_months_of(month for month, *_ in months)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DONE, given)
        if not cursor.rowcount:
            return 0
        # The planner guesses the sizes of what is made here; loops over its guesses take hours.
        cursor.execute("SET LOCAL enable_nestloop = off")
        filled = custom.columns(cursor, given) if any(extra for *_, extra in months) else {}
        prices.find(cursor, given, rated=rated, fed=any(fed for _, _, fed, _ in months))
        if not rated:
            cursor.execute(unrated(filled), given)
            written: int = cursor.rowcount
        else:
            written = _price(cursor, given, sum(count for _, count, *_ in months), filled)
        cursor.execute("DROP TABLE rating_key, rating_book, rating_band, rating_quote")
    return written


def _price(cursor: Any, given: dict[str, Any], to_rate: int, filled: dict[str, str]) -> int:
    cursor.execute(simple(filled), given)
    written: int = cursor.rowcount
    cursor.execute(LINES, given)
    others: int = cursor.rowcount
    if written + others < to_rate:
        cursor.execute(NO_PRICE, given)
    if others:
        written += long.write(cursor, given, filled)
    cursor.execute("DROP TABLE rating_line")
    return written
