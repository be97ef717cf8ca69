"""What usage meets on its way, as plain values: a catalog, customers, a collector, and its files.

Everything names what it belongs to by its place in a list. Nothing here knows of the product.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from tests.billing.rating.oracle import Price

ZONES = ("UTC", "America/New_York", "Asia/Tokyo", "Europe/Berlin")
CURRENCIES = ("USD", "EUR", "JPY")
FIRST = datetime(2026, 6, 14)
HOURS = 33 * 24
LABELS = ("DATA", "VOICE")
#: Locations: name, the wider one, and whether usage may be rated to it.
LOCATIONS = (
    ("EU", None, True),
    ("1", None, True),
    ("1212", 1, True),
    ("44", 0, True),
    ("447", 3, True),
    ("4477", 4, False),
    ("49", 0, True),
)


@dataclass(frozen=True)
class Payment:
    """How an account is invoiced; `closed` is the last day of its last closed invoice."""

    currency: str
    zone: str
    closing_day: int
    closed: date | None


@dataclass(frozen=True)
class Account:
    """`parent` stands before it in the list; `zone` is its own, if it has one."""

    parent: int | None
    payment: Payment | None
    zone: str | None
    asks_above: bool


@dataclass(frozen=True)
class Method:
    """How prices are read. `formula`: one of `FORMULAS`; `international`: by locations, which it
    wants where `obligatory`; `refills`: of prepaid usage, whether it is bought again."""

    tiered: bool = False
    incremental: bool = False
    flat: bool = False
    percentage: bool = False
    split: bool = False
    level: str = "Product"
    formula: str | None = None
    international: bool = False
    obligatory: bool = False
    refills: bool | None = None


@dataclass(frozen=True)
class Plan:
    kind: str
    active: bool
    since: date | None
    until: date | None


@dataclass(frozen=True)
class Route:
    """A rate between two locations, or any; perhaps for one kind of usage."""

    origin: int | None
    destination: int | None
    kind: str | None
    rate: Decimal


@dataclass(frozen=True)
class Listed:
    """A list of prices in a currency, for the days from `since` up to but not with `until`;
    `method`: only for who is charged by it."""

    currency: str
    price: Price
    since: date | None = None
    until: date | None = None
    plan: Plan | None = None
    method: int | None = None
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class Product:
    method: int
    label: str | None
    lists: tuple[Listed, ...]
    contract_only: bool = False
    named_only: bool = False


@dataclass(frozen=True)
class Place:
    """A product in a package, perhaps with a rate or prices of its own."""

    package: int
    product: int
    method: int | None
    label: str | None
    rate: Decimal | None
    lists: tuple[Listed, ...]


@dataclass(frozen=True)
class Agreed:
    """What a contract or a rate class says of a product, or of a place in a package; `package`:
    only of the product inside it. `plan`: of a contract, the prices are those of a plan."""

    product: int
    place: int | None
    package: int | None
    method: int | None
    since: date | None
    until: date | None
    lists: tuple[Listed, ...]
    plan: Plan | None = None


@dataclass(frozen=True)
class RateClass:
    since: date | None
    until: date | None
    active: bool
    entries: tuple[Agreed, ...]


@dataclass(frozen=True)
class Contract:
    """`currencies`: the only ones it prices in, if it says so."""

    account: int
    since: date
    until: date | None
    status: str
    currencies: tuple[str, ...]
    rate_class: int | None
    rates: tuple[Agreed, ...]


@dataclass(frozen=True)
class Service:
    """An account product: `rate` overrides prices, `own` are prices of its own; `bundled`: it came
    with a package of the account, in which it has a `place`; `paid`: the service before it that it
    draws on."""

    account: int
    product: int
    since: date
    until: date | None
    rate: Decimal | None
    own: tuple[Listed, ...]
    active: bool
    method: int | None = None
    place: int | None = None
    bundled: bool = False
    contract: int | None = None
    paid: int | None = None
    quantity: int = 1


@dataclass(frozen=True)
class Token:
    """What usage is known by; it may be of one service, or of whatever its account has."""

    text: str
    account: int
    service: int | None
    since: date | None
    until: date | None
    active: bool


@dataclass(frozen=True)
class Collector:
    """How records are written, and what becomes of them."""

    form: str
    delimiter: str
    qualifier: str
    header: bool
    skipped: int
    trailer: bool
    encoding: str
    zone: str | None
    dates: str
    multiplier: Decimal | None
    mode: str
    signature: tuple[str, ...]
    highest: bool
    lookback: int | None
    late: str
    labels: str
    filtered: bool
    located: bool
    packed: str


@dataclass(frozen=True)
class Record:
    """What a record says, as it is written; `broken`: no reader can tell its values apart."""

    who: str
    at: str
    much: str
    kind: str
    label: str
    rate: str
    cost: str
    origin: str = ""
    goal: str = ""
    broken: bool = False


@dataclass(frozen=True)
class World:
    accounts: tuple[Account, ...]
    methods: tuple[Method, ...]
    products: tuple[Product, ...]
    packages: int
    places: tuple[Place, ...]
    classes: tuple[RateClass, ...]
    contracts: tuple[Contract, ...]
    services: tuple[Service, ...]
    tokens: tuple[Token, ...]
    collector: Collector


def dearer(world: World, by: Decimal) -> World:
    """The same with all rates raised, the second band's by twice as much and so on."""

    def raised(listed: Listed) -> Listed:
        bands = [replace(b, rate=b.rate + by * n) for n, b in enumerate(listed.price.bands, 1)]
        routes = tuple(replace(route, rate=route.rate + by) for route in listed.routes)
        return replace(listed, price=replace(listed.price, bands=bands), routes=routes)

    def all_of(lists: tuple[Listed, ...]) -> tuple[Listed, ...]:
        return tuple(map(raised, lists))

    def more(rate: Decimal | None) -> Decimal | None:
        return None if rate is None else rate + by

    def agreed(rows: tuple[Agreed, ...]) -> tuple[Agreed, ...]:
        return tuple(replace(one, lists=all_of(one.lists)) for one in rows)

    return replace(
        world,
        products=tuple(replace(one, lists=all_of(one.lists)) for one in world.products),
        places=tuple(
            replace(one, rate=more(one.rate), lists=all_of(one.lists)) for one in world.places
        ),
        classes=tuple(replace(one, entries=agreed(one.entries)) for one in world.classes),
        contracts=tuple(replace(one, rates=agreed(one.rates)) for one in world.contracts),
        services=tuple(
            replace(one, rate=more(one.rate), own=all_of(one.own)) for one in world.services
        ),
    )
