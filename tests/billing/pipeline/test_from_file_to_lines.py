"""Whatever the catalog, the customers and the file: lines, suspense and counts are the oracle's."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from billing.rating.rerating.running import rerate
from billing.rating.rerating.wanted import Wanted
from metabrm import clock
from tests.billing.pipeline.described import FIRST, HOURS, LABELS, Record, World, dearer
from tests.billing.pipeline.drawn import worlds
from tests.billing.pipeline.expected import Books, Outcome
from tests.billing.pipeline.made import Made, total
from tests.billing.pipeline.written import written
from tests.examples import tried

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]

NOW = datetime(2026, 7, 20, 12, tzinfo=UTC)
OFFSETS = ("", "", "", "Z", "+05:30", "-08:00")
KINDS = (*LABELS, *LABELS, "BOTH", "", "SKIP")
ODD_TIMES = ("", "2026-06-31 10:00:00", "yesterday")
ODD_AMOUNTS = ("", "abc", "1,5", "NaN", "0x1F")

ENDS = ("12125550100", "447700900", "4930123", "44", "EU", "")

#: Which token, hours since FIRST and minutes, the offset, how much, the kind, and what is odd.
drawn = st.tuples(
    st.integers(0, 13),
    st.integers(0, HOURS),
    st.sampled_from(OFFSETS),
    st.integers(-60, 400),
    st.sampled_from(KINDS),
    # The plainest that is drawn, and most often, is not odd.
    st.integers(0, 79).map(lambda plain: 79 - plain),
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
        (*LABELS, *LABELS, "", "BOGUS")[hours % 6] if world.collector.labels == "told" else "",
        "",
        "",
        "999" if odd == 15 else ENDS[hours % 6],
        ENDS[(hours // 6) % 6],
    )
    if odd < len(ODD_TIMES):
        made = replace(made, at=ODD_TIMES[odd])
    elif odd < 8:
        # Without a qualifier no value can hold the delimiter.
        plain = world.collector.qualifier == "NONE"
        made = replace(made, much=ODD_AMOUNTS[odd - 3].replace(",", " " if plain else ","))
    elif odd < 10:
        made = replace(made, who=("", "nobody")[odd - 8])
    elif odd == 10 and world.collector.form in ("DELIMITED", "JSON"):
        made = replace(made, broken=True)
    elif odd < 14:
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
        # Some come twice within their file. Without a header the first says how many values are.
        first, *others = [*earlier, *fresh, *fresh[:: again + 2]]
        found.append([replace(first, broken=False), *others])
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


sent = st.lists(st.lists(drawn, min_size=40, max_size=60), min_size=1, max_size=3)


@tried(6)
@given(worlds(), sent, st.integers(1, 4), st.sets(st.integers(0, 4)))
def test_as_the_oracle_says(
    world: World, loads: list[list[Drawn]], again: int, closed: set[int]
) -> None:
    """File after file; then the first is taken back, but for what is `closed`, and sent again."""
    with clock.frozen(NOW), transaction.atomic():
        books = Books(world, NOW)
        made = Made(world, books)
        ids = []

        def send(number: int, records: list[Record]) -> None:
            data, numbered = written(world.collector, records, str(len(records)))
            expected = books.load(numbered)
            load = made.load(f"usage_{number}.txt", data)
            assert load.status == "COMPLETED", (load.error_text, data[:300])
            check(made, load.pk, expected, numbered)
            assert _counts(load) == _expected_counts(expected), world.collector
            assert {k: Decimal(v) for k, v in (load.amounts or {}).items()} == _amounts(expected)
            ids.append(load.pk)

        sent_files = files(world, loads, again)
        for number, records in enumerate(sent_files):
            send(number, records)
        kept = closed & made.invoices.keys()
        made.take_back(ids[0], kept)
        books.take_back(1, kept)
        send(0, sent_files[0])
        transaction.set_rollback(True)


@tried(2)
@given(worlds(gaps=False), sent, st.integers(1, 4), st.integers(1, 40))
def test_rated_again_it_is_what_the_new_prices_make_of_it(
    world: World, loads: list[list[Drawn]], again: int, by: int
) -> None:
    """With all of it known: bulk tiers are those of the whole period."""
    with clock.frozen(NOW), transaction.atomic():
        made = Made(world, Books(world, NOW))
        anew = dearer(world, Decimal(by) / 16)
        files_ = files(world, loads, again)
        texts = [written(world.collector, records, str(len(records))) for records in files_]
        ids = [made.load(f"{n}.txt", data).pk for n, (data, _) in enumerate(texts)]
        made.raise_prices(Decimal(by) / 16)
        for product in made.products:
            rerate(Wanted(product_id=product), preview=False)
        known = Books(anew, NOW)
        for _, records in texts:
            known.load(records)
        books = Books(anew, NOW, {key: units for key, (units, _) in known.sums.items()})
        outcomes = [books.load(records) for _, records in texts]
        for id, expected, (_, records) in zip(ids, outcomes, texts, strict=True):
            check(made, id, expected, records)
        assert made.total() == sum((total(one.lines, "amount") for one in outcomes), Decimal(0))
        for product in made.products:
            assert rerate(Wanted(product_id=product), preview=False).changed == 0
        transaction.set_rollback(True)


def check(made: Made, load: int, expected: Outcome, records: list[tuple[int, Record]]) -> None:
    found = differences(made, load, expected, records)
    if found:
        pytest.fail(
            "\n".join([f"load {load}, {made.world.collector}", *found[:5], *_whose(made, found)])
        )


def _whose(made: Made, found: list[str]) -> list[str]:
    """What there is to know of the services of the first that differs."""
    said, world = [], made.world
    for number, service in enumerate(world.services):
        if f"Line(service={number}," in found[0]:
            product = world.products[service.product]
            said += [
                f"service {number}: {service}",
                f"  {product}",
                f"  {world.methods[product.method]}",
            ]
    return said


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
