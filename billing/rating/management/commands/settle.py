"""Settles discounts and other deals of accounts, up to a day."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from billing.rating.management.commands.charge import TOLD, check
from billing.rating.settling import Settled, settle


class Command(BaseCommand):
    help = (
        "Brings the lines of discounts, minimum and maximum charges and commitments to what they "
        "come to now. What is as it should be stays; workers do it every day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until",
            type=date.fromisoformat,
            help="Up to this day, such as 2026-11-30; by default today, where each account is.",
        )
        parser.add_argument(
            "--account", type=int, action="append", help="Only this account; may be repeated."
        )
        parser.add_argument(
            "--closing", action="store_true", help="The billing period of that day ends with it."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Tell what it would come to; write nothing."
        )

    def handle(
        self,
        *_: Any,
        until: date | None,
        account: list[int] | None,
        closing: bool,
        dry_run: bool,
        **__: Any,
    ) -> None:
        check(account)
        done = settle(until, account, closing=closing, dry_run=dry_run, progress=self._progress)
        for id, reason in sorted(done.problems.items())[:TOLD]:
            self.stdout.write(f"ACCOUNT_PRODUCT {id} is not settled: {reason}")
        if len(done.problems) > TOLD:
            self.stdout.write(f"So are {len(done.problems) - TOLD:,} more.")
        sums = ", ".join(f"{amount:,.2f} {name}" for name, amount in sorted(done.amounts.items()))
        self.stdout.write(
            f"{'Would write' if dry_run else 'Wrote'} {done.lines:,} lines of "
            f"{done.accounts:,} accounts in the place of {done.taken_back:,}: {sums or 'nothing'}."
        )

    def _progress(self, done: Settled) -> None:
        self.stderr.write(f"{done.accounts:,} accounts, {done.lines:,} lines")
