"""Nobody's queries take all threads of a web worker: others are to be served beside them.

A user has so many queries at work in a worker at a time; one thread is always left to others. One
more waits for its turn as long as it is likely to come: a moment, and not at all where those at
work have taken longer than that already. Who waits holds a thread too, so nobody waits longer.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from entities.errors import Code, RequestError
from metabrm.identity.context import Context

#: Queries of one user that run at once in a worker.
MOST = max(1, settings.WEB_THREADS - 1)
#: Seconds for which a query waits for its turn.
MOMENT = 0.4

#: User -> when each of his queries at work began.
_at_work: defaultdict[int | None, list[float]] = defaultdict(list)
_changed = threading.Condition()


@contextmanager
def turn(context: Context) -> Iterator[None]:
    """Run a query of the caller's; RequestError TOO_MANY_REQUESTS while too many of his run."""
    begun = _begin(context)
    try:
        yield
    finally:
        with _changed:
            own = _at_work[context.user_id]
            own.remove(begun)
            if not own:
                del _at_work[context.user_id]
            _changed.notify_all()


def _begin(context: Context) -> float:
    with _changed:
        came = time.monotonic()
        own = _at_work[context.user_id]
        while len(own) >= MOST:
            now = time.monotonic()
            left = min(came, max(own)) + MOMENT - now
            if left <= 0:
                raise RequestError(
                    Code.TOO_MANY_REQUESTS,
                    f"{len(own)} queries of user {context.username} are at work already. Send this "
                    "one again when one of them is answered; ask for more at once by a bulk "
                    "extract.",
                )
            _changed.wait(left)
            own = _at_work[context.user_id]
        begun = time.monotonic()
        own.append(begun)
        return begun
