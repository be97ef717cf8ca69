"""The recycle bin: what goes there, what goes along, what comes back.

What a deletion takes along is found level by level, one query per lookup that points to a level's
entity: CASCADE takes the child records along, SET_NULL empties the lookup, RESTRICT refuses the
record. All that one deletion takes along carries the same `deleted_at`; restoring the record
restores exactly that. Nothing goes along, or comes back, that the caller may not change by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from entities.access import rights
from entities.errors import Code
from entities.records import satellites, statements
from entities.records.batch import Batch
from entities.records.behavior import behavior_of
from entities.records.violations import problem_of
from entities.records.writing import refuse_change
from entities.schema.description import EntitySchema, FieldSchema, quote
from metabrm import clock

#: Entity -> id of a record that goes along -> index of the batch's record that takes it along.
Taken = dict[EntitySchema, dict[int, int]]

#: So many of the records that keep another one from going are named.
NAMED = 5

_USERS = """
SELECT parent, count(*), count(*) FILTER (WHERE seen),
       array_agg(id ORDER BY id) FILTER (WHERE seen AND place <= %s)
FROM (SELECT parent, id, seen, row_number() OVER (PARTITION BY parent, seen ORDER BY id) AS place
      FROM (SELECT p.id AS parent, c.id, {sees} AS seen {users} AND c.id <> ALL(%s)) u) numbered
GROUP BY parent ORDER BY parent
"""


@dataclass(frozen=True, slots=True)
class _Link:
    """A lookup of `child` by which records may point to some of `parents`, which go."""

    child: EntitySchema
    field: FieldSchema
    parent: EntitySchema
    parents: dict[int, int]

    def pointing(self, recycled_too: bool) -> str:
        """SQL of the records `c` that point to the parents `p`: FROM and WHERE, with one
        parameter, the Ids of the parents."""
        assert self.field.lookup is not None
        live = "AND c.deleted_at IS NULL" if self.child.authored and not recycled_too else ""
        return (
            f"FROM {quote(self.parent.table)} p JOIN {quote(self.child.table)} c "
            f"ON c.{quote(self.field.column or '')} = p.{quote(self.field.lookup.column)} "
            f"WHERE p.id = ANY(%s) {live}"
        )


def delete(batch: Batch, *, permanently: bool, recycled: bool = False) -> None:
    """Delete the batch's live records; `permanently` also purges records of the recycle bin.

    `recycled` purges from the recycle bin only.
    """
    _lock(batch, deleted=True if recycled else None if permanently else False)
    while batch.live:
        try:
            with transaction.atomic():
                known = len(batch.problems)
                behavior_of(batch.snapshot, batch.schema).before_delete(batch)
                taken, to_null, refused = _reach(batch, recycled_too=permanently)
                for index, message in refused.items():
                    batch.fail(index, Code.RECORD_IN_USE, message)
                if len(batch.problems) != known:
                    # What was done because of records that stay must not have been done.
                    raise _RepeatError
                _empty(batch, taken, to_null, recycled_too=permanently)
                _remove(batch, taken, permanently=permanently)
            return
        except _RepeatError:
            continue


def _empty(batch: Batch, taken: Taken, links: Sequence[_Link], *, recycled_too: bool) -> None:
    """Empty the lookups of what stays, however many records have them."""
    with connection.cursor() as cursor:
        for link in links:
            child, column = link.child, quote(link.field.column or "")
            stamped = ", updated = %s, updated_user_id = %s" if child.authored else ""
            cursor.execute(
                f"UPDATE {quote(child.table)} SET {column} = NULL{stamped} WHERE id IN "
                f"(SELECT c.id {link.pointing(recycled_too)} AND c.id <> ALL(%s))",
                [
                    *([clock.now(), batch.context.user_id] if stamped else []),
                    list(link.parents),
                    list(taken.get(child, ())),
                ],
            )


def _remove(batch: Batch, taken: Taken, *, permanently: bool) -> None:
    schema = batch.schema
    at = clock.now()
    with connection.cursor() as cursor:
        # Records of one deletion may point at each other in circles.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for entity, records in reversed(taken.items()):
            if permanently:
                satellites.remove(cursor, entity.table, list(records))
                ids = list(records)
                cursor.execute(
                    f"DELETE FROM {quote(entity.table)} t WHERE id = ANY(%s) "
                    f"{statements.within(entity, ids)}",
                    [ids],
                )
            else:
                _stamp(cursor, batch, entity, list(records), at)
        # The behavior may remove what no lookup tells of, such as a user's sessions.
        behavior_of(batch.snapshot, schema).after_delete(batch)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def undelete(batch: Batch) -> None:
    """Restore the batch's live records and what went to the recycle bin with them."""
    if not batch.schema.authored:
        return
    deleted_at = _lock(batch, deleted=True)
    while batch.live:
        try:
            with transaction.atomic():
                restored: Taken = {}
                _restore_halving(batch, list(batch.live), deleted_at, restored)
                known = len(batch.problems)
                for index in _beyond(batch, restored) - batch.problems.keys():
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
                    raise _RepeatError
            return
        except _RepeatError:
            continue


