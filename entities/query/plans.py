"""Compiled statements, kept as long as the snapshot they were compiled for.

What a text compiles to depends on the schema and the caller's rights, and on nothing else: rights
change only with the schema's version. So a statement is kept per snapshot, viewer (those who share
their rights) and text, the least recently used one making room, and all go with their snapshot.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakKeyDictionary

from entities.access.rights import Viewer, viewer
from entities.query.statement import Compiled
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

MOST_PLANS = 512
#: Longer texts, mostly long lists of ids, are not asked twice.
LONGEST_TEXT = 4096

_Key = tuple[Viewer, str, str]
_plans: WeakKeyDictionary[Snapshot, OrderedDict[_Key, Compiled]] = WeakKeyDictionary()
_lock = threading.Lock()


def plan(
    snapshot: Snapshot,
    context: Context,
    subject: str,
    text: str,
    compiled: Callable[[], Compiled],
) -> tuple[Compiled, bool]:
    """The compiled form of `text` about `subject` (what is asked for besides the text), and
    whether it was asked for before."""
    if len(text) > LONGEST_TEXT:
        return compiled(), False
    key = (viewer(snapshot, context), subject, text)
    with _lock:
        kept = _plans.setdefault(snapshot, OrderedDict())
        found = kept.get(key)
        if found is not None:
            kept.move_to_end(key)
            return found, True
    made = compiled()
    with _lock:
        kept[key] = made
        if len(kept) > MOST_PLANS:
            kept.popitem(last=False)
    return made, False
