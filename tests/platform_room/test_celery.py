"""Work in the background: a task goes to a real worker and its result comes back."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from metabrm.celery import app
from tests.patience import STUCK
from tests.platform_room.conftest import ROOT


@pytest.fixture
def worker() -> Iterator[None]:
    command = [
        *(sys.executable, "-m", "celery", "-A", "tests.platform_room.celery_probe", "worker"),
        *("--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=INFO"),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    assert any("ready." in line for line in process.stdout)
    yield
    process.terminate()
    process.communicate(timeout=STUCK)


def test_a_task_makes_the_round_trip(worker: None) -> None:
    result = app.send_task("probe", [21]).get(timeout=STUCK)
    assert result["twice"] == 42
    assert result["pid"] != os.getpid()
    assert result["postgres"] >= 15


def test_a_killed_worker_loses_no_task() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.timezone == "UTC"
    assert app.conf.beat_schedule_filename.startswith(os.environ["BRM_STATE_DIR"])


def test_the_workers_of_a_test_run_share_no_queue() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    assert app.conf.broker_url.endswith(f"virtual_host={number}")
