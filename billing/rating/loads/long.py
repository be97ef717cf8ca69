"""The lines that take the long way: routed, added up, and charged over the bands of their price."""

from collections.abc import Mapping
from typing import Any

from billing.mediation.loads.charged import Charged, counted
from billing.rating.charges import CHARGES, FACTS, SHRUNKEN_CHARGES
from billing.rating.loads import formulas, prepaid
from billing.rating.loads.lines import COLUMNS, QUOTED, TO_RATE
from billing.rating.loads.routes import NO_ROUTE, ROUTED, ROUTES, UNROUTED
from billing.rating.loads.sums import (
    GROUPS,
    GROW,
    KEPT,
    OPEN_SUMS,
    PERIODS,
    SHRINKING,
    SHRUNK,
    STANDING,
    SUMS,
)
from billing.rating.telling import MOST, TOO_LARGE_FOR_A_LINE, no_band

# The lines that take the long way, with all that is known of their usage: nobody looks there again.
LINES = f"""
CREATE TEMP TABLE rating_line ON COMMIT DROP AS
SELECT row_number() OVER () AS id, u.ctid AS place, q.id AS quote_id, local.day, q.adds_up,
       q.international, q.version_id, NULL::numeric AS covered, NULL::bigint AS prepaid_id, u.*
{QUOTED}
{TO_RATE}
      AND NOT q.simple
"""

# The columns that only these lines have.
MORE = {
    "quantity": "c.quantity + coalesce(u.covered, 0)",
    "prepaid_quantity": "u.covered",
    "prepaid_by_id": "u.prepaid_id",
    "accumulator_value_id": "standing.sum_id",
    "tiered_group": "standing.sum_id::text",
    "formula": "q.formula",
}

_WANTED = f"""
WITH {FACTS.replace("book", "rating_quote")}, band AS (SELECT * FROM rating_band), wanted AS (
    SELECT l.id, q.version_id, coalesce(r.rate, q.override) AS override, q.rating_method_id,
           l.quantity, 1::numeric AS factor,
           true AS usage, coalesce(s.before, 0) AS before,
           coalesce(s.reached, l.quantity) AS reached, coalesce(s.nth, 1) AS nth{{shrunk}}
    FROM rating_line l
    JOIN rating_quote q ON q.id = l.quote_id
    LEFT JOIN rating_standing s ON s.id = l.id
    LEFT JOIN rating_routed r ON r.id = l.id
    {{period}}
    WHERE r.rate IS NOT NULL OR NOT (l.international AND q.obligatory)
), {{charges}}
"""  # noqa: S608 - constants only

_CHARGED = f"""
CREATE TEMP TABLE rating_charge ON COMMIT DROP AS
{_WANTED}
SELECT nextval('mediation_activity_id_seq') AS activity_id, ordered.*
FROM (
    SELECT line.id, charge.split_order,
           -- What is included costs nothing, and is told with the first part.
           CASE WHEN charge.split_order IS NULL THEN line.quantity
                WHEN row_number() OVER parts > 1 THEN charge.units
                ELSE charge.units + line.quantity - sum(charge.units) OVER (PARTITION BY line.id)
                END AS quantity,
           charge.rate, charge.cost, charge.raised, charge.averaged, charge.pricing_id,
           charge.upper_band,
           sum(charge.units) OVER (PARTITION BY line.id)
           IS NOT DISTINCT FROM line.after - line.before AS whole
    FROM line LEFT JOIN charge ON charge.id = line.id
    WINDOW parts AS (PARTITION BY line.id ORDER BY charge.split_order)
    ORDER BY line.id, charge.split_order
) ordered
"""  # noqa: S608 - constants only
CHARGED = _CHARGED.format(shrunk="", period="", charges=CHARGES)
SHRUNKEN = _CHARGED.format(
    shrunk=", coalesce(h.part, 1) AS shrunk",
    period="LEFT JOIN rating_shrunk h ON h.id = l.id",
    charges=SHRUNKEN_CHARGES,
)


