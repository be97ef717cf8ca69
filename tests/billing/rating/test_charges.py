"""What quantities cost over bands: the figures others publish, and an oracle for all the rest."""

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.billing.rating import oracle
from tests.billing.rating.oracle import Band, Price

D = Decimal
Row = tuple[Any, ...]


def _values(rows: Sequence[Row], types: Sequence[str]) -> str:
    def one(value: Any, kind: str) -> str:
        return f"NULL::{kind}" if value is None else f"'{value}'::{kind}"

    told = (", ".join(map(one, row, types)) for row in rows)
    return "VALUES " + ", ".join(f"({row})" for row in told)


def charges(
    prices: Sequence[Price], wanted: Sequence[Row], shrunk: Sequence[Decimal] | None = None
) -> dict[int, list[Row]]:
    """(band or None, units, rate, cost) per line, from the product's own statement.

    A line is (id, index of its price, quantity, factor, before, reached, nth); `shrunk` is what is
    left of the bands of each price.
    """
    from django.db import connection

    from billing.rating.charges import CHARGES, SHRUNKEN_CHARGES

    facts = [
        (i, p.tiered, p.incremental, p.flat, p.percentage, p.split, False, False)
        for i, p in enumerate(prices)
    ]
    bands = [
        (
            *(i, i * 100 + n, n + 1, begin, b.to, b.rate, b.flat_fee, b.fee_per_charge),
            *(b.min_charge, b.max_charge, b.block_size),
            *(p.included_quantity, p.included_charges),
        )
        for i, p in enumerate(prices)
        for n, (b, begin) in enumerate(zip(p.bands, p.begins, strict=True))
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"""
            WITH facts(id, tiered, incremental, flat, percentage, split, by_period,
                       prepaid) AS (
                {_values(facts, ["bigint", *["boolean"] * 7])}
            ), listed(version_id, pricing_id, rate_order, above_quantity, to_quantity, rate,
                      flat_fee, fee_per_charge, min_charge, max_charge, block_size,
                      included_quantity, included_charges) AS (
                {_values(bands, ["bigint", "bigint", "int", *["numeric"] * 9, "int"])}
            ), band AS (SELECT *, to_quantity AS upper_band FROM listed),
            sent(id, version_id, quantity, factor, before, reached, nth) AS (
                {_values(wanted, ["bigint", "bigint", *["numeric"] * 4, "int"])}
            ), wanted AS (
                SELECT *, version_id AS rating_method_id, NULL::numeric AS override, true AS usage,
                       (ARRAY{list(map(str, shrunk or ["1"]))}::numeric[])[version_id + 1] AS shrunk
                FROM sent
            ), {SHRUNKEN_CHARGES if shrunk else CHARGES}
            SELECT id, split_order, units, rate, cost FROM charge ORDER BY id, split_order""")
        found: dict[int, list[Row]] = {}
        for id, *rest in cursor.fetchall():
            found.setdefault(id, []).append(tuple(rest))
        return found


def one_after_the_other(
    price: Price, quantities: Sequence[Any], factors: Sequence[Decimal] | None = None
) -> list[Decimal]:
    """What each of the quantities costs, added up from nothing; a float would be a mistake."""
    lines: list[Row] = []
    before, total = D(0), sum((D(str(q)) for q in quantities), D(0))
    for n, sent in enumerate(quantities):
        quantity = D(str(sent))
        factor = factors[n] if factors else 1
        lines.append((n, 0, quantity, factor, before, total, n + 1))
        before += quantity
    found = charges([price], lines)
    return [found[n][0][3] for n in range(len(quantities))]


def alone(price: Price, quantities: Sequence[Any]) -> list[Decimal]:
    """What each of the quantities costs by itself."""
    sent = [(n, 0, D(str(q)), 1, 0, D(str(q)), 1) for n, q in enumerate(quantities)]
    found = charges([price], sent)
    return [found[n][0][3] for n in range(len(quantities))]


def bands(*rows: tuple[Any, ...]) -> list[Band]:
    """(to, rate[, more]) each, with exact decimals."""
    return [
        Band(
            None if to is None else D(str(to)),
            D(str(rate)),
            **{name: D(str(value)) for name, value in (more[0] if more else {}).items()},
        )
        for to, rate, *more in rows
    ]


STEPS = ((5, 7), (10, "6.5"), (None, 6))
LAGO_VOLUME = ((100, 2, {"flat_fee": 10}), (200, 1), (None, "0.5", {"flat_fee": 50}))
OPENMETER = (
    (5, 0, {"flat_fee": 100}),
    (10, 0, {"flat_fee": 50}),
    (15, 5),
    (None, 1),
)
OPENMETER_VOLUME = ((5, 0, {"flat_fee": 100}), (10, 0, {"flat_fee": 150}), (15, 10), (None, 5))
TALK = ((100, "0.10"), (None, "0.05"))
BULK = {"tiered": True}
TIERS = {"tiered": True, "incremental": True}


