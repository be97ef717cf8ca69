"""`manage.py export_configuration`: what administrators made or changed, as one document."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from entities import transfer
from entities.errors import RequestError
from metabrm.identity.context import Context


class Command(BaseCommand):
    help = "Write the configuration (entities, fields, rules, roles) as one YAML document."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--entities", default="", help="only these and what is theirs, such as ACCOUNT,PROMO"
        )
        parser.add_argument("-o", "--output", help="file to write; standard output without it")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [name.strip() for name in options["entities"].split(",") if name.strip()]
        try:
            document = transfer.export(Context.system("export of configuration"), names)
        except RequestError as error:
            raise CommandError(error.message) from error
        if not options["output"]:
            self.stdout.write(document, ending="")
            return
        try:
            Path(options["output"]).write_text(document, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['output']} can't be written: {error.strerror}") from error
