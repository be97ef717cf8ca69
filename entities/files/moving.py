"""Bringing the contents of files from one storage to another, beside the work.

What is there already is left as it is, so it can be stopped and run again. A content is checked
against its SHA-256 before it is written, and only what the platform knows is brought along.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.core.files.base import ContentFile
from django.core.files.storage import Storage

from entities.files.contents import path_of, whole
from entities.models import StoredFile

PORTION = 500


@dataclass
class Moved:
    """How far it is: contents copied, found there already, and those that could not be copied."""

    copied: int = 0
    bytes: int = 0
    there: int = 0
    wrong: dict[str, str] = field(default_factory=dict)


def move(source: Storage, target: Storage, *, remove: bool = False) -> Iterator[Moved]:
    """Copy all contents; tells after each portion how far it is. `remove` them where they were."""
    told = Moved()
    last = ""
    while rows := list(StoredFile.objects.filter(pk__gt=last).order_by("pk")[:PORTION]):
        for row in rows:
            try:
                _move_one(row, source, target, told, remove)
            except FileNotFoundError:
                # Discarded while we were on the way?
                if StoredFile.objects.filter(pk=row.pk).exists():
                    told.wrong[row.key] = "is in neither storage"
        last = rows[-1].key
        yield told


def _move_one(row: StoredFile, source: Storage, target: Storage, told: Moved, remove: bool) -> None:
    path = path_of(row.key)
    if target.exists(path) and target.size(path) == row.size:
        told.there += 1
    else:
        content = whole(source, path)
        if hashlib.sha256(content).hexdigest() != row.sha256:
            told.wrong[row.key] = "is damaged where it lies"
            return
        if target.exists(path):
            # Half of it, left by a run that was killed.
            target.delete(path)
        target.save(path, ContentFile(content))
        told.copied += 1
        told.bytes += len(content)
    if remove:
        source.delete(path)
