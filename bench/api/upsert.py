"""api.upsert: records by external key over HTTP, a thousand a request; half of them exist."""

from bench.api import limit
from bench.api.rows import A_REQUEST, Row, for_ours, for_stock, pieces, rows
from bench.installation import STOCK_TABLE, TABLE, Installation
from bench.measure import Bench, Sides, at_least, at_most

STOCK_SAMPLE = 1_000
_COPY_TO_STOCK = f"INSERT INTO {STOCK_TABLE} SELECT * FROM {TABLE}"
_AFTER_THE_LAST = f"""
SELECT setval(pg_get_serial_sequence('{STOCK_TABLE}', 'id'), max(id)) FROM {STOCK_TABLE}
"""


def sides(installation: Installation, n: int) -> Sides:
    """`n` rows, every second of which is there already with other values."""
    there = rows(installation, range(0, n, 2))
    sent = rows(installation, range(n), price=17)
    sample = sent[:STOCK_SAMPLE]
    installation.empty()
    installation.ours.warm(_to_ours(installation, sent[:16_000]))
    installation.stock.warm(_to_stock(installation, sent[:400], 25))

    def ours() -> float:
        _fill(installation, there)
        requests = _to_ours(installation, sent)
        answers = installation.ours.send(requests)
        created = sum(body.count(b'"created":"true"') for body in answers.bodies)
        updated = sum(body.count(b'"created":"false"') for body in answers.bodies)
        assert (created, updated) == (n - len(there), len(there)), answers.bodies[0][:1000]
        return answers.seconds

    def limited() -> float:
        _fill(installation, there)
        return limit.upsert(installation, sent)

    def stock() -> float:
        _fill(installation, there)
        answers = installation.stock.send(_to_stock(installation, sample))
        return answers.seconds * n / len(sample)

    return Sides(n, {"ours": ours, "limit": limited, "stock": stock})


def _fill(installation: Installation, there: list[Row]) -> None:
    installation.empty()
    limit.copy(installation, there)
    installation.database.execute(_COPY_TO_STOCK)
    installation.database.execute(_AFTER_THE_LAST)
    installation.vacuum(TABLE, STOCK_TABLE)


def _to_ours(installation: Installation, sent: list[Row], size: int = A_REQUEST) -> list[bytes]:
    path = "/rest/2.0/ACCOUNT_PRODUCT"
    return [
        installation.ours.request("PATCH", path, for_ours(piece, "ExternalKey"))
        for piece in pieces(sent, size)
    ]


def _to_stock(installation: Installation, sent: list[Row], size: int = A_REQUEST) -> list[bytes]:
    return [
        installation.stock.request("PUT", "/account-products/upsert/", for_stock(piece))
        for piece in pieces(sent, size)
    ]


BENCH = Bench(
    about="PATCH of 1,000 records x 20 fields a request, one client, half exist; limit: unnest + "
    "ON CONFLICT into the same table; stock: an update_or_create loop behind a serializer",
    sides=sides,
    targets=(at_most("ours_over_limit", 2.5), at_least("stock_over_ours", 15)),
)
