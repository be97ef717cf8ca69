"""Discounts: which charges they lower, by how much, and how that is spread over them.

    settle_deal   a discount of an account in a billing period; those of one `step` are reckoned
                  together, after those of the steps before
    settle_hit    the lines that a filter of a rating method holds for
    settle_part   what a discount takes off a line

An amount off is its rate times the quantity of the account product, once in each billing period. A
use, where uses are limited, is a billing period of the account (of the product that is lowered) in
which anything is lowered, or a charge on an invoice. Where an account's discounts are limited, an
earlier period is reckoned before a later one.
"""

from typing import Any

from billing.catalog.deals import CONDITION
from billing.rating.asking import METHOD, rounded
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.settling.filters import compiled, leave_out, tell_unpriced
from billing.rating.settling.scope import CHARGE_LINES, UP
from billing.rating.settling.writing import WANTED, Settled
from entities.formulas import FormulaError

# The discounts `ap`, with their rating methods `m`, that accounts have themselves or from above.
_HELD = f"""
    JOIN customers_accountproduct ap ON ap.account_id = up.holder_id AND ap.deleted_at IS NULL
    {METHOD}
     AND m.rating_method_type = 'Discount' AND (up.steps = 0 OR m.propagate_to_hierarchy)
     AND (ap.status = 'ACTIVE' OR ap.status = 'DEACTIVATED' AND ap.end_date IS NOT NULL)
"""
_ANY = f"{UP} SELECT EXISTS (SELECT FROM up {_HELD})"  # noqa: S608 - constants only

_DEALS = f"""
CREATE TEMP TABLE settle_deal ON COMMIT DROP AS
{UP}, period AS (
    SELECT DISTINCT account_id, period_from, period_until FROM settle_line
), held AS (
    SELECT up.account_id, ap.id AS account_product_id, ap.account_id AS holder_id, ap.product_id,
           ap.account_package_id, ap.package_product_id, ap.parent_customer_product_id AS parent_id,
           ap.quantity, ap.start_date, ap.end_date,
           period.period_from, period.period_until, m.id AS method_id,
           coalesce(m.discount_type = 'Conditional', false) AS conditional,
           m.discount_pricing_type = 'Percentage Off' AS percentage,
           m.pricing_type = 'Tiered Pricing' AS tiered, m.discount_appl_method AS spread,
           m.discount_itemize AS itemize, m.discount_apply_to AS apply_to,
           m.designate_discount_target_charges_by AS target_by,
           m.designate_discount_eligable_charges_by AS eligible_by,
           nullif(m.discount_target_filter_logic, '') AS target_filter,
           nullif(m.discount_eligable_filter_logic, '') AS eligible_filter,
           nullif(m.discount_elig_cond, '') AS condition, m.discount_elig_unit_meas AS measured_in,
           CASE WHEN m.discount_limited_usage THEN m.discount_max_number_of_uses END AS most_uses,
           coalesce(m.discount_use_per, 'Account') AS use_per,
           row_number() OVER (PARTITION BY up.account_id, period.period_from
               ORDER BY m.discount_priority, product.order_of_execution, ap.id) AS place
    FROM up
    {_HELD}
    JOIN period ON period.account_id = up.account_id
    WHERE ap.start_date < period.period_until
      AND (ap.end_date IS NULL OR ap.end_date >= period.period_from)
)
SELECT row_number() OVER () AS key, held.*, s.currency_code, s.places, s.rounding,
       CASE WHEN bool_or(most_uses IS NOT NULL) OVER (PARTITION BY held.account_id)
            THEN dense_rank() OVER (PARTITION BY held.account_id ORDER BY period_from, place)
            ELSE place END AS step
FROM held JOIN settle_account s ON s.account_id = held.account_id
"""  # noqa: S608 - constants only

_KEYS = """
CREATE TEMP TABLE rating_key ON COMMIT DROP AS
SELECT key, holder_id AS account_id, product_id, account_product_id, package_product_id,
       currency_code, greatest(start_date, period_from) AS first_day,
       greatest(start_date, period_from) AS last_day
FROM settle_deal;
ANALYZE settle_deal; ANALYZE rating_key
"""

