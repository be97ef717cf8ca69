"""Charges that recur or come once, as they are rated again: by the statements that charge them.

What is rated again is a charged period: its line, the discount that takes a trial back, and the
credits of days that were cut off later. What was charged stays: its days and quantity, the day on
which its price counts, its part of the cycle; only what that costs is asked anew, of the terms and
prices of now. A credit comes to the same days of the new amount. Where one of the lines is on a
closed invoice, all of them stay as they are.

A charge that came to nothing has no line, and is not rated again; one that comes to nothing now
keeps a line, so that it can be.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection

from billing.mediation.loads.reversing import ON_OPEN_INVOICE
from billing.mediation.models import Activity
from billing.rating.asking import rounded
from billing.rating.cycles import days, part
from billing.rating.formulas import NO_RESULT, no_result
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.recurring import formulas
from billing.rating.recurring.costs import COSTS, KEYS
from billing.rating.recurring.lines import LINES
from billing.rating.recurring.subjects import LOCK, SUBJECTS
from billing.rating.rerating import prepaid
from billing.rating.telling import OF_PRICE, no_band, no_price

_OPEN = f"""
    a.activity_collector_history_id IS NULL AND a.deleted_at IS NULL AND {ON_OPEN_INVOICE}
    AND NOT EXISTS (
        SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id AND r.deleted_at IS NULL
          AND r.process_description IS DISTINCT FROM 'Credit'
    )
"""  # noqa: S608 - constants only
_OWNERS = """
SELECT DISTINCT a.account_product_id FROM mediation_activity a
JOIN rating_chargedperiod p
  ON p.account_product_id = a.account_product_id AND p.activity_id = a.id
WHERE {which} AND {open}
"""
# What is charged of them meanwhile, or credited, waits until they are rated again.
_PERIODS = f"""
CREATE TEMP TABLE rerate_period ON COMMIT DROP AS
SELECT p.*, a.id AS root_id, a.rate_date,
       {days("p.from_day", "p.until_day", "p.day_count")} AS days,
       {days("p.kept_from", "p.kept_until", "p.day_count")} AS kept_days,
       CASE WHEN p.kind = 'Trial' THEN a.discounted_by_id END AS discount_id
FROM rating_chargedperiod p
JOIN mediation_activity a
  ON a.account_product_id = p.account_product_id AND a.id = p.activity_id
WHERE p.account_product_id = ANY(%(ids)s) AND {{which}} AND {{open}}
"""  # noqa: S608 - constants only
_LINES = f"""
INSERT INTO rerate_line
SELECT a.*, p.root_id
FROM rerate_period p
JOIN mediation_activity a
  ON a.account_product_id = p.account_product_id
 AND (a.id IN (p.root_id, p.discount_id)
      OR a.reversal_of_id = p.root_id AND a.process_description = 'Credit')
WHERE {_OPEN}
"""  # noqa: S608 - constants only
# Each credit with the days that were left of its period after it.
_CREDITS = """
CREATE TEMP TABLE rerate_credit ON COMMIT DROP AS
SELECT l.id, p.id AS period_id,
       p.days - coalesce(sum(round(l.prorate_factor / nullif(p.factor, 0) * p.days))
                         OVER (PARTITION BY p.id ORDER BY l.id), 0) AS days_left
FROM rerate_line l JOIN rerate_period p ON p.root_id = l.root_id
WHERE l.reversal_of_id = l.root_id
"""
_INCOMPLETE = """
DELETE FROM rerate_period p
WHERE NOT EXISTS (SELECT FROM rerate_line l WHERE l.id = p.root_id)
   OR p.discount_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM rerate_line l WHERE l.id = p.discount_id)
   OR p.kind = 'Period' AND p.kept_days IS DISTINCT FROM (
          SELECT coalesce(min(c.days_left), p.days)
          FROM rerate_credit c WHERE c.period_id = p.id)
"""
_LEFT = """
DELETE FROM rerate_line l
WHERE l.activity_collector_history_id IS NULL
  AND NOT EXISTS (SELECT FROM rerate_period p WHERE p.root_id = l.root_id);
