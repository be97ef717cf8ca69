"""Short ways to act through the verbs and to read what came of it."""

from typing import Any

from entities import records
from entities.records import Outcome
from metabrm.identity.context import Context


def codes(outcomes: list[Outcome]) -> list[list[str]]:
    """The codes of each outcome's problems."""
    return [[str(p.code) for p in outcome.problems] for outcome in outcomes]


def create_one(entity: str, context: Context, **fields: Any) -> int:
    """Create a record that must succeed; its id."""
    (outcome,) = records.create(entity, [fields], context)
    assert outcome.ok, outcome.problems
    assert outcome.id is not None
    return outcome.id


def update_one(entity: str, id: int, context: Context, **fields: Any) -> None:
    """Change a record; that must succeed."""
    (outcome,) = records.update(entity, [{"Id": str(id), **fields}], context)
    assert outcome.ok, outcome.problems
