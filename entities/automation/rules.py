"""The ACTIVE workflow rules of a snapshot, compiled once.

Rows of rules and actions bump the schema version, so what was compiled for a snapshot holds as long
as the snapshot does. A rule whose formula no longer compiles (its field is gone) fails every record
it looks at, by its name: a rule that silently stopped would be worse.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from django.db import connection

from entities import fieldtypes
from entities.automation.evaluating import became_true
from entities.errors import RequestError
from entities.formulas import PLACEHOLDER, FormulaError, as_text
from entities.models import workflow
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.formulating import compile_formula, compile_value
from entities.schema.snapshot import Snapshot

#: One mail address, in no disguise.
ADDRESS = re.compile(r"[^@\s,;:<>()\[\]\\\"]{1,64}@[^@\s,;:<>()\[\]\\\"]{1,255}")
#: The condition of a rule without criteria.
ALWAYS = "TRUE"
#: Kind of a formula's result -> data type that knows its wire form.
_TYPES = {"NUMBER": "DECIMAL", "DATE": "DATE", "DATETIME": "DATETIME", "FLAG": "FLAG"}

_RULES = """
SELECT r.id, r.entity_id, r.rule_name, r.external_key, r.event, coalesce(r.criteria, ''),
       r.shedule_interval, r.exec_time, coalesce(z.name, 'UTC'), r.created, r.updated
FROM entities_workflowrule r
LEFT JOIN localization_timezone z ON z.id = r.time_zone_id
WHERE r.status = 'ACTIVE' AND r.deleted_at IS NULL
ORDER BY r.exec_order, r.rule_name, r.id
"""

_ACTIONS = """
SELECT a.workflow_rule_id, a.id, a.action_name, a.action_type, e.entity_name,
       a.field_formulas, coalesce(a.url, ''), coalesce(a.recipient, ''), coalesce(a.subject, ''),
       coalesce(a.body, '')
FROM entities_workflowaction a
LEFT JOIN entities_entity e ON e.id = a.target_entity_id AND e.deleted_at IS NULL
WHERE a.status = 'ACTIVE' AND a.deleted_at IS NULL
ORDER BY a.exec_order, a.id
"""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """What an action computes: a field, a name of a webhook's record, or a placeholder; its SQL
    over `{t}` and `{p}`, whose result depends on what the action does with it."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One thing a rule does; `target` is the entity of the records that it creates."""

    id: int
    name: str
    kind: str
    target: str
    values: tuple[Value, ...]
    url: str
    recipient: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule; `condition` is SQL over `{t}` and `{p}`.

    broken    why it can't be applied, "" if it can
    """

    id: int
    entity_id: int
    name: str
    key: str
    event: str
    condition: str
    actions: tuple[Action, ...]
    interval: str
    time: str
    zone: str
    made: datetime
    updated: datetime
    broken: str = ""


@dataclass(frozen=True, slots=True)
class _Stored:
    """The rows of a snapshot's rules, and what was compiled of them: by entity, when asked for."""

    rules: Mapping[int, list[tuple[Any, ...]]]
    actions: Mapping[int, list[tuple[Any, ...]]]
    compiled: dict[int, tuple[Rule, ...]]


_cache: WeakKeyDictionary[Snapshot, _Stored] = WeakKeyDictionary()


def of_entity(snapshot: Snapshot, schema: EntitySchema) -> tuple[Rule, ...]:
    """The entity's rules in the order in which they are applied."""
    stored = _stored(snapshot)
    rows = stored.rules.get(schema.id)
    if not rows:
        return ()
    found = stored.compiled.get(schema.id)
    if found is None:
        found = tuple(_rule(snapshot, schema, row, stored.actions[row[0]]) for row in rows)
        stored.compiled[schema.id] = found
    return found


def scheduled(snapshot: Snapshot) -> list[Rule]:
    """The rules of all entities that run at set times."""
    by_id = {schema.id: schema for schema in snapshot.entities.values()}
    return [
        rule
        for entity_id, rows in _stored(snapshot).rules.items()
        if entity_id in by_id and any(row[4] == workflow.SCHEDULED for row in rows)
        for rule in of_entity(snapshot, by_id[entity_id])
        if rule.event == workflow.SCHEDULED
    ]


# What is computed. All of it raises FormulaError.


def condition(snapshot: Snapshot, schema: EntitySchema, formula: str) -> str:
    """A condition; without a formula it always holds."""
    if not formula.strip():
        return ALWAYS
    return compile_formula(snapshot, schema, formula, expect="FLAG", prior=True).sql


def change_sql(snapshot: Snapshot, schema: EntitySchema, field: FieldSchema, formula: str) -> str:
    """Text of a JSON list: whether the field holds another value than the formula's, and that."""
    wanted = new_sql(snapshot, schema, field, formula)
    held = as_text(compile_formula(snapshot, schema, f"{{!{field.name}}}").term).sql
    return (
        f"(SELECT json_build_array({_compared(field, 'v_.wanted')} IS DISTINCT FROM "
        f"{_compared(field, 'v_.held')}, v_.wanted)::text "
        f"FROM (SELECT {wanted} AS wanted, {held} AS held OFFSET 0) v_)"
    )


