"""Sides of a bench, run in turns; what came of them; whether it is good enough.

A side is a callable that returns the seconds its timed part took, so that what it prepares costs
nothing. A ratio is taken within a round, between sides that ran one after the other, and the median
over the rounds is the result: a busy neighbour hits all sides of a round alike.
"""

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from bench.installation import Installation

Side = Callable[[], float]
MEGABYTE = 1024 * 1024
#: Time may grow this much from n to 10n, and memory this much: it must not grow with n.
MOST_GROWTH = 11.0
MOST_MEMORY_GROWTH = 1.25


@dataclass(frozen=True)
class Target:
    """A figure to reach: at least, or at most, `bound`."""

    figure: str
    at_least: bool
    bound: float

    def __str__(self) -> str:
        return f"{self.figure} {'>=' if self.at_least else '<='} {self.bound:g}"

    def reached(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


def at_most(figure: str, bound: float) -> Target:
    return Target(figure, False, bound)


def at_least(figure: str, bound: float) -> Target:
    return Target(figure, True, bound)


@dataclass
class Result:
    """What one bench came to at one number of rows; `more` are figures of its own."""

    bench: str
    rows: int
    ours_s: float
    limit_s: float
    stock_s: float
    ours_over_limit: float
    stock_over_ours: float
    peak_rss_mb: float
    more: dict[str, float] = field(default_factory=dict)
    verdicts: list[tuple[str, float, bool]] = field(default_factory=list)

    @property
    def rows_per_s(self) -> float:
        return self.rows / self.ours_s

    def figures(self) -> dict[str, float]:
        return {
            "ours_s": self.ours_s,
            "limit_s": self.limit_s,
            "stock_s": self.stock_s,
            "ours_over_limit": self.ours_over_limit,
            "stock_over_ours": self.stock_over_ours,
            "rows_per_s": self.rows_per_s,
            "peak_rss_mb": self.peak_rss_mb,
            **self.more,
        }

    def judge(self, targets: Sequence[Target], smaller: "Result | None") -> None:
        """Hold the figures against the targets, and against the run with fewer rows."""
        if smaller is not None:
            scale = self.rows / smaller.rows / 10
            self.more["time_growth"] = self.ours_s / smaller.ours_s / scale
            self.more["memory_growth"] = self.peak_rss_mb / smaller.peak_rss_mb
            targets = [
                *targets,
                at_most("time_growth", MOST_GROWTH),
                at_most("memory_growth", MOST_MEMORY_GROWTH),
            ]
        known = self.figures()
        self.verdicts = [
            (str(target), known[target.figure], target.reached(known[target.figure]))
            for target in targets
        ]

    def json(self) -> str:
        """The result as one line."""
        rounded = {name: _rounded(value) for name, value in self.figures().items()}
        return json.dumps({"bench": self.bench, "rows": self.rows, **rounded})


@dataclass(frozen=True)
class Bench:
    """A benchmark: what it does, how it is measured, what it should reach.

    `grows` benches are run at n and at 10n.
    """

    about: str
    measure: "Callable[[Installation, str, int, int], Result]"
    targets: tuple[Target, ...]
    grows: bool = True


def in_turns(sides: Mapping[str, Side], rounds: int) -> dict[str, list[float]]:
    """Run every side once a round; the seconds of each, by round."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name].append(side())
    return taken


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios taken round by round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def summary(
    name: str,
    rows: int,
    taken: Mapping[str, Sequence[float]],
    peak_rss_mb: float,
    more: Mapping[str, float] | None = None,
) -> Result:
    """A Result from the seconds of the sides "ours", "limit" and "stock"."""
    ours, limit, stock = taken["ours"], taken["limit"], taken["stock"]
    return Result(
        name,
        rows,
        statistics.median(ours),
        statistics.median(limit),
        statistics.median(stock),
        ratio(ours, limit),
        ratio(stock, ours),
        peak_rss_mb,
        dict(more or {}),
    )


@contextmanager
def watch() -> Iterator[Callable[[], float]]:
    """Time the block: the yielded function gives the seconds it took."""
    begun = perf_counter()
    ended: list[float] = []
    yield lambda: (ended[0] if ended else perf_counter()) - begun
    ended.append(perf_counter())


class PeakMemory:
    """The most memory that a process and its children held together, looked at 20 times a second."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self.peak_mb = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        done = Event()
        thread = Thread(target=self._look, args=[done], daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _look(self, done: Event) -> None:
        while True:
            held = 0
            for process in (self._root, *self._root.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak_mb = max(self.peak_mb, held / MEGABYTE)
            if done.wait(0.05):
                return


def table(results: Sequence[Result]) -> str:
    """All verdicts, a line each."""
    lines = [f"{'bench':<13} {'rows':>8}  {'target':<30} {'measured':>10}  "]
    lines += [
        f"{r.bench:<13} {r.rows:>8,}  {target:<30} {value:>10.2f}  {'PASS' if good else 'MISS'}"
        for r in results
        for target, value, good in r.verdicts
    ]
    return "\n".join(lines)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value)
