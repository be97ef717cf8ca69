"""Writing what survived decoding: defaults, behavior, keys, the statement, behavior again."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, connection, transaction

from entities.access import EntityRights, rights
from entities.errors import Code
from entities.fieldtypes.textform import array_literal
from entities.records import statements
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior_of
from entities.records.violations import duplicate, problem_of
from entities.schema.description import EntitySchema, FieldSchema, quote
from metabrm import sealing

Statement = Callable[[Batch, list[int]], None]


def create(batch: Batch, indexes: list[int]) -> None:
    """Create the records at `indexes`, which are all that have not failed."""
    rules = behavior_of(batch.snapshot, batch.schema)
    _fill_defaults(batch)
    rules.before_create(batch)
    _require(batch, batch.schema.fields)
    if batch.size > 1:
        # A single record learns as much from the index itself.
        _check_keys(batch)
    _write(batch, indexes, statements.insert, rules.after_create)


def update(batch: Batch, indexes: list[int]) -> None:
    """Update the records at `indexes`, addressed by `batch.ids`."""
    schema = batch.schema
    rules = behavior_of(batch.snapshot, schema)
    fields = [f for f in schema.fields if f.column is not None]
    if type(rules) is Behavior:
        fields = [f for f in fields if f.immutable or f.set_once]
    ids = [i for i in (batch.ids[i] for i in indexes) if i is not None]
    granted = rights(batch.snapshot, batch.context, schema)
    columns = [f.column or "" for f in fields]
    stored = statements.lock(schema, ids, columns, granted, strength="NO KEY UPDATE")
    _find_stored(batch, indexes, fields, stored)
    _keep_set_once(batch, fields)
    _reset_cleared(batch)
    rules.before_update(batch)
    _require(batch, list(batch.columns))
    _write(batch, indexes, statements.update, rules.after_update)


def upsert(
    batch: Batch, key: FieldSchema, values: dict[int, Any], granted: EntityRights
) -> set[int]:
    """Update the records whose key exists, create the others; returns the indexes created."""
    created: set[int] = set()
    pending = {i: v for i, v in values.items() if i not in batch.problems}
    # A key that somebody else creates between our look and our insert makes the insert fail;
    # by then it exists, and the next round updates it. One whose record is deleted between our look
    # and our update is created in the next round.
    for last in (False, False, True):
        known, hidden = _ids_of(batch, key, pending, granted)
        if granted.create and key.type.name != "ID":
            # Taken is all that is told of them, as to whoever would create them.
            for index in hidden:
                problem = duplicate(batch.schema, (key.name,), str(pending.pop(index)), granted)
                batch.fail(index, problem.code, problem.message, problem.field)
        _part(batch, sorted(known), known, granted.update, "update", update)
        # In key order, so that two requests creating the same keys can't deadlock.
        new = sorted(pending.keys() - known.keys(), key=lambda i: str(pending[i]))
        if key.type.name == "ID":
            for index in new:
                batch.fail(
                    index,
                    Code.RECORD_NOT_FOUND,
                    f"There is no {batch.schema.name} with Id {pending[index]}.",
                    "Id",
                )
            return created
        _part(batch, new, {}, granted.create, "create", create)
        created.update(i for i in new if i not in batch.problems)
        if last:
            break
        overtaken = _taken_back(batch, known, Code.RECORD_NOT_FOUND, "Id")
        overtaken |= _taken_back(batch, new, Code.DUPLICATE_KEY, key.name)
        if not overtaken:
            break
        pending = {i: pending[i] for i in overtaken}
    return created


def _taken_back(batch: Batch, indexes: Iterable[int], code: Code, field: str) -> set[int]:
    """Those of `indexes` that failed for nothing but this, which is taken back."""
    found = {
        i
        for i in indexes
        if [(p.code, p.field) for p in batch.problems.get(i, ())] == [(code, field)]
    }
    for index in found:
        del batch.problems[index]
        batch.ids[index] = None
    return found


def _part(
    batch: Batch,
    indexes: list[int],
    ids: dict[int, int],
    allowed: bool,
    action: str,
    write: Statement,
) -> None:
    """Write a part of the batch as a batch of its own and take over what came of it."""
    if not indexes:
        return
    if not allowed:
        for index in indexes:
            batch.fail(
                index,
                Code.INSUFFICIENT_RIGHTS,
                f"User {batch.context.username} may not {action} {batch.schema.name}.",
            )
        return
    part = Batch(batch.snapshot, batch.schema, batch.context, len(indexes))
    for field, column in batch.columns.items():
        values = [column[i] for i in indexes]
        if not all(v is UNSET for v in values):
            part.columns[field] = values
    part.ids = [ids.get(i) for i in indexes]
    part.places = [batch.places[i] for i in indexes]
    part.whole = batch
    write(part, list(range(part.size)))
    for place, index in enumerate(indexes):
        batch.ids[index] = part.ids[place]
        if place in part.problems:
            batch.problems[index] = part.problems[place]


def _fill_defaults(batch: Batch) -> None:
    """What was not sent gets its default; None is "not set" from here on."""
    for field in batch.schema.fields:
        if field.column is None or field.type.name == "ID":
            continue
        column = batch.columns.get(field)
        if column is None:
            if field.default is not None:
                batch.columns[field] = [field.default] * batch.size
        elif UNSET in column or (field.default is not None and None in column):
            default = field.default
            batch.columns[field] = [default if v is UNSET or v is None else v for v in column]


def _reset_cleared(batch: Batch) -> None:
    """A cleared field that has a default goes back to it."""
    for field, column in batch.columns.items():
        if field.default is not None and None in column:
            batch.columns[field] = [field.default if v is None else v for v in column]


def _require(batch: Batch, fields: Any) -> None:
    for field in fields:
        if not field.required or field.column is None or field.type.name == "ID":
            continue
        column = batch.columns.get(field)
        if column is not None and None not in column:
            continue
        for index in range(batch.size):
            # A value that was sent but refused is a problem already, a record that is none as well.
            if (column is None or column[index] is None) and not any(
                p.field in (field.name, "") for p in batch.problems.get(index, ())
            ):
                batch.fail(
                    index,
                    Code.REQUIRED_FIELD_MISSING,
                    f"{field.name} is required.",
                    field.name,
                )


def _find_stored(
    batch: Batch,
    indexes: list[int],
    fields: list[FieldSchema],
    stored: dict[int, tuple[Any, ...]],
) -> None:
    for index in indexes:
        if batch.ids[index] not in stored:
            batch.fail(
                index,
                Code.RECORD_NOT_FOUND,
                f"There is no {batch.schema.name} with Id {batch.ids[index]}.",
                "Id",
            )
        elif not stored[batch.ids[index] or 0][-1]:
            refuse_change(batch, index)
    nothing = (None,) * len(fields)
    rows = [stored.get(i, nothing) if i is not None else nothing for i in batch.ids]
    for place, field in enumerate(fields):
        batch.stored[field.name] = field.type.read_column([row[place] for row in rows])


def refuse_change(batch: Batch, index: int) -> None:
    """Fail a record that is shared with the caller to be read only."""
    batch.fail(
        index,
        Code.INSUFFICIENT_RIGHTS,
        f"User {batch.context.username} may read this {batch.schema.name}, and not change it: it "
        f"is shared with AccessLevel READ.",
        "Id",
    )


def _keep_set_once(batch: Batch, fields: list[FieldSchema]) -> None:
    granted = rights(batch.snapshot, batch.context, batch.schema)
    for field in fields:
        column = batch.columns.get(field)
        if not (field.immutable or field.set_once) or column is None:
            continue
        since = "the record exists" if field.immutable else "it has a value"
        for index in batch.live:
            value, stored = column[index], batch.stored[field.name][index]
            # Who may not see the value can't find it by sending guesses either.
            if value is UNSET:
                continue
            same = field.type.same(value, stored) and granted.may_probe(field)
            if same or (stored is None and not field.immutable):
                continue
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"{field.name} can't change once {since}; leave it out.",
                field.name,
            )


def _check_keys(batch: Batch) -> None:
    """Fail records whose unique keys are taken, by a live record or by an earlier one here."""
    for key in batch.schema.unique_keys:
        fields = [batch.schema.field(name) for name in key]
        columns = [batch.columns.get(field) for field in fields]
        if any(column is None for column in columns):
            continue
        first: dict[tuple[Any, ...], int] = {}
        for index in batch.live:
            values = tuple(column[index] for column in columns if column is not None)
            if None in values:
                continue
            earlier = first.setdefault(values, index)
            if earlier != index:
                batch.fail(
                    index,
                    Code.DUPLICATE_IN_REQUEST,
                    f"{' and '.join(key)} {_shown(values)} is also that of record "
                    f"{batch.places[earlier]} of this request.",
                    ",".join(key),
                )
        if first:
            granted = rights(batch.snapshot, batch.context, batch.schema)
            for values in _taken(batch.schema, fields, list(first)):
                index = first[values]
                problem = duplicate(batch.schema, key, ", ".join(map(str, values)), granted)
                batch.fail(index, problem.code, problem.message, problem.field)


def _shown(values: tuple[Any, ...]) -> str:
    return ", ".join(repr(v) if isinstance(v, str) else str(v) for v in values)


def _taken(
    schema: EntitySchema, fields: list[FieldSchema], keys: list[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Those of `keys` that a live record holds, in one query."""
    arrays = [
        array_literal(field.type.text_column([key[n] for key in keys]))
        for n, field in enumerate(fields)
    ]
    unnested = ", ".join(["%s::text[]"] * len(fields) + ["%s::int[]"])
    names = ", ".join([f"c{n}" for n in range(len(fields))] + ["place"])
    same = " AND ".join(
        f"t.{quote(f.column or '')} = v.c{n}::{f.type.sql_type(f)}" for n, f in enumerate(fields)
    )
    live = "AND t.deleted_at IS NULL" if schema.authored else ""
    with connection.cursor() as cursor:
        cursor.execute(
            # LIMIT keeps the planner from joining with the whole table.
            f"SELECT v.place FROM unnest({unnested}) AS v({names}) CROSS JOIN LATERAL "
            f"(SELECT FROM {quote(schema.table)} t WHERE {same} {live} LIMIT 1) taken",
            [*arrays, list(range(len(keys)))],
        )
        return [keys[row[0]] for row in cursor.fetchall()]


