"""Records of one signature: dropped as duplicates, or consolidated, in the load and before it.

Two loads of a collector map one after the other (they hold a lock of the collector), and what the
earlier one brought is either usage in flight or lines by then: so of two that run at once one is
dropped, and never both or none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: Half of the key of the lock; the other is the collector.
LOCK = 0x6272_6D73

# The first record in good order of a signature stays, else the first; all rows that one record was
# charged as, or none of them.
_DUPLICATES = """
DELETE FROM mediation_usage u USING (
    SELECT signature, coalesce(min(line) FILTER (WHERE cause IS NULL), min(line)) AS kept
    FROM mediation_usage
    WHERE load_id = %(load)s AND shard = ANY (%(shards)s) AND signature IS NOT NULL
    GROUP BY signature HAVING min(line) <> max(line)
) d
WHERE u.load_id = %(load)s AND u.shard = ANY (%(shards)s) AND u.signature = d.signature
  AND u.line <> d.kept
RETURNING u.line
"""
_BEFORE = """
DELETE FROM mediation_usage u
WHERE u.load_id = %(load)s AND u.shard = ANY (%(shards)s) AND u.signature IS NOT NULL AND (
    EXISTS (
        SELECT FROM mediation_activity a
        WHERE a.signature = u.signature AND a.activity_collector_id = %(collector)s
          AND a.activity_collector_history_id <> %(load)s AND a.deleted_at IS NULL
          AND a.account_product_id IS NOT DISTINCT FROM u.account_product_id
          AND a.activity_date BETWEEN %(first)s AND %(last)s
    )
)
RETURNING u.line
"""
_IN_FLIGHT = """
DELETE FROM mediation_usage u USING mediation_usage o
WHERE u.load_id = %(load)s AND u.shard = ANY (%(shards)s)
  AND u.signature IS NOT NULL AND o.signature = u.signature
  AND o.collector_id = %(collector)s AND o.load_id <> %(load)s AND o.cause IS NULL
  AND o.load_id IN (SELECT id FROM mediation_activitycollectorhistory WHERE stage = 'MAPPED')
  AND o.account_product_id IS NOT DISTINCT FROM u.account_product_id
RETURNING u.line
"""
# What is in good order is added to its first record, label by label; of a high-water mark the
# highest stays. What brings its own price is not added to what brings another one, or none.
_ALIKE = """
    u.signature = {of}.signature AND u.override_rate IS NOT DISTINCT FROM {of}.override_rate
    AND (u.override_cost IS NULL) = {of}.uncosted
