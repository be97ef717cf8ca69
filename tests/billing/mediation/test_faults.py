"""A worker may be killed at any line: the next one brings the same lines, once."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection

from billing.mediation import sources, tasks
from billing.mediation.models import ActivityCollectorHistory
from billing.mediation.reading import body, staging
from billing.mediation.sources import directory
from metabrm import environment
from tests.billing.mediation.standing import Standing, rate
from tests.patience import STUCK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("untold")]

#: Where a worker is killed -> what it calls there, and whether it still does.
POINTS = {
    "the file is being claimed": ("billing.mediation.loads.claiming.open_load", "after"),
    "the file is claimed": ("billing.mediation.tasks.background.tell", "before"),
    "the table is made": ("billing.mediation.reading.staging._create", "after"),
    "what was mapped beside holds": ("billing.mediation.reading.Sessions.settle", "after"),
    "the usage is mapped": ("billing.mediation.mapping.late.mark", "before"),
    "the mapping is kept": ("billing.mediation.loads.running.rate", "before"),
    "a shard is being rated": ("tests.billing.mediation.test_faults.rated", "before"),
    "the shards are rated": ("billing.mediation.loads.finishing.finish", "before"),
    "suspense is written": (
        "billing.mediation.loads.finishing.UsageEvent.objects.filter",
        "before",
    ),
    "the load is finished": ("billing.mediation.loads.finishing._put_away", "before"),
    "the file is moved": ("billing.mediation.sources.directory.os.replace", "after"),
}


def rated(load_id: int) -> None:
    rate(load_id)


def work(collector: int) -> None:
    """All that workers do, until there is nothing to be done."""
    tasks.collect(collector)
    for load in ActivityCollectorHistory.objects.filter(activity_collector_id=collector):
        tasks.run_load(load.pk)
        rated(load.pk)
        tasks.run_load(load.pk)


def killed(target: str, when: str, job: Callable[[], None]) -> None:
    """Do the job in a process that is killed (-9) where it calls `target`."""
    connection.close()
    connection.close_pool()
    child = os.fork()
    if child == 0:
        owner, _, name = target.rpartition(".")
        real: Any = getattr(resolve_name(owner), name)

        def die(*arguments: Any, **named: Any) -> None:
            if when == "after":
                real(*arguments, **named)
            os.kill(os.getpid(), signal.SIGKILL)

        try:
            with patch(target, die):
                job()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, "it was not killed"


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_leaves_nothing_undone_or_done_twice(
    point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    found = replace(environment.current(), usage_dir=tmp_path, state_dir=tmp_path / "state")
    monkeypatch.setattr(environment, "current", lambda: found)
    monkeypatch.setattr(directory, "QUIET", -1.0)
    # Small as it is, the file is mapped in two sessions.
    monkeypatch.setattr(body, "CHUNK", 16)
    monkeypatch.setattr(staging, "PART", 16)
    standing = Standing(
        Type="FTP",
        FtpDirectory="in",
        FtpFilePattern="*.csv",
        AfterProcessAction="ARCHIVE",
        AfterProcessDirectory="done",
        CreateAfterProcessDirectoryFlag="1",
    ).usual()
    token = standing.token
    (tmp_path / "in" / "u.csv").write_text(
        f"who,at,much\n{token},2026-11-01,1\nnobody,2026-11-01,1\n{token},2026-11-02,2\n"
    )
    killed(*POINTS[point], lambda: work(standing.collector))
    until = time.monotonic() + STUCK
    while True:
        work(standing.collector)
        loads = list(
            ActivityCollectorHistory.objects.filter(activity_collector_id=standing.collector)
        )
        if [load.stage for load in loads] == ["DONE"] or time.monotonic() > until:
            break
        time.sleep(0.1)
    (load,) = loads
    assert (load.status, load.stage, load.record_count) == ("COMPLETED", "DONE", 3)
    assert (load.processed_count, load.suspended_count) == (2, 1)
    assert [line for (line,) in standing.lines("line_number")] == [2, 4]
    assert [w.billing_identifier for w in standing.suspense()] == ["nobody"]
    assert os.listdir(tmp_path / "in") == []
    assert os.listdir(tmp_path / "done") == ["u.csv"]
    assert sources.collect(standing.collector) == []
