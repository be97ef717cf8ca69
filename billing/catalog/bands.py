"""The bands of a price: from 0 upwards without a gap, on every day.

A tier is what prices of one owner in one currency, plan and rating method make together. A band
begins where the one before it ends: at its UpperBand, or, as many programs send it, at the next
number there is, UpperBand + 0.0000000001. Both mean the same; a quantity on the border belongs to
the lower band.
"""

from bisect import insort
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from entities.fieldtypes.numbers import plain

#: The difference between two numbers that a band can begin at.
STEP = Decimal("1e-10")
#: UpperBand of a band without limit.
UNLIMITED = Decimal(-1)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Band:
    """A price row as far as its tier is concerned; a day of None is without limit.

    order   its RateOrder
    index   which record of a batch it is; None for one that stands already
    """

    lower: Decimal
    upper: Decimal
    first: date | None = None
    last: date | None = None
    order: int = 1
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Quantities above `above` (from 0, where that is None) up to `up_to` (without limit, where
    that is None) that have no price from the day `first` to the day `last`."""

    above: Decimal | None
    up_to: Decimal | None
    first: date | None
    last: date | None

    def __str__(self) -> str:
        quantities = "from 0" if self.above is None else f"above {plain(self.above)}"
        if self.up_to is not None:
            quantities += f" up to {plain(self.up_to)}"
        days = f"from {self.first}" if self.first else ""
        if self.last:
            days += f" to {self.last}" if days else f"up to {self.last}"
        return f"quantities {quantities} have no price {days or 'on any day'}"


def begins(lower: Decimal) -> bool:
    """Whether a band that begins at `lower` is the first of its tier."""
    return lower == 0


def gap_in(bands: Iterable[Band], asked: Collection[Band]) -> Gap | None:
    """The first gap of a tier on the days on which one of the `asked` bands holds.

    Bands that overlap leave no gap between them.
    """
    for first, last, ladder in ladders(bands):
        if asked and not any(band in asked for band in ladder):
            continue
        reached: Decimal | None = None
        for band in ladder:
            if reached is None:
                follows = begins(band.lower)
            else:
                follows = reached == UNLIMITED or band.lower <= reached + STEP
            if not follows:
                return Gap(reached, border(band.lower), first, last)
            if reached is None or band.upper == UNLIMITED or reached < band.upper:
                reached = UNLIMITED if reached == UNLIMITED else band.upper
        if reached != UNLIMITED:
            return Gap(reached, None, first, last)
    return None


def ladders(bands: Iterable[Band]) -> Iterator[tuple[date | None, date | None, list[Band]]]:
    """Stretches of days on which the same bands hold, in order, each with its bands from the lowest
    up; days without any are left out."""
    coming = sorted(bands, key=lambda b: (b.first or date.min, b.lower), reverse=True)
    holding: list[Band] = []
    day: date | None = None
    while coming or holding:
        if not holding:
            day = coming[-1].first
        while coming and (coming[-1].first is None or (day and coming[-1].first <= day)):
            insort(holding, coming.pop(), key=_place)
        ends = [b.last for b in holding if b.last is not None]
        if coming and coming[-1].first is not None:
            ends.append(coming[-1].first - ONE_DAY)
        last = min(ends, default=None)
        yield day, last, list(holding)
        if last is None or last == date.max:
            return
        day = last + ONE_DAY
        holding = [b for b in holding if b.last is None or b.last >= day]


def border(lower: Decimal) -> Decimal:
    """Where the band below ends, of one that begins at `lower` in either way of saying it."""
    return lower - STEP if lower % (10 * STEP) == STEP else lower


def _place(band: Band) -> tuple[Decimal, bool, Decimal]:
    return band.lower, band.upper == UNLIMITED, band.upper
