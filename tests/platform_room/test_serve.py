"""`make serve`: everything comes up, answers, says how to get in, and goes down when told."""

import re
import signal
import threading
import time
from pathlib import Path

import pytest
import requests

from metabrm.embedded.place import Place
from metabrm.embedded.postgres import Postgres
from metabrm.embedded.valkey import Valkey
from tests.patience import STUCK
from tests.platform_room.conftest import Start


def test_it_serves_until_it_is_told_to_stop_and_again(
    state: Path, start: Start, free_port: int
) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        serve_until(number, state, start, free_port)


def serve_until(number: signal.Signals, state: Path, start: Start, free_port: int) -> None:
    serve = start("-m", "metabrm.serve", state=state, BRM_PORT=str(free_port))
    output: list[str] = []
    assert serve.stdout is not None
    reader = threading.Thread(target=output.extend, args=[serve.stdout])
    reader.start()
    url = f"http://127.0.0.1:{free_port}"
    deadline = time.monotonic() + STUCK
    while True:
        try:
            ready = requests.get(f"{url}/health/ready", timeout=STUCK)
            break
        except requests.ConnectionError:
            assert serve.poll() is None and time.monotonic() < deadline, output
            time.sleep(0.1)
    assert ready.status_code == 200, ready.text

    sign_in = requests.get(f"{url}/admin/", timeout=STUCK)
    assert sign_in.status_code == 200
    assert sign_in.url.startswith(f"{url}/admin/login/")
    sheet = re.search(r'href="(/static/[^"]+\.css)"', sign_in.text)
    assert sheet
    style = requests.get(url + sheet[1], timeout=STUCK)
    assert style.status_code == 200
    assert style.headers["Content-Type"].startswith("text/css")

    while not any("ready." in line and "celery.apps.worker" in line for line in output):
        assert time.monotonic() < deadline, output
        time.sleep(0.1)
    begun = time.monotonic()
    serve.send_signal(number)
    assert serve.wait(timeout=30) == 128 + number
    assert time.monotonic() - begun < 15
    reader.join(timeout=5)

    said = "".join(output)
    assert f"admin     {url}/admin/" in said
    assert f"password in {state}/admin-password" in said
    assert (state / "admin-password").read_text().strip() not in said
    assert all(f"{name} stopped" in said for name in ("web", "worker", "scheduler"))
    assert Postgres(Place(state)).process() is None
    assert Valkey(Place(state)).process() is None
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/health/live", timeout=2)
