"""Health: alive without anything else, ready only with everything, and never waiting in a queue."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.db import connection
from django.test import Client

from metabrm.observability import heart
from metabrm.web import health


@pytest.fixture(autouse=True)
def _nothing_seen_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_seen", None)


@pytest.fixture
def exhausted() -> Iterator[None]:
    """The process's pool, with every connection taken."""
    connection.close()
    connection.close_pool()  # with what the threads of other tests left in it
    connection.ensure_connection()
    with ExitStack() as taken:
        for _ in range(connection.pool.max_size - 1):
            taken.enter_context(connection.pool.connection(timeout=5))
        yield


def test_live_asks_nobody(client: Client) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.django_db
def test_ready_when_everything_is(client: Client) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert body["status"] == "ok"
    assert list(body["checks"]) == ["database", "migrations", "valkey"]
    for check in body["checks"].values():
        assert check["ok"] is True
        assert 0 <= check["ms"] < 5000


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = health._latest_migrations() | {("sessions", "0002_newer")}
    monkeypatch.setattr(health, "_latest_migrations", lambda: newer)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["migrations"]["problem"] == "not applied: sessions.0002_newer"
    assert checks["database"]["ok"] and checks["valkey"]["ok"]


def test_what_is_down_is_named_and_nothing_else(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise ConnectionRefusedError("user metabrm at secret.example")

    monkeypatch.setattr(health.psycopg, "connect", refuse)
    monkeypatch.setattr(heart, "client", refuse)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    for check in answer.json()["checks"].values():
        assert (check["ok"], check["problem"]) == (False, "ConnectionRefusedError")
    assert "secret.example" not in answer.content.decode()
    assert client.get("/health/live").status_code == 200


@pytest.mark.django_db
def test_valkey_alone_is_down(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(heart, "client", refuse)
    checks = client.get("/health/ready").json()["checks"]
    assert [check["ok"] for check in checks.values()] == [True, True, False]


@pytest.mark.django_db(transaction=True)
def test_an_exhausted_pool_keeps_nobody_waiting(client: Client, exhausted: None) -> None:
    begun = time.monotonic()
    answer = client.get("/health/ready")
    assert answer.status_code == 200, answer.json()
    assert time.monotonic() - begun < connection.pool.timeout / 2


@pytest.mark.django_db
def test_who_asks_again_at_once_costs_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = health.asked
    monkeypatch.setattr(health, "asked", lambda query: asked.append(query) or ask(query))
    for _ in range(20):
        assert client.get("/health/ready").status_code == 200
    assert len(asked) == 2


@pytest.mark.django_db(transaction=True)
def test_a_restarted_database_heals_itself() -> None:
    connection.close_pool()  # with what the threads of other tests left in it
    connection.ensure_connection()
    connection.close()  # back into the pool, as at the end of a request
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    kept = connection.connection
    connection.close()
    kept.pgconn.finish()  # the server hung up on the one that lies in the pool
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() != (pid,)
