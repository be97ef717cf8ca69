"""Records of which only one may hold at a time: prices of an owner, holders of a token.

Two such records may not cover the same day (and, for prices, the same quantity). That is checked
after the write, against what the database then holds, so the records of one request count too; the
verb takes back what is refused here. The caller locks the common owner before the write, so that
two requests can't both pass.
"""

from collections.abc import Iterable, Sequence

from django.db import connection

from entities.access import rights
from entities.errors import Code
from entities.records import Batch
from entities.schema.description import quote

#: `written` are the ids of a batch with their places, from the parameter `ids`. A record clashes
#: with older records and with those of its own batch that stand before it.
WRITTEN = "unnest(%(ids)s::bigint[]) WITH ORDINALITY AS written(id, place)"
BEFORE = "unnest(%(ids)s::bigint[]) WITH ORDINALITY AS before(id, place)"


def written_ids(batch: Batch) -> tuple[list[int], list[int]]:
    """Places in the batch of the records just written, and their ids."""
    places = [i for i in batch.live if batch.ids[i] is not None]
    return places, [id for i in places if (id := batch.ids[i]) is not None]


def fail_clashing(
    batch: Batch,
    places: Sequence[int],
    clashes: Iterable[tuple[int, int | None, int, str]],
    field: str,
) -> None:
    """Fail the records that clash.

    A clash is (place from 1, place from 1 of the earlier record of the batch or None for a record
    that was there before, Id of that record, what it holds and what to do), at most one per record
    and in the order of the records. A record that clashes only with one that fails itself is left
    for the verb's next attempt.
    """
    failing: set[int] = set()
    clashes = list(clashes)
    hidden = _not_seen(batch, {other for _, earlier, other, _ in clashes if earlier is None})
    for place, earlier, other_id, text in clashes:
        if earlier in failing:
            continue
        failing.add(place)
        if earlier is None and other_id in hidden:
            batch.fail(
                places[place - 1],
                Code.VALIDATION_FAILED,
                f"Overlaps a {batch.schema.name} that you may not see; send another {field}.",
                field,
            )
            continue
        other = (
            f"{batch.schema.name} {other_id}"
            if earlier is None
            else f"record {batch.places[places[earlier - 1]]} of this request"
        )
        batch.fail(places[place - 1], Code.VALIDATION_FAILED, f"Overlaps {other}, {text}", field)


def _not_seen(batch: Batch, ids: set[int]) -> set[int]:
    """Those of the records that do not exist for the caller, or whose fields he may not all read:
    he is told no more than that there is one."""
    granted = rights(batch.snapshot, batch.context, batch.schema)
    if not granted.known >= {field.name for field in batch.schema.fields}:
        return ids
    if not granted.condition or not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {quote(batch.schema.table)} t "  # noqa: S608 (a quoted identifier)
            f"WHERE id = ANY(%s) {granted.where('t')}",
            [list(ids)],
        )
        return ids - {row[0] for row in cursor.fetchall()}
