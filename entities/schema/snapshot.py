"""Everything known about one version of the schema, compiled and immutable.

A Snapshot is built whole (`entities.schema.compiling`) and swapped in by one assignment
(`entities.schema.current`), so a request finishes on the schema it began with.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from entities.errors import Code, RequestError, nearest
from entities.schema.description import EntitySchema, FieldSchema, fold
from entities.schema.runtime import RuntimeApps


class Snapshot:
    """One version of the schema: entities by name, the reverse of every lookup, run-time models.

    private   the entities whose records are shared by rules
    limited   they, and those whose records are personal: not seen by everybody who may read them
    """

    def __init__(self, version: int, entities: Iterable[EntitySchema], apps: RuntimeApps) -> None:
        self.version = version
        self.apps = apps
        self.entities: Mapping[str, EntitySchema] = MappingProxyType(
            {fold(e.name): e for e in entities}
        )
        self.private = tuple(e for e in self.entities.values() if e.private)
        self.limited = tuple(e for e in self.entities.values() if e.private or e.personal)
        references: dict[str, list[tuple[EntitySchema, FieldSchema]]] = defaultdict(list)
        for entity in self.entities.values():
            for lookup_field in entity.lookups:
                assert lookup_field.lookup is not None
                references[fold(lookup_field.lookup.entity)].append((entity, lookup_field))
        self._references = {name: tuple(found) for name, found in references.items()}

    def find(self, name: str) -> EntitySchema | None:
        """The entity called `name` in any spelling, or None."""
        return self.entities.get(fold(name))

    def entity(self, name: str) -> EntitySchema:
        """The entity called `name`; RequestError UNKNOWN_ENTITY naming the nearest known one."""
        found = self.find(name)
        if found is None:
            known = [e.name for e in self.entities.values()]
            raise RequestError(
                Code.UNKNOWN_ENTITY, f"There is no entity {name!r}.{nearest(name, known)}"
            )
        return found

    def target(self, lookup_field: FieldSchema) -> EntitySchema:
        """The entity that a lookup field points to."""
        assert lookup_field.lookup is not None
        return self.entities[fold(lookup_field.lookup.entity)]

    def references(self, entity: EntitySchema) -> tuple[tuple[EntitySchema, FieldSchema], ...]:
        """Every (entity, lookup field) that points to `entity`."""
        return self._references.get(fold(entity.name), ())
