"""The process's snapshot, rebuilt once when the database's schema version has moved.

What is read inside a transaction may be taken back: a snapshot that had to be built there is its
thread's own until its version is met outside of one. The database gives no version twice, so a
snapshot is as good as its version.
"""

import threading
import time

from django.db import connection

from entities.schema.building import build
from entities.schema.snapshot import Snapshot
from entities.schema.versioning import database_version
from metabrm.observability import metrics

_current: Snapshot | None = None
_building = threading.Lock()


class _Own(threading.local):
    """The snapshot of the thread's open transaction."""

    snapshot: Snapshot | None = None


_own = _Own()


def current(version: int | None = None) -> Snapshot:
    """The snapshot of `version` (asked of the database when not given), or of a newer one if there
    is one by now; built once per process."""
    if version is None:
        version = database_version()
    snapshot = _current
    if snapshot is not None and snapshot.version == version:
        # What a transaction had of its own was taken back with it.
        _own.snapshot = None
        return snapshot
    if connection.in_atomic_block:
        return _inside(version)
    return _newest()


def latest() -> Snapshot:
    """The process's snapshot without asking the database whether it is still the newest.

    For callers that compare its version themselves, as every write does behind the gate.
    """
    own = _own.snapshot if connection.in_atomic_block else None
    return own or _current or current()


def forget() -> None:
    """Drop the process's snapshot and the thread's own (tests that swap databases)."""
    global _current
    _current = _own.snapshot = None


def _inside(version: int) -> Snapshot:
    """The open transaction's snapshot. Nobody waits for it: others could wait for the transaction,
    and it for them."""
    own = _own.snapshot
    if own is None or own.version != version:
        own = _own.snapshot = build()
    return own


def _newest() -> Snapshot:
    global _current
    # Before the lock: who has it must not wait for a connection that those before it hold.
    connection.ensure_connection()
    with _building:
        # Another thread may have built it meanwhile, a newer one even: only the database knows.
        version = database_version()
        if _current is None or _current.version != version:
            own = _own.snapshot
            _current = own if own is not None and own.version == version else build()
            metrics.serves(_current.version, time.time())
        _own.snapshot = None
        return _current
