"""What becomes of a load's records, reckoned by hand: one record after the other, no database."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from tests.billing.pipeline.customers import Customers
from tests.billing.pipeline.described import Record, World
from tests.billing.pipeline.pricing import PriceBook, Source
from tests.billing.pipeline.reading import Reader, Usage
from tests.billing.rating.oracle import Price, adds_up, parts

D = Decimal
NONE = D(0)


@dataclass(frozen=True)
class Line:
    """A charge as it stands afterwards."""

    service: int
    moment: datetime
    quantity: Decimal
    rate: Decimal | None
    cost: Decimal
    amount: Decimal
    currency: str
    source: Source
    day: date


@dataclass
class Outcome:
    lines: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    suspense: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    records: int = 0
    filtered: int = 0
    duplicates: set[int] = field(default_factory=set)
    consolidated: set[int] = field(default_factory=set)


@dataclass
class Charged:
    """What earlier loads have charged of a signature."""

    load: int
    signature: tuple[str, ...]
    service: int
    moment: datetime
    quantity: Decimal


def rounded(cost: Decimal, currency: str) -> Decimal:
    """Dollars and yen half up, euros always up; below zero the mirror of above."""
    places = D(1) if currency == "JPY" else D("0.01")
    if currency == "EUR":
        return cost.quantize(places, ROUND_CEILING if cost > 0 else ROUND_FLOOR)
    return cost.quantize(places, ROUND_HALF_UP)


class Books:
    """A world, and what its loads have charged so far."""

    def __init__(
        self, world: World, now: datetime, reached: dict[object, Decimal] | None = None
    ) -> None:
        """`reached`: what the sums come to when all is known, if it is known beforehand."""
        self.world = world
        self.customers = Customers(world)
        self.reader = Reader(self.customers)
        self.book = PriceBook(self.customers)
        self.now = now
        self.reached = reached or {}
        self.sums: dict[object, tuple[Decimal, int]] = {}
        self.charged: list[Charged] = []
        self.loads = 0

    def load(self, records: list[tuple[int, Record]]) -> Outcome:
        self.loads += 1
        done = Outcome(records=len(records))
        usage: list[Usage] = []
        for line, record in records:
            if self.world.collector.filtered and record.kind == "SKIP" and not record.broken:
                done.filtered += 1
            else:
                usage += self.reader.read(line, record)
        collector = self.world.collector
        if collector.mode == "Deduplication":
            usage = self._once(usage, done.duplicates)
        elif collector.mode == "Consolidation":
            usage = self._together(usage, done.consolidated)
        for one in usage:
            payment = self.customers.payer(one.account)[1] if one.account is not None else None
            closed = payment.closed if payment else None
            if closed and one.day and one.day <= closed and one.cause is None:
                one.cause = "LATE" if collector.late in ("SUSPENSE", "REJECT") else None
        self._rate([one for one in usage if one.cause is None], done)
        for one in usage:
            if one.cause is not None:
                done.suspense[one.line].add(one.cause)
            elif one.signature is not None and one.moment and one.service is not None:
                assert one.quantity is not None
                self.charged.append(
                    Charged(self.loads, one.signature, one.service, one.moment, one.quantity)
                )
        return done

    def _before(self, one: Usage, first: datetime | None) -> list[Charged]:
        """What earlier loads charged of the same: as far back as the collector looks."""
        return [
            c
            for c in self.charged
            if c.signature == one.signature
            and c.service == one.service
            and (first is None or c.moment >= first)
        ]

    def _first(self) -> datetime | None:
        collector = self.world.collector
        if "at" in collector.signature or not collector.signature or not collector.lookback:
            return None
        return self.now - timedelta(days=collector.lookback)

    def _once(self, usage: list[Usage], dropped: set[int]) -> list[Usage]:
        """The first record in order of each signature, unless it was charged before."""
        kept: dict[tuple[str, ...], int] = {}
        for good in (True, False):
            for one in usage:
                if one.signature is not None and (one.cause is None) == good:
                    kept.setdefault(one.signature, one.line)
        left = []
        for one in usage:
            repeated = one.signature is not None and kept[one.signature] != one.line
            if repeated or (one.signature is not None and self._before(one, self._first())):
                dropped.add(one.line)
            else:
                left.append(one)
        return left

    def _together(self, usage: list[Usage], gone: set[int]) -> list[Usage]:
        """One record of each signature: the sum, or the highest and of it what is new."""
        groups: dict[tuple[str, ...], list[Usage]] = defaultdict(list)
        for one in usage:
            if one.cause is None and one.signature is not None:
                groups[one.signature].append(one)
        left = [one for one in usage if one.cause is not None or one.signature is None]
        for group in groups.values():
            if self.world.collector.highest:
                keep = min(group, key=lambda one: (-(one.quantity or NONE), one.line)).line
            else:
                keep = min(one.line for one in group)
                for service in {one.service for one in group}:
                    same = [one for one in group if one.service == service]
                    for one in same:
                        if one.line == keep:
                            one.quantity = sum((s.quantity or NONE for s in same), NONE)
                            costs = [s.cost for s in same if s.cost is not None]
                            one.cost = sum(costs, NONE) if costs else None
            gone |= {one.line for one in group if one.line != keep}
            for one in group:
                if one.line != keep:
                    continue
                before = self._before(one, self._first()) if self.world.collector.highest else []
                mark = sum((c.quantity for c in before), NONE)
                assert one.quantity is not None
                if before and one.quantity <= mark:
                    gone.add(one.line)
                else:
                    one.quantity -= mark
                    left.append(one)
        return left

    def _rate(self, usage: list[Usage], done: Outcome) -> None:
        groups: dict[object, list[tuple[Usage, Price, Source]]] = defaultdict(list)
        for one in usage:
            if one.cost is not None or one.rate is not None:
                assert one.quantity is not None
                cost = one.cost if one.cost is not None else (one.rate or NONE) * one.quantity
                self._write(one, done, ("Usage", None), [(one.quantity, one.rate, cost)])
                continue
            found = self.book.price(one)
            if found is None:
                one.cause = "NO_PRICE"
                continue
            price, source, replaced = found
            if not replaced and adds_up(price):
                groups[self._sum(one)].append((one, price, source))
            else:
                self._charge(one, price, source, done)
        for key, lines in groups.items():
            self._add_up(key, lines, done)

    def _add_up(self, key: object, lines: list[tuple[Usage, Price, Source]], done: Outcome) -> None:
        """Charge what is added up in one sum, in the order in which it happened."""
        lines.sort(key=lambda one: (one[0].moment, one[0].line, one[0].service))
        before, charges = self.sums.get(key, (NONE, 0))
        reached = self.reached.get(key)
        if reached is None:
            reached = before + sum((one.quantity or NONE for one, *_ in lines), NONE)
        grown, number_ = before, charges
        for nth, (one, price, source) in enumerate(lines, charges + 1):
            self._charge(one, price, source, done, before, reached, nth)
            before += one.quantity or NONE
            if one.cause is None:
                grown, number_ = grown + (one.quantity or NONE), number_ + 1
        self.sums[key] = grown, number_

    def _sum(self, one: Usage) -> object:
        assert one.service is not None and one.account is not None and one.day is not None
        product = self.world.services[one.service].product
        level = self.world.products[product].level
        scope = {
            "Product": one.service,
            "Account": one.account,
            "Invoice": self.customers.payer(one.account)[0],
        }[level]
        return level, scope, product, self.customers.period(one.account, one.day)

    def _charge(
        self,
        one: Usage,
        price: Price,
        source: Source,
        done: Outcome,
        before: Decimal = NONE,
        reached: Decimal | None = None,
        nth: int = 1,
    ) -> None:
        assert one.quantity is not None
        found = parts(price, one.quantity, before, reached, nth)
        if found is None:
            one.cause = "NO_BAND"
            return
        rest = one.quantity - sum((part.units for part in found), NONE)
        self._write(
            one,
            done,
            source,
            [
                (part.units + (NONE if at else rest), part.rate, part.cost)
                for at, part in enumerate(found)
            ],
        )

    def _write(
        self,
        one: Usage,
        done: Outcome,
        source: Source,
        charges: list[tuple[Decimal, Decimal | None, Decimal]],
    ) -> None:
        assert one.service is not None and one.account is not None
        assert one.moment is not None and one.day is not None
        currency = self.customers.currency(one.account)
        done.lines[one.line] += [
            Line(
                one.service,
                one.moment,
                quantity,
                rate,
                cost,
                rounded(cost, currency),
                currency,
                source,
                one.day,
            )
            for quantity, rate, cost in charges
        ]
