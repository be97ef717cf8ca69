"""api.create: new records over HTTP, a thousand a request, validated, audited, each answered."""

import statistics

from bench.api import limit
from bench.api.rows import A_REQUEST, Row, for_ours, for_stock, pieces, rows
from bench.installation import Installation
from bench.measure import Bench, Sides, Taken, at_least, at_most

#: So many rows the stock application gets in a round; its time is scaled up to all rows.
STOCK_SAMPLE = 1_000


def sides(installation: Installation, n: int) -> Sides:
    """`n` rows into the empty table, once a round on each side."""
    new = rows(installation, range(n))
    sample = new[:STOCK_SAMPLE]
    installation.empty()
    # Bodies of full size, one for every thread: what a thread needs for one, it keeps.
    installation.ours.warm(_to_ours(installation, new[:16_000]))
    installation.stock.warm(_to_stock(installation, new[:400], 25))

    def ours() -> float:
        installation.empty()
        requests = _to_ours(installation, new)
        sent = installation.ours.send(requests)
        written = sum(body.count(b'"success":true') for body in sent.bodies)
        assert written == n, sent.bodies[0][:1000]
        return sent.seconds

    def limited() -> float:
        installation.empty()
        return limit.copy(installation, new)

    def bare() -> float:
        installation.empty()
        with limit.without_history(installation):
            return limit.copy(installation, new)

    def stock() -> float:
        installation.empty()
        sent = installation.stock.send(_to_stock(installation, sample))
        return sent.seconds * n / len(sample)

    def more(taken: Taken) -> dict[str, float]:
        return {"limit_without_history_s": statistics.median(taken["bare"])}

    return Sides(n, {"ours": ours, "limit": limited, "stock": stock, "bare": bare}, more)


def _to_ours(installation: Installation, new: list[Row], size: int = A_REQUEST) -> list[bytes]:
    return [
        installation.ours.request("POST", "/rest/2.0/ACCOUNT_PRODUCT", for_ours(piece))
        for piece in pieces(new, size)
    ]


def _to_stock(installation: Installation, new: list[Row], size: int = A_REQUEST) -> list[bytes]:
    return [
        installation.stock.request("POST", "/account-products/", for_stock(piece))
        for piece in pieces(new, size)
    ]


BENCH = Bench(
    about="POST of 1,000 records x 20 fields a request, one client; limit: one COPY of the rows "
    "into the same table with its history triggers; stock: ModelSerializer many=True, bulk_create",
    sides=sides,
    targets=(at_most("ours_over_limit", 3), at_least("stock_over_ours", 12)),
)
