"""What a collector is tried out on: the newest file of its source, or that of an earlier load.

Nothing of it is taken or moved. A file that was put away is read where it lies now.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.reading import UnreadableError
from billing.mediation.sources import content_of, directory, sftp
from entities.fieldtypes.structured import key_of
from entities.files import contents

#: A name, and the first bytes.
Sample = tuple[str, bytes]


def newest(collector: ActivityCollector, most: int) -> Sample | None:
    """The file that changed last, taken or not; None without one. UnreadableError."""
    with _told():
        if collector.hostname:
            return sftp.newest(collector, most)
        path = directory.newest(collector)
        return None if path is None else (path.name, directory.read(path, most))


def of_load(load: ActivityCollectorHistory, most: int) -> Sample:
    """What an earlier load read. UnreadableError where that is gone."""
    collector = load.activity_collector
    with _told():
        if load.usage_file:
            with contents.opened(key_of(load.usage_file.name)) as file:
                return _name(load), file.read(most)
        if load.archive_place and load.source == "SFTP":
            return _name(load), sftp.read(collector, load.archive_place, most)
        if load.archive_place and load.source == "FILE":
            path = Path(load.archive_place)
            found = directory.place(str(path.parent)) / path.name
            return _name(load), directory.read(found, most)
        if load.source == "SFTP":
            return _name(load), sftp.read(collector, sftp.place(collector, load.file_name), most)
        with content_of(load, collector) as file:
            return _name(load), file.read(most)


def _name(load: ActivityCollectorHistory) -> str:
    return load.file_name or f"load {load.pk}"


@contextmanager
def _told() -> Iterator[None]:
    """UnreadableError for whatever is in the way of a source."""
    try:
        yield
    except FileNotFoundError as error:
        raise UnreadableError(f"It can't be read: {error or 'there is no such file'}") from error
    except (OSError, directory.OutsideError, *sftp.TROUBLE) as error:
        raise UnreadableError(f"It can't be read: {type(error).__name__}: {error}") from error
