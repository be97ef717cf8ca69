"""Days that lie within others: prices within a plan's, rates and products within a contract's.

Whatever holds other records may be made shorter only where none of them names a day that would be
cut off. A record that names no last day ends with what holds it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from billing.changes import changed, found, tells
from entities.errors import Code
from entities.records import Batch
from entities.schema.description import quote

# Live records that name a day outside the days of what holds them, the first of each.
_CUT_OFF = """
(SELECT DISTINCT ON (held.{lookup}) {place}, held.{lookup}, held.id, held.{first}, held.{last}
 FROM {table} held JOIN {holders} holder ON holder.id = held.{lookup}
 WHERE held.{lookup} = ANY(%(ids)s) AND held.deleted_at IS NULL {also}
   AND (held.{first} < holder.{begin} OR held.{first} > holder.{end}
        OR held.{last} > holder.{end} OR held.{last} < holder.{begin})
 ORDER BY held.{lookup}, held.id)
"""


@dataclass(frozen=True)
class Held:
    """Records of an entity that name what holds them in a field, and days of their own in two;
    `also` is a condition of SQL on them."""

    entity: str
    lookup: str
    days: tuple[str, str] = ("StartDate", "EndDate")
    also: str = ""


def spell(first: date | None, last: date | None) -> str:
    """Days from the first to the last, as people read them."""
    return f"from {first or 'no start'} to {last or 'no end'}"


def outside(
    first: date | None, last: date | None, **days: date | None
) -> Iterator[tuple[str, date]]:
    """Those of the named days that are not from the first to the last."""
    for name, day in days.items():
        if day is not None and ((first and day < first) or (last and day > last)):
            yield name, day


def refuse_cut_off(batch: Batch, days: tuple[str, str], held: Sequence[Held]) -> None:
    """Fail the records just written whose days leave something outside that they hold."""
    moved = {batch.ids[i]: i for i in changed(batch, *days)}
    if not moved:
        return
    statement = " UNION ALL ".join(_cut_off(batch, days, held, place) for place in range(len(held)))
    shorter = set(changed(batch, days[0]))
    seen: set[int] = set()
    for place, holder, id, start, until in found(statement, ids=list(moved)):
        index, holds = moved[holder], held[place]
        if index in seen:
            continue
        seen.add(index)
        told = tells(batch, holds.entity, holds.lookup, *holds.days)
        what = f"a {holds.entity}"
        if told:
            what = f"{holds.entity} {id}, which runs {spell(start, until)}"
        early = any(outside(batch.value(days[0], index), None, start=start, until=until))
        field = days[0] if early and index in shorter else days[1]
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"{field} {batch.value(field, index)} would cut off {what}; change that first.",
            field,
            of=holds.entity if told else "",
            in_the_way=[id] if told else (),
        )


def _cut_off(batch: Batch, days: tuple[str, str], held: Sequence[Held], place: int) -> str:
    holds = held[place]
    schema = batch.snapshot.entity(holds.entity)
    lookup, first, last = (
        quote(schema.field(name).column or "") for name in (holds.lookup, *holds.days)
    )
    begin, end = (quote(batch.schema.field(name).column or "") for name in days)
    return _CUT_OFF.format(
        place=place, table=quote(schema.table), holders=quote(batch.schema.table),
        lookup=lookup, first=first, last=last, begin=begin, end=end, also=holds.also,
    )  # fmt: skip
