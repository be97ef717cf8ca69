"""Work behind the scenes: telling a worker of it, and doing it alone.

What is to be done is a row of the database before anybody is told, and a schedule looks for rows
that nobody took. So telling is only for speed: it may fail, and it never holds up who tells.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from celery import current_app
from django.db import connection

log = logging.getLogger(__name__)


def tell(task: str, *arguments: int | list[int]) -> None:
    """Have a worker run the task now; without this its schedule does it some seconds later."""
    try:
        current_app.send_task(task, list(arguments), retry=False, ignore_result=True)
    except Exception as error:  # a broker that is away is no reason to fail
        log.warning("no worker could be told of %s %s: %s", task, list(arguments), error)


@contextmanager
def alone(kind: int, number: int) -> Iterator[bool]:
    """Hold the lock of one piece of work, if nobody else does; gives whether it is held.

    `kind` (32 bits) keeps kinds of work apart. The lock is the database session's: it ends with
    its holder, however that ends.
    """
    key = kind << 32 | number & 0xFFFF_FFFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
