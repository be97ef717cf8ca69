"""The recycle bin: what goes there, and what goes along.

What a deletion takes along is found level by level, one query per lookup that points to a level's
entity: CASCADE takes the child records along, SET_NULL empties the lookup, RESTRICT refuses the
record. All that one deletion takes along carries the same `deleted_at`, and so comes back with it.
Nothing goes along that the caller may not change by itself, or that a rule of its own keeps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from entities.access import rights
from entities.errors import Code
from entities.records import satellites, statements
from entities.records.batch import Batch
from entities.records.behavior import behavior_of
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
    lock_addressed(batch, deleted=True if recycled else None if permanently else False)
    while batch.live:
        try:
            with transaction.atomic():
                known = len(batch.problems)
                behavior_of(batch.snapshot, batch.schema).before_delete(batch)
                taken, to_null, refused = _reach(batch, recycled_too=permanently)
                for index, message in refused.items():
                    batch.fail(index, Code.RECORD_IN_USE, message)
                _ask_rules(batch, taken)
                if len(batch.problems) != known:
                    # What was done because of records that stay must not have been done.
                    raise RepeatError
                _empty(batch, taken, to_null, recycled_too=permanently)
                _remove(batch, taken, permanently=permanently)
            return
        except RepeatError:
            continue


def _ask_rules(batch: Batch, taken: Taken) -> None:
    """What goes obeys its own rules; what goes along fails the record that it goes along with."""
    for part, roots in parts(batch, taken):
        behavior_of(batch.snapshot, part.schema).before_leaving(part)
        fail_for(batch, part, roots, "can't be deleted")


def parts(batch: Batch, taken: Taken) -> Iterator[tuple[Batch, list[int]]]:
    """The records of each entity as a batch, and for each the index in the batch of its root."""
    for schema, records in taken.items():
        part = Batch(batch.snapshot, schema, batch.context, len(records))
        part.ids = list(records)
        roots = part.places = list(records.values())
        yield part, roots


def fail_for(batch: Batch, part: Batch, roots: Sequence[int], what: str) -> None:
    """Fail the records whose parts fail, with what is wrong with these."""
    for place, problems in part.problems.items():
        own = part.schema is batch.schema and part.ids[place] == batch.ids[roots[place]]
        its = "" if own else f"Its {part.schema.name} {part.ids[place]} {what}. "
        for problem in problems:
            batch.fail(
                roots[place], problem.code, f"{its}{problem.message}", problem.field if own else ""
            )


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
                stamp(cursor, batch, entity, list(records), at)
        # The behavior may remove what no lookup tells of, such as a user's sessions.
        behavior_of(batch.snapshot, schema).after_delete(batch)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class RepeatError(Exception):
    """Records have failed for which something was already done."""


def lock_addressed(batch: Batch, *, deleted: bool | None) -> dict[int, datetime | None]:
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
        for root in beyond(batch, taken)
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


def beyond(batch: Batch, taken: Taken) -> set[int]:
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


def stamp(
    cursor: Any, batch: Batch, entity: EntitySchema, ids: list[int], at: datetime | None
) -> None:
    """Set or empty `deleted_at`, and say who did it."""
    cursor.execute(
        f"UPDATE {quote(entity.table)} t SET deleted_at = %s, updated = %s, updated_user_id = %s "
        f"WHERE id = ANY(%s) {statements.within(entity, ids)}",
        [at, clock.now(), batch.context.user_id, ids],
    )
