"""Which of an entity's fields a page shows: derived from metadata alone."""

from collections.abc import Iterable

from entities.access import EntityRights
from entities.schema.description import EntitySchema, FieldSchema

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
        for f in readable(schema, rights)
        if f.name in rights.writable
        and not f.read_only
        and f.api_accessible
        and f.type.name not in ("ID", "FILE", "FORMULA")
        and (creating or not (f.immutable or f.name in rights.masked))
    ]


def main_lookups(fields: Iterable[FieldSchema]) -> list[FieldSchema]:
    """The lookups that say most about a record: the required ones first."""
    lookups = [f for f in fields if f.lookup is not None and f.name not in AUTHORSHIP]
    return sorted(lookups, key=lambda f: not f.required)[:_MOST_LOOKUPS]


def columns(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields of the list: title, keys, status, main lookups, what is required, last change."""
    fields = [f for f in readable(schema, rights) if f.column is not None]
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


def searched(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields whose text the search looks into, the most telling first."""
    fields = [
        f
        for f in readable(schema, rights)
        if f.column is not None
        and f.name not in rights.masked
        and (f.type.name in _TEXTS or (f.lookup is not None and f.lookup.by_key))
    ]
    telling = [f for f in fields if f.name == schema.title or f.external_key or f.unique]
    telling += [f for f in fields if any(word in f.name.lower() for word in _NAMING)]
    return list(dict.fromkeys(telling))[:_MOST_SEARCHED]


def filtered(schema: EntitySchema, rights: EntityRights) -> list[FieldSchema]:
    """The fields with a filter: states and lists, lookups, flags, dates; the last change last."""
    fields = [
        f for f in readable(schema, rights) if f.column is not None and f.name not in rights.masked
    ]
    own = [f for f in fields if f.name not in AUTHORSHIP]
    kept = [f for f in fields if f.name in ("Created", "Updated", "UpdatedUserId")]
    chosen = [f for f in own if f.type.listed and f.list_values]
    for kinds in (("LOOKUP",), ("FLAG",), ("DATE", "DATETIME")):
        chosen += [f for f in own if f.type.name in kinds]
    return chosen + kept
