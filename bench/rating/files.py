"""rating.files: a file of usage to deduplicated, mapped, priced lines, with its errors in suspense.

The limit is one COPY of the finished lines into an equal table of one month with the same indexes;
the stock alternative a loop of Python over the file with Decimal prices and executemany, a sample
of which is taken and scaled.
"""

import csv
import io
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bench.installation import Installation, connect
from bench.measure import Bench, Sides, at_least, at_most, watch

#: Accounts with an account product and a token each, at most; one for so many records.
ACCOUNTS, RECORDS_EACH = 20_000, 10
#: Products, a tenth of them with incremental tiers and a tenth with bulk ones over the account's
#: usage of a month.
PRODUCTS = 20
#: Of a thousand records: repeats of earlier ones, and tokens that nobody has.
REPEATED, UNKNOWN = 5, 2
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
#: Lines of the stock alternative's sample.
SAMPLE = 10_000
WORKERS = 2

_LINES = "mediation_activity_y2026m06"


@dataclass
class Feed:
    """A collector and the prices of what its tokens use."""

    collector: int
    #: token -> account, account product, product; product -> price per unit
    tokens: dict[str, tuple[int, int, int]]
    rates: dict[int, Decimal]


#: Number of accounts -> the feed of their usage.
_feeds: dict[int, Feed] = {}


