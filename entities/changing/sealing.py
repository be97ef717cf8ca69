"""Values at rest that are encrypted, decrypted, or put under another key where they lie.

A column of a table and, under its name, the documents of the history hold the same values; both are
read in batches, each converted in Python and written back by one statement. Nobody changed anything
for that: there is no entry in the history, and Updated stays as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from entities.changing.steps import Lock, Step
from entities.fieldtypes.textform import array_literal
from entities.history.triggers import RESEALING
from entities.schema.description import EntitySchema, FieldSchema, quote
from metabrm import sealing

#: Values that are read and written at once.
BATCH = 2_000
#: Values, those of the history included, that one change of a field encrypts or decrypts.
MOST_AT_ONCE = 100_000

#: Where a batch ended, such as the Id of its last record.
Place = tuple[int, ...]
#: Values as they lie there -> as they are to be; None leaves one as it is.
Conversion = Callable[[list[str]], Sequence[str | None]]

_HISTORY = "entities_auditlog"


@dataclass(frozen=True)
class Column:
    """A column whose values are, were or will be encrypted, and the entity whose history has it."""

    entity_id: int
    table: str
    name: str

    @property
    def place(self) -> str:
        return sealing.place(self.table, self.name)


def counts(column: Column) -> tuple[int, int]:
    """How many values the column holds, recycle bin included, and how many its history."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count({quote(column.name)}) FROM {quote(column.table)}")
        (records,) = cursor.fetchone()
        cursor.execute(
            f"SELECT count(before ->> %s) + count(after ->> %s) FROM {_HISTORY} "
            f"WHERE entity_id = %s",
            [column.name, column.name, column.entity_id],
        )
        return int(records), int(cursor.fetchone()[0])


def encryption(schema: EntitySchema, old: FieldSchema, new: FieldSchema) -> list[Step]:
    """The steps that encrypt the values of a field, or decrypt them."""
    assert new.column is not None
    column = Column(schema.id, schema.table, new.column)
    records, history = counts(column)
    verb, convert = ("Encrypt", _sealed) if new.encrypted else ("Decrypt", _opened)
    words = (
        f"{verb} the {records:,} values of {new.name} of {schema.name}, those in the recycle bin "
        f"included, and the {history:,} in its history"
    )
    words += "." if new.encrypted else ": they are readable in the database and its backups."

    def work() -> None:
        convert_all(column, lambda values: convert(column, values))
        with connection.cursor() as cursor:
            # What the planner remembers of the documents are common values.
            cursor.execute(f"ANALYZE {_HISTORY} (before, after)")

    # Also from text to text: with it goes what the planner remembers of the plain values.
    retype = f"ALTER TABLE {quote(schema.table)} ALTER COLUMN {quote(new.column)} TYPE "
    convert_step = Step(
        schema.name,
        schema.id,
        words,
        (f"{retype}text",),
        Lock.SEAL,
        records + history,
        work,
    )
    if new.encrypted or new.type.sql_type(new) == "text":
        return [convert_step]
    words = f"Limit {new.name} of {schema.name} to {new.length} characters again."
    statement = f"{retype}{new.type.sql_type(new)}"
    return [
        convert_step,
        Step(schema.name, schema.id, words, (statement,), Lock.REWRITE, records),
    ]


def unreadable(column: Column) -> int:
    """How many values of the column and its history do not open with the keys there are."""
    count = 0

    def look(values: list[str]) -> list[None]:
        nonlocal count
        texts = sealing.opened(column.place, values)
        count += sum(isinstance(text, sealing.Unopened) for text in texts)
        return [None] * len(values)

    convert_all(column, look)
    return count


def under_one_key(column: Column) -> bool:
    """Whether all values are sealed under the key that writes, so that equal ones are the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT FROM {quote(column.table)} WHERE {quote(column.name)} IS NOT "
            f"NULL AND NOT starts_with({quote(column.name)}, %s))",
            [sealing.current_prefix()],
        )
        return not cursor.fetchone()[0]


def convert_all(column: Column, convert: Conversion) -> None:
    """Convert all values of the column and of its history in the open transaction."""
    with unrecorded():
        for convert_batch in (convert_records, convert_history):
            last = None
            while (batch := convert_batch(column, convert, last)) is not None:
                last = batch.last


@contextmanager
def unrecorded() -> Iterator[None]:
    """Inside, in the open transaction, what is written has no history. A failure undoes that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', true)", [RESEALING])
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'off', true)", [RESEALING])


