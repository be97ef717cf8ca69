"""Running: one round trip, read-only, limited in time, and no trace left on the connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is executed, and `sync` each time the client waits for a whole pipeline."""
    seen: list[str] = []
    execute, leave = psycopg.RawCursor.execute, psycopg.Pipeline.__exit__

    def noted_execute(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(str(query).split()[0])
        return execute(self, query, *args, **kwargs)

    def noted_leave(self: Any, *args: Any) -> Any:
        seen.append("sync")
        return leave(self, *args)

    monkeypatch.setattr(psycopg.RawCursor, "execute", noted_execute)
    monkeypatch.setattr(psycopg.Pipeline, "__exit__", noted_leave)
    return seen


@pytest.fixture
def committed_shop(transactional_db: None) -> Iterator[Any]:
    """The small schema over tables that are really there, without a transaction around the test."""
    from django.db import connection

    from tests.entities.query import shop

    shop.make_tables()
    yield shop.make_snapshot()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE q_thing, q_shop, q_maker, q_cellar")


def _compiled(sql: str) -> Any:
    from entities.query.statement import Compiled

    return Compiled(sql, (), ())


def _settings() -> tuple[Any, ...]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout')"
        )
        return cursor.fetchone()  # fmt: skip


def test_one_round_trip_without_a_transaction(committed_shop, system, messages):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from entities.query import query, retrieve_ids, retrieve_where

    with CaptureQueriesContext(connection) as captured:
        query("SELECT Id, ShopObj.Name FROM THING", system, snapshot=committed_shop)
        retrieve_where("THING", "", system, snapshot=committed_shop)
        retrieve_ids("THING", [1], system, snapshot=committed_shop)
    assert messages == ["SELECT", "SELECT", "sync"] * 3
    assert len(captured) == 0
    assert connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert _settings() == ("off", "0")


def test_one_round_trip_inside_a_transaction_that_goes_on(committed_shop, system, messages):
    from django.db import connection, transaction

    from entities.query import query

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE q_thing SET f_1 = 'changed' WHERE id = 1")
        page = query("SELECT Name FROM THING WHERE Id = 1", system, snapshot=committed_shop)
        assert page.json == b'[{"Name":"changed"}]'
        assert messages == ["SAVEPOINT", "SELECT", "SELECT", "ROLLBACK", "sync", "RELEASE"]
        assert _settings() == ("off", "0")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE q_thing SET f_1 = 'again' WHERE id = 1")
    page = query("SELECT Name FROM THING WHERE Id = 1", system, snapshot=committed_shop)
    assert page.json == b'[{"Name":"again"}]'


@pytest.mark.parametrize("nested", [False, True])
def test_a_slow_query_is_stopped(committed_shop, settings, nested):
    from contextlib import nullcontext

    from django.db import transaction

    from entities.errors import RequestError
    from entities.query.run import run

    settings.QUERY_TIMEOUT_SECONDS = 0.2
    with transaction.atomic() if nested else nullcontext():
        with pytest.raises(RequestError) as caught:
            run(_compiled("SELECT 1, pg_sleep(20)::text"))
        assert caught.value.code == "QUERY_TIMEOUT"
        assert "0.2 seconds" in caught.value.message
        assert _settings() == ("off", "0")
        assert run(_compiled("SELECT 1, '[{}]'")).count == 1


@pytest.mark.parametrize("nested", [False, True])
def test_nothing_can_be_written(committed_shop, nested):
    from contextlib import nullcontext

    from django.db import DatabaseError, transaction

    from entities.query.run import run

    with transaction.atomic() if nested else nullcontext():
        with pytest.raises(DatabaseError, match="read-only transaction"):
            run(
                _compiled("WITH x AS (DELETE FROM q_thing RETURNING id) SELECT count(*), '' FROM x")
            )
        assert run(_compiled("SELECT count(*), '' FROM q_thing")).count == 6


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT Id / (Id - 1) FROM THING", "divides by zero"),
        ("SELECT 1 / MOD(Id, Id) FROM THING", "divides by zero"),
        ("SELECT Id FROM THING WHERE Id = (SELECT s.Id FROM SHOP s)", "more than one row"),
        (
            f"SELECT {'REPLACE(' * 9}Name{', Name, Name || Name || Name)' * 9} x FROM "
            f"(SELECT {' || '.join(['Name'] * 400)} Name FROM THING)",
            "too complex",
        ),
        (
            f"SELECT {' || '.join(['Id'] * 40)} x FROM (SELECT {'||'.join(['Name'] * 300)} Id "
            "FROM THING)",
            "32767 characters",
        ),
        ("SELECT StartDate + 2147483647 FROM THING", "out of range"),
        ("SELECT StartDate + 99999999999 FROM THING", "out of range"),
        ("SELECT Id FROM THING WHERE Name LIKE '%!' ESCAPE '!'", "escape character"),
    ],
)
def test_values_that_go_wrong(ask, sql, message):
    from entities.errors import RequestError

    with pytest.raises(RequestError) as caught:
        ask(sql)
    assert (caught.value.code, message in caught.value.message) == ("QUERY_INVALID", True)
    assert "t0" not in caught.value.message
    assert ask("SELECT COUNT(*) n FROM THING") == [{"n": "5"}]