@pytest.mark.parametrize(
    ("rows", "how", "quantities", "expected"),
    [
        (STEPS, BULK, [1, 5, 6, 20, 25], [7, 35, 39, 120, 150]),
        (STEPS, TIERS, [5, 6, 10, 20, 25], [35, "41.5", "67.5", "127.5", "157.5"]),
        (((".1", 10), (1, 5), (None, 2)), TIERS, [".05", ".5"], ["0.5", 3]),
        (
            LAGO_VOLUME,
            BULK,
            [0, 1, 100, "100.5", 101, 200, 300, 210],
            [0, 12, 210, "100.5", 101, 200, 200, 155],
        ),
        (((None, "0.0006", {"flat_fee": 10}),), BULK, [65000], [49]),
        (OPENMETER, TIERS, [22], [182]),
        (OPENMETER_VOLUME, BULK, [3, 5, 14, 15, 16, 100], [100, 100, 140, 150, 80, 500]),
        (((5, 2), (None, 1)), TIERS, [13], [18]),
        (
            ((1000, 1, {"block_size": 100}), (None, 1, {"block_size": 1000})),
            TIERS,
            [5325],
            [15],
        ),
        (((None, "2.95", {"block_size": 100}),), {}, [99, 199, 350], ["2.95", "5.90", "11.80"]),
        (((None, 1, {"block_size": 10}),), {}, [1, "9.9"], [1, 1]),
        (((None, "0.1"),), {}, [1, "9.9"], ["0.1", "0.99"]),
        (((10, 1, {"flat_fee": 1000}), (None, 100)), TIERS, [10], [1010]),
        (((9, 1), (None, 100)), TIERS, [-10], [-109]),
        (((1, ".5"), (4, ".5"), (9, "1.2"), (None, 0)), TIERS, [9, 10], [8, 8]),
        (
            ((".8", ".3", {"block_size": 1}), (2, 1, {"block_size": ".1"}), (None, 0)),
            TIERS,
            [3],
            ["12.3"],
        ),
        (((1000, ".1"), (None, ".05")), BULK, [1500], [75]),
        (((1024, ".2"), (None, ".1")), BULK, [2048], ["204.8"]),
        (TALK, TIERS, [100, 150], ["10.00", "12.50"]),
        (TALK, BULK, [100, 150], ["10.00", "7.50"]),
    ],
)
def test_published_figures(
    db: None, rows: Any, how: dict[str, bool], quantities: list[Any], expected: list[Any]
) -> None:
    assert alone(Price(bands(*rows), **how), quantities) == [D(str(e)) for e in expected]


@pytest.mark.parametrize(("free", "expected"), [(0, 1300), (10, 1200), (200, 0)])
def test_packages_of_units_with_free_ones(db: None, free: int, expected: int) -> None:
    price = Price(bands((None, 100, {"block_size": 10})), included_quantity=D(free))
    assert one_after_the_other(price, [121]) == [expected]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"included_charges": 3, "included_quantity": D(250)}, "11.15"),
        ({"included_charges": 3}, "7.2"),
        ({}, "18.4"),
    ],
)
def test_a_percentage_with_a_fee_for_each_charge(
    db: None, more: dict[str, Any], expected: str
) -> None:
    price = Price(bands((None, "1.3", {"fee_per_charge": 2})), percentage=True, **more)
    assert sum(one_after_the_other(price, [50, 100, 250, 400])) == D(expected)


@pytest.mark.parametrize(
    ("fee", "more", "expected"),
    [
        ({}, {}, "16.142"),
        ({"fee_per_charge": 2}, {}, "18.691"),
        ({}, {"included_charges": 2}, "12"),
        ({}, {"included_quantity": D(30)}, "13.794"),
        ({}, {"included_charges": 3, "included_quantity": D(10000)}, "2.691"),
    ],
)
def test_a_percentage_within_bounds(
    db: None, fee: dict[str, int], more: dict[str, Any], expected: str
) -> None:
    bound = {"min_charge": "1.75", "max_charge": 12}
    price = Price(bands((None, "2.99", {**bound, **fee})), percentage=True, **more)
    assert sum(one_after_the_other(price, [10, 80, 10000])) == D(expected)


@pytest.mark.parametrize(
    ("units", "prorated", "expected"),
    [
        ([5, 5, 10, -6], ["3.5", "2.66667", "2", "-2.2"], "197.33335"),
        ([2, 5, 10, -6], ["1.4", "2.66667", "2", "-2.2"], "184.33335"),
        ([5, -2], ["3.5", "-1"], "125"),
        ([4, 2, -3], ["2.8", "1", "-0.6"], "180.5"),
    ],
)
def test_the_tier_follows_full_units_and_the_amount_prorated_ones(
    db: None, units: list[int], prorated: list[str], expected: str
) -> None:
    price = Price(bands((5, 10, {"flat_fee": 100}), (None, 5, {"flat_fee": 50})), **TIERS)
    factors = [D(part) / D(whole) for whole, part in zip(units, prorated, strict=True)]
    total = sum(one_after_the_other(price, units, factors))
    assert abs(total - D(expected)) < D("0.0001")


