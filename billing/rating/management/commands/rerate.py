"""Rates lines again."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.rating.rerating import runs
from billing.rating.rerating.asked import wanted_of
from billing.rating.rerating.running import rerate
from billing.rating.rerating.telling import Result, money
from entities.errors import RequestError
from metabrm.identity.context import Context

#: Option -> the parameter of /rating/rerate.
_NAMED = {
    "account": "AccountId",
    "product": "ProductId",
    "account-product": "AccountProductId",
    "pricing": "PricingId",
    "plan": "PricingPlanId",
    "load": "LoadId",
    "invoice": "InvoiceId",
}


class Command(BaseCommand):
    help = (
        "Rates usage and recurring charges on no invoice or an open one again, at the prices of "
        "now. Lines that cost the same stay; doing it again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        for option, name in _NAMED.items():
            words = option.replace("-", " ").replace("pricing", "price")
            parser.add_argument(
                f"--{option}", dest=name, type=int, help=f"Lines of this {words}, by its Id."
            )
        for option, words in (("from", "From"), ("until", "Up to")):
            parser.add_argument(
                f"--{option}",
                dest=option.title(),
                type=date.fromisoformat,
                help=f"{words} this day in UTC, such as 2026-11-01.",
            )
        parser.add_argument(
            "--preview", action="store_true", help="Tell what it would come to; write nothing."
        )

    def handle(self, *_: Any, preview: bool, **o: Any) -> None:
        names = (*_NAMED.values(), "From", "Until")
        given = {name: str(o[name]) for name in names if o[name] is not None}
        if not given:
            raise CommandError("Say which lines: of an account, a product, a price, a load …")
        try:
            wanted = wanted_of(given, Context.system("manage.py rerate"))
        except RequestError as error:
            raise CommandError(error.message) from error
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
