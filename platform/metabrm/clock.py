"""The only source of "now" and "today".

Code that asks the machine's clock directly cannot be tested at a month's end or on a leap day, so
everything asks here. Instants are aware datetimes in UTC; a date exists only in somebody's time
zone, usually the account's. Tests move the clock with `frozen(instant)`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("metabrm_clock_frozen", default=None)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def today(zone: str = "UTC") -> date:
    """The calendar date now in the IANA time zone `zone` (of the account, not of the machine).

    Raises ZoneInfoNotFoundError for a zone the time zone database does not know.
    """
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def frozen(instant: datetime) -> Iterator[None]:
    """Hold the clock at an aware `instant` inside the block, in this thread or task only."""
    if instant.tzinfo is None:
        raise ValueError(f"the clock needs an aware datetime, not the naive {instant!r}")
    token = _frozen.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
