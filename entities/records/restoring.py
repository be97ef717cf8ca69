"""Out of the recycle bin comes a record with exactly what went there in the same deletion.

Nothing comes back that the caller may not change by itself, that breaks a rule by now, or that
points to something that still lies there.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from entities.access import rights
from entities.errors import Code
from entities.records import statements
from entities.records.batch import Batch
from entities.records.behavior import behavior_of
from entities.records.removal import (
    RepeatError,
    Taken,
    beyond,
    fail_for,
    lock_addressed,
    parts,
    stamp,
)
from entities.records.violations import problem_of
from entities.schema.description import EntitySchema, FieldSchema, quote


def undelete(batch: Batch) -> None:
    """Restore the batch's live records and what went to the recycle bin with them."""
    if not batch.schema.authored:
        return
    deleted_at = lock_addressed(batch, deleted=True)
    while batch.live:
        try:
            with transaction.atomic():
                restored: Taken = {}
                _restore_halving(batch, list(batch.live), deleted_at, restored)
                known = len(batch.problems)
                for index in beyond(batch, restored) - batch.problems.keys():
                    batch.fail(
                        index,
                        Code.RECORD_IN_USE,
                        f"{batch.schema.name} {batch.ids[index]} can't come back: records would "
                        f"come along that you may not change. Somebody who may can do it.",
                    )
                _refuse_orphans(batch, restored)
                if len(batch.problems) == known:
                    _apply_rules(batch, restored)
                if len(batch.problems) != known:
                    raise RepeatError
            return
        except RepeatError:
            continue


def _restore_halving(
    batch: Batch, indexes: list[int], deleted_at: dict[int, datetime | None], restored: Taken
) -> None:
    """Restore the records; halve them until those whose key is taken by now stand alone.

    `restored` takes up all that came back.
    """
    if not indexes:
        return
    try:
        with transaction.atomic():
            back = _restore(batch, indexes, deleted_at)
    except IntegrityError as error:
        if len(indexes) == 1:
            granted = rights(batch.snapshot, batch.context, batch.schema)
            problem = problem_of(error, batch.schema, granted)
            if problem is None:
                raise
            batch.fail(indexes[0], problem.code, problem.message, problem.field)
            return
        middle = len(indexes) // 2
        _restore_halving(batch, indexes[:middle], deleted_at, restored)
        _restore_halving(batch, indexes[middle:], deleted_at, restored)
    else:
        for entity, records in back.items():
            restored.setdefault(entity, {}).update(records)


def _restore(batch: Batch, indexes: list[int], deleted_at: dict[int, datetime | None]) -> Taken:
    schema = batch.schema
    restored: Taken = {schema: {batch.ids[i]: i for i in indexes}}  # type: ignore[misc]
    level: Taken = {schema: dict(restored[schema])}
    with connection.cursor() as cursor:
        while level:
            next_level: Taken = {}
            for entity, records in level.items():
                stamp(cursor, batch, entity, list(records), None)
                for child, field in batch.snapshot.references(entity):
                    assert field.lookup is not None
                    if field.lookup.on_delete != "CASCADE" or not child.authored:
                        continue
                    known = restored.setdefault(child, {})
                    fresh = {
                        i: root
                        for i, root in _gone_along(
                            cursor, batch, child, field, entity, records, deleted_at
                        ).items()
                        if i not in known
                    }
                    known.update(fresh)
                    if fresh:
                        next_level.setdefault(child, {}).update(fresh)
            level = next_level
    return restored


def _gone_along(
    cursor: Any,
    batch: Batch,
    child: EntitySchema,
    field: FieldSchema,
    parent: EntitySchema,
    parents: dict[int, int],
    deleted_at: dict[int, datetime | None],
) -> dict[int, int]:
    """Child records that went to the recycle bin in the same deletion as their root."""
    assert field.lookup is not None
    cursor.execute(
        f"SELECT c.id, p.id, c.deleted_at FROM {quote(parent.table)} p "
        f"JOIN {quote(child.table)} c ON c.{quote(field.column or '')} = "
        f"p.{quote(field.lookup.column)} WHERE p.id = ANY(%s) AND c.deleted_at IS NOT NULL",
        [list(parents)],
    )
    return {
        child_id: parents[parent_id]
        for child_id, parent_id, at in cursor.fetchall()
        if at == deleted_at[batch.ids[parents[parent_id]]]  # type: ignore[index]
    }


def _apply_rules(batch: Batch, restored: Taken) -> None:
    """What came back obeys its own rules; what came along fails the record it came with."""
    known = len(batch.problems)
    behavior_of(batch.snapshot, batch.schema).after_undelete(batch)
    if len(batch.problems) != known:
        return
    named = set(batch.ids)
    along = {
        schema: {
            i: root for i, root in records.items() if schema is not batch.schema or i not in named
        }
        for schema, records in restored.items()
    }
    for part, roots in parts(batch, {schema: ids for schema, ids in along.items() if ids}):
        behavior_of(batch.snapshot, part.schema).after_undelete(part)
        fail_for(batch, part, roots, "can't come back")


def _refuse_orphans(batch: Batch, restored: Taken) -> None:
    """A record can't come back while something that came back points into the recycle bin.

    What it points to is locked as for a new record, so that nobody deletes it meanwhile.
    """
    for schema, records in restored.items():
        span = statements.within(schema, list(records), "c")
        for field in schema.lookups:
            target = batch.snapshot.target(field)
            if not target.authored or field.read_only:
                continue
            for record_id, target_id in _pointing_to_deleted(schema, field, target, records, span):
                index = records[record_id]
                if index in batch.problems:
                    continue
                its = "Its" if schema is batch.schema else f"Its {schema.name} {record_id} has a"
                batch.fail(
                    index,
                    Code.RECORD_IN_USE,
                    f"{its} {field.name} {target_id} that lies in the recycle bin; restore that "
                    f"{target.name} first.",
                    field.name if schema is batch.schema else "",
                )


def _pointing_to_deleted(
    schema: EntitySchema,
    field: FieldSchema,
    target: EntitySchema,
    records: dict[int, int],
    span: str,
) -> list[tuple[int, int]]:
    """(Id of the record, Id of its target) where the target lies in the recycle bin."""
    assert field.lookup is not None
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, p.id, p.deleted_at IS NOT NULL FROM {quote(schema.table)} c "
            f"JOIN {quote(target.table)} p "
            f"ON c.{quote(field.column or '')} = p.{quote(field.lookup.column)} "
            f"WHERE c.id = ANY(%s) {span} ORDER BY p.id FOR KEY SHARE OF p",
            [list(records)],
        )
        return [(record_id, target_id) for record_id, target_id, gone in cursor if gone]
