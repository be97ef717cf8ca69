"""What runs: the servers with their versions and how long they are up, workers and scheduler.

Workers are asked over the broker and given a moment to answer, so the overview loads this part
after itself.
"""

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
import redis
from celery import current_app
from django.conf import settings
from django.db import connection

import metabrm
from entities.schema.snapshot import Snapshot
from metabrm import clock

#: Seconds that workers have to answer.
_PATIENCE = 0.8
#: The scheduler writes its file at least every three minutes.
_SCHEDULER_SILENT = 300

_DATABASE = """
SELECT current_setting('server_version'), pg_postmaster_start_time(),
       pg_size_pretty(pg_database_size(current_database())),
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())
"""


def report(snapshot: Snapshot) -> dict[str, Any]:
    """Context of the template: one entry per part, each with whether it is well."""
    return {
        "parts": [
            _product(snapshot),
            _checked("PostgreSQL", "database", _database),
            _checked("Valkey", "memory", _valkey),
            _checked("Workers", "engineering", _workers),
            _checked("Scheduler", "schedule", _scheduler),
        ]
    }


def _product(snapshot: Snapshot) -> dict[str, Any]:
    version = getattr(metabrm, "__version__", "")
    return {
        "name": "metabrm",
        "icon": "hub",
        "ok": True,
        "says": f"{version} schema version {snapshot.version}".strip(),
        "details": [
            f"{len(snapshot.entities)} entities",
            f"Django {django.get_version()}, Python {platform.python_version()}",
        ],
    }


def _checked(name: str, icon: str, check: Any) -> dict[str, Any]:
    try:
        says, details = check()
    except Exception as error:
        # Whatever is wrong with a part is what the page is there to show.
        return {
            "name": name,
            "icon": icon,
            "ok": False,
            "says": "does not answer",
            "details": [type(error).__name__],
        }
    ok = not says.startswith("no ")
    return {"name": name, "icon": icon, "ok": ok, "says": says, "details": details}


def _database() -> tuple[str, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        version, started, size, connections = cursor.fetchone()
    return f"{version.split()[0]}, up {_since(started)}", [size, f"{connections} connections"]


def _valkey() -> tuple[str, list[str]]:
    client = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], socket_timeout=1)
    with client:
        info: dict[str, Any] = client.info()
    version = info.get("valkey_version") or info.get("redis_version")
    return (
        f"{version}, up {_duration(int(info['uptime_in_seconds']))}",
        [f"{info['used_memory_human']} in use", f"{info['connected_clients']} clients"],
    )


def _workers() -> tuple[str, list[str]]:
    answers = current_app.control.inspect(timeout=_PATIENCE).stats() or {}
    if not answers:
        return "no worker answers", ["background work waits until one is started"]
    details = [
        f"{name}: up {_duration(stats.get('uptime', 0))}, "
        f"{sum(stats.get('total', {}).values())} tasks done"
        for name, stats in sorted(answers.items())
    ]
    return f"{len(answers)} running", details


def _scheduler() -> tuple[str, list[str]]:
    scheduled = list(settings.CELERY_BEAT_SCHEDULE)
    place = Path(settings.CELERY_BEAT_SCHEDULE_FILENAME)
    written = [p.stat().st_mtime for p in place.parent.glob(f"{place.name}*")]
    seen = datetime.fromtimestamp(max(written, default=0), UTC)
    if (clock.now() - seen).total_seconds() > _SCHEDULER_SILENT:
        return "no sign of it", ["scheduled work waits until it is started"]
    return f"seen {_since(seen)} ago", [f"{len(scheduled)} scheduled: {', '.join(scheduled)}"]


def _since(instant: datetime) -> str:
    return _duration(int((clock.now() - instant.astimezone(UTC)).total_seconds()))


def _duration(seconds: int) -> str:
    """90061 -> 1 d 1 h."""
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts: list[str] = []
    for size, name in units:
        if seconds >= size or (name == "s" and not parts):
            parts.append(f"{seconds // size} {name}")
            seconds %= size
    return " ".join(parts[:2])
