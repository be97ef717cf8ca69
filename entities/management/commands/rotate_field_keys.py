"""Puts everything that is encrypted at rest under the first key of BRM_FIELD_KEYS."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from entities.changing import rotation
from metabrm import sealing


class Command(BaseCommand):
    help = (
        "Encrypts anew, under the first key of BRM_FIELD_KEYS, what is encrypted under another one."
        " It can be stopped at any time and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Only say how much is under which key."
        )

    def handle(self, *_: Any, dry_run: bool, **__: Any) -> None:
        first = sealing.ring().first
        if not first:
            raise CommandError("BRM_FIELD_KEYS is not set: there is no key to encrypt with.")
        left: Counter[str] = Counter()
        clashes: dict[str, list[int]] = {}
        for field in rotation.fields():
            keys = rotation.keys_of(field.column)
            self.stdout.write(f"{field.name}: {_told(keys)}")
            if not dry_run and keys.total() > keys[first]:
                found = clashes[field.name] = []
                written = 0
                for batch in rotation.rotate(field.column, found):
                    written += batch
                    self.stdout.write(f"{field.name}: {written:,} rows written")
                keys = rotation.keys_of(field.column)
            left += keys
        for name, ids in clashes.items():
            if ids:
                self.stdout.write(
                    f"{name}: the records with Id {', '.join(map(str, ids[:20]))} have the value "
                    f"of another record, which a unique key forbids; change or delete them."
                )
        others = {key: count for key, count in left.items() if key != first}
        if not others:
            self.stdout.write(
                f"All {left[first]:,} values are under the key {first!r}; BRM_FIELD_KEYS needs no "
                f"other."
            )
            return
        told = _told(Counter(others))
        if dry_run:
            self.stdout.write(f"Not under the key {first!r}: {told}.")
            return
        missing = sorted(key for key in others if key not in sealing.ring().ciphers)
        names = ", ".join(repr(key) if key else "none, or damaged" for key in missing)
        why = f" BRM_FIELD_KEYS does not have: {names}." if missing else ""
        raise CommandError(f"Not under the key {first!r}: {told}.{why}")


def _told(keys: Counter[str]) -> str:
    """ "12 under 'k1', 3 under 'k2'"."""
    return (
        ", ".join(
            f"{count:,} under {key!r}" if key else f"{count:,} that are not encrypted"
            for key, count in sorted(keys.items())
        )
        or "no values"
    )
