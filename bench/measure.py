"""Sides of a bench, run in turns; what came of them; whether it is good enough.

A side is a callable that returns the seconds its timed part took, so that what it prepares costs
nothing. A ratio is taken within a round, between sides that ran one after the other, and the median
over the rounds is the result: a busy neighbour hits all sides of a round alike. Growth is a ratio
too, so n and 10n run in the same rounds.
"""

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from bench.installation import Installation

Side = Callable[[], float]
#: Side -> its seconds, by round.
Taken = dict[str, list[float]]
MEGABYTE = 1024 * 1024


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


#: From n to 10n; memory must not grow with n, but a process breathes.
GROWTH = (at_most("ours_growth", 11), at_most("memory_growth", 1.25))


class Measured:
    """What a bench came to at one number of rows, and whether that is good enough."""

    bench: str
    rows: int
    verdicts: list[tuple[str, float, bool]]

    def figures(self) -> dict[str, float]:
        raise NotImplementedError

    def judge(self, targets: Sequence[Target]) -> None:
        """Hold the figures against the targets."""
        known = self.figures()
        self.verdicts = [
            (str(target), known[target.figure], target.reached(known[target.figure]))
            for target in targets
            if target.figure in known
        ]

    def json(self) -> str:
        """The result as one line."""
        rounded = {name: _rounded(value) for name, value in self.figures().items()}
        return json.dumps({"bench": self.bench, "rows": self.rows, **rounded})


@dataclass
class Result(Measured):
    """Ours beside the limit and the stock alternative; `more` are figures of the bench's own."""

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


@dataclass
class Told(Measured):
    """Figures that stand for themselves."""

    bench: str
    rows: int
    told: dict[str, float]
    verdicts: list[tuple[str, float, bool]] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        return self.told


@dataclass(frozen=True)
class Sides:
    """What runs in a round at one number of rows.

    rows       how many the sides handle
    by_name    "ours", "limit" and "stock", and others whose time should be known
    more       figures of the bench's own, from the seconds of the sides by round
    """

    rows: int
    by_name: Mapping[str, Side]
    more: Callable[[Taken], dict[str, float]] = lambda taken: {}


@dataclass(frozen=True)
class Bench:
    """A benchmark: what it does, how it is measured, what it should reach.

    `sides` prepares the sides for a number of rows; it is called with n, then with 10n.
    `grows` benches are run at n and at 10n.
    """

    about: str
    sides: "Callable[[Installation, int], Sides]"
    targets: tuple[Target, ...]
    grows: bool = True

    def measure(
        self, installation: "Installation", name: str, sizes: Sequence[int], rounds: int
    ) -> list[Result]:
        """Run all sides at all sizes in turns."""
        runs = [self.sides(installation, n) for n in (sizes if self.grows else sizes[:1])]
        taken: list[Taken] = [{side: [] for side in run.by_name} for run in runs]
        memory = [PeakMemory(installation.ours.process.pid) for _ in runs]
        for turn in range(rounds):
            for place, run in enumerate(runs):
                for side_name, side in run.by_name.items():
                    # A process gives back little: after 10n it says nothing about n any more.
                    told = side_name == "ours" and (turn == 0 or place == len(runs) - 1)
                    with memory[place].watched() if told else nullcontext():
                        taken[place][side_name].append(side())
        results = [
            _result(name, run, seconds, peak.peak_mb)
            for run, seconds, peak in zip(runs, taken, memory, strict=True)
        ]
        for place in range(1, len(runs)):
            larger, smaller = results[place], results[place - 1]
            scale = larger.rows / smaller.rows / 10
            for side_name in ("ours", "limit"):
                growth = ratio(taken[place][side_name], taken[place - 1][side_name])
                larger.more[f"{side_name}_growth"] = growth / scale
            larger.more["memory_growth"] = larger.peak_rss_mb / smaller.peak_rss_mb
        for result in results:
            result.judge([*self.targets, *GROWTH])
        return results


@dataclass(frozen=True)
class Figures:
    """A benchmark of what only we do: figures of its own, held against targets."""

    about: str
    figures: "Callable[[Installation, int, int], dict[str, float]]"
    targets: tuple[Target, ...]

    def measure(
        self, installation: "Installation", name: str, sizes: Sequence[int], rounds: int
    ) -> list[Told]:
        """Take the figures once, at the first size."""
        result = Told(name, sizes[0], self.figures(installation, sizes[0], rounds))
        result.judge(self.targets)
        return [result]


Measurement = Bench | Figures


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios taken round by round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def _result(name: str, run: Sides, taken: Taken, peak_rss_mb: float) -> Result:
    ours, limit, stock = taken["ours"], taken["limit"], taken["stock"]
    return Result(
        name,
        run.rows,
        statistics.median(ours),
        statistics.median(limit),
        statistics.median(stock),
        ratio(ours, limit),
        ratio(stock, ours),
        peak_rss_mb,
        run.more(taken),
    )


@contextmanager
def watch() -> Iterator[Callable[[], float]]:
    """Time the block: the yielded function gives the seconds it took."""
    begun = perf_counter()
    ended: list[float] = []
    yield lambda: (ended[0] if ended else perf_counter()) - begun
    ended.append(perf_counter())


class PeakMemory:
    """The most memory a process and its children held together, looked at 20 times a second.

    alone: without its children.
    """

    def __init__(self, pid: int, *, alone: bool = False) -> None:
        self._root = psutil.Process(pid)
        self._alone = alone
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
            children = [] if self._alone else self._root.children(recursive=True)
            for process in (self._root, *children):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak_mb = max(self.peak_mb, held / MEGABYTE)
            if done.wait(0.05):
                return


def table(results: Sequence[Measured]) -> str:
    """All verdicts, a line each."""
    lines = [f"{'bench':<17} {'rows':>8}  {'target':<30} {'measured':>10}  "]
    lines += [
        f"{r.bench:<17} {r.rows:>8,}  {target:<30} {value:>10.2f}  {'PASS' if good else 'MISS'}"
        for r in results
        for target, value, good in r.verdicts
    ]
    return "\n".join(lines)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value)
