"""Accounts, invoices and their activities, so many that plans matter: made inside the database."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from bench.installation import Installation
from metabrm import months

#: For each row that is asked for.
INVOICES = 10
ACTIVITIES = 5
FIRST = 10_000_000

_TABLES = {
    "customers_account": """
        INSERT INTO customers_account (id, name, status, account_type_id, parent_account_id)
        SELECT {first} + i, 'Customer ' || i, 'ACTIVE', 1, nullif({first} + i / 10, {first})
        FROM generate_series(1, {accounts}) i
    """,
    "customers_billingprofile": """
        INSERT INTO customers_billingprofile (id, status, bill_to, address1, billing_cycle,
            monthly_billing_date, semi_annual_billing_month, payment_term_days, billing_method,
            account_id, currency_code, time_zone_id, hosted_payment_page_external_id)
        SELECT {first} + i, 'ACTIVE', 'Accounts Payable', '1 Street', 'MONTHLY', 31, '1', 30,
            'MAIL', {first} + i, 'USD', 351, 'H-' || i
        FROM generate_series(1, {accounts}) i
    """,
    "invoicing_invoice": """
        INSERT INTO invoicing_invoice (id, status, payment_status, billing_profile_id, account_id,
            billing_cycle_start_date, billing_cycle_end_date, due_date, grand_total_amount)
        SELECT {first} + i, CASE WHEN i % 4 = 0 THEN 'CURRENT' ELSE 'CLOSED' END, 'UNPAID',
            {first} + 1 + i % {accounts}, {first} + 1 + i % {accounts},
            date '2020-01-01' + (i / {accounts}) * 31, date '2020-01-30' + (i / {accounts}) * 31,
            date '2020-02-15' + (i / {accounts}) * 31, (i % 10000) / 7.0
        FROM generate_series(1, {invoices}) i
    """,
    "mediation_activity": """
        INSERT INTO mediation_activity (id, activity_date, quantity, rate, rated_amount, account_id,
            invoice_id, product_id)
        SELECT {first} + 1 + i, timestamptz '2020-01-01' + i * interval '20 seconds', i % 50,
            (i % 9) / 4.0, (i % 50) * (i % 9) / 4.0, {first} + 1 + (i / {each}) % {accounts},
            {first} + 1 + i / {each}, (ARRAY{products})[1 + i % 200]
        FROM generate_series(0, {invoices} * {each} - 1) i
    """,
}


@dataclass(frozen=True)
class Ledger:
    """What there is: Ids begin behind FIRST."""

    accounts: int
    invoices: int
    activities: int


def made(installation: Installation, n: int) -> Ledger:
    """Fill the tables for `n` rows; what stood there from an earlier bench makes room."""
    ledger = Ledger(n, n * INVOICES, n * INVOICES * ACTIVITIES)
    database = installation.database
    for table in reversed(_TABLES):
        database.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # no history
        installation.unbind(table)
    for table in reversed(_TABLES):
        database.execute(f"DELETE FROM {table} WHERE id > {FIRST}")
    _make_months(database, ledger.activities)
    database.commit()
    for table, sql in _TABLES.items():
        database.execute(
            sql.format(
                first=FIRST,
                accounts=ledger.accounts,
                invoices=ledger.invoices,
                each=ACTIVITIES,
                products=installation.products,
            )
        )
        database.commit()
        database.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    installation.vacuum(*_TABLES)
    return ledger


def _make_months(database: Any, activities: int) -> None:
    """The months of the activities, which are twenty seconds apart."""
    first = date(2020, 1, 1)
    for month in months.between(first, first + timedelta(seconds=20 * activities)):
        name = months.table_of("mediation_activity", month)
        if database.execute("SELECT to_regclass(%s)", [name]).fetchone()[0] is None:
            database.execute(months.partition("mediation_activity", month))
