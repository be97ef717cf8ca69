"""Tables that are kept in months: one partition for each, made ahead, taken out when it is old.

The months are those of UTC, of a column of instants. A default partition takes what no month has,
so that a row of any date can be written; a month that is made later takes its rows from there. A
month that was taken out stays a table of its own under its name, and can be put back.

Making a month, taking it out and putting it back need a lock that stops whoever reads all months.
It is waited for only so long that nobody notices, and tried again.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import errors as pg

from metabrm import clock
from metabrm.problems import Problem

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Beside a hash of the table's name, the key of the lock of whoever works on its months.
_LOCK = 0x6272_6D70  # "brmp"
#: Milliseconds that a lock is waited for while others queue behind us, and how often it is tried.
_PATIENCE = 300
_TRIES = 30
#: Months that are made ahead unless told otherwise.
AHEAD = 3
#: Months before and after this one that are made because a row has such a date. What lies further
#: off is a slip of somebody's pen, or too rare to deserve a table.
_BACK, _ON = 60, 12

_PARTS = r"""
SELECT c.relname, i.inhrelid IS NOT NULL, greatest(c.reltuples::bigint, 0),
       pg_total_relation_size(c.oid)
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = %s::regclass
WHERE c.relkind = 'r' AND c.relnamespace = (SELECT relnamespace FROM pg_class
      WHERE oid = %s::regclass) AND c.relname ~ ('^' || %s || '_y\d{4}m\d{2}$')
ORDER BY c.relname
"""


class InUse(Problem):
    """Others hold the table for so long that its months can't be worked on."""


@dataclass(frozen=True)
class Month:
    """One month of a table: its first day, its own table, whether it is part of the whole, about
    how many rows it has, and how many bytes with its indexes."""

    first: date
    table: str
    attached: bool
    rows: int
    bytes: int


def first_of(day: date) -> date:
    """The first day of the month."""
    return date(day.year, day.month, 1)


def plus(month: date, count: int) -> date:
    """The first day of the month `count` months later, or earlier."""
    years, months = divmod(month.year * 12 + month.month - 1 + count, 12)
    return date(years, months + 1, 1)


def between(first: date, last: date) -> Iterator[date]:
    """The months from that of `first` to that of `last`."""
    month = first_of(first)
    while month <= last:
        yield month
        month = plus(month, 1)


def coming(ahead: int) -> list[date]:
    """This month and the `ahead` next ones."""
    month = first_of(clock.today())
    return list(between(month, plus(month, ahead)))


def sensible(days: Iterable[date]) -> set[date]:
    """The months of the days, as far as a table of their own is made for them."""
    month = first_of(clock.today())
    earliest, latest = plus(month, -_BACK), plus(month, _ON)
    return {first for first in map(first_of, days) if earliest <= first <= latest}


def table_of(table: str, month: date) -> str:
    """Name of a month's own table."""
    return f"{table}_y{month.year:04}m{month.month:02}"


def rest_of(table: str) -> str:
    """Name of the default partition."""
    return f"{table}_default"


