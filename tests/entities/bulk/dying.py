"""Workers that are held at a chosen point of a job, so that a test can kill them there.

A process of its own sets the product up once and makes a child for each job.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.entities.automation.receiver import subprocess_environment
from tests.patience import STUCK

ROOT = Path(__file__).parents[3]

#: Where a worker is held -> what to hold, and at which call.
POINTS = {
    "the second file is stored": ("entities.bulk.extracting.contents.put", 2, "after"),
    "the second file is told": ("entities.models.bulk.BulkApiBatch.objects.create", 2, "before"),
    "the end": ("entities.bulk.jobs.Run.finish", 1, "before"),
    "it stages": ("entities.bulk.loading._Loading._staged", 1, "after"),
    "it writes the second chunk": ("entities.bulk.loading._Loading._outcomes", 2, "after"),
    "the second chunk is told": ("entities.models.bulk.BulkUploadChunk.objects.create", 2, "after"),
    "the second chunk is done": ("entities.bulk.loading._Loading._outcomes", 3, "before"),
}

_PROGRAM = """
import os, sys, time
import django
django.setup()
from entities.bulk import loading
from entities.tasks import resume_bulk_jobs
from tests.entities.bulk.dying import POINTS, held
loading.CHUNK = 2
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        with held(*POINTS[line.strip()]):
            resume_bulk_jobs()
        print("past", flush=True)
        os._exit(0)
    print(pid, flush=True)
    os.waitpid(pid, 0)
"""


@contextmanager
def held(target: str, call: int, when: str) -> Iterator[None]:
    """Hold whoever calls `target` for so many times, before or after it is done."""
    from pkgutil import resolve_name
    from unittest.mock import patch

    owner_name, _, name = target.rpartition(".")
    owner = resolve_name(owner_name)
    original = getattr(owner, name)
    calls = 0

    def hold(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        done = original(*args, **kwargs) if when == "after" else None
        if calls == call:
            print("here", flush=True)
            time.sleep(STUCK)
        return done if when == "after" else original(*args, **kwargs)

    with patch.object(owner, name, hold):
        yield


class Workers:
    """Makes workers, one after the other."""

    def __init__(self) -> None:
        environment = subprocess_environment(
            PYTHONPATH=os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._line() == "ready"

    def kill_one(self, point: str) -> None:
        """Have a worker do what there is to be done, and kill it at the point."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{point}\n".encode())
        self._process.stdin.flush()
        pid = int(self._line())
        assert self._line() == "here"
        os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], STUCK)
        assert ready, "the worker says nothing"
        return self._process.stdout.readline().decode().strip()
