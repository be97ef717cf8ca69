"""What Prometheus reads: counts and times of all processes of this machine.

prometheus_client's own multiprocess mode: each process keeps its numbers in mapped files of its
own, which cost a few microseconds and no round trip, and whoever is asked adds them up. Valkey
would have made the numbers of several machines into one, which Prometheus does better by itself,
at the price of a round trip in each request. `metabrm.observability.exposing` answers /metrics.

Labels are bounded: entities are names that there are, verbs and codes are ours.
"""

import os
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import psutil

from metabrm import environment
from metabrm.environment import kept
from metabrm.observability.facts import Facts


def directory() -> Path:
    """Where the processes of this machine keep their numbers."""
    return Path(os.environ[_DIRECTORY])


# The library decides by this variable how it keeps numbers, when it is imported. It is ours alone:
# a process that inherits it may have another state directory.
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
os.environ[_DIRECTORY] = str(environment.current().state_dir / "metrics")

from prometheus_client import Counter, Gauge, Histogram  # noqa: E402
from prometheus_client.metrics import MetricWrapperBase  # noqa: E402

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG = (0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)

REQUESTS = Counter(
    "metabrm_requests",
    "Requests by entity, verb and HTTP status.",
    ["entity", "verb", "status"],
    registry=None,
)
REQUEST_SECONDS = Histogram(
    "metabrm_request_seconds",
    "How long requests took, by verb.",
    ["verb"],
    buckets=_FAST,
    registry=None,
)
ERRORS = Counter("metabrm_errors", "Requests that failed, by code.", ["code"], registry=None)
RECORDS = Counter(
    "metabrm_records",
    "Records written by requests, by entity, verb and outcome: written or failed.",
    ["entity", "verb", "outcome"],
    registry=None,
)
QUERY_SECONDS = Histogram(
    "metabrm_query_seconds",
    "How long the database took for queries, by kind of caller.",
    ["kind"],
    buckets=_FAST,
    registry=None,
)
SLOW_QUERIES = Counter(
    "metabrm_slow_queries",
    "Queries that took longer than BRM_SLOW_QUERY_MS, by entity.",
    ["entity"],
    registry=None,
)
TASKS = Counter(
    "metabrm_tasks",
    "Tasks in the background by name and outcome: success, failure or retry.",
    ["task", "outcome"],
    registry=None,
)
TASK_SECONDS = Histogram(
    "metabrm_task_seconds", "How long tasks took.", ["task"], buckets=_LONG, registry=None
)
SCHEMA_VERSION = Gauge(
    "metabrm_schema_version",
    "Version of the schema that a process serves.",
    ["process"],
    registry=None,
    multiprocess_mode="livemax",
)
SNAPSHOT_BUILT = Gauge(
    "metabrm_snapshot_built_timestamp_seconds",
    "When a process built the snapshot that it serves.",
    ["process"],
    registry=None,
    multiprocess_mode="livemax",
)
POOL_CONNECTIONS = Gauge(
    "metabrm_database_connections",
    "Connections of a process's pool by state: used, idle or most.",
    ["process", "state"],
    registry=None,
    multiprocess_mode="livemax",
)
POOL_WAITING = Gauge(
    "metabrm_database_waiting",
    "Requests of a process that wait for a connection of its pool.",
    ["process"],
    registry=None,
    multiprocess_mode="livemax",
)


def count_request(facts: Facts, status: int, nanoseconds: int) -> None:
    """A request is over."""
    entity, verb = facts.entity, facts.verb
    _requests(entity, verb, status).inc()
    _request_seconds(verb).observe(nanoseconds / 1e9)
    if facts.code:
        _errors(facts.code).inc()
    if facts.rows and verb in WRITES:
        _records(entity, verb, "written").inc(facts.rows)
    if facts.failed:
        _records(entity, verb, "failed").inc(facts.failed)


WRITES = frozenset({"create", "update", "upsert", "delete", "undelete"})


@cache
def _requests(entity: str, verb: str, status: int) -> Counter:
    return REQUESTS.labels(entity, verb, str(status))


@cache
def _request_seconds(verb: str) -> Histogram:
    return REQUEST_SECONDS.labels(verb)


@cache
def _errors(code: str) -> Counter:
    return ERRORS.labels(code)


@cache
def _records(entity: str, verb: str, outcome: str) -> Counter:
    return RECORDS.labels(entity, verb, outcome)


@cache
def query_seconds(kind: str) -> Histogram:
    """Where the time of a query of this kind is counted."""
    return QUERY_SECONDS.labels(kind)


def serves(version: int, built: float) -> None:
    """This process serves the snapshot of `version` from now on."""
    process = str(os.getpid())
    SCHEMA_VERSION.labels(process).set(version)
    SNAPSHOT_BUILT.labels(process).set(built)


def metrics_kept() -> list[MetricWrapperBase]:
    """All metrics that processes keep."""
    return [value for value in globals().values() if isinstance(value, MetricWrapperBase)]


def forget_the_dead() -> None:
    """Remove what only processes that live can say."""
    _remove("gauge_live*.db")


def clear() -> None:
    """Remove the numbers of processes that are gone; for a start, as counting begins anew."""
    _remove("*.db")


def _remove(pattern: str) -> None:
    for file in directory().glob(pattern):
        pid = re.search(r"_([0-9]+)\.db$", file.name)
        if pid and not psutil.pid_exists(int(pid[1])):
            file.unlink(missing_ok=True)


#: What is asked of the house at the moment of a scrape; each gives (name, help, labels, samples).
Answer = tuple[str, str, tuple[str, ...], Iterable[tuple[tuple[str, ...], float]]]
_asked: list[Callable[[], Iterable[Answer]]] = []


def asked(source: Callable[[], Iterable[Answer]]) -> Callable[[], Iterable[Answer]]:
    """Have `source` asked at each scrape, for what rooms above know."""
    _asked.append(source)
    return source


def sources() -> list[Callable[[], Iterable[Answer]]]:
    """All that is asked."""
    return list(_asked)


def _prepare() -> None:
    kept.state_directory(environment.current().state_dir)
    if not directory().exists():
        directory().mkdir(mode=0o700, parents=True, exist_ok=True)
        kept.give_to_owner(directory())


_prepare()
