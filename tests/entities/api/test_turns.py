"""One user's slow queries leave a thread to everybody else."""

import threading
import time
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from entities.api.bodies import body_of
from entities.api.errors import rendered
from entities.api.turns import QUERIES, turn
from entities.errors import Code, RequestError
from metabrm.identity.context import Context
from metabrm.web import dawdling, turns
from metabrm.web.dawdling import Patient


def someone(user_id: int) -> Context:
    return Context(user_id, 1, False, f"user {user_id}")


def test_more_than_so_many_slow_queries_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "MOMENT", 0.05)
    with ExitStack() as running:
        for _ in range(QUERIES.most):
            running.enter_context(turn(someone(1)))
        time.sleep(0.06)
        begun = time.monotonic()
        with pytest.raises(RequestError) as refused, turn(someone(1)):
            pass
        assert time.monotonic() - begun < 0.04
        assert refused.value.code == Code.TOO_MANY_REQUESTS
        assert rendered(refused.value).headers["Retry-After"]
        with turn(someone(2)), turn(someone(3)):
            pass
    with turn(someone(1)):
        pass
    assert not QUERIES.taken


def test_quick_queries_take_turns() -> None:
    refused: list[Any] = []

    def ask() -> None:
        try:
            with turn(someone(1)):
                time.sleep(0.005)
        except RequestError as error:
            refused.append(error)

    asking = [threading.Thread(target=ask) for _ in range(4 * QUERIES.most)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert not refused and not QUERIES.taken


def test_a_query_that_fails_leaves_its_place() -> None:
    for _ in range(2 * QUERIES.most):
        with pytest.raises(ZeroDivisionError), turn(someone(1)):
            raise ZeroDivisionError
    assert not QUERIES.taken


class Slow:
    """A body that does not come until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def read(self, size: int = -1) -> bytes:
        self.let.wait(5)
        return b"{}"


def test_who_dawdles_holds_no_more_threads_than_his_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOMENT", 0.05)
    slow = Slow()

    def body(address: str, stream: Any) -> dawdling.Body:
        return dawdling.Body({"wsgi.input": stream, "REMOTE_ADDR": address})

    dawdlers = [
        threading.Thread(target=body("2001:db8::1", slow).read) for _ in range(dawdling.BODIES.most)
    ]
    for thread in dawdlers:
        thread.start()
    time.sleep(0.06)
    request = RequestFactory().post("/rest/2.0/login", b"{}", content_type="application/json")
    # The sender chooses among the addresses of his network.
    environ = {**request.META, "REMOTE_ADDR": "2001:db8::2"}
    Patient(lambda given, start: environ.update(given) or ())(environ, None)
    with pytest.raises(RequestError) as refused:
        body_of(WSGIRequest(environ))
    assert refused.value.code == Code.TOO_MANY_REQUESTS
    chunked = {**environ, "HTTP_TRANSFER_ENCODING": "chunked"}
    with pytest.raises(RequestError, match="still on their way"):
        body_of(WSGIRequest(chunked))
    assert body("192.0.2.1", BytesIO(b"here")).read() == b"here"
    slow.let.set()
    for thread in dawdlers:
        thread.join()
    assert body_of(WSGIRequest(environ)) == b"{}"
    assert not dawdling.BODIES.taken
