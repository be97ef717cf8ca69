"""Which of an entity's fields a page shows: as its layout says, else derived from metadata alone.

A layout chooses among what the caller may see, and never adds to it. One that has nothing for him
is as good as none.
"""

from collections.abc import Callable, Iterable

from entities.access import EntityRights
from entities.schema import layouts
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.layouts import Place
from entities.schema.snapshot import Snapshot

#: Fields that stand together, under a heading or under "".
Group = tuple[str, list[Place]]

#: What the platform keeps about every record.
AUTHORSHIP = ("Created", "CreatedUserId", "Updated", "UpdatedUserId")

_TEXTS = frozenset({"TEXT", "EMAIL", "LIST"})
_NAMING = ("name", "number", "code", "label", "identifier", "email", "key")
_MOST_COLUMNS = 8
_MOST_LOOKUPS = 3
_MOST_SEARCHED = 8


def readable(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields that the admin shows to a caller, in order."""
    return [f for f in schema.fields if f.name in rights.readable and not f.hidden]


def writable(
    schema: EntitySchema, rights: EntityRights, *, creating: bool, granted: bool
) -> list[FieldSchema]:
    """The fields a form asks for; `granted`: the caller may create, or change, records at all."""
    if not (granted and schema.writable):
        return []
    return [
        f
        for f in schema.fields
        if not f.hidden
        and (f.name in rights.readable or f.write_only)
        and f.name in rights.writable
        and not f.read_only
        and f.api_accessible
        and f.type.name not in ("ID", "FORMULA")
        and (creating or not (f.immutable or f.name in rights.masked))
    ]


def main_lookups(fields: Iterable[FieldSchema]) -> list[FieldSchema]:
    """The lookups that say most about a record: the required ones first."""
    lookups = [f for f in fields if f.lookup is not None and f.name not in AUTHORSHIP]
    return sorted(lookups, key=lambda f: not f.required)[:_MOST_LOOKUPS]


def columns(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields of the list: those that the entity names, else title, keys, status, main lookups,
    what is required, last change."""
    fields = [f for f in readable(schema, rights) if f.column is not None]
    by_name = {f.name: f for f in fields}
    named = [by_name[name] for name in schema.listed if name in by_name]
    if named:
        return named
    title = schema.field(schema.title)
    chosen = [title] if title in fields else []
    chosen += [f for f in fields if f.external_key]
    chosen += [f for f in fields if f.name == "Status"]
    chosen += main_lookups(fields)
    rest = [f for f in fields if f.required and f.type.name not in ("JSON", "LONG_TEXT")]
    rest += [f for f in fields if f.type.name in ("LIST", "MONEY", "DATE", "PERCENT", "DECIMAL")]
    rest += [f for f in fields if f.type.name in ("TEXT", "INTEGER") and f.name not in AUTHORSHIP]
    chosen += [f for f in rest if f.name not in AUTHORSHIP]
    updated = [f for f in fields if f.name == "Updated"]
    unique = list(dict.fromkeys(chosen))[: _MOST_COLUMNS - len(updated)]
    return unique + updated or fields[:1]


def arranged(
    snapshot: Snapshot,
    schema: EntitySchema,
    kind: str,
    rights_of: Callable[[EntitySchema], EntityRights],
) -> list[Group]:
    """What the layout of a kind shows to a caller who has these rights; [] if it shows nothing."""
    groups: list[Group] = []
    seen: set[str] = set()
    for section in schema.layouts.get(kind, ()):
        places = []
        for name in section.names:
            place = layouts.resolve(snapshot, schema, name)
            if (
                place is not None
                and place.name not in seen
                and not layouts.unfit(kind, place)
                and _reachable(kind, place, rights_of)
            ):
                seen.add(place.name)
                places.append(place)
        if places:
            groups.append((section.heading, places))
    return groups


def _reachable(kind: str, place: Place, rights_of: Callable[[EntitySchema], EntityRights]) -> bool:
    """Whether the caller may follow the lookups and read the field behind them, or type it in."""
    typed = kind == layouts.INPUT and place.field.write_only
    return (typed or place.field.name in rights_of(place.schema).readable) and all(
        lookup.name in rights_of(on).known for on, lookup in place.steps
    )


def _in_search(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields of the SEARCH layout that the caller may search by; [] without a layout."""
    seen = {f.name for f in readable(schema, rights) if f.name not in rights.masked}
    found = []
    for section in schema.layouts.get(layouts.SEARCH, ()):
        for name in section.names:
            field = schema.find(name)
            if field is not None and field.name in seen:
                place = Place(field.name, (), schema, field)
                found += [field] if not layouts.unfit(layouts.SEARCH, place) else []
    return list(dict.fromkeys(found))


def searched_lookups(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The lookups whose targets' titles the search looks into."""
    laid_out = [f for f in _in_search(schema, rights) if f.lookup is not None]
    known = (f for f in readable(schema, rights) if f.name not in rights.masked)
    return laid_out if _in_search(schema, rights) else main_lookups(known)


def needed(fields: Iterable[FieldSchema]) -> list[FieldSchema]:
    """Those without which no record can be added: a form that left them out could not be saved."""
    return [f for f in fields if f.needed and f.type.name != "FLAG"]


def searched(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields whose text the search looks into, the most telling first."""
    laid_out = _in_search(schema, rights)
    if laid_out:
        return [
            f
            for f in laid_out
            if f.type.name in layouts.SEARCHED or (f.lookup is not None and f.lookup.by_key)
        ]
    fields = [
        f
        for f in readable(schema, rights)
        if f.column is not None
        and not f.encrypted
        and f.name not in rights.masked
        and (f.type.name in _TEXTS or (f.lookup is not None and f.lookup.by_key))
    ]
    telling = [f for f in fields if f.name == schema.title or f.external_key or f.unique]
    telling += [f for f in fields if any(word in f.name.lower() for word in _NAMING)]
    return list(dict.fromkeys(telling))[:_MOST_SEARCHED]


def filtered(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields with a filter: states and lists, lookups, flags, dates; the last change last."""
    laid_out = _in_search(schema, rights)
    return [f for f in laid_out if f.type.name in layouts.FILTERED] or filterable(schema, rights)


def filterable(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields that have a filter where no layout says which."""
    fields = [
        f for f in readable(schema, rights) if f.column is not None and f.name not in rights.masked
    ]
    own = [f for f in fields if f.name not in AUTHORSHIP]
    kept = [f for f in fields if f.name in ("Created", "Updated", "UpdatedUserId")]
    chosen = [f for f in own if f.type.listed and f.list_values]
    for kinds in (("LOOKUP",), ("FLAG",), ("DATE", "DATETIME")):
        chosen += [f for f in own if f.type.name in kinds]
    return chosen + kept
