"""Rates lines again."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.rating.rerating import runs
from billing.rating.rerating.running import rerate
from billing.rating.rerating.telling import Result, money
from billing.rating.rerating.wanted import Wanted

#: Option -> what it names.
_NAMED = {
    "account": "account_id",
    "product": "product_id",
    "account-product": "account_product_id",
    "pricing": "pricing_id",
    "plan": "pricing_plan_id",
    "load": "load_id",
    "invoice": "invoice_id",
}


class Command(BaseCommand):
    help = (
        "Rates lines of usage on no invoice or an open one again, at the prices of now. Lines that "
        "cost the same stay; doing it again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        for option, name in _NAMED.items():
            words = name.removesuffix("_id").replace("_", " ")
            parser.add_argument(
                f"--{option}", dest=name, type=int, help=f"Lines of this {words}, by its Id."
            )
        for option, words in (("from", "From"), ("until", "Up to")):
            parser.add_argument(
                f"--{option}",
                dest="since" if option == "from" else option,
                type=date.fromisoformat,
                help=f"{words} this day in UTC, such as 2026-11-01.",
            )
        parser.add_argument(
            "--preview", action="store_true", help="Tell what it would come to; write nothing."
        )

    def handle(
        self, *_: Any, preview: bool, since: date | None, until: date | None, **o: Any
    ) -> None:
        wanted = Wanted(
            since=_midnight(since),
            until=_midnight(until, days=1),
            **{name: o[name] for name in _NAMED.values()},
        )
        if not wanted.kept():
            raise CommandError("Say which lines: of an account, a product, a price, a load …")
        if preview:
            self._tell(rerate(wanted, preview=True))
            return
        run = runs.ask(wanted, "By hand: manage.py rerate", None)
        told = runs.carry_out(run)
        if told is None:
            raise CommandError(f"RERATE {run} was not carried out; its Error says why.")
        self._tell(told)

    def _tell(self, told: Result) -> None:
        for total in told.totals:
            self.stdout.write(
                f"ACCOUNT {total.account_id}, PRODUCT {total.product_id}, "
                f"{f'INVOICE {total.invoice_id}' if total.invoice_id else 'no invoice'}: "
                f"{total.lines:,} lines, {money(total.old)} → {money(total.new)} "
                f"{total.currency_code}"
            )
        for id, reason in told.reasons:
            self.stdout.write(f"ACTIVITY {id} stays: {reason}")
        self.stdout.write(
            f"{told.lines:,} lines looked at, {told.changed:,} cost something else: "
            f"{runs.in_words(told) or 'nothing'}."
        )


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(date.fromordinal(day.toordinal() + days), time(), UTC)
