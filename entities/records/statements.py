"""The SQL that writes a batch: one statement, whatever the number of records.

Many new records go in by COPY, with ids taken from the sequence beforehand; a few by one INSERT
from arrays, which needs no second round trip; one by an INSERT of its values, which is planned in a
third of the time. Values travel in their types' text form.
"""

from typing import Any

import psycopg
from django.db import connection

from entities.access import EntityRights
from entities.fieldtypes.textform import array_literal, copy_fields
from entities.records.batch import UNSET, Batch
from entities.schema.description import EntitySchema, FieldSchema, quote
from metabrm import clock, sealing

#: Condition on live records beside one on ids. It is put so that no partial index fits it: until a
#: loaded table is analyzed, walking the whole of such an index seems cheaper than the primary key.
LIVE_BY_ID = "AND (deleted_at IS NULL) IS TRUE"
#: From this many records on, COPY is faster than an INSERT from arrays.
COPY_FROM = 16


def insert(batch: Batch, indexes: list[int]) -> None:
    """Insert the records at `indexes` and set their ids. Columns hold no UNSET any more."""
    schema = batch.schema
    stamp = clock.now().isoformat()
    author = None if batch.context.user_id is None else str(batch.context.user_id)
    fields = [f for f in batch.columns if f.type.name != "ID"]
    fixed = (
        {"created": stamp, "updated": stamp, "created_user_id": author, "updated_user_id": author}
        if _stamped(schema)
        else {}
    )
    texts = [_texts(batch.columns[f], f, indexes) for f in fields]
    if len(indexes) == 1:
        _insert_one(batch, indexes[0], fields, [text for (text,) in texts], fixed)
    elif len(indexes) < COPY_FROM:
        _insert_from_arrays(batch, indexes, fields, texts, fixed)
    else:
        _copy(batch, indexes, fields, texts, fixed)


def _stamped(schema: EntitySchema) -> bool:
    return schema.find("CreatedUserId") is not None


def _texts(values: list[Any], field: FieldSchema, indexes: list[int]) -> list[str | None]:
    if len(indexes) != len(values):
        values = [values[i] for i in indexes]
    return field.type.text_column(values)


def _insert_one(
    batch: Batch,
    index: int,
    fields: list[FieldSchema],
    texts: list[str | None],
    fixed: dict[str, str | None],
) -> None:
    columns = [quote(f.column or "") for f in fields] + [quote(c) for c in fixed]
    values = [f"%s::{f.type.sql_type(f)}" for f in fields] + ["%s"] * len(fixed)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(batch.schema.table)} ({', '.join(columns)}) "
            f"VALUES ({', '.join(values)}) RETURNING id",
            [*texts, *fixed.values()],
        )
        (batch.ids[index],) = cursor.fetchone()


def _insert_from_arrays(
    batch: Batch,
    indexes: list[int],
    fields: list[FieldSchema],
    texts: list[list[str | None]],
    fixed: dict[str, str | None],
) -> None:
    columns = [quote(f.column or "") for f in fields] + [quote(c) for c in fixed]
    values = [f"v.c{n}::{f.type.sql_type(f)}" for n, f in enumerate(fields)]
    values += ["%s::timestamptz", "%s::timestamptz", "%s::bigint", "%s::bigint"] if fixed else []
    arrays = ", ".join(["%s::text[]"] * len(fields) + ["%s::int[]"])
    names = ", ".join([f"c{n}" for n in range(len(fields))] + ["place"])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(batch.schema.table)} ({', '.join(columns)}) "
            f"SELECT {', '.join(values)} FROM unnest({arrays}) AS v({names}) ORDER BY v.place "
            f"RETURNING id",
            [
                *fixed.values(),
                *(array_literal(column) for column in texts),
                list(range(len(indexes))),
            ],
        )
        for index, (new_id,) in zip(indexes, cursor.fetchall(), strict=True):
            batch.ids[index] = new_id


