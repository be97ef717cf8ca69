"""What is wrong with a collector, the worst first: what somebody who was woken up wants to know."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.mediation.models import ActivityCollector
from billing.mediation.models.collectors import LOOKING
from billing.mediation.pages.figures import Standing
from metabrm import clock

#: A run may be so late, besides a tenth of its interval, before it is told.
_GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about a collector. tone: bad, waiting, good; word: the same in a list's column."""

    tone: str
    word: str
    text: str
    about: str = ""


def findings(
    collector: ActivityCollector, standing: Standing, gaps: list[tuple[int, int]]
) -> list[Finding]:
    """All that is to be told of a collector."""
    found = []
    if standing.trouble:
        told = f"Its source can't be looked at: {standing.trouble}"
        found.append(Finding("bad", "no source", told))
    if standing.parked:
        files = "1 file is" if standing.parked == 1 else f"{standing.parked:,} files are"
        told = f"{files} parked: tried often enough, or not readable. Open them to see why."
        found.append(Finding("bad", f"{standing.parked:,} parked", told, "parked"))
    late = overdue(collector)
    if late is not None:
        minutes = int((clock.now() - late).total_seconds() // 60)
        told = (
            f"It is {_long(minutes)} overdue: it should have run every "
            f"{collector.run_interval_min} minutes. Do the workers and the scheduler run?"
        )
        found.append(Finding("bad", "overdue", told))
    if gaps:
        ranges = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in gaps[:5])
        more = " and earlier ones" if len(gaps) > 5 else ""
        told = f"Files did not come, by their numbers: {ranges}{more}. Ask whoever sends them."
        found.append(Finding("waiting", "files left out", told))
    if collector.status == "DEACTIVATED":
        told = "It is deactivated: nothing is collected."
        found.append(Finding("waiting", "deactivated", told))
    elif collector.status == "Test Mode":
        told = "It is in Test Mode: loads are tried, and nothing is charged."
        found.append(Finding("waiting", "test mode", told))
    if standing.last_id is None and not standing.trouble:
        found.append(Finding("waiting", "never ran", "It has brought nothing yet."))
    if not any(finding.tone == "bad" for finding in found):
        found.append(Finding("good", "well", _well(standing.success_at)))
    return found


def _well(success_at: datetime | None) -> str:
    if success_at is None:
        return "Nothing has failed."
    minutes = int((clock.now() - success_at).total_seconds() // 60)
    return f"Nothing is wrong; the last load ended well {_long(minutes)} ago."


def overdue(collector: ActivityCollector) -> datetime | None:
    """When a collector that looks by itself should have run; None where it is not late."""
    if (
        collector.type not in LOOKING
        or collector.status == "DEACTIVATED"
        or collector.run_interval_min is None
    ):
        return None
    interval = timedelta(minutes=collector.run_interval_min)
    if collector.last_runtime is not None:
        due = collector.last_runtime + interval
    else:
        due = collector.start_date or collector.created
    return due if clock.now() > due + _GRACE + interval / 10 else None


def _long(minutes: int) -> str:
    """Minutes as people say them: 3 days, 5 hours, 12 minutes."""
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        count = minutes // size
        if count:
            return f"{count:,} {word}{'s' if count > 1 else ''}"
    return "less than a minute"