ANALYZE rerate_period
"""

# Lines are written for nothing, too, and days that were charged before they came stay charged.
_WHATEVER = """
UPDATE charge_subject SET forced = true, limit_day = 'infinity'; ANALYZE charge_subject
"""
# Units charged before of the same days count for the tier, as they did.
_RUNS = f"""
CREATE TEMP TABLE charge_run ON COMMIT DROP AS
SELECT p.id, p.account_product_id AS key, p.kind, p.cycle_from, p.cycle_until, p.from_day,
       p.until_day, coalesce(earlier.quantity, 0) AS before, p.quantity AS lacking,
       coalesce(p.rate_date, p.from_day) AS first_day, p.kept_until AS until_served,
       CASE WHEN p.factor = round(cycle.part, 10) THEN cycle.part ELSE p.factor END AS factor,
       coalesce(p.rate_date, p.from_day) AS due_day, true AS at_begin
FROM rerate_period p
CROSS JOIN LATERAL (
    SELECT {part(("p.from_day", "p.until_day"), ("p.cycle_from", "p.cycle_until"), "p.day_count")}
           AS part
) cycle
LEFT JOIN LATERAL (
    SELECT sum(e.quantity) AS quantity FROM rating_chargedperiod e
    WHERE e.account_product_id = p.account_product_id AND e.kind = p.kind AND e.number < p.number
      AND e.kept_from <= p.kept_from AND e.kept_until >= p.kept_until
) earlier ON true
"""  # noqa: S608 - constants only
# What replaces which line; a discount that was not there before is like the charge it is about.
_REPLACED = """
CREATE TEMP TABLE rerate_replaced ON COMMIT DROP AS
SELECT c.activity_id AS id, r.seq, p.root_id AS old_id
FROM charge_cost c
JOIN rerate_period p ON p.id = c.id
JOIN rerate_record r ON r.root_id = p.root_id
WHERE c.activity_id IS NOT NULL
UNION ALL
SELECT c.discount_id, r.seq, coalesce(p.discount_id, p.root_id)
FROM charge_cost c
JOIN rerate_period p ON p.id = c.id
JOIN rerate_record r ON r.root_id = p.root_id
WHERE c.discount_id IS NOT NULL
"""
#: Columns that the statement of lines fills from the price, or that it links.
_PRICED = {
    *OF_PRICE,
    *("id", "rate", "rated_amount", "cost_unrounded", "currency_code", "rating_method_id"),
    *("contract_id", "non_billable_flag", "discounted_by_id", "discount_activity_id", "formula"),
}
#: Columns of a line that is rated again, and what they hold, beside those that stay as they were.
_OWN = {"line_number": "m.seq", "rerated_from_id": "m.old_id", "update_error": "NULL"}
#: Columns that a credit has of its charge.
_CREDITED = (
    *("rate", "currency_code", "rate_source", "rate_source_id", "rating_method_id", "pricing_id"),
    *("contract_id", "contract_rate_id", "rate_class_product_id", "upper_band"),
)
_CREDIT = {
    **{name: f"n.{name}" for name in _CREDITED},
    "id": "nextval('mediation_activity_id_seq')",
    "rated_amount": rounded("(-c.cost)", "s"),
    "cost_unrounded": "-c.cost",
    "line_number": "n.line_number",
    "rerated_from_id": "o.id",
    "update_error": "NULL",
    "reversal_of_id": "n.id",
    **dict.fromkeys(("rating_date", "created", "updated"), "%(now)s"),
}
_CREDITS_ANEW = """
INSERT INTO mediation_activity ({columns})
SELECT {values}
FROM (
    SELECT id, period_id, key, activity_id,
           credited - lag(credited, 1, 0::numeric) OVER (PARTITION BY period_id ORDER BY id) AS cost
    FROM (
        SELECT r.id, r.period_id, c.key, c.activity_id,
               c.cost - coalesce(round(c.cost * r.days_left / nullif(p.days, 0), 10), 0) AS credited
        FROM rerate_credit r
        JOIN rerate_period p ON p.id = r.period_id
        JOIN charge_cost c ON c.id = p.id
        WHERE c.cost IS NOT NULL
    ) asked
) c
JOIN charge_subject s ON s.key = c.key
JOIN rerate_line o ON o.id = c.id
JOIN mediation_activity n ON n.id = c.activity_id
ORDER BY c.id
"""
_UNPRICED = f"""
INSERT INTO mediation_usage (load_id, line, shard, collector_id, cause, reason)
SELECT 0, r.seq, 0, 0,
       CASE WHEN c.source IS NULL THEN 'NO_PRICE' WHEN c.formula IS NOT NULL THEN '{NO_RESULT}'
            ELSE 'NO_BAND' END,
       CASE WHEN s.key IS NULL
            THEN format('Account product %%s is deleted, or its account.', p.account_product_id)
            WHEN c.source IS NULL
            THEN {no_price("s.product_id", "s.account_id", "s.currency_code", "c.first_day")}
            WHEN c.formula IS NOT NULL THEN {no_result("c.rating_method_id", "this charge")}
            ELSE {no_band("c", "s.product_id", "c.lacking")} END
