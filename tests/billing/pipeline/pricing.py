"""Which price counts for usage on its day, in the documented order."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from tests.billing.pipeline.customers import Customers, within
from tests.billing.pipeline.reading import Usage
from tests.billing.rating.oracle import Band, Price

#: A source of prices: its name on the line, and which of the list it is.
Source = tuple[str, int | None]


class PriceBook:
    """The prices of a world."""

    def __init__(self, customers: Customers) -> None:
        self.customers = customers
        self.world = customers.world

    def price(self, one: Usage) -> tuple[Price, Source, bool] | None:
        """The first that has a price on the day: price, source, whether it replaces the bands."""
        assert one.service is not None and one.account is not None and one.day is not None
        service = self.world.services[one.service]
        currency = self.customers.currency(one.account)
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
            if listed.currency == currency and within(one.day, listed.since, last):
                return listed.price, ("Product", service.product), False
        return None

    def _agreed(
        self, own: int, account: int, day: date
    ) -> Iterator[tuple[Source, Decimal, str, bool]]:
        """What was agreed on for the product, the nearest first: source, rate, currency, and
        whether it replaces prices in whatever currency."""
        product = self.world.services[own].product
        yield from self._of_service("Account Product", own)
        at: int | None = account
        while at is not None:
            if at != account:
                found = list(enumerate(self.world.services))
                for number_, service in reversed(found):
                    if (
                        (service.account, service.product) == (at, product)
                        and service.active
                        and within(day, service.since, service.until)
                    ):
                        yield from self._of_service("Parent Account Product", number_)
            for number_, one in enumerate(self.world.agreed):
                if (one.account, one.product) == (at, product) and day >= one.since:
                    currency = self.customers.currency(at)
                    yield (("Contract Rate", number_), one.rate, currency, False)
            above = self.world.accounts[at]
            at = above.parent if above.asks_above else None

    def _of_service(self, name: str, number_: int) -> Iterator[tuple[Source, Decimal, str, bool]]:
        service = self.world.services[number_]
        currency = self.customers.currency(service.account)
        if service.rate is not None:
            yield (name, number_), service.rate, currency, True
        elif service.own is not None:
            yield (name, number_), service.own, currency, False
