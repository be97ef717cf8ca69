"""Many records of one entity, made in one call of the verbs."""

from collections.abc import Iterable
from typing import Any

from entities import records
from metabrm.identity.context import Context


def created(entity: str, rows: Iterable[dict[str, Any]]) -> list[int]:
    """Records of one entity, in one call; what is None is left out."""
    sent = [{name: value for name, value in row.items() if value is not None} for row in rows]
    outcomes = records.create(entity, sent, Context.system("test")) if sent else []
    for row, outcome in zip(sent, outcomes, strict=True):
        assert outcome.ok, (entity, row, outcome.problems)
    return [int(outcome.id or 0) for outcome in outcomes]
