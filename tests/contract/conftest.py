"""One live server for all contract tests of a run, and who calls it."""

import os
from collections.abc import Iterator
from itertools import count

import pytest
import requests

from tests.contract.calls import Caller
from tests.contract.live import ORG, PASSWORD, USERNAME, Live, serving
from tests.pristine import Pristine


@pytest.fixture(scope="session")
def live(pristine: Pristine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(pristine, "contract", tmp_path_factory) as server:
        yield server


@pytest.fixture(scope="session")
def expendable(pristine: Pristine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Another one, for tests that change its schema and kill its processes."""
    with serving(pristine, "expendable", tmp_path_factory) as server:
        yield server


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
