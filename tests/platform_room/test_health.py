"""Health: alive without anything else, ready only with everything."""

import pytest
from django.db import connection
from django.test import Client

from metabrm.web import health


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
def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["migrations"]["problem"] == "not applied: sessions.0001_initial"
    assert checks["database"]["ok"] and checks["valkey"]["ok"]


def test_not_ready_without_a_database_or_cache(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise ConnectionRefusedError("user metabrm at secret.example")

    monkeypatch.setattr(health.connection, "cursor", refuse)
    monkeypatch.setattr(health.valkey, "set", refuse)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == {
        "database": False,
        "migrations": False,
        "valkey": False,
    }
    assert "secret.example" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_restarted_database_heals_itself(client: Client) -> None:
    connection.close_pool()  # with what the threads of other tests left in it
    assert client.get("/health/ready").status_code == 200
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
    answer = client.get("/health/ready")
    assert answer.status_code == 200, answer.json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() != (pid,)
