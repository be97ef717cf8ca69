"""Reading an OpenAPI description as a client would: what fits a schema, and what could be sent.

Only the words of JSON Schema that the description uses are known here; any other one fails, so that
nothing in a schema goes unlooked at.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
_SAID = {"title", "description", "default", "readOnly", "example", "x-references"}
_TYPES: dict[str, Any] = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of everything described."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def resolved(document: dict[str, Any], node: Any) -> Any:
    """The node itself, or what its `$ref` names; KeyError where that is nothing."""
    while "$ref" in node:
        assert set(node) == {"$ref"}, node
        found = document
        for word in node["$ref"].removeprefix("#/").split("/"):
            found = found[word]
        node = found
    return node


def misfits(document: dict[str, Any], schema: Any, value: Any, at: str = "") -> list[str]:
    """What of `value` the schema does not allow, in words; none if it fits."""
    schema = resolved(document, schema)
    found: list[str] = []
    for word, said in schema.items():
        if word in _SAID:
            continue
        found += [f"{at}: {value!r} is against {m}" for m in _against(word, said, value)]
        if word == "allOf":
            found += [m for part in said for m in misfits(document, part, value, at)]
        elif word == "anyOf" and all(misfits(document, part, value, at) for part in said):
            found.append(f"{at}: {value!r} is none of {said}")
        elif word == "items" and isinstance(value, list):
            for n, element in enumerate(value):
                found += misfits(document, said, element, f"{at}[{n}]")
        elif word == "properties" and isinstance(value, dict):
            for name in said.keys() & value.keys():
                found += misfits(document, said[name], value[name], f"{at}.{name}")
    return found


def _against(word: str, said: Any, value: Any) -> list[str]:
    number = _TYPES["number"](value)
    kinds = [said] if isinstance(said, str) else said
    match word:
        case "type":
            fits = any(_TYPES[kind](value) for kind in kinds)
        case "enum" | "const":
            allowed = said if word == "enum" else [said]
            fits = any(type(a) is type(value) and a == value for a in allowed)
        case "pattern":
            fits = not isinstance(value, str) or re.search(said, value) is not None
        case "format":
            fits = not isinstance(value, str) or _has_format(said, value)
        case "minLength":
            fits = not isinstance(value, str) or len(value) >= said
        case "maxLength":
            fits = not isinstance(value, str) or len(value) <= said
        case "minimum":
            fits = not number or value >= said
        case "maximum":
            fits = not number or value <= said
        case "exclusiveMinimum":
            fits = not number or value > said
        case "exclusiveMaximum":
            fits = not number or value < said
        case "required":
            fits = not isinstance(value, dict) or value.keys() >= set(said)
        case "minProperties":
            fits = not isinstance(value, dict) or len(value) >= said
        case "maxProperties":
            fits = not isinstance(value, dict) or len(value) <= said
        case "maxItems":
            fits = not isinstance(value, list) or len(value) <= said
        case "allOf" | "anyOf" | "items" | "properties":
            fits = True
        case _:
            raise AssertionError(f"unknown word {word!r}")
    return [] if fits else [f"{word} {said!r}"]


def _has_format(name: str, value: str) -> bool:
    if name == "date":
        return date.fromisoformat(value).isoformat() == value
    if name == "date-time":
        return datetime.fromisoformat(value).tzinfo is not None
    assert name in ("uri", "uri-reference", "decimal", "int32", "int64", "password"), name
    return True


def sample(document: dict[str, Any], schema: Any, text: str, *, whole: bool) -> Any:
    """A value that fits: of objects all that must be there or, if `whole`, all that is no lookup.

    `text` is what texts are made of.
    """
    schema = resolved(document, schema)
    if "properties" in schema or "allOf" in schema:
        required, properties = set(schema.get("required", ())), dict(schema.get("properties", {}))
        for part in schema.get("allOf", ()):
            part = resolved(document, part)
            properties = part.get("properties", {}) | properties
            required |= set(part.get("required", ()))
            if "anyOf" in part:
                required |= set(part["anyOf"][0]["required"])
        if whole:
            required |= {
                name
                for name, about in properties.items()
                if name != "fieldsToNull"
                and "x-references" not in about
                and about.get("type") != "object"
            }
        return {
            name: sample(document, about, text, whole=whole)
            for name, about in properties.items()
            if name in required
        }
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds:
        return [sample(document, schema["items"], text, whole=whole)]
    if "integer" in kinds or "number" in kinds:
        # A fraction of one decimal, or of none, fits whatever the digits.
        return "1"
    formats = {
        "date": "2026-03-01",
        "date-time": "2026-03-01T09:30:00Z",
        "uri": "https://www.example.com",
    }
    return formats.get(schema.get("format", ""), text)[: schema.get("maxLength", 1000)]
