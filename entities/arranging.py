"""Rows of ENTITY_LAYOUT_CONFIGURATION: what a layout may say.

A layout decides how pages look, never who sees what: whoever may write these rows may arrange any
entity's pages. What it names must be there when it is written. A name that the row already holds
may stay although its field is deleted or hidden for now, so that the field comes back to its place.
"""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection

from entities.access import rights, trail
from entities.errors import Code, nearest
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from entities.schema import layouts
from entities.schema.description import EntitySchema, fold
from entities.schema.layouts import Layout

_DEFAULTS = """
SELECT entity_id, layout_type, id, layout_name FROM entities_entitylayout
WHERE entity_id = ANY(%s) AND default_flag AND deleted_at IS NULL
"""


@behavior("ENTITY_LAYOUT_CONFIGURATION")
class EntityLayoutBehavior(Behavior):
    """ExternalKey is the entity's name combined with the layout's, unless one is sent."""

    def before_create(self, batch: Batch) -> None:
        entities = _entities(batch)
        names = batch.effective("LayoutName")
        batch.put(
            "ExternalKey",
            [
                sent or (f"{schema.name}.{name}" if schema is not None and name else None)
                for sent, schema, name in zip(
                    batch.effective("ExternalKey"), entities, names, strict=True
                )
            ],
        )
        self._check(batch, entities)

    def before_update(self, batch: Batch) -> None:
        self._check(batch, _entities(batch))

    def _check(self, batch: Batch, entities: list[EntitySchema | None]) -> None:
        self._require_pages(batch, entities)
        self._check_fields(batch, entities)
        self._keep_one_default(batch)

    @staticmethod
    def _require_pages(batch: Batch, entities: list[EntitySchema | None]) -> None:
        for index in batch.live:
            schema = entities[index]
            if schema is not None and schema.name == trail.ENTITY:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"The pages of {schema.name} are made for it and have no layouts.",
                    "EntityId",
                )

    @staticmethod
    def _check_fields(batch: Batch, entities: list[EntitySchema | None]) -> None:
        sent, kinds = batch.sent("LayoutFields"), batch.effective("layoutType")
        stored = batch.stored.get("LayoutFields") or [None] * batch.size
        documents, sent_kinds = batch.effective("LayoutFields"), batch.sent("layoutType")
        checked: list[Any] = list(sent)
        for index in list(batch.live):
            schema, document = entities[index], documents[index]
            unchanged = sent[index] is UNSET and sent_kinds[index] is UNSET
            if schema is None or document is None or unchanged:
                continue
            try:
                layout = layouts.read(_loaded(document))
            except ValueError as error:
                message = f"LayoutFields {error}."
                batch.fail(index, Code.INVALID_VALUE, message, "LayoutFields")
                continue
            same = batch.stored.get("layoutType", kinds)[index] == kinds[index]
            kept = _names(stored[index]) if same else frozenset()
            problems = _wrong(batch, schema, kinds[index], layout, kept)
            for code, message in problems:
                batch.fail(index, code, message, "LayoutFields")
            if not problems:
                checked[index] = json.dumps(
                    layouts.written(_canonical(batch, schema, layout)), ensure_ascii=False
                )
        batch.put("LayoutFields", checked)

    @staticmethod
    def _keep_one_default(batch: Batch) -> None:
        entities, kinds = batch.effective("EntityId"), batch.effective("layoutType")
        flags, names = batch.effective("DefaultFlag"), batch.effective("LayoutName")
        taken = _defaults(entities)
        for index in list(batch.live):
            if not flags[index]:
                continue
            key = (entities[index], kinds[index])
            own = batch.ids[index] or -1 - index
            holder, name = taken.setdefault(key, (own, names[index]))
            if holder != own:
                batch.fail(
                    index,
                    Code.DUPLICATE_KEY,
                    f"The {kinds[index]} pages use the layout {name} already; change that one, or "
                    f"take DefaultFlag from it first.",
                    "DefaultFlag",
                )


def _entities(batch: Batch) -> list[EntitySchema | None]:
    by_id = {schema.id: schema for schema in batch.snapshot.entities.values()}
    return [by_id.get(entity_id) for entity_id in batch.effective("EntityId")]


