"""Rules that would set themselves off for ever, as far as their text tells.

A rule that looks at every update and makes a field from its own value by joining or calculating
changes the record again each time it is applied. Whatever else goes in a circle is stopped when it
runs (`cascade`).
"""

from entities.formulas import FormulaError, parse
from entities.formulas.tree import Call, Node, Reference
from entities.models import workflow
from entities.schema.description import EntitySchema, fold
from entities.schema.formulating import references_of
from entities.schema.snapshot import Snapshot

_GROWING = frozenset({"+", "-", "*", "/", "&", "CONCAT"})
_CHOOSING = frozenset({"IF", "CASE", "NULLIF"})


def told(
    snapshot: Snapshot,
    schema: EntitySchema,
    event: str,
    criteria: str | None,
    formulas: dict[str, str],
) -> str:
    """What is wrong with an action of such a rule, "" if nothing is."""
    if event != workflow.AFTER_CREATE_AND_UPDATE:
        return ""
    for name, formula in formulas.items():
        field = schema.find(name)
        if field is None:
            continue
        try:
            grows = _grows(parse(formula).root, fold(field.name))
            judged = references_of(snapshot, schema, criteria) if criteria else frozenset()
        except FormulaError:
            continue
        if grows and (schema.name, field.name) not in judged:
            return (
                f"{field.name} is made from its own value, and each change of it would apply the "
                f"rule again. Choose Event {workflow.AFTER_CREATE} or "
                f"{workflow.CRITERIA_MET_AND_CHANGED}, or Criteria that ask for {field.name}."
            )
    return ""


def _grows(node: Node, name: str) -> bool:
    """Whether the value is calculated from the field, not just chosen."""
    waiting: list[tuple[Node, bool]] = [(node, False)]
    while waiting:
        one, within = waiting.pop()
        if isinstance(one, Reference):
            if within and len(one.words) == 1 and fold(one.words[0].text) == name:
                return True
        elif isinstance(one, Call) and one.name not in _CHOOSING:
            growing = within or (one.name in _GROWING)
            waiting.extend((argument, growing) for argument in one.arguments)
    return False
