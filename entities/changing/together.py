"""Several writes as one change of the schema: nobody else writes between them, and either all of
them are done or none is."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg import errors as pg

from entities.errors import Code, RequestError
from entities.schema import gate
from metabrm.identity.context import Context

#: Seconds for which the work is begun again, each time letting others pass.
PATIENCE = 60.0
_MOMENTARY = (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure)

Result = TypeVar("Result")


def together(context: Context, work: Callable[[], Result]) -> Result:
    """The result of `work`, done in one transaction that keeps all other writers out.

    It is begun again until the locks are there, unless a transaction is open already: then that one
    ends it. What `work` raises undoes it. Raises RequestError SCHEMA_BUSY.
    """
    give_up = time.monotonic() + PATIENCE
    nested = connection.in_atomic_block
    while True:
        try:
            with transaction.atomic():
                gate.enter(context, exclusive=True)
                return work()
        except RequestError as error:
            if error.code != Code.SCHEMA_BUSY or nested or time.monotonic() > give_up:
                raise
        except OperationalError as error:
            if nested or not isinstance(error.__cause__, _MOMENTARY):
                raise
            if time.monotonic() > give_up:
                raise RequestError(
                    Code.SCHEMA_BUSY,
                    "Others are still changing records or the schema; try again later.",
                ) from error
        time.sleep(random.uniform(0.02, 0.3))
