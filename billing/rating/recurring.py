"""Charges that recur or come once become lines: subscriptions, one time charges, trials.

For each account product there is what its terms ask, days of its cycles with a quantity, and what
is charged already, rows of CHARGED_PERIOD. What is asked and not charged is charged once its day
has come; what is charged and no longer asked is credited, if its rating method says so.

So nothing is charged twice. An account product is locked while it is looked at, and its lines, its
charged periods and how far it has come (CHARGE_SCHEDULE) are written in one transaction: whoever
comes second, or again after being killed, finds the days charged. Lines are not asked, so that they
may be archived.

    prepaid      charged on the first day of its period, or ChargeInAdvancePeriod before
    postpaid     charged on the day after its last one, or ChargeInSubsequentPer after that
    whole        any day of service in a cycle is charged as the cycle; prorated: by its days
    trial        its days are charged and taken back by a discount; what is paid begins after it
                 (TrialEndDate of a subscription; what follows a Trial: billing.rating.trials)
    once         on StartDate
    quantity     what is prepaid follows a new quantity from the day on which that is seen
    ends early   the days that are cut off are credited, at what was charged (AutoCalculateCredit)

The price is that of the first day charged for, its tier that of the full quantity. A charge that
can't be priced is tried again each time; CHARGE_SCHEDULE says why. What changes an account product
is seen by a fingerprint of its terms, so that the others cost nothing until their next day.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from billing.mediation import partitions
from billing.rating import trials
from billing.rating.asking import ASKED, rounded
from billing.rating.charges import CHARGES, FACTS
from billing.rating.cycles import CALENDAR, LENGTH, about, begin, span
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.telling import OF_PRICE, no_band, no_price
from metabrm import clock, months

#: Account products of one transaction.
CHUNK = 2000

_RECURRING = "('Subscription', 'Variable Interval Subscription')"
_CHARGED = f"""(m.rating_method_type IN {_RECURRING}
    OR m.rating_method_type IN ('One Time Charge', 'Prepaid Usage')
    OR m.rating_method_type = 'Trial' AND upper(coalesce(m.trial_rate_type, '')) <> 'FREE')"""
_SEEN = """md5(ROW(ap.start_date, ap.end_date, ap.quantity, ap.status, ap.billing_cycle_start_date,
    ap.trial_end_date, m.id)::text)"""
_METHOD = """
    JOIN catalog_product product ON product.id = ap.product_id
    LEFT JOIN catalog_packageproduct place ON place.id = ap.package_product_id
    JOIN catalog_ratingmethod m
      ON m.id = coalesce(ap.rating_method_id, place.rating_method_id, product.rating_method_id)
"""

# Those to be looked at up to a day; a day more than UTC's is the day of somebody's zone.
DUE = f"""
SELECT ap.id, coalesce(schedule.charged_until, ap.start_date)
FROM customers_accountproduct ap
{_METHOD}
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
       m.force_generate_activity AS forced, m.prorate_band, m.sub_aggr_level AS level,
       m.auto_calculate_credit AS credits, m.prorate_subscription AS prorated,
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
{_METHOD}
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
CUTS = """
CREATE TEMP TABLE charge_cut ON COMMIT DROP AS
SELECT p.id, p.account_product_id AS key, p.activity_id, p.quantity, p.factor, s.today,
       kept.from_day, kept.until_day,
       CASE WHEN kept.until_day < p.kept_until OR kept.until_day = kept.from_day
            THEN kept.until_day ELSE p.kept_from END AS first_cut,
       CASE WHEN kept.until_day < p.kept_until OR kept.until_day = kept.from_day
            THEN p.kept_until ELSE kept.from_day END AS until_cut,
       p.factor * (p.kept_until - p.kept_from - kept.days) / (p.until_day - p.from_day)
       AS cut_factor,
       p.cost - round(p.cost * kept.days / (p.until_day - p.from_day), 10) - p.credited AS credit
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
    SELECT bounds.from_day, bounds.until_day, bounds.until_day - bounds.from_day AS days
) kept
WHERE s.credits AND p.kind <> 'Once' AND p.kept_from < p.kept_until
  AND (kept.from_day > p.kept_from OR kept.until_day < p.kept_until)
"""

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

