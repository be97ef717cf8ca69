"""api.single: one record a request, eight clients at once: what a small integration feels."""

import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from bench.api.limit import INSERT
from bench.api.rows import Row, for_ours, for_stock, rows
from bench.installation import Installation, Server, connect
from bench.measure import Bench, Sides, Taken, at_least, at_most, ratio, watch

CLIENTS = 8
#: A request here is worth a thousandth of those of api.create: so many requests for n rows.
SHARE = 5


def sides(installation: Installation, n: int) -> Sides:
    """A fifth of `n` requests by eight clients."""
    requests = max(CLIENTS, n // SHARE)
    new = rows(installation, range(requests))
    shares: dict[str, dict[str, list[float]]] = {
        side: {"p50": [], "p99": []} for side in ("ours", "stock")
    }
    bodies = {
        "ours": [
            installation.ours.request("POST", "/rest/2.0/ACCOUNT_PRODUCT", for_ours([row]))
            for row in new
        ],
        "stock": [
            installation.stock.request("POST", "/account-products/", for_stock([row]))
            for row in new
        ],
    }

    def over_http(side: str, server: Server) -> float:
        installation.empty()
        sent = server.send(bodies[side], CLIENTS)
        if side == "ours":
            assert all(b'"success":true' in body for body in sent.bodies), sent.bodies[0]
        for share, of in (("p50", 0.5), ("p99", 0.99)):
            shares[side][share].append(sent.percentile(of))
        return sent.seconds

    def ours() -> float:
        return over_http("ours", installation.ours)

    def stock() -> float:
        return over_http("stock", installation.stock)

    def limited() -> float:
        installation.empty()
        return _limit(new)

    ours(), stock()
    for side in shares.values():
        for taken_before in side.values():
            taken_before.clear()

    def more(taken: Taken) -> dict[str, float]:
        return {
            **{
                f"{side}_per_s": requests / statistics.median(taken[side])
                for side in ("ours", "stock", "limit")
            },
            **{
                f"{side}_{share}_ms": statistics.median(values) * 1000
                for side, by_share in shares.items()
                for share, values in by_share.items()
            },
            **{
                f"{share}_over_stock": ratio(shares["ours"][share], shares["stock"][share])
                for share in ("p50", "p99")
            },
        }

    return Sides(requests, {"ours": ours, "limit": limited, "stock": stock}, more)


def _limit(new: list[Row]) -> float:
    """Bare INSERT and commit over eight connections."""
    with ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as pool:
        connections = [stack.enter_context(connect()) for _ in range(CLIENTS)]

        def work(place: int) -> None:
            connection = connections[place]
            for row in new[place::CLIENTS]:
                connection.execute(INSERT, row).fetchone()
                connection.commit()

        with watch() as seconds:
            list(pool.map(work, range(CLIENTS)))
    return seconds()


BENCH = Bench(
    about="POST of one record x 20 fields a request, 8 clients; limit: INSERT and commit over 8 "
    "bare connections; stock: a ModelViewSet's create",
    sides=sides,
    targets=(
        at_least("stock_over_ours", 1.3),
        at_most("p50_over_stock", 1),
        at_most("p99_over_stock", 1),
    ),
    grows=False,
)
