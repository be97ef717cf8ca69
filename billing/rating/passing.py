"""Work of a web request on what loads need: it gives way to them, and never takes long."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection, transaction
from django.db.utils import DataError, OperationalError
from psycopg import errors as pg

from billing.rating.telling import TOO_LARGE
from entities.errors import Code, RequestError

#: Seconds for which it waits for a lock, and that one of its statements may take.
_PATIENCE, _LONGEST = 5, 20


@contextmanager
def in_passing(otherwise: str) -> Iterator[None]:
    """A transaction of its own. RequestError TEMPORARILY_UNAVAILABLE while others hold what it
    needs, QUERY_TIMEOUT where it takes too long (`otherwise` says what to do then), and
    NUMBER_OUT_OF_RANGE where an amount becomes larger than any line holds.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('lock_timeout', %s, true), "
                    "set_config('statement_timeout', %s, true)",
                    [f"{_PATIENCE}s", f"{_LONGEST}s"],
                )
            yield
    except (DataError, psycopg.DataError) as error:
        if isinstance(error.__cause__ or error, pg.NumericValueOutOfRange):
            raise RequestError(Code.NUMBER_OUT_OF_RANGE, TOO_LARGE) from error
        raise
    except (OperationalError, psycopg.OperationalError) as error:
        cause = error.__cause__ if isinstance(error, OperationalError) else error
        if isinstance(cause, pg.LockNotAvailable):
            raise RequestError(
                Code.TEMPORARILY_UNAVAILABLE,
                "A load, or a run that rates lines again, is at work on what this needs. Try again "
                "in a moment.",
            ) from error
        if isinstance(cause, pg.QueryCanceled):
            raise RequestError(
                Code.QUERY_TIMEOUT, f"This takes longer than {_LONGEST} seconds. {otherwise}"
            ) from error
        raise
