"""The accounts that are settled, their billing periods, and the open lines of these.

settle_account   who pays, in which zone and currency; `open_from`, the day after the last
                 closed invoice; `until_day`, the last day that is settled
settle_period    billing periods from the first that has something to settle: [from, until)
settle_line      the open lines, with the period that they count in and what is `left` of them
"""

from typing import Any

from billing.mediation.loads.reversing import ON_OPEN_INVOICE
from billing.rating.asking import ASKED, METHOD
from billing.rating.cycles import step

#: Kinds of rating methods whose lines are no charges that deals look at.
UNCHARGED = ("Discount", "Revenue Commitment", "Tax", "Late Fee", "Per Invoice")
#: Deals that are settled by what they find in the lines of an account.
BOUNDS = ("Minimum", "Maximum")

# Accounts with deals of their own or from above, and those that have had some.
DUE = f"""
WITH RECURSIVE dealt AS (
    SELECT ap.account_id, m.rating_method_type = 'Discount' AND m.propagate_to_hierarchy AS below
    FROM customers_accountproduct ap
    {METHOD}
    WHERE ap.deleted_at IS NULL
      AND (m.rating_method_type IN ('Discount', 'Revenue Commitment', 'Conditional Product Charge')
           OR m.min_max_per = 'Period')
), down AS (
    SELECT account_id FROM dealt WHERE below
    UNION
    SELECT a.id FROM down JOIN customers_account a ON a.parent_account_id = down.account_id
)
SELECT account_id FROM dealt
UNION SELECT account_id FROM down
UNION SELECT account_id FROM rating_settledcharge WHERE NOT taken_back
ORDER BY 1
"""  # noqa: S608 - constants only

#: Each account that is settled, with itself and those above it, which may hold deals for it.
UP = """
WITH RECURSIVE up AS (
    SELECT account_id, account_id AS holder_id, 0 AS steps FROM settle_account
    UNION ALL
    SELECT up.account_id, a.parent_account_id, up.steps + 1
    FROM up JOIN customers_account a ON a.id = up.holder_id
    WHERE a.parent_account_id IS NOT NULL
)"""


def held(columns: str) -> str:
    """The named queries `up` and `held`: what accounts, or those above them, have whose rating
    methods `m` are of %(kind)s, with these columns of theirs."""
    return f"""
{UP}, held AS (
    SELECT s.*, up.holder_id, ap.id AS account_product_id, ap.product_id, ap.account_package_id,
           ap.package_product_id, ap.quantity, ap.start_date, ap.end_date, m.id AS method_id,
           {columns}
    FROM up
    JOIN settle_account s ON s.account_id = up.account_id
    JOIN customers_accountproduct ap ON ap.account_id = up.holder_id AND ap.deleted_at IS NULL
    {METHOD}
    WHERE m.rating_method_type = %(kind)s AND (up.steps = 0 OR m.propagate_to_hierarchy)
      AND (ap.status = 'ACTIVE' OR ap.status = 'DEACTIVATED' AND ap.end_date IS NOT NULL)
)
"""  # noqa: S608 - constants only


#: The questions for prices that deals ask which are charged on one `day`.
KEYS = """
CREATE TEMP TABLE rating_key ON COMMIT DROP AS
SELECT key, holder_id AS account_id, product_id, account_product_id, package_product_id,
       currency_code, day AS first_day, day AS last_day
FROM settle_deal;
ANALYZE rating_key
"""

#: Where lines are.
CHARGE_LINES = "mediation_activity"

LOCK = "SELECT FROM customers_account WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE"

ACCOUNTS = f"""
CREATE TEMP TABLE settle_account ON COMMIT DROP AS
WITH RECURSIVE used AS MATERIALIZED (
    SELECT a.id AS key, a.id AS account_id, NULL::bigint AS product_id,
           NULL::bigint AS account_product_id, NULL::bigint AS package_product_id,
           %(until)s::date AS day, %(now)s::timestamptz AS first_at, %(now)s::timestamptz AS last_at
    FROM customers_account a WHERE a.id = ANY(%(ids)s)
), {ASKED}
SELECT asked.account_id, asked.profile_id, asked.currency_code, asked.zone, asked.places,
       asked.rounding, asked.last_day AS until_day, {step("profile.billing_cycle")} AS step,
       '-infinity'::date AS open_from
FROM asked
LEFT JOIN customers_billingprofile profile ON profile.id = asked.profile_id;
ANALYZE settle_account
"""  # noqa: S608 - constants only

# None of their invoices is closed meanwhile.
LOCK_INVOICES = """
SELECT FROM invoicing_invoice WHERE status = 'CURRENT'
  AND billing_profile_id IN (SELECT profile_id FROM settle_account) ORDER BY id FOR SHARE
"""
OPEN_FROM = """
UPDATE settle_account s SET open_from = closed.day + 1
FROM (
    SELECT billing_profile_id, max(billing_cycle_end_date) AS day
    FROM invoicing_invoice
    WHERE billing_profile_id IN (SELECT profile_id FROM settle_account) AND status <> 'CURRENT'
      AND NOT void_flag AND deleted_at IS NULL AND billing_cycle_end_date IS NOT NULL
    GROUP BY 1
) closed
WHERE closed.billing_profile_id = s.profile_id
"""

# A line that came so long after its day that it is not looked for any more.
_LATE = "interval '1 year'"

