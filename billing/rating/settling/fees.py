"""Fees of invoices: a late fee for one that is overdue, a fee for each one that is made.

A late fee is charged once for an invoice and a billing period in which it is overdue: its due day
and the ChargeInSubsequentPer of the fee have passed, and something is unpaid and undisputed. It is
an amount, or a percentage of what is unpaid (of the invoice's total: LateFeeType), and goes on the
next invoice; it stays when the invoice is paid afterwards.

A fee per invoice is charged on the invoice itself while that is CURRENT: an amount, or a percentage
of its lines without taxes and such fees. An invoice without lines bears none.

The price's MinCharge and MaxCharge bound both. Who closes invoices calls these functions.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from billing.mediation import partitions
from billing.rating.asking import rounded
from billing.rating.cycles import span
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.settling import scope
from billing.rating.settling.filters import priced, tell_unpriced
from billing.rating.settling.writing import WANTED, Settled, write
from metabrm import clock, months

LATE, PER_INVOICE = "Late Fee", "Per Invoice"

_INVOICES = """
CREATE TEMP TABLE settle_invoice ON COMMIT DROP AS
SELECT i.id, coalesce(i.account_id, p.account_id) AS account_id, i.status, i.due_date, i.disputed,
       i.grand_total_amount AS total,
       i.grand_total_amount - i.credit_amount - i.payment_amount AS unpaid,
       i.billing_cycle_start_date AS first_day, i.billing_cycle_end_date AS last_day
FROM invoicing_invoice i JOIN customers_billingprofile p ON p.id = i.billing_profile_id
WHERE i.id = ANY(%(invoices)s) AND i.deleted_at IS NULL AND NOT i.void_flag AND i.billable_flag
"""
_ACCOUNTS = """
SELECT DISTINCT coalesce(i.account_id, p.account_id)
FROM invoicing_invoice i JOIN customers_billingprofile p ON p.id = i.billing_profile_id
WHERE i.id = ANY(%(invoices)s)
"""

_FEES = scope.held(
    f"""
           m.charge_type = 'Percentage' AS percentage, m.late_fee_type,
           {span("m.charge_in_subsequent_per", "m.charge_in_subsequent_unit")} AS grace"""
)

_LATE_DEALS = f"""
CREATE TEMP TABLE settle_deal ON COMMIT DROP AS
{_FEES}
SELECT row_number() OVER () AS key, s.*, i.id AS invoice_id, NULL::bigint AS on_invoice_id,
       s.until_day AS day, {scope.begin_of("s.until_day")} AS period_from,
       {scope.end_of("s.until_day")} AS period_until,
       CASE WHEN s.late_fee_type = 'Overdue invoice' THEN i.total ELSE i.unpaid END AS base, 0 AS lines
FROM held s
JOIN settle_invoice i ON i.account_id = s.account_id
WHERE i.status <> 'CURRENT' AND i.unpaid > 0 AND NOT i.disputed
  AND s.until_day > (i.due_date + s.grace)::date
  AND s.start_date <= s.until_day AND (s.end_date IS NULL OR s.end_date >= s.until_day)
"""  # noqa: S608, E501 - constants only

_INVOICE_DEALS = f"""
CREATE TEMP TABLE settle_deal ON COMMIT DROP AS
{_FEES}
SELECT row_number() OVER () AS key, s.*, i.id AS invoice_id, i.id AS on_invoice_id,
       least(i.last_day, s.until_day) AS day, i.first_day AS period_from,
       i.last_day + 1 AS period_until, charged.amount AS base, charged.lines
FROM held s
JOIN settle_invoice i ON i.account_id = s.account_id
CROSS JOIN LATERAL (
    SELECT sum(a.rated_amount) AS amount, count(*) AS lines
    FROM mediation_activity a
    LEFT JOIN catalog_ratingmethod m ON m.id = a.rating_method_id
    WHERE a.invoice_id = i.id AND a.deleted_at IS NULL AND a.currency_code = s.currency_code
      AND coalesce(m.rating_method_type, '') NOT IN ('Tax', 'Per Invoice')
) charged
WHERE i.status = 'CURRENT' AND charged.lines > 0
  AND s.start_date <= least(i.last_day, s.until_day)
  AND (s.end_date IS NULL OR s.end_date >= least(i.last_day, s.until_day))
"""  # noqa: S608 - constants only

_WANT = f"""
INSERT INTO settle_wanted (
    kind, account_id, account_product_id, invoice_id, on_invoice_id, period_from, period_until,
    base, lines, rate, cost, amount, activity_date, product_id, account_package_id,
    package_product_id, currency_code, rate_date, rate_source, rate_source_id, rating_method_id,
    pricing_id, contract_id, upper_band, process_description)
SELECT %(kind)s, d.account_id, d.account_product_id, d.invoice_id, d.on_invoice_id, d.period_from,
       d.period_until, d.base, d.lines, priced.rate, round(priced.cost, 10),
       {rounded("priced.cost", "d")}, d.day::timestamp AT TIME ZONE d.zone, d.product_id,
       d.account_package_id, d.package_product_id, d.currency_code, d.day, b.source, b.source_id,
       d.method_id, band.pricing_id, b.contract_id, band.upper_band,
       CASE WHEN %(kind)s = '{LATE}' THEN 'Late fee for invoice ' || d.invoice_id
            ELSE 'Fee per invoice' END
FROM settle_deal d
JOIN rating_book b ON b.key = d.key
{priced("d.percentage", "d.base", "d.quantity")}
WHERE {rounded("priced.cost", "d")} <> 0
"""  # noqa: S608 - constants only


def charge_late_fees(invoices: Sequence[int], day: date | None = None) -> Settled:
    """Charge the late fees that these invoices bear on the day: by default today, where each is."""
    return _charge(LATE, _LATE_DEALS, invoices, day)


def charge_invoice_fees(invoices: Sequence[int], day: date | None = None) -> Settled:
    """Bring the fees of these CURRENT invoices to what they come to."""
    return _charge(PER_INVOICE, _INVOICE_DEALS, invoices, day)


def _charge(kind: str, deals: str, invoices: Sequence[int], day: date | None) -> Settled:
    done = Settled()
    last = day or clock.today()
    around = timedelta(days=1)
    partitions.ensure_months_of(months.between(last - around, last + around))
    given: dict[str, Any] = {"until": day, "now": clock.now(), "closing": False, "kind": kind}
    ids = sorted(set(invoices))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, {"invoices": ids})
        given["ids"] = accounts = sorted(id for (id,) in cursor.fetchall())
        scope.read_accounts(cursor, given)
        cursor.execute(_INVOICES, {"invoices": ids})
        cursor.execute(deals, given)
        cursor.execute(scope.KEYS)
        cursor.execute(TABLES)
        cursor.execute(FILL)
        tell_unpriced(cursor, done)
        cursor.execute(WANTED)
        cursor.execute(_WANT, given)
        write(cursor, given, done, (kind,), accounts, ids, for_good=kind == LATE)
        cursor.execute(
            "DROP TABLE settle_account, settle_invoice, settle_deal, rating_key, rating_book, "
            "rating_band"
        )
    done.accounts = len(accounts)
    return done
