"""Which price counts for usage on its day, in the documented order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from tests.billing.pipeline.customers import Customers, within
from tests.billing.pipeline.described import LOCATIONS, Agreed, Listed, Method, Plan, Route
from tests.billing.rating.oracle import Band, Price

D = Decimal
#: Where a price comes from: its name on the line, and which of their list it is.
Source = tuple[str, object]

#: A formula that always yields something.
WHATEVER = "{!Quantity} * 2 + 1"
#: Rating formulas, and what they make of the quantity and of what the price comes to.
FORMULAS: dict[str, Callable[[Decimal, Decimal | None], Decimal | None]] = {
    WHATEVER: lambda quantity, _: quantity * 2 + 1,
    "{!CostUnrounded} + 1": lambda _, cost: None if cost is None else cost + 1,
    "10 / {!Quantity}": lambda quantity, _: D(10) / quantity if quantity else None,
    "IF({!Quantity} > 5, {!CostUnrounded}, {!Quantity})": lambda quantity, cost: (
        cost if quantity > 5 else quantity
    ),
}


@dataclass(frozen=True)
class Found:
    """A price of a day with its method; `price` is None where only a formula is there."""

    price: Price | None
    method: int
    source: Source
    replaced: bool = False
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    source: Source
    method: int
    lists: tuple[Listed, ...] = ()
    rate: Decimal | None = None
    since: date | None = None
    until: date | None = None
    plan: Plan | None = None


class PriceBook:
    """The prices of a world."""

    def __init__(self, customers: Customers) -> None:
        self.customers = customers
        self.world = customers.world

    def price(self, service: int, day: date) -> Found | None:
        """The first that has a price on the day; without any, the first that has a formula."""
        currency = self.customers.currency(self.world.services[service].account)
        formula: Found | None = None
        for level in self._levels(service, currency):
            standing = [one for one in level if within(day, one.since, one.until)]
            for one in standing:
                if one.rate is not None:
                    price = self._read(Price([Band(None, one.rate)]), one.method, bare=True)
                    return Found(price, one.method, one.source, replaced=True)
            offers = [
                (rank, nth, newest, listed, one)
                for nth, one in enumerate(standing)
                for rank, newest, listed in _in_force(one, currency, day)
            ]
            if offers:
                *_, listed, one = min(offers, key=lambda offer: offer[:3])
                price = self._read(listed.price, one.method)
                return Found(price, one.method, one.source, routes=listed.routes)
            for one in standing:
                if formula is None and self.world.methods[one.method].formula:
                    formula = Found(None, one.method, one.source)
        return formula

    def _read(self, price: Price, method: int, *, bare: bool = False) -> Price:
        """A price as the method reads it; `bare`: it is a rate that replaces bands."""
        how = self.world.methods[method]
        flags = {"flat": how.flat, "percentage": how.percentage}
        if not bare:
            flags |= {"tiered": how.tiered, "incremental": how.incremental}
            flags |= {"split": how.split and how.formula is None}
        return replace(price, **flags)

    def _levels(self, number: int, currency: str) -> Iterator[list[_Candidate]]:
        """What may price a service, the nearest first; those of a level stand side by side, the
        one that was made last first."""
        own = self.world.services[number]
        product = self.world.products[own.product]
        place = None if own.place is None else self.world.places[own.place]
        listed = product.method if place is None or place.method is None else place.method

        def method(*agreed: int | None) -> int:
            return next((one for one in (own.method, *agreed) if one is not None), listed)

        free = not product.contract_only
        name = "Account Package Product" if own.bundled else "Account Product"
        if free:
            yield [_Candidate((name, number), method(), own.own, own.rate)]
        named = [] if own.contract is None else [own.contract]
        yield from self._under(named, number, method, currency)
        at: int | None = own.account
        while at is not None:
            if at != own.account and free:
                yield [
                    _Candidate(
                        ("Parent Account Product", above),
                        method(service.method),
                        service.own,
                        service.rate,
                        service.since,
                        service.until,
                    )
                    for above, service in reversed(list(enumerate(self.world.services)))
                    if (service.account, service.product) == (at, own.product) and service.active
                ]
            if not product.named_only:
                others = [n for n, one in enumerate(self.world.contracts) if one.account == at]
                yield from self._under(
                    [n for n in others if n != own.contract], number, method, currency
                )
            account = self.world.accounts[at]
            at = account.parent if account.asks_above else None
        if free:
            if place is not None:
                yield [
                    _Candidate(("Package Product", own.place), method(), place.lists, place.rate)
                ]
            yield [_Candidate(("Product", own.product), method(), product.lists)]

    def _under(
        self, contracts: list[int], number: int, method: Callable[..., int], currency: str
    ) -> Iterator[list[_Candidate]]:
        """What these contracts say: their rates, then their rate classes; of each what is said of
        the place in the package, of the product in the package, of the product."""
        service = self.world.services[number]
        package = None if service.place is None else self.world.places[service.place].package
        inforce = [
            n
            for n in contracts
            if self.world.contracts[n].status not in ("DRAFT", "DEACTIVATED")
            and currency in (self.world.contracts[n].currencies or (currency,))
        ]

        def about(one: Agreed) -> int | None:
            if one.place is not None:
                return 0 if one.place == service.place else None
            if one.product != service.product or one.package not in (None, package):
                return None
            return 2 if one.package is None else 1

        rates = [
            (n, at, one, self.world.contracts[n].until)
            for n in inforce
            for at, one in enumerate(self.world.contracts[n].rates)
        ]
        for near in range(3):
            yield [
                _Candidate(
                    ("Contract Rate", (n, at)),
                    method(one.method),
                    one.lists,
                    since=one.since,
                    until=_first(one.until, until),
                    plan=one.plan,
                )
                for n, at, one, until in reversed(rates)
                if about(one) == near and (one.plan is None or one.plan.active)
            ]
        entries = [
            (self.world.contracts[n], number_of, a_class)
            for n in inforce
            if (number_of := self.world.contracts[n].rate_class) is not None
            and (a_class := self.world.classes[number_of]).active
        ]
        for near in range(3):
            found = [
                (
                    (number_of, at),
                    _Candidate(
                        ("Rate Class", (number_of, at)),
                        method(one.method),
                        one.lists,
                        since=_last(_last(one.since, a_class.since), contract.since),
                        until=_first(_first(one.until, a_class.until), contract.until),
                    ),
                )
                for contract, number_of, a_class in entries
                for at, one in enumerate(a_class.entries)
                if about(one) == near
            ]
            yield [one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def route(self, routes: Iterable[Route], ends: tuple[int | None, ...], kind: str) -> int | None:
        """Which rate is nearest: by where it goes, then where it comes from, then what it is."""

        def steps(at: int | None, wanted: int | None) -> int | None:
            """Steps up from a location to the one that is wanted, 99 if any is; None if not."""
            if wanted is None:
                return 99
            up = 0
            while at is not None and at != wanted:
                at, up = LOCATIONS[at][1], up + 1
            return None if at is None else up

        found = []
        for number, one in enumerate(routes):
            origin, goal = steps(ends[0], one.origin), steps(ends[1], one.destination)
            if origin is not None and goal is not None and one.kind in (None, kind):
                found.append((goal, origin, one.kind is None, number))
        return min(found)[-1] if found else None

    def method(self, found: Found) -> Method:
        return self.world.methods[found.method]


def _in_force(
    one: _Candidate, currency: str, day: date
) -> Iterator[tuple[tuple[int, bool], tuple[bool, int], Listed]]:
    """A candidate's lists that hold on the day, with their order: overriding plans, promotions,
    others, those for its very method first; then the plan that was made last."""
    for number, listed in enumerate(one.lists):
        last = listed.until - timedelta(days=1) if listed.until else None
        plan = one.plan or listed.plan
        if (
            listed.currency != currency
            or not within(day, listed.since, last)
            or listed.method not in (None, one.method)
            or (plan and not (plan.active and within(day, plan.since, plan.until)))
        ):
            continue
        rank = {"OVERRIDE": 0, "PROMOTIONAL": 1}.get(plan.kind if plan else "", 2)
        yield (rank, listed.method is None), (plan is None, -number), listed


def _first(one: date | None, other: date | None) -> date | None:
    return min(filter(None, (one, other)), default=None)


def _last(one: date | None, other: date | None) -> date | None:
    return max(filter(None, (one, other)), default=None)
