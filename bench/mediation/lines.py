"""Charge lines of two years, made inside the database month by month, indexed when they lie there.

What a question finds is the same however many lines there are: it is accounts, products and loads
that grow in number.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from bench.installation import Installation
from metabrm import months

TABLE = "mediation_activity"
MONTHS = 24
BEGIN = date(2024, 1, 1)
FIRST = 1_000_000_000
#: Lines of an account, a product and a load, over all months.
OF_ACCOUNT, OF_PRODUCT, OF_LOAD = 960, 9_600, 10_000

# Days pass evenly; accounts take turns, as they do where all of them use something all the time.
_MONTH = """
INSERT INTO {part} (id, activity_date, quantity, rate, rated_amount, cost_unrounded, account_id,
    account_product_id, product_id, invoice_id, rate_source, rate_source_id, rate_date, rating_date,
    activity_collector_id, activity_collector_history_id, line_number, signature)
SELECT {first} + i, at, 1 + i % 50, (i % 9) / 4.0, (1 + i % 50) * (i % 9) / 4.0,
    (1 + i % 50) * (i % 9) / 4.0, {ids} + i % {accounts}, {ids} + i % {accounts},
    {ids} + i / 7 % {products}, {invoices} + i % {accounts}, 'PRODUCT', {ids} + i / 7 % {products},
    at::date, at, 1, {loads} + i / {of_load}, 1 + i % {of_load},
    md5(({first} + i)::text)::uuid
FROM generate_series(0, {count} - 1) i,
    LATERAL (SELECT timestamptz '{since}' + i * (interval '{days} days' / {count}) AS at) instant
"""


@dataclass(frozen=True)
class Lines:
    """What there is: `count` lines a month; Ids of accounts, products and loads begin at FIRST."""

    count: int

    @property
    def accounts(self) -> int:
        return max(1, self.count * MONTHS // OF_ACCOUNT)

    @property
    def products(self) -> int:
        return max(1, self.count * MONTHS // OF_PRODUCT)

    @property
    def loads(self) -> int:
        """Of a month."""
        return -(-self.count // OF_LOAD)

    def first(self, month: int) -> int:
        """Id of a month's first line."""
        return FIRST + month * self.count

    def invoices(self, month: int) -> int:
        """Id of the first account's invoice of a month."""
        return FIRST + month * self.accounts

    def arrivals(self, month: int) -> int:
        """Id of a month's first load."""
        return FIRST + month * self.loads


def month(number: int) -> date:
    """The first day of the month, counted from 0."""
    return months.plus(BEGIN, number)


def made(installation: Installation, rows: int) -> Lines:
    """Lines of that number in place of those that were there."""
    lines = Lines(max(1, rows // MONTHS))
    database = installation.database
    installation.unbind(TABLE)
    for (part,) in database.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLE]
    ).fetchall():
        if part != months.rest_of(TABLE):
            database.execute(f"DROP TABLE {part}")
    database.execute(f"TRUNCATE {TABLE}")
    database.commit()
    for number in range(MONTHS):
        _make_month(database, lines, number)
        database.commit()
    installation.vacuum(TABLE)
    return lines


def _make_month(database: Any, lines: Lines, number: int) -> None:
    since, until = month(number), month(number + 1)
    part = months.table_of(TABLE, since)
    database.execute(f"CREATE TABLE {part} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    database.execute(
        _MONTH.format(
            part=part,
            first=lines.first(number),
            ids=FIRST,
            accounts=lines.accounts,
            products=lines.products,
            invoices=lines.invoices(number),
            loads=lines.arrivals(number),
            of_load=OF_LOAD,
            count=lines.count,
            since=f"{since} 00:00:00+00",
            days=(until - since).days,
        )
    )
    database.execute(
        f"ALTER TABLE {TABLE} ATTACH PARTITION {part} "
        f"FOR VALUES FROM ('{since} 00:00:00+00') TO ('{until} 00:00:00+00')"
    )
