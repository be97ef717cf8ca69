"""The product the demo talks to: the one that serves already, or one started for the occasion.

What is started is `metabrm.serve` itself, as a process that ends with the demo, even with one that
is killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from metabrm import serve
from metabrm.environment import Environment, kept
from metabrm.problems import Problem

PATIENCE_SECONDS = 180
STOP_SECONDS = 30
LOG = "demo-serve.log"
# The demo sends as fast as it can, which is no reason to make anybody wait.
RATE_LIMIT = "10000:100000:100000000"
_PR_SET_PDEATHSIG = 1
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def address(env: Environment) -> str:
    """The URL under which the product is reached from this machine."""
    host = _ANY.get(env.host, env.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{env.port}"


def shown(path: Path) -> str:
    """The path as it is short to read: from the working directory where it lies below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@contextmanager
def running(env: Environment, tell: Callable[[str], None]) -> Iterator[str]:
    """The URL of the product, which answers inside the block; what was started is stopped after.

    Raises Problem where it can't be: the port is another program's, a server does not come up.
    """
    url = address(env)
    host = url.removeprefix("http://").rpartition(":")[0].strip("[]")
    # A proxy that is set for the world outside must not stand between two programs of one machine.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(
        filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), host])
    )
    if _serves(url):
        _check_ready(url)
        tell(f"metabrm is serving at {url} already; the demo uses it and leaves it running.")
        yield url
        return
    serve.listening_address(env.host, env.port)
    log = _log_file(env)
    tell(f"Starting metabrm at {url} (its output goes to {shown(log)}) ...")
    begun = time.perf_counter()
    process = _start(log)
    try:
        _wait(process, url, log)
        tell(f"It is up after {time.perf_counter() - begun:.1f} s.")
        yield url
    finally:
        tell("Stopping what was started ...")
        _stop(process)


def _serves(url: str) -> bool:
    """Whether metabrm answers there, and still does a moment later: it might be going down."""
    for pause in (1, 0):
        try:
            answer = requests.get(f"{url}/health/live", timeout=5)
            if answer.json() != {"status": "ok"}:
                return False
        except (requests.RequestException, ValueError):
            return False
        time.sleep(pause)
    return True


def _check_ready(url: str) -> None:
    answer = requests.get(f"{url}/health/ready", timeout=30)
    if answer.status_code != 200:
        raise Problem(f"metabrm serves at {url} but is not ready: {answer.text}")


def _log_file(env: Environment) -> Path:
    kept.state_directory(env.state_dir)
    log = env.state_dir / LOG
    log.touch(mode=0o600)
    kept.give_to_owner(log)
    return log


def _start(log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "metabrm.serve"],
            env={**os.environ, "BRM_RATE_LIMIT": os.environ.get("BRM_RATE_LIMIT") or RATE_LIMIT},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches the demo alone, which then says goodbye before it stops the rest.
            start_new_session=True,
            preexec_fn=_end_with_the_demo if sys.platform == "linux" else None,
        )


def _end_with_the_demo() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Problem(_last_words(process.returncode, log))
        with suppress(requests.RequestException):
            if requests.get(f"{url}/health/ready", timeout=10).status_code == 200:
                return
        time.sleep(0.2)
    raise Problem(f"metabrm was not ready after {PATIENCE_SECONDS} seconds; see {log}")


def _last_words(code: int, log: Path) -> str:
    """The Problem that ended the product, as it said it itself, or where to read on."""
    marked = [
        line.removeprefix("metabrm: ")
        for line in log.read_text(errors="replace").splitlines()
        if line.startswith("metabrm: ")
    ]
    return "\n".join(marked) or f"metabrm ended with exit code {code} while starting; see {log}"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