# What the terms ask, cycle by cycle, from the first that may lack something to one that is to come.
CYCLES = f"""
CREATE TEMP TABLE charge_cycle ON COMMIT DROP AS
SELECT s.key, n, cycle.from_day AS cycle_from, cycle.until_day AS cycle_until, asked.kind,
       asked.from_day, asked.until_day
FROM charge_subject s
CROSS JOIN LATERAL (
    SELECT greatest((s.limit_day + s.advance)::date, s.look_from) AS until_day
) horizon
CROSS JOIN LATERAL (
    SELECT {about("s.look_from", "s")} - 1 AS low, {about("horizon.until_day", "s")} + 1 AS high
) numbers
CROSS JOIN LATERAL generate_series(numbers.low, numbers.high) n
CROSS JOIN LATERAL (
    SELECT {begin("n", "s")} AS from_day, {begin("n + 1", "s")} AS until_day
) cycle
CROSS JOIN LATERAL (
    VALUES ('Trial', greatest(cycle.from_day, s.service_from),
            least(cycle.until_day, s.trial_until)),
           ('Period', greatest(cycle.from_day, s.paid_from),
            least(cycle.until_day, s.service_until))
) served (kind, from_day, until_day)
CROSS JOIN LATERAL (
    SELECT served.kind,
           CASE WHEN s.prorated OR served.kind = 'Trial' THEN served.from_day
                ELSE cycle.from_day END AS from_day,
           CASE WHEN s.prorated OR served.kind = 'Trial' THEN served.until_day
                ELSE cycle.until_day END AS until_day
) asked
WHERE s.recurs AND NOT s.endless AND served.from_day < served.until_day
  AND cycle.until_day > s.look_from AND (served.kind = 'Period' OR s.trial_until IS NOT NULL)
UNION ALL
SELECT key, 0, NULL, NULL, 'Once', service_from, service_from + 1
FROM charge_subject s WHERE NOT recurs
"""  # noqa: S608 - constants only

COVER = """
CREATE TEMP TABLE charge_cover ON COMMIT DROP AS
SELECT s.key, p.kind, p.quantity,
       CASE p.kind WHEN 'Once' THEN s.service_from ELSE p.kept_from END AS from_day,
       CASE p.kind WHEN 'Once' THEN s.service_from + 1 ELSE p.kept_until END AS until_day
FROM rating_chargedperiod p
JOIN charge_subject s ON s.key = p.account_product_id
JOIN (SELECT key, min(from_day) AS from_day FROM charge_cycle GROUP BY key) first
  ON first.key = s.key
WHERE p.kept_from < p.kept_until AND (p.kind = 'Once' OR p.kept_until > first.from_day);
CREATE INDEX ON charge_cover (key, kind);
ANALYZE charge_subject; ANALYZE charge_cycle; ANALYZE charge_cover
"""

