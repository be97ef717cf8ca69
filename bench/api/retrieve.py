"""api.retrieve: ten thousand records a request, read through the query language."""

import socket
import statistics
from threading import Thread
from urllib.parse import quote

from bench.api import limit
from bench.api.rows import COLUMNS, FIELDS, rows
from bench.installation import STOCK_TABLE, TABLE, Installation
from bench.measure import Bench, Sides, Taken, at_least, at_most, watch

A_PAGE = 10_000
_SELECT = f"SELECT Id, {', '.join(FIELDS)} FROM ACCOUNT_PRODUCT WHERE Id > {{}} AND Id <= {{}}"
_JSON = f"""
SELECT json_agg(t) FROM (
    SELECT id, {", ".join(COLUMNS)} FROM {TABLE}
    WHERE id > %s AND id <= %s AND deleted_at IS NULL
) t
"""


def sides(installation: Installation, n: int) -> Sides:
    """All of `n` rows by pages of 10,000."""
    database = installation.database
    installation.empty()
    limit.copy(installation, rows(installation, range(n)))
    database.execute(f"INSERT INTO {STOCK_TABLE} SELECT * FROM {TABLE}")
    installation.vacuum(TABLE, STOCK_TABLE)
    page = min(A_PAGE, n)
    bounds = [(first, first + page) for first in range(0, n, page)]

    def ours() -> float:
        return _ours(installation, bounds)

    def limited() -> float:
        return through_a_socket(installation, _JSON, bounds)

    def stock() -> float:
        # A page is a page: the stock application reads one, its time is scaled up to all.
        return _stock(installation, bounds[:1]) * len(bounds)

    for _ in range(4):  # so that every worker has had one
        ours()
        stock()

    def more(taken: Taken) -> dict[str, float]:
        return {"page_ms": statistics.median(taken["ours"]) / len(bounds) * 1000}

    return Sides(n, {"ours": ours, "limit": limited, "stock": stock}, more)


def _ours(installation: Installation, bounds: list[tuple[int, int]]) -> float:
    server = installation.ours
    sent = server.send(
        [
            server.request("GET", f"/rest/2.0/query?sql={quote(_SELECT.format(*bound))}")
            for bound in bounds
        ]
    )
    found = sum(body.count(b'"ExternalKey":"EXT-') for body in sent.bodies)
    assert found == sum(high - low for low, high in bounds), sent.bodies[0][:1000]
    return sent.seconds


def _stock(installation: Installation, bounds: list[tuple[int, int]]) -> float:
    server = installation.stock
    sent = server.send(
        [server.request("GET", f"/account-products/?above={a}&upto={b}") for a, b in bounds]
    )
    found = sum(body.count(b'"external_key":"EXT-') for body in sent.bodies)
    assert found == sum(high - low for low, high in bounds), sent.bodies[0][:1000]
    return sent.seconds


def through_a_socket(
    installation: Installation, statement: str, bounds: list[tuple[int, int]]
) -> float:
    """json_agg of the same rows, its bytes passed on through a socket that somebody empties."""
    near, far = socket.socketpair()
    reader = Thread(target=_empty, args=[far])
    reader.start()
    with near, watch() as seconds, installation.database.cursor() as cursor:
        for bound in bounds:
            answer = cursor.execute(statement, bound).pgresult
            assert answer is not None
            near.sendall(answer.get_value(0, 0) or b"")
    reader.join()
    installation.database.commit()
    return seconds()


def _empty(far: socket.socket) -> None:
    with far:
        while far.recv(1024 * 1024):
            pass


BENCH = Bench(
    about="GET /query of 10,000 rows x 21 fields a request, one client; limit: json_agg of the "
    "same rows through a socket; stock: a ListSerializer over the queryset",
    sides=sides,
    targets=(at_most("ours_over_limit", 2), at_least("stock_over_ours", 8)),
)
