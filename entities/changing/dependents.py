"""Who names a field: formulas, rules, keys, layouts, currencies. They follow a renamed field, and
keep one that they need from going away or from becoming something else.
"""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any

from django.db import connection

from entities.changing import keys
from entities.formulas import PLACEHOLDER, FormulaError, parse
from entities.formulas.tree import Literal, bottom_up
from entities.records.batch import Batch
from entities.schema import layouts
from entities.schema.description import EntitySchema, FieldSchema, fold
from entities.schema.formulating import (
    CompiledFormula,
    compile_field,
    compile_formula,
    compile_value,
    references_of,
    rename_in_formula,
)
from entities.schema.layouts import Layout
from entities.schema.snapshot import Snapshot


class Need(Enum):
    """What a formula is there for, and so what it must yield."""

    FIELD = "the value of a formula field"
    DEFAULT = "the value of a new record's field"
    CONDITION = "whether something holds"
    ACTION = "what an action writes into a field"
    ANYTHING = "something to show"


@dataclass(frozen=True)
class Place:
    """A formula, where it stands, and how people call that place.

    entity_id   the entity whose fields it names
    row_of      the entity with which the place goes: most often the same
    fills       entity and name of the field that an action writes
    put         puts another text in its place: what the column holds, the text -> what it is to
                hold
    """

    table: str
    column: str
    id: int
    entity_id: int
    words: str
    text: str
    need: Need
    put: Callable[[Any, str], Any]
    row_of: int
    fills: tuple[int, str] = (0, "")


@dataclass(frozen=True)
class Broken:
    """A formula that a change would leave without sense.

    reads   (entity, field) of all that it was made of, as far as it made sense before
    """

    place: Place
    error: str
    reads: frozenset[tuple[str, str]]


#: Table -> columns that hold a formula over the entity's records, and the name of the row.
_FORMULAS = (
    ("entities_entityfield", "formula_value", "field_name", "the field", Need.FIELD),
    ("entities_entityfield", "default_formula", "field_name", "the field", Need.DEFAULT),
    (
        "entities_entityvalidation",
        "formula_value",
        "entity_validation_name",
        "the validation",
        Need.CONDITION,
    ),
    (
        "entities_sharinggrouprule",
        "formula",
        "external_key",
        "the sharing rule",
        Need.CONDITION,
    ),
    ("entities_workflowrule", "criteria", "rule_name", "the workflow rule", Need.CONDITION),
)
_CRITERIA = """
SELECT id, entity_id, external_key, rule_criteria FROM entities_sharinggrouprule
WHERE deleted_at IS {bin} AND rule_criteria IS NOT NULL
"""
_ACTIONS = """
SELECT a.id, r.entity_id, CASE a.action_type WHEN 'SET_FIELDS' THEN r.entity_id
       WHEN 'CREATE_RECORD' THEN a.target_entity_id END, a.action_name, a.field_formulas,
       a.recipient, a.subject, a.body
FROM entities_workflowaction a JOIN entities_workflowrule r ON r.id = a.workflow_rule_id
WHERE {bin}
"""


def users_of(snapshot: Snapshot, entity: str, field: str, *, keys: bool = True) -> list[str]:
    """What would break without the field, in words; `keys` too if wanted."""
    schema = snapshot.find(entity)
    if schema is None:
        return []
    own = schema.find(field)
    users = [
        place.words
        for place in _places(snapshot)
        if not (place.table == "entities_entityfield" and own is not None and place.id == own.id)
        and _refers(snapshot, place, schema.name, field)
    ]
    users += [
        f"the money field {schema.name}.{f.name}"
        for f in schema.fields
        if f.currency_source and fold(f.currency_source) == fold(field)
    ]
    if not keys:
        return users
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key_name, field_names FROM entities_entitykey "
            "WHERE deleted_at IS NULL AND entity_id = %s",
            [schema.id],
        )
        for name, listed in cursor.fetchall():
            if fold(field) in map(fold, _split(listed)):
                users.append(f"the key {name}")
    return users


