"""metadata.retrieve: api.retrieve for an entity of fifty fields that was made at run time."""

from urllib.parse import quote

from bench.api.retrieve import A_PAGE, through_a_socket
from bench.installation import Installation
from bench.measure import Bench, Sides, at_least, at_most
from bench.metadata.wide import ENTITY, STOCK_PATH, STOCK_TABLE, kinds, made, rows


def sides(installation: Installation, n: int) -> Sides:
    """All of `n` rows by pages of 10,000."""
    wide = made(installation)
    database = installation.database
    wide.empty()
    wide.copy(rows(installation, range(n)))
    database.execute(f"INSERT INTO {STOCK_TABLE} SELECT * FROM {wide.table}")
    installation.vacuum(wide.table, STOCK_TABLE)
    page = min(A_PAGE, n)
    bounds = [(first, first + page) for first in range(0, n, page)]
    select = f"SELECT Id, {', '.join(kinds())} FROM {ENTITY} WHERE Id > {{}} AND Id <= {{}}"
    limit = (
        f"SELECT json_agg(t) FROM (SELECT id, {', '.join(wide.columns.values())} "
        f"FROM {wide.table} WHERE id > %s AND id <= %s AND deleted_at IS NULL) t"
    )

    def ours() -> float:
        server = installation.ours
        sent = server.send(
            [
                server.request("GET", f"/rest/2.0/query?sql={quote(select.format(*bound))}")
                for bound in bounds
            ]
        )
        found = sum(body.count(b'"Code":"CODE-') for body in sent.bodies)
        assert found == n, sent.bodies[0][:1000]
        return sent.seconds

    def limited() -> float:
        return through_a_socket(installation, limit, bounds)

    def stock() -> float:
        # A page is a page: the stock application reads one, its time is scaled up to all.
        server = installation.stock
        first, last = bounds[0]
        sent = server.send([server.request("GET", f"{STOCK_PATH}?above={first}&upto={last}")])
        assert sent.bodies[0].count(b'"code":"CODE-') == page, sent.bodies[0][:1000]
        return sent.seconds * len(bounds)

    for _ in range(4):  # so that every worker has had one
        ours()
        stock()
    return Sides(n, {"ours": ours, "limit": limited, "stock": stock})


BENCH = Bench(
    about="GET /query of 10,000 rows x 51 fields a request, one client; limit: json_agg of the "
    "same rows through a socket; stock: a ListSerializer over the queryset",
    sides=sides,
    targets=(at_most("ours_over_limit", 2), at_least("stock_over_ours", 8)),
)
