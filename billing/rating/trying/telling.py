"""A trial line by line, as far as whoever asks may see what it found: a record each, with values,
verdicts, products and prices.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from billing.rating import wire
from billing.rating.trying.running import MOST, Trial
from entities.access.rights import rights
from entities.schema.description import quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

Json = dict[str, Any]

#: What somebody must be able to read, and make, to try collectors out.
READS = (
    "ACTIVITY_COLLECTOR",
    "ACTIVITY_COLLECTOR_MAP",
    "ACCOUNT",
    "ACCOUNT_PRODUCT",
    "PRODUCT",
    "PRICING",
    "BILLING_IDENTIFIER",
)
KNOWS = frozenset(("RatedAmount", "Rate", "RateSource", "RateSourceId"))
UNSEEN = "It is of an account that you may not see."


def allowed(snapshot: Snapshot, context: Context) -> bool:
    """Whether somebody may try collectors out: he sees all that a trial tells, and may load."""
    lines = rights(snapshot, context, snapshot.entity("ACTIVITY"))
    makes = rights(snapshot, context, snapshot.entity("ACTIVITY_COLLECTOR_HISTORY"))
    return (
        all(rights(snapshot, context, snapshot.entity(name)).read for name in READS)
        and lines.read
        and lines.known >= KNOWS
        and makes.create
    )


def told(trial: Trial, snapshot: Snapshot, context: Context) -> Json:
    """All of the trial."""
    rows = [row for rows in (*trial.usage.values(), *trial.lines.values()) for row in rows]
    seen = {
        entity: _seen(snapshot, context, entity, (row[column] for row in rows))
        for entity, column in (("ACCOUNT", "account_id"), ("ACCOUNT_PRODUCT", "account_product_id"))
    }
    records = [_record(trial, line, seen) for line in trial.records]
    counts: dict[str, int] = {}
    for record in records:
        counts[record["Outcome"]] = counts.get(record["Outcome"], 0) + 1
    return {
        "Count": str(trial.count),
        "LookedAt": str(len(records)),
        "Most": str(MOST),
        "Columns": trial.names,
        "Head": trial.head,
        "Tail": trial.tail,
        "Problems": trial.problems,
        "Filters": trial.filters,
        "Outcomes": {name: str(count) for name, count in counts.items()},
        "Records": records,
    }


def _seen(
    snapshot: Snapshot, context: Context, entity: str, ids: Iterable[int | None]
) -> set[int | None]:
    """Those of the Ids that exist for the caller; none at all exists for everybody."""
    schema = snapshot.entity(entity)
    wanted = list({id for id in ids if id is not None})
    condition = rights(snapshot, context, schema).where("r")
    if not condition:
        return {None, *wanted}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id FROM {quote(schema.table)} r WHERE r.id = ANY(%s) {condition}",  # noqa: S608
            [wanted],
        )
        return {None, *(id for (id,) in cursor.fetchall())}


def _record(trial: Trial, line: int, seen: dict[str, set[int | None]]) -> Json:
    problem, raw, values = trial.records[line]
    verdicts = trial.verdicts.get(line, [])
    usage, charges = trial.usage.get(line, []), trial.lines.get(line, [])
    hidden = any(
        row["account_id"] not in seen["ACCOUNT"]
        or row["account_product_id"] not in seen["ACCOUNT_PRODUCT"]
        for row in (*usage, *charges)
    )
    return {
        "Line": str(line),
        "Raw": raw,
        "Values": dict(zip(trial.names, values, strict=False)),
        "Verdicts": ["1" if verdict else "0" for verdict in verdicts],
        "Fields": [_field(trial, value, line) for value in trial.targets if line in trial.read],
        "Outcome": _outcome(trial, problem, verdicts, usage, charges),
        "Reasons": [UNSEEN]
        if hidden
        else [problem] * bool(problem and not usage)
        + [f"{row['cause']}: {row['reason']}" for row in usage if row["cause"]],
        "Late": next((row["late"] for row in usage if row["late"]), None),
        "Charges": [] if hidden else [_charge(row) for row in charges],
        "Found": [] if hidden else [_found(row) for row in usage],
    }


def _outcome(
    trial: Trial,
    problem: str,
    verdicts: list[bool],
    usage: list[Json],
    charges: list[Json],
) -> str:
    """CHARGED, SUSPENSE, FILTERED, REPEATED, or READ where there is no mapping yet."""
    if any(row["cause"] for row in usage) or problem:
        return "SUSPENSE"
    if charges:
        return "CHARGED"
    if verdicts and not all(verdicts):
        return "FILTERED"
    if not trial.mapped:
        return "READ"
    return "REPEATED" if trial.compared and not usage else "NOT CHARGED"


def _field(trial: Trial, value: Any, line: int) -> Json:
    text, made = trial.read[line][value.name]
    return {
        "Name": value.name,
        "Text": text,
        "Value": wire.text(made),
        "Bad": "1" if text is not None and made is None else "0",
    }


def _charge(row: Json) -> Json:
    return {
        "AccountProductId": wire.text(row["account_product_id"]),
        "ProductId": wire.text(row["product_id"]),
        "Quantity": wire.text(row["quantity"]),
        "Rate": wire.text(row["rate"]),
        "Amount": wire.text(row["rated_amount"]),
        "CurrencyCode": row["currency_code"],
        "RateSource": row["rate_source"],
        "RateSourceId": wire.text(row["rate_source_id"]),
        "Day": wire.text(row["rate_date"]),
    }


def _found(row: Json) -> Json:
    return {
        "AccountId": wire.text(row["account_id"]),
        "AccountProductId": wire.text(row["account_product_id"]),
        "ProductId": wire.text(row["product_id"]),
        "UsageIdentifier": row["usage_identifier"],
        "ActivityDate": wire.text(row["activity_date"]),
    }