def new_sql(snapshot: Snapshot, schema: EntitySchema, field: FieldSchema, formula: str) -> str:
    """The formula's value as a text that `field` takes."""
    value = compile_value(snapshot, schema, field, formula, prior=True, only_live=False)
    return as_text(value.term).sql


def shown_sql(snapshot: Snapshot, schema: EntitySchema, placeholder: str) -> str:
    """What stands in a mail for the placeholder."""
    return as_text(compile_formula(snapshot, schema, placeholder, prior=True).term).sql


def wire_sql(snapshot: Snapshot, schema: EntitySchema, formula: str) -> str:
    """Text of the JSON of the formula's value, in wire form."""
    compiled = compile_formula(snapshot, schema, formula, prior=True)
    kind = fieldtypes.get(_TYPES.get(str(compiled.kind), "TEXT"))
    return f"coalesce(to_json({kind.wire_sql(compiled.sql)})::text, 'null')"


def _compared(field: FieldSchema, sql: str) -> str:
    """Nothing and an empty text are the same, as are the spellings of a list's value."""
    sql = f"nullif({sql}, '')"
    return f"lower({sql})" if field.list_values else sql


# Texts with placeholders


def placeholders(text: str) -> Iterator[tuple[str, int]]:
    """What stands for values in the text, and where each begins."""
    for match in PLACEHOLDER.finditer(text):
        yield match.group(), match.start()


def filled(text: str, known: Mapping[str, str | None]) -> str:
    """The text with values; what a value holds is never taken for a placeholder."""
    return PLACEHOLDER.sub(lambda match: known[match.group()] or "", text)


def addresses(recipient: str) -> list[str]:
    """The addresses of a recipient, each perhaps a placeholder: a value can't add another."""
    return [one.strip() for one in recipient.split(",") if one.strip()]


# Compiling


def _stored(snapshot: Snapshot) -> _Stored:
    found = _cache.get(snapshot)
    if found is None:
        rules: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        actions: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        with connection.cursor() as cursor:
            cursor.execute(_RULES)
            for row in cursor.fetchall():
                rules[row[1]].append(row)
            if rules:
                cursor.execute(_ACTIONS)
                for rule_id, *action in cursor.fetchall():
                    actions[rule_id].append(tuple(action))
        found = _cache[snapshot] = _Stored(rules, actions, {})
    return found


def _rule(
    snapshot: Snapshot,
    schema: EntitySchema,
    row: tuple[Any, ...],
    actions: Sequence[tuple[Any, ...]],
) -> Rule:
    rule_id, entity_id, name, key, event, criteria, *schedule = row
    interval, time, zone, made, updated = schedule
    what = "its criteria"
    compiled: list[Action] = []
    sql, broken = ALWAYS, ""
    try:
        sql = condition(snapshot, schema, criteria)
        if event == workflow.CRITERIA_MET_AND_CHANGED:
            sql = became_true(sql)
        for action in actions:
            what = f"its action {action[1]!r}"
            compiled.append(_action(snapshot, schema, action))
    except (FormulaError, RequestError) as error:
        told = error.told() if isinstance(error, FormulaError) else error.message
        broken = f"{what} can't be applied any more: {told}"
    return Rule(
        rule_id,
        entity_id,
        name,
        key,
        event,
        sql,
        tuple(compiled),
        interval or "",
        time or "",
        zone,
        made,
        updated,
        broken,
    )


def _action(snapshot: Snapshot, schema: EntitySchema, row: tuple[Any, ...]) -> Action:
    action_id, name, kind, target, formulas, url, recipient, subject, body = row
    values: list[Value] = []
    if kind == "SET_FIELDS":
        for field, formula in document(formulas).items():
            found = schema.field(field)
            values.append(Value(found.name, change_sql(snapshot, schema, found, formula)))
    elif kind == "CREATE_RECORD":
        made = snapshot.entity(target or "")
        for field, formula in document(formulas).items():
            found = made.field(field)
            values.append(Value(found.name, new_sql(snapshot, schema, found, formula)))
    elif kind == "WEBHOOK":
        values = [
            Value(called, wire_sql(snapshot, schema, formula))
            for called, formula in document(formulas).items()
        ]
    elif kind == "EMAIL":
        texts = (recipient, subject, body)
        named = dict.fromkeys(p for text in texts for p, _ in placeholders(text))
        values = [Value(p, shown_sql(snapshot, schema, p)) for p in named]
    return Action(action_id, name, kind, target or "", tuple(values), url, recipient, subject, body)


def document(formulas: Any) -> dict[str, str]:
    """FieldFormulas as stored -> name -> formula."""
    loaded = orjson.loads(formulas) if isinstance(formulas, str) else formulas
    return {str(k): str(v) for k, v in (loaded or {}).items()}