def _ids_of(
    batch: Batch, key: FieldSchema, wanted: dict[int, Any], granted: EntityRights
) -> tuple[dict[int, int], list[int]]:
    """Index -> id of the live record that has the wanted key; and the indexes of those whose key
    is that of a record which does not exist for the caller."""
    if not wanted:
        return {}, []
    by_value: dict[Any, int] = {value: index for index, value in wanted.items()}
    texts = key.type.text_column(list(by_value))
    if key.type.place:
        by_value = {
            token: index
            for index, value in wanted.items()
            for token in sealing.tokens(key.type.place, value)
        }
        texts = list(by_value)
    array = array_literal(texts)
    live = "AND deleted_at IS NULL" if batch.schema.authored else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {quote(key.column or '')}, id, {granted.sees('t')} "
            f"FROM {quote(batch.schema.table)} t "
            f"WHERE {quote(key.column or '')} = ANY(%s::{key.type.sql_type(key)}[]) {live}",
            [array],
        )
        rows = cursor.fetchall()
    known = {by_value[value]: found for value, found, seen in rows if seen}
    return known, [by_value[value] for value, _, seen in rows if not seen]


def _write(
    batch: Batch, indexes: list[int], statement: Statement, after: Callable[[Batch], None]
) -> None:
    """Run the statement for the live records at `indexes`, then `after`; undo and repeat without
    the records that the database refuses or that `after` fails."""
    run = statement
    while live := [i for i in indexes if i not in batch.problems]:
        before = len(batch.problems)
        try:
            with transaction.atomic(savepoint=not batch.alone):
                try:
                    run(batch, live)
                except (IntegrityError, DataError) as error:
                    raise _RefusedError from error
                written = len(batch.problems)
                after(batch)
                if len(batch.problems) != written:
                    raise _RepeatError
            return
        except _RefusedError as refused:
            assert isinstance(refused.__cause__, DatabaseError)
            if len(live) == 1:
                _refuse(batch, live[0], statement, refused.__cause__)
            run = partial(_write_halves, statement=statement)
        except _RepeatError:
            assert len(batch.problems) > before
            if statement is statements.insert:
                # The ids were those of records that are gone again.
                for index in live:
                    batch.ids[index] = None


