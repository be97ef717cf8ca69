"""Copies the files that records hold from one storage to another."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files.storage import Storage, storages
from django.core.management.base import BaseCommand, CommandError

from entities.files import moving
from metabrm import storing

_NAMED = "a directory, or s3://ID:SECRET@BUCKET/PREFIX?endpoint=URL&region=NAME"


class Command(BaseCommand):
    help = (
        "Copies the files that records hold from one storage to another, each checked against its "
        "SHA-256. It can be stopped at any time and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="source", default="", help=f"Where they are: {_NAMED}.")
        parser.add_argument("--to", dest="target", default="", help=f"Where they go: {_NAMED}.")
        parser.add_argument(
            "--remove", action="store_true", help="Remove each one where it was, once it is there."
        )

    def handle(self, *_: Any, source: str, target: str, remove: bool, **__: Any) -> None:
        if bool(source) == bool(target):
            raise CommandError(
                "Say either --from or --to; the other one is the storage that is in use now."
            )
        told = moving.Moved()
        for told in moving.move(_storage(source), _storage(target), remove=remove):
            self.stdout.write(
                f"{told.copied:,} copied ({told.bytes:,} bytes), {told.there:,} there already"
            )
        for key, what in told.wrong.items():
            self.stdout.write(f"{key} {what}")
        if told.wrong:
            raise CommandError(f"{len(told.wrong):,} files could not be copied.")
        self.stdout.write("All files are there.")


def _storage(named: str) -> Storage:
    if not named:
        return storages["default"]
    if named.startswith("s3://"):
        return storages.create_storage(storing.bucket(named))
    if not Path(named).is_dir():
        raise CommandError(f"{named} is no directory; say {_NAMED}.")
    return storages.create_storage(storing.disk(named))