# The days of the cycles, cut where what is charged of them changes, with what they lack.
RUNS = """
CREATE TEMP TABLE charge_run ON COMMIT DROP AS
WITH turn AS (
    SELECT key, n, kind, from_day AS day FROM charge_cycle
    UNION
    SELECT key, n, kind, until_day FROM charge_cycle
    UNION
    SELECT c.key, c.n, c.kind, turn.day
    FROM charge_cycle c
    JOIN charge_subject s ON s.key = c.key
    JOIN charge_cover v ON v.key = c.key AND v.kind = c.kind
     AND v.from_day < c.until_day AND v.until_day > c.from_day
    CROSS JOIN LATERAL (
        VALUES (v.from_day), (v.until_day),
               (CASE WHEN s.prorated AND s.today > v.from_day AND s.today < v.until_day
                     THEN s.today END)
    ) turn (day)
    WHERE turn.day > c.from_day AND turn.day < c.until_day
), piece AS (
    SELECT key, n, kind, day AS from_day,
           lead(day) OVER (PARTITION BY key, n, kind ORDER BY day) AS until_day
    FROM turn
), covered AS (
    SELECT piece.*, c.cycle_from, c.cycle_until, v.number = 0 AS fresh,
           coalesce(v.quantity, 0) AS before, v.touched
    FROM piece
    JOIN charge_cycle c ON c.key = piece.key AND c.n = piece.n AND c.kind = piece.kind
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE over) AS number,
               sum(v.quantity) FILTER (WHERE over) AS quantity, count(*) > 0 AS touched
        FROM (
            SELECT v.quantity,
                   v.from_day <= piece.from_day AND v.until_day >= piece.until_day AS over
            FROM charge_cover v
            WHERE v.key = piece.key AND v.kind = piece.kind
              AND v.from_day < c.until_day AND v.until_day > c.from_day
        ) v
    ) v
    WHERE piece.until_day IS NOT NULL
)
SELECT row_number() OVER (ORDER BY c.key, c.from_day, c.kind) AS id, c.*,
       s.quantity - c.before AS lacking,
       greatest(c.from_day, s.service_from) AS first_day,
       least(c.until_day, s.service_until) AS until_served,
       CASE WHEN c.kind = 'Trial' OR c.kind = 'Period' AND s.prorated
            THEN (c.until_day - c.from_day)::numeric / (c.cycle_until - c.cycle_from)
            ELSE 1 END AS factor,
       CASE WHEN NOT c.fresh THEN s.today
            WHEN c.kind = 'Once' THEN c.from_day
            WHEN s.prepaid OR c.kind = 'Trial'
            THEN (greatest(c.from_day, s.service_from) - s.advance)::date
            ELSE (least(c.until_day, s.service_until) + s.afterwards)::date END AS due_day,
       s.prepaid OR c.kind <> 'Period' OR NOT c.fresh AS at_begin
FROM covered c
JOIN charge_subject s ON s.key = c.key
WHERE s.charging
  AND CASE WHEN c.fresh
           THEN (s.quantity <> 0 OR s.forced) AND (s.prorated OR c.kind <> 'Period' OR NOT c.touched)
           ELSE c.kind = 'Period' AND c.before <> s.quantity AND c.until_day > s.today
                AND CASE WHEN s.prorated
                         THEN c.from_day >= s.today AND (s.quantity > c.before OR s.credits)
                         ELSE s.quantity > c.before END END
"""  # noqa: E501

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
           coalesce(priced.flat_rate, false) AS flat, s.zone, s.places, s.rounding,
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
        {_METHOD}
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
    SELECT id, version_id, override, rating_method_id, lacking / shrunk AS quantity,
           CASE WHEN flat THEN 1 ELSE factor END AS factor, false AS usage,
           stands / shrunk AS before, reached / shrunk AS reached, 1::bigint AS nth
    FROM due WHERE source IS NOT NULL
), {CHARGES}
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

_COLUMNS = {
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
INSERT INTO mediation_activity ({", ".join([*_COLUMNS, *_MORE])})
SELECT {", ".join([*_COLUMNS.values(), *_MORE.values()])}
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
    kept_until, quantity, factor, cost, credited, activity_id, created)
SELECT c.key, coalesce(last.number, 0) + row_number() OVER (PARTITION BY c.key ORDER BY c.id),
       c.kind, c.cycle_from, c.cycle_until, c.from_day, c.until_day, c.from_day, c.until_day,
       c.lacking, c.factor, CASE WHEN c.kind = 'Trial' THEN 0 ELSE c.cost END, 0, c.activity_id,
       %(now)s
