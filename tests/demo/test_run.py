"""The demo, played from outside: what it says, what it leaves behind, what it does when disturbed.

It is a program of its own here as for everybody. Most of it is played against one server, on a
database of its own; where the demo has to start the product itself, it does so on that database.
"""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import requests

from metabrm.demo import fixtures, loading
from metabrm.demo.fixtures import DataFile
from metabrm.demo.integrator import Surprise
from metabrm.demo.telling import Telling
from tests.contract.live import PASSWORD, ROOT, Live, serving
from tests.patience import STUCK
from tests.pristine import Pristine


@pytest.fixture(scope="module")
def live(pristine: Pristine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(pristine, "demo", tmp_path_factory) as server:
        yield server


def start(live: Live, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "metabrm.demo"],
        cwd=ROOT,
        env={**live.environment, "BRM_PORT": str(live.port), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def play(live: Live, **more: str) -> tuple[int, str, str]:
    """Play the demo to its end; its exit code, its output, its complaints."""
    demo = start(live, **more)
    try:
        said, complained = demo.communicate(timeout=STUCK)
    finally:
        demo.kill()
    return demo.returncode, said, complained


def totals(said: str) -> list[tuple[int, int, int, int]]:
    """(records, created, updated, failed) of every table's last line."""
    lines = re.findall(r"^total\s+([\d,]+)\s+([\d,]+)\s+([\d,]+)\s+([\d,]+)", said, re.MULTILINE)
    return [tuple(int(cell.replace(",", "")) for cell in line) for line in lines]


def test_it_creates_everything_once_and_only_updates_when_played_again(live: Live) -> None:
    files = fixtures.read_all()
    records = sum(len(file.records) for file in files)
    different = len({(file.entity, key) for file in files for key in file.keys()})  # noqa: SIM118

    code, said, complained = play(live)
    assert (code, complained) == (0, ""), said
    assert totals(said) == [
        (records, different, records - different, 0),
        (records, 0, records, 0),
        (10, 3, 2, 0),
    ]
    assert "uses it and leaves it running" in said
    assert "Juniper Analytics is now below Gulfline Telecom Services" in said
    assert all(code in said for code in ("LOOKUP_NOT_FOUND", "INVALID_VALUE", "UNKNOWN_FIELD"))
    assert "Did you mean Quantity?" in said
    assert f"{live.port}/admin/" in said and "make serve" in said
    assert PASSWORD not in said
    assert max(len(line) for line in said.splitlines() if line.startswith("total")) <= 80

    code, again, complained = play(live)
    assert (code, complained) == (0, ""), again
    assert totals(again) == [(records, 0, records, 0), (records, 0, records, 0), (10, 3, 2, 0)]
    assert live.rows("SELECT count(*) FROM customers_account WHERE deleted_at IS NULL") == [(201,)]
    assert live.rows("SELECT count(*) FROM identity_apisession") == [(0,)]


def test_it_starts_the_product_and_stops_it_even_after_it_was_killed(
    live: Live, free_port: int
) -> None:
    own = {"BRM_PORT": str(free_port), "BRM_WEB_WORKERS": "1"}
    demo = start(live, **own)
    assert demo.stdout is not None
    try:
        assert any("It is up" in line for line in demo.stdout)
        served = psutil.Process(demo.pid).children(recursive=True)
    finally:
        demo.kill()
        demo.communicate()
    assert served
    _, alive = psutil.wait_procs(served, timeout=STUCK)
    assert not alive

    code, said, complained = play(live, **own)
    assert (code, complained) == (0, ""), said
    assert totals(said)[0][1] == 0
    assert "Stopping what was started" in said
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{free_port}/health/live", timeout=5)


def test_a_port_that_another_program_has_is_told_in_one_line(live: Live) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        begun = time.monotonic()
        code, _, complained = play(live, BRM_PORT=str(port))
    assert code == 2
    assert complained == (
        f"metabrm: BRM_PORT {port} on 127.0.0.1 is taken by another program;"
        " stop it or set BRM_PORT to a free port\n"
    )
    # Before anything is started, which is waited for longer.
    assert time.monotonic() - begun < 60


def test_a_server_of_another_installation_is_told_in_one_line(live: Live) -> None:
    code, _, complained = play(live, BRM_ADMIN_PASSWORD="another one")
    assert code == 2
    assert complained.count("\n") == 1
    assert "does not let admin in with the password in BRM_ADMIN_PASSWORD" in complained


class Refusing:
    """A client whose server refuses every record."""

    def upsert(self, entity: str, rows: list[dict[str, Any]], key: str) -> dict[str, Any]:
        outcome = {"Id": " ", "ErrorCode": "INVALID_VALUE", "ErrorText": "Name is odd."}
        return {"upsertResponse": [outcome for _ in rows]}


def test_a_refused_record_is_named_by_its_file_and_line() -> None:
    file = DataFile("010-ACCOUNT.csv", "ACCOUNT", "ExternalKey", [{"ExternalKey": "a"}], [2])
    with pytest.raises(Surprise) as surprise:
        loading.load(Refusing(), [file], Telling())  # type: ignore[arg-type]
    assert str(surprise.value).splitlines() == [
        "1 records were refused:",
        "010-ACCOUNT.csv line 2: INVALID_VALUE Name is odd.",
    ]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
