"""What is charged and no longer asked is credited: the days cut off, at what was charged."""

from billing.rating.asking import rounded
from billing.rating.cycles import days

# Days charged too much: those of a charged period that the service no longer has.
CUTS = f"""
CREATE TEMP TABLE charge_cut ON COMMIT DROP AS
SELECT p.id, p.account_product_id AS key, p.activity_id, p.quantity, p.factor, s.today,
       kept.from_day, kept.until_day,
       CASE WHEN kept.until_day < p.kept_until OR kept.until_day = kept.from_day
            THEN kept.until_day ELSE p.kept_from END AS first_cut,
       CASE WHEN kept.until_day < p.kept_until OR kept.until_day = kept.from_day
            THEN p.kept_until ELSE kept.from_day END AS until_cut,
       coalesce(p.factor * (stood.days - kept.days) / charged.days, 0) AS cut_factor,
       p.cost - coalesce(round(p.cost * kept.days / charged.days, 10), 0) - p.credited AS credit
FROM rating_chargedperiod p
JOIN charge_subject s ON s.key = p.account_product_id
CROSS JOIN LATERAL (
    SELECT greatest(p.kept_from, CASE p.kind WHEN 'Trial' THEN s.service_from
                                             ELSE s.paid_from END) AS from_day,
           least(p.kept_until, CASE p.kind WHEN 'Trial' THEN s.trial_until
                                           ELSE s.service_until END) AS until_day
) service
CROSS JOIN LATERAL (
    SELECT CASE WHEN service.from_day >= service.until_day THEN p.kept_from
                WHEN s.prorated OR p.kind = 'Trial' THEN service.from_day
                ELSE p.kept_from END AS from_day,
           CASE WHEN service.from_day >= service.until_day THEN p.kept_from
                WHEN s.prorated OR p.kind = 'Trial' THEN service.until_day
                ELSE p.kept_until END AS until_day
) bounds
CROSS JOIN LATERAL (
    SELECT bounds.from_day, bounds.until_day,
           {days("bounds.from_day", "bounds.until_day", "p.day_count")} AS days
) kept
CROSS JOIN LATERAL (
    SELECT {days("p.kept_from", "p.kept_until", "p.day_count")} AS days
) stood
CROSS JOIN LATERAL (
    -- By 30/360 there may be none, as on the 30th of a long month.
    SELECT nullif({days("p.from_day", "p.until_day", "p.day_count")}, 0) AS days
) charged
WHERE s.credits AND p.kind <> 'Once' AND p.kept_from < p.kept_until
  AND (kept.from_day > p.kept_from OR kept.until_day < p.kept_until)
"""  # noqa: S608 - constants only

CREDIT = f"""
INSERT INTO mediation_activity (
    account_id, activity_date, product_id, account_product_id, account_package_id,
    package_product_id, quantity, rate, rated_amount, cost_unrounded, currency_code, prorate_factor,
    subscription_from_date, subscription_to_date, rate_date, rating_date, rate_source,
    rate_source_id, rating_method_id, pricing_id, contract_id, contract_rate_id,
    rate_class_product_id, upper_band, process_description, reversal_of_id, created, updated)
SELECT s.account_id, c.today::timestamp AT TIME ZONE s.zone, s.product_id, s.account_product_id,
       s.account_package_id, s.package_product_id, -c.quantity, a.rate,
       {rounded("(-c.credit)", "s")}, -c.credit, coalesce(a.currency_code, s.currency_code),
       c.cut_factor, c.first_cut, c.until_cut - 1, a.rate_date, %(now)s, a.rate_source,
       a.rate_source_id, a.rating_method_id, a.pricing_id, a.contract_id, a.contract_rate_id,
       a.rate_class_product_id, a.upper_band, 'Credit', c.activity_id, %(now)s, %(now)s
FROM charge_cut c
JOIN charge_subject s ON s.key = c.key
LEFT JOIN mediation_activity a ON a.id = c.activity_id
WHERE c.credit <> 0
RETURNING currency_code, rated_amount
"""  # noqa: S608 - constants only

CUT = """
UPDATE rating_chargedperiod p
SET kept_from = c.from_day, kept_until = c.until_day, credited = p.credited + c.credit
FROM charge_cut c WHERE c.id = p.id
"""
