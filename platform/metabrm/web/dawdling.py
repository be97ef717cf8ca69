"""Whoever sends the body of a request slowly keeps the thread that waits for it, and no more of
them than his turns: the others of the worker serve everybody else.

The web server gives a request to a thread when its head is here, and waits for its body any time. A
proxy that reads requests whole is the better way; this is for who has none.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from metabrm.web.addresses import address_in, one_and_the_same
from metabrm.web.turns import NoTurnError, Turns

#: Bodies that are waited for at once in a worker, of one address.
BODIES = Turns(settings.WEB_THREADS - 1)

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class DawdlingError(OSError):
    """Too many bodies from the same address are waited for already."""


class Patient:
    """The WSGI application, with bodies that are waited for by turns."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH", "0") not in ("", "0") or (
            "HTTP_TRANSFER_ENCODING" in environ
        ):
            environ["wsgi.input"] = Body(environ)
        return self.application(environ, start_response)


class Body:
    """What WSGI asks of a body; DawdlingError where there is no turn to wait for more of it."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.stream = environ["wsgi.input"]

    def read(self, *size: int) -> bytes:
        with self._turn():
            return bytes(self.stream.read(*size))

    def readline(self, *size: int) -> bytes:
        with self._turn():
            return bytes(self.stream.readline(*size))

    def readlines(self, *hint: int) -> list[bytes]:
        with self._turn():
            return list(self.stream.readlines(*hint))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        try:
            with BODIES.turn(one_and_the_same(address_in(self.environ))):
                yield
        except NoTurnError as none:
            raise DawdlingError("too many bodies from this address are waited for") from none
