"""Charges that come with others: a conditional product charge is made when its product is charged.

What it waits for is said by EligibleActivityFilterLogic of its rating method; without one it is
what the account product that it is under (ParentCustomerProductId) is charged. In each billing
period in which that comes to anything, on days on which the account has the conditional product, it
is charged once, on the day of the last such charge: its rate times its quantity, or with ChargeType
Percentage its rate in per cent of those charges. No conditional charge waits for another one.
"""

from typing import Any

from billing.rating.asking import METHOD, rounded
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.settling.filters import compiled, priced, tell_unpriced
from billing.rating.settling.writing import WANTED, Settled
from entities.formulas import FormulaError

TYPE = "Conditional Product Charge"
KIND = "Conditional"

_HELD = f"""
CREATE TEMP TABLE settle_held ON COMMIT DROP AS
SELECT ap.id AS account_product_id, ap.account_id, ap.product_id, ap.account_package_id,
       ap.package_product_id, ap.parent_customer_product_id AS parent_id, ap.quantity,
       ap.start_date, ap.end_date, m.id AS method_id, m.charge_type = 'Percentage' AS percentage,
       nullif(m.eligible_activity_filter_logic, '') AS filter, s.currency_code, s.places,
       s.rounding
FROM settle_account s
JOIN customers_accountproduct ap ON ap.account_id = s.account_id AND ap.deleted_at IS NULL
{METHOD}
WHERE m.rating_method_type = '{TYPE}'
  AND (ap.status = 'ACTIVE' OR ap.status = 'DEACTIVATED' AND ap.end_date IS NOT NULL);
CREATE TEMP TABLE settle_deal (
    key bigint, account_product_id bigint, period_from date, period_until date, base numeric,
    lines bigint, last_at timestamptz, day date
) ON COMMIT DROP
"""  # noqa: S608 - constants only

_MET = f"""
INSERT INTO settle_deal
SELECT coalesce((SELECT max(key) FROM settle_deal), 0) + row_number() OVER (), *
FROM (
    SELECT d.account_product_id, l.period_from, l.period_until, sum(l.amount), count(*),
           max(l.activity_date), max(l.day)
    FROM settle_held d
    JOIN settle_line l
      ON l.account_id = d.account_id AND l.day >= d.start_date
     AND (d.end_date IS NULL OR l.day <= d.end_date) AND l.kind <> '{TYPE}'
    JOIN mediation_activity a ON a.id = l.id AND a.activity_date = l.activity_date
    WHERE d.filter IS NOT DISTINCT FROM %(filter)s AND ({{formula}})
    GROUP BY 1, 2, 3
    HAVING sum(l.amount) <> 0 OR sum(l.quantity) <> 0
) met
"""  # noqa: S608 - constants only

_KEYS = """
CREATE TEMP TABLE rating_key ON COMMIT DROP AS
SELECT d.key, h.account_id, h.product_id, h.account_product_id, h.package_product_id,
       h.currency_code, d.day AS first_day, d.day AS last_day
FROM settle_deal d JOIN settle_held h ON h.account_product_id = d.account_product_id;
ANALYZE settle_deal; ANALYZE rating_key
"""

_WANT = f"""
INSERT INTO settle_wanted (
    kind, account_id, account_product_id, period_from, period_until, base, lines, rate, cost,
    amount, activity_date, product_id, account_package_id, package_product_id, currency_code,
    rate_date, rate_source, rate_source_id, rating_method_id, pricing_id, contract_id, upper_band,
    quantity)
SELECT '{KIND}', h.account_id, h.account_product_id, d.period_from, d.period_until, d.base,
       d.lines, priced.rate, round(priced.cost, 10), {rounded("priced.cost", "h")}, d.last_at,
       h.product_id, h.account_package_id, h.package_product_id, h.currency_code, d.day, b.source,
       b.source_id, h.method_id, band.pricing_id, b.contract_id, band.upper_band, h.quantity
FROM settle_deal d
JOIN settle_held h ON h.account_product_id = d.account_product_id
JOIN rating_book b ON b.key = d.key
{priced("h.percentage", "d.base", "h.quantity")}
WHERE {rounded("priced.cost", "h")} <> 0
"""  # noqa: S608 - constants only


def reckon(cursor: Any, done: Settled) -> None:
    """Put into settle_wanted what the conditional charges come to."""
    cursor.execute(_HELD)
    cursor.execute("SELECT filter, array_agg(account_product_id) FROM settle_held GROUP BY filter")
    for filter_, held in cursor.fetchall():
        try:
            formula = "a.account_product_id = d.parent_id" if filter_ is None else compiled(filter_)
        except FormulaError as error:
            why = f"EligibleActivityFilterLogic can't be applied: {error.told()}"
            done.problems |= dict.fromkeys(held, why)
        else:
            cursor.execute(_MET.format(formula=formula), {"filter": filter_})
    cursor.execute(_KEYS)
    cursor.execute(TABLES)
    cursor.execute(FILL)
    cursor.execute("ANALYZE rating_book; ANALYZE rating_band")
    tell_unpriced(cursor, done)
    cursor.execute(WANTED)
    cursor.execute(_WANT)
    cursor.execute("DROP TABLE settle_held, settle_deal, rating_key, rating_book, rating_band")
