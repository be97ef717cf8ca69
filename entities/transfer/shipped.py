"""What a row is where nothing is said of it: as the platform ships it, or with the defaults.

A document holds only what differs from this, so it stays short, and what the platform itself
brings follows from the version that it runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db.models import NOT_PROVIDED

from entities import fieldtypes
from entities.changing.entity import LAST, OWN_FIELDS
from entities.models import Entity, EntityField
from entities.schema.compiling import core_models
from entities.schema.description import FieldSchema
from entities.schema.naming import field_api_name
from entities.schema.snapshot import Snapshot
from entities.schema.sync import STEP, declarations, entity_declaration
from entities.transfer.items import Item
from entities.transfer.kinds import ENTITY, FIELD, KINDS, VALUE, Kind
from metabrm.entity import CoreModel
from metabrm.fields import ListField


class _Leave:
    """The type of LEAVE: where nothing is stated, the system's own value stands."""

    def __repr__(self) -> str:
        return "LEAVE"


LEAVE = _Leave()


@dataclass
class _Core:
    """A core entity as shipped: its own values, those of its fields, the values of its lists."""

    values: dict[str, Any]
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Shipped:
    """What holds unless something else is said, for the kinds as a snapshot has them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.attributes: dict[Kind, dict[str, FieldSchema]] = {
            kind: kind.attributes(snapshot) for kind in KINDS
        }
        self._defaults = {kind: self._of_model(kind) for kind in KINDS}
        self.core = _cores()

    def _of_model(self, kind: Kind) -> dict[str, Any]:
        model = core_models()[kind.entity]
        by_column = {f.column: f for f in model._meta.concrete_fields}
        found: dict[str, Any] = {}
        for word, attribute in self.attributes[kind].items():
            declared = by_column.get(str(attribute.column))
            if declared is None or attribute.name in kind.given:
                # A field that people added has no default but what each system gives it.
                found[word] = LEAVE
            elif declared.default is NOT_PROVIDED or callable(declared.default):
                found[word] = None
            else:
                found[word] = declared.default
        return found

    def values(self, item: Item) -> Mapping[str, Any]:
        """Word -> what the row has where it is not stated; LEAVE where the system decides."""
        defaults = self._defaults[item.kind]
        found: dict[str, Any] = {item.kind.name: item.name}
        if item.kind is ENTITY and item.name in self.core:
            found |= self.core[item.name].values
        elif item.kind is FIELD:
            found |= self._of_field(item)
        elif item.kind is VALUE and item.parent is not None:
            texts = self.list_of(item.parent)
            if item.name in texts:
                found["SortOrder"] = (texts.index(item.name) + 1) * STEP
        return defaults | {word: value for word, value in found.items() if word in defaults}

    def is_core(self, item: Item) -> bool:
        """Whether the platform brings the row: it is there, stated or not."""
        if item.kind is ENTITY:
            return item.name in self.core
        if item.kind is FIELD and item.parent is not None:
            core = self.core.get(item.parent.name)
            return item.name in core.fields if core else item.name in _OWN
        if item.kind is VALUE and item.parent is not None:
            return item.name in self.list_of(item.parent)
        return False

    def list_of(self, item: Item) -> tuple[str, ...]:
        """The values that a field's list is shipped with."""
        core = self.core.get(item.parent.name) if item.parent is not None else None
        return core.lists.get(item.name, ()) if core else ()

    def _of_field(self, item: Item) -> dict[str, Any]:
        entity = item.parent.name if item.parent is not None else ""
        core = self.core.get(entity)
        if core is not None and item.name in core.fields:
            return core.fields[item.name]
        if core is None and item.name in _OWN:
            return _OWN[item.name]
        kind = item.values.get("DataType")
        implied: dict[str, Any] = {}
        if kind in fieldtypes.names():
            implied["DataLength"] = fieldtypes.default_length(kind)
        if kind == "FLAG":
            implied["DefaultValue"] = "0"
        if kind == "LOOKUP":
            implied["OnDelete"] = "RESTRICT"
        if item.values.get("ExternalKeyFlag"):
            implied["UniqueField"] = True
        return implied


@cache
def _cores() -> Mapping[str, _Core]:
    """All core entities, which the code decides alone. To be read only."""
    return {name: _as_shipped(model) for name, model in core_models().items()}


def _as_shipped(model: type[CoreModel]) -> _Core:
    owned, initial = entity_declaration(model)
    core = _Core(_worded(Entity, owned | initial))
    for position, (fixed, first) in enumerate(declarations(model, _Names())):
        values = {"item_position": (position + 1) * STEP} | fixed | first
        core.fields[fixed["field_name"]] = _worded(EntityField, values)
    for model_field in model._meta.fields:
        if isinstance(model_field, ListField):
            core.lists[field_api_name(model, model_field)] = tuple(model_field.values)
    return core


class _Names(dict[str, str]):
    """Stands for the rows of all entities where their names will do."""

    def __missing__(self, name: str) -> str:
        return name


def _worded(model: type[CoreModel], values: dict[str, Any]) -> dict[str, Any]:
    """Attributes of a model's row -> words of a document."""
    found = {}
    for name, value in values.items():
        model_field: Any = model._meta.get_field(name)
        api_name = field_api_name(model, model_field)
        found[api_name.removesuffix("Id") if model_field.is_relation else api_name] = value
    return found


#: The fields that every custom entity has from the beginning.
_OWN: dict[str, dict[str, Any]] = {
    name: {
        "FieldLabel": label,
        "DataType": kind,
        "ReferencedEntity": "USER" if kind == "LOOKUP" else None,
        "ItemPosition": STEP if kind == "ID" else LAST + position,
    }
    for position, (name, kind, _, label) in enumerate(OWN_FIELDS)
}
