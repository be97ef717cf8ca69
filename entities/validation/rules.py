"""The validation rules of an entity, compiled once per snapshot.

All rules of an entity are one relation of (number, whether it is broken) beside each record, so a
batch is judged by one statement, however many rules and records there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from django.db import connection

from entities.formulas import FormulaError, parse
from entities.records import images
from entities.records.batch import Batch
from entities.schema.description import EntitySchema, Validation, quote
from entities.schema.formulating import compile_formula
from entities.schema.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to judge: its condition in SQL, whom it blames, and what it says."""

    sql: str
    field: str
    message: str


_cache: WeakKeyDictionary[Snapshot, dict[int, tuple[Rule, ...]]] = WeakKeyDictionary()


def rules_of(snapshot: Snapshot, schema: EntitySchema) -> tuple[Rule, ...]:
    """The entity's active rules in order."""
    compiled = _cache.setdefault(snapshot, {})
    found = compiled.get(schema.id)
    if found is None:
        found = tuple(_compiled(snapshot, schema, rule) for rule in schema.validations)
        compiled[schema.id] = found
    return found


def broken(batch: Batch, indexes: Sequence[int]) -> list[tuple[int, Rule]]:
    """(Index, rule) of every rule that a written record breaks, in one statement."""
    rules = rules_of(batch.snapshot, batch.schema)
    ids = {batch.ids[i]: i for i in indexes}
    listed = ", ".join(f"({n}, {rule.sql})" for n, rule in enumerate(rules))
    join, parameters = images.before(batch, indexes, listed)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, rule.number FROM {quote(batch.schema.table)} t {join} "
            f"CROSS JOIN LATERAL (VALUES {_over('t', 'p', listed)}) AS rule(number, broken) "
            f"WHERE t.id = ANY(%s) AND rule.broken ORDER BY rule.number",
            [*parameters, list(ids)],
        )
        return [(ids[record], rules[number]) for record, number in cursor.fetchall()]


def _over(record: str, before: str, sql: str) -> str:
    return sql.replace("{t}", record).replace("{p}", before)


def _compiled(snapshot: Snapshot, schema: EntitySchema, rule: Validation) -> Rule:
    try:
        sql = compile_formula(snapshot, schema, rule.formula, expect="FLAG", prior=True).sql
        return Rule(sql, _blamed(schema, rule.formula), rule.error_text)
    except FormulaError as error:
        # A rule that is kept but not applied would be worse than no rule: nothing passes it.
        return Rule(
            "TRUE",
            "",
            f"The validation {rule.name!r} of {schema.name} can't be applied any more: "
            f"{error.told()} An administrator can correct it, or switch it off.",
        )


def _blamed(schema: EntitySchema, formula: str) -> str:
    """The one field of the record that the rule is about, "" if it is about several."""
    found = set()
    for reference in parse(formula).references:
        first = reference.words[0].text
        field = schema.find(first) if len(reference.words) == 1 else schema.relation(first)
        found.add(field.name if field else "")
    return found.pop() if len(found) == 1 else ""
