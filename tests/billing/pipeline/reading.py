"""What a record says: when it was, how much, whose it is, and what is wrong with it."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.billing.pipeline.customers import Customers, within
from tests.billing.pipeline.described import LABELS, LOCATIONS, Record

D = Decimal
NONE = D(0)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_FORMS = {"ISO": "%Y-%m-%d %H:%M:%S", "DD.MM.YYYY HH24:MI:SS": "%d.%m.%Y %H:%M:%S"}


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
    label: str | None = None
    kind: str = ""
    ends: tuple[int | None, int | None] = (None, None)
    covered: Decimal = NONE
    paid: int | None = None


def located(text: str) -> int | None:
    """The location whose name is the longest beginning of the text."""
    found = [n for n, (name, _, active) in enumerate(LOCATIONS) if active and text.startswith(name)]
    return max(found, key=lambda n: len(LOCATIONS[n][0]), default=None)


def number(text: str) -> Decimal | None:
    return D(text) if _NUMBER.fullmatch(text) else None


class Reader:
    """Reads the records of a world's collector."""

    def __init__(self, customers: Customers) -> None:
        self.customers = customers
        self.world = customers.world

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
                zone = self.customers.zone(account) if account is not None else ZoneInfo("UTC")
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
            if at and within(
                at.astimezone(self.customers.zone(one.account)).date(), one.since, one.until
            ):
                account, token, moment = one.account, one, at
        if moment is None and readable:
            moment = self.moment(record.at, None)[0]
        day = self.customers.day(moment, account) if moment and account is not None else None
        reached: list[tuple[int | None, str | None]] = [(None, None)]
        if account is not None and token is not None and day is not None:
            reached = [
                (service, label)
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
            kind=record.kind,
        )
        nowhere = None
        if self.world.collector.located:
            usage.ends = located(record.origin), located(record.goal)
            for name, text, end in zip(
                ("ORIGIN", "DESTINATION"), (record.origin, record.goal), usage.ends, strict=True
            ):
                if nowhere is None and text and end is None:
                    nowhere = f"UNKNOWN_{name}"
        return [
            replace(
                usage,
                service=service,
                label=label,
                cause=usage.cause or ("NO_PRODUCT" if service is None else nowhere),
            )
            for service, label in reached
        ]

    def _reached(
        self, account: int, own: int | None, label: str | None, day: date
    ) -> list[int | None]:
        """The services that are charged: those of the label, or the one of the token; None where
        there is none."""
        found: list[int | None] = []
        for number_, service in enumerate(self.world.services):
            there = service.account == account and service.active
            if not there or not within(day, service.since, service.until):
                continue
            if label is None:
                meant = number_ == own
            else:
                labels = [self.world.products[service.product].label]
                if service.place is not None:
                    labels.append(self.world.places[service.place].label)
                meant = label in labels and own in (None, number_, service.paid)
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
        if self.world.collector.located:
            told = (*told, "origin", "goal")
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