def known(table: str) -> list[Month]:
    """The months that have a table, those that were taken out as well, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [table, table, table])
        return [
            Month(date(int(name[-7:-3]), int(name[-2:]), 1), name, attached, rows, size)
            for name, attached, rows, size in cursor.fetchall()
        ]


def partition(table: str, month: date) -> str:
    """The statement that makes a month of a table that nobody uses yet."""
    since, until = _range(month)
    return (
        f'CREATE TABLE "{table_of(table, month)}" PARTITION OF "{table}" '
        f"FOR VALUES FROM ('{since}') TO ('{until}')"
    )


def ensure(table: str, column: str, wanted: Iterable[date]) -> list[date]:
    """Make the wanted months that are missing; returns those that were made.

    A month that was taken out is left as it is, and one whose lock is not to be had: what belongs
    there goes to the default partition, until the month is put back or made. Call it outside a
    transaction.
    """
    there = {month.first for month in known(table)}
    made = []
    for month in sorted({first_of(day) for day in wanted} - there):
        try:
            if _patiently(table, partial(_make, table, column, month)):
                made.append(month)
        except InUse:
            log.warning("%s of %s could not be made; it is in too much use", month, table)
    return made


def detach(table: str, month: date, objection: str = "") -> str:
    """Take a month out; returns the name of its table, which stays.

    `objection` is a query over the table `{part}` whose rows (of one text) say why the month can't
    go. The keys that guard its lookups go: what it points to may be purged some day, and its dump
    can be read elsewhere. Raises Problem.
    """
    part = table_of(table, month)
    _attached(table, month, True)

    def work() -> None:
        with _working(table) as cursor:
            cursor.execute(f'LOCK TABLE "{part}" IN SHARE ROW EXCLUSIVE MODE')
            _object(cursor, part, objection, "stays")
            cursor.execute(f'ALTER TABLE "{table}" DETACH PARTITION "{part}"')
            for name in _foreign_keys(cursor, part):
                cursor.execute(f'ALTER TABLE "{part}" DROP CONSTRAINT "{name}"')

    _patiently(table, work)
    return part


def attach(table: str, column: str, month: date, objection: str = "") -> None:
    """Put a month back, with the columns that the table has got meanwhile and without those that
    are gone; rows of it that went to the default partition join it.

    `objection` is as of `detach`. Raises Problem where its rows no longer fit.
    """
    _attached(table, month, False)
    part = table_of(table, month)
    try:
        _fit(table, column, month, objection)
        _patiently(table, partial(_put_back, table, column, month))
    except IntegrityError as error:
        raise Problem(f"{part} does not fit any more: {error}".strip()) from error


def _fit(table: str, column: str, month: date, objection: str) -> None:
    """Look through a month that was away while nobody waits for it."""
    part = table_of(table, month)
    with transaction.atomic(), connection.cursor() as cursor:
        _object(cursor, part, objection, "stays out")
        _align(cursor, table, part)
        # With this known, nobody waits while the rows are looked through.
        cursor.execute(f'ALTER TABLE "{part}" DROP CONSTRAINT IF EXISTS "{part}_month"')
        cursor.execute(f'ALTER TABLE "{part}" ADD {_bound(part, column, month)}')
        present = _foreign_keys(cursor, part)
        keys = {n: d for n, d in _foreign_keys(cursor, table).items() if n not in present}
        for name, definition in keys.items():
            cursor.execute(f'ALTER TABLE "{part}" ADD CONSTRAINT "{name}" {definition} NOT VALID')
    for name in keys:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "{part}" VALIDATE CONSTRAINT "{name}"')


def _put_back(table: str, column: str, month: date) -> None:
    with _working(table) as cursor:
        _join(cursor, table, column, month)


def _make(table: str, column: str, month: date) -> bool:
    part = table_of(table, month)
    with _working(table) as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NULL", [f'"{part}"'])
        if not cursor.fetchone()[0]:
            # Somebody else was faster.
            return False
        cursor.execute(
            f'CREATE TABLE "{part}" (LIKE "{table}" INCLUDING ALL EXCLUDING IDENTITY, '
            f"{_bound(part, column, month)})"
        )
        _join(cursor, table, column, month)
        return True


def _join(cursor: Any, table: str, column: str, month: date) -> None:
    """Make a table with the month's bound a part of the whole, with its rows that lie elsewhere."""
    part, rest = table_of(table, month), rest_of(table)
    since, until = _range(month)
    columns = ", ".join(f'"{name}"' for name in _columns(cursor, table))
    cursor.execute(f'LOCK TABLE "{rest}" IN ACCESS EXCLUSIVE MODE')
    cursor.execute(
        f'WITH gone AS (DELETE FROM "{rest}" WHERE "{column}" >= %s AND "{column}" < %s '
        f'RETURNING {columns}) INSERT INTO "{part}" ({columns}) SELECT {columns} FROM gone',
        [since, until],
    )
    cursor.execute(
        f'ALTER TABLE "{table}" ATTACH PARTITION "{part}" '
        f"FOR VALUES FROM ('{since}') TO ('{until}')"
    )
    cursor.execute(f'ALTER TABLE "{part}" DROP CONSTRAINT "{part}_month"')


