"""A shard of a load is rated in one transaction, which also notes that it is.

Killed at any line, it leaves nothing, and run again it does nothing. What can't be priced stays in
flight with its cause.
"""

from typing import Any

from django.db import DataError, connection, transaction
from psycopg.errors import NumericValueOutOfRange

from billing.mediation.loads import charged
from billing.mediation.loads.charged import Charged, counted
from billing.rating.loads import custom, long, prepaid, prices
from billing.rating.loads.lines import OF_SHARD, TOO_LARGE, no_price_of, simple, unrated
from billing.rating.loads.long import LINES
from billing.rating.telling import TOO_LARGE_FOR_A_LINE
from metabrm import clock

# What the collector says of its lines: whether they are rated, and whether they are never invoiced;
# and whether anything is prepaid at all.
SAID = """
SELECT c.rate_activity_flag, NOT c.billable_activity_flag,
       EXISTS (SELECT FROM catalog_ratingmethod WHERE rating_method_type = 'Prepaid Usage')
FROM mediation_activitycollectorhistory h
JOIN mediation_activitycollector c ON c.id = h.activity_collector_id
WHERE h.id = %(load)s
"""

# The shard is rated from here on, if the transaction holds.
DONE = """
UPDATE mediation_loadshard SET rated = true
WHERE load_id = %(load)s AND shard = %(shard)s AND NOT rated
"""

# What its lines come to.
KEEP = """
UPDATE mediation_loadshard SET charged = %(charged)s
WHERE load_id = %(load)s AND shard = %(shard)s
"""

# Where it can't be told which of it is too large.
ALL_TOO_LARGE = f"""
UPDATE mediation_usage u
SET cause = 'TOO_LARGE', reason = {TOO_LARGE_FOR_A_LINE}
{OF_SHARD}
"""  # noqa: S608 - constants only

MADE = "rating_used, rating_key, rating_book, rating_band, rating_quote"


def rate(load_id: int, shard: int) -> int:
    """Write the lines of a shard's usage; gives how many. 0 if that was done before.

    What has no price keeps its place in flight with cause and reason; where the collector does not
    rate, lines are written without one.
    """
    given: dict[str, Any] = {
        "load": load_id,
        "shard": shard,
        "now": clock.now(),
        "in_order": False,
    }
    with connection.cursor() as cursor:
        cursor.execute(SAID, given)
        rated, given["unbilled"], prepays = cursor.fetchone()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DONE, given)
        if not cursor.rowcount:
            return 0
        lines, labelled = charge(cursor, given, rated=rated, prepays=prepays)
        if not labelled:
            cursor.execute(KEEP, {**given, "charged": charged.kept(lines)})
        return sum(count for _, count, *_ in lines)


def charge(
    cursor: Any,
    given: dict[str, Any],
    *,
    rated: bool = True,
    prepays: bool = False,
    filled: dict[str, str] | None = None,
) -> tuple[list[Charged], bool]:
    """Write the lines of the usage in flight that `given` names; gives what they come to, and
    whether records raise labels, by which one may be charged several times. It is added up
    `in_order` of its records, or else in that of its moments.

    `rated`: it is priced; `prepays`: some of it may draw on what was paid before; `filled`: columns
    of its lines and what fills them from usage `u`, where that is not what usage itself carries.
    """
    for careful in (False, True):
        try:
            with transaction.atomic():
                return _charge(cursor, given, rated, prepays, filled, careful=careful)
        except DataError as error:
            if not isinstance(error.__cause__, NumericValueOutOfRange):
                raise
    cursor.execute(ALL_TOO_LARGE, given)
    return [], False


def _charge(
    cursor: Any,
    given: dict[str, Any],
    rated: bool,
    prepays: bool,
    filled: dict[str, str] | None,
    *,
    careful: bool,
) -> tuple[list[Charged], bool]:
    """`careful`: what comes to more than a line can hold gets its cause first, which is looked for
    only where an amount was too large."""
    # The planner guesses the sizes of what is made here; loops over its guesses take hours.
    cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL TimeZone = 'UTC'")
    asking = prices.look(cursor, given)
    if filled is None:
        filled = custom.columns(cursor, given) if asking.custom else {}
    linked = rated and prepays and prepaid.link(cursor, given)
    prices.find(cursor, given, rated=rated, fed=asking.fed, linked=linked)
    if careful:
        cursor.execute(TOO_LARGE, given)
    if not rated:
        cursor.execute(counted(unrated(filled)), given)
        lines = cursor.fetchall()
    else:
        lines = _price(cursor, given, asking.lines, filled, linked=linked, careful=careful)
    cursor.execute(f"DROP TABLE {MADE}")
    return lines, asking.labelled


def _price(
    cursor: Any,
    given: dict[str, Any],
    to_rate: int,
    filled: dict[str, str],
    *,
    linked: bool,
    careful: bool,
) -> list[Charged]:
    if linked:
        prepaid.draw(cursor, given, careful=careful)
    cursor.execute(counted(simple(filled)), given)
    lines: list[Charged] = cursor.fetchall()
    written = sum(count for _, count, *_ in lines)
    cursor.execute(LINES, given)
    others: int = cursor.rowcount
    if written + others < to_rate:
        cursor.execute(no_price_of(linked=linked), given)
    if others:
        if linked:
            prepaid.take(cursor)
        lines += long.write(cursor, given, filled, linked=linked, careful=careful)
    if linked:
        lines += prepaid.write(cursor, given, filled)
    cursor.execute("DROP TABLE rating_line")
    return lines
