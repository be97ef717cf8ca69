"""What usage meets on its way, as plain values: a catalog, customers, a collector, and its files.

Everything names what it belongs to by its place in a list. Nothing here knows of the product.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from tests.billing.rating.oracle import Band, Price

D = Decimal
ZONES = ("UTC", "America/New_York", "Asia/Tokyo", "Europe/Berlin")
CURRENCIES = ("USD", "EUR", "JPY")
#: The days on which prices and services turn, and those of usage around them.
TURNS = (date(2026, 6, 16), date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 10))
FIRST = datetime(2026, 6, 14)
HOURS = 33 * 24
LABELS = ("DATA", "VOICE")


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
class Listed:
    """A list of prices in a currency, for the days from `since` up to but not with `until`."""

    currency: str
    price: Price
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Product:
    level: str
    label: str | None
    lists: tuple[Listed, ...]

    @property
    def price(self) -> Price:
        """One of its prices; they are all read with one rating method."""
        return self.lists[0].price


@dataclass(frozen=True)
class Agreed:
    """A rate of a contract of an account, from a day on."""

    account: int
    product: int
    rate: Decimal
    since: date


@dataclass(frozen=True)
class Service:
    """An account product: `rate` overrides prices, `own` is a price of its own."""

    account: int
    product: int
    since: date
    until: date | None
    rate: Decimal | None
    own: Decimal | None
    active: bool


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
    broken: bool = False


@dataclass(frozen=True)
class World:
    accounts: tuple[Account, ...]
    products: tuple[Product, ...]
    agreed: tuple[Agreed, ...]
    services: tuple[Service, ...]
    tokens: tuple[Token, ...]
    collector: Collector


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


days = st.sampled_from(TURNS)
amounts = st.integers(0, 5000).map(lambda n: D(n) / 400)
payments = st.builds(
    Payment,
    st.sampled_from(CURRENCIES),
    st.sampled_from(ZONES),
    st.sampled_from((31, 14)),
    maybe(st.sampled_from((date(2026, 5, 31), date(2026, 6, 14), date(2026, 6, 30)))),
)


@st.composite
def products(draw: st.DrawFn, gaps: bool) -> Product:
    """A product with prices that may turn on a day, in one currency or in all; `gaps`: it may have
    none for large quantities."""
    kind = draw(st.sampled_from(("Standard", "Standard", "Incremental", "Incremental", "Bulk")))
    how = {
        "tiered": kind != "Standard",
        "incremental": kind == "Incremental",
        "flat": draw(st.integers(0, 5)) == 0,
        "percentage": draw(st.integers(0, 4)) == 0,
        "split": kind == "Incremental" and draw(st.booleans()),
    }

    ended = gaps and draw(st.integers(0, 4)) == 0

    def listed(currency: str, since: date | None, until: date | None) -> Listed:
        return Listed(currency, draw(prices(how, ended)), since, until)

    lists = []
    for currency in CURRENCIES[: draw(st.sampled_from((1, 3, 3)))]:
        turn = draw(maybe(days))
        lists.append(listed(currency, None, turn))
        if turn is not None and draw(st.integers(0, 3)):
            lists.append(listed(currency, turn, None))
    level = draw(st.sampled_from(("Product", "Account", "Invoice")))
    return Product(level, draw(st.sampled_from((None, *LABELS))), tuple(lists))


@st.composite
def prices(draw: st.DrawFn, how: dict[str, bool], ended: bool) -> Price:
    """Bands; `ended`: the last has an end, so that there is no price for what is above."""
    number = draw(st.integers(1, 3)) if how["tiered"] else 1
    widths = [draw(st.sampled_from((D(4), D("7.5"), D(20)))) for _ in range(number)]
    bands = []
    for index in range(number):
        last = index == number - 1
        to = None if last and not ended else sum(widths[: index + 1], D(0))
        bands.append(draw(st.builds(_band, st.just(to), amounts, st.integers(0, 15), amounts)))
    included = draw(st.sampled_from((None, None, None, (D(5), None), (None, 2), (D("12.5"), 3))))
    quantity, number_of = included or (None, None)
    if how["split"]:
        bands = [Band(band.to, band.rate, block_size=band.block_size) for band in bands]
    return Price(bands, **how, included_quantity=quantity, included_charges=number_of)


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
    st.sampled_from(("DELIMITED", "DELIMITED", "FIXED WIDTH", "JSON", "XML")),
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
    st.sampled_from(("none", "one", "by kind", "told")),
    st.booleans(),
)


@st.composite
def worlds(draw: st.DrawFn, gaps: bool = True) -> World:
    accounts: list[Account] = []
    for number in range(draw(st.integers(3, 6))):
        above = draw(maybe(st.integers(0, number - 1))) if number else None
        accounts.append(
            Account(
                above,
                draw(maybe(payments)),
                draw(st.sampled_from((None, None, *ZONES))),
                draw(st.booleans()),
            )
        )
    catalog = draw(st.lists(products(gaps), min_size=3, max_size=6))
    account, product = st.integers(0, len(accounts) - 1), st.integers(0, len(catalog) - 1)
    agreed = draw(
        st.lists(
            st.builds(Agreed, account, product, amounts, days),
            max_size=4,
            unique_by=lambda one: (one.account, one.product),
        )
    )
    service = st.builds(_service, account, product, st.integers(0, 31), days, amounts)
    services = draw(st.lists(service, min_size=4, max_size=9))
    tokens = []
    for number, service in enumerate(services):
        how = draw(st.integers(0, 11))
        whose = None if how in (0, 1) else number
        since, until = {2: (TURNS[0], None), 3: (None, TURNS[2])}.get(how, (None, None))
        tokens.append(Token(f"t{number:02}", service.account, whose, since, until, how != 4))
    if len(services) > 1:
        # A token that moves on to somebody else.
        for at, (since, until) in enumerate(((None, date(2026, 6, 29)), (date(2026, 7, 2), None))):
            tokens.append(Token("moved", services[at].account, at, since, until, True))
    return World(
        tuple(accounts),
        tuple(catalog),
        tuple(agreed),
        tuple(services),
        tuple(tokens),
        draw(collectors),
    )


def _service(account: int, product: int, how: int, day: date, amount: Decimal) -> Service:
    since = day if how & 24 == 8 else date(2026, 1, 1)
    until = day if how & 24 == 16 else None
    rate = amount if how & 7 == 1 else None
    own = amount if how & 7 in (2, 3) else None
    return Service(account, product, since, until, rate, own, how != 31)


def dearer(world: World, by: Decimal) -> World:
    """The same with all rates raised, the second band's by twice as much and so on."""

    def raised(listed: Listed) -> Listed:
        bands = [replace(b, rate=b.rate + by * n) for n, b in enumerate(listed.price.bands, 1)]
        return replace(listed, price=replace(listed.price, bands=bands))

    def more(rate: Decimal | None) -> Decimal | None:
        return None if rate is None else rate + by

    return replace(
        world,
        products=tuple(replace(one, lists=tuple(map(raised, one.lists))) for one in world.products),
        agreed=tuple(replace(one, rate=one.rate + by) for one in world.agreed),
        services=tuple(
            replace(one, rate=more(one.rate), own=more(one.own)) for one in world.services
        ),
    )