def test_a_table_that_changed_meanwhile(committed_shop, system):
    from django.db import connection

    from entities.errors import RequestError
    from entities.query import query

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE q_thing RENAME COLUMN f_1 TO f_99")
    with pytest.raises(RequestError) as caught:
        query("SELECT Name FROM THING", system, snapshot=committed_shop)
    assert caught.value.code == "SCHEMA_BUSY"


@pytest.mark.django_db
def test_a_query_whose_field_was_retyped_meanwhile_runs_on_the_new_schema(system):
    from entities import query, records
    from entities.errors import RequestError
    from entities.schema.current import current
    from tests.entities.acting import create_one

    entity = create_one("ENTITY", system, EntityName="PROMO")
    row = {"EntityId": entity, "FieldName": "Extra", "DataType": "TEXT"}
    field = create_one("ENTITY_FIELD", system, **row)
    create_one("PROMO", system, Extra="7")
    old = current()
    retyped = {"Id": field, "DataType": "INTEGER", "DataLength": "10"}
    (done,) = records.update("ENTITY_FIELD", [retyped], system)
    assert done.ok
    page = query.query("SELECT Extra FROM PROMO WHERE Extra = '7'", system, snapshot=old)
    assert page.json == b'[{"Extra":"7"}]'
    assert query.retrieve_where("PROMO", "Extra = '7'", system, snapshot=old).count == 1
    assert records.delete("ENTITY_FIELD", [field], system, permanently=True)[0].ok
    with pytest.raises(RequestError) as caught:
        query.query("SELECT Extra FROM PROMO", system, snapshot=old)
    assert (caught.value.code, "Extra" in caught.value.message) == ("QUERY_INVALID", True)
    assert query.retrieve_where("PROMO", "", system, snapshot=old).count == 1


@pytest.mark.django_db
def test_plans_are_kept_per_snapshot_and_bounded(shop, system, monkeypatch):
    from entities.query import compile, plans
    from tests.entities.query.shop import make_snapshot

    sql = "SELECT Id FROM THING"
    first = compile(sql, shop, system)
    assert compile(sql, shop, system) is first
    assert compile(sql, make_snapshot(), system) is not first
    monkeypatch.setattr(plans, "MOST_PLANS", 3)
    for number in range(5):
        compile(f"SELECT Id FROM THING WHERE Id = {number}", shop, system)
    assert compile(sql, shop, system) is not first
    assert len(plans._plans[shop]) <= plans.MOST_PLANS + 1
    long = f"SELECT Id FROM THING WHERE Name = '{'x' * plans.LONGEST_TEXT}'"
    assert compile(long, shop, system) is not compile(long, shop, system)


@pytest.mark.django_db
def test_plans_go_with_their_snapshot(db, system):
    import gc

    from entities.query import compile, plans
    from tests.entities.query.shop import make_snapshot

    gc.collect()
    before = len(plans._plans)
    snapshot = make_snapshot()
    compile("SELECT Id FROM THING", snapshot, system)
    assert len(plans._plans) == before + 1
    del snapshot
    gc.collect()
    assert len(plans._plans) == before


def test_indexes_serve_quoted_ids(committed_shop, system):
    from django.db import connection

    from entities.query import compile

    for condition in ("Id = '5'", "Id IN ('5', 6)", "Id = 5 OR Id = '6'", "Id BETWEEN '1' AND 2"):
        made = compile(f"SELECT Id FROM THING WHERE {condition}", committed_shop, system)
        cursor = psycopg.RawCursor(connection.connection)
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {made.sql}", made.parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
        assert "Index Cond: " in plan, plan
