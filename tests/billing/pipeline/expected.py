"""What becomes of a load's records, reckoned by hand: one record after the other, no database."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from tests.billing.pipeline.described import LABELS, Agreed, Payment, Record, Service, World
from tests.billing.rating.oracle import Band, Price, adds_up, parts

D = Decimal
NONE = D(0)
#: A source of prices: its name on the line, and which of the list it is.
Source = tuple[str, int | None]
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_FORMS = {"ISO": "%Y-%m-%d %H:%M:%S", "DD.MM.YYYY HH24:MI:SS": "%d.%m.%Y %H:%M:%S"}


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
class Usage:
    """A record as one service would be charged for it; `cause`: why it isn't."""

    line: int
    service: int | None
    account: int | None
    moment: datetime | None
    day: date | None
    quantity: Decimal | None
    rate: Decimal | None
    cost: Decimal | None
    signature: tuple[str, ...] | None
    cause: str | None


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


def number(text: str) -> Decimal | None:
    return D(text) if _NUMBER.fullmatch(text) else None


class Books:
    """A world, and what its loads have charged so far."""

    def __init__(
        self, world: World, now: datetime, reached: dict[object, Decimal] | None = None
    ) -> None:
        """`reached`: what the sums come to when all is known, if it is known beforehand."""
        self.world = world
        self.now = now
        self.reached = reached or {}
        self.sums: dict[object, tuple[Decimal, int]] = {}
        self.charged: list[Charged] = []
        self.loads = 0

    # Whose days, whose money.

    def payer(self, account: int) -> tuple[int, Payment | None]:
        """The account that pays for another, or for itself: the next above with a profile."""
        at: int | None = account
        while at is not None:
            if self.world.accounts[at].payment is not None:
                return at, self.world.accounts[at].payment
            at = self.world.accounts[at].parent
        return account, None

    def zone(self, account: int) -> ZoneInfo:
        payment = self.payer(account)[1]
        own = self.world.accounts[account].zone
        return ZoneInfo(own or (payment.zone if payment else "UTC"))

    def currency(self, account: int) -> str:
        payment = self.payer(account)[1]
        return payment.currency if payment else "USD"

    def period(self, account: int, day: date) -> date:
        """The first day of the payer's billing period; of the month where there is none."""
        payment = self.payer(account)[1]
        first = 15 if payment and payment.closing_day == 14 else 1
        if day.day >= first:
            return day.replace(day=first)
        return (day.replace(day=1) - timedelta(days=1)).replace(day=first)

    # What a record says.

    def moment(self, text: str, account: int | None) -> tuple[datetime | None, bool]:
        """When it was, and whether the text is a time at all."""
        collector = self.world.collector
        if collector.dates == "EPOCH":
            if not text.isdecimal():
                return None, False
            return datetime.fromtimestamp(int(text), UTC), True
        try:
            if collector.dates == "ISO":
                told = datetime.fromisoformat(text)
            else:
                told = datetime.strptime(text, _FORMS[collector.dates])
        except ValueError:
            return None, False
        if told.tzinfo is None:
            zone = ZoneInfo(collector.zone) if collector.zone else None
            if zone is None:
                zone = self.zone(account) if account is not None else ZoneInfo("UTC")
            told = told.replace(tzinfo=zone)
        return told.astimezone(UTC), True

    def read(self, line: int, record: Record) -> list[Usage]:
        """A record as each of the services that it reaches would be charged for it."""
        if record.broken:
            nothing = (None,) * 8
            return [Usage(line, *nothing, cause="UNREADABLE")]
        account: int | None = None
        token, moment = None, None
        readable = bool(self.moment(record.at, None)[1])
        for one in self.world.tokens:
            if not readable or one.text != record.who or not one.active:
                continue
            at = self.moment(record.at, one.account)[0]
            if at and _within(at.astimezone(self.zone(one.account)).date(), one.since, one.until):
                account, token, moment = one.account, one, at
        if moment is None and readable:
            moment = self.moment(record.at, None)[0]
        day = (
            moment.astimezone(self.zone(account)).date() if moment and account is not None else None
        )
        reached: list[int | None] = [None]
        if account is not None and token is not None and day is not None:
            reached = [
                service
                for label in self.labels(record)
                for service in self._reached(account, token.service, label, day)
            ]
        factor = self.world.collector.multiplier or D(1)
        quantity = number(record.much)
        usage = Usage(
            line,
            None,
            account,
            moment,
            day,
            None if quantity is None else quantity * factor,
            number(record.rate),
            number(record.cost),
            self.signature(record, readable=readable),
            self.wrong(record, readable=readable, known=token is not None),
        )
        return [
            replace(
                usage,
                service=service,
                cause=usage.cause or ("NO_PRODUCT" if service is None else None),
            )
            for service in reached
        ]

    def _reached(
        self, account: int, own: int | None, label: str | None, day: date
    ) -> list[int | None]:
        """The services that are charged: those of the label, or the one of the token; None where
        there is none."""
        found: list[int | None] = []
        for number_, service in enumerate(self.world.services):
            there = service.account == account and service.active
            if not there or not _within(day, service.since, service.until):
                continue
            if label is None:
                meant = number_ == own
            else:
                of = self.world.products[service.product].label
                meant = of == label and own in (None, number_)
            if meant:
                found.append(number_)
        return found or [None]

    def labels(self, record: Record) -> list[str | None]:
        """The labels that a record raises; None where it raises none."""
        raised: list[str | None] = []
        match self.world.collector.labels:
            case "one":
                raised = [LABELS[0]]
            case "by kind":
                raised = [label for label in LABELS if record.kind in (label, "BOTH")]
            case "told":
                raised = [record.label] if record.label else []
        return raised or [None]

    def signature(self, record: Record, *, readable: bool) -> tuple[str, ...] | None:
        """The texts by which a record is known; None of one whose time belongs to them and is
        none, as nobody knows what it is the same as."""
        chosen = self.world.collector.signature
        if self.world.collector.mode == "Disable":
            return None
        if not readable and (not chosen or "at" in chosen):
            return None
        told = ("who", "at", "much", "kind", "rate", "cost")
        if self.world.collector.labels == "told":
            told = (*told, "label")
        return tuple(getattr(record, name) for name in chosen or told)

    def wrong(self, record: Record, *, readable: bool, known: bool) -> str | None:
        """What is wrong with it, in the order in which the mappings stand."""
        if record.at and not readable:
            return "BAD_DATE:ACTIVITY_DATE"
        if not record.much:
            return "NO_QUANTITY"
        for name, text in (
            ("Quantity", record.much),
            ("OVERRIDE_RATE", record.rate),
            ("OVERRIDE_COST", record.cost),
        ):
            if text and number(text) is None:
                return f"BAD_NUMBER:{name}"
        if not record.at:
            return "NO_DATE"
        if not record.who:
            return "NO_TOKEN"
        return None if known else "UNKNOWN_TOKEN"

    # What becomes of it.

    def load(self, records: list[tuple[int, Record]]) -> Outcome:
        self.loads += 1
        done = Outcome(records=len(records))
        usage: list[Usage] = []
        for line, record in records:
            if self.world.collector.filtered and record.kind == "SKIP" and not record.broken:
                done.filtered += 1
            else:
                usage += self.read(line, record)
        collector = self.world.collector
        if collector.mode == "Deduplication":
            usage = self._once(usage, done.duplicates)
        elif collector.mode == "Consolidation":
            usage = self._together(usage, done.consolidated)
        for one in usage:
            payment = self.payer(one.account)[1] if one.account is not None else None
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
            found = self.price(one)
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
            "Invoice": self.payer(one.account)[0],
        }[level]
        return level, scope, product, self.period(one.account, one.day)

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
        currency = self.currency(one.account)
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

    # Which price counts.

    def price(self, one: Usage) -> tuple[Price, Source, bool] | None:
        """The first that has a price on the day: price, source, whether it replaces the bands."""
        assert one.service is not None and one.account is not None and one.day is not None
        service = self.world.services[one.service]
        currency = self.currency(one.account)
        how = self.world.products[service.product].price
        for source, rate, owned_in, replaces in self._agreed(one.service, one.account, one.day):
            if replaces or owned_in == currency:
                flags = {"flat": how.flat, "percentage": how.percentage}
                if not replaces:
                    flags |= {"tiered": how.tiered, "incremental": how.incremental}
                    flags |= {"split": how.split}
                return Price([Band(None, rate)], **flags), source, replaces
        for listed in self.world.products[service.product].lists:
            last = listed.until - timedelta(days=1) if listed.until else None
            if listed.currency == currency and _within(one.day, listed.since, last):
                return listed.price, ("Product", service.product), False
        return None

    def _agreed(
        self, own: int, account: int, day: date
    ) -> Iterator[tuple[Source, Decimal, str, bool]]:
        """What was agreed on for the product, the nearest first: source, rate, currency, and
        whether it replaces prices in whatever currency."""
        product = self.world.services[own].product
        yield from _of_service("Account Product", own, self.world.services[own], self)
        at: int | None = account
        while at is not None:
            if at != account:
                found = list(enumerate(self.world.services))
                for number_, service in reversed(found):
                    if (
                        (service.account, service.product) == (at, product)
                        and service.active
                        and _within(day, service.since, service.until)
                    ):
                        yield from _of_service("Parent Account Product", number_, service, self)
            for number_, one in enumerate(self.world.agreed):
                if (one.account, one.product) == (at, product) and day >= one.since:
                    yield _of_contract(number_, one, self)
            above = self.world.accounts[at]
            at = above.parent if above.asks_above else None


def _of_service(
    name: str, number_: int, service: Service, books: Books
) -> Iterator[tuple[Source, Decimal, str, bool]]:
    currency = books.currency(service.account)
    if service.rate is not None:
        yield (name, number_), service.rate, currency, True
    elif service.own is not None:
        yield (name, number_), service.own, currency, False


def _of_contract(number_: int, agreed: Agreed, books: Books) -> tuple[Source, Decimal, str, bool]:
    return ("Contract Rate", number_), agreed.rate, books.currency(agreed.account), False


def _within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)