class _RefusedError(Exception):
    """The database refuses a record of the statement; its cause says why, but not which."""


class _RepeatError(Exception):
    """An `after_` method failed records that were already written."""


def _write_halving(batch: Batch, indexes: list[int], statement: Statement) -> None:
    """Run the statement; halve the records until those that the database refuses stand alone."""
    try:
        with transaction.atomic():
            statement(batch, indexes)
    except (IntegrityError, DataError) as error:
        if len(indexes) == 1:
            _refuse(batch, indexes[0], statement, error)
        else:
            _write_halves(batch, indexes, statement)


def _write_halves(batch: Batch, indexes: list[int], statement: Statement) -> None:
    middle = len(indexes) // 2
    for half in (indexes[:middle], indexes[middle:]):
        if half:
            _write_halving(batch, half, statement)


def _refuse(batch: Batch, index: int, statement: Statement, error: DatabaseError) -> None:
    """Fail the one record whose write raised `error`."""
    problem = _problem(error, batch)
    batch.fail(index, problem.code, problem.message, problem.field)
    if statement is not statements.update:
        batch.ids[index] = None


def _problem(error: DatabaseError, batch: Batch) -> Any:
    granted = rights(batch.snapshot, batch.context, batch.schema)
    problem = problem_of(error, batch.schema, granted)
    if problem is None:
        raise error
    return problem
