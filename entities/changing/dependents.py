"""Who names a field: formulas, rules, keys, layouts, currencies. They follow a renamed field, and
keep one that they need from going away.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from entities.formulas import FormulaError, parse
from entities.formulas.tree import Literal, bottom_up
from entities.records.batch import Batch
from entities.schema.description import EntitySchema, fold
from entities.schema.formulating import references_of, rename_in_formula
from entities.schema.snapshot import Snapshot


@dataclass(frozen=True)
class Place:
    """A formula, where it stands, and how people call that place."""

    table: str
    column: str
    id: int
    entity_id: int
    words: str
    text: str


#: Table -> columns that hold a formula over the entity's records, and the name of the row.
_FORMULAS = (
    ("entities_entityfield", ("formula_value", "default_formula"), "field_name", "the field"),
    ("entities_entityvalidation", ("formula_value",), "entity_validation_name", "the validation"),
    ("entities_sharinggrouprule", ("formula",), "external_key", "the sharing rule"),
    ("entities_workflowrule", ("criteria",), "rule_name", "the workflow rule"),
)
_CRITERIA = """
SELECT id, entity_id, external_key, rule_criteria FROM entities_sharinggrouprule
WHERE deleted_at IS NULL AND rule_criteria IS NOT NULL
"""
_ACTIONS = """
SELECT a.id, r.entity_id, a.action_name, a.field_formulas
FROM entities_workflowaction a JOIN entities_workflowrule r ON r.id = a.workflow_rule_id
WHERE a.deleted_at IS NULL AND r.deleted_at IS NULL AND a.field_formulas IS NOT NULL
"""


def users_of(snapshot: Snapshot, entity: str, field: str) -> list[str]:
    """What would break without the field, in words."""
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


def rename(batch: Batch, schema: EntitySchema, old: str, new: str) -> None:
    """Let everything that names the field follow its new name."""
    snapshot = batch.snapshot
    with connection.cursor() as cursor:
        for place in _places(snapshot):
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
        _rename_in_layouts(cursor, schema, old, new)
        field = schema.find(old)
        if field is not None:
            was = f"{schema.name}.{old}."
            cursor.execute(
                "UPDATE entities_entityfieldvalue SET external_key = "
                "%s || substr(external_key, length(%s) + 1) "
                "WHERE entity_field_id = %s AND starts_with(external_key, %s)",
                [f"{schema.name}.{new}.", was, field.id, was],
            )


def _places(snapshot: Snapshot) -> Iterator[Place]:
    with connection.cursor() as cursor:
        for table, columns, name, noun in _FORMULAS:
            for column in columns:
                cursor.execute(
                    f"SELECT id, entity_id, {name}, {column} FROM {table} "
                    f"WHERE deleted_at IS NULL AND coalesce({column}, '') <> ''"
                )
                for id_, entity_id, called, text in cursor.fetchall():
                    words = f"{noun} {called}"
                    owner = _entity(snapshot, entity_id)
                    if table == "entities_entityfield" and owner is not None:
                        words = f"{noun} {owner.name}.{called}"
                    yield Place(table, column, id_, entity_id, words, text)
        cursor.execute(_CRITERIA)
        for id_, entity_id, called, text in cursor.fetchall():
            for number, line in enumerate(text.splitlines()):
                if line.strip():
                    words = f"the sharing rule {called}"
                    column = f"rule_criteria:{number}"
                    yield Place("entities_sharinggrouprule", column, id_, entity_id, words, line)
        cursor.execute(_ACTIONS)
        for id_, entity_id, called, document in cursor.fetchall():
            formulas = json.loads(document) if isinstance(document, str) else document
            for target, text in formulas.items() if isinstance(formulas, dict) else ():
                words = f"the workflow action {called}"
                column = f"field_formulas:{target}"
                yield Place("entities_workflowaction", column, id_, entity_id, words, str(text))


def _put_back(cursor: Any, place: Place, text: str) -> None:
    column, _, part = place.column.partition(":")
    if not part:
        _set(cursor, place, column, lambda _: text)
    elif column == "rule_criteria":

        def with_line(whole: str) -> str:
            lines = whole.splitlines()
            lines[int(part)] = text
            return "\n".join(lines)

        _set(cursor, place, column, with_line)
    else:
        _set(
            cursor,
            place,
            column,
            lambda whole: json.dumps(
                (json.loads(whole) if isinstance(whole, str) else whole) | {part: text}
            ),
        )


def _set(cursor: Any, place: Place, column: str, change: Callable[[Any], str]) -> None:
    cursor.execute(f"SELECT {column} FROM {place.table} WHERE id = %s", [place.id])
    (whole,) = cursor.fetchone()
    cursor.execute(
        f"UPDATE {place.table} SET {column} = %s WHERE id = %s", [change(whole), place.id]
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


def _rename_in_layouts(cursor: Any, schema: EntitySchema, old: str, new: str) -> None:
    def renamed(node: Any) -> Any:
        if isinstance(node, str):
            return new if fold(node) == fold(old) else node
        if isinstance(node, list):
            return [renamed(one) for one in node]
        if isinstance(node, dict):
            return {k: renamed(v) if k == "Fields" else v for k, v in node.items()}
        return node

    cursor.execute(
        "SELECT id, layout_fields FROM entities_entitylayout WHERE entity_id = %s", [schema.id]
    )
    for id_, document in cursor.fetchall():
        fields = json.loads(document) if isinstance(document, str) else document
        cursor.execute(
            "UPDATE entities_entitylayout SET layout_fields = %s WHERE id = %s",
            [json.dumps(renamed(fields)), id_],
        )


def _refers(snapshot: Snapshot, place: Place, entity: str, field: str) -> bool:
    owner = _entity(snapshot, place.entity_id)
    # Most formulas are not about the field, and are not read as formulas to find that out.
    if owner is None or fold(field) not in fold(place.text):
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