@dataclass(frozen=True)
class Batch:
    """What one call converted: how many rows were written, and the last one that was read."""

    written: int
    last: Place


def convert_records(
    column: Column,
    convert: Conversion,
    last: Place | None = None,
    condition: str = "TRUE",
    parameters: Sequence[Any] = (),
    size: int = BATCH,
) -> Batch | None:
    """Convert the values of the next records after `last` for which `condition` over the value `v`
    holds; None if there are no more. They stay locked until the transaction ends."""
    name = quote(column.name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id, r.{name} FROM {quote(column.table)} r "
            f"CROSS JOIN LATERAL (SELECT r.{name}::text AS v) value "
            f"WHERE r.id > %s AND v IS NOT NULL AND ({condition}) "
            f"ORDER BY r.id LIMIT {size} FOR NO KEY UPDATE OF r",
            [last[0] if last else 0, *parameters],
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    made = convert([value for _, value in rows])
    changed = [
        (id_, value) for (id_, _), value in zip(rows, made, strict=True) if value is not None
    ]
    if changed:
        _write_records(column, changed)
    return Batch(len(changed), (rows[-1][0],))


def _write_records(column: Column, changed: Sequence[tuple[int, str]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(column.table)} t SET {quote(column.name)} = v.value "
            f"FROM unnest(%s::bigint[], %s::text[]) AS v(id, value) WHERE t.id = v.id",
            [[id_ for id_, _ in changed], array_literal([value for _, value in changed])],
        )


def convert_history(
    column: Column,
    convert: Conversion,
    last: Place | None = None,
    condition: str = "TRUE",
    parameters: Sequence[Any] = (),
    size: int = BATCH,
) -> Batch | None:
    """Convert the values that the next rows of the history have of the column, as
    `convert_records` does those of the records."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.record_id, a.id, a.before ->> %s, a.after ->> %s FROM {_HISTORY} a "
            f"WHERE a.entity_id = %s AND (a.record_id, a.id) > (%s, %s) AND EXISTS ("
            f"SELECT FROM (VALUES (a.before ->> %s), (a.after ->> %s)) value(v) "
            f"WHERE v IS NOT NULL AND ({condition})) "
            f"ORDER BY a.record_id, a.id LIMIT {size} FOR NO KEY UPDATE OF a",
            [
                *(column.name, column.name, column.entity_id),
                *(last or (0, 0)),
                *(column.name, column.name, *parameters),
            ],
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    known = [value for row in rows for value in row[2:] if value is not None]
    made = dict(zip(known, convert(known), strict=True))
    changed = [
        (row[1], made.get(row[2]), made.get(row[3]))
        for row in rows
        if made.get(row[2]) is not None or made.get(row[3]) is not None
    ]
    if changed:
        _write_history(column, changed)
    return Batch(len(changed), rows[-1][:2])


def _write_history(column: Column, changed: Sequence[tuple[int, str | None, str | None]]) -> None:
    """Write (Id of the entry, value before, value after); None leaves what is there."""
    before = array_literal([value for _, value, _ in changed])
    after = array_literal([value for _, _, value in changed])
    new = "CASE WHEN v.{0} IS NULL THEN t.{0} ELSE t.{0} || jsonb_build_object(%s::text, v.{0}) END"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_HISTORY} t SET before = {new.format('before')}, "
            f"after = {new.format('after')} "
            f"FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS v(id, before, after) "
            f"WHERE t.id = v.id",
            [column.name, column.name, [id_ for id_, _, _ in changed], before, after],
        )


def _sealed(column: Column, values: list[str]) -> list[str | None]:
    return sealing.seal(column.place, values)


def _opened(column: Column, values: list[str]) -> list[str | None]:
    return sealing.opened(column.place, values)
