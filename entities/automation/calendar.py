"""When a scheduled rule runs next: a wall clock's time in a time zone, told as an instant.

A rule keeps the weekday and the day of the month on which it was made. In a month that is too short
it runs on the last day. A time that the clock skips is the instant at which it would have been; of
a time that the clock shows twice the first counts.
"""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

INTERVALS = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY")


def parse_time(text: str) -> time:
    """ "06:30" -> 06:30; ValueError for anything that is no time of day."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(text)
    return time(int(text[:2]), int(text[3:]))


def next_run(after: datetime, interval: str, at: time, zone: ZoneInfo, made: datetime) -> datetime:
    """The first run later than the instant `after` of a rule made at the instant `made`."""
    local = after.astimezone(zone)
    if interval == "HOURLY":
        wanted = local.replace(minute=at.minute, second=0, microsecond=0)
        run = after.astimezone(UTC) + (wanted.replace(tzinfo=None) - local.replace(tzinfo=None))
        return run if run > after else run + timedelta(hours=1)
    first = made.astimezone(zone).date()
    day = _day(local.date(), interval, first)
    while (run := datetime.combine(day, at, zone).astimezone(UTC)) <= after:
        day = _following(day, interval, first)
    return run


def _day(today: date, interval: str, first: date) -> date:
    """The last day not after `today` on which the rule runs, or one of this month."""
    if interval == "WEEKLY":
        return today - timedelta(days=(today.weekday() - first.weekday()) % 7)
    if interval == "MONTHLY":
        return _in_month(today.year, today.month, first.day)
    return today


def _following(day: date, interval: str, first: date) -> date:
    if interval == "MONTHLY":
        year, month = divmod(day.year * 12 + day.month, 12)
        return _in_month(year, month + 1, first.day)
    return day + timedelta(days=7 if interval == "WEEKLY" else 1)


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
