"""What of the price book a caller may know: the records that exist for him, the fields he may read.

An explanation follows a price through a dozen entities. Each of them is asked here, with the
caller's own rights, in one statement; what does not come back is not told.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from entities.access.rights import EntityRights, rights
from entities.admin.reader import reading
from entities.admin.titles import called, titles
from entities.errors import Code, RequestError
from entities.schema.description import EntitySchema, quote
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

#: A record's fields as the wire has them, by name; of a field that may not be read, nothing.
Fields = dict[str, str | None]


class Sight:
    """What one caller sees on one snapshot."""

    def __init__(self, snapshot: Snapshot, context: Context) -> None:
        self.snapshot = snapshot
        self.context = context

    def granted(self, entity: str) -> EntityRights:
        """The caller's rights on an entity."""
        return rights(self.snapshot, self.context, self.snapshot.entity(entity))

    def reads(self, entity: str, *fields: str) -> bool:
        """Whether the caller may know these fields of the records that exist for him."""
        granted = self.granted(entity)
        return granted.read and granted.known.issuperset(fields)

    def require(self, entity: str, *fields: str) -> None:
        """RequestError INSUFFICIENT_RIGHTS unless the caller may read the entity and the fields."""
        granted = self.granted(entity)
        missing = [name for name in fields if name not in granted.known]
        if not granted.read or missing:
            what = f"{', '.join(missing)} of {entity}" if granted.read else entity
            raise RequestError(
                Code.INSUFFICIENT_RIGHTS,
                f"User {self.context.username} may not read {what}, which an explanation of a "
                "price tells. An administrator can grant it with an ENTITY_FIELD_ROLE record for "
                "the user's role.",
            )

    def title(self, entity: str) -> str:
        """The name of the field that people recognise the entity's records by."""
        return self.snapshot.entity(entity).title

    def titles(self, entity: str, ids: Iterable[int | None]) -> dict[int, str]:
        """Id -> what people call those of the records that exist for the caller: by what he may
        see of them; those that have nothing but their Id are missing."""
        schema = self.snapshot.entity(entity)
        with reading(self.context):
            found = titles(self.snapshot, schema, ids)
        return {id: title for id, title in found.values() if title != called(schema, id, None)}

    def fields(
        self,
        wanted: Mapping[str, tuple[Iterable[int | None], Iterable[str]]],
        *,
        live: bool = False,
    ) -> dict[tuple[str, int], Fields]:
        """(Entity, Id) -> fields, of those of the records that exist for the caller.

        `wanted` has Ids and names of fields by entity; `live` leaves out deleted records.
        """
        parts: list[str] = []
        given: list[Any] = []
        for entity, (ids, names) in wanted.items():
            numbers = sorted({i for i in ids if i is not None})
            granted = self.granted(entity)
            if not numbers or not granted.read:
                continue
            schema = self.snapshot.entity(entity)
            alive = "AND r.deleted_at IS NULL" if live and schema.authored else ""
            parts.append(
                f"SELECT '{schema.name}', r.id, {_document(schema, granted, names)} "  # noqa: S608
                f"FROM {quote(schema.table)} r WHERE r.id = ANY(%s) {alive} {granted.where('r')}"
            )
            given.append(numbers)
        if not parts:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), given)
            return {(name, id): json.loads(known) for name, id, known in cursor.fetchall()}


def _document(schema: EntitySchema, granted: EntityRights, names: Iterable[str]) -> str:
    """SQL of a JSON object of those of the fields that the caller may know."""
    known = [schema.field(name) for name in dict.fromkeys(names) if name in granted.known]
    pairs = ", ".join(
        f"'{field.name}', ({field.type.wire_sql(granted.seen(field).sql('r'))})::text"
        for field in known
    )
    return f"jsonb_build_object({pairs})::text"
