"""What the tests of this room share: commands of the product run as processes of their own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from metabrm.embedded import processes
from metabrm.embedded.place import Place
from metabrm.embedded.postgres import Postgres
from metabrm.embedded.valkey import Valkey
from metabrm.environment.variables import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
HOLD = Path(__file__).with_name("hold_servers.py")

Start = Callable[..., subprocess.Popen[str]]


def surroundings(state: Path, **more: str) -> dict[str, str]:
    """The environment of a command that has `state` as its state directory and nothing else set."""
    ours = {variable.name for variable in VARIABLES}
    base = {name: value for name, value in os.environ.items() if name not in ours}
    return {**base, "BRM_STATE_DIR": str(state), **more}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory of the test's own; whatever still runs in it at the end is stopped."""
    path = tmp_path / "state"
    yield path
    for server in (Postgres(Place(path)), Valkey(Place(path))):
        server.stop()
    Place(path).tidy()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a command of the product; it is killed at the end of the test if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def run(
        *arguments: str | Path, state: Path, before: list[str] | None = None, **more: str
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*(before or []), sys.executable, *map(str, arguments)],
            env=surroundings(state, **more),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs the tests in the background has its children ignore Ctrl-C.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def as_ordinary_user() -> list[str]:
    """What to put before a command so that it is not run by root, whoever runs the tests."""
    return [*processes.LAUNCHER, "namespace", "1"] if os.geteuid() == 0 else []


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
