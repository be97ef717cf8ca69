"""Minimum and maximum charges of a billing period, for rating methods with MinMaxPer = Period.

What a period's charges of an account product come to (of the product, where there is none) is
raised to the price's MinCharge and lowered to its MaxCharge; of several bands the greatest counts.
The price is that of the last day. With ProrateBand both shrink with the days on which the account
has the product. Without usage there is no minimum, unless MinMaxZeroQuantityTrueUp asks for it.
"""

from typing import Any

from billing.rating.asking import METHOD, rounded
from billing.rating.cycles import served
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.settling.writing import WANTED

_GROUPS = f"""
CREATE TEMP TABLE settle_group ON COMMIT DROP AS
WITH used AS (
    SELECT account_id, period_from, period_until, product_id, account_product_id,
           package_product_id, max(account_package_id) AS account_package_id,
           sum(amount) AS amount, count(*) AS lines, max(activity_date) AS last_at
    FROM settle_line WHERE by_period AND NOT bound AND product_id IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
), silent AS (
    SELECT p.account_id, p.from_day, p.until_day, ap.product_id, ap.id, ap.package_product_id,
           ap.account_package_id, 0, 0, NULL::timestamptz
    FROM settle_period p
    JOIN customers_accountproduct ap ON ap.account_id = p.account_id AND ap.deleted_at IS NULL
    {METHOD}
    WHERE m.min_max_per = 'Period' AND m.min_max_zero_quantity_true_up AND p.ended
      AND (ap.status = 'ACTIVE' OR ap.status = 'DEACTIVATED' AND ap.end_date IS NOT NULL)
      AND ap.start_date < p.until_day AND (ap.end_date IS NULL OR ap.end_date >= p.from_day)
      AND NOT EXISTS (SELECT FROM used WHERE used.account_product_id = ap.id
                      AND used.period_from = p.from_day)
)
SELECT row_number() OVER () AS key, g.*, p.ended, s.currency_code, s.zone, s.places, s.rounding,
       least(g.period_until - 1, ap.end_date, s.until_day) AS day,
       CASE WHEN g.period_from > '-infinity' AND g.period_until < 'infinity' AND ap.id IS NOT NULL
            THEN {served("ap", "g.period_from", "g.period_until")}
            ELSE 1 END AS part
FROM (SELECT * FROM used UNION ALL SELECT * FROM silent) g
JOIN settle_account s ON s.account_id = g.account_id
JOIN settle_period p ON p.account_id = g.account_id AND p.from_day = g.period_from
LEFT JOIN customers_accountproduct ap ON ap.id = g.account_product_id;
CREATE TEMP TABLE rating_key ON COMMIT DROP AS
SELECT key, account_id, product_id, account_product_id, package_product_id, currency_code,
       day AS first_day, day AS last_day
FROM settle_group;
ANALYZE settle_group; ANALYZE rating_key
"""  # noqa: S608 - constants only

_WANT = f"""
INSERT INTO settle_wanted (
    kind, account_id, period_from, period_until, target_product_id, target_account_product_id,
    base, lines, rate, cost, amount, activity_date, product_id, account_package_id,
    package_product_id, currency_code, rate_date, rate_source, rate_source_id, rating_method_id,
    pricing_id, contract_id, min_charge_flag, process_description, quantity)
SELECT bound.kind, g.account_id, g.period_from, g.period_until, g.product_id, g.account_product_id,
       g.amount, g.lines, bound.charge, round(bound.most - g.amount, 10),
       {rounded("bound.most", "g")} - g.amount,
       CASE WHEN bound.kind = 'Maximum' THEN g.last_at
            ELSE g.day::timestamp AT TIME ZONE g.zone END,
       g.product_id, g.account_package_id, g.package_product_id, g.currency_code, g.day, b.source,
       b.source_id, b.rating_method_id, limits.pricing_id, b.contract_id, bound.kind = 'Minimum',
       bound.kind || ' charge', 0
FROM settle_group g
JOIN rating_book b ON b.key = g.key
JOIN catalog_ratingmethod m ON m.id = b.rating_method_id
JOIN (
    SELECT version_id, max(min_charge) AS min_charge, max(max_charge) AS max_charge,
           max(pricing_id) AS pricing_id
    FROM rating_band GROUP BY version_id
) limits ON limits.version_id = b.version_id
CROSS JOIN LATERAL (SELECT CASE WHEN m.prorate_band THEN g.part ELSE 1 END AS part) share
CROSS JOIN LATERAL (
    VALUES ('Minimum', limits.min_charge, limits.min_charge * share.part),
           ('Maximum', limits.max_charge, limits.max_charge * share.part)
) bound (kind, charge, most)
WHERE m.min_max_per = 'Period'
  AND CASE bound.kind
           WHEN 'Minimum'
           THEN g.ended AND g.amount < {rounded("bound.most", "g")}
                AND (g.amount > 0 OR m.min_max_zero_quantity_true_up)
           ELSE g.amount > {rounded("bound.most", "g")} END
"""  # noqa: S608 - constants only


def reckon(cursor: Any) -> None:
    """Put into settle_wanted what the minimums and maximums come to."""
    cursor.execute(_GROUPS)
    cursor.execute(TABLES)
    cursor.execute(FILL)
    cursor.execute("ANALYZE rating_book; ANALYZE rating_band")
    cursor.execute(WANTED)
    cursor.execute(_WANT)
    cursor.execute("DROP TABLE settle_group, rating_key, rating_book, rating_band")
