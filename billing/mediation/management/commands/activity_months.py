"""Shows, makes, takes out and puts back the months that ACTIVITY is kept in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from billing.mediation import partitions
from metabrm import months


class Command(BaseCommand):
    help = "The months that ACTIVITY is kept in: list them, make one, take one out, put one back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="Each month with its table, its rows and its size.")
        create = actions.add_parser("create", help="Make the coming months, or a given one.")
        create.add_argument("month", nargs="?", help="Such as 2026-11.")
        detach = actions.add_parser(
            "detach", help="Take a month out for archiving; its table stays, for pg_dump."
        )
        detach.add_argument("month", help="Such as 2026-11.")
        detach.add_argument(
            "--unbilled",
            action="store_true",
            help="Also when lines of it stand on no invoice, because none is to come.",
        )
        attach = actions.add_parser("attach", help="Put a month back that was taken out.")
        attach.add_argument("month", help="Such as 2026-11.")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        if action == "list":
            self._list()
        elif options["month"] is None:
            made = partitions.ensure_ahead()
            self.stdout.write("Made " + (", ".join(f"{m:%Y-%m}" for m in made) or "none") + ".")
        else:
            month = months.month_of(options["month"])
            if action == "create":
                made_one = partitions.create(month)
                self.stdout.write(f"{month:%Y-%m} {'made' if made_one else 'was there'}.")
            elif action == "detach":
                table = partitions.detach(month, unbilled=options["unbilled"])
                self.stdout.write(
                    f"{month:%Y-%m} is out: it is the table {table} now. Dump it (pg_dump --table "
                    f"{table}) before you drop it; `attach` puts it back."
                )
            else:
                partitions.attach(month)
                self.stdout.write(f"{month:%Y-%m} is back.")

    def _list(self) -> None:
        for month in months.known(partitions.TABLE):
            place = "" if month.attached else "  taken out"
            self.stdout.write(
                f"{month.first:%Y-%m}  {month.table}  about {month.rows:>12,} rows  "
                f"{month.bytes / 2**20:>10,.1f} MB{place}"
            )
        self.stdout.write(f"{partitions.outside():,} lines of no month of these")
