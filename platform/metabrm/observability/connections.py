"""Database connections that know how long they were waited for."""

from time import perf_counter_ns
from typing import Any

import psycopg

from metabrm.observability.facts import known


class MeasuredConnection(psycopg.Connection[Any]):
    """Notes every wait for the server among the facts of the request or task at work."""

    def wait(self, *arguments: Any, **more: Any) -> Any:
        facts = known()
        if facts is None:
            return super().wait(*arguments, **more)
        begun = perf_counter_ns()
        try:
            return super().wait(*arguments, **more)
        finally:
            facts.database_ns += perf_counter_ns() - begun
            facts.calls += 1