_TABLES = """
CREATE TEMP TABLE settle_hit (method_id bigint, what text, line_id bigint) ON COMMIT DROP;
CREATE TEMP TABLE settle_part (
    key bigint, line_id bigint, base numeric, rate numeric, pricing_id bigint, upper_band numeric,
    exact numeric, share numeric
) ON COMMIT DROP;
CREATE INDEX ON settle_hit (method_id, what, line_id);
CREATE INDEX ON settle_part (key)
"""
_HIT = """
INSERT INTO settle_hit
SELECT {method}, '{what}', l.id
FROM settle_line l
JOIN {lines} a ON a.id = l.id AND a.activity_date = l.activity_date
WHERE l.account_id IN (SELECT account_id FROM settle_deal WHERE method_id = {method})
  AND ({formula})
"""


def _chosen(what: str) -> str:
    """Whether the discount `d` designates the line `l`: as a target, or as what makes eligible."""
    return f"""l.account_id = d.account_id AND l.period_from = d.period_from
      AND l.day BETWEEN d.start_date AND coalesce(d.end_date, 'infinity')
      AND CASE d.{what}_by WHEN 'Account package' THEN l.account_package_id = d.account_package_id
               WHEN 'Parent account product' THEN l.account_product_id = d.parent_id
               ELSE true END
      AND (d.{what}_filter IS NULL OR EXISTS (
          SELECT FROM settle_hit h
          WHERE h.method_id = d.method_id AND h.what = '{what}' AND h.line_id = l.id))"""


# Whether the discount `d` is for charges of the kind of the line `l`.
_FOR_THE_KIND = """
    CASE d.apply_to
         WHEN 'Recurring charges' THEN l.kind IN ('Subscription', 'Variable Interval Subscription')
         WHEN 'Usage charges' THEN l.kind IN ('Usage', 'Prepaid Usage')
         WHEN 'One time charges' THEN l.kind = 'One Time Charge'
         ELSE true END"""

#: The discounts that would be for a line, but have no price.
UNPRICED = f"""
SELECT d.account_product_id, d.product_id, k.currency_code, k.first_day
FROM settle_deal d
JOIN rating_key k ON k.key = d.key
JOIN settle_line l ON {_chosen("target")}
WHERE l.id = %s AND {_FOR_THE_KIND} AND NOT EXISTS (SELECT FROM rating_book b WHERE b.key = d.key)
ORDER BY d.step
"""  # noqa: S608 - constants only

# Uses in periods before: those whose invoices are closed, and those that are settled now.
_USED = """
    SELECT DISTINCT d.key, used.period_from, used.target_product_id
    FROM deal d
    JOIN LATERAL (
        SELECT s.period_from, s.target_product_id
        FROM rating_settledcharge s
        JOIN customers_accountproduct ap ON ap.id = s.account_product_id
        JOIN settle_account t ON t.account_id = s.account_id
        WHERE s.account_id = d.account_id AND s.kind = 'Discount' AND NOT s.taken_back
          AND ap.product_id = d.product_id AND s.period_until <= t.open_from
        UNION ALL
        SELECT e.period_from, l.product_id
        FROM settle_deal e
        JOIN settle_part p ON p.key = e.key AND p.share <> 0
        JOIN settle_line l ON l.id = p.line_id
        WHERE e.account_id = d.account_id AND e.product_id = d.product_id
          AND e.period_from < d.period_from
    ) used ON true
    WHERE d.most_uses IS NOT NULL
"""

