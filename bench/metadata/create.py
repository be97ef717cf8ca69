"""metadata.create: api.create for an entity of fifty fields that was made at run time."""

from bench.installation import Installation
from bench.measure import Bench, Sides, at_least, at_most
from bench.metadata.wide import made, rows

#: So many rows the stock application gets in a round; its time is scaled up to all rows.
STOCK_SAMPLE = 500


def sides(installation: Installation, n: int) -> Sides:
    """`n` rows into the empty table, once a round on each side."""
    wide = made(installation)
    new = rows(installation, range(n))
    sample = new[:STOCK_SAMPLE]
    wide.empty()
    installation.ours.warm(wide.to_ours(new[:16_000]))
    installation.stock.warm(wide.to_stock(new[:400], 25))

    def ours() -> float:
        wide.empty()
        sent = installation.ours.send(wide.to_ours(new))
        written = sum(body.count(b'"success":true') for body in sent.bodies)
        assert written == n, sent.bodies[0][:1000]
        return sent.seconds

    def limited() -> float:
        wide.empty()
        return wide.copy(new)

    def stock() -> float:
        wide.empty()
        return installation.stock.send(wide.to_stock(sample)).seconds * n / len(sample)

    return Sides(n, {"ours": ours, "limit": limited, "stock": stock})


BENCH = Bench(
    about="POST of 1,000 records x 50 custom fields a request, one client; limit: one COPY into "
    "the same table with its history triggers; stock: ModelSerializer many=True, bulk_create",
    sides=sides,
    targets=(at_most("ours_over_limit", 3), at_least("stock_over_ours", 12)),
)