FROM rerate_period p
JOIN rerate_record r ON r.root_id = p.root_id
LEFT JOIN charge_subject s ON s.key = p.account_product_id
LEFT JOIN charge_cost c ON c.id = p.id
WHERE c.cost IS NULL
"""  # noqa: S608 - constants only
_CHARGED = """
CREATE TEMP TABLE rerate_charged ON COMMIT DROP AS
SELECT r.seq, p.id, c.activity_id, CASE WHEN p.kind = 'Trial' THEN 0 ELSE c.cost END AS cost,
       CASE WHEN p.kind = 'Trial' THEN 0
            ELSE c.cost - coalesce(round(c.cost * p.kept_days / nullif(p.days, 0), 10),
                                   0) END AS credited
FROM rerate_period p
JOIN rerate_record r ON r.root_id = p.root_id
JOIN charge_cost c ON c.id = p.id
WHERE c.cost IS NOT NULL
"""
_KEEP = """
UPDATE rating_chargedperiod p
SET activity_id = c.activity_id, cost = c.cost, credited = c.credited
FROM rerate_charged c JOIN rerate_changed r ON r.seq = c.seq
WHERE p.id = c.id
"""
_MADE = (
    "charge_subject, charge_run, charge_cost, rating_key, rating_book, rating_band, rerate_replaced"
)
#: The tables that stay until all is written.
KEPT = "rerate_period, rerate_credit, rerate_charged"


def choose(cursor: Any, which: str, values: Mapping[str, Any]) -> None:
    """Add the open lines of the wanted charges to `rerate_line`, and hold who is charged."""
    cursor.execute(_OWNERS.format(which=which, open=_OPEN), values)
    ids = [id for (id,) in cursor.fetchall()]
    if ids:
        cursor.execute(LOCK, {"ids": ids})
    cursor.execute(_PERIODS.format(which=which, open=_OPEN), {**values, "ids": ids})
    if ids:
        cursor.execute(_LINES)


def complete(cursor: Any) -> None:
    """Leave out charges of which not all lines are to be rated again."""
    cursor.execute("SELECT FROM rerate_period LIMIT 1")
    if not cursor.rowcount:
        return
    cursor.execute(_CREDITS)
    cursor.execute(_INCOMPLETE)
    cursor.execute(_LEFT)


def price(cursor: Any, now: Any) -> None:
    """Price the charges; their lines come to where those of usage do."""
    cursor.execute("SELECT array_agg(DISTINCT account_product_id) FROM rerate_period")
    (ids,) = cursor.fetchone()
    if not ids:
        return
    given = {"ids": ids, "until": None, "now": now}
    cursor.execute(SUBJECTS, given)
    for statement in (_WHATEVER, _RUNS, KEYS, TABLES, FILL, "ANALYZE rating_band", COSTS):
        cursor.execute(statement)
    formulas.reckon(cursor, given)
    cursor.execute(LINES, given)
    cursor.execute(_REPLACED)
    with connection.cursor() as described:
        table = connection.introspection.get_table_description(described, Activity._meta.db_table)
    names = [column.name for column in table]
    quoted = connection.ops.quote_name
    kept = {name: _OWN.get(name, f"o.{quoted(name)}") for name in names if name not in _PRICED}
    put = ", ".join(f"{quoted(name)} = {value}" for name, value in kept.items())
    cursor.execute(
        f"UPDATE mediation_activity n SET {put} "  # noqa: S608 - names of columns
        f"FROM rerate_replaced m JOIN rerate_line o ON o.id = m.old_id WHERE n.id = m.id"
    )
    credit = {name: _CREDIT.get(name, f"o.{quoted(name)}") for name in names}
    columns, told = ", ".join(map(quoted, credit)), ", ".join(credit.values())
    cursor.execute(_CREDITS_ANEW.format(columns=columns, values=told), given)
    cursor.execute(_UNPRICED, given)
    cursor.execute(_CHARGED)
    cursor.execute(prepaid.INCLUDED)
    cursor.execute(f"DROP TABLE {_MADE}")


def keep(cursor: Any) -> bool:
    """Have the charged periods that changed say what they come to now, and by which line; whether
    there are any."""
    cursor.execute("SELECT FROM rerate_period LIMIT 1")
    if not cursor.rowcount:
        return False
    cursor.execute(_KEEP)
    return bool(cursor.rowcount)
