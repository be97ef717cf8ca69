"""Bands against a plain oracle: every quantity of every day is looked at by itself."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.bands import STEP, UNLIMITED, Band, border, gap_in, ladders

FIRST = date(2026, 1, 1)
HORIZON = 8
TOP = 6


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@st.composite
def bands(draw: st.DrawFn) -> Band:
    lower = draw(st.integers(0, TOP - 1))
    upper = draw(st.one_of(st.just(-1), st.integers(lower + 1, TOP)))
    begin = draw(st.one_of(st.none(), st.integers(0, HORIZON - 1)))
    end = draw(st.one_of(st.none(), st.integers(begin or 0, HORIZON - 1)))
    start = Decimal(lower) + (STEP if lower and draw(st.booleans()) else 0)
    return Band(
        start,
        Decimal(upper),
        None if begin is None else day(begin),
        None if end is None else day(end),
    )


def holds(band: Band, on: date) -> bool:
    return (band.first is None or band.first <= on) and (band.last is None or on <= band.last)


def priced(band: Band, half: int) -> bool:
    """Whether the quantity half way between two whole numbers, `half` + 0.5, is in the band."""
    return border(band.lower) <= half and (band.upper == UNLIMITED or half < band.upper)


def oracle(every: Sequence[Band], asked: Sequence[Band]) -> tuple[date, int] | None:
    """The first day and the first quantity without a price, looked at one by one."""
    # One day before all of them and one after stand for the days without limit.
    for number in range(-1, HORIZON + 1):
        on = day(number)
        ladder = [b for b in every if holds(b, on)]
        if not any(holds(b, on) for b in asked):
            continue
        for half in range(TOP + 1):
            if not any(priced(b, half) for b in ladder):
                return on, half
    return None


@given(st.lists(bands(), min_size=1, max_size=6), st.lists(bands(), max_size=3))
def test_the_first_gap_is_found(asked: list[Band], standing: list[Band]) -> None:
    every = [*asked, *standing]
    gap, expected = gap_in(every, frozenset(asked)), oracle(every, asked)
    assert (gap is None) == (expected is None)
    if gap is not None and expected is not None:
        on, half = expected
        assert (gap.first or day(-1)) == on
        assert (gap.above or 0) == half
        assert gap.up_to is None or gap.up_to > half


@given(st.lists(bands(), max_size=8))
def test_stretches_have_the_bands_of_each_of_their_days(every: list[Band]) -> None:
    seen: dict[int, list[Band]] = {}
    for first, last, ladder in ladders(every):
        assert ladder == sorted(ladder, key=lambda b: b.lower)
        for number in range(-1, HORIZON + 1):
            if (first or day(-1)) <= day(number) <= (last or day(HORIZON)):
                assert number not in seen
                seen[number] = ladder
    for number in range(-1, HORIZON + 1):
        held = [b for b in every if holds(b, day(number))]
        assert sorted(map(repr, seen.get(number, []))) == sorted(map(repr, held))


@pytest.mark.parametrize(
    ("lower", "below"), [("0", "0"), ("10", "10"), ("10.0000000001", "10"), ("0.5", "0.5")]
)
def test_a_band_begins_where_the_one_below_ends(lower: str, below: str) -> None:
    assert border(Decimal(lower)) == Decimal(below)