def sides(installation: Installation, n: int) -> Sides:
    accounts = min(ACCOUNTS, max(PRODUCTS, n // RECORDS_EACH))
    feed = _feeds[accounts] = _feeds.get(accounts) or _prepare(accounts)
    content, charged = _file(feed, n)
    finished: list[bytes] = []

    def ours() -> float:
        _empty(installation)
        load = _sent(feed, content)
        with watch() as seconds:
            _worked(load)
        _check(load, n, charged)
        if not finished:
            finished.append(_finished(installation))
        return seconds()

    def limit() -> float:
        database = installation.database
        database.execute("DROP TABLE IF EXISTS bench_activity")
        database.execute(f"CREATE TABLE bench_activity (LIKE {_LINES} INCLUDING ALL)")
        database.commit()
        with watch() as seconds:
            with database.cursor().copy("COPY bench_activity FROM STDIN (FORMAT binary)") as copy:
                copy.write(finished[0])
            database.commit()
        return seconds()

    def stock() -> float:
        sample = min(n, SAMPLE)
        return _loop(installation, feed, content, sample) * n / sample

    return Sides(n, {"ours": ours, "limit": limit, "stock": stock})


def _prepare(users: int) -> Feed:
    from entities import records
    from metabrm.identity.context import Context

    context = Context.system("bench")

    def made(entity: str, rows: list[dict[str, Any]]) -> list[int]:
        ids: list[int] = []
        for start in range(0, len(rows), 1000):
            for outcome in records.create(entity, rows[start : start + 1000], context):
                assert outcome.ok and outcome.id is not None, outcome.problems
                ids.append(outcome.id)
        return ids

    tiers = {"RatingMethodType": "Usage", "PricingType": "Tiered Pricing"}
    plain, incremental, bulk = made(
        "RATING_METHOD",
        [
            {"RatingMethodType": "Usage"},
            {**tiers, "AggregateRateType": "Incremental", "AggregationLevel": "Product"},
            {**tiers, "AggregateRateType": "Bulk", "AggregationLevel": "Account"},
        ],
    )
    methods = [{0: incremental, 5: bulk}.get(i % 10, plain) for i in range(PRODUCTS)]
    products = made(
        "PRODUCT",
        [{"Name": f"Usage {i}", "RatingMethodId": method} for i, method in enumerate(methods)],
    )
    prices: list[dict[str, Any]] = []
    for i, product in enumerate(products):
        rate = Decimal(i + 1) / 100
        price = {"ProductId": product, "CurrencyCode": "USD"}
        if methods[i] == plain:
            prices.append({**price, "Rate": rate, "UpperBand": "-1"})
        else:
            prices += [
                {**price, "Rate": rate, "LowerBand": "0", "UpperBand": "100", "RateOrder": "1"},
                {
                    **price,
                    "Rate": rate / 2,
                    "LowerBand": "100.0000000001",
                    "UpperBand": "-1",
                    "RateOrder": "2",
                },
            ]
    made("PRICING", prices)
    accounts = made("ACCOUNT", [{"Name": f"User {i}", "AccountTypeId": "1"} for i in range(users)])
    used = [products[i % PRODUCTS] for i in range(users)]
    own = made(
        "ACCOUNT_PRODUCT",
        [
            {"AccountId": account, "ProductId": product, "StartDate": "2026-01-01"}
            for account, product in zip(accounts, used, strict=True)
        ],
    )
    tokens = [f"+{users}151{10_000_000 + i}" for i in range(users)]
    made(
        "BILLING_IDENTIFIER",
        [
            {"AccountId": a, "AccountProductId": o, "BillingIdentifier": token}
            for a, o, token in zip(accounts, own, tokens, strict=True)
        ],
    )
    (collector,) = made(
        "ACTIVITY_COLLECTOR",
        [
            {
                "ActivityCollectorName": f"Usage of {users} accounts",
                "HeaderRowFlag": "1",
                "ConsolidationMode": "Deduplication",
            }
        ],
    )
    made(
        "ACTIVITY_COLLECTOR_MAP",
        [
            {"ActivityCollectorId": collector, "Source": source, "Target": target, "SortOrder": i}
            for i, (source, target) in enumerate(
                [("token", "BillingIdentifier"), ("at", "ACTIVITY_DATE"), ("used", "Quantity")]
            )
        ],
    )
    with connect() as database:
        database.autocommit = True
        database.execute("ANALYZE")
    rates = {product: Decimal(i + 1) / 100 for i, product in enumerate(products)}
    return Feed(
        collector, dict(zip(tokens, zip(accounts, own, used, strict=True), strict=True)), rates
    )


def _file(feed: Feed, n: int) -> tuple[bytes, int]:
    """A file of n records, in the order of their time, and how many of them are charged."""
    chance = random.Random(n)
    tokens = list(feed.tokens)
    step = timedelta(days=29) / n
    text = io.StringIO()
    text.write("token,at,used,cell,direction,partner\n")
    charged, last = 0, ""
    for i in range(n):
        draw = chance.randrange(1000)
        if draw < REPEATED and last:
            text.write(last)
            continue
        token = "nobody" if draw >= 1000 - UNKNOWN else chance.choice(tokens)
        at = (BEGIN + i * step).strftime("%Y-%m-%d %H:%M:%S.%f")
        line = f"{token},{at}Z,{chance.randrange(1, 60)},c{i % 900},out,+4930{i % 10**7}\n"
        text.write(line)
        if token != "nobody":
            charged, last = charged + 1, line
    return text.getvalue().encode(), charged


def _sent(feed: Feed, content: bytes) -> int:
    from entities import records
    from entities.files import contents
    from entities.schema.current import current
    from metabrm.identity.context import Context

    field = current().entity("ACTIVITY_COLLECTOR_HISTORY").field("UsageFile")
    stored = contents.put("usage.csv", content, field_id=field.id)
    (made,) = records.create(
        "ACTIVITY_COLLECTOR_HISTORY",
        [{"ActivityCollectorId": feed.collector, "UsageFile": stored.key}],
        Context.system("bench"),
    )
    assert made.ok and made.id is not None, made.problems
    return made.id


def _worked(load: int) -> None:
    """What two workers do with a load: one maps, both rate its shards, one finishes."""
    from django.db import connection

    from billing.mediation.loads import running
    from billing.mediation.models import LoadShard
    from billing.rating import loads
    from metabrm import background

    def rated(shard: int) -> None:
        try:
            loads.rate(load, shard)
        finally:
            connection.close()

    background.tell, told = (lambda task, *arguments: None), background.tell
    try:
        running.run(load)
        shards = list(LoadShard.objects.filter(load=load).values_list("shard", flat=True))
        with ThreadPoolExecutor(WORKERS) as workers:
            list(workers.map(rated, shards))
        running.finish(load)
    finally:
        background.tell = told


def _check(load: int, n: int, charged: int) -> None:
    from billing.mediation.models import ActivityCollectorHistory

    done = ActivityCollectorHistory.objects.get(pk=load)
    told = (done.status, done.record_count, done.processed_count)
    assert told == ("COMPLETED", n, charged), (told, n, charged, done.error_text)


def _finished(installation: Installation) -> bytes:
    with installation.database.cursor().copy(
        f"COPY (SELECT * FROM {_LINES}) TO STDOUT (FORMAT binary)"
    ) as copy:
        return b"".join(bytes(piece) for piece in copy)


def _empty(installation: Installation) -> None:
    installation.database.execute(
        "TRUNCATE mediation_activity, rating_accumulatorvalue, mediation_usage, "
        "mediation_collectorfields, mediation_loadshard, mediation_activitycollectorhistory CASCADE"
    )
    installation.database.commit()


def _loop(installation: Installation, feed: Feed, content: bytes, sample: int) -> float:
    """What a program of one's own does, a record at a time; it leaves tiers out."""
    database = installation.database
    database.execute("DROP TABLE IF EXISTS bench_activity")
    database.execute(f"CREATE TABLE bench_activity (LIKE {_LINES} INCLUDING ALL)")
    database.commit()
    with watch() as seconds:
        seen: set[tuple[str, ...]] = set()
        lines = []
        reader = csv.reader(io.StringIO(content.decode()))
        next(reader)
        for number, row in zip(range(sample), reader, strict=False):
            found = feed.tokens.get(row[0])
            if found is None or tuple(row) in seen:
                continue
            seen.add(tuple(row))
            account, own, product = found
            quantity, rate = Decimal(row[2]), feed.rates[product]
            cost = quantity * rate
            lines.append(
                (number + 1, account, own, product, row[1], quantity, rate, cost, round(cost, 2))
            )
        database.cursor().executemany(
            "INSERT INTO bench_activity (id, account_id, account_product_id, product_id, "
            "activity_date, quantity, rate, cost_unrounded, rated_amount) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            lines,
        )
        database.commit()
    return seconds()


BENCH = Bench(
    about="a file of usage of up to 20,000 tokens, deduplicated, mapped, a fifth of it added up "
    "over tiers, priced, errors in suspense; limit: COPY of the finished lines into an equal table "
    "with the same indexes; stock: a loop with Decimal and executemany",
    sides=sides,
    targets=(at_most("ours_over_limit", 2), at_least("rows_per_s", 60_000)),
)
