"""The database goes away in the middle: clients get an error, and nothing is stored by half.

It runs on an embedded pair of its own, since stopping the one that all tests share would stop them.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from metabrm import embedded
from metabrm.embedded.place import Place
from metabrm.embedded.postgres import Postgres
from metabrm.embedded.users import Users
from metabrm.environment import Environment, read
from tests.contract.calls import Caller
from tests.contract.live import PASSWORD, USERNAME, Live
from tests.patience import STUCK
from tests.pristine import database_url

RECORDS = 200


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Environment]]:
    state = tmp_path_factory.mktemp("restart")
    env = read({"BRM_STATE_DIR": str(state / "state")})
    embedded.start(env)
    entry = embedded.database(env)
    live = Live(
        database_url(entry, entry["NAME"]),
        embedded.cache_url(env),
        state / "state",
        state / "server.log",
    )
    try:
        live.install()
        live.start()
        yield live, env
    finally:
        live.stop()
        embedded.stop(env)


def test_a_restart_of_the_database_loses_nothing_and_stores_nothing_by_half(
    own: tuple[Live, Environment],
) -> None:
    live, env = own
    postgres = Postgres(Place(env.state_dir))
    answered: list[tuple[str, requests.Response]] = []
    over = threading.Event()

    def keep_writing(writer: int, caller: Caller) -> None:
        number = 0
        while not over.is_set():
            number += 1
            name = f"restart {writer}.{number}"
            rows = [{"Name": name}] * RECORDS
            answered.append((name, caller.send("POST", "ACCOUNT", {"brmObjects": rows})))

    # All are signed in before the database goes.
    callers = [Caller.signed_in(live.url, USERNAME, PASSWORD) for _ in range(3)]
    writers = [threading.Thread(target=keep_writing, args=w) for w in enumerate(callers)]
    for writer in writers:
        writer.start()
    _wait(lambda: sum(answer.ok for _, answer in answered) >= 3)
    with Users(env.state_dir).locked():
        postgres.stop()
        _wait(lambda: any(not answer.ok for _, answer in answered))
        postgres.start()
    successes = sum(answer.ok for _, answer in answered)
    _wait(lambda: sum(answer.ok for _, answer in answered) >= successes + 6)
    over.set()
    for writer in writers:
        writer.join()

    stored = Counter(
        name for (name,) in live.rows("SELECT name FROM customers_account WHERE name ~ 'restart'")
    )
    for name, answer in answered:
        if answer.ok:
            assert stored.pop(name) == RECORDS, name
        else:
            _is_temporary(answer)
            # The answer to a commit may be lost with the connection; half a commit does not exist.
            assert stored.pop(name, 0) in (0, RECORDS), name
    assert not stored


def _is_temporary(answer: requests.Response) -> None:
    assert (answer.status_code, answer.json()["error"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert "server closed" not in answer.text


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + STUCK
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