def _loaded(document: Any) -> Any:
    return json.loads(document) if isinstance(document, str) else document


def _names(document: Any) -> frozenset[str]:
    """The names in what a row holds; none where that is no layout."""
    try:
        layout = layouts.read(_loaded(document))
    except ValueError:
        return frozenset()
    return frozenset(fold(name) for section in layout for name in section.names)


def _canonical(batch: Batch, schema: EntitySchema, layout: Layout) -> Layout:
    """The layout with the names as the entities have them."""

    def named(name: str) -> str:
        place = layouts.resolve(batch.snapshot, schema, name)
        return place.name if place is not None else name

    return layouts.with_names(layout, named)


def _wrong(
    batch: Batch, schema: EntitySchema, kind: str, layout: Layout, kept: frozenset[str]
) -> list[tuple[Code, str]]:
    """What is wrong with a layout of `schema`; `kept` are the names that it has had so far."""
    problems: list[tuple[Code, str]] = []
    seen: set[str] = set()
    if not layout:
        problems.append(
            (
                Code.INVALID_VALUE,
                "LayoutFields names no field; delete the layout to have the pages as they were "
                "without it.",
            )
        )
    if kind not in layouts.WITH_SECTIONS and (len(layout) > 1 or any(s.heading for s in layout)):
        problems.append(
            (
                Code.INVALID_VALUE,
                f"LayoutFields of a {kind} layout has no sections; send one list of names.",
            )
        )
    for number, name in enumerate(name for section in layout for name in section.names):
        problem = _wrong_name(batch, schema, kind, name, fold(name) in kept)
        place = layouts.resolve(batch.snapshot, schema, name)
        folded = fold(place.name if place is not None else name)
        if problem is None and folded in seen:
            problem = (
                Code.INVALID_VALUE,
                f"LayoutFields names {name} twice, the second time as field {number + 1}; "
                f"remove one.",
            )
        seen.add(folded)
        if problem is not None:
            problems.append(problem)
    return problems


def _wrong_name(
    batch: Batch, schema: EntitySchema, kind: str, name: str, kept: bool
) -> tuple[Code, str] | None:
    found = list(layouts.parts(batch.snapshot, schema, name))
    for owner, part, field in found:
        if field is None or not _knows(batch, owner, field.name):
            if kept:
                return None
            step = part != name.split(".")[-1] or len(found) != name.count(".") + 1
            known = [
                n for n in _offered(owner, over=step) if _knows(batch, owner, _field(owner, n))
            ]
            what = "way over a lookup" if step else "field"
            return (
                Code.UNKNOWN_FIELD,
                f"LayoutFields names {name}, but {owner.name} has no {what} {part}."
                f"{nearest(part, known)}",
            )
    place = layouts.resolve(batch.snapshot, schema, name)
    assert place is not None
    why = layouts.unfit(kind, place)
    if why and not kept:
        return Code.INVALID_VALUE, f"LayoutFields names {name}, which {why}."
    return None


def _offered(schema: EntitySchema, *, over: bool) -> Iterable[str]:
    """What the part of a name could have been."""
    if over:
        return [layouts.relation_name(schema, lookup) for lookup in schema.lookups]
    return [field.name for field in schema.fields]


def _field(schema: EntitySchema, name: str) -> str:
    """The name of the field that a part of a name is about."""
    lookup = schema.relation(name)
    return lookup.name if lookup is not None else name


def _knows(batch: Batch, schema: EntitySchema, field: str) -> bool:
    """Whether the caller may know that there is the field: who keeps the metadata, or reads it."""
    metadata = batch.snapshot.entity("ENTITY_FIELD")
    return (
        rights(batch.snapshot, batch.context, metadata).read
        or field in rights(batch.snapshot, batch.context, schema).readable
    )


def _defaults(entities: Iterable[Any]) -> dict[tuple[int, str], tuple[int, str]]:
    """(Entity, kind of page) -> the layout in use, and its name."""
    with connection.cursor() as cursor:
        cursor.execute(_DEFAULTS, [[e for e in set(entities) if e is not None]])
        return {(entity, kind): (id_, name) for entity, kind, id_, name in cursor.fetchall()}
