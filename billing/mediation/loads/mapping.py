"""A load's records become usage in flight: all of it, or nothing.

It counts as soon as the load is MAPPED, which one transaction says at the end. What was put there
before is removed by whoever takes the load up.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date
from functools import partial
from typing import Any

from django.db import DatabaseError, connection, transaction

from billing.mediation import partitions, suspense
from billing.mediation.loads.opening import opened
from billing.mediation.mapping import controls, fields, late, repeats, statement
from billing.mediation.mapping.days import apart
from billing.mediation.mapping.whose import Load
from billing.mediation.models import (
    ActivityCollector,
    ActivityCollectorFilter,
    ActivityCollectorHistory,
    ActivityCollectorLabel,
    ActivityCollectorMap,
    LoadShard,
)
from billing.mediation.models.collectors import DELIMITED, JSON
from billing.mediation.reading import TABLE, Layout, Sessions, Staged, UnreadableError, stage
from billing.mediation.reading.layout import value_sql
from entities.schema.current import current
from metabrm import clock, months

Beat = Callable[[int], None]
#: The first and the last day, in UTC, of what is to be rated; None where nothing is.
Ends = tuple[date, date] | None
#: What a CloudEvent is known by.
_EVENT = ("source", "id")
#: Blocks of the records' table that are mapped, and sorted by their shards, at a time.
_BLOCKS = 3072

_FORGET = "DELETE FROM mediation_usage WHERE load_id = %s"
# Dates without an offset are of the collector's days; a part of a load is sorted in memory.
PREPARE = "SELECT set_config('TimeZone', %s, true), set_config('work_mem', '64MB', true)"
# When the usage of each shard happened, whether any is compared with other, and when that happened
# which is to be rated.
_SPAN = """
SELECT shard, min(activity_date) AT TIME ZONE 'UTC', max(activity_date) AT TIME ZONE 'UTC',
       bool_or(signature IS NOT NULL),
       min(activity_date) FILTER (WHERE cause IS NULL) AT TIME ZONE 'UTC',
       max(activity_date) FILTER (WHERE cause IS NULL) AT TIME ZONE 'UTC'
FROM mediation_usage WHERE load_id = %s GROUP BY shard ORDER BY shard
"""
# The first and the last day of what is to be rated; all of them, where these are far apart.
_ENDS = """
SELECT (min(activity_date) AT TIME ZONE 'UTC')::date, (max(activity_date) AT TIME ZONE 'UTC')::date
FROM mediation_usage WHERE load_id = %s AND cause IS NULL
"""
_DAYS = """
SELECT DISTINCT (activity_date AT TIME ZONE 'UTC')::date
FROM mediation_usage WHERE load_id = %s AND cause IS NULL
"""
# The database restarted before a shard's causes were kept: what has no line goes to suspense.
_LOST = """
UPDATE mediation_usage u SET cause = 'NOT_RATED',
    reason = 'It was not rated when the database stopped; resubmit it.'
FROM mediation_loadshard s
WHERE u.load_id = %(load)s AND s.load_id = u.load_id AND s.shard = u.shard AND s.rated
  AND u.cause IS NULL AND NOT EXISTS (
    SELECT FROM mediation_activity a
    WHERE a.activity_collector_history_id = u.load_id AND a.line_number = u.line
      AND a.activity_date = u.activity_date
      AND a.account_product_id IS NOT DISTINCT FROM u.account_product_id
  )
"""


def map_load(load: ActivityCollectorHistory, beat: Beat = lambda records: None) -> None:
    """Fill mediation_usage from the load's source. UnreadableError for what can't be read."""
    collector = ActivityCollector.objects.select_related("time_zone").get(
        pk=load.activity_collector_id
    )
    try:
        ends = _map(load, collector, beat)
    except Exception:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(_FORGET, [load.pk])
        raise
    _make_months(load.pk, ends)


def _map(load: ActivityCollectorHistory, collector: ActivityCollector, beat: Beat) -> Ends:
    """Give the load its usage and its shards; when what is to be rated happened."""
    zone = collector.time_zone.name if collector.time_zone else ""

    def prepare(cursor: Any) -> None:
        cursor.execute(PREPARE, [zone or "UTC"])

    with transaction.atomic(), connection.cursor() as django:
        cursor = connection.connection.cursor()
        django.execute(_FORGET, [load.pk])
        prepare(cursor)
        if load.source in ("API", "SUSPENSE"):
            counts, plan = _collected(cursor, load, collector, zone)
            return _keep(Sessions(cursor), load, collector, plan, counts)
        with Sessions(cursor, prepare) as sessions:
            counts, plan = _read(sessions, load, collector, zone, beat)
    # What was mapped is there for all sessions now, and is the load's as soon as this holds.
    with transaction.atomic():
        cursor = connection.connection.cursor()
        prepare(cursor)
        with Sessions(cursor, prepare) as sessions:
            return _keep(sessions, load, collector, plan, counts)


def _keep(
    sessions: Sessions,
    load: ActivityCollectorHistory,
    collector: ActivityCollector,
    plan: fields.Plan,
    counts: dict[str, Any],
) -> Ends:
    """Settle what was mapped, and say that it was."""
    settled = settle(sessions, load, collector, plan)
    sessions.own.execute("SELECT set_config('TimeZone', 'UTC', true)")
    LoadShard.objects.bulk_create(
        [LoadShard(load_id=load.pk, shard=shard) for shard in settled.shards],
        ignore_conflicts=True,
    )
    if LoadShard.objects.filter(load=load, rated=True).exists():
        sessions.own.execute(_LOST, {"load": load.pk})
    ActivityCollectorHistory.objects.filter(pk=load.pk).update(
        stage="MAPPED",
        progress=50,
        error_text=None,
        mapped_date=clock.now(),
        **counts,
        **settled.counts,
    )
    return settled.ends


def make_months(load_id: int) -> None:
    """Make the months of a load that was mapped; whoever mapped it may have died before."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDS, [load_id])
        first, last = cursor.fetchone()
    _make_months(load_id, (first, last) if first else None)


