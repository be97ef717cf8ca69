"""A load of a sample, step by step as a real one, in a transaction that is taken back.

Its steps are asked what came of each record, which a real load is not: how it was split, what the
values were read as, which filters take it, what it is charged.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from django.db import connection, transaction

from billing.mediation.loads import mapping
from billing.mediation.mapping import controls
from billing.mediation.mapping.fields import Plan, Value
from billing.mediation.models import (
    ActivityCollector,
    ActivityCollectorFilter,
    ActivityCollectorHistory,
    LoadShard,
)
from billing.mediation.reading import TABLE, Layout, Sessions, Staged, UnreadableError, stage
from billing.mediation.reading.unpacking import unpacked
from billing.rating import loads
from billing.rating.passing import in_passing
from entities import files
from entities.formulas import FormulaError
from metabrm import clock

#: Records of a sample that are looked at.
MOST = 1_000
#: Columns of a record that are told.
COLUMNS = 60

_CUT = f"""
DELETE FROM {TABLE} WHERE line > (SELECT line FROM {TABLE} ORDER BY line OFFSET %s LIMIT 1)
"""  # noqa: S608 - constants only
_USAGE = """
SELECT line, cause, reason, account_id, account_product_id, product_id, activity_date, quantity,
       token, usage_identifier, late
FROM mediation_usage WHERE load_id = %s ORDER BY line, account_product_id
"""
_LINES = """
SELECT line_number, account_id, account_product_id, product_id, quantity, rate, rated_amount,
       currency_code, rate_source, rate_source_id, rate_date, activity_date, process_description