class _RepeatError(Exception):
    """Records have failed for which something was already done."""


def _lock(batch: Batch, *, deleted: bool | None) -> dict[int, datetime | None]:
    """Lock the addressed records against new references; a record that is not there fails.

    `deleted` says where they must lie: in the recycle bin, outside it, or (None) either.
    """
    schema = batch.schema
    granted = rights(batch.snapshot, batch.context, schema)
    ids = [i for i in (batch.ids[n] for n in batch.live) if i is not None]
    place = {None: "", True: "AND deleted_at IS NOT NULL", False: statements.LIVE_BY_ID}[deleted]
    columns = ["deleted_at"] if schema.authored else []
    found = statements.lock(schema, ids, columns, granted, place=place, strength="UPDATE")
    where = " in the recycle bin" if deleted else ""
    for index in batch.live:
        if batch.ids[index] not in found:
            batch.fail(
                index,
                Code.RECORD_NOT_FOUND,
                f"There is no {schema.name} with Id {batch.ids[index]}{where}.",
                "Id",
            )
        elif not found[batch.ids[index] or 0][-1]:
            refuse_change(batch, index)
    return {record_id: row[0] if columns else None for record_id, row in found.items()}


def _reach(batch: Batch, *, recycled_too: bool) -> tuple[Taken, list[_Link], dict[int, str]]:
    """What deleting the live records takes along, the lookups that it empties, and which of the
    records it can't take."""
    snapshot = batch.snapshot
    taken: Taken = {batch.schema: {batch.ids[i]: i for i in batch.live}}  # type: ignore[misc]
    level: Taken = {batch.schema: dict(taken[batch.schema])}
    links: list[_Link] = []
    while level:
        next_level: Taken = {}
        for entity, records in level.items():
            for child, field in snapshot.references(entity):
                assert field.lookup is not None
                if not field.lookup.on_delete or not child.writable:
                    continue
                link = _Link(child, field, entity, records)
                if field.lookup.on_delete == "CASCADE" and entity.cascades:
                    known = taken.setdefault(child, {})
                    pointing = _going_along(link, recycled_too)
                    fresh = {i: root for i, root in pointing.items() if i not in known}
                    known.update(fresh)
                    if fresh:
                        next_level.setdefault(child, {}).update(fresh)
                else:
                    links.append(link)
        level = next_level
    refused = {
        root: f"{batch.schema.name} {batch.ids[root]} can't be deleted: records would go along "
        f"that you may not delete. Somebody who may can do it."
        for root in _beyond(batch, taken)
    }
    to_null = []
    for link in links:
        assert link.field.lookup is not None
        if link.field.lookup.on_delete == "SET_NULL":
            if _is_used(link, taken, recycled_too):
                to_null.append(link)
            continue
        bin_too = "; the recycle bin counts" if recycled_too else ""
        for root, users in _users(batch, link, taken, recycled_too).items():
            refused.setdefault(
                root,
                f"{batch.schema.name} {batch.ids[root]} is still used by {users}{bin_too}); delete "
                f"or change those first.",
            )
    return taken, to_null, refused