def test_an_invoice_in_the_middle_goes_on_from_where_the_sum_stood(db: None) -> None:
    assert one_after_the_other(Price(bands(*OPENMETER), **TIERS), [12, 10]) == [160, 22]


def test_each_tier_is_a_line_of_its_own_where_usage_is_split(db: None) -> None:
    price = Price(bands(*OPENMETER), **TIERS, split=True)
    found = charges([price], [(0, 0, 22, 1, 0, 22, 1), (1, 0, 10, 1, 12, 22, 2)])
    assert [cost for *_, cost in found[0]] == [100, 50, 25, 7]
    assert [cost for *_, cost in found[1]] == [15, 7]


def test_what_is_left_of_a_group_of_included_units_is_free(db: None) -> None:
    price = Price(bands((None, 1)), included_quantity=D(100))
    assert one_after_the_other(price, [45, 280]) == [0, 225]


def test_a_missing_band_is_told_by_the_units_that_have_none(db: None) -> None:
    price = Price(bands((5, 2), (10, 1)), **TIERS)
    ((_, units, _, _),) = charges([price], [(1, 0, D(12), 1, 0, 12, 1)])[1]
    assert units == 10
    assert oracle.cost(price, D(12)) is None


money = st.integers(0, 90_000).map(lambda n: D(n) / 10_000)
maybe = st.none() | st.integers(1, 2000).map(lambda n: D(n) / 100)
blocks = st.none() | st.sampled_from([D("0.1"), D(1), D("2.5"), D(10), D(100)])
band_rows = st.builds(
    lambda rate, fee, each, least, most, block: (rate, fee, each, least, most, block),
    money,
    maybe,
    maybe,
    maybe,
    maybe,
    blocks,
)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    rows = draw(st.lists(band_rows, min_size=1, max_size=4))
    widths = draw(
        st.lists(
            st.sampled_from([D("0.8"), D(5), D(10), D("33.33"), D(100)]),
            min_size=len(rows),
            max_size=len(rows),
        )
    )
    made, end = [], D(0)
    for n, (rate, fee, each, least, most, block) in enumerate(rows):
        end += widths[n]
        if least is not None and most is not None and most < least:
            most = least
        to = None if n == len(rows) - 1 else end
        made.append(Band(to, rate, fee, each, least, most, block))
    incremental = draw(st.booleans())
    return Price(
        made,
        tiered=incremental or draw(st.booleans()),
        incremental=incremental,
        flat=draw(st.booleans()),
        percentage=draw(st.booleans()),
        included_quantity=draw(st.none() | st.sampled_from([D(0), D(7), D("12.5")])),
        included_charges=draw(st.none() | st.sampled_from([0, 1, 3])),
    )


def some(seed: int) -> list[Decimal]:
    """Twenty quantities, some of them given back, some with a fraction, some nothing."""
    chance = random.Random(seed)
    return [
        D(chance.randint(-30_000, 60_000)) / chance.choice([1, 100, 100, 10_000]) for _ in range(19)
    ] + [D(0)]


Cases = list[tuple[Price, list[Decimal]]]
twenty = st.lists(st.tuples(prices(), st.integers(0, 2**32).map(some)), min_size=20, max_size=20)


def agree(blocker: Any, cases: Cases, shrunk: list[Decimal] | None = None) -> None:
    """Whether twenty lines of each price, one after the other from nothing, cost what the oracle
    says."""
    lines: list[Row] = []
    expected: dict[int, Decimal | None] = {}
    for index, (price, sent) in enumerate(cases):
        told = oracle.shrunken(price, shrunk[index]) if shrunk else price
        before, total = D(0), sum(sent, D(0))
        for n, quantity in enumerate(sent):
            id = index * 100 + n
            lines.append((id, index, quantity, 1, before, total, n + 1))
            expected[id] = oracle.cost(told, quantity, before, total, n + 1)
            before += quantity
    with blocker.unblock():
        found = charges([price for price, _ in cases], lines, shrunk)
    assert {id: rows[0][3] for id, rows in found.items()} == expected


@settings(max_examples=25, deadline=None)
@given(twenty)
def test_charges_agree_with_the_oracle(
    django_db_setup: None, django_db_blocker: Any, cases: Cases
) -> None:
    """10,000 lines: 25 examples of 20 prices with 20 lines each."""
    agree(django_db_blocker, cases)


parts = st.sampled_from([D("0.25"), D("0.5"), D("0.9"), D(1)])


@settings(max_examples=4, deadline=None)
@given(twenty, st.lists(parts, min_size=20, max_size=20))
def test_charges_over_shrunken_bands_agree_with_the_oracle(
    django_db_setup: None, django_db_blocker: Any, cases: Cases, shrunk: list[Decimal]
) -> None:
    agree(django_db_blocker, cases, shrunk)
