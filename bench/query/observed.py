"""query.observed: ten queries that clients are seen to send, and the same SQL written by hand.

Both run in this process on one connection in turns and give the same bytes; so what is measured is
what the language adds: looking the statement up, the limits of its transaction, its plan.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import psycopg

from bench.installation import Installation
from bench.measure import Figures, at_most
from bench.query.ledger import FIRST, Ledger, made

#: So long each query is asked in turns for ten thousand rows, at most so often.
SECONDS, MOST = 4.0, 200


@dataclass(frozen=True)
class Observed:
    """One query; `hand` gives the JSON that the language answers."""

    name: str
    sql: str
    hand: str


def observed(ledger: Ledger) -> list[Observed]:
    """The ten, about records in the middle of the ledger."""
    account, invoice = FIRST + ledger.accounts // 2, FIRST + ledger.invoices // 2
    day = "2020-03-10"
    late = f"2020-{1 + ledger.activities // 200_000 % 3:02d}-20"
    return [
        Observed(
            "invoices_of_a_day",
            f"select Id from INVOICE where AccountId = '{account}' AND StartDate <= '{day}' "
            f"AND EndDate >= '{day}'",
            f'SELECT i.id::text AS "Id" FROM invoicing_invoice i WHERE i.account_id = {account} '
            f"AND i.billing_cycle_start_date <= '{day}' AND i.billing_cycle_end_date >= '{day}' "
            "AND i.deleted_at IS NULL ORDER BY i.id LIMIT 10000",
        ),
        Observed(
            "count_of_closed",
            "SELECT COUNT(i1.id) as rowCount FROM invoice i1 JOIN billing_profile bp1 ON "
            "i1.billingprofileid = bp1.id JOIN account a1 ON bp1.accountid = a1.id WHERE 1=1 AND "
            "i1.status = 'CLOSED'",
            'SELECT count(i.id)::text AS "rowCount" FROM invoicing_invoice i '
            "JOIN customers_billingprofile b ON i.billing_profile_id = b.id "
            "JOIN customers_account a ON b.account_id = a.id WHERE i.status = 'CLOSED' "
            "AND i.deleted_at IS NULL AND b.deleted_at IS NULL AND a.deleted_at IS NULL",
        ),
        Observed(
            "invoice_with_activities",
            "select Id, BillingProfileObj.AccountObj.Name, (select ProductId, Quantity, Rate from "
            f"Activity.InvoiceObj order by ActivityDate) from INVOICE where Id={invoice}",
            'SELECT i.id::text AS "Id", a.name AS "BillingProfileObj.AccountObj.Name", '
            'coalesce((SELECT json_agg(x) FROM (SELECT v.product_id::text AS "ProductId", '
            'trim_scale(v.quantity)::text AS "Quantity", trim_scale(v.rate)::text AS "Rate" '
            "FROM mediation_activity v WHERE v.invoice_id = i.id AND v.deleted_at IS NULL "
            "ORDER BY v.activity_date, v.id) x), '[]') AS \"ACTIVITY\" FROM invoicing_invoice i "
            "LEFT JOIN customers_billingprofile b ON b.id = i.billing_profile_id "
            "AND b.deleted_at IS NULL LEFT JOIN customers_account a ON a.id = b.account_id "
            f"AND a.deleted_at IS NULL WHERE i.id = {invoice} AND i.deleted_at IS NULL",
        ),
        Observed(
            "total_of_all",
            "Select Sum(GrandTotalAmount) total from Invoice",
            "SELECT trim_scale(sum(grand_total_amount))::text AS total FROM invoicing_invoice "
            "WHERE deleted_at IS NULL",
        ),
        Observed(
            "a_page_of_invoices",
            "SELECT Id, Status, DueDate, GrandTotalAmount FROM INVOICE WHERE 1=1 "
            f"OFFSET {ledger.invoices // 2} ROWS FETCH NEXT 10000 ROWS ONLY",
            'SELECT id::text AS "Id", status AS "Status", due_date AS "DueDate", '
            'trim_scale(grand_total_amount)::text AS "GrandTotalAmount" FROM (SELECT id, status, '
            "due_date, grand_total_amount FROM invoicing_invoice WHERE deleted_at IS NULL "
            f"ORDER BY id LIMIT 10000 OFFSET {ledger.invoices // 2}) q",
        ),
        Observed(
            "profile_by_hosted_id",
            "select bp.id from billing_profile bp where bp.hostedPaymentPageExternalId = "
            f"'H-{ledger.accounts // 2}'",
            'SELECT id::text AS "Id" FROM customers_billingprofile WHERE '
            f"hosted_payment_page_external_id = 'H-{ledger.accounts // 2}' "
            "AND deleted_at IS NULL ORDER BY id LIMIT 10000",
        ),
        Observed(
            "profile_with_account",
            "SELECT a.Id, bp.HostedPaymentPageExternalId, bp.CurrencyCode FROM Billing_Profile bp "
            f"LEFT JOIN Account a ON a.Id = bp.AccountId WHERE bp.Id = {account}",
            'SELECT a.id::text AS "Id", b.hosted_payment_page_external_id AS '
            '"HostedPaymentPageExternalId", b.currency_code AS "CurrencyCode" '
            "FROM customers_billingprofile b LEFT JOIN customers_account a ON a.id = b.account_id "
            f"AND a.deleted_at IS NULL WHERE b.id = {account} AND b.deleted_at IS NULL",
        ),
        Observed(
            "activities_of_an_account",
            "SELECT Id, ActivityDate, Quantity, RatedAmount, InvoiceObj.Status FROM ACTIVITY "
            f"WHERE AccountId = {account} ORDER BY ActivityDate DESC FETCH NEXT 100 ROWS ONLY",
            'SELECT q.id::text AS "Id", q.activity_date AS "ActivityDate", '
            'trim_scale(q.quantity)::text AS "Quantity", trim_scale(q.rated_amount)::text AS '
            '"RatedAmount", q.status AS "InvoiceObj.Status" FROM (SELECT v.id, v.activity_date, '
            "v.quantity, v.rated_amount, i.status FROM mediation_activity v LEFT JOIN "
            "invoicing_invoice i ON i.id = v.invoice_id AND i.deleted_at IS NULL WHERE "
            f"v.account_id = {account} AND v.deleted_at IS NULL "
            "ORDER BY v.activity_date DESC, v.id LIMIT 100) q",
        ),
        Observed(
            "usage_by_product",
            "SELECT ProductId, COUNT(*) n, SUM(Quantity) quantity FROM ACTIVITY WHERE "
            f"ActivityDate >= '{late}' GROUP BY ProductId ORDER BY n DESC",
            'SELECT product_id::text AS "ProductId", n::text AS n, '
            "trim_scale(quantity)::text AS quantity FROM (SELECT product_id, count(*) n, "
            "sum(quantity) quantity FROM mediation_activity WHERE "
            f"activity_date >= '{late}' AND deleted_at IS NULL "
            "GROUP BY product_id ORDER BY count(*) DESC, product_id LIMIT 10000) q",
        ),
        Observed(
            "accounts_like",
            "SELECT Id, Name, Status, AccountTypeId, AccountTypeIdObj.AccountType FROM ACCOUNT "
            "WHERE UPPER(Name) LIKE UPPER('%customer 77%')",
            'SELECT q.id::text AS "Id", q.name AS "Name", q.status AS "Status", '
            'q.account_type_id::text AS "AccountTypeId", q.account_type AS '
            '"AccountTypeIdObj.AccountType" FROM (SELECT a.id, a.name, a.status, '
            "a.account_type_id, t.account_type FROM customers_account a "
            "LEFT JOIN customers_accounttype t ON t.id = a.account_type_id "
            "AND t.deleted_at IS NULL WHERE upper(a.name) LIKE upper('%customer 77%') "
            "AND a.deleted_at IS NULL ORDER BY a.id LIMIT 10000) q",
        ),
    ]


def figures(installation: Installation, n: int, rounds: int) -> dict[str, float]:
    """How often the time of the SQL written by hand each query takes; the median and the worst."""
    from django.db import connection

    from entities.query import query
    from entities.schema.current import current
    from metabrm.identity.context import Context

    # A request finds out along with its session which schema it runs on.
    context, snapshot = Context.system("bench"), current()
    connection.ensure_connection()
    raw: psycopg.Connection = connection.connection
    found: dict[str, float] = {}
    for one in observed(made(installation, n)):

        def ours(one: Observed = one) -> bytes:
            return query(one.sql, context, snapshot=snapshot).json

        def hand(one: Observed = one) -> bytes:
            cursor = psycopg.RawCursor(raw)
            cursor.execute(f"SELECT json_agg(r) FROM ({one.hand}) r")
            assert cursor.pgresult is not None
            return cursor.pgresult.get_value(0, 0) or b"[]"

        assert ours() == hand(), (one.name, ours()[:300], hand()[:300])
        found[one.name] = _ratio(ours, hand, rounds, SECONDS * min(n / 10_000, 1))
    ratios = list(found.values())
    return {"median": statistics.median(ratios), "worst": max(ratios), **found}


def _ratio(
    ours: Callable[[], object], hand: Callable[[], object], rounds: int, seconds: float
) -> float:
    """The median of ours over the median by hand; they take turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    until = perf_counter() + seconds
    while len(taken[0]) < rounds or (perf_counter() < until and len(taken[0]) < MOST):
        for side, call in zip(taken, (ours, hand), strict=True):
            begun = perf_counter()
            call()
            side.append(perf_counter() - begun)
    return statistics.median(taken[0]) / statistics.median(taken[1])


BENCH = Figures(
    about="ten observed queries on ten invoices and fifty activities a row, in turns with the same "
    "SQL written by hand",
    figures=figures,
    targets=(at_most("median", 1.3),),
)