def _make_months(load_id: int, ends: Ends) -> None:
    if ends is None:
        return
    days = set(ends)
    first, last = ends
    if months.first_of(last) > months.plus(months.first_of(first), 1):
        with connection.cursor() as cursor:
            cursor.execute(_DAYS, [load_id])
            days = {day for (day,) in cursor.fetchall()}
    partitions.ensure_months_of(days)


def _read(
    sessions: Sessions,
    load: ActivityCollectorHistory,
    collector: ActivityCollector,
    zone: str,
    beat: Beat,
) -> tuple[dict[str, Any], fields.Plan]:
    """Fill mediation_usage from what is read; the counts, and what it was mapped by.

    To try a collector out, its steps are taken one by one (billing.rating.trying).
    """
    layout = layout_of(load, collector)
    staged = stage(sessions, lambda: opened(load, collector), layout, beat)
    reconciled = controls.reconcile(sessions, collector, layout, staged)
    plan, made = planned(load, collector, layout, staged, zone)
    taken = sessions.each(lambda cursor: put_in(cursor, made))
    sessions.settle()
    if not made.taken:
        taken = staged.count
    counts = {
        "record_count": staged.count,
        "filtered_count": staged.count - taken,
        "controls": reconciled or None,
        "frame": {"names": staged.names, "head": staged.head, "tail": staged.tail},
    }
    return counts, plan


def layout_of(load: ActivityCollectorHistory, collector: ActivityCollector) -> Layout:
    """How the records of the load are written. UnreadableError."""
    layout = Layout.of(collector, sources(collector))
    if load.source in ("QUERY", "EVENTS"):
        # However the collector's files are written, these are objects of JSON.
        layout = Layout(format=JSON, sources=tuple(dict.fromkeys((*layout.sources, *_EVENT))))
    return layout


def planned(
    load: ActivityCollectorHistory,
    collector: ActivityCollector,
    layout: Layout,
    staged: Staged,
    zone: str,
) -> tuple[fields.Plan, statement.Statement]:
    """What the collector's rows come to for what was read. UnreadableError."""
    plan = fields.plan_of(collector, layout, staged.names, current())
    if not plan.values:
        raise UnreadableError(
            "The collector has no mappings; say in ACTIVITY_COLLECTOR_MAP which column is the "
            "BillingIdentifier, which the ACTIVITY_DATE and which the Quantity."
        )
    key = [
        sql
        for name in _EVENT
        if load.source == "EVENTS" and (sql := value_sql(layout, staged.names, name))
    ]
    about = _about(load, collector, staged.count, zone)
    # A record of fixed width is told as a whole.
    names = staged.names if layout.format == DELIMITED or layout.by_path else []
    return plan, statement.of_records(about, plan, names, key)


def put_in(cursor: Any, made: statement.Statement) -> int:
    """Map what a session has read; gives how many records the filters take."""
    cursor.execute(f"ANALYZE {TABLE} (line)")
    cursor.execute(f"SELECT pg_relation_size('{TABLE}') / current_setting('block_size')::int")
    blocks = int(cursor.fetchone()[0])
    for first in range(0, blocks, _BLOCKS):
        cursor.execute(made.of_blocks(first, first + _BLOCKS))
    if not made.taken:
        return 0
    cursor.execute(made.taken)
    return int(cursor.fetchone()[0])


def sources(collector: ActivityCollector) -> tuple[str, ...]:
    """The paths that the collector's rows name, for formats in which values have paths."""
    own = {"activity_collector": collector, "deleted_at": None}
    maps = list(ActivityCollectorMap.objects.filter(**own).order_by("sort_order", "id"))
    texts: list[str | None] = [m.formula for m in maps]
    texts += ActivityCollectorFilter.objects.filter(**own).values_list("formula", flat=True)
    texts += ActivityCollectorLabel.objects.filter(**own).values_list("formula", flat=True)
    return fields.sources_of(maps, [*texts, collector.precollector_validation])


