"""The configuration of this system, read whole: one statement per kind of rows."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection

from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot
from entities.transfer.items import Item, Tree
from entities.transfer.kinds import (
    EXTERNAL_KEY,
    FIELD,
    KINDS,
    RIGHT,
    TOP,
    VALUE,
    Kind,
    word_of,
)
from entities.transfer.shipped import Shipped

#: Says of an entity that it stays where it is.
TRAVELS = "IsApplicationDeployable"


class Names:
    """Id -> name of the rows that lookups point to, by entity; each name is asked for once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._known: dict[str, dict[int, str]] = defaultdict(dict)

    def of(self, field: FieldSchema, ids: Iterable[Any]) -> dict[Any, str]:
        """What the targets of a lookup are called."""
        target = self.snapshot.target(field)
        known = self._known[target.name]
        key = key_of(target)
        asked = {i for i in ids if i is not None}
        if field.lookup is not None and field.lookup.by_key:
            return {value: str(value) for value in asked}
        missing = [i for i in asked if i not in known]
        if missing:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT id, {quote(key.column or 'id')} FROM {quote(target.table)} "
                    f"WHERE id = ANY(%s)",
                    [missing],
                )
                known.update((i, str(name)) for i, name in cursor.fetchall())
        return known


def key_of(schema: EntitySchema) -> FieldSchema:
    """The field by which rows of an entity are named in another system."""
    return (schema.external_keys or (schema.field(schema.title),))[0]


def read(snapshot: Snapshot, shipped: Shipped) -> Tree:
    """All configuration of this system."""
    names = Names(snapshot)
    by_id: dict[Kind, dict[int, Item]] = {}
    tree = Tree({kind.section: [] for kind in TOP})
    for kind in KINDS:
        by_id[kind] = {}
        for item, owner_id in _rows(snapshot, shipped, kind, names):
            if kind.parent is not None:
                item.parent = by_id[kind.parent].get(owner_id)
                if item.parent is None:
                    continue  # what it belongs to lies in the recycle bin
                item.parent.sections.setdefault(kind.section, []).append(item)
            else:
                tree.sections[kind.section].append(item)
            siblings = item.parent.sections if item.parent is not None else tree.sections
            _name_apart(item, siblings[kind.section])
            if item.values.get(EXTERNAL_KEY) == item.derived_key:
                item.values[EXTERNAL_KEY] = None
            assert item.id is not None
            by_id[kind][item.id] = item
            item.system = item.system or shipped.is_core(item)
    return tree


def _name_apart(item: Item, siblings: list[Item]) -> None:
    """Rows of one name, which only some kinds can have, go by their keys."""
    if any(one is not item and one.name == item.name for one in siblings):
        item.name = item.values.get(EXTERNAL_KEY) or item.name


def _rows(snapshot: Snapshot, shipped: Shipped, kind: Kind, names: Names) -> list[tuple[Item, int]]:
    schema = snapshot.entity(kind.entity)
    attributes = shipped.attributes[kind]
    named = kind.name or "EntityId"
    extra = [schema.field(named), *([schema.field(kind.owner)] if kind.owner else [])]
    flags = [f for f in map(schema.find, ("SystemFlag", "ReadOnlyFlag", "PrimaryKeyFlag")) if f]
    subject = [schema.field("EntityFieldId")] if kind is RIGHT else []
    fields = [*attributes.values(), *extra, *flags, *subject]
    columns = ", ".join(quote(field.column or "") for field in fields)
    order = {VALUE: "sort_order, id", FIELD: "item_position, id"}.get(kind, "id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {columns} FROM {quote(schema.table)} WHERE deleted_at IS NULL "
            f"ORDER BY {order}"
        )
        rows = cursor.fetchall()
    secret = {word for word, field in attributes.items() if field.encrypted}
    documents = [word for word, field in attributes.items() if field.type.name == "JSON"]
    lookups = {
        place: names.of(field, (row[place] for row in rows))
        for place, field in enumerate(fields, 1)
        if field.lookup is not None and field.name != kind.owner
    }
    words = [word_of(field) for field in fields]
    found = []
    for row in rows:
        cells = dict(zip(words, row[1:], strict=True))
        owner_id = cells.pop(word_of(extra[1])) if kind.owner else 0
        for place, texts in lookups.items():
            word = words[place - 1]
            value = row[place]
            cells[word] = None if value is None else texts.get(value)
        item = Item(kind, "", id=row[0])
        marked = [cells.pop(flag.name) for flag in flags]
        item.system = any(marked)
        if kind is RIGHT:
            subject_of = cells.pop("EntityField")
            entity = cells.pop("Entity")
            item.name = subject_of or entity or ""
        else:
            item.name = str(cells[kind.name])
        item.secrets = tuple(sorted(w for w in secret if cells.get(w) not in (None, "")))
        for word in documents:
            text = cells[word]
            cells[word] = json.loads(text) if isinstance(text, str) else text
        item.values = {w: canonical(v) for w, v in cells.items() if w not in secret}
        found.append((item, owner_id))
    return found


def canonical(value: Any) -> Any:
    """Nothing and the empty text are the same."""
    return None if value == "" else value
