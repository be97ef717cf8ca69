"""Which records of PRIVATE entities exist for a user: his own, and those that are shared with him.

A sharing group's rules select records by formulas. What they select is one SQL condition per user
and entity, put into every statement that reads or writes it; there is no list of shared records
that could be out of date. Rules are compiled once per snapshot, conditions once per user: rows of
groups, rules and members bump the schema version, so both hold as long as the snapshot does.

A rule may take along what belongs to a record: whoever points to it by a required lookup, or by one
that deletes with it. That is asked from below, by following a record's lookups up to a selected
one, because a page has few records and a rule may select many.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from django.db import connection

from entities.access.logic import joined
from entities.formulas import FormulaError
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.formulating import compile_formula
from entities.schema.snapshot import Snapshot

log = logging.getLogger(__name__)

#: So many ways up to a rule's entity are written out; beyond that they are walked.
MOST_WAYS = 16

_RULES = """
SELECT r.sharing_group_id, r.entity_id, r.external_key, coalesce(r.formula, ''),
       coalesce(r.rule_criteria, ''), coalesce(r.filter_logic, ''), r.access_level = 'WRITE',
       r.cascade_permitions_flag
FROM entities_sharinggrouprule r JOIN entities_sharinggroup g ON g.id = r.sharing_group_id
WHERE r.deleted_at IS NULL AND r.status = 'ACTIVE' AND g.deleted_at IS NULL AND g.status = 'ACTIVE'
ORDER BY r.id
"""

_GROUPS = """
SELECT sharing_group_id FROM entities_sharinggroupuser WHERE user_id = %s AND deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Shared:
    """SQL over `{t}` of the records of an entity that a user sees, and of those he may change."""

    seen: str
    changeable: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to select: records of `entity` for which `sql` over `{t}` is true."""

    group_id: int
    entity: EntitySchema
    sql: str
    writes: bool
    cascades: bool


#: A lookup by which records belong to those of another entity, and that entity.
Link = tuple[FieldSchema, EntitySchema]

_cache: WeakKeyDictionary[Snapshot, tuple[Rule, ...]] = WeakKeyDictionary()


def shared_with(snapshot: Snapshot, user_id: int | None) -> dict[str, Shared]:
    """Name of each PRIVATE entity -> what of it exists for the user."""
    if user_id is None:
        return {schema.name: Shared("FALSE", "FALSE") for schema in snapshot.private}
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, [user_id])
        groups = {row[0] for row in cursor.fetchall()}
    rules = [rule for rule in _rules(snapshot) if rule.group_id in groups]
    found = {}
    for schema in snapshot.private:
        own = f"{{t}}.created_user_id = {user_id:d}" if is_owned(schema) else "FALSE"
        seen, changeable = [own], [own]
        for rule in rules:
            selected = _selected(snapshot, schema, rule)
            seen += selected
            if rule.writes:
                changeable += selected
        found[schema.name] = Shared(_any(seen), _any(changeable))
    return found


def is_owned(schema: EntitySchema) -> bool:
    """Whether the entity's records tell who made them."""
    return "created_user_id" in schema.by_column


def compile_rule(
    snapshot: Snapshot, schema: EntitySchema, formula: str, criteria: str, logic: str
) -> str:
    """SQL over `{t}` of the records that a rule selects.

    Raises FormulaError, or CriterionError for one of the criteria, or LogicError.
    """
    if formula:
        return compile_formula(snapshot, schema, formula, expect="FLAG").sql
    conditions = []
    for number, line in enumerate(lines(criteria), 1):
        try:
            conditions.append(compile_formula(snapshot, schema, line, expect="FLAG").sql)
        except FormulaError as error:
            raise CriterionError(number, error) from error
    return joined(logic, conditions) if logic.strip() else f"({' AND '.join(conditions)})"


class CriterionError(ValueError):
    """The criterion of this number is no condition; the cause says why."""

    def __init__(self, number: int, error: FormulaError) -> None:
        super().__init__(f"condition {number}: {error.told()}")


def lines(criteria: str) -> list[str]:
    """The conditions of RuleCriteria, which have the numbers from 1; empty lines have none."""
    return [line for line in criteria.splitlines() if line.strip()]


def _rules(snapshot: Snapshot) -> tuple[Rule, ...]:
    found = _cache.get(snapshot)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(_RULES)
            rows = cursor.fetchall()
        by_id = {schema.id: schema for schema in snapshot.entities.values()}
        compiled = []
        for group_id, entity_id, key, formula, criteria, logic, writes, cascades in rows:
            schema = by_id.get(entity_id)
            if schema is None:
                continue
            try:
                sql = compile_rule(snapshot, schema, formula, criteria, logic)
            except ValueError as error:
                # What can't be applied any more selects nothing.
                log.error("The sharing rule %s of %s selects nothing: %s", key, schema.name, error)
                continue
            compiled.append(Rule(group_id, schema, sql, writes, cascades))
        found = _cache[snapshot] = tuple(compiled)
    return found


