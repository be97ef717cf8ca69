"""How long what is no longer in use is kept: the recycle bin, and the history.

Each entity says for itself: RetentionDays for its deleted records, HistoryRetentionDays for its
history, for ever when that is not set.
"""

from datetime import datetime, timedelta

from django.db import connection

from entities import records
from entities.records.behavior import is_exclusive
from entities.schema.current import current
from entities.schema.description import quote
from metabrm import clock
from metabrm.identity.context import Context

#: Records purged in one transaction.
PORTION = 1000


def empty_recycle_bin() -> dict[str, int]:
    """Purge deleted records whose time is over; entity name -> how many.

    A record that others still point to stays until those are gone. Can be killed at any line and
    run again: what was purged is gone, the rest is found again.
    """
    context = Context.system("recycle bin retention")
    purged: dict[str, int] = {}
    for name, table, days in _retentions():
        before = clock.now() - timedelta(days=days)
        last = 0
        while ids := _expired(table, before, last):
            outcomes = records.delete(name, ids, context, recycled=True)
            # Records purged along with an earlier one of the portion, or restored since we looked,
            # are not found; others stay.
            purged[name] = purged.get(name, 0) + sum(o.ok for o in outcomes)
            last = ids[-1]
    return {name: count for name, count in purged.items() if count}


def trim_history() -> int:
    """Delete history that is older than its entity keeps it; returns the number of entries."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM entities_auditlog a USING entities_entity e "
            "WHERE a.entity_id = e.id AND e.history_retention_days IS NOT NULL "
            "AND a.changed_at < %s - make_interval(days => e.history_retention_days)",
            [clock.now()],
        )
        return int(cursor.rowcount)


def _retentions() -> list[tuple[str, str, int]]:
    """Name, table and RetentionDays of the entities that have a recycle bin.

    Deleted entities and fields are no such records: purging one drops a table or a column with all
    that is in it, which nobody but a person decides.
    """
    binned = {
        e.id: e
        for e in current().entities.values()
        if e.recycle_bin and e.authored and not is_exclusive(e.name)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, retention_days FROM entities_entity WHERE id = ANY(%s) ORDER BY id",
            [list(binned)],
        )
        return [(binned[i].name, binned[i].table, days) for i, days in cursor.fetchall()]


def _expired(table: str, before: datetime, after_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {quote(table)} WHERE deleted_at < %s AND id > %s "
            f"ORDER BY id LIMIT {PORTION}",
            [before, after_id],
        )
        return [row[0] for row in cursor.fetchall()]
