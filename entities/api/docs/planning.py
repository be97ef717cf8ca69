"""What a program has to make before it can make the record that it is about.

A lookup that a new record can't do without is led to a record that is there. Where there is none,
or where the entity's own rules want one with certain values (`EntityOptions.example`), the program
makes one first, and before that what that one needs itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from entities.api.openapi import examples
from entities.api.openapi.viewing import View
from entities.schema.description import EntitySchema, FieldSchema

Json = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """In a new record, the Id of one that the program has made before: its variable."""

    variable: str


@dataclass(frozen=True)
class Step:
    """A record that a program makes.

    row      its values
    key      the field by which it is found again, "" without one
    variable where its Id is kept
    delete   whether the program may delete it in the end
    """

    entity: str
    row: Json
    key: str
    variable: str
    delete: bool


@dataclass(frozen=True)
class Plan:
    """The records to make, the one it is about last.

    `missing` has the lookups, with what they point to, for which there is no record and none can
    be made; `asked` what a query sends that asks for records that are reckoned from it.
    """

    steps: list[Step]
    missing: list[tuple[str, str]]
    asked: Json


def plan(view: View, schema: EntitySchema, known: examples.Known) -> Plan:
    """How a record of `schema` is made: `known` tells which records there are. Without a step
    where the reader can make none, or nobody can."""
    asked = {
        field.name: (known(field) if field.lookup is not None else None)
        or examples.value(view, schema, field)
        for field in schema.inputs
        if field.name in schema.example
    }
    planner = _Planner(view, known)
    if planner.may_make(schema):
        planner.make(schema, ())
    if planner.steps and not planner.steps[-1].row:
        # What has nothing to say when it is made is made by the system alone.
        return Plan([], [], asked)
    return Plan(_kept(planner.steps), list(dict.fromkeys(planner.missing)), asked)


def _kept(steps: list[Step]) -> list[Step]:
    """The steps, without the deletion of what a record that stays points to."""
    stay: set[str] = set()
    found = []
    for step in reversed(steps):
        delete = step.delete and step.variable not in stay
        if not delete:
            stay |= {value.variable for value in step.row.values() if isinstance(value, Made)}
        found.append(replace(step, delete=delete))
    return found[::-1]


class _Planner:
    def __init__(self, view: View, known: examples.Known) -> None:
        self.view = view
        self.known = known
        self.steps: list[Step] = []
        self.missing: list[tuple[str, str]] = []
        self.made: dict[tuple[str, str], Step] = {}

    def may_make(self, schema: EntitySchema) -> bool:
        return self.view.granted[schema.name].create and schema.writable

    def make(self, schema: EntitySchema, around: tuple[str, ...]) -> Step:
        """Add the step for a record, after those for what it needs; `around` are the entities
        that are being made with it."""
        inside = (*around, schema.name)
        row = examples.new(self.view, schema, partial(self._pointing, schema, inside))
        granted = self.view.granted[schema.name]
        keys = [f.name for f in self.view.upsert_keys(schema) if f.external_key and f.name in row]
        step = Step(
            schema.name,
            row,
            keys[0] if keys and granted.update else "",
            self._variable(schema),
            granted.delete and schema.deletable,
        )
        self.steps.append(step)
        return step

    def _pointing(self, schema: EntitySchema, inside: tuple[str, ...], field: FieldSchema) -> Any:
        """What stands under a lookup's name; None for what the example has anyway."""
        said = schema.example.get(field.name)
        wanted = said if isinstance(said, Mapping) else None
        if wanted is None and (found := self.known(field)) is not None:
            return found
        target = self.view.target(field)
        if target is None:
            return None
        if not self.may_make(target) or target.name in inside:
            self.missing.append((field.name, target.name))
            return self.known(field)
        # Lookups that want the same are led to the same record.
        at = (target.name, repr(wanted or {}))
        if at not in self.made:
            like = replace(target, example={**target.example, **(wanted or {})})
            self.made[at] = self.make(like, inside)
        assert field.lookup is not None
        column = target.by_column.get(field.lookup.column)
        if field.lookup.by_key and column is not None:
            return self.made[at].row.get(column.name)
        return Made(self.made[at].variable)

    def _variable(self, schema: EntitySchema) -> str:
        name = schema.name.lower()
        taken = sum(step.entity == schema.name for step in self.steps)
        return f"{name}_{taken + 1}" if taken else name
