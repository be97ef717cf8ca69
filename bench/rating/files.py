"""rating.files: a file of usage to deduplicated, mapped, priced lines, with its errors in suspense.

The limit is one COPY of the finished lines into an equal table of one month with the same indexes;
the stock alternative a loop of Python over the file with Decimal prices and executemany, a sample
of which is taken and scaled. rating.onto does the same onto lines of the same month and the same
accounts that are there before, on all sides. Usage and finished lines lie in files, so that memory
is the worker's own.
"""

import csv
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from bench.installation import Installation, connect
from bench.measure import Bench, PeakMemory, Sides, at_least, at_most, watch

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
#: Megabytes that the process of the workers may come to, however long the file is.
MOST_MEMORY = 400
_PIECE = 1 << 20

_LINES = "mediation_activity_y2026m06"
_LIMIT = "bench_activity"
#: The lines that are there before.
_BEFORE = "bench_before"


@dataclass
class Feed:
    """A collector and the prices of what its tokens use."""

    collector: int
    directory: Path
    #: token -> account, account product, product; product -> price per unit
    tokens: dict[str, tuple[int, int, int]]
    rates: dict[int, Decimal]


#: Number of accounts -> the feed of their usage.
_feeds: dict[int, Feed] = {}


def sides(installation: Installation, n: int) -> Sides:
    return _sides(installation, n, 0)


def sides_onto(installation: Installation, n: int) -> Sides:
    return _sides(installation, n, installation.onto or 3 * n)


