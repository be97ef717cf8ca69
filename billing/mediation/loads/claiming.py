"""A file becomes a load, once: its identity is unique, whoever comes first."""

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import IO, Any

from django.db import IntegrityError, transaction

from billing.mediation.loads import numbering
from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.models.loads import REVERSED
from metabrm import clock

_CHUNK = 1 << 20


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of the content, read from its beginning."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def identity(collector_id: int, name: str, size: int, sha256: str) -> str:
    """What a file is known by: the same content under another name is another file."""
    named = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{collector_id}:{size}:{sha256}:{named}"


def taken(key: str) -> ActivityCollectorHistory | None:
    """The load that has the identity."""
    return ActivityCollectorHistory.objects.filter(identity=key).first()


def release(key: str) -> None:
    """Have a load that was taken back give up its identity, so that the file can come again."""
    ActivityCollectorHistory.objects.filter(identity=key, status=REVERSED).update(identity=None)


def claim(
    collector: ActivityCollector,
    source: str,
    name: str,
    size: int,
    sha256: str,
    **more: Any,
) -> ActivityCollectorHistory | None:
    """A load of a file that was not taken yet; None of one that was, even by another worker now."""
    key = identity(collector.pk, name, size, sha256)
    if taken(key) is not None:
        return None
    try:
        with transaction.atomic():
            return open_load(
                collector,
                source,
                identity=key,
                file_name=name[:500],
                file_size=size,
                sha256=sha256,
                **numbering.number(collector, PurePosixPath(name).name),
                **more,
            )
    except IntegrityError:
        if taken(key) is None:
            raise
        return None


def open_load(collector: ActivityCollector, source: str, **values: Any) -> ActivityCollectorHistory:
    """A new load that waits for a worker."""
    filled: Mapping[str, Any] = {"status": "PENDING", "start_date": clock.now(), **values}
    return ActivityCollectorHistory.objects.create(
        activity_collector=collector, source=source, **filled
    )
