"""Where usage comes from: what is there is claimed as loads, opened, and put away when done.

directory  files below the operator's directory of usage
sftp       files of another machine
query      rows of the platform's own entities, by a SELECT
entity     records of one of them, each once
posted     COLLECTOR_FIELDS that programs send while they are signed in
events     CloudEvents that were sent over HTTP
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import ModuleType
from typing import IO

from django.db.models import F, QuerySet

from billing.mediation.loads import claiming
from billing.mediation.models import ActivityCollector, ActivityCollectorHistory
from billing.mediation.models.collectors import LOOKING
from billing.mediation.reading import UnreadableError
from billing.mediation.sources import directory, events, posted, query
from billing.mediation.sources.refusals import RefusedError
from metabrm import clock

log = logging.getLogger(__name__)

close_posted = posted.close
gather_events = events.gather


def due() -> list[int]:
    """Collectors whose time has come, in their order."""
    now = clock.now()
    found = ActivityCollector.objects.filter(type__in=LOOKING, deleted_at=None)
    found = found.exclude(status="DEACTIVATED").exclude(run_interval_min=None)
    ordered = found.order_by(F("load_order").asc(nulls_last=True), "id")
    return [
        one.pk
        for one in ordered
        if (one.start_date is None or one.start_date <= now)
        and (
            one.last_runtime is None
            or one.last_runtime + timedelta(minutes=one.run_interval_min or 0) <= now
        )
    ]


def collect(collector_id: int) -> list[int]:
    """Claim what is new at a collector's source; the loads it became. RefusedError where some of
    its files could not be taken."""
    collector = ActivityCollector.objects.filter(pk=collector_id, deleted_at=None).first()
    if collector is None or collector.status == "DEACTIVATED":
        return []
    ActivityCollector.objects.filter(pk=collector_id).update(last_runtime=clock.now())
    if collector.type in ("DATABASE", "ENTITY"):
        return query.claim(collector)
    if collector.type == "FTP":
        found = _sftp().claim(collector) if collector.hostname else directory.claim(collector)
        return [load.pk for load in found]
    return []


def collect_or_tell(collector_id: int) -> list[int]:
    """As `collect`; a source that can't be looked at, and files of it that can't be taken, are told
    as a load that FAILED, one for all times in a row."""
    trouble = ActivityCollectorHistory.objects.filter(identity=f"trouble:{collector_id}")
    try:
        found = collect(collector_id)
    except RefusedError as error:
        _tell(collector_id, trouble, str(error))
        return [load.pk for load in error.loads]
    except Exception as error:
        log.warning("collector %s can't look at its source", collector_id, exc_info=error)
        _tell(collector_id, trouble, f"{type(error).__name__}: {error}")
        return []
    trouble.update(identity=None)
    return found


def _tell(collector_id: int, trouble: QuerySet[ActivityCollectorHistory], text: str) -> None:
    now = clock.now()
    told = {"error_text": text[:4000], "start_date": now, "end_date": now}
    if not trouble.update(**told, updated=now):
        collector = ActivityCollector.objects.get(pk=collector_id)
        claiming.open_load(
            collector,
            "FILE" if collector.type == "FTP" else "QUERY",
            status="FAILED",
            identity=f"trouble:{collector_id}",
            **told,
        )


@contextmanager
def content_of(load: ActivityCollectorHistory, collector: ActivityCollector) -> Iterator[IO[bytes]]:
    """The bytes of a load's source. UnreadableError where they are gone or have changed."""
    if load.source == "EVENTS":
        with events.content(load) as file:
            yield file
    elif load.source == "SFTP":
        with _sftp().content(load, collector) as file:
            yield file
    elif load.source == "FILE" and load.file_name:
        with directory.content(load, collector) as file:
            yield file
    else:
        raise UnreadableError("The load has no file; send one in UsageFile.")


def put_away(load: ActivityCollectorHistory, collector: ActivityCollector) -> str | None:
    """Archive or delete the file of a load that is done; where it lies now."""
    if load.usage_file or load.source not in ("FILE", "SFTP"):
        return load.archive_place
    if load.source == "SFTP":
        return _sftp().put_away(load, collector)
    return directory.put_away(load, collector)


def _sftp() -> ModuleType:
    """Read in when a collector first needs it: its cryptography would hold up every start."""
    from billing.mediation.sources import sftp

    return sftp