def _sides(installation: Installation, n: int, onto: int) -> Sides:
    accounts = min(ACCOUNTS, max(PRODUCTS, n // RECORDS_EACH))
    feed = _feeds[accounts] = _feeds.get(accounts) or _prepare(accounts)
    file, charged = _file(feed, n)
    finished = file.with_suffix(".bin")
    kept: list[str] = []
    memory = PeakMemory(os.getpid(), alone=True)

    def load() -> float:
        loaded = _sent(feed, file)
        with memory.watched(), watch() as seconds:
            _worked(loaded)
        _check(loaded, n, charged)
        return seconds()

    def ours() -> float:
        if not (finished.exists() and len(kept) == bool(onto)):
            _empty(installation, feed)
            load()
            _finish(installation, finished)
        if onto and not kept:
            kept.append(_keep_before(installation, n, onto))
        _empty(installation, feed)
        _put_before(installation, kept, "mediation_activity")
        return load()

    def limit() -> float:
        database = installation.database
        _equal_table(installation)
        _put_before(installation, kept, _LIMIT)
        with watch() as seconds:
            with (
                finished.open("rb") as lines,
                database.cursor().copy(f"COPY {_LIMIT} FROM STDIN (FORMAT binary)") as copy,
            ):
                for piece in iter(partial(lines.read, _PIECE), b""):
                    copy.write(piece)
            database.commit()
        return seconds()

    def stock() -> float:
        sample = min(n, SAMPLE)
        _equal_table(installation)
        _put_before(installation, kept, _LIMIT)
        return _loop(installation, feed, file, sample) * n / sample

    return Sides(
        n,
        {"ours": ours, "limit": limit, "stock": stock},
        lambda taken: {"worker_mb": memory.peak_mb},
    )


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
                "Type": "FTP",
                "FtpDirectory": str(users),
                "FtpFilePattern": "*.csv",
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
    directory = _usage() / str(users)
    directory.mkdir(parents=True, exist_ok=True)
    return Feed(
        collector,
        directory,
        dict(zip(tokens, zip(accounts, own, used, strict=True), strict=True)),
        rates,
    )


def _usage() -> Path:
    """The directory that collectors may read."""
    from metabrm import environment

    found = environment.current().usage_dir
    assert found is not None, "BRM_USAGE_DIR is not set"
    return found


def _file(feed: Feed, n: int) -> tuple[Path, int]:
    """A file of n records, in the order of their time, and how many of them are charged."""
    chance = random.Random(n)
    tokens = list(feed.tokens)
    step = timedelta(days=29) / n
    file = _usage() / f"usage-{n}.csv"
    with file.open("w", encoding="utf-8") as text:
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
    # What was written just now may still grow, and is not taken.
    os.utime(file, (BEGIN.timestamp(), BEGIN.timestamp()))
    return file, charged


def _sent(feed: Feed, file: Path) -> int:
    """The file becomes a load."""
    from billing.mediation import sources

    (feed.directory / file.name).hardlink_to(file)
    (load,) = sources.collect(feed.collector)
    return load


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


def _finish(installation: Installation, file: Path) -> None:
    """Keep the finished lines in a file."""
    with (
        installation.database.cursor().copy(
            f"COPY (SELECT * FROM {_LINES}) TO STDOUT (FORMAT binary)"
        ) as copy,
        file.open("wb") as lines,
    ):
        for piece in copy:
            lines.write(piece)


def _empty(installation: Installation, feed: Feed) -> None:
    for taken in feed.directory.iterdir():
        taken.unlink()
    installation.database.execute(f"DROP TABLE IF EXISTS {_LIMIT}")
    installation.database.execute(
        "TRUNCATE mediation_activity, rating_accumulatorvalue, mediation_usage, "
        "mediation_collectorfields, mediation_loadshard, mediation_activitycollectorhistory CASCADE"
    )
    installation.database.commit()


def _equal_table(installation: Installation) -> None:
    database = installation.database
    database.execute(f"DROP TABLE IF EXISTS {_LIMIT}")
    database.execute(f"CREATE TABLE {_LIMIT} (LIKE {_LINES} INCLUDING ALL)")
    database.commit()


def _keep_before(installation: Installation, n: int, onto: int) -> str:
    """Make the lines that are to be there before from those that are there now: other lines, of
    other records, of the same accounts and days. The table that keeps them."""
    database = installation.database
    ((present,),) = database.execute(f"SELECT count(*) FROM {_LINES}").fetchall()
    columns = [
        name
        for (name,) in database.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped ORDER BY attnum",
            [_LINES],
        )
    ]
    other = {
        "id": "nextval('mediation_activity_id_seq')",
        "signature": "overlay(md5(id::text || '-' || turn) placing left(signature::text, 8) "
        "from 1)::uuid",
        "activity_collector_history_id": "0",
    }
    chosen = ", ".join(f"{other.get(name, name)} AS {name}" for name in columns)
    database.execute(
        f"CREATE TABLE {_BEFORE}_{n} AS SELECT {chosen} "
        f"FROM generate_series(1, %s) turn, {_LINES} LIMIT %s",
        [-(-onto // present), onto],
    )
    database.commit()
    return f"{_BEFORE}_{n}"


def _put_before(installation: Installation, kept: list[str], table: str) -> None:
    database = installation.database
    for before in kept:
        database.execute(f"INSERT INTO {table} SELECT * FROM {before}")
        database.commit()
        with _autocommitting(installation):
            database.execute(f"VACUUM ANALYZE {table}")


@contextmanager
def _autocommitting(installation: Installation) -> Iterator[None]:
    installation.database.autocommit = True
    try:
        yield
    finally:
        installation.database.autocommit = False


def _loop(installation: Installation, feed: Feed, file: Path, sample: int) -> float:
    """What a program of one's own does, a record at a time; it leaves tiers out."""
    database = installation.database
    with watch() as seconds, file.open(encoding="utf-8", newline="") as content:
        seen: set[tuple[str, ...]] = set()
        lines = []
        reader = csv.reader(content)
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
            f"INSERT INTO {_LIMIT} (id, account_id, account_product_id, product_id, "
            "activity_date, quantity, rate, cost_unrounded, rated_amount) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            lines,
        )
        database.commit()
    return seconds()


_TARGETS = (at_least("rows_per_s", 60_000), at_most("worker_mb", MOST_MEMORY))
BENCH = Bench(
    about="a file of usage of up to 20,000 tokens, deduplicated, mapped, a fifth of it added up "
    "over tiers, priced, errors in suspense; limit: COPY of the finished lines into an equal table "
    "with the same indexes; stock: a loop with Decimal and executemany",
    sides=sides,
    targets=(at_most("ours_over_limit", 2), *_TARGETS),
)
ONTO = Bench(
    about="the same onto lines of the same month, three times as many or as --onto says",
    sides=sides_onto,
    targets=(at_most("ours_over_limit", 3), *_TARGETS[1:]),
)
