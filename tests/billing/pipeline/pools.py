"""Prepaid usage: what is left of it, and what is bought again, record by record."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.billing.pipeline.customers import within
from tests.billing.pipeline.pricing import Found, PriceBook
from tests.billing.rating.oracle import Prepaid

D = Decimal


@dataclass(frozen=True)
class Draw:
    """What a record drew: how much of it is covered, and the refills at which price."""

    covered: Decimal
    refills: int
    price: Found


class Pools:
    """What the prepaid services of a world still include."""

    def __init__(self, book: PriceBook) -> None:
        self.book = book
        self.world = book.world
        self.pools: dict[int, Prepaid] = {}

    def of(self, service: int, day: date) -> int | None:
        """The prepaid service that a service draws on, on the day."""
        paid = self.world.services[service].paid
        if paid is None:
            return None
        has = self.world.services[paid]
        return paid if has.active and within(day, has.since, has.until) else None

    def draw(self, paid: int, day: date, quantity: Decimal) -> Draw | None:
        """What is drawn for a record; None where the prepaid service has no price, now or when it
        began."""
        has = self.world.services[paid]
        price, first = self.book.price(paid, day), self.book.price(paid, has.since)
        if price is None or first is None:
            return None
        pool = self.pools.setdefault(paid, Prepaid(self._units(paid, first)))
        refills = self.world.methods[self.world.products[has.product].method].refills
        pool.refill = self._units(paid, price) if refills else None
        covered, _, bought = pool.draw(quantity)
        return Draw(covered, bought, price)

    def _units(self, paid: int, found: Found) -> Decimal:
        assert found.price is not None
        return self.world.services[paid].quantity * (found.price.included_quantity or D(0))

    def give_back(self, paid: int, covered: Decimal, refilled: Decimal) -> None:
        self.pools[paid].drawn -= covered
        self.pools[paid].included -= refilled

    def refilled(self, paid: int, drawn: Draw) -> Decimal:
        """The units that the refills of a record brought."""
        return drawn.refills * self._units(paid, drawn.price)