def _is_used(link: _Link, taken: Taken, recycled_too: bool) -> bool:
    """Whether records that stay point to the link's parents. An update of none would do too, but
    triggers take it for a change."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT {link.pointing(recycled_too)} AND c.id <> ALL(%s))",
            [list(link.parents), list(taken.get(link.child, ()))],
        )
        return bool(cursor.fetchone()[0])


def _users(batch: Batch, link: _Link, taken: Taken, recycled_too: bool) -> dict[int, str]:
    """Root -> the records that keep it from going, as far as the caller may know of them.

    They are counted where they are, since they may be more than can be held, and the first named.
    """
    granted = rights(batch.snapshot, batch.context, link.child)
    with connection.cursor() as cursor:
        cursor.execute(
            _USERS.format(sees=granted.sees("c"), users=link.pointing(recycled_too)),
            [NAMED, list(link.parents), list(taken.get(link.child, ()))],
        )
        rows = cursor.fetchall()
    found: dict[int, tuple[int, int, list[int]]] = {}
    for parent, every, seen, first in rows:
        root = link.parents[parent]
        before = found.get(root, (0, 0, []))
        named = sorted([*before[2], *(first or ())])[:NAMED] if granted.read else []
        found[root] = (before[0] + every, before[1] + seen, named)
    return {root: _told(link, *users) for root, users in found.items()}


def _told(link: _Link, every: int, seen: int, named: list[int]) -> str:
    shown = ", ".join(map(str, named)) + (" ..." if seen > len(named) else "")
    # How many there are that he does not see is not told either.
    count = f"{every} " if seen == every else ""
    plural = "" if count and every == 1 else "s"
    name = f"{count}{link.child.name} record{plural}"
    return f"{name} ({link.field.name}; Id {shown if named else 'not shown'}"


def _beyond(batch: Batch, taken: Taken) -> set[int]:
    """Indexes of the records that would take along some that the caller may not change."""
    found: set[int] = set()
    for entity, taken_along in taken.items():
        granted = rights(batch.snapshot, batch.context, entity)
        named = set(batch.ids) if entity is batch.schema else set()
        along = [i for i in taken_along if i not in named]
        if not granted.changeable or not along:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM {quote(entity.table)} t WHERE id = ANY(%s) "
                f"AND NOT ({granted.sees('t')} AND {granted.may_change('t')})",
                [along],
            )
            found |= {taken_along[row[0]] for row in cursor.fetchall()}
    return found


def _going_along(link: _Link, recycled_too: bool) -> dict[int, int]:
    """Id of each record that points to one of the link's parents -> that parent's root.

    What goes along is locked, so that nothing new points to it meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, p.id {link.pointing(recycled_too)} ORDER BY c.id FOR UPDATE OF c",
            [list(link.parents)],
        )
        return {child_id: link.parents[parent_id] for child_id, parent_id in cursor.fetchall()}


def _stamp(
    cursor: Any, batch: Batch, entity: EntitySchema, ids: list[int], at: datetime | None
) -> None:
    """Set or empty `deleted_at`, and say who did it."""
    cursor.execute(
        f"UPDATE {quote(entity.table)} t SET deleted_at = %s, updated = %s, updated_user_id = %s "
        f"WHERE id = ANY(%s) {statements.within(entity, ids)}",
        [at, clock.now(), batch.context.user_id, ids],
    )


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
                _stamp(cursor, batch, entity, list(records), None)
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
    for schema, records in restored.items():
        named = set(batch.ids) if schema is batch.schema else set()
        along = {i: root for i, root in records.items() if i not in named}
        if not along:
            continue
        part = Batch(batch.snapshot, schema, batch.context, len(along))
        part.ids = list(along)
        part.places = list(along.values())
        behavior_of(batch.snapshot, schema).after_undelete(part)
        for place, problems in part.problems.items():
            for problem in problems:
                batch.fail(
                    part.places[place],
                    problem.code,
                    f"Its {schema.name} {part.ids[place]} can't come back. {problem.message}",
                )


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
