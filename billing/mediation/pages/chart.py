"""Volume and rejects per day as a drawing of two rows of bars, each in its own measure.

Rejects are few beside what comes, so that one measure would show none of them. They are told apart
by their place and by hatching, not by colour alone; the same numbers stand in a table behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.mediation.pages.figures import Day

#: Units of the drawing.
_STEP, _BAR = 20, 14
_TOP, _LOW = 70, 40


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's two bars; `label`: the day is written below it."""

    of: Day
    x: int
    volume_y: float
    volume_height: float
    rejected_y: float
    rejected_height: float
    label: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars, and the highest day of each row."""

    bars: list[Bar]
    most: int
    most_rejected: int
    records: int
    rejected: int


def drawn(days: Sequence[Day]) -> Chart:
    """The days, the oldest first, as bars."""
    most = max(day.records for day in days)
    worst = max(day.rejected for day in days)
    bars = []
    for place, day in enumerate(days):
        volume = _height(day.records, most, _TOP)
        rejected = _height(day.rejected, worst, _LOW)
        bars.append(
            Bar(
                day,
                place * _STEP + (_STEP - _BAR) // 2,
                round(16 + _TOP - volume, 1),
                volume,
                round(116 + _LOW - rejected, 1),
                rejected,
                (len(days) - 1 - place) % 7 == 0,
            )
        )
    return Chart(
        bars, most, worst, sum(day.records for day in days), sum(day.rejected for day in days)
    )


def _height(value: int, most: int, whole: int) -> float:
    return round(max(2.0, whole * value / most), 1) if value else 0.0