# What those before have left, from the earliest line on; `running` is the sum up to a line.
_PARTS = f"""
INSERT INTO settle_part
WITH deal AS (
    SELECT * FROM settle_deal WHERE step = %(step)s
), used AS (
    {_USED}
), eligible AS (
    SELECT d.key, sum(l.amount) AS amount, sum(l.quantity) AS quantity, count(*) AS charges
    FROM deal d JOIN settle_line l ON {_chosen("eligible")}
    WHERE d.conditional GROUP BY d.key
), target AS (
    SELECT d.key, l.id, l.remaining, l.quantity, l.activity_date,
           row_number() OVER (PARTITION BY d.key ORDER BY l.activity_date, l.id) AS nth
    FROM deal d JOIN settle_line l ON {_chosen("target")}
    WHERE {_FOR_THE_KIND}
      AND CASE WHEN d.most_uses IS NULL OR d.use_per = 'Invoice' THEN true
               ELSE d.most_uses > (
                   SELECT count(DISTINCT u.period_from) FROM used u
                   WHERE u.key = d.key
                     AND (d.use_per <> 'Product' OR u.target_product_id = l.product_id)) END
), summed AS (
    SELECT t.key, sum(t.remaining) AS amount, sum(t.quantity) AS quantity, count(*) AS charges,
           sum(t.remaining) FILTER (WHERE t.remaining > 0) AS above
    FROM target t JOIN deal d ON d.key = t.key
    WHERE d.most_uses IS NULL OR d.use_per <> 'Invoice' OR t.nth <= d.most_uses
    GROUP BY t.key
), measured AS (
    SELECT d.*, summed.amount AS total, least(summed.above, greatest(summed.amount, 0)) AS most,
           summed.above, met.measure
    FROM deal d
    JOIN summed ON summed.key = d.key
    LEFT JOIN eligible e ON e.key = d.key
    CROSS JOIN LATERAL (
        SELECT CASE d.measured_in
                    WHEN 'Quantity'
                    THEN CASE WHEN d.conditional THEN e.quantity ELSE summed.quantity END
                    WHEN 'Charges'
                    THEN CASE WHEN d.conditional THEN e.charges ELSE summed.charges END
                    ELSE CASE WHEN d.conditional THEN e.amount ELSE summed.amount END
               END AS measure
    ) met
    CROSS JOIN LATERAL (
        SELECT substring(d.condition FROM '[<>=]+') AS sign,
               substring(d.condition FROM '[0-9.]+')::numeric AS number
    ) asked
    WHERE NOT d.conditional
       OR e.charges > 0
          AND CASE asked.sign WHEN '>=' THEN met.measure >= asked.number
                   WHEN '>' THEN met.measure > asked.number
                   WHEN '<=' THEN met.measure <= asked.number
                   WHEN '<' THEN met.measure < asked.number
                   WHEN '=' THEN met.measure = asked.number
                   WHEN '<>' THEN met.measure <> asked.number ELSE true END
), priced AS (
    SELECT d.*, coalesce(b.override, band.rate) AS rate, band.pricing_id, band.upper_band,
           {rounded("(coalesce(b.override, band.rate) * d.quantity)", "d")} AS off
    FROM measured d
    JOIN rating_book b ON b.key = d.key
    LEFT JOIN rating_band band
      ON band.version_id = b.version_id
     AND CASE WHEN d.tiered
              THEN d.measure > band.above_quantity
                   AND (band.to_quantity IS NULL OR d.measure <= band.to_quantity)
              ELSE band.rate_order = 1 END
    WHERE b.override IS NOT NULL OR band.rate IS NOT NULL
), run AS (
    SELECT d.*, t.id AS line_id, t.remaining,
           sum(t.remaining) OVER so_far AS running,
           sum(greatest(t.remaining, 0)) OVER so_far AS running_above
    FROM priced d
    JOIN target t ON t.key = d.key
    WHERE d.most_uses IS NULL OR d.use_per <> 'Invoice' OR t.nth <= d.most_uses
    WINDOW so_far AS (PARTITION BY d.key ORDER BY t.activity_date, t.id)
), exact AS (
    SELECT run.*,
           CASE WHEN percentage THEN rate * running / 100
                WHEN spread = 'Each charge' OR above IS NULL THEN NULL
                WHEN spread = 'In order' THEN least(off, most, running_above)
                ELSE least(off, most) * running_above / above END AS upto,
           CASE WHEN percentage THEN rate * (running - remaining) / 100
                WHEN spread = 'Each charge' OR above IS NULL THEN NULL
                WHEN spread = 'In order'
                THEN least(off, most, running_above - greatest(remaining, 0))
                ELSE least(off, most) * (running_above - greatest(remaining, 0)) / above
           END AS before
    FROM run
)
SELECT key, line_id, remaining, rate, pricing_id, upper_band,
       coalesce(upto - before, least(off, greatest(remaining, 0))),
       CASE WHEN upto IS NULL THEN least(off, greatest(remaining, 0))
            ELSE {rounded("upto", "exact")} - {rounded("before", "exact")} END
FROM exact
"""  # noqa: S608 - constants only
_TAKE_OFF = """
UPDATE settle_line l SET remaining = l.remaining - p.share
FROM settle_part p JOIN settle_deal d ON d.key = p.key
WHERE d.step = %(step)s AND l.id = p.line_id AND p.share <> 0
"""