def _any(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(dict.fromkeys(conditions))})"


# What a rule selects


def _selected(snapshot: Snapshot, schema: EntitySchema, rule: Rule) -> list[str]:
    """Conditions over `{t}` under which the rule selects records of `schema`."""
    found = [rule.sql] if rule.entity is schema else []
    if rule.cascades:
        links = _links_to(snapshot, schema, rule.entity)
        if links.get(schema.name):
            ways = _ways(links, schema, rule)
            written = _written(links, schema, rule, "{t}", 1) if ways <= MOST_WAYS else []
            found += written or [_walked(links, schema, rule)]
    return found


def owners(snapshot: Snapshot, schema: EntitySchema) -> list[Link]:
    """The lookups by which records belong to others: required, or deleting with them."""
    return [
        (field, snapshot.target(field))
        for field in schema.lookups
        if field.column is not None
        and not field.read_only
        and field.lookup is not None
        and (field.required or field.lookup.on_delete == "CASCADE")
    ]


def _links_to(
    snapshot: Snapshot, schema: EntitySchema, root: EntitySchema
) -> dict[str, list[Link]]:
    """The links on the ways from `schema` up to `root`, by the entity whose records have them.

    A way leads through PRIVATE entities only.
    """
    links: dict[str, list[Link]] = {}
    waiting = [schema]
    while waiting:
        entity = waiting.pop()
        if entity.name in links or not entity.private:
            continue
        links[entity.name] = owners(snapshot, entity)
        waiting += [target for _, target in links[entity.name]]
    leading = {root.name}
    while True:
        more = {
            name
            for name, found in links.items()
            if any(target.name in leading for _, target in found)
        }
        if more <= leading:
            break
        leading |= more
    return {
        name: [link for link in found if link[1].name in leading]
        for name, found in links.items()
        if name in leading
    }


def _ways(links: dict[str, list[Link]], schema: EntitySchema, rule: Rule) -> int:
    """How many ways lead up to the rule's entity; too many to be written if they go in circles."""
    count = 0
    level: list[tuple[str, ...]] = [(schema.name,)]
    while level and count <= MOST_WAYS:
        following: list[tuple[str, ...]] = []
        for way in level:
            for _, target in links.get(way[-1], ()):
                if target.name in way:
                    return MOST_WAYS + 1
                count += target is rule.entity
                following.append((*way, target.name))
        level = following[: 4 * MOST_WAYS]
    return count


def _written(
    links: dict[str, list[Link]], schema: EntitySchema, rule: Rule, alias: str, depth: int
) -> list[str]:
    """One EXISTS per lookup, and inside it those of the record that it leads to."""
    found = []
    for field, target in links.get(schema.name, ()):
        above = f"above{depth}_"
        tests = [rule.sql.replace("{t}", above)] if target is rule.entity else []
        tests += _written(links, target, rule, above, depth + 1)
        found.append(
            f"EXISTS (SELECT FROM {quote(target.table)} {above} "
            f"WHERE {_points(field, alias, above)} AND {_any(tests)})"
        )
    return found


def _walked(links: dict[str, list[Link]], schema: EntitySchema, rule: Rule) -> str:
    """Follows the lookups record by record: entities may belong to one another in circles."""
    numbers = {name: number for number, name in enumerate({*links, rule.entity.name})}
    first = [_step(field, target, "{t}", numbers) for field, target in links[schema.name]]
    steps = []
    by_name = {target.name: target for found in links.values() for _, target in found}
    for name, found in links.items():
        entity = by_name.get(name)
        if entity is not None:
            below = f"{quote(entity.table)} below_"
            here = f"up_.entity = {numbers[name]} AND below_.id = up_.id"
            steps += [_step(f, target, "below_", numbers, below, here) for f, target in found]
    return (
        f"EXISTS (WITH RECURSIVE up_(entity, id) AS ({' UNION '.join(first)} UNION "
        f"SELECT step_.entity, step_.id FROM up_ "
        f"CROSS JOIN LATERAL ({' UNION ALL '.join(steps)}) step_) "
        f"SELECT FROM up_ JOIN {quote(rule.entity.table)} above_ ON above_.id = up_.id "
        f"WHERE up_.entity = {numbers[rule.entity.name]} AND {rule.sql.replace('{t}', 'above_')})"
    )


def _step(
    field: FieldSchema,
    target: EntitySchema,
    alias: str,
    numbers: dict[str, int],
    source: str = "",
    condition: str = "",
) -> str:
    tables: Sequence[str] = [*([source] if source else []), f"{quote(target.table)} target_"]
    tests = [*([condition] if condition else []), _points(field, alias, "target_")]
    return (
        f"SELECT {numbers[target.name]} AS entity, target_.id FROM {', '.join(tables)} "
        f"WHERE {' AND '.join(tests)}"
    )


def _points(field: FieldSchema, alias: str, target: str) -> str:
    assert field.lookup is not None
    return f"{target}.{quote(field.lookup.column)} = {field.sql(alias)}"
