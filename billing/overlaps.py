"""Records of which only one may hold at a time: prices of an owner, holders of a token.

Two such records may not share a day (and, for prices, a quantity). That is checked
after the write, against what the database then holds, so the records of one request count too; the
verb takes back what is refused here. The caller locks the common owner before the write, so that
two requests can't both pass.
"""

from collections.abc import Callable, Iterable, Sequence

from billing.changes import found, some
from entities.access import rights
from entities.errors import Code
from entities.records import Batch
from entities.schema.description import quote

#: Alike records that share a day with a record just written, from the parameter `ids`: the record's
#: place, the other's place if it is of the same request, and its Id. A record clashes with older
#: ones and with those of its own request that stand before it; the earliest is named.
_OVERLAPPING = """
SELECT DISTINCT ON (written.place) written.place, before.place, other.id, {told}
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS written(id, place)
JOIN {table} one ON one.id = written.id
JOIN {table} other ON other.id <> one.id AND other.deleted_at IS NULL {alike}
 AND daterange(other.{first}, other.{last}, '[]') && daterange(one.{first}, one.{last}, '[]')
LEFT JOIN unnest(%(ids)s::bigint[]) WITH ORDINALITY AS before(id, place) ON before.id = other.id
WHERE before.place IS NULL OR before.place < written.place
ORDER BY written.place, before.place NULLS FIRST, other.id
"""


def overlapping(
    table: str,
    *,
    same: Sequence[str] = (),
    alike: Sequence[str] = (),
    days: tuple[str, str] = ("start_date", "end_date"),
    also: str = "",
    told: Sequence[str] = (),
) -> str:
    """The statement that finds what overlaps; all names are those of columns, and of the house.

    `same` are columns that have a value and agree; `alike` those that agree or are empty in both;
    `also` is a condition on `one` and `other`. `told` is selected of the other one behind its first
    and last day.
    """
    first, last = days
    agree = [f"AND other.{c} = one.{c}" for c in same]
    agree += [f"AND other.{c} IS NOT DISTINCT FROM one.{c}" for c in alike]
    return _OVERLAPPING.format(
        table=table,
        first=first,
        last=last,
        alike=" ".join([*agree, also and f"AND {also}"]),
        told=", ".join(
            [
                f"coalesce(other.{first}::text, 'no start')",
                f"coalesce(other.{last}::text, 'no end')",
                *told,
            ]
        ),
    )


def lock_named(batch: Batch, lookup: str) -> None:
    """Records that name the same one in a lookup are written one request after the other."""
    field = batch.schema.field(lookup)
    named = batch.effective(lookup)
    ids = some([named[i] for i in batch.live])
    if field.lookup is not None and ids:
        table = quote(batch.snapshot.target(field).table)
        found(f"SELECT FROM {table} WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE", ids=ids)


def refuse_overlaps(batch: Batch, statement: str, said: Callable[..., str], field: str) -> None:
    """Fail the records just written that overlap others.

    `said` makes of the first and last day of the other one, and of what else the statement tells,
    what that one holds and what to do.
    """
    places, ids = written_ids(batch)
    if not ids:
        return
    rows = found(statement, ids=ids)
    clashes = [(place, before, other, said(*told)) for place, before, other, *told in rows]
    _fail_clashing(batch, places, clashes, field)


def written_ids(batch: Batch) -> tuple[list[int], list[int]]:
    """Places in the batch of the records just written, and their ids."""
    places = [i for i in batch.live if batch.ids[i] is not None]
    return places, [id for i in places if (id := batch.ids[i]) is not None]


def _fail_clashing(
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
    seen = found(
        f"SELECT id FROM {quote(batch.schema.table)} t "  # noqa: S608 (a quoted identifier)
        f"WHERE id = ANY(%(ids)s) {granted.where('t')}",
        ids=list(ids),
    )
    return ids - {row[0] for row in seen}
