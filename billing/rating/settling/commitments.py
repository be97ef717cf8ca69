"""Commitments: what the charges of a term lack of what was committed to.

Terms of CMTTermDuration count from BillingCycleStartDate, else from StartDate. When one is over,
all that was charged on its days is added up, on invoices or not, discounts included; what is
lacking is charged at the price of its first day: the shortfall times the rate, or the rate in per
cent of it. Money that is committed to without a price is charged in full. A term that StartDate or
EndDate cuts short is owed as EarlyTerminationOption says. Terms that ended before the last closed
invoice stay as they are. Lines of taxes count where CMTTaxFlag says so.
"""

from typing import Any

from billing.rating.asking import METHOD, rounded
from billing.rating.cycles import cycles
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.settling.filters import compiled, leave_out, priced, tell_unpriced
from billing.rating.settling.writing import WANTED, Settled
from entities.formulas import FormulaError

#: Kinds of rating methods whose lines count towards nothing.
UNCOUNTED = ("Revenue Commitment", "Tax", "Late Fee", "Per Invoice")

_TERMS = f"""
CREATE TEMP TABLE settle_deal ON COMMIT DROP AS
WITH held AS (
    SELECT ap.id AS account_product_id, ap.account_id, ap.product_id, ap.account_package_id,
           ap.package_product_id, ap.contract_id, ap.quantity, ap.start_date, ap.end_date,
           m.id AS method_id, m.cmt_quantity, coalesce(m.cmt_scope, 'Account') AS scope,
           coalesce(m.cmt_input_method = 'Quantity', false) AS in_units,
           coalesce(m.cmt_rate_method = 'Percentage', false) AS percentage,
           m.early_termination_option AS cut_short, m.cmt_tax_flag AS with_tax,
           nullif(m.cmt_inclusion_logic, '') AS filter, s.open_from, s.until_day, s.currency_code,
           s.zone, s.places, s.rounding, calendar.*
    FROM settle_account s
    JOIN customers_accountproduct ap ON ap.account_id = s.account_id AND ap.deleted_at IS NULL
    {METHOD}
    CROSS JOIN LATERAL (
        SELECT substring(m.cmt_term_duration FROM '[0-9]+')::int AS number,
               upper(substring(m.cmt_term_duration FROM '[A-Za-z]+')) AS unit,
               coalesce(ap.billing_cycle_start_date, ap.start_date) AS base
    ) said
    CROSS JOIN LATERAL (
        SELECT said.base, date_trunc('month', said.base)::date AS month,
               extract(day FROM said.base)::int AS day_of_month, 0 AS shift,
               said.number * CASE WHEN said.unit LIKE 'MONTH%%' THEN 1
                                  WHEN said.unit LIKE 'QUARTER%%' THEN 3
                                  WHEN said.unit LIKE 'YEAR%%' THEN 12 ELSE 0 END AS months,
               said.number * CASE WHEN said.unit LIKE 'WEEK%%' THEN 7
                                  WHEN said.unit LIKE 'DAY%%' THEN 1 ELSE 0 END AS days
    ) calendar
    WHERE m.rating_method_type = 'Revenue Commitment' AND calendar.months + calendar.days > 0
      AND (ap.status = 'ACTIVE' OR ap.status = 'DEACTIVATED' AND ap.end_date IS NOT NULL)
)
SELECT row_number() OVER () AS key, held.*, term.from_day, term.until_day AS until_served,
       CASE WHEN term.until_day - term.from_day = whole.until_day - whole.from_day THEN 1
            WHEN held.cut_short = 'None' THEN 0
            WHEN held.cut_short = 'Prorate'
            THEN (term.until_day - term.from_day)::numeric / (whole.until_day - whole.from_day)
            ELSE 1 END AS part
FROM held
CROSS JOIN LATERAL (
    {cycles("greatest(held.start_date, held.open_from)", "held.until_day", "held")}
) whole
CROSS JOIN LATERAL (
    SELECT greatest(whole.from_day, held.start_date) AS from_day,
           least(whole.until_day, held.end_date + 1) AS until_day
) term
WHERE term.from_day < term.until_day AND term.until_day - 1 <= held.until_day
  AND term.until_day > held.open_from
"""  # noqa: S608 - constants only

_KEYS = """
CREATE TEMP TABLE rating_key ON COMMIT DROP AS
SELECT key, account_id, product_id, account_product_id, package_product_id, currency_code,
       from_day AS first_day, from_day AS last_day
FROM settle_deal;
CREATE TEMP TABLE settle_counted (key bigint, amount numeric, quantity numeric, lines bigint)
ON COMMIT DROP;
ANALYZE settle_deal; ANALYZE rating_key
"""


