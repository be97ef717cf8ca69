"""Whatever the catalog, the customers and the file: lines, suspense and counts are the oracle's."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from metabrm import clock
from tests.billing.pipeline.described import FIRST, HOURS, LABELS, Record, World, worlds
from tests.billing.pipeline.expected import Books, Outcome
from tests.billing.pipeline.made import Made, total
from tests.billing.pipeline.written import written
from tests.examples import examples

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]

NOW = datetime(2026, 7, 20, 12, tzinfo=UTC)
OFFSETS = ("", "", "", "Z", "+05:30", "-08:00")
KINDS = (*LABELS, *LABELS, "BOTH", "", "SKIP")
ODD_TIMES = ("", "2026-06-31 10:00:00", "yesterday")
ODD_AMOUNTS = ("", "abc", "1,5", "NaN", "0x1F")

#: Which token, hours since FIRST and minutes, the offset, how much, the kind, and what is odd.
drawn = st.tuples(
    st.integers(0, 11),
    st.integers(0, HOURS),
    st.sampled_from(OFFSETS),
    st.integers(-60, 400),
    st.sampled_from(KINDS),
    st.integers(0, 79),
)
Drawn = tuple[int, int, str, int, str, int]


def record(world: World, values: Drawn) -> Record:
    """A record as the collector's files have it; of eighty some ten are odd."""
    token, hours, offset, much, kind, odd = values
    moment = FIRST + timedelta(hours=hours, minutes=hours % 7 * 9)
    match world.collector.dates:
        case "EPOCH":
            at = str(int(moment.replace(tzinfo=UTC).timestamp()))
        case "ISO":
            at = f"{moment:%Y-%m-%d %H:%M:%S}{offset}"
        case _:
            at = f"{moment:%d.%m.%Y %H:%M:%S}"
    made = Record(
        world.tokens[token % len(world.tokens)].text,
        at,
        f"{Decimal(much) / 16:f}",
        kind,
        (*LABELS, "", "BOGUS")[hours % 4] if world.collector.labels == "told" else "",
        "",
        "",
    )
    if odd < len(ODD_TIMES):
        made = replace(made, at=ODD_TIMES[odd])
    elif odd < 8:
        made = replace(made, much=ODD_AMOUNTS[odd - 3])
    elif odd < 10:
        made = replace(made, who=("", "nobody")[odd - 8])
    elif odd == 10 and world.collector.form in ("DELIMITED", "JSON"):
        made = replace(made, broken=True)
    elif odd < 14 and world.collector.mode != "Consolidation":
        made = replace(made, **{"rate": {"rate": "1.25"}, "cost": {"cost": "9.999"}}[
            "rate" if odd == 11 else "cost"
        ])  # fmt: skip
    elif odd == 14:
        made = replace(made, rate="free")
    return made


def files(world: World, loads: list[list[Drawn]], again: int) -> list[list[Record]]:
    """The records of each file; those of a later one begin with some that were sent before."""
    found: list[list[Record]] = []
    for drawn_ones in loads:
        fresh = [record(world, one) for one in drawn_ones]
        earlier = found[-1][:: max(1, again)] if found else []
        # Some come twice within their file.
        found.append([*earlier, *fresh, *fresh[:: again + 2]])
    return found


def differences(
    made: Made, load: int, expected: Outcome, records: list[tuple[int, Record]]
) -> list[str]:
    """The records that came to something else: what came of them, and what should have."""
    lines, waiting, sent = made.lines(load), made.suspense(load), dict(records)
    return [
        f"line {at}: {sent[at]}\n  became {pair[0]}\n  and not {pair[1]}"
        for at in sorted({*lines, *waiting, *expected.lines, *expected.suspense})
        for pair in (
            (waiting.get(at, set()), expected.suspense.get(at, set())),
            (lines.get(at, []), sorted(expected.lines.get(at, []), key=lambda one: one.service)),
        )
        if pair[0] != pair[1]
    ]


@settings(
    max_examples=examples(5),
    deadline=None,
    derandomize=examples(1) == 1,
    # Of a large case the first line that differs says more than a smaller case would.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    worlds(),
    st.lists(st.lists(drawn, min_size=40, max_size=60), min_size=1, max_size=3),
    st.integers(1, 4),
)
def test_as_the_oracle_says(world: World, loads: list[list[Drawn]], again: int) -> None:
    with clock.frozen(NOW), transaction.atomic():
        books = Books(world, NOW)
        made = Made(world, books)
        for number, records in enumerate(files(world, loads, again)):
            data, numbered = written(world.collector, records, str(len(records)))
            expected = books.load(numbered)
            load = made.load(f"usage_{number}.txt", data)
            assert load.status == "COMPLETED", (load.error_text, data[:300])
            found = differences(made, load.pk, expected, numbered)
            if found:
                pytest.fail("\n".join([f"load {number}, {world.collector}", *found[:5]]))
            assert _counts(load) == _expected_counts(expected), world.collector
            assert {k: Decimal(v) for k, v in (load.amounts or {}).items()} == _amounts(expected)
        transaction.set_rollback(True)


def _counts(load: object) -> tuple[object, ...]:
    names = ("record_count", "filtered_count", "duplicate_count", "consolidated_count")
    more = ("processed_count", "suspended_count", "rated_count", "total_quantity")
    return tuple(getattr(load, name) for name in names + more)


def _expected_counts(expected: Outcome) -> tuple[object, ...]:
    return (
        expected.records,
        expected.filtered,
        len(expected.duplicates),
        len(expected.consolidated),
        len(expected.lines),
        len(expected.suspense),
        sum(map(len, expected.lines.values())),
        total(expected.lines, "quantity"),
    )


def _amounts(expected: Outcome) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for lines in expected.lines.values():
        for line in lines:
            found[line.currency] += line.amount
    return dict(found)