def quoting(snapshot: Snapshot, entity: str, field: str, value: str) -> list[str]:
    """The formulas that read the list field and quote its value, in words."""
    return [
        place.words
        for place in _places(snapshot)
        if value.casefold() in place.text.casefold()
        and _refers(snapshot, place, entity, field)
        and any(
            isinstance(node, Literal) and node.text.casefold() == value.casefold()
            for node in bottom_up(parse(place.text).root)
        )
    ]


def users_of_entities(snapshot: Snapshot, going: Collection[int]) -> dict[int, list[str]]:
    """Id of an entity -> what would break without it, in words, apart from what goes too."""
    ids = {e.name: e.id for e in snapshot.entities.values()}
    users: dict[int, list[str]] = {}
    for place in _places(snapshot):
        if place.row_of in going:
            continue
        try:
            compiled = _compiled(snapshot, place)
        except FormulaError:
            continue
        for used in {ids[entity] for entity, _ in compiled.references} if compiled else ():
            named = users.setdefault(used, [])
            if used in going and place.words not in named:
                named.append(place.words)
    return users


def rename(batch: Batch, schema: EntitySchema, old: str, new: str) -> None:
    """Let everything that names the field follow its new name."""
    snapshot = batch.snapshot
    with connection.cursor() as cursor:
        # What is in the recycle bin follows too, so that it still makes sense when it comes back.
        for place in [*_places(snapshot), *_places(snapshot, bin=True)]:
            if _refers(snapshot, place, schema.name, old):
                owner = _entity(snapshot, place.entity_id)
                assert owner is not None
                text = rename_in_formula(snapshot, owner, place.text, schema.name, old, new)
                _put_back(cursor, place, text)
        cursor.execute(
            "UPDATE entities_entityfield SET currency_source = %s "
            "WHERE entity_id = %s AND currency_source = %s",
            [new, schema.id, old],
        )
        _rename_in_keys(cursor, schema, old, new)
        _rename_in_layouts(cursor, snapshot, schema, old, new)
        field = schema.find(old)
        if field is not None:
            keys.follow_field(field.id, f"{schema.name}.{old}", f"{schema.name}.{new}")


def broken(before: Snapshot, after: Snapshot, restored: Collection[int] = ()) -> list[Broken]:
    """The formulas that made sense before a change and make none after it, and those without sense
    that come back with it: of the fields and entities `restored`."""
    found = []
    for place in _places(after):
        try:
            _compiled(after, place)
        except FormulaError as error:
            try:
                compiled = _compiled(before, place)
            except FormulaError:
                compiled = None
            owner = _entity(after, place.entity_id)
            back = place.entity_id in restored or (
                place.table == "entities_entityfield" and place.id in restored
            )
            if owner is not None and (compiled is not None or back):
                reads = compiled.references if compiled else frozenset()
                found.append(Broken(place, error.told(), reads))
    return found


def _compiled(snapshot: Snapshot, place: Place) -> CompiledFormula | None:
    """The formula as it will be used; None where nobody uses it. Raises FormulaError."""
    owner = _entity(snapshot, place.entity_id)
    if owner is None:
        return None
    if place.need in (Need.FIELD, Need.DEFAULT):
        field = next((f for f in owner.fields if f.id == place.id), None)
        if field is None:
            return None
        if place.need is Need.FIELD:
            return compile_field(snapshot, owner, field)
        return compile_value(snapshot, owner, field, place.text)
    if place.need is Need.ACTION:
        filled = _entity(snapshot, place.fills[0])
        target = filled.find(place.fills[1]) if filled else None
        if target is None:
            # The place of the name itself tells.
            return None
        found = compile_value(snapshot, owner, target, place.text, prior=True, only_live=False)
        assert filled is not None
        return replace(found, references=found.references | {(filled.name, target.name)})
    expect = "FLAG" if place.need is Need.CONDITION else None
    return compile_formula(snapshot, owner, place.text, expect=expect, prior=True)


