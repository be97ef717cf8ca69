"""Health: does the process answer, and could it do its work?

`live` touches nothing but the process: a supervisor restarts what fails it. `ready` looks at all a
request needs: a load balancer sends nothing to what fails it.
"""

import time
from collections.abc import Callable
from functools import cache

from django.core.cache import cache as valkey
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache


@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 if every check passes, else 503; each check with its result and milliseconds."""
    checks = {
        name: _checked(check)
        for name, check in (
            ("database", _database),
            ("migrations", _migrations),
            ("valkey", _valkey),
        )
    }
    ok = all(check["ok"] for check in checks.values())
    return JsonResponse(
        {"status": "ok" if ok else "unavailable", "checks": checks}, status=200 if ok else 503
    )


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
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    missing = _latest_migrations() - set(MigrationRecorder(connection).applied_migrations())
    return f"not applied: {', '.join(sorted('.'.join(key) for key in missing))}" if missing else ""


@cache
def _latest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of each app; reading them all takes too long to do at every question."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.leaf_nodes())


def _valkey() -> str:
    valkey.set("health", 1, timeout=60)
    return "" if valkey.get("health") == 1 else "did not keep what it was told"


urlpatterns = [
    path("live", live, name="health-live"),
    path("ready", ready, name="health-ready"),
]
