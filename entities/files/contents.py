"""What lies in the storage: storing a content under a new key, reading it, discarding it."""

import hashlib
import logging
import mimetypes
import secrets
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, cast

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from entities.errors import Code, RequestError
from entities.models import StoredFile
from metabrm import clock

log = logging.getLogger(__name__)

#: The largest file.
MOST_BYTES = 40 * 1024 * 1024
LONGEST_NAME = 255
_ANY = "application/octet-stream"
#: Controls, invisible marks that turn or hide text, halves of characters, breaks of lines.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def put(
    file_name: str,
    content: bytes,
    *,
    field_id: int | None = None,
    uploader_id: int | None = None,
) -> StoredFile:
    """Store a content that no record holds yet; `field_id`: one that a later write may name.

    RequestError REQUEST_TOO_LARGE, REQUIRED_FIELD_MISSING for a name of which nothing is left, and
    TEMPORARILY_UNAVAILABLE where the storage takes nothing.
    """
    name = clean_name(file_name)
    if not name:
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            "FileName is required: the file's name without a path, such as invoice.pdf.",
            field="FileName",
        )
    if len(content) > MOST_BYTES:
        raise RequestError(Code.REQUEST_TOO_LARGE, too_large(len(content)), field="Data")
    # The row comes first: a content without one would be nobody's.
    stored = StoredFile.objects.create(
        key=secrets.token_hex(16),
        file_name=name,
        content_type=content_type(name),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        stored_at=clock.now(),
        field_id=field_id,
        uploader_id=uploader_id,
    )
    try:
        default_storage.save(path_of(stored.key), ContentFile(content))
    except OSError as error:
        log.error("The storage of files takes nothing: %s", error)
        with suppress(OSError):
            discard([stored.key])
        raise RequestError(
            Code.TEMPORARILY_UNAVAILABLE,
            "The file could not be stored, and nothing is changed. Tell the administrator: the "
            "storage of files is full or can't be written.",
            field="Data",
        ) from error
    return stored


def about(key: str) -> StoredFile | None:
    """What is known of the content under `key`."""
    return StoredFile.objects.filter(pk=key).first()


def read(key: str) -> bytes:
    """The content under `key`; FileNotFoundError without one."""
    with default_storage.open(path_of(key)) as file:
        return bytes(file.read())


def opened(key: str) -> IO[bytes]:
    """The content under `key` to be read as it comes; FileNotFoundError without one."""
    return cast(IO[bytes], default_storage.open(path_of(key)))


def discard(keys: Iterable[str]) -> None:
    """Remove contents that no record holds. Killed in between, it is found again by its row."""
    found = list(keys)
    for key in found:
        default_storage.delete(path_of(key))
    StoredFile.objects.filter(pk__in=found).delete()


def path_of(key: str) -> str:
    """Where the storage keeps the content: no directory grows with the number of files alone."""
    return f"{key[:2]}/{key}"


def clean_name(name: str) -> str:
    """What may be kept of a file's name: no path, nothing unseen, at most 255 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    normal = unicodedata.normalize("NFC", last)
    seen = "".join(c for c in normal if unicodedata.category(c) not in _UNSEEN).strip()
    if not seen.strip("."):
        return ""
    if len(seen) <= LONGEST_NAME:
        return seen
    stem, dot, ending = seen.rpartition(".")
    tail = dot + ending if stem and len(ending) <= 16 else ""
    return seen[: LONGEST_NAME - len(tail)] + tail


def content_type(name: str) -> str:
    """What the name says the content is; the content itself is never looked at."""
    guessed, encoding = mimetypes.guess_type(name, strict=True)
    return _ANY if guessed is None or encoding else guessed


def too_large(size: int) -> str:
    return (
        f"The file has {size:,} bytes; a file holds at most {MOST_BYTES:,} bytes "
        f"({MOST_BYTES // 2**20} MiB)."
    )
