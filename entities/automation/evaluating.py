"""Asking the database what SQL over records of a batch yields, in one statement for all of them.

The record is the alias `t`, as it stands in the table; `p` is the record before the change. What
formulas yield is total, so no record can make the statement fail.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from entities.records import images
from entities.records.batch import Batch
from entities.schema.description import quote


def evaluate(
    batch: Batch, indexes: Sequence[int], expressions: Sequence[str]
) -> dict[int, tuple[Any, ...]]:
    """Index -> the values of the expressions, SQL over `{t}` and `{p}`.

    Records that lie in the recycle bin are left out.
    """
    if not expressions or not indexes:
        return dict.fromkeys(indexes, ())
    ids = {batch.ids[i]: i for i in indexes}
    listed = ", ".join(expressions)
    join, parameters = images.before(batch, indexes, listed)
    live = "AND t.deleted_at IS NULL" if batch.schema.authored else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, {listed.replace('{t}', 't').replace('{p}', 'p')} "
            f"FROM {quote(batch.schema.table)} t {join} WHERE t.id = ANY(%s) {live}",
            [*parameters, list(ids)],
        )
        return {ids[row[0]]: row[1:] for row in cursor.fetchall()}


def became_true(sql: str) -> str:
    """SQL: the condition holds now, and the record is new or it did not hold before."""
    before = sql.replace("{t}", "{p}")
    return f"(({sql}) IS TRUE AND ({{p}}.id IS NULL OR ({before}) IS NOT TRUE))"