def _copy(
    batch: Batch,
    indexes: list[int],
    fields: list[FieldSchema],
    texts: list[list[str | None]],
    fixed: dict[str, str | None],
) -> None:
    schema = batch.schema
    columns = ["id", *(f.column or "" for f in fields), *fixed]
    tail = "".join("\t" + (value or "\\N") for value in fixed.values()) + "\n"
    with connection.cursor() as cursor:
        cursor.execute(
            # In a subquery, so that the sequence is looked up once and not for every id.
            "SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)) "
            "FROM generate_series(1, %s)",
            [schema.table, len(indexes)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        parts = [list(map(str, ids))]
        parts += [
            copy_fields(column, f.type.free_text) for f, column in zip(fields, texts, strict=True)
        ]
        body = tail.join(map("\t".join, zip(*parts, strict=True))) + tail
        # COPY is psycopg's own, past Django's wrapper that translates errors.
        with (
            connection.wrap_database_errors,
            cursor.copy(
                f"COPY {quote(schema.table)} ({', '.join(map(quote, columns))}) FROM STDIN"
            ) as copy,
        ):
            copy.write(body)
    for index, new_id in zip(indexes, ids, strict=True):
        batch.ids[index] = new_id


def update(batch: Batch, indexes: list[int]) -> None:
    """Update the records at `indexes`; a record keeps what it holds where its value is UNSET.

    A record that already holds all of it is left alone: whoever sends everything every night leaves
    a history of what changed.
    """
    schema = batch.schema
    columns: list[str] = []
    values: list[str] = []
    arrays: list[str] = []
    for field in batch.columns:
        if field.type.name == "ID":
            continue
        column = quote(field.column or "")
        sent = [batch.columns[field][i] for i in indexes]
        mask = [v is not UNSET for v in sent]
        if not any(mask):
            continue
        value = f"v.c{len(arrays)}::{field.type.sql_type(field)}"
        arrays.append(
            array_literal(field.type.text_column([v if v is not UNSET else None for v in sent]))
        )
        if field.type.place and sealing.rotating():
            # The same text under another key is the same; the command rotates it.
            value = (
                f"CASE WHEN t.{column} = ANY(v.c{len(arrays)}::text[]) THEN t.{column} "
                f"ELSE {value} END"
            )
            arrays.append(array_literal([_every_token(field, v) for v in sent]))
        if not all(mask):
            value = f"CASE WHEN v.c{len(arrays)}::boolean THEN {value} ELSE t.{column} END"
            arrays.append(array_literal(["t" if m else "f" for m in mask]))
        columns.append(column)
        values.append(value)
    if not columns:
        return
    sets = [f"{column} = {value}" for column, value in zip(columns, values, strict=True)]
    parameters: list[Any] = []
    if _stamped(schema):
        sets += ["updated = %s", "updated_user_id = %s"]
        parameters += [clock.now(), batch.context.user_id]
    unnested = ", ".join(["%s::bigint[]"] + ["%s::text[]"] * len(arrays))
    names = ", ".join(["id"] + [f"c{n}" for n in range(len(arrays))])
    held = ", ".join(f"t.{column}" for column in columns)
    ids = [id_ for i in indexes if (id_ := batch.ids[i]) is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(schema.table)} t SET {', '.join(sets)} "
            f"FROM unnest({unnested}) AS v({names}) "
            f"WHERE t.id = v.id {within(schema, ids)} "
            f"AND ROW({held}) IS DISTINCT FROM ROW({', '.join(values)})",
            [*parameters, ids, *arrays],
        )


def _every_token(field: FieldSchema, value: Any) -> str | None:
    if value is UNSET or value is None:
        return None
    return array_literal(sealing.tokens(field.type.place, value))


def lock(
    schema: EntitySchema,
    ids: list[int],
    columns: list[str],
    granted: EntityRights,
    *,
    place: str = LIVE_BY_ID,
    strength: str,
) -> dict[int, tuple[Any, ...]]:
    """Lock records by id, in id order so that two batches can't deadlock, as far as they exist for
    a caller with these rights; id -> `columns`, and last whether he may change the record.

    `place` says where they must lie: outside the recycle bin, unless told otherwise.
    """
    where = f"{place if schema.authored else ''} {granted.where('t')}"
    selected = ", ".join(["id", *map(quote, columns), granted.may_change("t")])

    def locked(span: str) -> dict[int, tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {selected} FROM {quote(schema.table)} t WHERE id = ANY(%s) {span} {where} "
                f"ORDER BY id FOR {strength}",
                [ids],
            )
            return {row[0]: row[1:] for row in cursor.fetchall()}

    span = within(schema, ids)
    found = locked(span)
    # One that was moved to another month between the two statements is there all the same.
    return locked("") if span and len(found) < len(ids) else found


def within(schema: EntitySchema, ids: list[int], alias: str = "t") -> str:
    """Condition beside one on ids that names the months of these records of an entity that is kept
    in months; "" for any other one.

    A statement over all months takes the planner milliseconds. This one is prepared, planned once
    (see `compile_ids`), and tells which months the next has to be about. They stay as they are once
    the records are locked.
    """
    if schema.partitioned_by is None:
        return ""
    by = quote(schema.partitioned_by.column or "")
    with connection.wrap_database_errors:
        row = (
            psycopg.RawCursor(connection.connection)
            .execute(
                f"SELECT min({by})::text, max({by})::text FROM {quote(schema.table)} "
                f"WHERE id = ANY((SELECT $1::bigint[])::bigint[])",
                [ids],
                prepare=True,
            )
            .fetchone()
        )
    first, last = row or (None, None)
    if first is None:
        return ""
    return f"AND {alias}.{by} BETWEEN '{first}'::timestamptz AND '{last}'::timestamptz"
