"""rating.files: a file of usage to deduplicated, mapped, priced lines, with its errors in suspense.

The limit is one COPY of the finished lines into an equal table of one month with the same indexes;
the stock alternative a loop of Python over the file with Decimal prices and executemany, a sample
of which is taken and scaled. rating.onto does the same onto lines of the same month and the same
accounts that are there before, on all sides. Usage and finished lines lie in files, so that memory
is the worker's own.
"""

import csv
import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path

from bench.installation import Installation
from bench.measure import Bench, PeakMemory, Sides, at_least, at_most, watch
from bench.rating.feed import ACCOUNTS, PRODUCTS, RECORDS_EACH, Feed, file_of, prepare

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


#: Number of accounts -> the feed of their usage.
_feeds: dict[int, Feed] = {}


def sides(installation: Installation, n: int) -> Sides:
    return _sides(installation, n, 0)


def sides_onto(installation: Installation, n: int) -> Sides:
    return _sides(installation, n, installation.onto or 3 * n)


def _sides(installation: Installation, n: int, onto: int) -> Sides:
    accounts = min(ACCOUNTS, max(PRODUCTS, n // RECORDS_EACH))
    feed = _feeds[accounts] = _feeds.get(accounts) or prepare(accounts)
    file, charged = file_of(feed, n)
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
    for before in kept:
        installation.database.execute(f"INSERT INTO {table} SELECT * FROM {before}")
        installation.vacuum(table)


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
