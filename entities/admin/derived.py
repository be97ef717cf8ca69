"""Values that a record's own row does not hold: computed fields, and fields behind its lookups.

However many records and fields a page shows, they are read in one statement.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection, models

from entities.access import EntityRights
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.layouts import Place
from entities.schema.snapshot import Snapshot

RightsOf = Callable[[EntitySchema], EntityRights]


def derive(
    snapshot: Snapshot,
    schema: EntitySchema,
    records: Sequence[models.Model],
    computed: Iterable[FieldSchema],
    places: Iterable[Place],
    rights_of: RightsOf,
) -> None:
    """Give each record what it shows besides its row: `brm_computed`, by the names of the fields.

    What lies behind a record that the caller may not see reads as if there were none.
    """
    own = rights_of(schema)
    selected = {field.name: own.seen(field).sql("this") for field in computed}
    for place in places:
        selected[place.name] = _behind(snapshot, place, "this", 0, rights_of)
    if not selected or not records:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT this.id, {', '.join(selected.values()).replace('%', '%%')} "
            f"FROM {quote(schema.table)} this WHERE this.id = ANY(%s)",
            [[record.pk for record in records]],
        )
        found = {row[0]: dict(zip(selected, row[1:], strict=True)) for row in cursor.fetchall()}
    for record in records:
        known: dict[str, Any] = getattr(record, "brm_computed", {})
        record.brm_computed = known | found.get(record.pk, {})  # type: ignore[attr-defined]


def _behind(snapshot: Snapshot, place: Place, alias: str, step: int, rights_of: RightsOf) -> str:
    """SQL of a field over the record `alias`, from which the lookup of `step` leads on."""
    if step == len(place.steps):
        return rights_of(place.schema).seen(place.field).sql(alias)
    _, lookup = place.steps[step]
    assert lookup.lookup is not None
    target, behind = snapshot.target(lookup), f"behind{step}"
    where = [f"{behind}.{quote(lookup.lookup.column)} = {lookup.sql(alias)}"]
    if lookup.lookup.by_key and target.authored:
        where.append(f"{behind}.deleted_at IS NULL")
    condition = rights_of(target).condition
    if condition:
        where.append(f"({condition.replace('{t}', behind)})")
    return (
        f"(SELECT {_behind(snapshot, place, behind, step + 1, rights_of)} "
        f"FROM {quote(target.table)} {behind} WHERE {' AND '.join(where)} LIMIT 1)"
    )
