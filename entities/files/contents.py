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
from django.core.files.storage import Storage, default_storage
from django.db.models import Sum

from entities.errors import Code, RequestError
from entities.files.looks import ending_of, looks_wrong
from entities.models import StoredFile
from metabrm import clock, environment

log = logging.getLogger(__name__)

_MEGABYTE = 2**20
#: The largest file.
MOST_BYTES = environment.current().file_megabytes * _MEGABYTE
LONGEST_NAME = 255
_ANY = "application/octet-stream"
#: Controls, invisible marks that turn or hide text, halves of characters, breaks of lines.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{d}{n}" for d in ("COM", "LPT") for n in "123456789")}
)


def put(
    file_name: str,
    content: bytes,
    *,
    field_id: int | None = None,
    uploader_id: int | None = None,
    sent: bool = False,
) -> StoredFile:
    """Store a content that no record holds yet; `field_id`: one that a later write may name.

    What is `sent` comes from outside: its size and kind are looked at.

    RequestError REQUEST_TOO_LARGE, REQUIRED_FIELD_MISSING for a name of which nothing is left,
    INVALID_VALUE for a kind that is not taken or does not look like what it is called, and
    TEMPORARILY_UNAVAILABLE where the storage takes nothing, or is full by its limit.
    """
    name = clean_name(file_name)
    if not name:
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            "FileName is required: the file's name without a path, such as invoice.pdf.",
            field="FileName",
        )
    if sent:
        if len(content) > MOST_BYTES:
            raise RequestError(Code.REQUEST_TOO_LARGE, too_large(len(content)), field="Data")
        _check_kind(name, content)
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
        _check_room(stored)
        default_storage.save(path_of(stored.key), ContentFile(content))
    except RequestError:
        stored.delete()
        raise
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


def read(file: StoredFile) -> bytes:
    """The content, which is the one that was stored; FileNotFoundError where it is gone.

    RequestError FILE_DAMAGED for another one, TEMPORARILY_UNAVAILABLE for a storage that fails. It
    is checked before anything of it is answered: nobody gets half a file, or a wrong one.
    """
    try:
        content = whole(default_storage, path_of(file.key))
    except FileNotFoundError:
        log.error("The file %s (%s) is not in the storage", file.key, file.file_name)
        raise
    except OSError as error:
        log.error("The storage of files can't be read: %s", error)
        raise RequestError(
            Code.TEMPORARILY_UNAVAILABLE,
            "The file can't be read at the moment, because the storage of files does not answer. "
            "Try again later.",
        ) from error
    if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
        log.error("The file %s (%s) is damaged in the storage", file.key, file.file_name)
        raise RequestError(
            Code.FILE_DAMAGED,
            f"The file {file.file_name} is not what was stored: it is damaged in the storage. Tell "
            "the administrator: it has to be restored from a backup.",
        )
    return content


def whole(storage: Storage, path: str) -> bytes:
    """All bytes at `path`."""
    at_once = getattr(storage, "whole", None)
    if at_once is not None:
        return bytes(at_once(path))
    with storage.open(path) as file:
        return bytes(file.read())


def opened(key: str) -> IO[bytes]:
    """The content under `key` to be read as it comes; FileNotFoundError without one."""
    return cast(IO[bytes], default_storage.open(path_of(key)))


def discard(keys: Iterable[str]) -> None:
    """Remove contents that no record holds. Those of which something is left, because the process
    was killed or the storage failed, are found again by their row."""
    gone = []
    for key in keys:
        try:
            default_storage.delete(path_of(key))
            gone.append(key)
        except OSError as error:
            log.warning("The file %s is removed later, the storage fails: %s", key, error)
    StoredFile.objects.filter(pk__in=gone).delete()


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
    # Windows drops the ends of such names, and has devices that are called like this.
    seen = seen.rstrip(". ")
    if seen.partition(".")[0].strip().upper() in _DEVICES:
        seen = f"_{seen}"
    if len(seen) <= LONGEST_NAME:
        return seen
    stem, dot, ending = seen.rpartition(".")
    tail = dot + ending if stem and len(ending) <= 16 else ""
    return seen[: LONGEST_NAME - len(tail)] + tail


def content_type(name: str) -> str:
    """What the name says the content is; the content itself is never looked at."""
    guessed, encoding = mimetypes.guess_type(name, strict=True)
    return _ANY if guessed is None or encoding else guessed


def _check_kind(name: str, content: bytes) -> None:
    taken = environment.current().file_types
    if taken and ending_of(name) not in taken:
        raise RequestError(
            Code.INVALID_VALUE,
            f"{name} is of a kind that is not taken here; the endings taken are "
            f"{', '.join(taken)}.",
            field="FileName",
        )
    should_be = looks_wrong(name, content)
    if should_be:
        raise RequestError(
            Code.INVALID_VALUE,
            f"By its name {name} is {should_be}, but its content is not. Send the right content, "
            "or the name that fits it.",
            field="Data",
        )


def _check_room(stored: StoredFile) -> None:
    """RequestError where all files together, this one among them, are more than there may be.

    Of those that come at once each counts all: none is let in too many.
    """
    most = environment.current().files_megabytes
    if most is None:
        return
    used = StoredFile.objects.aggregate(all=Sum("size"))["all"] or 0
    if used > most * _MEGABYTE:
        log.error("The storage of files is full: %s bytes of %s MiB", used - stored.size, most)
        raise RequestError(
            Code.TEMPORARILY_UNAVAILABLE,
            f"The file was not stored: all files together may have {most:,} MiB (BRM_FILES_"
            "MEGABYTES), and there is no room left for this one. Tell the administrator.",
            field="Data",
        )


def too_large(size: int) -> str:
    return (
        f"The file has {size:,} bytes; a file holds at most {MOST_BYTES:,} bytes "
        f"({MOST_BYTES // 2**20} MiB)."
    )