_WANT = """
INSERT INTO settle_wanted (
    kind, account_id, account_product_id, period_from, period_until, target_product_id,
    target_account_product_id, target_activity_id, base, lines, rate, cost, amount, target_date,
    activity_date, product_id, account_package_id, package_product_id, currency_code, rate_date,
    rate_source, rate_source_id, rating_method_id, pricing_id, contract_id, upper_band,
    process_description)
SELECT 'Discount', d.account_id, d.account_product_id, d.period_from, d.period_until,
       off.product_id, off.account_product_id, off.line_id, off.base, off.lines, off.rate,
       -round(off.exact, 10), -off.share, off.last_at, off.last_at, d.product_id,
       d.account_package_id, d.package_product_id, d.currency_code, k.first_day, b.source,
       b.source_id, d.method_id, off.pricing_id, b.contract_id, off.upper_band,
       left('Discount on ' || coalesce(product.name, 'charges'), 1000)
FROM (
    SELECT p.key, l.product_id, l.account_product_id, CASE WHEN d.itemize THEN l.id END AS line_id,
           max(p.rate) AS rate, max(p.pricing_id) AS pricing_id, max(p.upper_band) AS upper_band,
           sum(p.base) AS base, count(*) AS lines, sum(p.exact) AS exact, sum(p.share) AS share,
           max(l.activity_date) AS last_at
    FROM settle_part p
    JOIN settle_deal d ON d.key = p.key
    JOIN settle_line l ON l.id = p.line_id
    GROUP BY p.key, l.product_id, l.account_product_id, 4
) off
JOIN settle_deal d ON d.key = off.key
JOIN rating_key k ON k.key = d.key
JOIN rating_book b ON b.key = d.key
LEFT JOIN catalog_product product ON product.id = off.product_id
WHERE off.share <> 0
"""


def reckon(cursor: Any, done: Settled) -> None:
    """Put into settle_wanted what the discounts come to."""
    spread(cursor, done)
    cursor.execute(WANTED)
    cursor.execute(_WANT)
    cursor.execute(
        "DROP TABLE settle_deal, settle_hit, settle_part, rating_key, rating_book, rating_band"
    )


def are_held(cursor: Any) -> bool:
    """Whether the accounts of settle_account have any discounts."""
    cursor.execute(_ANY)
    return bool(cursor.fetchone()[0])


def spread(cursor: Any, done: Settled, lines: str = CHARGE_LINES) -> None:
    """Put into settle_part what the discounts take off the lines of settle_line.

    `lines` is SQL of a table that has these with all that filters may ask of them.
    """
    cursor.execute(_DEALS)
    cursor.execute(_TABLES)
    _find_targets(cursor, done, lines)
    cursor.execute(_KEYS)
    cursor.execute(TABLES)
    cursor.execute(FILL)
    cursor.execute("ANALYZE rating_book; ANALYZE rating_band; ANALYZE settle_hit")
    tell_unpriced(cursor, done)
    cursor.execute("SELECT coalesce(max(step), 0) FROM settle_deal")
    (steps,) = cursor.fetchone()
    for step in range(1, steps + 1):
        cursor.execute(_PARTS, {"step": step})
        cursor.execute(_TAKE_OFF, {"step": step})


def _find_targets(cursor: Any, done: Settled, lines: str) -> None:
    """Find the lines that filters hold for; leave out a method whose filter makes no sense."""
    cursor.execute(
        "SELECT DISTINCT method_id, target_filter, eligible_filter, condition FROM settle_deal "
        "WHERE coalesce(target_filter, eligible_filter, condition) IS NOT NULL"
    )
    for method, target, eligible, condition in cursor.fetchall():
        try:
            for what, text in (("target", target), ("eligible", eligible)):
                if text is not None:
                    cursor.execute(
                        _HIT.format(method=method, what=what, lines=lines, formula=compiled(text))
                    )
        except FormulaError as error:
            leave_out(cursor, done, method, error.told())
        if condition is not None and not CONDITION.fullmatch(condition):
            leave_out(cursor, done, method, f"{condition!r} is no condition such as >= 100.")
