"""Queries that took too long: a log line each, and the last of them to look at.

They are kept in Valkey, a list of bounded length that needs no table and no cleaning. The text
comes without its literals, which are values of records.
"""

import hashlib
import logging
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, fields

import orjson
import redis

from metabrm import clock, environment
from metabrm.observability import heart, logs, metrics
from metabrm.observability.facts import facts

MOST_KEPT = 200
_KEY = "metabrm:slow-queries"
_LONGEST = 4_000
_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w$\"])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_COSTS = re.compile(r"\s*\(cost=[^)]*\)")


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """One query; all is text or a number.

    query  its text with ? for each literal
    plan   what EXPLAIN says, without literals, where BRM_SLOW_QUERY_PLAN asks for it
    shape  a hash of the plan without costs: another one for the same query means another plan
    """

    at: str
    ms: int
    username: str
    entity: str
    query: str
    rows: int
    outcome: str
    request_id: str
    shape: str = ""
    plan: str = ""


def is_slow(nanoseconds: int) -> bool:
    """Whether a query that took so long is to be told."""
    threshold = environment.current().slow_query_ms
    return 0 < threshold * 1_000_000 <= nanoseconds


def tell(text: str, nanoseconds: int, rows: int, outcome: str, plan: str = "") -> None:
    """Log and keep the query at work. `text` holds no literals; `plan` may."""
    known = facts()
    plan = _LITERAL.sub("?", plan)
    told = SlowQuery(
        at=clock.now().isoformat(timespec="seconds"),
        ms=nanoseconds // 1_000_000,
        username=known.username,
        entity=known.entity,
        query=text[:_LONGEST],
        rows=rows,
        outcome=outcome,
        request_id=known.request_id,
        shape=hashlib.sha256(_COSTS.sub("", plan).encode()).hexdigest()[:12] if plan else "",
        plan=plan[:_LONGEST],
    )
    line = {
        name: value
        for name, value in asdict(told).items()
        if value != "" and name not in ("at", "request_id")
    }
    logs.tell("metabrm.slow", logging.WARNING, "slow query", line)
    metrics.SLOW_QUERIES.labels(known.entity).inc()
    with suppress(redis.RedisError):
        heart.client().pipeline().lpush(_KEY, orjson.dumps(asdict(told))).ltrim(
            _KEY, 0, MOST_KEPT - 1
        ).execute()


def latest() -> list[SlowQuery]:
    """Those that are kept, the newest first."""
    names = {field.name for field in fields(SlowQuery)}
    found: list[SlowQuery] = []
    for kept in heart.client().lrange(_KEY, 0, MOST_KEPT - 1):
        told = orjson.loads(kept)
        found.append(SlowQuery(**{name: told[name] for name in names & told.keys()}))
    return found
