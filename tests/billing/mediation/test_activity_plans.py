"""The hot questions about ACTIVITY read the months they are about, by an index."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection

from billing.mediation import partitions
from billing.mediation.models import Activity
from entities import query
from entities.schema.current import current
from metabrm import clock
from metabrm.identity.context import Context

SYSTEM = Context.system("test")
MONTHS = frozenset(f"mediation_activity_y2037m{m:02}" for m in range(1, 13))

#: Question, months it reads (None: all there are), index it reads them by.
ASKED = [
    ("Id = 7", None, "mediation_activity_pkey"),
    ("AccountId = 7 AND ActivityDate >= '2037-05-01' AND ActivityDate < '2037-07-01'", {5, 6},
     "mediation_activity_account"),
    ("AccountId = 7", None, "mediation_activity_account"),
    ("InvoiceId = 7", None, "mediation_activity_invoice"),
    ("ProductId = 7 AND ActivityDate BETWEEN '2037-05-01' AND '2037-05-31'", {5},
     "mediation_activity_product"),
    ("AccountProductId = 7", None, "mediation_activity_acctproduct"),
    ("ActivityCollectorHistoryId = 7", None, "mediation_activity_arrival"),
    ("ActivityCollectorHistoryId = 7 AND ActivityDate >= '2037-12-01' "
     "AND ActivityDate < '2038-01-01'", {12}, "mediation_activity_arrival"),
]  # fmt: skip


#: A month of 31 days has a thousand lines of a hundred accounts, invoices, products and two loads.
LINES = """
INSERT INTO mediation_activity (activity_date, account_id, invoice_id, product_id,
    account_product_id, activity_collector_history_id, signature, quantity)
SELECT day + n * interval '40 minutes', n % 100, 100 * m + n % 100, n % 50, n % 100,
    2 * m + n / 500, md5(m || ' ' || n)::uuid, 1
FROM generate_series(1, 12) m, make_timestamptz(2037, m, 1, 0, 0, 0, 'UTC') day,
    generate_series(0, 999) n
"""


@pytest.fixture
def year(db: None) -> Iterator[None]:
    """Twelve months, so small that only whoever is told to reads an index."""
    with clock.frozen(datetime(2037, 5, 10, tzinfo=UTC)), connection.cursor() as cursor:
        partitions.ensure_months(date(2037, 1, 1), date(2037, 12, 1))
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'mediation_activity'::regclass "
            "AND contype = 'f'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE mediation_activity DROP CONSTRAINT "{name}"')
        cursor.execute(LINES)
        cursor.execute("ANALYZE mediation_activity; SET LOCAL enable_seqscan = off")
        yield


def scans(sql: str, parameters: Any = ()) -> tuple[set[str], set[str], set[str]]:
    """Of the statement's plan: the tables it reads, the indexes by which it reads the months of
    the year, and its nodes that are no scans."""
    with connection.cursor() as cursor:
        # Questions number their parameters as the server does.
        asking = psycopg.RawCursor(connection.connection) if "$1" in sql else cursor
        asking.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        (plan,) = asking.fetchone()
        cursor.execute(
            "SELECT c.relname, p.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid "
            "JOIN pg_class p ON p.oid = h.inhparent JOIN pg_index i ON i.indexrelid = c.oid "
            "WHERE i.indrelid::regclass::text = ANY(%s)",
            [list(MONTHS)],
        )
        whole = dict(cursor.fetchall())
    tables: set[str] = set()
    indexes: set[str] = set()
    others: set[str] = set()
    nodes = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
        if "Relation Name" in node:
            tables.add(node["Relation Name"])
        if node.get("Index Name") in whole:
            indexes.add(whole[node["Index Name"]])
        if "Scan" not in node["Node Type"]:
            others.add(node["Node Type"])
    return tables, indexes, others


def months_of(tables: set[str]) -> set[int]:
    return {int(name[-2:]) for name in tables & MONTHS}


def test_a_question_reads_the_months_it_is_about_by_an_index(year: None) -> None:
    for condition, months, index in ASKED:
        text = f"SELECT Id, RatedAmount FROM ACTIVITY WHERE {condition}"
        made = query.compile(text, current(), SYSTEM)
        tables, indexes, _ = scans(made.sql, made.parameters)
        assert (condition, months_of(tables)) == (condition, months or set(range(1, 13)))
        assert ("mediation_activity_default" in tables) is (months is None)
        assert (condition, indexes) == (condition, {index})


def test_a_repeat_is_looked_for_in_its_months_only(year: None) -> None:
    tables, indexes, _ = scans(
        "SELECT line FROM unnest(ARRAY[gen_random_uuid()]) WITH ORDINALITY u(signature, line) "
        "WHERE EXISTS (SELECT FROM mediation_activity a WHERE a.signature = u.signature "
        "AND a.activity_date >= %s AND a.activity_date < %s)",
        [datetime(2037, 4, 1, tzinfo=UTC), datetime(2037, 6, 1, tzinfo=UTC)],
    )
    assert (tables - {None}, indexes) == (
        {"mediation_activity_y2037m04", "mediation_activity_y2037m05"},
        {"mediation_activity_signature"},
    )


def test_the_first_page_of_all_lines_is_read_from_the_ends_of_the_months(year: None) -> None:
    newest = Activity.objects.filter(deleted_at=None).order_by("-pk")[:51]
    sql, parameters = newest.query.sql_with_params()
    tables, indexes, others = scans(sql, parameters)
    assert months_of(tables) == set(range(1, 13))
    assert indexes == {"mediation_activity_pkey"}
    assert others == {"Limit", "Merge Append"}
