"""What a snapshot says of one entity and of one field: immutable descriptions.

Names resolve without regard to case or underscores: `/rest/2.0/billing_profile`, `BillingProfile`
and `BILLING_PROFILE` are one entity, `LOWER_BAND` and `LowerBand` one field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models

from entities.errors import Code, RequestError, nearest

if TYPE_CHECKING:
    from entities.fieldtypes import FieldType
    from entities.schema.layouts import Layout


def fold(name: str) -> str:
    """The form under which names are compared."""
    return name.replace("_", "").casefold()


def quote(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where a lookup field points: to the Id of `entity`, or to its key column `column`.

    `on_delete` is RESTRICT, CASCADE, SET_NULL, or "" where deleting the target concerns nobody.
    """

    entity: str
    column: str
    column_label: str
    on_delete: str

    @property
    def by_key(self) -> bool:
        return self.column != "id"


@dataclass(frozen=True, slots=True, eq=False)
class FieldSchema:
    """One field of an entity as every part of the house sees it.

    column        physical column, None for a computed field
    expression    SQL of a computed field over the alias `{t}`, else None
    length        most characters of a text, None without limit
    digits, places, bound   of a number: digits in all, after the point, 10**(digits - places)
    default       Python value a new record gets when none is sent, or None
    default_formula   formula of that value over the new record, "" without one
    formula       text of a FORMULA field's formula, "" for every other field; such a field has the
                  type of its result, and an expression instead of a column
    reads         (entity, field) that a FORMULA field is made of
    formula_type  name of the data type asked for the formula's result, "" for its own
    list_values   folded spelling -> the list's own, in order, those no longer in use last
    retired       those of the list's values that no further record can take
    immutable     may not change once the record exists
    set_once      may not change once it has a value
    encrypted     at rest; `type` is then one that seals what is stored (`type.place`)
    write_only    can be written, and read by nobody
    supplied      filled in by the platform where a new record brings none
    system        ships with the platform
    column_type   msgspec annotation for a whole column of wire values
    """

    id: int
    name: str
    label: str
    help: str
    type: "FieldType"
    column: str | None
    expression: str | None
    length: int | None
    digits: int | None
    places: int
    bound: Decimal
    required: bool
    unique: bool
    external_key: bool
    searchable: bool
    read_only: bool
    set_once: bool
    api_accessible: bool
    api_hidden: bool
    hidden: bool
    pii: bool
    default: Any
    list_values: Mapping[str, str]
    lookup: Lookup | None
    currency_source: str | None
    column_type: Any = None
    immutable: bool = False
    encrypted: bool = False
    write_only: bool = False
    supplied: bool = False
    system: bool = False
    default_formula: str = ""
    formula: str = ""
    formula_type: str = ""
    reads: frozenset[tuple[str, str]] = frozenset()
    retired: frozenset[str] = frozenset()

    @property
    def needed(self) -> bool:
        """Whether a new record has to bring a value."""
        return (
            self.required
            and self.column is not None
            and self.default is None
            and not (self.default_formula or self.supplied or self.read_only)
            and self.type.name != "ID"
        )

    def sql(self, alias: str) -> str:
        """The field's native value in a statement where the record is `alias`."""
        if self.column is not None:
            return f"{alias}.{quote(self.column)}"
        assert self.expression is not None
        return self.expression.replace("{t}", alias)

    def wire_sql(self, alias: str) -> str:
        """The field's wire form (text, or something whose JSON is right) over `alias`."""
        return self.type.wire_sql(self.sql(alias))


@dataclass(frozen=True, slots=True)
class Validation:
    """A rule of an entity: a record for which the formula is true is refused with the text."""

    id: int
    name: str
    formula: str
    error_text: str


