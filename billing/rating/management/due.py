"""What commands have in common that bring charges of accounts up to a day."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from django.core.management.base import BaseCommand, CommandError

from billing.customers.models import Account

#: Account products with a problem that are told one by one.
_TOLD = 20


class DueCommand(BaseCommand):
    """Takes --until, --account and --dry-run, and tells what can't be done."""

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

    def tell_problems(self, problems: Mapping[int, str], verb: str, elsewhere: str = "") -> None:
        """The first account products that are not charged, or not settled, each with its reason."""
        for id, reason in sorted(problems.items())[:_TOLD]:
            self.stdout.write(f"ACCOUNT_PRODUCT {id} is not {verb}: {reason}")
        if len(problems) > _TOLD:
            self.stdout.write(f"So are {len(problems) - _TOLD:,} more{elsewhere}.")


def check(accounts: list[int] | None) -> None:
    """CommandError where one of the accounts does not exist."""
    there = Account.objects.filter(pk__in=accounts or [], deleted_at=None)
    unknown = sorted(set(accounts or []).difference(there.values_list("pk", flat=True)))
    if unknown:
        raise CommandError(f"There is no account with Id {', '.join(map(str, unknown))}.")


def in_words(amounts: Mapping[str, Decimal], spell: Callable[[Decimal], str]) -> str:
    """Sums by currency, or `nothing`."""
    return ", ".join(f"{spell(sum)} {name}" for name, sum in sorted(amounts.items())) or "nothing"
