"""How many records there are, without ever counting millions of them.

A count stops at `CAP`; beyond it the database's own estimate serves.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import connection, models

from entities.schema.description import EntitySchema, quote

CAP = 10_000
#: From this many records on a table is big: no scans for search and counts.
BIG = 100_000

#: About how many rows the table `{oid}` has, those of its partitions included.
ESTIMATE = """(
SELECT sum(greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0))::bigint
FROM (SELECT {oid} AS oid UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = {oid}) part
JOIN pg_class c ON c.oid = part.oid)"""
_ESTIMATES = f"""
SELECT t.relname, {ESTIMATE.format(oid="t.oid")}
FROM pg_class t
WHERE t.oid = ANY(%s::regclass[])
"""


class AtLeast(int):
    """A count that stopped at the cap: 10000 shown as 10,000+."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class CappedPaginator(Paginator):
    """Counts up to the cap; what lies further back is found by search and filters."""

    @cached_property
    def count(self) -> int:
        records: models.QuerySet = self.object_list  # type: ignore[assignment]
        found = records.order_by()[: CAP + 1].count()
        return AtLeast(CAP) if found > CAP else found


def estimates(schemas: Iterable[EntitySchema]) -> dict[str, int]:
    """Table -> about how many rows it has, in one query."""
    tables = [quote(schema.table) for schema in schemas]
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATES, [tables])
        return dict(cursor.fetchall())


def estimate(schema: EntitySchema) -> int:
    """About how many rows the entity's table has."""
    return estimates([schema]).get(schema.table, 0)


def counts(
    subjects: Iterable[tuple[EntitySchema, str, list[Any]]], cap: int = CAP
) -> list[int | None]:
    """Records per (entity, condition over `r`, parameters), each up to the cap, in one query."""
    parts: list[str] = []
    parameters: list[Any] = []
    for place, (schema, condition, values) in enumerate(subjects):
        parts.append(
            f"SELECT {place} AS place, count(*) AS records FROM (SELECT 1 "
            f"FROM {quote(schema.table)} r WHERE {condition} LIMIT {cap + 1}) AS capped"
        )
        parameters += values
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts) + " ORDER BY place", parameters)
        return [AtLeast(cap) if n > cap else n for _, n in cursor.fetchall()]


def live(schema: EntitySchema) -> str:
    """The condition that a record is not in the recycle bin."""
    return "r.deleted_at IS NULL" if schema.authored else "TRUE"
