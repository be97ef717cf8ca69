"""Records that are not in the table, as relations with the same physical columns.

As a record was before the change, for what compares the two; as it is to be, for what is computed
while it is still in the making. Only the columns that the SQL over them reads are sent along.
"""

import re
from collections.abc import Sequence
from typing import Any

from entities.fieldtypes.textform import array_literal
from entities.records.batch import UNSET, Batch
from entities.schema.description import FieldSchema, quote

_PRIOR_COLUMN = re.compile(r'\{p\}\."?(\w+)"?')


def before(batch: Batch, indexes: Sequence[int], sql: str) -> tuple[str, list[Any]]:
    """A join to `t` of the records before the change as `p`, as far as `sql` over `{p}` reads them.

    Of records that were not there, all of it is null. "" where `sql` does not ask.
    """
    if "{p}" not in sql:
        return "", []
    schema = batch.schema
    fields = [
        schema.by_column[column]
        for column in sorted(set(_PRIOR_COLUMN.findall(sql)) - {"id"})
        if column in schema.by_column
    ]
    known = bool(batch.stored)
    ids = [batch.ids[i] if known else None for i in indexes]
    columns = [[batch.stored[f.name][i] if known else None for i in indexes] for f in fields]
    relation, parameters = _relation(fields, columns, "id", "bigint", ids)
    return f"LEFT JOIN {relation} p ON p.id = t.id", parameters


def proposed(batch: Batch, indexes: Sequence[int]) -> tuple[str, list[Any]]:
    """The new records as they are to be, with their index as `place`, and no `id` yet."""
    schema = batch.schema
    fields: list[FieldSchema] = []
    columns: list[list[Any]] = []
    stamps = {"created": "metabrm_now()", "updated": "metabrm_now()"}
    author = batch.context.user_id
    stamps |= dict.fromkeys(("created_user_id", "updated_user_id"), f"{author or 'NULL'}::bigint")
    rest = ["NULL::timestamptz AS deleted_at"] if schema.authored else []
    for column, field in schema.by_column.items():
        sent = batch.columns.get(field)
        values = [None if v is UNSET else v for v in (sent[i] for i in indexes)] if sent else []
        if column in stamps:
            rest.append(f"{stamps[column]} AS {quote(column)}")
        elif any(v is not None for v in values) and not field.encrypted:
            fields.append(field)
            columns.append(values)
        else:
            rest.append(f"NULL::{field.type.sql_type(field)} AS {quote(column)}")
    return _relation(fields, columns, "place", "int", list(indexes), rest)


def _relation(
    fields: Sequence[FieldSchema],
    columns: Sequence[list[Any]],
    key: str,
    key_type: str,
    keys: list[Any],
    rest: Sequence[str] = (),
) -> tuple[str, list[Any]]:
    """A subquery with a row per key; its parameters are one array per column."""
    selected = [f"v.{key}"]
    selected += [
        f"v.c{n}::{f.type.sql_type(f)} AS {quote(f.column or '')}" for n, f in enumerate(fields)
    ]
    names = ", ".join([key] + [f"c{n}" for n in range(len(fields))])
    unnested = ", ".join([f"%s::{key_type}[]"] + ["%s::text[]"] * len(fields))
    arrays = [
        array_literal(f.type.text_column(column)) for f, column in zip(fields, columns, strict=True)
    ]
    return (
        f"(SELECT {', '.join([*selected, *rest])} FROM unnest({unnested}) AS v({names}))",
        [keys, *arrays],
    )
