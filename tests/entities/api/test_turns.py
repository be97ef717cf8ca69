"""One user's slow queries leave a thread to everybody else."""

import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from entities.api import turns
from entities.api.errors import rendered
from entities.api.turns import MOST, turn
from entities.errors import Code, RequestError
from metabrm.identity.context import Context


def someone(user_id: int) -> Context:
    return Context(user_id, 1, False, f"user {user_id}")


def test_more_than_so_many_slow_queries_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "MOMENT", 0.05)
    with ExitStack() as running:
        for _ in range(MOST):
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
    assert not turns._at_work


def test_quick_queries_take_turns() -> None:
    refused: list[Any] = []

    def ask() -> None:
        try:
            with turn(someone(1)):
                time.sleep(0.005)
        except RequestError as error:
            refused.append(error)

    asking = [threading.Thread(target=ask) for _ in range(4 * MOST)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert not refused and not turns._at_work


def test_a_query_that_fails_leaves_its_place() -> None:
    for _ in range(2 * MOST):
        with pytest.raises(ZeroDivisionError), turn(someone(1)):
            raise ZeroDivisionError
    assert not turns._at_work
