"""Who pays for an account, and so in which money, in whose days and billing periods."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.billing.pipeline.described import Payment, World


class Customers:
    """The accounts of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

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

    def day(self, moment: datetime, account: int) -> date:
        """The day of a moment, where the account is."""
        return moment.astimezone(self.zone(account)).date()

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


def within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)