def _places(snapshot: Snapshot, *, bin: bool = False) -> Iterator[Place]:
    """The formulas of all live rows, or (`bin`) of those in the recycle bin."""
    where = "NOT NULL" if bin else "NULL"
    with connection.cursor() as cursor:
        for table, column, name, noun, need in _FORMULAS:
            cursor.execute(
                f"SELECT id, entity_id, {name}, {column} FROM {table} "
                f"WHERE deleted_at IS {where} AND coalesce({column}, '') <> ''"
            )
            for id_, entity_id, called, text in cursor.fetchall():
                words = f"{noun} {called}"
                owner = _entity(snapshot, entity_id)
                if table == "entities_entityfield" and owner is not None:
                    words = f"{noun} {owner.name}.{called}"
                yield Place(table, column, id_, entity_id, words, text, need, _whole, entity_id)
        cursor.execute(_CRITERIA.format(bin=where))
        for id_, entity_id, called, text in cursor.fetchall():
            words = f"the sharing rule {called}"
            for number, line in enumerate(text.splitlines()):
                if line.strip():
                    yield Place(
                        "entities_sharinggrouprule",
                        "rule_criteria",
                        id_,
                        entity_id,
                        words,
                        line,
                        Need.CONDITION,
                        _into_line(number),
                        entity_id,
                    )
        gone = "(a.deleted_at IS NOT NULL OR r.deleted_at IS NOT NULL)"
        cursor.execute(_ACTIONS.format(bin=gone if bin else f"NOT {gone}"))
        for row in cursor.fetchall():
            yield from _of_action(*row)


def _of_action(
    id_: int, entity_id: int, target_id: int | None, called: str, document: Any, *texts: str | None
) -> Iterator[Place]:
    def place(
        column: str,
        entity: int,
        text: str,
        put: Callable[[Any, str], Any],
        need: Need = Need.ANYTHING,
        fills: str = "",
    ) -> Place:
        words = f"the workflow action {called}"
        table = "entities_workflowaction"
        target = (target_id or 0, fills)
        return Place(table, column, id_, entity, words, text, need, put, entity_id, target)

    formulas = json.loads(document) if isinstance(document, str) else document
    if isinstance(formulas, dict):
        need = Need.ANYTHING if target_id is None else Need.ACTION
        for name, text in formulas.items():
            yield place("field_formulas", entity_id, str(text), _into_value(name), need, name)
        # After the formulas: they are found by the name that they belong to.
        for name in formulas if target_id is not None else ():
            yield place("field_formulas", target_id or 0, f"{{!{name}}}", _into_name(name))
    for column, whole in zip(("recipient", "subject", "body"), texts, strict=True):
        for shown in dict.fromkeys(PLACEHOLDER.findall(whole or "")):
            yield place(column, entity_id, shown, _into_text(shown))


def _whole(whole: Any, text: str) -> str:
    return text


def _into_line(number: int) -> Callable[[Any, str], Any]:
    def put(whole: str, text: str) -> str:
        lines = whole.splitlines()
        lines[number] = text
        return "\n".join(lines)

    return put


def _into_value(name: str) -> Callable[[Any, str], Any]:
    def put(whole: Any, text: str) -> str:
        formulas = json.loads(whole) if isinstance(whole, str) else whole
        return json.dumps(formulas | {name: text})

    return put


def _into_name(name: str) -> Callable[[Any, str], Any]:
    def put(whole: Any, text: str) -> str:
        formulas = json.loads(whole) if isinstance(whole, str) else whole
        return json.dumps({text[2:-1] if k == name else k: v for k, v in formulas.items()})

    return put


def _into_text(shown: str) -> Callable[[Any, str], Any]:
    return lambda whole, text: whole.replace(shown, text)


def _put_back(cursor: Any, place: Place, text: str) -> None:
    cursor.execute(f"SELECT {place.column} FROM {place.table} WHERE id = %s", [place.id])
    (whole,) = cursor.fetchone()
    cursor.execute(
        f"UPDATE {place.table} SET {place.column} = %s WHERE id = %s",
        [place.put(whole, text), place.id],
    )


