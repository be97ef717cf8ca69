"""api.upsert: records by external key over HTTP, a thousand a request; half of them exist."""

from bench.api import limit
from bench.api.rows import Row, for_ours, for_stock, pieces, rows
from bench.installation import STOCK_TABLE, TABLE, Installation
from bench.measure import Bench, Result, at_least, at_most, in_turns, summary

STOCK_SAMPLE = 1_000


def measure(installation: Installation, name: str, n: int, rounds: int) -> Result:
    """`n` rows, every second of which is there already with other values."""
    there = rows(installation, range(0, n, 2))
    sent = rows(installation, range(n), price=17)
    sample = sent[:STOCK_SAMPLE]
    _ours(installation, there[:50], sent[:100])
    _stock(installation, there[:50], sent[:100])
    memory = installation.ours.memory

    def ours() -> float:
        with memory.watched():
            return _ours(installation, there, sent)

    def limited() -> float:
        _fill(installation, there)
        return limit.upsert(installation, sent)

    def stock() -> float:
        return _stock(installation, there[: STOCK_SAMPLE // 2], sample) * n / len(sample)

    taken = in_turns({"ours": ours, "limit": limited, "stock": stock}, rounds)
    return summary(name, n, taken, memory.peak_mb)


def _fill(installation: Installation, there: list[Row]) -> None:
    installation.empty()
    limit.copy(installation, there)
    installation.database.execute(f"INSERT INTO {STOCK_TABLE} SELECT * FROM {TABLE}")  # noqa: S608
    installation.database.execute(
        f"SELECT setval(pg_get_serial_sequence('{STOCK_TABLE}', 'id'), max(id)) FROM {STOCK_TABLE}"  # noqa: S608
    )
    installation.database.commit()
    installation.database.autocommit = True
    installation.database.execute(f"ANALYZE {TABLE}, {STOCK_TABLE}")
    installation.database.autocommit = False


def _ours(installation: Installation, there: list[Row], sent: list[Row]) -> float:
    _fill(installation, there)
    server = installation.ours
    requests = [
        server.request("PATCH", "/rest/2.0/ACCOUNT_PRODUCT", for_ours(piece, "ExternalKey"))
        for piece in pieces(sent)
    ]
    answers = server.send(requests)
    created = sum(body.count(b'"created":"true"') for body in answers.bodies)
    updated = sum(body.count(b'"created":"false"') for body in answers.bodies)
    assert (created, updated) == (len(sent) - len(there), len(there)), answers.bodies[0][:1000]
    return answers.seconds


def _stock(installation: Installation, there: list[Row], sent: list[Row]) -> float:
    _fill(installation, there)
    server = installation.stock
    requests = [
        server.request("PUT", "/account-products/upsert/", for_stock(piece))
        for piece in pieces(sent)
    ]
    return server.send(requests).seconds


BENCH = Bench(
    about="PATCH of 1,000 records x 20 fields a request, one client, half exist; limit: unnest + "
    "ON CONFLICT into the same table; stock: an update_or_create loop behind a serializer",
    measure=measure,
    targets=(at_most("ours_over_limit", 2.5), at_least("stock_over_ours", 15)),
)
