"""`manage.py import_configuration FILE`: shows what a document would change, or changes it.

Exit codes, for programs: 0 nothing to do, or done; 1 not possible, and why is told; 3 there are
differences, and nothing was asked for but to show them. (2 is for a wrong command line.)
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from entities import transfer
from entities.errors import RequestError
from entities.transfer import telling
from metabrm.identity.context import Context

DIFFERENT = 3


class Command(BaseCommand):
    help = (
        "Show how the system differs from a configuration document; with --apply, make it what "
        "the document says. Exit codes: 0 nothing to do or done, 1 not possible, 3 differences."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the document; - for standard input")
        parser.add_argument("--apply", action="store_true", help="import it, all or nothing")
        parser.add_argument(
            "--dry-run", action="store_true", help="only show what would be done (the default)"
        )
        parser.add_argument(
            "--allow-destructive",
            action="store_true",
            help="also do what deletes, narrows or takes rights away",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["file"]
        if options["apply"] and options["dry_run"]:
            raise CommandError("--apply and --dry-run are opposites; give one of them.")
        context = Context.system(f"import of {Path(name).name}"[:200])
        try:
            text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            if options["apply"]:
                report = transfer.carry_out(text, context, destructive=options["allow_destructive"])
            else:
                report = transfer.examine(text, context)
        except OSError as error:
            raise CommandError(f"{name} can't be read: {error.strerror}") from error
        except RequestError as error:
            raise CommandError(error.message) from error
        except transfer.DocumentError as error:
            found = "\n".join(f"{name}: {fault}" for fault in error.faults)
            raise CommandError(found) from error
        for line in telling.lines(report):
            self.stdout.write(line)
        if report.faults:
            raise CommandError("Nothing was imported.")
        if report.changes and report.applied:
            self.stdout.write("Imported.")
        elif report.changes:
            sys.exit(DIFFERENT)
