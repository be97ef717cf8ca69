"""Whom a run looks at, and what the terms of each say: one row of `charge_subject` each."""

from billing.rating.asking import ASKED, METHOD
from billing.rating.cycles import CALENDAR, LENGTH, span

_RECURRING = "('Subscription', 'Variable Interval Subscription')"
_CHARGED = f"""(m.rating_method_type IN {_RECURRING}
    OR m.rating_method_type IN ('One Time Charge', 'Prepaid Usage')
    OR m.rating_method_type = 'Trial' AND upper(coalesce(m.trial_rate_type, '')) <> 'FREE')"""
_SEEN = """md5(ROW(ap.start_date, ap.end_date, ap.quantity, ap.status, ap.billing_cycle_start_date,
    ap.trial_end_date, m.id)::text)"""

# Those to be looked at up to a day; a day more than UTC's is the day of somebody's zone.
DUE = f"""
SELECT ap.id, coalesce(schedule.charged_until, ap.start_date)
FROM customers_accountproduct ap
{METHOD}
LEFT JOIN rating_chargeschedule schedule ON schedule.account_product_id = ap.id
WHERE ap.id > %(after)s AND ap.deleted_at IS NULL AND ap.status IN ('ACTIVE', 'DEACTIVATED')
  AND {_CHARGED}
  AND (schedule.seen IS DISTINCT FROM {_SEEN}
       OR schedule.next_charge_day <= coalesce(%(until)s::date, (%(now)s AT TIME ZONE 'UTC')::date + 1))
  AND (%(accounts)s::bigint[] IS NULL OR ap.account_id = ANY(%(accounts)s))
ORDER BY ap.id LIMIT %(chunk)s
"""  # noqa: S608, E501 - constants only

# What others write to them afterwards is seen by the statements that follow, not by this one.
LOCK = """
SELECT FROM customers_accountproduct WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE
"""

SUBJECTS = f"""
CREATE TEMP TABLE charge_subject ON COMMIT DROP AS
WITH RECURSIVE used AS MATERIALIZED (
    SELECT ap.id AS key, ap.account_id, ap.product_id, ap.id AS account_product_id,
           NULL::bigint AS package_product_id, %(until)s::date AS day,
           %(now)s::timestamptz AS first_at, %(now)s::timestamptz AS last_at
    FROM customers_accountproduct ap
    WHERE ap.id = ANY(%(ids)s) AND ap.deleted_at IS NULL
), {ASKED}, dated AS (
    SELECT asked.*, (%(now)s AT TIME ZONE asked.zone)::date AS today FROM asked
)
SELECT asked.key, asked.account_id, asked.product_id, asked.account_product_id,
       asked.package_product_id, asked.account_package_id, asked.payer_id, asked.profile_id,
       asked.currency_code, asked.zone, asked.places, asked.rounding, asked.today,
       asked.last_day AS limit_day, ap.quantity, m.id AS method_id,
       nullif(m.formula_quantity, '') AS quantity_formula,
       m.force_generate_activity AS forced, m.prorate_band, m.sub_aggr_level AS level,
       m.auto_calculate_credit AS credits, m.prorate_subscription AS prorated,
       m.proration_day_count AS day_count,
       ap.status = 'ACTIVE' AS charging, kind.recurs,
       m.subscription_model = 'Prepaid' AS prepaid,
       {span("m.charge_in_advance_period", "m.charge_in_advance_unit")} AS advance,
       {span("m.charge_in_subsequent_per", "m.charge_in_subsequent_unit")} AS afterwards,
       ap.start_date AS service_from, service.until_day AS service_until,
       trial.until_day AS trial_until, paid.from_day AS paid_from,
       kind.recurs AND length.months = 0 AND length.days = 0
       AND upper(coalesce(m.subscription_cycle, '')) <> 'SEMI-MONTHLY' AS endless,
       calendar.*, {_SEEN} AS seen,
       CASE WHEN schedule.seen = {_SEEN} THEN coalesce(schedule.charged_until, ap.start_date)
            ELSE ap.start_date END AS look_from
FROM dated asked
JOIN customers_accountproduct ap ON ap.id = asked.key
{METHOD}
LEFT JOIN customers_billingprofile profile ON profile.id = asked.profile_id
LEFT JOIN rating_chargeschedule schedule ON schedule.account_product_id = ap.id
CROSS JOIN LATERAL (SELECT m.rating_method_type IN {_RECURRING} AS recurs) kind
CROSS JOIN LATERAL (SELECT coalesce(ap.end_date + 1, 'infinity') AS until_day) service
CROSS JOIN LATERAL (
    SELECT CASE WHEN known.until_day IS NOT NULL
                THEN least(service.until_day, known.until_day) END AS until_day
    FROM (SELECT coalesce(ap.trial_end_date + 1, ap.start_date + m.trial_duration) AS until_day)
         known
) trial
CROSS JOIN LATERAL (
    SELECT CASE WHEN kind.recurs THEN greatest(ap.start_date, trial.until_day)
                ELSE ap.start_date END AS from_day
) paid
CROSS JOIN LATERAL ({LENGTH}) length
CROSS JOIN LATERAL ({CALENDAR}) calendar
"""  # noqa: S608 - constants only

# Days charged too much: those of a charged period that the service no longer has.
