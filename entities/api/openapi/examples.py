"""Examples as an integrator would write them: one value per field, one body per verb.

They are made from the schema, so a field added today has its example today. A value is chosen by
what the field is called, then by its type, and always fits the field: its length, its digits, its
list. `Known` replaces the Ids of lookups where somebody looked which records there are.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from entities.access.masking import MASK
from entities.api.openapi.viewing import View
from entities.fieldtypes.numbers import INT4_DIGITS
from entities.schema.description import EntitySchema, FieldSchema

Json = dict[str, Any]
#: A lookup field -> what stands for a record that it can point to, None where there is none.
Known = Callable[[FieldSchema], Any]

RECORD_ID = "1001"
#: Fields that an example of a new record shows, those that it can't do without aside.
SHOWN = 6

_AUTHORSHIP = ("CreatedUserId", "UpdatedUserId")
_FILE_KEY = "9f86d081884c7d659a2feaa0c55ad015"
_DATE = "2026-01-01"

#: What a text is whose name says nothing, and one for remarks.
_ANYTHING = "Example"
_NOTE = "Agreed with the customer."

#: Names of people, by the name of their field.
_PEOPLE = (
    (r"first_?name", "Ada"),
    (r"last_?name|surname", "Byron"),
    (r"user_?name", "ada.byron"),
)

#: What a text is, by the name of its field; the first that is found.
_TEXTS = (
    (r"e_?mail", "billing@example.com"),
    (r"card_?num", "1111"),
    (r"currency_?code|currency", "USD"),
    (r"country_?code", "US"),
    (r"phone|fax|mobile", "+1 303 555 0142"),
    (r"url|website|href", "https://www.example.com"),
    (r"time_?zone", "US/Central"),
    (r"zip|postal", "80202"),
    (r"city", "Denver"),
    (r"^state$|province", "CO"),
    (r"country", "United States"),
    (r"address_?2|suite", "Suite 400"),
    (r"address|street", "1700 Broadway"),
    (r"language", "en"),
    (r"formula|logic|filter|condition", "TRUE"),
    (r"number|reference|code$", "A-1001"),
    (r"description|note|comment|remark|help|text|reason", _NOTE),
)

#: What a number is, by the name of its field.
_NUMBERS = (
    (r"percent|discount|tax_?rate", "20"),
    (r"quantity|qty", "3"),
    (r"upper_?band", "-1"),
    (r"lower_?band", "0"),
    (r"rate|price|fee|cost|amount|total|balance|charge", "49"),
    (r"days", "30"),
)


def record(view: View, schema: EntitySchema, fields: Iterable[FieldSchema]) -> Json:
    """A record as an answer holds it: every field, most of them set."""
    return {field.name: _read(view, schema, field) for field in fields}


def new(view: View, schema: EntitySchema, known: Known | None = None) -> Json:
    """A record to create: what it can't do without, its key, what is usual, and what the entity's
    rules want."""
    written = view.written(schema)
    wanted = [f for f in written if f.needed or schema.example.get(f.name) is not None]
    usual = [f for f in written if f not in wanted and _is_usual(schema, f)]
    usual = [f for f in usual if value(view, schema, f) != _ANYTHING]
    left_out = {name for name, said in schema.example.items() if said is None}
    shown = {f.name for f in [*wanted, *usual[:SHOWN]]} - left_out
    made: Json = {}
    for field in written:
        if field.name not in shown:
            continue
        found = known(field) if known is not None and field.lookup is not None else None
        if found is None:
            found = value(view, schema, field)
        if found is not None:
            made[field.name] = found
    return made


def change(view: View, schema: EntitySchema) -> Json:
    """What an update sends: one field, or nothing where there is none that may change."""
    left_out = {name for name, said in schema.example.items() if said is None}
    may = {
        f.name: told
        for f in view.written(schema)
        if _is_changed(f)
        and f.name not in left_out
        and (told := value(view, schema, f)) is not None
    }
    lists = {f.name for f in schema.fields if f.type.name == "LIST"}
    # A note is what anybody may write at any time; a status follows rules.
    order = sorted(
        may, key=lambda name: (may[name] != _NOTE, name in lists, may[name] == _ANYTHING)
    )
    return {name: may[name] for name in order[:1]}


def query(view: View) -> tuple[str, Json]:
    """A query that the caller may send, of what others point to most, and a row it may find."""
    schema = max(
        (e for e in view.served if view.read(e)),
        key=lambda e: sum(f.name not in _AUTHORSHIP for _, f in view.snapshot.references(e)),
        default=None,
    )
    if schema is None:
        return "SELECT Id FROM ENTITY_NAME", {"Id": RECORD_ID}
    fields = [f for f in view.read(schema) if f.name in ("Id", schema.title)]
    row = record(view, schema, fields or view.read(schema)[:1])
    names = ", ".join(row)
    words = ["SELECT", names, "FROM", schema.name, "ORDER BY", names, "FETCH NEXT 100 ROWS ONLY"]
    return " ".join(words), row


def value(view: View, schema: EntitySchema, field: FieldSchema) -> Any:
    """A value to send under the field's name."""
    said = schema.example.get(field.name)
    if said is not None and not (field.lookup is not None and isinstance(said, Mapping)):
        return said
    kind = field.type.name
    if kind == "FLAG":
        return "1" if field.default is True else "0"
    if kind in ("LIST", "MULTI_LIST"):
        return _listed(field, several=kind == "MULTI_LIST")
    if kind == "LOOKUP":
        return _pointing(view, field)
    if kind == "FILE":
        return _FILE_KEY
    if kind == "JSON":
        return {"source": "crm"}
    if kind in ("DECIMAL", "MONEY", "PERCENT", "INTEGER"):
        return _number(field)
    if kind == "DATE":
        return "2026-12-31" if _called(field, r"end|due|expir|until") else _DATE
    if kind == "DATETIME":
        return f"{_DATE}T09:30:00Z"
    if kind == "EMAIL":
        return "billing@example.com"
    if kind == "URL":
        return "https://www.example.com"
    return _text(schema, field)


