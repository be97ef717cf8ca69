"""The usage that benches of rating load: tokens, their prices, and files of their records."""

import os
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.installation import connect

#: Accounts with an account product and a token each, at most; one for so many records.
ACCOUNTS, RECORDS_EACH = 20_000, 10
#: Products, a tenth of them with incremental tiers and a tenth with bulk ones over the account's
#: usage of a month.
PRODUCTS = 20
#: Of a thousand records: repeats of earlier ones, and tokens that nobody has.
REPEATED, UNKNOWN = 5, 2
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class Feed:
    """A collector and the prices of what its tokens use."""

    collector: int
    directory: Path
    #: token -> account, account product, product; product -> price per unit
    tokens: dict[str, tuple[int, int, int]]
    rates: dict[int, Decimal]


def prepare(users: int) -> Feed:
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


def file_of(feed: Feed, n: int) -> tuple[Path, int]:
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
