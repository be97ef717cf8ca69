"""A user's slow queries leave a thread of each web worker to others."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from entities.errors import Code, RequestError
from metabrm.identity.context import Context
from metabrm.web.turns import NoTurnError, Turns

#: Queries of one user that run at once in a worker.
QUERIES = Turns(settings.WEB_THREADS - 1)


@contextmanager
def turn(context: Context) -> Iterator[None]:
    """Run a query of the caller's; RequestError TOO_MANY_REQUESTS while too many of his run."""
    try:
        with QUERIES.turn(context.user_id):
            yield
    except NoTurnError as none:
        raise RequestError(
            Code.TOO_MANY_REQUESTS,
            f"{QUERIES.most} queries of user {context.username} are at work already. Send this one "
            "again when one of them is answered; ask for more at once by a bulk extract.",
        ) from none
