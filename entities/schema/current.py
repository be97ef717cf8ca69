"""The process's snapshot, rebuilt once when the database's schema version has moved."""

import threading

from entities.schema.compiling import build
from entities.schema.snapshot import Snapshot
from entities.schema.versioning import database_version

_current: Snapshot | None = None
_building = threading.Lock()


def current(version: int | None = None) -> Snapshot:
    """The snapshot of `version` (asked of the database when not given), built once per process."""
    global _current
    if version is None:
        version = database_version()
    snapshot = _current
    if snapshot is not None and snapshot.version == version:
        return snapshot
    with _building:
        if _current is None or _current.version != version:
            _current = build()
        return _current


def latest() -> Snapshot:
    """The process's snapshot without asking the database whether it is still the newest.

    For callers that compare its version themselves, as every write does behind the gate.
    """
    return _current or current()


def forget() -> None:
    """Drop the process's snapshot (tests that swap databases)."""
    global _current
    _current = None