def _rename_in_keys(cursor: Any, schema: EntitySchema, old: str, new: str) -> None:
    cursor.execute(
        "SELECT id, field_names FROM entities_entitykey WHERE entity_id = %s", [schema.id]
    )
    for id_, listed in cursor.fetchall():
        names = [new if fold(name) == fold(old) else name for name in _split(listed)]
        cursor.execute(
            "UPDATE entities_entitykey SET field_names = %s WHERE id = %s",
            [", ".join(names), id_],
        )


def _rename_in_layouts(
    cursor: Any, snapshot: Snapshot, schema: EntitySchema, old: str, new: str
) -> None:
    field = schema.find(old)

    def renamed(owner: EntitySchema, part: str, found: FieldSchema | None) -> str:
        if owner.id != schema.id:
            return part
        if field is None:
            # One that is served nowhere for now is known by its name alone.
            return new if fold(part) == fold(old) else part
        if found is not field:
            return part
        if fold(part) == fold(old):
            return new
        short = (
            fold(new).endswith("id")
            and fold(part) != fold(f"{old}Obj")
            and owner.relation(f"{new[:-2]}Obj") in (None, field)
        )
        return f"{new[:-2].rstrip('_') if short else new}Obj"

    for id_, owner, layout in _layouts(cursor, snapshot):

        def change(name: str, owner: EntitySchema = owner) -> str:
            walked = list(layouts.parts(snapshot, owner, name))
            rest = name.split(".")[len(walked) :]
            return ".".join([*(renamed(*part) for part in walked), *rest])

        _put_layout(cursor, id_, layout, layouts.with_names(layout, change))


def forget(snapshot: Snapshot, fields: Collection[tuple[int, int, str]]) -> None:
    """Take fields that are gone for good, (entity, Id, name) each, out of all layouts.

    Another one that has taken the name meanwhile keeps its place.
    """
    gone = {(entity_id, fold(name)): field_id for entity_id, field_id, name in fields}
    gone |= {(entity_id, f"{name}obj"): field_id for (entity_id, name), field_id in gone.items()}
    gone |= {
        (entity_id, f"{name.removesuffix('idobj')}obj"): field_id
        for (entity_id, name), field_id in gone.items()
        if name.endswith("idobj")
    }

    def kept(owner: EntitySchema, name: str) -> str | None:
        for on, part, found in layouts.parts(snapshot, owner, name):
            field_id = gone.get((on.id, fold(part)))
            if field_id is not None and (found is None or found.id == field_id):
                return None
        return name

    with connection.cursor() as cursor:
        for id_, owner, layout in _layouts(cursor, snapshot):
            left = layouts.with_names(layout, partial(kept, owner))
            _put_layout(cursor, id_, layout, left)


def _layouts(cursor: Any, snapshot: Snapshot) -> Iterator[tuple[int, EntitySchema, Layout]]:
    cursor.execute("SELECT id, entity_id, layout_fields::text FROM entities_entitylayout")
    for id_, entity_id, document in cursor.fetchall():
        owner = _entity(snapshot, entity_id)
        if owner is None:
            continue
        with suppress(ValueError):
            yield id_, owner, layouts.read(json.loads(document))


def _put_layout(cursor: Any, id_: int, before: Layout, after: Layout) -> None:
    if after != before:
        cursor.execute(
            "UPDATE entities_entitylayout SET layout_fields = %s WHERE id = %s",
            [json.dumps(layouts.written(after), ensure_ascii=False), id_],
        )


def _refers(snapshot: Snapshot, place: Place, entity: str, field: str) -> bool:
    owner = _entity(snapshot, place.entity_id)
    # Most formulas are not about the field, and are not read as formulas to find that out. A lookup
    # AccountId is followed as AccountObj.
    if owner is None or fold(field).removesuffix("id") not in fold(place.text):
        return False
    try:
        named = references_of(snapshot, owner, place.text)
    except FormulaError:
        return False
    return any(fold(e) == fold(entity) and fold(f) == fold(field) for e, f in named)


def _entity(snapshot: Snapshot, entity_id: int) -> EntitySchema | None:
    return next((e for e in snapshot.entities.values() if e.id == entity_id), None)


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]
