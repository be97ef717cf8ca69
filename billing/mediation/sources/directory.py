"""Files of a directory below BRM_USAGE_DIR: nothing outside of it is ever read or written.

A file is taken when it has not changed for a while, and once: whoever claims it first. Links are
not followed.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from billing.mediation.loads import claiming
from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.reading import UnreadableError
from billing.mediation.sources import archiving
from billing.mediation.sources.refusals import Refusals
from metabrm import environment

#: Seconds for which a file must not have changed: it may still be written.
QUIET = 10.0


class OutsideError(Exception):
    """A path leads out of the operator's directory, or there is none."""


def root() -> Path:
    """BRM_USAGE_DIR. OutsideError where the operator gave none."""
    found = environment.current().usage_dir
    if found is None:
        raise OutsideError("BRM_USAGE_DIR is not set; the operator says there where usage may lie.")
    return found.resolve()


def place(text: str | None) -> Path:
    """The directory that a collector means, below the root. OutsideError."""
    base = root()
    said = (text or "").strip()
    if "\0" in said:
        raise OutsideError("The path contains a NUL character.")
    wanted = Path(said)
    found = (wanted if wanted.is_relative_to(base) else base / said.lstrip("/")).resolve()
    if not found.is_relative_to(base):
        raise OutsideError(f"{said!r} leads out of the directory of usage.")
    return found


def claim(collector: ActivityCollector) -> list[ActivityCollectorHistory]:
    """Loads of the files that are new, by their names. RefusedError."""
    directory = place(collector.ftp_directory)
    pattern = collector.ftp_file_pattern or "*"
    found, refusals = [], Refusals()
    for entry in sorted(os.scandir(directory), key=lambda e: e.name):
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode) or not fnmatchcase(entry.name, pattern):
            continue
        if time.time() - status.st_mtime < QUIET or known(
            collector, entry.name, status.st_size, status.st_mtime
        ):
            continue
        with refusals.of(entry.name):
            with _opened(directory / entry.name) as file:
                sha256 = claiming.sha256_of(file)
            load = claiming.claim(collector, "FILE", entry.name, status.st_size, sha256)
            if load is not None:
                found.append(load)
    refusals.tell(found)
    return found


def newest(collector: ActivityCollector) -> Path | None:
    """The file of the collector's directory that changed last, taken or not. OutsideError."""
    directory = place(collector.ftp_directory)
    pattern = collector.ftp_file_pattern or "*"
    found = [
        (entry.stat(follow_symlinks=False).st_mtime, entry.name)
        for entry in os.scandir(directory)
        if entry.is_file(follow_symlinks=False) and fnmatchcase(entry.name, pattern)
    ]
    return directory / max(found)[1] if found else None


def read(path: Path, most: int) -> bytes:
    """The first bytes of a file that was found so."""
    with _opened(path) as file:
        return file.read(most)


def known(collector: ActivityCollector, name: str, size: int, changed: float) -> bool:
    """Whether the file was taken and has not changed since: it need not be read to know that."""
    return ActivityCollectorHistory.objects.filter(
        activity_collector=collector,
        file_name=name[:500],
        file_size=size,
        created__gt=datetime.fromtimestamp(changed, UTC),
    ).exists()


@contextmanager
def content(load: ActivityCollectorHistory, collector: ActivityCollector) -> Iterator[IO[bytes]]:
    """The file, if it is still the one that was claimed."""
    try:
        with _opened(place(collector.ftp_directory) / _name(load)) as file:
            if claiming.sha256_of(file) != load.sha256:
                raise UnreadableError("The file has changed since it was taken.")
            file.seek(0)
            yield file
    except FileNotFoundError:
        raise UnreadableError("The file is gone since it was taken.") from None


def put_away(load: ActivityCollectorHistory, collector: ActivityCollector) -> str | None:
    """Move or delete the file; where it lies then. Done twice it does no harm."""
    directory = place(collector.ftp_directory)
    name = _name(load)
    source = directory / name
    if archiving.deletes(collector):
        source.unlink(missing_ok=True)
        return None
    if not archiving.moves(collector):
        return str(source)
    target = (
        place(collector.after_process_directory)
        if collector.after_process_directory
        else (directory)
    )
    if not target.is_dir():
        if not collector.create_after_process_directory_flag:
            raise FileNotFoundError(
                f"AfterProcessDirectory {collector.after_process_directory} is missing"
            )
        target.mkdir(parents=True, exist_ok=True)
    wanted = target / archiving.name_of(load, collector, name)
    if source.exists() and wanted.exists() and source != wanted:
        wanted = wanted.with_name(f"{wanted.name}.{load.pk}")
    if source.exists():
        os.replace(source, wanted)
    return str(wanted)


def _name(load: ActivityCollectorHistory) -> str:
    name = load.file_name or ""
    if not name or "/" in name or name in (".", ".."):
        raise UnreadableError("The load names no file.")
    return name


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableError("It is no file.")
        yield file
