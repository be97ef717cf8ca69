"""What of the schema one caller sees and may write over the API.

These are the questions that the query and the verbs ask when a request comes, asked beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from entities.access import EntityRights
from entities.errors import Code, RequestError, nearest
from entities.schema.description import EntitySchema, FieldSchema
from entities.schema.snapshot import Snapshot


@dataclass(frozen=True)
class View:
    """The snapshot under a caller's rights; `granted` has them by the entity's name."""

    snapshot: Snapshot
    granted: Mapping[str, EntityRights]
    administrator: bool

    @property
    def served(self) -> list[EntitySchema]:
        """The entities that the caller can do anything with, by name."""
        return sorted(
            (e for e in self.snapshot.entities.values() if e.api_enabled and self._usable(e)),
            key=lambda e: e.name,
        )

    def one(self, name: str) -> EntitySchema:
        """The entity of that name, in any spelling; RequestError UNKNOWN_ENTITY where the caller
        can do nothing with it, as if there were none."""
        found = self.snapshot.find(name)
        if found is None or not found.api_enabled or not self._usable(found):
            known = [e.name for e in self.served]
            raise RequestError(
                Code.UNKNOWN_ENTITY, f"There is no entity {name!r}.{nearest(name, known)}"
            )
        return found

    def _usable(self, schema: EntitySchema) -> bool:
        granted = self.granted[schema.name]
        return granted.read or (
            schema.writable and (granted.create or granted.update or granted.delete)
        )

    def read(self, schema: EntitySchema) -> list[FieldSchema]:
        """The fields of a whole record, each as the caller sees it."""
        granted = self.granted[schema.name]
        if not granted.read:
            return []
        return [
            granted.seen(f)
            for f in schema.fields
            if f.api_accessible and not f.api_hidden and granted.may_read(f)
        ]

    def written(self, schema: EntitySchema) -> list[FieldSchema]:
        """The fields that the caller may send with a record, the Id aside."""
        granted = self.granted[schema.name]
        if not schema.writable:
            return []
        return [
            f
            for f in schema.fields
            if f.api_accessible
            and not f.read_only
            and f.column is not None
            and f.name in granted.writable
            and f.type.name != "ID"
        ]

    def files(self, schema: EntitySchema) -> list[FieldSchema]:
        """The FILE fields that the caller may read or write."""
        granted = self.granted[schema.name]
        return [
            f
            for f in schema.fields
            if f.type.name == "FILE"
            and f.api_accessible
            and (self.reads_file(schema, f) or f.name in granted.writable)
        ]

    def reads_file(self, schema: EntitySchema, field: FieldSchema) -> bool:
        """Whether the caller may read what is in the field's files."""
        granted = self.granted[schema.name]
        return granted.read and field.name in granted.readable and field.name not in granted.instead

    def upsert_keys(self, schema: EntitySchema) -> list[FieldSchema]:
        """The fields by which an upsert of the caller may find records again."""
        granted = self.granted[schema.name]
        written = self.written(schema)
        keys = [f for f in schema.fields if f.type.name == "ID" and f.api_accessible]
        keys += [f for f in schema.external_keys if f in written]
        return [f for f in keys if granted.may_probe(f)]

    def target(self, field: FieldSchema) -> EntitySchema | None:
        """The entity that a lookup points to, where the caller may know of it."""
        if field.lookup is None:
            return None
        target = self.snapshot.target(field)
        return target if target.api_enabled and self._usable(target) else None

    def target_keys(self, field: FieldSchema) -> list[FieldSchema]:
        """The fields by which the caller may name the record that a lookup points to."""
        target = self.target(field)
        if target is None:
            return []
        known = self.granted[target.name].known
        return [
            f
            for f in target.fields
            if (f.external_key or f.type.name == "ID")
            and f.column is not None
            and f.api_accessible
            and f.name in known
        ]
