"""When scheduled rules run: worked examples, and what holds for every zone and instant."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entities.automation.calendar import INTERVALS, next_run, parse_time


def at(text: str, zone: str) -> datetime:
    """The instant at which clocks of the zone show this, the first if they do so twice."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "made", "interval", "time_of_day", "after", "expected"),
    [
        # The next day, the next week, the next month, at a wall clock's time.
        ("UTC", "2026-01-01", "DAILY", "06:30", "2026-03-01 06:29", "2026-03-01 06:30"),
        ("UTC", "2026-01-01", "DAILY", "06:30", "2026-03-01 06:30", "2026-03-02 06:30"),
        ("UTC", "2026-01-01", "WEEKLY", "00:00", "2026-03-04 12:00", "2026-03-05 00:00"),
        ("UTC", "2026-01-01", "WEEKLY", "00:00", "2026-03-05 00:00", "2026-03-12 00:00"),
        ("UTC", "2026-01-15", "MONTHLY", "12:00", "2026-12-15 12:00", "2027-01-15 12:00"),
        # The last day of a month that is too short, and the 31st again afterwards.
        ("UTC", "2025-12-31", "MONTHLY", "12:00", "2026-01-31 12:00", "2026-02-28 12:00"),
        ("UTC", "2025-12-31", "MONTHLY", "12:00", "2026-02-28 12:00", "2026-03-31 12:00"),
        ("UTC", "2025-12-30", "MONTHLY", "12:00", "2028-01-30 12:00", "2028-02-29 12:00"),
        ("UTC", "2028-02-29", "MONTHLY", "12:00", "2029-01-29 12:00", "2029-02-28 12:00"),
        ("UTC", "2028-02-29", "MONTHLY", "12:00", "2029-02-28 12:00", "2029-03-29 12:00"),
        ("UTC", "2025-12-31", "MONTHLY", "12:00", "2026-04-30 12:00", "2026-05-31 12:00"),
        # Clocks go forward at 02:00 on 29 March 2026: 02:30 is the instant it would have been.
        (
            "Europe/Berlin",
            "2026-01-01",
            "DAILY",
            "02:30",
            "2026-03-28 03:00",
            "2026-03-29 03:30",
        ),
        (
            "Europe/Berlin",
            "2026-01-01",
            "DAILY",
            "02:30",
            "2026-03-29 03:30",
            "2026-03-30 02:30",
        ),
        # Clocks go back at 03:00 on 25 October 2026: the first 02:30 counts, once.
        (
            "Europe/Berlin",
            "2026-01-01",
            "DAILY",
            "02:30",
            "2026-10-24 12:00",
            "2026-10-25 02:30",
        ),
        (
            "Europe/Berlin",
            "2026-01-01",
            "DAILY",
            "02:30",
            "2026-10-25 02:30",
            "2026-10-26 02:30",
        ),
        # The day is that of the rule's zone: made late on the 31st in New York.
        (
            "America/New_York",
            "2026-01-31T23:30",
            "MONTHLY",
            "09:00",
            "2026-02-10 00:00",
            "2026-02-28 09:00",
        ),
        ("UTC", "2026-01-01", "HOURLY", "00:15", "2026-03-01 06:14", "2026-03-01 06:15"),
        ("UTC", "2026-01-01", "HOURLY", "00:15", "2026-03-01 06:15", "2026-03-01 07:15"),
        ("Asia/Kolkata", "2026-01-01", "HOURLY", "00:00", "2026-03-01 06:10", "2026-03-01 07:00"),
    ],
)
def test_the_next_run(
    zone: str, made: str, interval: str, time_of_day: str, after: str, expected: str
) -> None:
    found = next_run(
        at(after, zone), interval, parse_time(time_of_day), ZoneInfo(zone), at(made, zone)
    )
    assert found == at(expected, zone)


def test_an_hourly_rule_runs_in_both_hours_that_the_clock_shows_twice() -> None:
    zone = ZoneInfo("Europe/Berlin")
    run = datetime(2026, 10, 24, 23, 45, tzinfo=UTC)
    seen = []
    for _ in range(3):
        run = next_run(run, "HOURLY", time(0, 30), zone, run)
        seen.append(run.strftime("%H:%M"))
    assert seen == ["00:30", "01:30", "02:30"]


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",
)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2045, 1, 1), timezones=st.just(UTC))


def _days_of(interval: str, first: date, day: date) -> bool:
    """Whether a rule made on `first` runs on `day`, told without the code under test."""
    if interval == "DAILY":
        return True
    if interval == "WEEKLY":
        return (day - first).days % 7 == 0
    last = (day + timedelta(days=1)).month != day.month
    return day.day == first.day or (last and day.day < first.day)


def _oracle(after: datetime, interval: str, at: time, zone: ZoneInfo, made: datetime) -> datetime:
    """The first of all the rule's runs around `after` that is later, from the definition."""
    first = made.astimezone(zone).date()
    start = after.astimezone(zone).date() - timedelta(days=2)
    days = (start + timedelta(days=n) for n in range(40))
    runs = (
        datetime.combine(day, at, zone).astimezone(UTC)
        for day in days
        if _days_of(interval, first, day)
    )
    return min(run for run in runs if run > after)


@settings(max_examples=400, deadline=None)
@given(
    INSTANTS,
    st.sampled_from(("DAILY", "WEEKLY", "MONTHLY")),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.sampled_from(ZONES),
    INSTANTS,
)
def test_the_next_run_is_the_first_that_the_definition_gives(
    after: datetime, interval: str, of_day: time, zone: str, made: datetime
) -> None:
    expected = _oracle(after, interval, of_day, ZoneInfo(zone), made)
    assert next_run(after, interval, of_day, ZoneInfo(zone), made) == expected


@settings(max_examples=200, deadline=None)
@given(INSTANTS, st.integers(0, 59), st.sampled_from(ZONES))
def test_an_hourly_run_is_within_the_next_hours_at_its_minute(
    after: datetime, minute: int, zone: str
) -> None:
    run = next_run(after, "HOURLY", time(5, minute), ZoneInfo(zone), after)
    assert timedelta(0) < run - after <= timedelta(hours=2)
    assert run.astimezone(ZoneInfo(zone)).minute == minute


@pytest.mark.parametrize("text", ["", "6:30", "24:00", "06:60", "06:30:00", "6.30", "０６:30", "x"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


def test_every_interval_has_a_next_run() -> None:
    now = datetime(2026, 2, 28, 12, tzinfo=UTC)
    for interval in INTERVALS:
        assert next_run(now, interval, time(12), ZoneInfo("UTC"), now) > now