def _range(month: date) -> tuple[str, str]:
    """The first instants of the month and of the next, in UTC."""
    return f"{month:%Y-%m-%d} 00:00:00+00", f"{plus(month, 1):%Y-%m-%d} 00:00:00+00"


def _bound(part: str, column: str, month: date) -> str:
    since, until = _range(month)
    return (
        f'CONSTRAINT "{part}_month" CHECK ("{column}" >= \'{since}\'::timestamptz '
        f"AND \"{column}\" < '{until}'::timestamptz)"
    )


def _attached(table: str, month: date, wanted: bool) -> None:
    """Raise Problem unless the month has a table that is part of the whole, or is not."""
    found = next((m for m in known(table) if m.first == month), None)
    if found is None:
        raise Problem(f"{table} has no month {month:%Y-%m}; `list` shows those it has")
    if found.attached and not wanted:
        raise Problem(f"{month:%Y-%m} is a part of {table} already")
    if not found.attached and wanted:
        raise Problem(f"{month:%Y-%m} has been taken out of {table} already; it is {found.table}")


def _object(cursor: Any, part: str, objection: str, verdict: str) -> None:
    """Raise Problem with all that the query `objection` says of a month's table."""
    if objection:
        cursor.execute(objection.format(part=f'"{part}"'))
        if reasons := [reason for (reason,) in cursor.fetchall()]:
            raise Problem("\n".join(f"{part} {verdict}: {reason}" for reason in reasons))


def _columns(cursor: Any, table: str) -> dict[str, str]:
    """Column -> its type, in order."""
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [f'"{table}"'],
    )
    return dict(cursor.fetchall())


def _foreign_keys(cursor: Any, table: str) -> dict[str, str]:
    """Name -> definition of the keys that guard the table's lookups."""
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY conname",
        [f'"{table}"'],
    )
    return dict(cursor.fetchall())


def _align(cursor: Any, table: str, part: str) -> None:
    """Give a month that was away the columns and checks of the whole."""
    wanted, present = _columns(cursor, table), _columns(cursor, part)
    changed = [n for n in wanted if n in present and present[n] != wanted[n]]
    if changed:
        told = ", ".join(f"{n} is {present[n]}, there {wanted[n]}" for n in changed)
        raise Problem(f"{part} has columns of other types than {table}: {told}; change them first")
    for name in present.keys() - wanted.keys():
        cursor.execute(f'ALTER TABLE "{part}" DROP COLUMN "{name}"')
    for name, sql_type in wanted.items():
        if name not in present:
            cursor.execute(f'ALTER TABLE "{part}" ADD COLUMN "{name}" {sql_type}')
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint w "
        "WHERE conrelid = %s::regclass AND contype = 'c' AND NOT EXISTS (SELECT FROM pg_constraint "
        "p WHERE p.conrelid = %s::regclass AND p.conname = w.conname)",
        [f'"{table}"', f'"{part}"'],
    )
    for name, definition in cursor.fetchall():
        cursor.execute(f'ALTER TABLE "{part}" ADD CONSTRAINT "{name}" {definition}')


@contextmanager
def _working(table: str) -> Iterator[Any]:
    """A transaction in which nobody else works on the table's months, with a cursor whose
    statements wait for locks only briefly."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, table])
        # Checks that wait for the end of the transaction would stand in the way of ALTER TABLE.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = cursor.fetchone()
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{_PATIENCE}ms"])
        yield cursor
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", before)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _patiently(table: str, work: Callable[[], T]) -> T:
    """Do what needs a lock, trying again while others hold it. Raises InUse."""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(random.uniform(0.1, 0.5))
        try:
            return work()
        except OperationalError as error:
            if not isinstance(error.__cause__, pg.LockNotAvailable | pg.DeadlockDetected):
                raise
    raise InUse(f"{table} is in use by a long query or transaction; try again when it is over")


def month_of(text: str) -> date:
    """`2026-11` as the first day of that month. Raises Problem."""
    try:
        month = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise Problem(f"{text!r} is no month; write it as 2026-11") from None
    if not 1900 <= month.year < 3000:
        raise Problem(f"{text!r} is no month of our times; write it as 2026-11")
    return month