def _collected(
    cursor: Any, load: ActivityCollectorHistory, collector: ActivityCollector, zone: str
) -> tuple[dict[str, Any], fields.Plan]:
    """The same of COLLECTOR_FIELDS rows: those that were posted, or those taken up from
    suspense."""
    if load.source == "SUSPENSE":
        suspense.take_up(load)
    which = (
        f"c.activity_collector_history_id = {load.pk} AND c.process_state = 'PENDING'"
        if load.source == "API"
        else f"c.reprocess_status = 'LOAD {load.pk}'"
    )
    where = f"{which} AND c.deleted_at IS NULL"
    plan = fields.Plan(
        labels=[
            fields.Label(label.usage_identifier_id, label.usage_identifier.usage_identifier, "")
            for label in ActivityCollectorLabel.objects.filter(
                activity_collector=collector, deleted_at=None, formula=None
            ).select_related("usage_identifier")
        ]
    )
    cursor.execute(f"SELECT count(*) FROM mediation_collectorfields c WHERE {where}")
    count = int(cursor.fetchone()[0])
    made = statement.of_collected(_about(load, collector, count, zone or "UTC"), plan, where)
    cursor.execute(made.mapped)
    return {"record_count": count}, plan


def _about(
    load: ActivityCollectorHistory, collector: ActivityCollector, count: int, zone: str
) -> Load:
    return Load(
        load.pk,
        collector.pk,
        collector.account_id,
        shards_for(count),
        signed(load, collector),
        zone,
        apart(zone or "UTC"),
    )


def shards_for(count: int) -> int:
    """Into how many parts so many records go to be rated: an even number, that of two processors
    none waits for the other."""
    if count < statement.SHARD // 2:
        return 1
    return min(statement.MOST_SHARDS, 2 * -(-count // (2 * statement.SHARD)))


def signed(load: ActivityCollectorHistory, collector: ActivityCollector) -> bool:
    """Whether records of the load are compared with others."""
    return collector.consolidation_mode != "Disable" or load.source == "EVENTS"


def lookback(collector: ActivityCollector) -> Any:
    """How far back earlier usage is looked at; None for as far as there is any."""
    from billing.mediation.periods import before

    return before(clock.now(), collector.lookback_time_period_start)


@dataclass(frozen=True, slots=True)
class Settled:
    """What was mapped: how many were repeats, the shards of the usage, when it happened."""

    counts: dict[str, int]
    shards: list[int]
    ends: Ends


def settle(
    sessions: Sessions,
    load: ActivityCollectorHistory,
    collector: ActivityCollector,
    plan: fields.Plan,
) -> Settled:
    """Drop or add up what is there already, and mark what is late."""
    cursor = sessions.own
    counts: dict[str, int] = {}
    if signed(load, collector):
        repeats.lock(cursor, collector.pk)
    cursor.execute(_SPAN, [load.pk])
    spans = cursor.fetchall()
    shards = [row[0] for row in spans]
    # Django takes all moments to be of UTC, whatever zone the session tells them in.
    moments = [row[place].replace(tzinfo=UTC) for row in spans for place in (1, 2) if row[place]]
    first, last = min(moments, default=None), max(moments, default=None)
    if any(row[3] for row in spans):
        within = repeats.Within(first or "epoch", last or "epoch")
        keys = {v.key for v in plan.values.values() if v.signature} or set(plan.values)
        by_moment = "activity_date" in keys or not keys
        if load.source == "EVENTS" or not by_moment:
            within = repeats.Within(lookback(collector) or "-infinity", "infinity")
        if collector.consolidation_mode == "Consolidation":
            highest = any(v.consolidation == "HIGH-WATER MARK" for v in plan.values.values())
            done = repeats.consolidate(cursor, load.pk, collector.pk, within, highest=highest)
            counts = {"duplicate_count": 0, "consolidated_count": done}
        else:
            # Records of one token and moment are of one account, and so of one shard.
            parts = [shards]
            if {"token", "activity_date"} <= keys and load.source != "EVENTS":
                parts = [part for part in (shards[::2], shards[1::2]) if part]
            dropped = _without_repeats(sessions, load, within, parts)
            counts = {"duplicate_count": dropped, "consolidated_count": 0}
    if first is not None:
        zone = collector.time_zone.name if collector.time_zone else "UTC"
        late.mark(cursor, load.pk, collector, first, clock.today(zone))
    days = [row[place].date() for row in spans for place in (4, 5) if row[place]]
    return Settled(counts, shards, (min(days), max(days)) if days else None)


def _without_repeats(
    sessions: Sessions,
    load: ActivityCollectorHistory,
    within: repeats.Within,
    parts: list[list[int]],
) -> int:
    """Drop the repeats in these shards, those of each part in a session; how many records."""
    dropped: list[set[int]] = []
    collector = load.activity_collector_id

    def drop(shards: list[int], cursor: Any) -> None:
        dropped.append(repeats.drop_duplicates(cursor, load.pk, collector, within, shards))

    with sessions.turns() as give:
        for part in parts:
            give(partial(drop, part))
    if len(parts) > 1:
        sessions.settle()
    return len(set().union(*dropped))
