"""What the days that are due come to, by the price book and the charges of the house."""

from billing.rating.asking import METHOD
from billing.rating.charges import FACTS, SHRUNKEN_CHARGES

KEYS = """
CREATE TEMP TABLE rating_key ON COMMIT DROP AS
SELECT s.key, s.account_id, s.product_id, s.account_product_id, s.package_product_id,
       s.currency_code, r.first_day, r.last_day
FROM charge_subject s
JOIN (
    SELECT r.key, min(r.first_day) AS first_day, max(r.first_day) AS last_day
    FROM charge_run r JOIN charge_subject s ON s.key = r.key
    WHERE r.due_day <= s.limit_day GROUP BY r.key
) r ON r.key = s.key;
ANALYZE charge_run; ANALYZE rating_key
"""

# The accounts that are charged with one payer, for tiers over its invoice.
_INVOICED = """
    WITH RECURSIVE below AS (
        SELECT s.payer_id AS id
        UNION
        SELECT a.id FROM customers_account a
        JOIN below ON a.billable_account_id = below.id
                   OR a.parent_account_id = below.id AND a.billable_account_id IS NULL
                      AND a.billing_profile_id IS NULL
    )
    SELECT id FROM below
"""

COSTS = f"""
CREATE TEMP TABLE charge_cost ON COMMIT DROP AS
WITH book AS (SELECT * FROM rating_book), {FACTS}, band AS (SELECT * FROM rating_band), due AS (
    SELECT r.*, b.version_id, b.override, b.rating_method_id, b.source, b.source_id, b.contract_id,
           coalesce(priced.flat_rate, false) AS flat,
           CASE WHEN priced.formula_flag THEN priced.formula_value END AS formula,
           coalesce(priced.non_billable_flag, false) AS non_billable, s.zone, s.places, s.rounding,
           s.currency_code, s.forced, s.limit_day,
           coalesce(together.before, 0) + r.before AS stands,
           greatest(coalesce(together.reached, 0), coalesce(together.before, 0) + r.before
                    + r.lacking) AS reached,
           CASE WHEN s.prorate_band THEN r.factor ELSE 1 END AS shrunk
    FROM charge_run r
    JOIN charge_subject s ON s.key = r.key
    LEFT JOIN rating_book b
      ON b.key = r.key AND b.from_day <= r.first_day AND b.until_day > r.first_day
    LEFT JOIN catalog_ratingmethod priced ON priced.id = b.rating_method_id
    LEFT JOIN LATERAL (
        SELECT sum(ap.quantity) FILTER (WHERE ap.id < r.key) AS before,
               sum(ap.quantity) AS reached
        FROM customers_accountproduct ap
        {METHOD}
        WHERE s.level IN ('Package', 'Account', 'Invoice') AND ap.deleted_at IS NULL
          AND ap.status = 'ACTIVE' AND ap.start_date <= r.first_day AND m.id = s.method_id
          AND (ap.end_date IS NULL OR ap.end_date >= r.first_day)
          AND CASE s.level WHEN 'Package' THEN ap.account_package_id = s.account_package_id
                   WHEN 'Account'
                   THEN ap.account_id = s.account_id AND ap.product_id = s.product_id
                   ELSE ap.product_id = s.product_id AND ap.account_id IN ({_INVOICED}) END
    ) together ON true
    WHERE r.due_day <= s.limit_day
), wanted AS (
    SELECT id, version_id, override, rating_method_id, lacking AS quantity,
           CASE WHEN flat THEN 1 ELSE factor END AS factor, false AS usage, stands AS before,
           reached, 1::bigint AS nth, shrunk
    FROM due WHERE source IS NOT NULL
), {SHRUNKEN_CHARGES}
SELECT due.*, priced.rate, priced.pricing_id, priced.upper_band, coalesce(priced.raised, false)
       AS raised, coalesce(priced.averaged, false) AS averaged,
       round(priced.cost * CASE WHEN due.flat THEN due.factor ELSE 1 END, 10) AS cost,
       CASE WHEN priced.cost <> 0 OR due.forced AND priced.cost IS NOT NULL
            THEN nextval('mediation_activity_id_seq') END AS activity_id,
       CASE WHEN priced.cost <> 0 AND due.kind = 'Trial'
            THEN nextval('mediation_activity_id_seq') END AS discount_id
FROM due
LEFT JOIN (
    SELECT charge.* FROM charge JOIN line ON line.id = charge.id
    WHERE charge.units = line.after - line.before
) priced ON priced.id = due.id
ORDER BY due.id
"""  # noqa: S608 - constants only
