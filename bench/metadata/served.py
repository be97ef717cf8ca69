"""metadata.served: from a change's answer until every worker has served it, the schema grown."""

import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from time import monotonic, perf_counter
from urllib.parse import quote

import psutil

from bench.installation import Installation, Server
from bench.measure import Figures, at_most
from bench.metadata.many import made

CHANGES_A_ROUND = 5
_PATIENCE = 60.0


class _Worker:
    """A kept connection, which belongs to the worker process that accepted it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._http = HTTPConnection(server.host, server.port, timeout=_PATIENCE)
        self.send("GET", "query?sql=" + quote("SELECT Id FROM USER WHERE Id > 0"))
        assert self._http.sock is not None
        port = self._http.sock.getsockname()[1]
        self.pid = next(
            child.pid
            for child in psutil.Process(server.process.pid).children(recursive=True)
            for held in child.net_connections("tcp")
            if held.raddr and held.raddr.port == port and held.laddr.port == server.port
        )

    def send(self, method: str, path: str, body: object = None) -> dict[str, list[dict[str, str]]]:
        content = None if body is None else json.dumps(body)
        headers = {**self._server.headers, "Content-Type": "application/json"}
        self._http.request(method, f"/rest/2.0/{path}", content, headers)
        response = self._http.getresponse()
        found = response.read()
        assert response.status in (200, 404), found
        return dict(json.loads(found))


def _workers(server: Server) -> list[_Worker]:
    """A connection to each; they are all known once no new one has come for long."""
    found: dict[int, _Worker] = {}
    deadline = monotonic() + 5
    while monotonic() < deadline and len(found) < 64:
        worker = _Worker(server)
        if worker.pid not in found:
            deadline = monotonic() + 3
            found[worker.pid] = worker
    return list(found.values())


def figures(installation: Installation, n: int, rounds: int) -> dict[str, float]:
    """Fields are added one after the other; each time all workers are asked for it at once."""
    names = made(n)
    workers = _workers(installation.ours)
    (entity,) = workers[0].send(
        "GET", "query?sql=" + quote(f"SELECT Id FROM ENTITY WHERE EntityName = '{names[0]}'")
    )["queryResponse"]
    changed, served = [], []
    with ThreadPoolExecutor(len(workers)) as pool:
        for number in range(rounds * CHANGES_A_ROUND):
            field = f"New{number}"
            row = {"EntityId": entity["Id"], "FieldName": field, "DataType": "TEXT"}
            begun = perf_counter()
            (made_field,) = workers[number % len(workers)].send(
                "POST", "ENTITY_FIELD", {"brmObjects": [row]}
            )["createResponse"]
            assert made_field["ErrorCode"] == "0", made_field
            answered = perf_counter()
            asked = "query?sql=" + quote(f"SELECT COUNT({field}) n FROM {names[0]}")
            for answer in pool.map(lambda worker, asked=asked: worker.send("GET", asked), workers):  # type: ignore[misc]
                assert answer["queryResponse"] == [{"n": "0"}], answer
            served.append(perf_counter() - answered)
            changed.append(answered - begun)
    return {
        "workers": len(workers),
        "change_s": statistics.median(changed),
        "served_s": statistics.median(served),
        "slowest_s": max(served),
    }


BENCH = Figures(
    about="a field is added over HTTP; until all workers have answered a query about it, with 300 "
    "entities x 35 fields",
    figures=figures,
    targets=(at_most("served_s", 1), at_most("slowest_s", 1)),
)
