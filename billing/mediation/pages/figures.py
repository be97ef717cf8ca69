"""What the pages tell of collectors and loads, each in one statement over indexes.

`seen` is the reader's condition on the rows of an entity ("AND …" over an alias, "" for all).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.mediation.models import ActivityCollectorHistory
from billing.mediation.models.loads import PARKED
from metabrm import clock

#: Days that the chart, and the look for files left out, go back.
DAYS = 30
#: Runs that a collector's page lists.
RUNS = 12
#: Bad lines that a load's page shows of each cause.
_LINES = 5

_STANDING = """
SELECT c.id, l.id, l.status, l.created, l.file_name, ok.end_date, d.records, d.rejected, p.parked,
       t.error_text
FROM mediation_activitycollector c
LEFT JOIN LATERAL (
    SELECT h.id, h.status, h.created, h.file_name FROM mediation_activitycollectorhistory h
    WHERE h.activity_collector_id = c.id AND h.deleted_at IS NULL {seen}
    ORDER BY h.created DESC LIMIT 1
) l ON true
LEFT JOIN LATERAL (
    SELECT h.end_date FROM mediation_activitycollectorhistory h
    WHERE h.activity_collector_id = c.id AND h.deleted_at IS NULL AND h.status = 'COMPLETED' {seen}
    ORDER BY h.created DESC LIMIT 1
) ok ON true
CROSS JOIN LATERAL (
    SELECT sum(h.record_count) AS records, sum(h.suspended_count) AS rejected
    FROM mediation_activitycollectorhistory h
    WHERE h.activity_collector_id = c.id AND h.deleted_at IS NULL AND h.created >= %(since)s
      AND h.source <> 'SUSPENSE' {seen}
) d
CROSS JOIN LATERAL (
    SELECT count(*) AS parked FROM mediation_activitycollectorhistory h
    WHERE h.activity_collector_id = c.id AND h.status = '{parked}' AND h.deleted_at IS NULL {seen}
) p
LEFT JOIN mediation_activitycollectorhistory t ON t.identity = 'trouble:' || c.id
WHERE c.id = ANY(%(ids)s)
"""
_PER_DAY = """
SELECT (h.created AT TIME ZONE %(zone)s)::date, sum(h.record_count), sum(h.suspended_count),
       sum(h.duplicate_count + h.consolidated_count), sum(h.rated_count)
FROM mediation_activitycollectorhistory h
WHERE h.activity_collector_id = %(collector)s AND h.created >= %(since)s AND h.deleted_at IS NULL
  AND h.source <> 'SUSPENSE' {seen}
GROUP BY 1
"""
# The numbers between two that came, of which none has come since.
_GAPS = """
SELECT number + 1, next - 1
FROM (
    SELECT number, lead(number) OVER (ORDER BY number) AS next
    FROM (
        SELECT DISTINCT h.sequence_number AS number FROM mediation_activitycollectorhistory h
        WHERE h.activity_collector_id = %(collector)s AND h.created >= %(since)s
          AND h.sequence_number IS NOT NULL AND h.deleted_at IS NULL {seen}
    ) came
) pairs
WHERE next > number + 1
ORDER BY 1 DESC LIMIT 6
"""
_CAUSES = """
SELECT g.cause, g.state, g.records, l.id, l.line, l.reason, l.raw
FROM (
    SELECT c.cause, c.process_state AS state, count(*) AS records
    FROM mediation_collectorfields c
    WHERE c.activity_collector_history_id = %(load)s AND c.cause IS NOT NULL
      AND c.deleted_at IS NULL {seen}
    GROUP BY 1, 2
) g
CROSS JOIN LATERAL (
    SELECT c.id, coalesce(c.file_line, c.record_number) AS line, c.reason,
           left(c.raw_record, 400) AS raw
    FROM mediation_collectorfields c
    WHERE c.activity_collector_history_id = %(load)s AND c.process_state = g.state
      AND c.cause = g.cause AND c.deleted_at IS NULL {seen}
    ORDER BY c.id LIMIT %(lines)s
) l
ORDER BY g.records DESC, g.cause, g.state, l.id
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a collector stands. rejected, records: of the last 24 hours; trouble: why its source
    could not be looked at."""

    last_id: int | None = None
    last_status: str = ""
    last_at: datetime | None = None
    last_file: str = ""
    success_at: datetime | None = None
    records: int = 0
    rejected: int = 0
    parked: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """What came in a day."""

    day: date
    records: int = 0
    rejected: int = 0
    repeated: int = 0
    rated: int = 0


@dataclass(slots=True)
class Cause:
    """Records of a load that wait, or waited, for one cause; `lines`: the first of them."""

    cause: str
    state: str
    records: int
    lines: list[dict[str, Any]] = field(default_factory=list)


def _rows(statement: str, seen: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(seen=seen, parked=PARKED), values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def standing(ids: Iterable[int], seen: str) -> dict[int, Standing]:
    """How collectors stand, in one query; `seen` over `h`."""
    values = {"ids": list(ids), "since": clock.now() - timedelta(days=1)}
    return {
        row[0]: Standing(
            row[1],
            row[2] or "",
            row[3],
            row[4] or "",
            row[5],
            int(row[6] or 0),
            int(row[7] or 0),
            row[8],
            row[9] or "",
        )
        for row in _rows(_STANDING, seen, values)
    }


def per_day(collector: int, zone: str, seen: str) -> list[Day]:
    """The last days, the oldest first, in the days of a time zone; `seen` over `h`."""
    first = clock.today(zone) - timedelta(days=DAYS - 1)
    values = {
        "collector": collector,
        "zone": zone,
        "since": clock.now() - timedelta(days=DAYS),
    }
    came = {row[0]: Day(row[0], *map(int, row[1:])) for row in _rows(_PER_DAY, seen, values)}
    days = (first + timedelta(days=n) for n in range(DAYS))
    return [came.get(day) or Day(day) for day in days]


def gaps(collector: int, seen: str) -> list[tuple[int, int]]:
    """Numbers of files that were left out of late, the newest first; `seen` over `h`."""
    values = {"collector": collector, "since": clock.now() - timedelta(days=DAYS)}
    return [(first, last) for first, last in _rows(_GAPS, seen, values)]


def causes(load: int, seen: str) -> list[Cause]:
    """Why records of a load are in suspense, most first, with the first lines; `seen` over `c`."""
    found: dict[tuple[str, str], Cause] = {}
    for cause, state, records, id, line, reason, raw in _rows(
        _CAUSES, seen, {"load": load, "lines": _LINES}
    ):
        one = found.setdefault((cause, state), Cause(cause, state, records))
        one.lines.append({"id": id, "line": line, "reason": reason, "raw": raw})
    return list(found.values())


def amounts(load: ActivityCollectorHistory) -> list[tuple[str, str]]:
    """Currency and sum of a load's amounts."""
    return [(code, money(Decimal(text))) for code, text in (load.amounts or {}).items()]


def money(amount: Decimal) -> str:
    """1234.5 -> 1,234.50, and 0.0005 as it is."""
    places = -int(amount.normalize().as_tuple().exponent)
    return f"{amount:,.{max(places, 2)}f}"


def seconds(load: ActivityCollectorHistory) -> float | None:
    """How long a load took; None while it runs or where it never began."""
    if load.end_date is None or load.begun_date is None:
        return None
    return (load.end_date - load.begun_date).total_seconds()
