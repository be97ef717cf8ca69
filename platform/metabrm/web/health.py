"""Health: does the process answer, and could it do its work?

`live` touches nothing but the process: a supervisor restarts what fails it. `ready` looks at all a
request needs: a load balancer sends nothing to what fails it. It looks through connections of its
own, with short patience, because a pool whose connections are all taken is busy and not broken;
and what it has seen answers who asks within a second, because anyone may ask.
"""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache

from metabrm.observability import heart

_REUSED_SECONDS = 1.0
#: Of the connection and of each statement; libpq waits no shorter.
_PATIENCE_SECONDS = 2

_looking = threading.Lock()
_seen: tuple[float, dict[str, dict[str, object]]] | None = None


@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 if every check passes, else 503; each check with its result and milliseconds."""
    checks = _checks()
    ok = all(check["ok"] for check in checks.values())
    return JsonResponse(
        {"status": "ok" if ok else "unavailable", "checks": checks}, status=200 if ok else 503
    )


def _checks() -> dict[str, dict[str, object]]:
    global _seen
    with _looking:
        now = time.monotonic()
        if _seen is None or now - _seen[0] > _REUSED_SECONDS:
            parts = (("database", _database), ("migrations", _migrations), ("valkey", _valkey))
            checks = {name: _checked(check) for name, check in parts}
            _seen = time.monotonic(), checks
        return _seen[1]


def _checked(check: Callable[[], str]) -> dict[str, object]:
    begun = time.perf_counter()
    try:
        problem = check()
    except Exception as error:
        # Whatever goes wrong is the answer, but only its kind: the messages of drivers name hosts
        # and users, and anyone may ask.
        problem = type(error).__name__
    result: dict[str, object] = {"ok": not problem}
    if problem:
        result["problem"] = problem
    result["ms"] = round((time.perf_counter() - begun) * 1000, 1)
    return result


def _database() -> str:
    asked("SELECT 1")
    return ""


def _migrations() -> str:
    missing = _latest_migrations() - set(asked("SELECT app, name FROM django_migrations"))
    return f"not applied: {', '.join(sorted('.'.join(key) for key in missing))}" if missing else ""


def asked(query: str) -> list[tuple[str, ...]]:
    """The rows of a query, over a connection of our own."""
    settings = connection.get_connection_params()
    limit = f"-c statement_timeout={_PATIENCE_SECONDS * 1000}"
    settings["connect_timeout"] = _PATIENCE_SECONDS
    settings["options"] = f"{settings.get('options', '')} {limit}".strip()
    with closing(psycopg.connect(**settings)) as own:
        return own.execute(query).fetchall()


@cache
def _latest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of each app; reading them all takes too long to do at every question."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


def _valkey() -> str:
    client = heart.client()
    client.set("metabrm:health", b"1", ex=60)
    return "" if client.get("metabrm:health") == b"1" else "did not keep what it was told"


urlpatterns = [
    path("live", live, name="health-live"),
    path("ready", ready, name="health-ready"),
]