FROM charge_cost c
LEFT JOIN LATERAL (
    SELECT max(p.number) AS number FROM rating_chargedperiod p WHERE p.account_product_id = c.key
) last ON true
WHERE c.cost IS NOT NULL
"""

SCHEDULE = f"""
INSERT INTO rating_chargeschedule
    (account_product_id, charged_until, next_charge_day, cause, reason, seen, updated)
SELECT s.key, open.charged_until, open.next_charge_day,
       CASE WHEN s.charging AND s.endless THEN 'NO_CYCLE' WHEN stuck.id IS NULL THEN NULL
            WHEN stuck.source IS NULL THEN 'NO_PRICE' ELSE 'NO_BAND' END,
       CASE WHEN s.charging AND s.endless
            THEN format('Rating method %%s has no SubscriptionCycle, or no IntervalDays.',
                        s.method_id)
            WHEN stuck.id IS NULL THEN NULL
            WHEN stuck.source IS NULL
            THEN {no_price("s.product_id", "s.account_id", "s.currency_code", "stuck.first_day")}
            ELSE {no_band("stuck", "s.product_id", "stuck.lacking")} END,
       CASE WHEN NOT coalesce(open.again, false) AND NOT (s.charging AND s.endless)
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


@dataclass
class Summary:
    """What a run came to."""

    account_products: int = 0
    lines: int = 0
    credits: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    #: What could not be charged, by account product, in words.
    problems: dict[int, str] = field(default_factory=dict)

    def add(self, written: Sequence[tuple[str, Decimal]]) -> int:
        for currency, amount in written:
            self.amounts[currency] = self.amounts.get(currency, Decimal(0)) + amount
        return len(written)


def charge(
    until: date | None = None,
    accounts: Sequence[int] | None = None,
    *,
    dry_run: bool = False,
    progress: Callable[[Summary], None] | None = None,
) -> Summary:
    """Write the lines of all that is due up to a day: by default today, where the account is.

    A dry run writes all of it and takes it back; it does not see what follows trials.
    """
    done = Summary()
    wanted = None if accounts is None else list(accounts)
    if not dry_run:
        done.problems |= trials.follow(until or clock.today(), wanted)
    given: dict[str, Any] = {
        "until": until,
        "accounts": wanted,
        "now": clock.now(),
        "chunk": CHUNK,
        "after": 0,
    }
    while due := _rows(DUE, given):
        ids = [id for id, _ in due]
        if not dry_run:
            _make_months(min(day for _, day in due), until or clock.today())
        with transaction.atomic():
            _charge(given | {"ids": ids}, done)
            if dry_run:
                transaction.set_rollback(True)
        given["after"] = ids[-1]
        if progress:
            progress(done)
    return done


def _make_months(first: date, last: date) -> None:
    around = timedelta(days=1)
    partitions.ensure_months_of(months.between(first - around, max(first, last) + around))


def _rows(statement: str, given: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchall()


def _charge(given: dict[str, Any], done: Summary) -> None:
    """Charge some account products, in the transaction that is open."""
    with connection.cursor() as cursor:
        for statement in (LOCK, SUBJECTS, CUTS):
            cursor.execute(statement, given)
        credits = _rows(CREDIT, given)
        cursor.execute(CUT)
        for statement in (CYCLES, COVER, RUNS, KEYS, TABLES, FILL, "ANALYZE rating_band"):
            cursor.execute(statement)
        cursor.execute(COSTS)
        lines = _rows(LINES, given)
        cursor.execute(CHARGED, given)
        schedules = _rows(SCHEDULE, given)
        cursor.execute(RENEW, given)
        done.credits += done.add(credits)
        done.lines += done.add(lines)
        done.account_products += len(schedules)
        done.problems |= {id: reason for id, reason in schedules if reason}
        cursor.execute(
            "DROP TABLE charge_subject, charge_cut, charge_cycle, charge_cover, charge_run, "
            "charge_cost, rating_key, rating_book, rating_band"
        )
