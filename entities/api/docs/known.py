"""Records that the samples' lookups can point to: the first of each that the reader may read."""

from functools import partial
from typing import Any

import orjson

from entities import query
from entities.api.docs.readers import Reader
from entities.api.openapi import examples
from entities.api.openapi.viewing import View
from entities.errors import RequestError
from entities.schema.description import FieldSchema


def known(reader: Reader, view: View) -> examples.Known:
    """Lookup field -> what would be sent for a record that is there, None where there is none."""
    return partial(_first, reader, view, {})


def _first(reader: Reader, view: View, found: dict[Any, Any], field: FieldSchema) -> str | None:
    assert field.lookup is not None
    target = view.target(field)
    if target is None:
        return None
    column = target.by_column.get(field.lookup.column)
    name = column.name if column is not None and field.lookup.by_key else "Id"
    if (target.name, name) not in found:
        words = ["SELECT", name, "FROM", target.name, "ORDER BY Id FETCH NEXT 1 ROWS ONLY"]
        try:
            page = query.query(" ".join(words), reader.context, snapshot=reader.snapshot)
        except RequestError:
            # The reader may not ask that; the example's own value stands.
            found[target.name, name] = None
        else:
            rows = orjson.loads(page.json)
            found[target.name, name] = rows[0][name] if rows else None
    return found[target.name, name]
