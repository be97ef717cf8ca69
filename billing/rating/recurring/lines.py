"""What is charged is written: lines, charged periods, and how far each account product has come."""

from billing.rating.asking import rounded
from billing.rating.formulas import NO_RESULT, no_quantity, no_result
from billing.rating.telling import OF_PRICE, no_band, no_price

# The columns of a line and what they are filled with, from what is due, `c`, and whose it is, `s`.
COLUMNS = {
    **OF_PRICE,
    "account_id": "s.account_id",
    "activity_date": "(c.due_day - CASE WHEN c.at_begin THEN 0 ELSE 1 END)::timestamp "
    "AT TIME ZONE s.zone",
    "product_id": "s.product_id",
    "account_product_id": "s.account_product_id",
    "account_package_id": "s.account_package_id",
    "package_product_id": "s.package_product_id",
    "quantity": "c.lacking",
    "currency_code": "s.currency_code",
    "prorate_factor": "CASE WHEN c.kind <> 'Once' THEN c.factor END",
    "subscription_from_date": "CASE WHEN c.kind <> 'Once' OR s.trial_until > s.service_from "
    "THEN c.first_day END",
    "subscription_to_date": "CASE WHEN c.kind <> 'Once' THEN c.until_served - 1 "
    "WHEN s.trial_until > s.service_from THEN s.trial_until - 1 END",
    "rate_date": "c.first_day",
    "rating_method_id": "c.rating_method_id",
    "contract_id": "c.contract_id",
    "non_billable_flag": "c.non_billable",
    "formula": "c.formula",
}
_MORE = {
    "id": "l.id",
    "rate": "l.sign * c.rate",
    "rated_amount": rounded("(l.sign * c.cost)", "s"),
    "cost_unrounded": "l.sign * c.cost",
    "process_description": "CASE WHEN c.kind = 'Trial' THEN 'Trial' END",
    "discounted_by_id": "l.by_id",
    "discount_activity_id": "l.of_id",
}

LINES = f"""
INSERT INTO mediation_activity ({", ".join([*COLUMNS, *_MORE])})
SELECT {", ".join([*COLUMNS.values(), *_MORE.values()])}
FROM charge_cost c
JOIN charge_subject s ON s.key = c.key
CROSS JOIN LATERAL (
    VALUES (c.activity_id, 1, c.discount_id, NULL::bigint),
           (c.discount_id, -1, NULL, c.activity_id)
) l (id, sign, by_id, of_id)
WHERE l.id IS NOT NULL
RETURNING currency_code, rated_amount
"""  # noqa: S608 - constants only

CHARGED = """
INSERT INTO rating_chargedperiod (
    account_product_id, number, kind, cycle_from, cycle_until, from_day, until_day, kept_from,
    kept_until, quantity, factor, day_count, cost, credited, activity_id, created)
SELECT c.key, coalesce(last.number, 0) + row_number() OVER (PARTITION BY c.key ORDER BY c.id),
       c.kind, c.cycle_from, c.cycle_until, c.from_day, c.until_day, c.from_day, c.until_day,
       c.lacking, c.factor, c.day_count, CASE WHEN c.kind = 'Trial' THEN 0 ELSE c.cost END, 0,
       c.activity_id, %(now)s
FROM charge_cost c
LEFT JOIN LATERAL (
    SELECT max(p.number) AS number FROM rating_chargedperiod p WHERE p.account_product_id = c.key
) last ON true
WHERE c.cost IS NOT NULL
"""

# What prepaid usage includes from its first charge on; whoever draws on it first may be earlier.
INCLUDED = """
INSERT INTO rating_accumulatorvalue (level, scope_id, quantity, charges, included, updated)
SELECT 'Prepaid', c.key, 0, 0, c.lacking * coalesce(one.included_quantity, 0), %(now)s
FROM charge_cost c
JOIN catalog_ratingmethod m ON m.id = c.rating_method_id
LEFT JOIN rating_band one ON one.version_id = c.version_id AND one.rate_order = 1
WHERE m.rating_method_type = 'Prepaid Usage' AND c.cost IS NOT NULL
ORDER BY c.key
ON CONFLICT (scope_id, level, product_id, rating_method_id, period_begin) DO NOTHING
"""

SCHEDULE = f"""
INSERT INTO rating_chargeschedule
    (account_product_id, charged_until, next_charge_day, cause, reason, seen, updated)
SELECT s.key, open.charged_until, open.next_charge_day,
       CASE WHEN s.charging AND s.endless THEN 'NO_CYCLE'
            WHEN s.charging AND s.quantity IS NULL THEN '{NO_RESULT}'
            WHEN stuck.id IS NULL THEN NULL WHEN stuck.source IS NULL THEN 'NO_PRICE'
            WHEN stuck.formula IS NOT NULL THEN '{NO_RESULT}' ELSE 'NO_BAND' END,
       CASE WHEN s.charging AND s.endless
            THEN format('Rating method %%s has no SubscriptionCycle, or no IntervalDays.',
                        s.method_id)
            WHEN s.charging AND s.quantity IS NULL
            THEN {no_quantity("s.method_id")}
            WHEN stuck.id IS NULL THEN NULL
            WHEN stuck.source IS NULL
            THEN {no_price("s.product_id", "s.account_id", "s.currency_code", "stuck.first_day")}
            WHEN stuck.formula IS NOT NULL THEN {no_result("stuck.rating_method_id", "this charge")}
            ELSE {no_band("stuck", "s.product_id", "stuck.lacking")} END,
       CASE WHEN NOT coalesce(open.again, false)
             AND NOT (s.charging AND (s.endless OR s.quantity IS NULL))
            THEN s.seen END, %(now)s
FROM charge_subject s
LEFT JOIN (
    SELECT r.key, min(r.from_day) FILTER (WHERE r.fresh) AS charged_until,
           min(r.due_day) AS next_charge_day, bool_or(NOT r.fresh) AS again
    FROM charge_run r
    WHERE NOT EXISTS (SELECT FROM charge_cost c WHERE c.id = r.id AND c.cost IS NOT NULL)
    GROUP BY r.key
) open ON open.key = s.key
LEFT JOIN (
    SELECT DISTINCT ON (key) * FROM charge_cost WHERE cost IS NULL ORDER BY key, id
) stuck ON stuck.key = s.key
ON CONFLICT (account_product_id) DO UPDATE
SET charged_until = excluded.charged_until, next_charge_day = excluded.next_charge_day,
    cause = excluded.cause, reason = excluded.reason, seen = excluded.seen,
    updated = excluded.updated
RETURNING account_product_id, reason
"""  # noqa: S608 - constants only

RENEW = """
UPDATE customers_accountproduct ap
SET renewal_date = schedule.next_charge_day
FROM rating_chargeschedule schedule
WHERE schedule.account_product_id = ap.id AND ap.id = ANY(%(ids)s)
  AND ap.renewal_date IS DISTINCT FROM schedule.next_charge_day
"""
