"""The product as its clients meet it: a web server process of its own, on a database of its own.

Nothing of the product is imported into the tests that use it; what can't be done over HTTP (giving
somebody a password) is done by a program run in the same environment.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from metabrm import embedded
from metabrm.environment import read
from tests.patience import STUCK
from tests.pristine import Pristine

ROOT = Path(__file__).parents[2]
ORG = "acme"
USERNAME = "admin"
PASSWORD = "contract-tests-7"


class Live:
    """A running product. `url` ends before `/rest`; `environment` is that of its processes."""

    def __init__(self, database_url: str, redis_url: str, state: Path, log: Path) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}/{ORG}"
        self.log = log
        self.database_url = database_url
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("BRM_")},
            "DJANGO_SETTINGS_MODULE": "metabrm.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "BRM_STATE_DIR": str(state),
            "BRM_RATE_LIMIT": os.environ["BRM_RATE_LIMIT"],
            "BRM_ORG": ORG,
            "BRM_ADMIN_USERNAME": USERNAME,
            "BRM_ADMIN_PASSWORD": PASSWORD,
        }
        self._server: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """Bring the schema up."""
        self.run(
            "from django.core.management import call_command\n"
            "call_command('migrate', interactive=False, verbosity=0)\n"
        )

    def start(self) -> None:
        """Make the administrator, and serve; returns when it answers."""
        self.run("from metabrm.identity.services import ensure_admin; ensure_admin()")
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--workers", "2", "--blocking-threads", "4"]
        command += ["--respawn-failed-workers", "--workers-kill-timeout", "2"]
        command += ["metabrm.wsgi:application"]
        with open(self.log, "ab") as log:
            self._server = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + STUCK
        while not self._ready():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no server:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server's processes."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()

    def worker_pids(self) -> list[int]:
        """The processes that answer."""
        assert self._server is not None
        pid = self._server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [
            int(child)
            for child in children
            if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
        ]

    def run(self, code: str, *arguments: str) -> str:
        """Run Python `code` in the product's environment, Django set up; returns its output."""
        program = "import django, sys; django.setup()\n" + code
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database itself says."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, parameters).fetchall()

    def _ready(self) -> bool:
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=5)
        except requests.RequestException:
            return False
        return answer.status_code == 200


@contextmanager
def serving(
    pristine: Pristine, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """One that serves a database of its own while inside the block."""
    state = tmp_path_factory.mktemp(kind)
    with pristine.copied(f"{kind}_{os.getpid()}") as url:
        server = Live(
            url, embedded.cache_url(read(os.environ)), state / "state", state / "server.log"
        )
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
