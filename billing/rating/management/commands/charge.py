"""Charges what recurs or comes once, up to a day."""

from datetime import date
from typing import Any

from billing.rating import recurring
from billing.rating.management.due import DueCommand, check, in_words
from billing.rating.recurring import Summary


class Command(DueCommand):
    help = (
        "Charges subscriptions, one time charges and trials that are due. It does so once, however "
        "often it is run; workers do it every hour."
    )

    def handle(
        self,
        *_: Any,
        until: date | None,
        account: list[int] | None,
        dry_run: bool,
        **__: Any,
    ) -> None:
        check(account)
        done = recurring.charge(until, account, dry_run=dry_run, progress=self._progress)
        self.tell_problems(done.problems, "charged", ": CHARGE_SCHEDULE has them all")
        sums = in_words(done.amounts, lambda amount: f"{amount.normalize():,f}")
        self.stdout.write(
            f"{'Would write' if dry_run else 'Wrote'} {done.lines:,} lines and {done.credits:,} "
            f"credits of {done.account_products:,} account products: {sums}."
        )

    def _progress(self, done: Summary) -> None:
        self.stderr.write(f"{done.account_products:,} account products, {done.lines:,} lines")