_OF = """
JOIN rating_line u ON u.id = charged.id
JOIN rating_quote q ON q.id = u.quote_id
LEFT JOIN rating_standing standing ON standing.id = u.id
LEFT JOIN rating_routed routed ON routed.id = u.id
CROSS JOIN LATERAL (SELECT u.day) local
CROSS JOIN LATERAL (SELECT charged.*, q.source, q.source_id, routed.route_id) c
"""


def _lines(columns: Mapping[str, str]) -> str:
    return f"""
INSERT INTO mediation_activity (id, {", ".join(columns)}, split_from_bill_act_id)
SELECT c.activity_id, {", ".join(columns.values())},
       CASE WHEN c.split_order > c.first_order THEN c.first_id END
FROM (
    SELECT *, first_value(activity_id) OVER parts AS first_id,
           first_value(split_order) OVER parts AS first_order
    FROM rating_charge WHERE whole
    WINDOW parts AS (PARTITION BY id ORDER BY split_order)
) charged
{_OF}
"""  # noqa: S608 - constants, and columns as they are quoted


SHORT = "SELECT FROM rating_charge WHERE NOT whole LIMIT 1"
NO_BAND = f"""
UPDATE mediation_usage u
SET cause = 'NO_BAND',
    reason = {no_band("q", "u.product_id", "l.quantity")}
FROM (SELECT DISTINCT id FROM rating_charge WHERE NOT whole) short
JOIN rating_line l ON l.id = short.id
JOIN rating_quote q ON q.id = l.quote_id
WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.ctid = l.place
"""  # noqa: S608 - constants only


# What comes to more than a line, or a sum, can hold.
TOO_LARGE = f"""
WITH large AS (
    SELECT DISTINCT c.id
    FROM rating_charge c
    JOIN rating_line l ON l.id = c.id
    LEFT JOIN rating_standing s ON s.id = c.id
    WHERE abs(c.cost) >= {MOST} OR abs(c.rate) >= {MOST} OR abs(l.quantity) >= {MOST}
       OR abs(s.before + s.quantity) >= {MOST}
), gone AS (
    DELETE FROM rating_charge c USING large WHERE c.id = large.id
)
UPDATE mediation_usage u
SET cause = 'TOO_LARGE', reason = {TOO_LARGE_FOR_A_LINE}
FROM large JOIN rating_line l ON l.id = large.id
WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.ctid = l.place
"""  # noqa: S608 - constants only


def write(
    cursor: Any,
    given: dict[str, Any],
    custom: Mapping[str, str],
    *,
    linked: bool = False,
    careful: bool = False,
) -> list[Charged]:
    """Add up, price and write the lines of `rating_line`; gives what they come to. `careful`: what
    is too large for a line gets its cause."""
    cursor.execute("ANALYZE rating_line (id, quote_id, version_id, day)")
    kept = (KEPT,) if given.get("kept") else ()
    for statement in (ROUTES, ROUTED, PERIODS, GROUPS, *kept, OPEN_SUMS, SUMS, STANDING):
        cursor.execute(statement, given)
    cursor.execute("ANALYZE rating_standing (id, sum_id)")
    cursor.execute(SHRINKING)
    if cursor.rowcount:
        cursor.execute(SHRUNK)
        cursor.execute(SHRUNKEN)
        cursor.execute("DROP TABLE rating_shrunk")
    else:
        cursor.execute(CHARGED)
    columns = {**COLUMNS, **MORE, **custom}
    formulas.reckon(cursor, given, columns, f"FROM rating_charge charged {_OF}")
    if careful:
        cursor.execute(TOO_LARGE, given)
    cursor.execute(counted(_lines(columns)), given)
    lines: list[Charged] = cursor.fetchall()
    if linked:
        cursor.execute(prepaid.FIRST)
    for lacking, told in ((SHORT, NO_BAND), (UNROUTED, NO_ROUTE)):
        cursor.execute(lacking)
        if cursor.rowcount:
            cursor.execute(told, given)
    cursor.execute(GROW, given)
    cursor.execute(
        "DROP TABLE rating_route, rating_routed, rating_period, rating_group, rating_sum, "
        "rating_standing, rating_charge"
    )
    return lines