@dataclass(frozen=True, eq=False)
class EntitySchema:
    """One entity: its table, its fields in order, its keys."""

    id: int
    name: str
    label: str
    label_plural: str
    help: str
    node: str
    table: str
    title: str
    fields: tuple[FieldSchema, ...]
    #: Gives the Django model over the table, the same one each time.
    make_model: Callable[[], type[models.Model]]
    system: bool
    writable: bool
    api_enabled: bool
    visible: bool
    recycle_bin: bool
    history: bool
    #: Whether deleting a record takes its child records along; refused while it has some, if not.
    cascades: bool
    authored: bool
    #: Unique keys among live records: names of fields together.
    unique_keys: tuple[tuple[str, ...], ...]
    #: What its records are reckoned from, where no table holds them (entities.query.reckoning).
    inputs: tuple[FieldSchema, ...] = ()
    #: Whether records may be deleted at all.
    deletable: bool = True
    #: Whether a record is seen only by who made it and those with whom it is shared.
    private: bool = False
    #: Fields that tell together what a record is that has no name.
    described_by: tuple[FieldSchema, ...] = ()
    #: Names of the fields that lists show where no layout says which; derived where empty.
    listed: tuple[str, ...] = ()
    #: Lookups to what a record of a view is made of: it exists for whoever sees all of these.
    seen_with: tuple[FieldSchema, ...] = ()
    #: Whether, without being PRIVATE, a record is seen only by who made it and by administrators.
    personal: bool = False
    #: The field whose months the table is kept in, if it is (metabrm.months).
    partitioned_by: FieldSchema | None = None
    #: Whether the history tells that a record was made, too.
    records_creation: bool = True
    #: Name of a database constraint -> what to tell whoever violates it.
    constraint_messages: Mapping[str, str] = field(default_factory=dict)
    #: Folded name of what may never be kept -> what to send instead.
    refused: Mapping[str, str] = field(default_factory=dict)
    #: Name of a field -> what an example of a new record holds there; None leaves it out.
    example: Mapping[str, Any] = field(default_factory=dict)
    #: The active rules that its records are judged by, in order.
    validations: tuple[Validation, ...] = ()
    #: Kind of page -> what it shows; a kind without one shows what is sensible.
    layouts: "Mapping[str, Layout]" = field(default_factory=dict)

    @property
    def noun(self) -> str:
        """The label within a sentence: `bulk load`, but `API key`."""
        words = self.label.split(" ")
        return " ".join(w if any(map(str.isupper, w[1:])) else w.lower() for w in words)

    @cached_property
    def name_field(self) -> FieldSchema | None:
        """The title, if it is a name: a text that people gave, not a key, a kind or an amount."""
        title = self.field(self.title)
        named = title.type.name in ("TEXT", "LONG_TEXT", "EMAIL")
        return title if named and fold(title.name) != "externalkey" else None

    @cached_property
    def model(self) -> type[models.Model]:
        """The Django model over the table; a run-time one is made when first asked for."""
        return self.make_model()

    @cached_property
    def attributes(self) -> Mapping[str, str]:
        """Physical column -> the name under which the model keeps its native value."""
        return {str(f.column): f.attname for f in self.model._meta.concrete_fields}

    @cached_property
    def _by_name(self) -> Mapping[str, FieldSchema]:
        # Two documented names may differ in underscores only: each is found as it is written.
        return {fold(f.name): f for f in self.fields} | {f.name.casefold(): f for f in self.fields}

    @cached_property
    def by_column(self) -> Mapping[str, FieldSchema]:
        return {f.column: f for f in self.fields if f.column}

    def find(self, name: str) -> FieldSchema | None:
        """The field called `name` in any spelling, or None."""
        return self._by_name.get(name.casefold()) or self._by_name.get(fold(name))

    def field(self, name: str) -> FieldSchema:
        """The field called `name`; RequestError UNKNOWN_FIELD naming the nearest known one."""
        found = self.find(name)
        if found is None:
            known = [f.name for f in self.fields]
            raise RequestError(
                Code.UNKNOWN_FIELD,
                f"{self.name} has no field {name!r}.{nearest(name, known)}",
                field=name,
            )
        return found

    def relation(self, name: str) -> FieldSchema | None:
        """The lookup field behind `AccountObj` or `AccountIdObj`, or None."""
        folded = fold(name)
        if not folded.endswith("obj"):
            return None
        stem = folded[:-3]
        for candidate in (stem, stem + "id"):
            found = self._by_name.get(candidate)
            if found is not None and found.lookup is not None:
                return found
        return None

    @cached_property
    def lookups(self) -> tuple[FieldSchema, ...]:
        return tuple(f for f in self.fields if f.lookup is not None)

    @cached_property
    def external_keys(self) -> tuple[FieldSchema, ...]:
        return tuple(f for f in self.fields if f.external_key)
