"""api.create: new records over HTTP, a thousand a request, validated, audited, each answered."""

import statistics

from bench.api import limit
from bench.api.rows import Row, for_ours, for_stock, pieces, rows
from bench.installation import Installation
from bench.measure import Bench, Result, at_least, at_most, in_turns, summary

#: So many rows the stock application gets in a round; its time is scaled up to all rows.
STOCK_SAMPLE = 1_000


def measure(installation: Installation, name: str, n: int, rounds: int) -> Result:
    """`n` rows into the empty table, once a round on each side."""
    new = rows(installation, range(n))
    # Warm: code imported, plans and caches made.
    _ours(installation, new[:50])
    _stock(installation, new[:50])
    memory = installation.ours.memory

    def ours() -> float:
        with memory.watched():
            return _ours(installation, new)

    def bare() -> float:
        installation.empty()
        with limit.without_history(installation):
            return limit.copy(installation, new)

    def limited() -> float:
        installation.empty()
        return limit.copy(installation, new)

    def stock() -> float:
        sample = new[:STOCK_SAMPLE]
        return _stock(installation, sample) * n / len(sample)

    sides = {"ours": ours, "limit": limited, "stock": stock, "bare": bare}
    taken = in_turns(sides, rounds)
    more = {"limit_without_history_s": statistics.median(taken["bare"])}
    return summary(name, n, taken, memory.peak_mb, more)


def _ours(installation: Installation, new: list[Row]) -> float:
    installation.empty()
    server = installation.ours
    path = "/rest/2.0/ACCOUNT_PRODUCT"
    requests = [server.request("POST", path, for_ours(piece)) for piece in pieces(new)]
    sent = server.send(requests)
    written = sum(body.count(b'"success":true') for body in sent.bodies)
    assert written == len(new), sent.bodies[0][:1000]
    return sent.seconds


def _stock(installation: Installation, new: list[Row]) -> float:
    installation.empty()
    server = installation.stock
    requests = [
        server.request("POST", "/account-products/", for_stock(piece)) for piece in pieces(new)
    ]
    return server.send(requests).seconds


BENCH = Bench(
    about="POST of 1,000 records x 20 fields a request, one client; limit: one COPY of the rows "
    "into the same table with its history triggers; stock: ModelSerializer many=True, bulk_create",
    measure=measure,
    targets=(at_most("ours_over_limit", 3), at_least("stock_over_ours", 12)),
)
