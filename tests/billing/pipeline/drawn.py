"""Generated worlds: small ones, in which much meets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from hypothesis import strategies as st

from tests.billing.pipeline.customers import Customers
from tests.billing.pipeline.described import (
    CURRENCIES,
    LABELS,
    LOCATIONS,
    ZONES,
    Account,
    Agreed,
    Collector,
    Contract,
    Listed,
    Method,
    Payment,
    Place,
    Plan,
    Product,
    RateClass,
    Route,
    Service,
    Token,
    World,
)
from tests.billing.pipeline.pricing import FORMULAS, WHATEVER
from tests.billing.rating.oracle import Band, Price

D = Decimal
#: The days on which prices and services turn, and those of usage around them.
TURNS = (date(2026, 6, 16), date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 10))
BEGIN = date(2026, 1, 1)


T = TypeVar("T")


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


def seldom(draw: st.DrawFn, times: int) -> bool:
    return draw(st.integers(1, times)) == times


days = st.sampled_from(TURNS)
amounts = st.integers(0, 5000).map(lambda n: D(n) / 400)
payments = st.builds(
    Payment,
    st.sampled_from(CURRENCIES),
    st.sampled_from(ZONES),
    st.sampled_from((31, 14)),
    maybe(st.sampled_from((date(2026, 5, 31), date(2026, 6, 14), date(2026, 6, 30)))),
)
plans = st.builds(
    Plan,
    st.sampled_from(("STANDARD", "PROMOTIONAL", "OVERRIDE")),
    st.sampled_from((True, True, True, False)),
    maybe(st.sampled_from(TURNS[:2])),
    maybe(st.sampled_from(TURNS[2:])),
)
places = st.integers(0, len(LOCATIONS) - 1)
routes = st.lists(
    st.builds(Route, maybe(places), maybe(places), maybe(st.sampled_from(LABELS)), amounts),
    max_size=5,
    unique_by=lambda one: (one.origin, one.destination, one.kind),
).map(tuple)


@st.composite
def methods(draw: st.DrawFn, *, formulas: Sequence[str]) -> Method:
    kind = draw(st.sampled_from(("Standard", "Standard", "Incremental", "Incremental", "Bulk")))
    international = seldom(draw, 4)
    return Method(
        tiered=kind != "Standard",
        incremental=kind == "Incremental",
        flat=seldom(draw, 6),
        percentage=seldom(draw, 5),
        split=kind == "Incremental" and draw(st.booleans()),
        level=draw(st.sampled_from(("Product", "Package", "Account", "Invoice"))),
        formula=draw(st.sampled_from(formulas)) if seldom(draw, 5) else None,
        international=international,
        obligatory=international and draw(st.booleans()),
    )


@st.composite
def lists(
    draw: st.DrawFn, how: Method, money: Sequence[str], gaps: bool, more: Sequence[int] = ()
) -> tuple[Listed, ...]:
    """Price lists for a method, which may turn on a day, be of a plan, or for one of the methods
    `more` only; `gaps`: they may end, on a day or at a quantity."""
    ended = gaps and seldom(draw, 5)
    found = []

    def listed(currency: str, since: date | None = None, until: date | None = None) -> Listed:
        chosen = draw(routes) if how.international else ()
        return Listed(currency, draw(prices(how, ended)), since, until, routes=chosen)

    for currency in money:
        turn = draw(maybe(days))
        found.append(listed(currency, until=turn))
        if turn is not None and (not gaps or draw(st.integers(0, 3))):
            found.append(listed(currency, turn))
        if seldom(draw, 4):
            found.append(replace(listed(currency), plan=draw(plans)))
        if more and seldom(draw, 6):
            found.append(replace(listed(currency), method=draw(st.sampled_from(more))))
    return tuple(found)


@st.composite
def prices(draw: st.DrawFn, how: Method, ended: bool) -> Price:
    """Bands; `ended`: the last has an end, so that there is no price for what is above."""
    number = draw(st.integers(1, 3)) if how.tiered else 1
    widths = [draw(st.sampled_from((D(4), D("7.5"), D(20)))) for _ in range(number)]
    bands = []
    for index in range(number):
        last = index == number - 1
        to = None if last and not (ended and how.tiered) else sum(widths[: index + 1], D(0))
        bands.append(draw(st.builds(_band, st.just(to), amounts, st.integers(0, 15), amounts)))
    if how.refills is not None:
        return Price(bands, included_quantity=draw(st.sampled_from((D(20), D(60), D("7.5")))))
    included = draw(st.sampled_from((None, None, None, (D(5), None), (None, 2), (D("12.5"), 3))))
    quantity, number_of = included or (None, None)
    return Price(bands, included_quantity=quantity, included_charges=number_of)


def _band(to: Decimal | None, rate: Decimal, more: int, amount: Decimal) -> Band:
    terms = {
        0: {"flat_fee": amount},
        1: {"fee_per_charge": amount / 10},
        2: {"min_charge": amount},
        3: {"max_charge": amount * 4},
        4: {"min_charge": amount, "max_charge": amount + 5},
        5: {"block_size": D("2.5")},
        6: {"block_size": D(10), "fee_per_charge": amount},
    }
    return Band(to, rate, **terms.get(more, {}))


collectors = st.builds(
    Collector,
    st.sampled_from(("DELIMITED", "DELIMITED", "FIXED WIDTH", "JSON", "XML", "PARQUET")),
    st.sampled_from((",", ";", "TAB", "||")),
    st.sampled_from(('"', "'", "NONE")),
    st.booleans(),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(("UTF-8", "UTF-16", "ISO-8859-1")),
    maybe(st.sampled_from(ZONES)),
    st.sampled_from(("ISO", "ISO", "DD.MM.YYYY HH24:MI:SS", "EPOCH")),
    st.sampled_from((None, D("0.5"), D(3))),
    st.sampled_from(("Disable", "Deduplication", "Deduplication", "Consolidation")),
    st.sampled_from(((), (), ("who", "at"), ("who", "kind"))),
    st.booleans(),
    st.sampled_from((None, 10)),
    st.sampled_from(("CURRENT PERIOD", "ORIGINAL PERIOD IF OPEN", "SUSPENSE", "REJECT")),
    st.sampled_from(("none", "none", "by kind", "told", "one")),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("", "", "GZ", "ZIP")),
)


class _Drawing:
    """A world as it is being drawn."""

    def __init__(self, draw: st.DrawFn, *, gaps: bool) -> None:
        self.draw, self.gaps = draw, gaps
        self.accounts: list[Account] = []
        for number in range(draw(st.integers(3, 5))):
            above = draw(maybe(st.integers(0, number - 1))) if number else None
            zone = draw(st.sampled_from((None, None, *ZONES)))
            self.accounts.append(Account(above, draw(maybe(payments)), zone, draw(st.booleans())))
        bare = World(tuple(self.accounts), (), (), 0, (), (), (), (), (), draw(collectors))
        self.bare, self.customers = bare, Customers(bare)
        formulas = sorted(FORMULAS) if gaps else [WHATEVER]
        self.methods = draw(st.lists(methods(formulas=formulas), min_size=3, max_size=5))
        usage = len(self.methods)
        self.methods += [Method(refills=False), Method(refills=True)]
        money = CURRENCIES[: draw(st.sampled_from((1, 3, 3)))]
        self.products = []
        for number in [draw(st.integers(0, usage - 1)) for _ in range(draw(st.integers(3, 5)))]:
            alike = [n for n, m in enumerate(self.methods[:usage]) if m.tiered]
            self.products.append(
                Product(
                    number,
                    draw(st.sampled_from((*LABELS, *LABELS, None))),
                    draw(lists(self.methods[number], money, gaps, alike)),
                    gaps and seldom(draw, 8),
                    seldom(draw, 8),
                )
            )
        self.usual = len(self.products)
        for number in (usage, usage + 1):
            listed = draw(lists(self.methods[number], CURRENCIES, False))
            self.products.append(Product(number, None, listed))
        self.packages = draw(st.integers(1, 2))
        self.places = [
            self._place() for _ in range(draw(st.integers(1, 4)) if self.packages else 0)
        ]

    def _method(self, product: int) -> int | None:
        """Another method for a product, if any: one that reads as many bands."""
        own = self.methods[self.products[product].method]
        alike = [n for n, m in enumerate(self.methods) if m.tiered == own.tiered]
        usual = [n for n in alike if self.methods[n].refills is None]
        if own.refills is not None or not seldom(self.draw, 5):
            return None
        return self.draw(st.sampled_from(usual))

    def _place(self) -> Place:
        product = self.draw(st.integers(0, self.usual - 1))
        method = self._method(product)
        how = self.methods[self.products[product].method if method is None else method]
        own = self.draw(lists(how, CURRENCIES, self.gaps)) if seldom(self.draw, 2) else ()
        rate = self.draw(amounts) if seldom(self.draw, 4) else None
        label = self.draw(st.sampled_from((None, None, *LABELS)))
        package = self.draw(st.integers(0, self.packages - 1))
        return Place(package, product, method, label, rate, own)

    def agreed(self, money: Sequence[str], *, contract: bool) -> tuple[Agreed, ...]:
        """What a contract or a rate class says of some products."""
        found = []
        for _ in range(self.draw(st.integers(1, 4))):
            product = self.draw(st.integers(0, len(self.products) - 1))
            place = package = None
            if self.packages and seldom(self.draw, 3):
                package = self.draw(st.integers(0, self.packages - 1))
            elif self.places and seldom(self.draw, 2):
                place = self.draw(st.integers(0, len(self.places) - 1))
                product = self.places[place].product
            method = self._method(product)
            how = self.methods[self.products[product].method if method is None else method]
            plan = self.draw(plans) if contract and seldom(self.draw, 4) else None
            listed = self.draw(lists(how, money[:1] if plan else money, self.gaps))
            # Prices lie within the days of what they hang on: they have none of their own here.
            usual = {
                one.currency: replace(one, since=None, until=None)
                for one in listed
                if one.plan is None
            }
            since = self.draw(st.sampled_from((BEGIN, TURNS[0], TURNS[1])))
            until = self.draw(st.sampled_from((None, None, TURNS[2], TURNS[3])))
            lists_ = tuple(usual.values())
            found.append(Agreed(product, place, package, method, since, until, lists_, plan))
        # No two are about the same.
        named = {(one.place is None and one.product, one.place, one.package): one for one in found}
        return tuple(named.values())

    def rate_class(self) -> RateClass:
        since = self.draw(st.sampled_from((None, BEGIN)))
        until = self.draw(st.sampled_from((None, None, TURNS[3])))
        return RateClass(
            since, until, not seldom(self.draw, 6), self.agreed(CURRENCIES, contract=False)
        )

    def contract(self, classes: int) -> Contract:
        account = self.draw(st.integers(0, len(self.accounts) - 1))
        own = self.customers.currency(account)
        money = (own, *(one for one in CURRENCIES if one != own and seldom(self.draw, 2)))
        return Contract(
            account,
            BEGIN,
            self.draw(st.sampled_from((None, None, TURNS[3]))),
            self.draw(st.sampled_from(("ACTIVE", "ACTIVE", "ACTIVE", "DRAFT", "EXPIRED"))),
            money if seldom(self.draw, 3) else (),
            None if seldom(self.draw, 4) else self.draw(st.integers(0, classes - 1)),
            self.agreed(money, contract=True),
        )

    def service(self, contracts: Sequence[Contract], paid: Sequence[Service]) -> Service:
        account = self.draw(st.integers(0, len(self.accounts) - 1))
        place = None
        product = self.draw(st.integers(0, self.usual - 1))
        if self.places and seldom(self.draw, 2):
            place = self.draw(st.integers(0, len(self.places) - 1))
            product = self.places[place].product
        named = [
            n
            for n, one in enumerate(contracts)
            if one.until is None and one.account in self._above(account)
        ]
        how = self.draw(st.integers(0, 31))
        day = self.draw(days)
        method = self._method(product)
        own: tuple[Listed, ...] = ()
        if how & 7 in (2, 3):
            listed = self.products[product].method if method is None else method
            own = self.draw(
                lists(self.methods[listed], [self.customers.currency(account)], self.gaps)
            )
        pools = [n for n, one in enumerate(paid) if one.account == account]
        return Service(
            account,
            product,
            day if how & 24 == 8 else BEGIN,
            day if how & 24 == 16 else None,
            self.draw(amounts) if how & 7 == 1 else None,
            own,
            how != 31,
            method,
            place,
            place is not None and self.draw(st.booleans()),
            self.draw(maybe(st.sampled_from(named))) if named else None,
            None if not pools or seldom(self.draw, 4) else self.draw(st.sampled_from(pools)),
        )

    def _above(self, account: int) -> list[int]:
        above = self.accounts[account].parent
        return [account] if above is None else [account, *self._above(above)]

    def paid(self) -> Service:
        """A service of prepaid usage."""
        product = self.draw(st.integers(self.usual, len(self.products) - 1))
        account = self.draw(st.integers(0, len(self.accounts) - 1))
        since = self.draw(st.sampled_from((BEGIN, BEGIN, TURNS[0])))
        until = self.draw(st.sampled_from((None, None, TURNS[2])))
        quantity = self.draw(st.integers(1, 2))
        active = not seldom(self.draw, 8)
        return Service(*(account, product, since, until, None, (), active), quantity=quantity)


@st.composite
def worlds(draw: st.DrawFn, gaps: bool = True) -> World:
    """`gaps`: something may have no price for a while or for large quantities, or no amount."""
    drawing = _Drawing(draw, gaps=gaps)
    classes = [drawing.rate_class() for _ in range(draw(st.integers(1, 2)))]
    contracts = [drawing.contract(len(classes)) for _ in range(draw(st.integers(2, 5)))]
    services = [drawing.paid() for _ in range(draw(st.integers(1, 3)))]
    pools = tuple(services)
    services += [drawing.service(contracts, pools) for _ in range(draw(st.integers(4, 9)))]
    tokens = []
    for number, service in enumerate(services):
        how = draw(st.integers(0, 11))
        whose = None if how in (10, 11) else number
        since, until = {8: (TURNS[0], None), 9: (None, TURNS[2])}.get(how, (None, None))
        tokens.append(Token(f"t{number:02}", service.account, whose, since, until, how != 7))
    # A token that moves on to somebody else.
    for at, (since, until) in enumerate(((None, date(2026, 6, 29)), (date(2026, 7, 2), None))):
        moved = len(services) - 1 - at
        tokens.append(Token("moved", services[moved].account, moved, since, until, True))
    return replace(
        drawing.bare,
        methods=tuple(drawing.methods),
        products=tuple(drawing.products),
        packages=drawing.packages,
        places=tuple(drawing.places),
        classes=tuple(classes),
        contracts=tuple(contracts),
        services=tuple(services),
        tokens=tuple(tokens),
    )