"""
_SUMS = f"""
WITH groups AS (
    SELECT signature, override_rate, override_cost IS NULL AS uncosted, min(line) AS kept
    FROM mediation_usage
    WHERE load_id = %(load)s AND signature IS NOT NULL AND cause IS NULL
    GROUP BY 1, 2, 3 HAVING min(line) <> max(line)
), totals AS (
    SELECT g.*, u.account_product_id, u.usage_identifier, sum(u.quantity) AS quantity,
           sum(u.override_cost) AS override_cost, sum(u.buy_cost) AS buy_cost
    FROM mediation_usage u JOIN groups g ON {_ALIKE.format(of="g")}
    WHERE u.load_id = %(load)s AND u.cause IS NULL
    GROUP BY 1, 2, 3, 4, 5, 6
), gone AS (
    DELETE FROM mediation_usage u USING groups g
    WHERE u.load_id = %(load)s AND u.cause IS NULL AND {_ALIKE.format(of="g")}
      AND u.line <> g.kept
    RETURNING u.line
), kept AS (
    UPDATE mediation_usage u
    SET quantity = t.quantity, override_cost = t.override_cost, buy_cost = t.buy_cost
    FROM totals t
    WHERE u.load_id = %(load)s AND u.cause IS NULL AND {_ALIKE.format(of="t")}
      AND u.account_product_id IS NOT DISTINCT FROM t.account_product_id
      AND u.usage_identifier IS NOT DISTINCT FROM t.usage_identifier AND u.line = t.kept
)
SELECT count(DISTINCT line) FROM gone
"""
_HIGHEST = """
WITH highest AS (
    SELECT DISTINCT ON (signature) signature, line AS kept FROM mediation_usage
    WHERE load_id = %(load)s AND signature IS NOT NULL AND cause IS NULL
    ORDER BY signature, quantity DESC NULLS LAST, line
), gone AS (
    DELETE FROM mediation_usage u USING highest h
    WHERE u.load_id = %(load)s AND u.cause IS NULL AND u.signature = h.signature
      AND u.line <> h.kept
    RETURNING u.line
)
SELECT count(DISTINCT line) FROM gone
"""
# Of a mark that was charged before only what lies above it is charged now.
_ABOVE = """
WITH before AS (
    SELECT u.signature, u.account_product_id, sum(o.quantity) AS quantity
    FROM mediation_usage u JOIN LATERAL (
        SELECT a.quantity FROM mediation_activity a
        WHERE a.signature = u.signature AND a.activity_collector_id = %(collector)s
          AND a.activity_collector_history_id <> %(load)s AND a.deleted_at IS NULL
          AND a.account_product_id IS NOT DISTINCT FROM u.account_product_id
          AND a.activity_date BETWEEN %(first)s AND %(last)s
          AND NOT EXISTS (SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id)
        UNION ALL
        SELECT f.quantity FROM mediation_usage f
        WHERE f.signature = u.signature AND f.collector_id = %(collector)s
          AND f.load_id <> %(load)s AND f.cause IS NULL
          AND f.load_id IN (
              SELECT id FROM mediation_activitycollectorhistory WHERE stage = 'MAPPED'
          )
          AND f.account_product_id IS NOT DISTINCT FROM u.account_product_id
    ) o ON true
    WHERE u.load_id = %(load)s AND u.signature IS NOT NULL AND u.cause IS NULL
    GROUP BY u.signature, u.account_product_id
), lowered AS (
    UPDATE mediation_usage u SET quantity = u.quantity - b.quantity FROM before b
    WHERE u.load_id = %(load)s AND u.cause IS NULL AND u.signature = b.signature
      AND u.account_product_id IS NOT DISTINCT FROM b.account_product_id
      AND u.quantity > b.quantity
)
DELETE FROM mediation_usage u USING before b
WHERE u.load_id = %(load)s AND u.cause IS NULL AND u.signature = b.signature
  AND u.account_product_id IS NOT DISTINCT FROM b.account_product_id
  AND u.quantity <= b.quantity
RETURNING u.line
"""
_OTHERS = """
SELECT FROM mediation_activitycollectorhistory
WHERE activity_collector_id = %(collector)s AND id <> %(load)s
  AND status = 'RUNNING' AND stage = 'MAPPED'
LIMIT 1
"""


def lock(cursor: Any, collector: int) -> None:
    """Wait for other loads of the collector to have mapped."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, collector & 0x7FFF_FFFF])


@dataclass(frozen=True, slots=True)
class Within:
    """The moments between which what equals a load's records may have happened."""

    first: datetime | str
    last: datetime | str


def drop_duplicates(
    cursor: Any, load: int, collector: int, within: Within, shards: list[int]
) -> set[int]:
    """Drop what these shards of the load have twice, or earlier lines hold; the lines of the
    records that are dropped."""
    about = {**_about(load, collector, within), "shards": shards}
    with _hashing(cursor):
        lines = _lines(cursor, _DUPLICATES, about)
    cursor.execute(_OTHERS, about)
    if cursor.rowcount:
        with _hashing(cursor):
            lines |= _lines(cursor, _IN_FLIGHT, about)
    return lines | _lines(cursor, _BEFORE, about)


def consolidate(cursor: Any, load: int, collector: int, within: Within, *, highest: bool) -> int:
    """Make one record of those of a signature: their sum, or the highest of them; how many were
    added to others."""
    about = _about(load, collector, within)
    with _hashing(cursor):
        cursor.execute(_HIGHEST if highest else _SUMS, about)
        count = int(cursor.fetchone()[0])
    if highest:
        count += len(_lines(cursor, _ABOVE, about))
    return count


@contextmanager
def _hashing(cursor: Any) -> Iterator[None]:
    """Usage in flight comes and goes too fast for the planner to know how much there is: a loop
    over a load that it takes for small compares each of a million records with each other."""
    cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def _lines(cursor: Any, statement: str, about: dict[str, Any]) -> set[int]:
    cursor.execute(statement, about)
    return {line for (line,) in cursor.fetchall()}


def _about(load: int, collector: int, within: Within) -> dict[str, Any]:
    return {"load": load, "collector": collector, "first": within.first, "last": within.last}