FROM mediation_activity WHERE activity_collector_history_id = %s ORDER BY line_number, id
"""


@dataclass(slots=True)
class Trial:
    """What came of a sample.

    count     records in it; at most MOST of them are looked at
    problems  what is wrong with the sample, or the collector, as a whole
    records   line -> how it was split: (problem, raw, values), in the order of `names`
    read      line -> field -> (text, value), of records that all filters take
    filters   the formulas, and line -> the verdict of each
    usage     line -> what it was mapped to, a row for each product
    lines     line -> the charges
    """

    count: int = 0
    names: list[str] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    records: dict[int, tuple[str, str, list[str | None]]] = field(default_factory=dict)
    targets: list[Value] = field(default_factory=list)
    read: dict[int, dict[str, tuple[str | None, Any]]] = field(default_factory=dict)
    filters: list[str] = field(default_factory=list)
    verdicts: dict[int, list[bool]] = field(default_factory=dict)
    usage: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    lines: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    mapped: bool = False
    compared: bool = False


def tried(collector: ActivityCollector, sample: bytes, name: str = "sample") -> Trial:
    """What would become of the sample. RequestError while a load holds what it needs."""
    trial = Trial()
    try:
        with in_passing("Try a smaller sample."):
            _run(trial, collector, sample, name)
            transaction.set_rollback(True)
    except (UnreadableError, FormulaError) as error:
        trial.problems.append(str(error))
    return trial


def _run(trial: Trial, collector: ActivityCollector, sample: bytes, name: str) -> None:
    zone = collector.time_zone.name if collector.time_zone else ""
    load = ActivityCollectorHistory.objects.create(
        activity_collector=collector,
        source=_source(collector, sample),
        status="RUNNING",
        file_name=name[:500],
        start_date=clock.now(),
    )
    cursor = connection.connection.cursor()
    cursor.execute(mapping.PREPARE, [zone or "UTC"])
    sessions = Sessions(cursor)
    layout = mapping.layout_of(load, collector)
    if layout.by_path and not layout.sources:
        trial.problems.append(
            "The collector has no mappings, which say what to take out of the records."
        )
        return
    staged = stage(sessions, lambda: _opened(sample), layout)
    _split(trial, cursor, sessions, collector, layout, staged)
    plan, made = mapping.planned(load, collector, layout, staged, zone)
    _judge(trial, cursor, collector, plan)
    _values(trial, cursor, plan, made.typed)
    mapping.put_in(cursor, made)
    trial.compared = mapping.signed(load, collector)
    shards = mapping.settle(sessions, load, collector, plan).shards
    cursor.execute("SELECT set_config('TimeZone', 'UTC', true)")
    trial.mapped = True
    LoadShard.objects.bulk_create([LoadShard(load_id=load.pk, shard=shard) for shard in shards])
    for shard in shards:
        loads.rate(load.pk, shard)
    trial.usage = _by_line(cursor, _USAGE, load.pk)
    trial.lines = _by_line(cursor, _LINES, load.pk)


def _source(collector: ActivityCollector, sample: bytes) -> str:
    """Objects of JSON are what events and queries come as."""
    written = (collector.record_format or "").strip().upper()
    if sample.lstrip()[:1] == b"{" and not written.startswith("JSON"):
        return {"API": "EVENTS", "DATABASE": "QUERY"}.get(collector.type, "FILE")
    return "FILE"


@contextmanager
def _opened(sample: bytes) -> Iterator[IO[bytes]]:
    with unpacked(io.BytesIO(sample), files.MOST_BYTES) as content:
        yield content


def _split(
    trial: Trial,
    cursor: Any,
    sessions: Sessions,
    collector: ActivityCollector,
    layout: Layout,
    staged: Staged,
) -> None:
    """Tell how the records were split; what lies behind the first ones is left out from here."""
    trial.count, trial.names = staged.count, staged.names
    trial.head, trial.tail = staged.head, staged.tail
    try:
        controls.reconcile(sessions, collector, layout, staged)
    except UnreadableError as error:
        trial.problems.append(f"A load would be parked: {error}")
    cursor.execute(_CUT, [MOST - 1])
    columns = "".join(f", c{number}" for number in range(1, min(len(staged.names), COLUMNS) + 1))
    split = f"SELECT line, problem, raw{columns} FROM {TABLE} ORDER BY line"  # noqa: S608
    cursor.execute(split)
    for line, problem, raw, *values in cursor.fetchall():
        trial.records[line] = (problem or "", raw or "", values)


def _judge(trial: Trial, cursor: Any, collector: ActivityCollector, plan: Plan) -> None:
    """Tell what each filter says of each record."""
    own = ActivityCollectorFilter.objects.filter(activity_collector=collector, deleted_at=None)
    trial.filters = list(own.order_by("sort_order", "id").values_list("formula", flat=True))
    if collector.precollector_validation:
        trial.filters.append(collector.precollector_validation)
    if plan.filters:
        said = ", ".join(f"coalesce({one.replace('{t}', 'r')}, false)" for one in plan.filters)
        cursor.execute(
            f"SELECT line, {said} FROM {TABLE} r WHERE coalesce(problem, '') = ''"  # noqa: S608
        )
        trial.verdicts = {line: list(verdicts) for line, *verdicts in cursor.fetchall()}


def _values(trial: Trial, cursor: Any, plan: Plan, typed: str) -> None:
    """Tell what the values of the records were read as."""
    trial.targets = list(plan.values.values())
    asked = [
        f"s.{value.key}_v, s.{value.key}" if value.text else f"NULL, s.{value.key}"
        for value in trial.targets
    ]
    cursor.execute(f"SELECT s.line, {', '.join(asked)} FROM ({typed}) s")  # noqa: S608
    for line, *found in cursor.fetchall():
        pairs = zip(found[::2], found[1::2], strict=True)
        trial.read[line] = {
            value.name: pair for value, pair in zip(trial.targets, pairs, strict=True)
        }


def _by_line(cursor: Any, statement: str, load: int) -> dict[int, list[dict[str, Any]]]:
    cursor.execute(statement, [load])
    names = [column.name for column in cursor.description]
    found: dict[int, list[dict[str, Any]]] = {}
    for row in cursor.fetchall():
        found.setdefault(row[0] or 0, []).append(dict(zip(names, row, strict=True)))
    return found
