"""The content of a load's file, wherever it lies, unpacked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.reading import UnreadableError
from billing.mediation.reading.unpacking import unpacked
from entities.fieldtypes.structured import key_of
from entities.files import contents


@contextmanager
def opened(load: ActivityCollectorHistory, collector: ActivityCollector) -> Iterator[IO[bytes]]:
    """UnreadableError where it is gone, or packed in a way that can't be undone."""
    from billing.mediation.sources import content_of

    if load.usage_file:
        try:
            file = contents.opened(key_of(load.usage_file))
        except FileNotFoundError:
            raise UnreadableError("The file is not in the storage any more.") from None
        with file, unpacked(file) as content:
            yield content
        return
    with content_of(load, collector) as raw, unpacked(raw) as content:
        yield content
