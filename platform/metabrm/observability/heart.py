"""Signs of life of the processes that answer nobody: the scheduler, the workers and their queue.

The scheduler notes in Valkey when it last sent a task, which it does every ten seconds, and a
worker when it last ended one.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any

import redis
from django.conf import settings

from metabrm.observability.metrics import Answer

SCHEDULER = "metabrm:seen:scheduler"
WORKER = "metabrm:seen:worker"
#: Celery's queue, where a task has no other.
_QUEUE = "celery"
_TIMEOUT = 1.0
_KEPT_SECONDS = 86_400


def beat(key: str) -> None:
    """Note that who has this key lives. Never fails."""
    with suppress(redis.RedisError):
        client().set(key, repr(time.time()), ex=_KEPT_SECONDS)


def answers() -> Iterable[Answer]:
    """How long ago each was seen, and what waits."""
    keys = {"scheduler": SCHEDULER, "worker": WORKER}
    seen = client().mget(list(keys.values()))
    now = time.time()
    yield (
        "metabrm_seen_seconds",
        "Seconds since the scheduler last sent a task, and since a worker last ended one.",
        ("part",),
        [
            ((part,), max(now - float(at), 0.0))
            for part, at in zip(keys, seen, strict=True)
            if at is not None
        ],
    )
    yield (
        "metabrm_queue_length",
        "Tasks that wait for a worker.",
        ("queue",),
        [((queue,), float(client().llen(queue))) for queue in queues()],
    )


def queues() -> list[str]:
    """The queues that tasks wait in."""
    routes = getattr(settings, "CELERY_TASK_ROUTES", {})
    return sorted({_QUEUE, *(route["queue"] for route in routes.values())})


@cache
def client() -> Any:
    """A client of Valkey, which is the broker too, that gives up soon."""
    return redis.Redis.from_url(
        settings.CACHES["default"]["LOCATION"],
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
    )