def _read(view: View, schema: EntitySchema, field: FieldSchema) -> Any:
    kind = field.type.name
    if kind == "ID":
        return RECORD_ID
    if kind == "FILE":
        return "terms.pdf"
    if kind == "DATETIME":
        return f"{_DATE}T09:30:00+00:00"
    if field.name in view.granted[schema.name].masked:
        return MASK
    made = value(view, schema, field)
    return ";".join(made) if kind == "MULTI_LIST" and isinstance(made, list) else made


def _listed(field: FieldSchema, *, several: bool) -> Any:
    live = [v for v in field.list_values.values() if v not in field.retired]
    chosen = field.default if field.default in live else live[0] if live else None
    if chosen is None:
        return None if field.list_values else "STANDARD"
    return [chosen] if several else chosen


def _pointing(view: View, field: FieldSchema) -> Any:
    assert field.lookup is not None
    if not field.lookup.by_key:
        return "17"
    target = view.snapshot.target(field)
    column = target.by_column.get(field.lookup.column)
    return "USD" if column is None else value(view, target, column)


def _number(field: FieldSchema) -> str:
    text = next((n for pattern, n in _NUMBERS if _called(field, pattern)), "1")
    whole = field.type.name == "INTEGER"
    if whole:
        return text if field.digits != INT4_DIGITS or len(text) < INT4_DIGITS else "1"
    if field.digits is not None and abs(Decimal(text)) >= field.bound:
        return "0"
    return f"{text}.00" if text == "49" and (field.digits is None or field.places >= 2) else text


def _text(schema: EntitySchema, field: FieldSchema) -> str:
    person = next((t for pattern, t in _PEOPLE if _called(field, pattern)), None)
    if field.external_key or field.unique:
        found = f"{schema.name.lower().replace('_', '-')}-{RECORD_ID}"
    elif person is not None:
        found = person
    elif field.name == schema.title or _called(field, r"name|label|title"):
        found = f"Example {schema.noun}"
    else:
        found = next((t for pattern, t in _TEXTS if _called(field, pattern)), _ANYTHING)
    return found if field.length is None else found[: field.length]


def _called(field: FieldSchema, pattern: str) -> bool:
    return re.search(pattern, field.name, re.IGNORECASE) is not None


def _is_usual(schema: EntitySchema, field: FieldSchema) -> bool:
    """Whether whoever makes a record says this, too: its name, its key, plain values; no end."""
    if field.external_key or field.name == schema.title:
        return True
    if field.hidden or field.write_only or field.default is not None or field.default_formula:
        return False
    if field.type.name in ("DATE", "DATETIME"):
        return not _called(field, r"end|expir|until|clos|cancel|terminat|last|prev")
    return field.type.name in ("TEXT", "EMAIL", "LIST", "MONEY", "DECIMAL")


def _is_changed(field: FieldSchema) -> bool:
    if field.immutable or field.set_once or field.external_key or field.hidden or field.write_only:
        return False
    return field.type.name in ("TEXT", "LONG_TEXT", "LIST", "DECIMAL", "MONEY", "DATE")