def counts(with_tax: str) -> str:
    """SQL of whether a line of the rating method `m` counts towards a commitment, by its kind; it
    takes the parameter `uncounted`."""
    return (
        "(NOT coalesce(m.rating_method_type, '') = ANY(%(uncounted)s)"
        f" OR {with_tax} AND m.rating_method_type = 'Tax')"
    )


_COUNT = f"""
INSERT INTO settle_counted
WITH RECURSIVE whose AS (
    SELECT key, account_id FROM settle_deal WHERE filter IS NOT DISTINCT FROM %(filter)s
    UNION
    SELECT d.key, a.id
    FROM whose
    JOIN settle_deal d ON d.key = whose.key AND d.scope = 'Account hierarchy'
    JOIN customers_account a ON a.parent_account_id = whose.account_id
)
SELECT d.key, sum(a.rated_amount), sum(a.quantity) FILTER (WHERE charge.is_one), count(*)
FROM whose
JOIN settle_deal d ON d.key = whose.key
JOIN mediation_activity a
  ON a.account_id = whose.account_id
 AND a.activity_date >= d.from_day::timestamp AT TIME ZONE d.zone
 AND a.activity_date < d.until_served::timestamp AT TIME ZONE d.zone
LEFT JOIN catalog_ratingmethod m ON m.id = a.rating_method_id
CROSS JOIN LATERAL (
    SELECT coalesce(m.rating_method_type, '') NOT IN ('Discount', 'Tax') AS is_one
) charge
WHERE a.deleted_at IS NULL AND a.currency_code = d.currency_code
  AND NOT coalesce(m.non_billable_flag, false) AND NOT a.non_billable_flag
  AND {counts("d.with_tax")}
  AND CASE d.scope WHEN 'Account package' THEN a.account_package_id = d.account_package_id
           WHEN 'Contract' THEN a.contract_id = d.contract_id ELSE true END
  AND ({{formula}})
GROUP BY d.key
"""  # noqa: S608 - constants only

#: The rate of a commitment without a price: of money, all of it.
_IN_FULL = "CASE WHEN d.in_units THEN NULL WHEN d.percentage THEN 100 ELSE 1 END"
_WANT = f"""
INSERT INTO settle_wanted (
    kind, account_id, account_product_id, period_from, period_until, base, lines, rate, cost,
    amount, activity_date, product_id, account_package_id, package_product_id, currency_code,
    rate_date, rate_source, rate_source_id, rating_method_id, pricing_id, contract_id, quantity,
    subscription_from_date, subscription_to_date, process_description)
SELECT 'Commitment', d.account_id, d.account_product_id, d.from_day, d.until_served,
       counted.amount, coalesce(c.lines, 0), priced.rate, round(priced.cost, 10),
       {rounded("priced.cost", "d")}, (d.until_served - 1)::timestamp AT TIME ZONE d.zone,
       d.product_id, d.account_package_id, d.package_product_id, d.currency_code, d.from_day,
       b.source, b.source_id, d.method_id, band.pricing_id, b.contract_id, lacking.number,
       d.from_day, d.until_served - 1, 'Shortfall of the commitment'
FROM settle_deal d
LEFT JOIN settle_counted c ON c.key = d.key
LEFT JOIN rating_book b ON b.key = d.key
CROSS JOIN LATERAL (
    SELECT coalesce(CASE WHEN d.in_units THEN c.quantity ELSE c.amount END, 0) AS amount
) counted
CROSS JOIN LATERAL (
    SELECT round(d.cmt_quantity * d.quantity * d.part, 10) - counted.amount AS number
) lacking
{priced("d.percentage", "lacking.number", "lacking.number", _IN_FULL)}
WHERE lacking.number > 0 AND {rounded("priced.cost", "d")} <> 0
"""  # noqa: S608 - constants only


def reckon(cursor: Any, done: Settled) -> None:
    """Put into settle_wanted what commitments lack."""
    cursor.execute(_TERMS, {})
    cursor.execute(_KEYS)
    cursor.execute("SELECT DISTINCT filter, method_id FROM settle_deal")
    counted = set()
    for filter_, method in cursor.fetchall():
        try:
            formula = "true" if filter_ is None else compiled(filter_)
        except FormulaError as error:
            leave_out(cursor, done, method, error.told())
            continue
        if filter_ not in counted:
            counted.add(filter_)
            cursor.execute(
                _COUNT.replace("{formula}", formula.replace("%", "%%")),
                {"filter": filter_, "uncounted": list(UNCOUNTED)},
            )
    cursor.execute(TABLES)
    cursor.execute(FILL)
    tell_unpriced(cursor, done, "in_units")
    cursor.execute(WANTED)
    cursor.execute(_WANT)
    cursor.execute("DROP TABLE settle_deal, settle_counted, rating_key, rating_book, rating_band")
