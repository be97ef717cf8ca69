"""Records that are the same as others: dropped, or made one."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tests.billing.pipeline.described import Collector
from tests.billing.pipeline.reading import Usage

NONE = Decimal(0)


@dataclass
class Charged:
    """What a load has charged of a signature."""

    load: int
    account: int
    signature: tuple[str, ...]
    service: int
    moment: datetime
    quantity: Decimal


class Repeats:
    """What was charged so far, and what of later loads is the same."""

    def __init__(self, collector: Collector, now: datetime) -> None:
        self.collector = collector
        self.now = now
        self.charged: list[Charged] = []

    def settle(self, usage: list[Usage]) -> tuple[list[Usage], set[int], set[int]]:
        """What is left, and the lines of the records that were dropped, and added to others."""
        if self.collector.mode == "Deduplication":
            return self._once(usage)
        if self.collector.mode == "Consolidation":
            return self._together(usage)
        return usage, set(), set()

    def keep(self, load: int, one: Usage) -> None:
        if one.signature is not None and one.service is not None and one.quantity is not None:
            assert one.account is not None and one.moment is not None
            self.charged.append(
                Charged(load, one.account, one.signature, one.service, one.moment, one.quantity)
            )

    def take_back(self, load: int, kept: set[int]) -> None:
        """Forget what a load has charged, but not of the accounts that are kept."""
        self.charged = [c for c in self.charged if c.load != load or c.account in kept]

    def _before(self, one: Usage) -> list[Charged]:
        """What earlier loads charged of the same: as far back as the collector looks."""
        chosen = self.collector.signature
        first = None
        if chosen and "at" not in chosen and self.collector.lookback:
            first = self.now - timedelta(days=self.collector.lookback)
        return [
            c
            for c in self.charged
            if c.signature == one.signature
            and c.service == one.service
            and (first is None or c.moment >= first)
        ]

    def _once(self, usage: list[Usage]) -> tuple[list[Usage], set[int], set[int]]:
        """The first record in order of each signature, unless it was charged before."""
        kept: dict[tuple[str, ...], int] = {}
        for good in (True, False):
            for one in usage:
                if one.signature is not None and (one.cause is None) == good:
                    kept.setdefault(one.signature, one.line)
        left, dropped = [], set()
        for one in usage:
            repeated = one.signature is not None and kept[one.signature] != one.line
            if repeated or (one.signature is not None and self._before(one)):
                dropped.add(one.line)
            else:
                left.append(one)
        return left, dropped, set()

    def _together(self, usage: list[Usage]) -> tuple[list[Usage], set[int], set[int]]:
        """One record of each signature: the sum, or the highest and of it what is new."""
        gone: set[int] = set()
        groups: dict[object, list[Usage]] = defaultdict(list)
        for one in usage:
            if one.cause is None and one.signature is not None:
                # What has a price of its own is not added to what has another, or none.
                price = (one.rate, one.cost is None) if not self.collector.highest else None
                groups[one.signature, price].append(one)
        left = [one for one in usage if one.cause is not None or one.signature is None]
        for group in groups.values():
            if self.collector.highest:
                keep = min(group, key=lambda one: (-(one.quantity or NONE), one.line)).line
            else:
                keep = min(one.line for one in group)
                for one in group:
                    same = [s for s in group if (s.service, s.label) == (one.service, one.label)]
                    if one.line == keep:
                        one.quantity = sum((s.quantity or NONE for s in same), NONE)
                        costs = [s.cost for s in same if s.cost is not None]
                        one.cost = sum(costs, NONE) if costs else None
            gone |= {one.line for one in group if one.line != keep}
            for one in group:
                if one.line != keep:
                    continue
                before = self._before(one) if self.collector.highest else []
                mark = sum((c.quantity for c in before), NONE)
                assert one.quantity is not None
                if before and one.quantity <= mark:
                    gone.add(one.line)
                else:
                    one.quantity -= mark
                    left.append(one)
        return left, set(), gone
