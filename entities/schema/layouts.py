"""Layouts: which fields one kind of an entity's pages shows, under which headings, in which order.

A layout is written as a list of names, or of sections that have a heading and names of their own:

    ["Name", "Status", "AccountObj.Name"]
    ["Name", {"Section": "Address", "Fields": ["Address1", "City"]}]

It holds names, not fields: one that leads nowhere now, because its field is deleted or hidden,
stands on no page and is back when the field is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from entities.schema.description import EntitySchema, FieldSchema, fold
from entities.schema.snapshot import Snapshot

LIST, DETAIL, INPUT, SEARCH = TYPES = ("LIST", "DETAIL", "INPUT", "SEARCH")
#: The kinds of pages that have headings between their fields, and those that follow lookups.
WITH_SECTIONS = (DETAIL, INPUT)
WITH_PATHS = (LIST, DETAIL)

MOST_NAMES = 500
MOST_STEPS = 3
LONGEST_HEADING = 100

#: What the search box looks into, and what has a filter beside the list.
SEARCHED = frozenset({"TEXT", "EMAIL"})
FILTERED = frozenset({"LIST", "LOOKUP", "FLAG", "DATE", "DATETIME"})
#: What is no single value to show of another record.
_NOT_OVER_LOOKUPS = frozenset({"LOOKUP", "FILE", "JSON"})


@dataclass(frozen=True, slots=True)
class Section:
    """Names of fields that stand together; the heading is "" where they have none."""

    heading: str
    names: tuple[str, ...]


Layout = tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A field as a layout names it: the entity's own, or one that `steps` of lookups lead to."""

    name: str
    steps: tuple[tuple[EntitySchema, FieldSchema], ...]
    schema: EntitySchema
    field: FieldSchema


def read(document: Any) -> Layout:
    """The layout that a document describes; ValueError says what is wrong, and where.

    A heading over nothing is none.
    """
    if not isinstance(document, list):
        raise ValueError('is a list of field names, such as ["Name", "Status"]')
    sections: list[Section] = []
    loose: list[str] = []
    for number, entry in enumerate(document):
        if isinstance(entry, str):
            loose.append(_name(entry, str(number)))
        elif isinstance(entry, dict):
            if loose:
                sections.append(Section("", tuple(loose)))
                loose = []
            sections.append(_section(entry, number))
        else:
            raise ValueError(f"has at [{number}] neither a field's name nor a section")
    if loose:
        sections.append(Section("", tuple(loose)))
    count = sum(len(section.names) for section in sections)
    if count > MOST_NAMES:
        raise ValueError(f"has {count} fields; {MOST_NAMES} are the most")
    return tuple(section for section in sections if section.names)


def _section(entry: dict[str, Any], number: int) -> Section:
    if entry.keys() != {"Section", "Fields"}:
        raise ValueError(
            f'has at [{number}] a section that is not of the form {{"Section": "Address", '
            f'"Fields": ["City"]}}'
        )
    heading, names = entry["Section"], entry["Fields"]
    if not isinstance(heading, str) or len(heading) > LONGEST_HEADING:
        raise ValueError(
            f"has at [{number}] a heading that is no text of at most {LONGEST_HEADING} characters"
        )
    if not isinstance(names, list):
        raise ValueError(f"has at [{number}] Fields that are no list of names")
    return Section(
        heading.strip(), tuple(_name(name, f"{number}].Fields[{n}") for n, name in enumerate(names))
    )


def _name(entry: Any, place: str) -> str:
    if not isinstance(entry, str) or not entry.strip():
        raise ValueError(f"has at [{place}] no field's name")
    return entry.strip()


def written(layout: Layout) -> list[Any]:
    """The document of a layout."""
    document: list[Any] = []
    for number, section in enumerate(layout):
        if section.heading or number:
            document.append({"Section": section.heading, "Fields": list(section.names)})
        else:
            document += section.names
    return document


def with_names(layout: Layout, change: Callable[[str], str | None]) -> Layout:
    """The layout with each name changed, or left out where the change is None."""
    return tuple(
        Section(section.heading, names)
        for section in layout
        if (names := tuple(new for name in section.names if (new := change(name)) is not None))
    )


def parts(
    snapshot: Snapshot, schema: EntitySchema, name: str
) -> Iterator[tuple[EntitySchema, str, FieldSchema | None]]:
    """The parts of a name: whose they are, as written, and the field if there is one.

    Ends behind the first part that leads nowhere.
    """
    *steps, last = name.split(".")
    for step in steps:
        lookup = schema.relation(step)
        yield schema, step, lookup
        if lookup is None:
            return
        schema = snapshot.target(lookup)
    yield schema, last, schema.find(last)


def resolve(snapshot: Snapshot, schema: EntitySchema, name: str) -> Place | None:
    """The field that a name leads to, None if it leads nowhere."""
    found = list(parts(snapshot, schema, name))
    owner, _, field = found[-1]
    if field is None or len(found) != name.count(".") + 1:
        return None
    steps = tuple((on, lookup) for on, _, lookup in found[:-1] if lookup is not None)
    return Place(
        ".".join([*(relation_name(on, lookup) for on, lookup in steps), field.name]),
        steps,
        owner,
        field,
    )


def relation_name(schema: EntitySchema, lookup: FieldSchema) -> str:
    """The name of the way over a lookup: AccountId -> AccountObj."""
    short = lookup.name[:-2].rstrip("_") + "Obj"
    named_id = fold(lookup.name).endswith("id") and schema.relation(short) is lookup
    return short if named_id else f"{lookup.name}Obj"


def unfit(kind: str, place: Place) -> str:
    """Why a field can't stand in such a layout, "" if it can."""
    field = place.field
    if field.hidden or any(lookup.hidden for _, lookup in place.steps):
        return "is hidden in the admin (HiddenFlag)"
    if field.write_only and kind != INPUT:
        return "can be written but never read; only INPUT layouts have it"
    if place.steps:
        if kind not in WITH_PATHS:
            return f"leads over a lookup; {kind} layouts have only the entity's own fields"
        if len(place.steps) > MOST_STEPS:
            return f"leads over {len(place.steps)} lookups; {MOST_STEPS} are the most"
        if field.type.name in _NOT_OVER_LOOKUPS or field.encrypted:
            return "ends in a field that can't be shown over a lookup; name another one behind it"
    if kind == SEARCH:
        if field.type.name not in SEARCHED | FILTERED:
            return (
                f"is a {field.type.name} field; SEARCH layouts have text, list, lookup, flag and "
                f"date fields"
            )
        if field.column is None or field.encrypted:
            return "is kept in a form that can't be searched"
    return ""
