"""What points to a record: one line per lookup, with the number of records and the way to them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.http import HttpRequest

from entities.admin.callers import rights_on
from entities.admin.choice import AUTHORSHIP
from entities.admin.display import address
from entities.admin.icons import icon_of
from entities.admin.sizes import BIG, counts, estimates, live
from entities.admin.titles import attribute
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot

_CAP = 1000


@dataclass(frozen=True)
class RelatedList:
    """The records of one entity that point to a record by one field."""

    label: str
    by: str
    icon: str
    count: int | None
    url: str
    add_url: str


def related_lists(
    request: HttpRequest, snapshot: Snapshot, schema: EntitySchema, record: models.Model
) -> list[RelatedList]:
    """One list per lookup to the record that the user may see; those with records first."""
    links: list[tuple[EntitySchema, FieldSchema, Any]] = []
    for child, field in snapshot.references(schema):
        if not child.visible or field.hidden or field.name in AUTHORSHIP:
            continue
        if field.name not in rights_on(request, snapshot, child).known:
            continue
        assert field.lookup is not None
        target = next((f for f in schema.fields if f.column == field.lookup.column), None)
        if target is not None:
            links.append((child, field, getattr(record, attribute(schema, target))))
    if not links:
        return []
    sizes = estimates({child for child, _, _ in links})
    countable = [
        (
            child,
            f"{live(child)} AND {field.sql('r')} = %s "
            f"{rights_on(request, snapshot, child).where('r')}",
            [value],
        )
        for child, field, value in links
        if _cheap(field, sizes.get(child.table, 0))
    ]
    found = iter(counts(countable, _CAP))
    lists = [
        _related(
            request,
            snapshot,
            child,
            field,
            value,
            next(found) if _cheap(field, sizes.get(child.table, 0)) else None,
            alone=sum(c is child for c, _, _ in links) == 1,
        )
        for child, field, value in links
    ]
    return sorted(lists, key=lambda r: (r.count == 0, r.label))


def _cheap(field: FieldSchema, size: int) -> bool:
    """Whether counting by the field reads an index or a table of ordinary size."""
    return field.searchable or size < BIG


def _related(
    request: HttpRequest,
    snapshot: Snapshot,
    child: EntitySchema,
    field: FieldSchema,
    value: Any,
    count: int | None,
    alone: bool,
) -> RelatedList:
    rights = rights_on(request, snapshot, child)
    may_add = rights.create and child.writable and field.name in rights.writable
    return RelatedList(
        label=child.label_plural[:1].upper() + child.label_plural[1:],
        by="" if alone else f"by {field.label.lower()}",
        icon=icon_of(child.name),
        count=count,
        url=f"{address(child, 'changelist')}?{urlencode({attribute(child, field): value})}",
        add_url=f"{address(child, 'add')}?{urlencode({field.name: value})}" if may_add else "",
    )
