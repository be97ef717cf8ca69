"""Lines become usage once more, and are priced as loads are.

The statements that rate loads run as they stand: temporary tables of the names of usage in flight
and of the lines hide the real ones while they do. What comes out is compared with what was; only
what differs is to be written.

What was added up is taken out of its sum before, and added again by the statements. Records keep
the order in which they were rated: that of their loads, inside a load that of their moments. Those
on closed invoices are not among them, so they keep the first places.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from billing.mediation.models import Activity
from billing.rating.loads.lines import COLUMNS
from billing.rating.loads.long import MORE
from billing.rating.loads.shards import charge
from billing.rating.rerating import prepaid, recurring
from billing.rating.rerating.choosing import Sum
from billing.rating.rerating.correcting import Correction

# A record: its place in the order, and its first line with what it is of.
RECORDS = """
CREATE TEMP TABLE rerate_record ON COMMIT DROP AS
SELECT row_number() OVER (
           ORDER BY activity_collector_history_id,
                    CASE WHEN id = %(corrected)s THEN coalesce(%(moved_to)s, activity_date)
                         ELSE activity_date END,
                    line_number, account_product_id NULLS FIRST, product_id, id
       ) AS seq, id AS root_id, account_id, product_id, currency_code, invoice_id,
       activity_collector_history_id IS NOT NULL AS of_load
FROM rerate_line WHERE id = root_id
"""
TAKE_OUT = """
UPDATE rating_accumulatorvalue s
SET quantity = s.quantity - taken.quantity, charges = s.charges - taken.charges
FROM (
    SELECT accumulator_value_id, sum(quantity - coalesce(prepaid_quantity, 0)) AS quantity,
           count(*) FILTER (WHERE split_from_bill_act_id IS NULL) AS charges
    FROM rerate_line WHERE accumulator_value_id IS NOT NULL GROUP BY 1
) taken
WHERE s.id = taken.accumulator_value_id
"""
HIDE = """
CREATE TEMP TABLE mediation_usage (LIKE mediation_usage) ON COMMIT DROP;
CREATE TEMP TABLE mediation_activity (LIKE mediation_activity INCLUDING DEFAULTS) ON COMMIT DROP;
ALTER TABLE pg_temp.mediation_activity ALTER id DROP IDENTITY IF EXISTS,
    ALTER id SET DEFAULT nextval('mediation_activity_id_seq')
"""
SHOW = """
ALTER TABLE pg_temp.mediation_usage RENAME TO rerate_usage;
ALTER TABLE pg_temp.mediation_activity RENAME TO rerate_new;
ANALYZE rerate_usage; ANALYZE rerate_new
"""
# A line keeps of the kind of charge only what its rate between two locations was for.
USAGE = f"""
INSERT INTO mediation_usage (
    load_id, line, shard, collector_id, account_id, account_product_id, product_id, activity_date,
    quantity, charge_type, origin_id, destination_id, override_rate, override_cost,
    billing_identifier_id, collector_fields_id)
SELECT 0, r.seq, 0, coalesce(l.activity_collector_id, 0), l.account_id, l.account_product_id,
       l.product_id, l.activity_date, record.quantity, m.charge_type,
       l.origination_country_code_id, l.destination_country_code_id, l.rate_override,
       l.cost_override, l.billing_identifier_id, l.collector_stage_id
FROM rerate_record r
JOIN rerate_line l ON l.id = r.root_id
JOIN (
    SELECT root_id, sum(quantity) AS quantity
    FROM rerate_line a WHERE NOT {prepaid.refill("a")} GROUP BY 1
) record ON record.root_id = r.root_id
LEFT JOIN catalog_countrycodemap m ON m.id = l.country_code_map_id
WHERE l.activity_collector_history_id IS NOT NULL
ORDER BY r.seq
"""  # noqa: S608 - constants only
# What formulas may read of a line that usage in flight does not say.
FORMULAS = "SELECT FROM catalog_ratingmethod WHERE formula_flag LIMIT 1"
SAID = """
CREATE TEMP TABLE rerate_said ON COMMIT DROP AS
SELECT r.seq, {columns} FROM rerate_record r JOIN rerate_line l ON l.id = r.root_id;
CREATE UNIQUE INDEX ON rerate_said (seq);
ANALYZE rerate_said
"""
# Lines that are added up where they were not before may have joined others, which then come along.
JOINED = """
SELECT DISTINCT n.accumulator_value_id, n.account_id, n.product_id
FROM rerate_new n
JOIN (
    SELECT accumulator_value_id AS id,
           count(*) FILTER (WHERE split_from_bill_act_id IS NULL) AS charges
    FROM rerate_new GROUP BY 1
) own ON own.id = n.accumulator_value_id
JOIN rating_accumulatorvalue s ON s.id = own.id AND s.charges > own.charges
WHERE s.id NOT IN (
    SELECT accumulator_value_id FROM rerate_line WHERE accumulator_value_id IS NOT NULL)
"""
# The records that could not be priced, and stand in sums in which they were not counted: what lacks
# a band or an amount was.
STAYS = """
SELECT r.root_id FROM rerate_usage u
JOIN rerate_record r ON r.seq = u.line
WHERE u.cause NOT IN ('NO_BAND', 'FORMULA', 'TOO_LARGE') AND EXISTS (
    SELECT FROM rerate_line l WHERE l.root_id = r.root_id AND l.accumulator_value_id IS NOT NULL)
"""
KEPT = """
CREATE TEMP TABLE rerate_kept ON COMMIT DROP AS
SELECT r.seq, l.accumulator_value_id AS sum_id,
       sum(l.quantity - coalesce(l.prepaid_quantity, 0)) AS quantity
