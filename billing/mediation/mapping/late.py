"""Usage of a time whose invoice is closed: what becomes of it is the collector's policy.

The invoice is that of whoever pays for the account, and the day of the usage is the account's.

What the policy decides stands beside the usage (`late`), for whoever puts lines on invoices:
CURRENT PERIOD or ORIGINAL PERIOD. Usage that is refused goes to suspense; none is dropped.
"""

from datetime import date, datetime
from typing import Any

from billing.customers.paying import LIVES
from billing.mediation.models import ActivityCollector
from billing.mediation.models.collectors import ORIGINAL_PERIOD, SUSPENSE

#: The cause under which refused usage waits.
LATE = "LATE"

# Per account the last day of the closed invoices of whoever pays for it.
_MARK = f"""
WITH RECURSIVE used AS (
    SELECT DISTINCT account_id FROM mediation_usage
    WHERE load_id = %(load)s AND cause IS NULL AND account_id IS NOT NULL
), {LIVES}, closed AS (
    SELECT lives.account_id, lives.zone, max(i.billing_cycle_end_date) AS until
    FROM lives
    JOIN invoicing_invoice i ON i.billing_profile_id = lives.profile_id
    WHERE i.status <> 'CURRENT' AND NOT i.void_flag AND i.deleted_at IS NULL
      AND i.billing_cycle_end_date >= %(first)s::timestamptz::date - 1
    GROUP BY lives.account_id, lives.zone
)
UPDATE mediation_usage u
SET late = %(late)s,
    cause = CASE WHEN %(refused)s THEN 'LATE' END,
    reason = CASE WHEN %(refused)s
                  THEN 'The invoice of ' || to_char(u.activity_date AT TIME ZONE closed.zone,
                                                    'YYYY-MM-DD')
                       || ' is closed, up to ' || closed.until || '.' END
FROM closed
WHERE u.load_id = %(load)s AND u.cause IS NULL AND u.account_id = closed.account_id
  AND (u.activity_date AT TIME ZONE closed.zone)::date <= closed.until
"""
# Whether any invoice can make usage late; else nobody looks through the usage.
_INVOICED = """
SELECT FROM invoicing_invoice
WHERE deleted_at IS NULL AND billing_cycle_end_date >= %(first)s::timestamptz::date - 1
LIMIT 1
"""
# Their invoices of the past that are open.
_OPEN = f"""
WITH RECURSIVE used AS (
    SELECT DISTINCT account_id FROM mediation_usage
    WHERE load_id = %(load)s AND cause IS NULL AND late IS NULL AND account_id IS NOT NULL
), {LIVES}, open AS (
    SELECT DISTINCT lives.account_id, lives.zone, i.billing_cycle_start_date AS starts,
           i.billing_cycle_end_date AS ends
    FROM lives
    JOIN invoicing_invoice i ON i.billing_profile_id = lives.profile_id
    WHERE i.status = 'CURRENT' AND i.deleted_at IS NULL
      AND i.billing_cycle_end_date BETWEEN %(first)s::timestamptz::date - 1 AND %(today)s::date - 1
)
UPDATE mediation_usage u SET late = %(late)s FROM open
WHERE u.load_id = %(load)s AND u.cause IS NULL AND u.late IS NULL
  AND u.account_id = open.account_id
  AND (u.activity_date AT TIME ZONE open.zone)::date BETWEEN open.starts AND open.ends
"""


def mark(
    cursor: Any, load: int, collector: ActivityCollector, first: datetime, today: date
) -> None:
    """Decide what becomes of the load's late usage; `first`: its earliest."""
    about = {"load": load, "first": first, "today": today}
    cursor.execute(_INVOICED, about)
    if not cursor.rowcount:
        return
    refused = collector.reject_closed_flag or collector.late_usage_policy == SUSPENSE
    cursor.execute(_MARK, {**about, "late": "CURRENT PERIOD", "refused": refused})
    original = collector.late_usage_policy == ORIGINAL_PERIOD
    late = "ORIGINAL PERIOD" if original else "CURRENT PERIOD"
    cursor.execute(_OPEN, {**about, "late": late})
