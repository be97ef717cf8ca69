"""All benches at tiny numbers, run once, on a database of their own on the tests' server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metabrm import embedded
from metabrm.environment import read
from tests.patience import STUCK
from tests.pristine import Pristine

ROOT = Path(__file__).parents[2]
PROGRAM = "from bench.__main__ import run; run([], [30, 300], rounds=1)"


@pytest.fixture(scope="module")
def lines(
    pristine: Pristine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, int], Any]]:
    """(bench, rows) -> what its JSON line says."""
    with pristine.copied(f"bench_{os.getpid()}") as url:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]),
                "BRM_STATE_DIR": str(tmp_path_factory.mktemp("bench")),
                "BRM_USAGE_DIR": str(tmp_path_factory.mktemp("usage")),
                "DATABASE_URL": url,
                "REDIS_URL": embedded.cache_url(read(os.environ)),
            },
            capture_output=True,
            text=True,
            timeout=STUCK,
        )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    yield {(line["bench"], line["rows"]): line for line in found}