FROM rerate_record r JOIN rerate_line l ON l.root_id = r.root_id
WHERE r.root_id = ANY (%(kept)s) AND l.accumulator_value_id IS NOT NULL
GROUP BY 1, 2
"""
# What could not be priced stays as it is, and counts in its sum.
PUT_BACK = """
UPDATE rating_accumulatorvalue s
SET quantity = s.quantity + kept.quantity, charges = s.charges + kept.charges
FROM (
    SELECT l.accumulator_value_id, sum(l.quantity - coalesce(l.prepaid_quantity, 0)) AS quantity,
           count(*) FILTER (WHERE l.split_from_bill_act_id IS NULL) AS charges
    FROM rerate_line l
    JOIN rerate_record r ON r.root_id = l.root_id
    JOIN rerate_usage u ON u.line = r.seq AND u.cause IS NOT NULL
    WHERE l.accumulator_value_id IS NOT NULL GROUP BY 1
) kept
WHERE s.id = kept.accumulator_value_id
"""
_COMPARED = (
    *("account_id", "product_id", "account_product_id", "activity_date"),
    *("quantity", "rate", "rated_amount", "cost_unrounded", "currency_code"),
    *("rate_override", "cost_override", "accumulator_value_id", "prepaid_by_id"),
    "prepaid_quantity",
)


def _row(alias: str) -> str:
    return f"({', '.join(f'{alias}.{column}' for column in _COMPARED)})"


CHANGED = f"""
CREATE TEMP TABLE rerate_changed ON COMMIT DROP AS
WITH was AS (
    SELECT r.seq, row_number() OVER (PARTITION BY r.seq ORDER BY l.id) AS part, l.*
    FROM rerate_line l
    JOIN rerate_record r ON r.root_id = l.root_id
), made AS (
    SELECT n.line_number AS seq, row_number() OVER (PARTITION BY n.line_number ORDER BY n.id)
           AS part, n.*
    FROM rerate_new n
)
SELECT DISTINCT coalesce(was.seq, made.seq) AS seq
FROM was FULL JOIN made ON made.seq = was.seq AND made.part = was.part
WHERE {_row("was")} IS DISTINCT FROM {_row("made")}
  AND coalesce(was.seq, made.seq) NOT IN (SELECT line FROM rerate_usage WHERE cause IS NOT NULL);
ANALYZE rerate_changed
"""  # noqa: S608 - constants only

#: The columns of a line that rating fills from its price; the others stay what they were.
RATED = tuple(
    column
    for column in (*COLUMNS, *MORE, "split_from_bill_act_id")
    if column
    not in {
        *("created", "updated", "activity_collector_id", "collector_stage_id", "signature"),
        *("billing_identifier_id", "activity_collector_history_id", "line_number"),
        "non_billable_flag",
    }
)


def price(
    cursor: Any, now: Any, correction: Correction | None, kept: Iterable[int]
) -> tuple[list[Sum], set[int]]:
    """Price the chosen lines as `rerate_new`; gives the sums of others that they have joined, and
    the first lines of records that stay in their sums as they were, for they have no price. Those
    that are `kept` are known to, and keep their place."""
    given = {
        "kept": list(kept),
        "corrected": correction.activity_id if correction else None,
        "moved_to": correction.values.get("activity_date") if correction else None,
    }
    cursor.execute(RECORDS, given)
    cursor.execute(KEPT, given)
    cursor.execute(TAKE_OUT)
    prepaid.give_back(cursor)
    cursor.execute(HIDE)
    recurring.price(cursor, now)
    prepaid.buy(cursor)
    cursor.execute(USAGE)
    used: bool = cursor.rowcount > 0
    if correction:
        correction.apply(cursor)
    cursor.execute("ANALYZE rerate_record; ANALYZE pg_temp.mediation_usage")
    about = {"load": 0, "shard": 0, "now": now, "in_order": True, "unbilled": False}
    about["kept"] = bool(given["kept"])
    if used:
        cursor.execute(prepaid.ANY)
        (prepays,) = cursor.fetchone()
        charge(cursor, about, prepays=prepays, filled=_said(cursor))
    cursor.execute(SHOW)
    cursor.execute(STAYS)
    stay = {int(root) for (root,) in cursor.fetchall()}
    cursor.execute(JOINED)
    return [(int(a), int(b), int(c)) for a, b, c in cursor.fetchall()], stay


def _said(cursor: Any) -> dict[str, str]:
    """Column of a line -> what fills it, of the custom fields and the load, for formulas."""
    cursor.execute(FORMULAS)
    if not cursor.rowcount:
        return {}
    described = connection.introspection.get_table_description(cursor, Activity._meta.db_table)
    own = {field.column for field in Activity._meta.concrete_fields}
    names = [column.name for column in described if column.name not in own]
    columns = [*names, "activity_collector_history_id"]
    cursor.execute(SAID.format(columns=", ".join(f"l.{column}" for column in columns)))
    return {
        column: f"(SELECT said.{column} FROM rerate_said said WHERE said.seq = u.line)"  # noqa: S608
        for column in columns
    }


def compare(cursor: Any) -> tuple[int, bool]:
    """Fill `rerate_changed` with the records that cost something else; gives how many, and whether
    prepaid usage includes something else."""
    cursor.execute(PUT_BACK)
    moved = prepaid.settle(cursor)
    cursor.execute(CHANGED)
    cursor.execute("SELECT count(*) FROM rerate_changed")
    return int(cursor.fetchone()[0]), moved
