"""What becomes of a load's records, reckoned by hand: one record after the other, no database."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from tests.billing.pipeline.customers import Customers
from tests.billing.pipeline.described import Record, World
from tests.billing.pipeline.pools import Draw, Pools
from tests.billing.pipeline.pricing import FORMULAS, Found, PriceBook, Source
from tests.billing.pipeline.reading import Reader, Usage
from tests.billing.pipeline.repeats import NONE, Repeats
from tests.billing.rating.oracle import PLACES, Band, Part, Price, adds_up, cost, parts

D = Decimal


@dataclass(frozen=True)
class Line:
    """A charge as it stands afterwards; `covered`: units that `paid`, a prepaid service, covers or
    that a refill of it brought."""

    service: int
    moment: datetime
    quantity: Decimal
    rate: Decimal | None
    cost: Decimal
    amount: Decimal
    currency: str
    source: Source
    day: date
    paid: int | None = None
    covered: Decimal | None = None

    @property
    def refill(self) -> bool:
        return self.paid == self.service


@dataclass
class Outcome:
    lines: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    suspense: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    records: int = 0
    filtered: int = 0
    duplicates: set[int] = field(default_factory=set)
    consolidated: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Added:
    """What a load has added to a sum over tiers, or drawn from a pool."""

    load: int
    account: int
    key: object
    quantity: Decimal
    more: Decimal = NONE


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
        self.pools = Pools(self.book)
        self.repeats = Repeats(world.collector, now)
        self.reached = reached or {}
        self.sums: dict[object, tuple[Decimal, int]] = {}
        self.added: list[Added] = []
        self.drawn: list[Added] = []
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
        usage, done.duplicates, done.consolidated = self.repeats.settle(usage)
        for one in usage:
            payment = self.customers.payer(one.account)[1] if one.account is not None else None
            closed = payment.closed if payment else None
            late = self.world.collector.late in ("SUSPENSE", "REJECT")
            if late and closed and one.day and one.day <= closed and one.cause is None:
                one.cause = "LATE"
        self._rate([one for one in usage if one.cause is None], done)
        for one in usage:
            if one.cause is None:
                self.repeats.keep(self.loads, one)
            else:
                done.suspense[one.line].add(one.cause)
        return done

    def take_back(self, load: int, kept: set[int]) -> None:
        """Take back a load, but not what is of the accounts that are kept."""
        self.repeats.take_back(load, kept)

        def gone(one: Added) -> bool:
            return one.load == load and one.account not in kept

        for one in filter(gone, self.added):
            quantity, charges = self.sums[one.key]
            self.sums[one.key] = quantity - one.quantity, charges - 1
        for one in filter(gone, self.drawn):
            assert isinstance(one.key, int)
            self.pools.give_back(one.key, one.quantity, one.more)
        self.added = [one for one in self.added if not gone(one)]
        self.drawn = [one for one in self.drawn if not gone(one)]

    def _rate(self, usage: list[Usage], done: Outcome) -> None:
        """Draw what is prepaid, then charge the rest: what adds up nothing, and sum by sum."""
        groups: dict[object, list[tuple[Usage, Found, Decimal]]] = defaultdict(list)
        for one in sorted(usage, key=_in_order):
            assert one.service is not None and one.day is not None and one.quantity is not None
            if one.cost is not None or one.rate is not None:
                total = one.cost if one.cost is not None else (one.rate or NONE) * one.quantity
                part = Part(one.quantity, one.rate, total)
                self._write(one, done, ("Usage", None), [part])
                continue
            rest = one.quantity
            if (paid := self.pools.of(one.service, one.day)) is not None:
                drawn = self.pools.draw(paid, one.day, one.quantity)
                if drawn is None:
                    one.cause = "NO_PRICE"
                    continue
                if drawn.covered:
                    self._draw(one, paid, drawn, done)
                    rest -= drawn.covered
                    if not rest:
                        self._cover(one, done)
                        continue
            found = self.book.price(one.service, one.day)
            if found and found.price and self.book.method(found).refills is not None:
                # What prepaid usage includes is for what draws on it.
                bare = replace(found.price, included_quantity=None, included_charges=None)
                found = replace(found, price=bare)
            if found is None:
                self._leave(one, "NO_PRICE", done)
            elif self._adds_up(found):
                groups[self._sum(one, found)].append((one, found, rest))
            else:
                self._charge(one, found, rest, done)
        for key, lines in groups.items():
            self._add_up(key, lines, done)

    def _draw(self, one: Usage, paid: int, drawn: Draw, done: Outcome) -> None:
        """Note what was drawn, and charge the refills."""
        assert one.moment is not None and one.day is not None and one.account is not None
        one.covered, one.paid = drawn.covered, paid
        refilled = self.pools.refilled(paid, drawn)
        self.drawn.append(Added(self.loads, one.account, paid, drawn.covered, refilled))
        if drawn.refills:
            assert drawn.price.price is not None
            bought = D(self.world.services[paid].quantity)
            plain = Price(
                drawn.price.price.bands,
                flat=drawn.price.price.flat,
                percentage=drawn.price.price.percentage,
            )
            (part,) = parts(plain, bought) or []
            currency = self.customers.currency(one.account)
            line = Line(
                *(paid, one.moment, bought, part.rate, part.cost, rounded(part.cost, currency)),
                *(currency, drawn.price.source, one.day, paid, refilled / drawn.refills),
            )
            done.lines[one.line] += [line] * drawn.refills

    def _cover(self, one: Usage, done: Outcome) -> None:
        """The line of what is covered, where no other tells it."""
        assert one.service is not None and one.account is not None and one.paid is not None
        assert one.moment is not None and one.day is not None
        currency = self.customers.currency(one.account)
        done.lines[one.line].append(
            Line(
                *(one.service, one.moment, one.covered, NONE, NONE, NONE, currency),
                *(("Prepaid", one.paid), one.day, one.paid, one.covered),
            )
        )

    def _leave(self, one: Usage, cause: str, done: Outcome) -> None:
        """What exceeds waits; what was covered is charged."""
        one.cause = cause
        if one.paid is not None:
            self._cover(one, done)

    def _adds_up(self, found: Found) -> bool:
        if found.replaced:
            return False
        if found.price is None:
            return self.book.method(found).tiered
        return adds_up(found.price)

    def _add_up(
        self, key: object, lines: list[tuple[Usage, Found, Decimal]], done: Outcome
    ) -> None:
        """Charge what is added up in one sum, in the order in which it happened; what has no rate
        between its locations does not count."""
        for one, _, _ in [line for line in lines if self._stranded(*line[:2])]:
            self._leave(one, "NO_ROUTE", done)
        lines = [line for line in lines if line[0].cause is None]
        before, charges = self.sums.get(key, (NONE, 0))
        reached = self.reached.get(key)
        if reached is None:
            reached = before + sum((rest for *_, rest in lines), NONE)
        grown, number_ = before, charges
        for nth, (one, found, rest) in enumerate(lines, charges + 1):
            self._charge(one, found, rest, done, before, reached, nth)
            before += rest
            if one.cause is None:
                assert one.account is not None
                grown, number_ = grown + rest, number_ + 1
                self.added.append(Added(self.loads, one.account, key, rest))
        self.sums[key] = grown, number_

    def _route(self, one: Usage, found: Found) -> int | None:
        method = self.book.method(found)
        if not method.international or found.replaced:
            return None
        return self.book.route(found.routes, one.ends, one.kind)

    def _stranded(self, one: Usage, found: Found) -> bool:
        """Whether it has no rate between its locations, and needs one."""
        wanted = self.book.method(found).obligatory and not found.replaced
        return wanted and self._route(one, found) is None

    def _sum(self, one: Usage, found: Found) -> object:
        assert one.service is not None and one.account is not None and one.day is not None
        service = self.world.services[one.service]
        level = self.book.method(found).level
        bundle = None
        if service.bundled and service.place is not None:
            bundle = self.world.places[service.place].package
        scope = {
            "Product": one.service,
            "Package": ("of", one.service) if bundle is None else (one.account, bundle),
            "Account": one.account,
            "Invoice": self.customers.payer(one.account)[0],
        }[level]
        product = None if level == "Package" else service.product
        period = self.customers.period(one.account, one.day)
        return level, scope, product, found.method, period

    def _charge(
        self,
        one: Usage,
        found: Found,
        quantity: Decimal,
        done: Outcome,
        before: Decimal = NONE,
        reached: Decimal | None = None,
        nth: int = 1,
    ) -> None:
        method = self.book.method(found)
        price = found.price
        if self._stranded(one, found):
            self._leave(one, "NO_ROUTE", done)
            return
        route = self._route(one, found)
        if route is not None:
            rate = Band(None, found.routes[route].rate)
            price = Price([rate], flat=method.flat, percentage=method.percentage)
            before, reached, nth = NONE, None, 1
        made = None if price is None else parts(price, quantity, before, reached, nth)
        if method.formula:
            plain = (
                None
                if made is None or price is None
                else cost(price, quantity, before, reached, nth)
            )
            result = FORMULAS[method.formula](quantity, plain)
            if result is None:
                self._leave(one, "FORMULA", done)
                return
            told = made[0].rate if made else None
            made = [Part(quantity, told, result.quantize(PLACES, ROUND_HALF_UP))]
        if made is None:
            self._leave(one, "NO_BAND", done)
            return
        rest = quantity - sum((part.units for part in made), NONE)
        made[0] = Part(made[0].units + rest, made[0].rate, made[0].cost)
        self._write(one, done, found.source, made, apart=method.split)

    def _write(
        self,
        one: Usage,
        done: Outcome,
        source: Source,
        charges: list[Part],
        *,
        apart: bool = False,
    ) -> None:
        """The lines of a record; what was covered is told with the first, or `apart`."""
        assert one.service is not None and one.account is not None
        assert one.moment is not None and one.day is not None
        currency = self.customers.currency(one.account)
        told = one.paid is not None and not apart
        for part in charges:
            line = Line(
                one.service,
                one.moment,
                part.units + (one.covered if told else NONE),
                part.rate,
                part.cost,
                rounded(part.cost, currency),
                currency,
                source,
                one.day,
                one.paid if told else None,
                one.covered if told else None,
            )
            done.lines[one.line].append(line)
        if apart and one.paid is not None:
            self._cover(one, done)


def _in_order(one: Usage) -> tuple[object, ...]:
    """Usage as it happened; of one moment as its records come, of one record as the services do."""
    return one.moment, one.line, one.service
