"""What a process has to look at from time to time, since no event tells it: its connections."""

import os
import threading
import time

from django.db import connections

from metabrm.observability import metrics

_SECONDS = 5.0


def start() -> None:
    """Look every few seconds, in a thread that ends with the process."""
    threading.Thread(target=_look_forever, name="metabrm-sampling", daemon=True).start()


def look() -> None:
    """Note how many connections of this process's pool are used and waited for."""
    pool = getattr(connections["default"], "pool", None)
    if pool is None:
        return
    found = pool.get_stats()
    process = str(os.getpid())
    size, idle = found.get("pool_size", 0), found.get("pool_available", 0)
    for state, value in (("used", size - idle), ("idle", idle), ("most", found["pool_max"])):
        metrics.POOL_CONNECTIONS.labels(process, state).set(value)
    metrics.POOL_WAITING.labels(process).set(found.get("requests_waiting", 0))


def exhausted() -> bool:
    """Whether all connections of this process's pool are taken."""
    pool = getattr(connections["default"], "pool", None)
    if pool is None or connections["default"].connection is not None:
        return False
    found = pool.get_stats()
    return bool(found.get("pool_size") == found["pool_max"] and not found.get("pool_available"))


def _look_forever() -> None:
    while True:
        look()
        time.sleep(_SECONDS)
