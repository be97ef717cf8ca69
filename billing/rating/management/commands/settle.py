"""Settles discounts and other deals of accounts, up to a day."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from billing.rating.management.due import DueCommand, check, in_words
from billing.rating.settling import Settled, settle


class Command(DueCommand):
    help = (
        "Brings the lines of discounts, minimum and maximum charges and commitments to what they "
        "come to now. What is as it should be stays; workers do it every day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--closing", action="store_true", help="The billing period of that day ends with it."
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
        self.tell_problems(done.problems, "settled")
        sums = in_words(done.amounts, lambda amount: f"{amount:,.2f}")
        self.stdout.write(
            f"{'Would write' if dry_run else 'Wrote'} {done.lines:,} lines of "
            f"{done.accounts:,} accounts in the place of {done.taken_back:,}: {sums}."
        )

    def _progress(self, done: Settled) -> None:
        self.stderr.write(f"{done.accounts:,} accounts, {done.lines:,} lines")
