"""Records of which only one may hold at a time: prices of an owner, holders of a token.

Two such records may not cover the same day (and, for prices, the same quantity). That is checked
after the write, against what the database then holds, so the records of one request count too; the
verb takes back what is refused here. The caller locks the common owner before the write, so that
two requests can't both pass.
"""

from collections.abc import Iterable, Sequence

from entities.errors import Code
from entities.records import Batch

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
    for place, earlier, other_id, text in clashes:
        if earlier in failing:
            continue
        failing.add(place)
        other = (
            f"{batch.schema.name} {other_id}"
            if earlier is None
            else f"record {batch.places[places[earlier - 1]]} of this request"
        )
        batch.fail(places[place - 1], Code.VALIDATION_FAILED, f"Overlaps {other}, {text}", field)
