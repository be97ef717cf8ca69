"""Speaking to one worker process of a live server, and knowing which one it is.

A kept connection belongs to the process that accepted it, so whoever holds connections to all of
them can ask each what it serves.
"""

import json
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import psutil

from tests.contract.calls import Caller
from tests.contract.live import ORG, PASSWORD, USERNAME, Live
from tests.patience import STUCK


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `code` is that of the request's error or of the first record's, or ""."""

    status: int
    body: dict[str, Any]
    code: str

    @property
    def elements(self) -> list[dict[str, Any]]:
        """The records or rows of a success."""
        return next((v for v in self.body.values() if isinstance(v, list)), [])


class Connection:
    """A connection to the worker process `pid`."""

    def __init__(self, live: Live, session: str) -> None:
        self._http = HTTPConnection("127.0.0.1", live.port, timeout=STUCK)
        self._headers = {"sessionid": session, "Content-Type": "application/json"}
        self.send("GET", "query?sql=" + quote("SELECT Id FROM CURRENCY WHERE Id = 1"))
        self.port = self._local_port()
        self.pid = _holder(live, self.port)

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        """`path` follows `/rest/2.0/`."""
        content = None if body is None else json.dumps(body).encode()
        self._http.request(method, f"/{ORG}/rest/2.0/{path}", content, self._headers)
        response = self._http.getresponse()
        text = response.read()
        try:
            found = json.loads(text)
        except ValueError:
            raise AssertionError(f"{response.status} {text[:500]!r}") from None
        code = found.get("error", "")
        if not code and response.status == 200:
            elements = next(iter(found.values()))
            failed = [e["ErrorCode"] for e in elements if e.get("success") is False]
            code = failed[0] if failed else ""
        return Answer(response.status, found, code)

    def query(self, sql: str) -> Answer:
        return self.send("GET", f"query?sql={quote(sql)}")

    def write(self, method: str, path: str, *rows: Any, **beside: Any) -> Answer:
        return self.send(method, path, {"brmObjects": list(rows), **beside})

    def kept(self) -> bool:
        """Whether it is still the connection it was."""
        return self._http.sock is not None and self._local_port() == self.port

    def close(self) -> None:
        self._http.close()

    def _local_port(self) -> int:
        assert self._http.sock is not None, "the server keeps no connection"
        return int(self._http.sock.getsockname()[1])


def signed_in(live: Live) -> str:
    """A session of the administrator's."""
    caller = Caller.signed_in(live.url, USERNAME, PASSWORD)
    return str(caller.http.headers["sessionid"])


def to_each_worker(live: Live, session: str, pids: list[int] | None = None) -> list[Connection]:
    """A connection to every worker process, or to every one of `pids`."""
    wanted = set(pids or live.worker_pids())
    found: dict[int, Connection] = {}
    deadline = time.monotonic() + STUCK
    while wanted - found.keys():
        assert time.monotonic() < deadline, f"only {list(found)} of {wanted} take connections"
        connection = Connection(live, session)
        if connection.pid in wanted and connection.pid not in found:
            found[connection.pid] = connection
        else:
            connection.close()
    return list(found.values())


def _holder(live: Live, port: int) -> int:
    """The worker that holds the other end of our connection from `port`."""
    for pid in live.worker_pids():
        for held in psutil.Process(pid).net_connections("tcp"):
            if held.raddr and held.raddr.port == port and held.laddr.port == live.port:
                return pid
    raise AssertionError(f"no worker holds the connection from port {port}")