_LINES = f"""
CREATE TEMP TABLE settle_line ON COMMIT DROP AS
SELECT a.id, a.activity_date, a.account_id, a.product_id, a.account_product_id,
       a.account_package_id, a.package_product_id, a.contract_id, a.rating_method_id, a.quantity,
       a.rated_amount AS amount, a.rated_amount AS remaining, local.day,
       coalesce(m.rating_method_type, '') AS kind, m.min_max_per = 'Period' AS by_period,
       b.id IS NOT NULL AS bound, greatest(local.day, s.open_from) AS counts_on
FROM settle_account s
JOIN {{lines}} a
  ON a.account_id = s.account_id
 AND a.activity_date >= CASE WHEN s.open_from > '-infinity'
                             THEN (s.open_from::timestamp - {_LATE}) AT TIME ZONE s.zone
                             ELSE '-infinity' END
 AND a.activity_date < (s.until_day + 1)::timestamp AT TIME ZONE s.zone
CROSS JOIN LATERAL (SELECT (a.activity_date AT TIME ZONE s.zone)::date AS day) local
LEFT JOIN catalog_ratingmethod m ON m.id = a.rating_method_id
LEFT JOIN rating_settledcharge b
  ON b.account_id = a.account_id AND b.kind = ANY(%(bounds)s)
 AND b.activity_id = coalesce(a.reversal_of_id, a.id)
WHERE a.deleted_at IS NULL AND a.currency_code = s.currency_code AND a.rated_amount IS NOT NULL
  AND NOT coalesce(m.non_billable_flag, false) AND NOT a.non_billable_flag
  AND NOT coalesce(m.rating_method_type, '') = ANY(%(uncharged)s)
  AND {ON_OPEN_INVOICE}
"""  # noqa: S608 - constants only


def begin_of(day: str) -> str:
    """SQL of the first day of the billing period of the account `s` that holds the day."""
    return f"""CASE WHEN s.profile_id IS NULL
        THEN rating_cycle_begin('MONTHLY', '2000-01-01', {day})
        ELSE (SELECT rating_billing_begin(p, {day}) FROM customers_billingprofile p
              WHERE p.id = s.profile_id) END"""  # noqa: S608 - constants only


def end_of(day: str) -> str:
    """SQL of the first day of the period after the one that holds the day, or of the day after the
    one on which the invoice closes; it takes the parameter `closing`."""
    return f"""(SELECT least(
            CASE WHEN first.day = '-infinity' THEN 'infinity'
                 ELSE {begin_of("(first.day + s.step)")} END,
            CASE WHEN %(closing)s AND {day} <= s.until_day THEN s.until_day + 1 END)
        FROM (SELECT {begin_of(day)} AS day) first)"""  # noqa: S608 - constants only


# Periods begin where the last invoice ended, even if the cycle was changed since.
PERIODS = f"""
CREATE TEMP TABLE settle_period ON COMMIT DROP AS
WITH RECURSIVE first AS (
    SELECT account_id, min(day) AS day
    FROM (
        SELECT account_id, min(counts_on) AS day FROM settle_line GROUP BY account_id
        UNION ALL
        SELECT s.account_id, greatest(min(ap.start_date), s.open_from)
        FROM settle_account s
        JOIN customers_accountproduct ap ON ap.account_id = s.account_id AND ap.deleted_at IS NULL
        {METHOD}
        WHERE m.min_max_zero_quantity_true_up
        GROUP BY s.account_id, s.open_from
    ) something
    GROUP BY account_id
), period AS (
    SELECT s.account_id, greatest({begin_of("first.day")}, s.open_from) AS from_day,
           {end_of("first.day")} AS until_day
    FROM settle_account s JOIN first ON first.account_id = s.account_id
    UNION ALL
    SELECT s.account_id, period.until_day, {end_of("period.until_day")}
    FROM period JOIN settle_account s ON s.account_id = period.account_id
    WHERE period.until_day <= s.until_day
)
SELECT period.*, period.until_day <= s.until_day + 1 AS ended
FROM period JOIN settle_account s ON s.account_id = period.account_id;
ALTER TABLE settle_line ADD period_from date, ADD period_until date;
UPDATE settle_line l SET period_from = p.from_day, period_until = p.until_day
FROM settle_period p
WHERE p.account_id = l.account_id AND l.counts_on >= p.from_day AND l.counts_on < p.until_day;
CREATE INDEX ON settle_line (account_id, period_from);
ANALYZE settle_line; ANALYZE settle_period
"""  # noqa: S608 - constants only


def read(cursor: Any, given: dict[str, Any]) -> None:
    """Make the tables of the accounts `ids`, which stay as they are until the transaction ends."""
    read_accounts(cursor, given)
    read_lines(cursor, given)


def read_accounts(cursor: Any, given: dict[str, Any]) -> None:
    """Lock the accounts and find who pays for them."""
    cursor.execute(LOCK, given)
    cursor.execute(ACCOUNTS, given)
    cursor.execute(LOCK_INVOICES)
    cursor.execute(OPEN_FROM)


def read_lines(cursor: Any, given: dict[str, Any], lines: str = CHARGE_LINES) -> None:
    """Read the lines, those included that settling has written so far."""
    cursor.execute("DROP TABLE IF EXISTS settle_line, settle_period")
    cursor.execute(
        _LINES.format(lines=lines), given | {"bounds": list(BOUNDS), "uncharged": list(UNCHARGED)}
    )
    cursor.execute(PERIODS, given)
