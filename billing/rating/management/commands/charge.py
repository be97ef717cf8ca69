"""Charges what recurs or comes once, up to a day."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.customers.models import Account
from billing.rating import recurring
from billing.rating.recurring import Summary

#: Account products without a price that are told one by one.
TOLD = 20


def check(accounts: list[int] | None) -> None:
    """CommandError where one of the accounts does not exist."""
    there = Account.objects.filter(pk__in=accounts or [], deleted_at=None)
    unknown = sorted(set(accounts or []).difference(there.values_list("pk", flat=True)))
    if unknown:
        raise CommandError(f"There is no account with Id {', '.join(map(str, unknown))}.")


class Command(BaseCommand):
    help = (
        "Charges subscriptions, one time charges and trials that are due. It does so once, however "
        "often it is run; workers do it every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until",
            type=date.fromisoformat,
            help="Up to this day, such as 2026-11-30; by default today, where each account is.",
        )
        parser.add_argument(
            "--account", type=int, action="append", help="Only of this account; may be repeated."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Tell what it would come to; write nothing."
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
        for id, reason in sorted(done.problems.items())[:TOLD]:
            self.stdout.write(f"ACCOUNT_PRODUCT {id} is not charged: {reason}")
        if len(done.problems) > TOLD:
            self.stdout.write(
                f"So are {len(done.problems) - TOLD:,} more: CHARGE_SCHEDULE has them all."
            )
        sums = ", ".join(
            f"{amount.normalize():,f} {name}" for name, amount in sorted(done.amounts.items())
        )
        self.stdout.write(
            f"{'Would write' if dry_run else 'Wrote'} {done.lines:,} lines and {done.credits:,} "
            f"credits of {done.account_products:,} account products: {sums or 'nothing'}."
        )

    def _progress(self, done: Summary) -> None:
        self.stderr.write(f"{done.account_products:,} account products, {done.lines:,} lines")
