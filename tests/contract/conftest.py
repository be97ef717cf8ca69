"""One live server for all contract tests of a run, and who calls it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
import requests

from metabrm import embedded
from metabrm.environment import read
from tests.contract.calls import Caller
from tests.contract.live import (
    ORG,
    PASSWORD,
    USERNAME,
    Live,
    create_database,
    database_url,
    drop_database,
)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with _serving("contract", tmp_path_factory) as server:
        yield server


@pytest.fixture(scope="session")
def expendable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Another one, for tests that change its schema and kill its processes."""
    with _serving("expendable", tmp_path_factory) as server:
        yield server


@contextmanager
def _serving(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    env = read(os.environ)
    entry = embedded.database(env)
    name = f"{kind}_{os.getpid()}"
    server_url = database_url(entry, entry["NAME"])
    create_database(server_url, name)
    state = tmp_path_factory.mktemp(kind)
    server = Live(
        database_url(entry, name), embedded.cache_url(env), state / "state", state / "server.log"
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()
        drop_database(server_url, name)


@pytest.fixture(scope="session")
def admin(live: Live) -> Caller:
    """The administrator, signed in."""
    return Caller.signed_in(live.url, USERNAME, PASSWORD)


@pytest.fixture
def nobody(live: Live) -> Caller:
    """A caller without any credential."""
    return Caller(live.url, requests.Session())


_names = count(1)


@pytest.fixture
def unique() -> str:
    """A text no other test uses."""
    return f"{ORG}-{os.getpid()}-{next(_names)}"
