"""A field's values as JSON Schema: what an answer holds, and what a request should send.

The two differ. Answers are strings, or null where nothing is set; requests may send JSON numbers
and flags too. A stored value may have been retired from its list since, so only what is sent is
limited to the list.
"""

from typing import Any

from entities.fieldtypes.numbers import INT4_DIGITS
from entities.schema.description import FieldSchema

Schema = dict[str, Any]

_WHOLE = "^-?[0-9]+$"
_PLAIN = r"^-?[0-9]+(\.[0-9]+)?$"
_TEXT: Schema = {"type": ["string", "null"]}
_ID: Schema = {"pattern": "^[0-9]+$"}

#: The strings that answers hold, by data type.
_READ: dict[str, Schema] = {
    "TEXT": _TEXT,
    "LONG_TEXT": _TEXT,
    "EMAIL": _TEXT,
    "FILE": _TEXT,
    "FORMULA": _TEXT,
    "LIST": _TEXT,
    "MULTI_LIST": _TEXT | {"description": "Several values with semicolons between them."},
    "URL": _TEXT | {"format": "uri"},
    "ID": _ID | {"type": "string"},
    "LOOKUP": _TEXT | _ID,
    "FLAG": _TEXT | {"enum": ["0", "1", None]},
    "INTEGER": _TEXT | {"pattern": _WHOLE},
    "DECIMAL": _TEXT | {"pattern": _PLAIN, "format": "decimal"},
    "MONEY": _TEXT | {"pattern": _PLAIN, "format": "decimal"},
    "PERCENT": _TEXT | {"pattern": _PLAIN, "format": "decimal"},
    "DATE": _TEXT | {"format": "date"},
    "DATETIME": _TEXT | {"format": "date-time"},
    "JSON": {},
}


def as_read(field: FieldSchema) -> Schema:
    """What an answer holds under the field's name."""
    if field.type.name == "LOOKUP" and field.lookup is not None and field.lookup.by_key:
        return dict(_TEXT)
    return dict(_READ[field.type.name])


def as_written(field: FieldSchema) -> Schema:
    """What a request sends under the field's name."""
    kind = field.type.name
    if kind == "FLAG":
        return {"enum": ["0", "1", 0, 1, False, True, None]}
    if kind in ("LIST", "MULTI_LIST"):
        return _listed(field, several=kind == "MULTI_LIST")
    if kind == "FILE":
        about = "The Key of a file that was uploaded for this field."
        return _TEXT | {"pattern": "^[0-9a-f]{32}$", "description": about}
    if kind == "INTEGER":
        return _whole(field)
    if kind in ("DECIMAL", "MONEY", "PERCENT"):
        return _decimal(field)
    if kind == "LOOKUP" and not (field.lookup is not None and field.lookup.by_key):
        return {"type": ["string", "integer", "null"], **_ID}
    schema = as_read(field)
    if field.length is not None:
        schema["maxLength"] = field.length
    return schema


def default(field: FieldSchema) -> Schema:
    """`default` as it would be sent, where a new record gets one."""
    value = field.default
    if value is None or field.type.name == "JSON":
        return {}
    if isinstance(value, bool):
        return {"default": "1" if value else "0"}
    return {"default": value if isinstance(value, list) else str(value)}


def _listed(field: FieldSchema, *, several: bool) -> Schema:
    live = [v for v in field.list_values.values() if v not in field.retired]
    limited = bool(field.list_values)
    if several:
        items = {"type": "string", "enum": live} if limited else {"type": "string"}
        return {"type": ["array", "string", "null"], "items": items}
    return _TEXT | ({"enum": [*live, None]} if limited else {})


def _whole(field: FieldSchema) -> Schema:
    small = field.digits == INT4_DIGITS
    most = 2**31 if small else 2**63
    return {
        "type": ["string", "integer", "null"],
        "pattern": _WHOLE,
        "format": "int32" if small else "int64",
        "minimum": -most,
        "maximum": most - 1,
    }


def _decimal(field: FieldSchema) -> Schema:
    schema: Schema = {"type": ["string", "number", "null"], "format": "decimal"}
    if field.digits is None:
        return schema | {"pattern": _PLAIN}
    before = field.digits - field.places
    after = rf"(\.[0-9]{{1,{field.places}}})?" if field.places else ""
    return schema | {
        "pattern": f"^-?[0-9]{{1,{before}}}{after}$" if before else f"^-?0{after}$",
        "exclusiveMinimum": -int(field.bound),
        "exclusiveMaximum": int(field.bound),
    }
