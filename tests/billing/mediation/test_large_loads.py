"""A load that is too large for one session is mapped in two at once, to the same end."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from billing.mediation import partitions
from billing.mediation.loads import mapping, running
from billing.mediation.mapping import late, statement
from billing.mediation.models import ActivityCollectorHistory
from billing.mediation.reading import Sessions, body, staging
from tests.billing.mediation.standing import Standing, asked, drive
from tests.factories import ActivityCollectorControlFactory, ActivityCollectorFilterFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("untold")]

RECORDS = 40


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Parts of some records; in how many sessions each load was, as soon as all of it held."""
    monkeypatch.setattr(body, "CHUNK", 64)
    monkeypatch.setattr(body, "_TAIL", 64)
    monkeypatch.setattr(staging, "PART", 200)
    seen: list[int] = []
    settle = Sessions.settle

    def settled(self: Sessions) -> None:
        seen.append(len(self.cursors))
        settle(self)

    monkeypatch.setattr(Sessions, "settle", settled)
    return seen


def usage(token: str, *, changed: dict[int, str] | None = None) -> str:
    """A header and records, an hour each, of which some are others'."""
    begun = datetime(2026, 11, 1)
    records = {
        line: f"{token},{begun + timedelta(hours=line)},{line},n" for line in range(2, RECORDS + 2)
    }
    records |= changed or {}
    return "who,at,much,note\n" + "".join(f"{record}\n" for record in records.values())


def in_flight(load: int) -> int:
    ((count,),) = asked("SELECT count(*) FROM mediation_usage WHERE load_id = %s", load)
    return int(count)


def test_both_sessions_map_what_one_would(sessions: list[int]) -> None:
    standing = Standing(ConsolidationMode="Deduplication", OmitEnd="1").usual()
    ActivityCollectorControlFactory(ActivityCollectorId=standing.collector, Position="2")
    ActivityCollectorControlFactory(
        ActivityCollectorId=standing.collector, Position="3", Kind="SUM", Source="much"
    )
    ActivityCollectorFilterFactory(
        ActivityCollectorId=standing.collector, Formula="NUMBER({!much}) <> 7"
    )
    first = f"{standing.token},2026-11-01 02:00:00,2,again"
    lost = {9: "nobody,2026-11-01,9,", 30: "nobody,2026-11-02,30,", 39: first, 21: first}
    total = sum(range(2, RECORDS + 2)) - 39 - 21 + 4
    load = standing.file(usage(standing.token, changed=lost) + f"TRL,{RECORDS},{total}\n")
    assert sessions == [2]
    counts = (load.status, load.record_count, load.filtered_count, load.duplicate_count)
    assert counts == ("COMPLETED", RECORDS, 1, 2), load.error_text
    charged = sorted(set(range(2, RECORDS + 2)) - {7, 9, 21, 30, 39})
    assert standing.lines("line_number", "quantity::int") == [(line, line) for line in charged]
    told = [(w.file_line, json.loads(w.raw_record or "")["much"]) for w in standing.suspense()]
    assert sorted(told) == [(9, "9"), (30, "30")]
    again = standing.file(usage(standing.token, changed={9: first}) + f"TRL,{RECORDS},853\n", "b")
    assert (again.processed_count, again.duplicate_count) == (3, 36), again.error_text


def test_repeats_of_several_shards_are_dropped_in_both_sessions(
    sessions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = Standing(ConsolidationMode="Deduplication").usual()
    accounts = [standing, Standing(), Standing()]
    one, other, third = (each.account for each in accounts)
    number = next(n for n in range(2, 9) if len({one % n, other % n, third % n}) > 1)
    monkeypatch.setattr(statement, "_SIDE_BY_SIDE", 1)
    monkeypatch.setattr(mapping, "shards_for", lambda count: number)
    tokens = [each.token for each in accounts]
    records = [f"{tokens[n % 3]},2026-11-01 {n:02}:00:00,{n},x" for n in range(1, 20)]
    content = "who,at,much,note\n" + "".join(
        f"{record}\n" for record in (*records, *records[:6], "nobody,2026-11-01,1,", *records[8:10])
    )
    load = standing.file(content)
    assert sessions == [2, 2]
    assert (load.status, load.processed_count, load.duplicate_count) == ("COMPLETED", 19, 8)
    assert standing.lines("line_number") == [(line,) for line in range(2, 21)]
    again = standing.file(content.replace(",7,x", ",8,x", 1), "again.csv")
    assert (again.processed_count, again.duplicate_count) == (1, 26), again.error_text
    assert [len(each.suspense()) for each in accounts[:1]] == [2]


def test_two_processors_share_the_shards_evenly() -> None:
    assert [mapping.shards_for(n) for n in (0, 49_999, 50_000, 200_000, 200_001)] == [1, 1, 2, 2, 4]
    assert [mapping.shards_for(n) for n in (1_000_000, 10**7)] == [10, 64]


def test_months_between_far_apart_records_are_not_made(
    sessions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[set[date]] = []
    monkeypatch.setattr(partitions, "ensure_months_of", lambda days: made.append(set(days)))
    standing = Standing().usual()
    days = [date(2026, 5, 3), date(2026, 9, 30), date(2026, 5, 4)]
    for chosen in (days, days[:1]):
        rows = "".join(f"{standing.token},{day},1\n" for day in chosen)
        load = standing.file(f"who,at,much\n{rows}nobody,2026-01-01,1\n", f"{len(chosen)}.csv")
        assert load.status == "COMPLETED", load.error_text
    assert made == [set(days), {days[0]}]


def test_what_the_database_would_read_another_way_is_read_by_one(sessions: list[int]) -> None:
    standing = Standing().usual()
    late_break = {38: f'{standing.token},2026-11-02,38,"of two\nlines"'}
    load = standing.file(usage(standing.token, changed=late_break))
    assert sessions == [1]
    assert (load.status, load.processed_count) == ("COMPLETED", RECORDS)
    assert [line for (line,) in standing.lines("line_number")][-4:] == [38, 40, 41, 42]


def test_what_fails_after_both_have_mapped_leaves_nothing(
    sessions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = Standing(ConsolidationMode="Deduplication").usual()
    load = standing.sent(usage(standing.token))

    def fail(*arguments: Any) -> None:
        raise RuntimeError("it failed")

    with monkeypatch.context() as failing:
        failing.setattr(late, "mark", fail)
        running.run(load.pk)
    load.refresh_from_db()
    assert (sessions, load.status, load.stage) == ([2], "PENDING", "")
    assert in_flight(load.pk) == 0
    ActivityCollectorHistory.objects.filter(pk=load.pk).update(next_attempt=None)
    drive(load.pk)
    assert [line for (line,) in standing.lines("line_number")] == list(range(2, RECORDS + 2))
