"""What a data type is: one class that owns everything about the values of a kind of field.

Values cross the house in three forms. On the wire they are JSON strings, numbers or booleans; in
Python they are what `decode` returns; in the database they are a column of `sql_type`. Decoding
works on a whole column of a batch at once: msgspec checks and converts a list in C, and only when
it refuses does the slow path look at the values one by one to say which is wrong and why.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from django import forms
from django.db import models

from entities.errors import Code

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema


def shown(value: Any) -> str:
    """What was sent, as it is on the wire."""
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds: dict[type, str] = {dict: "an object", list: "a list"}
    return kinds.get(type(value)) or repr(value)


class Refused(ValueError):
    """A single value is not one of this type; carries the code and a message without the field."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class FieldType:
    """Base of all data types; a subclass is stateless and registered under its `name`."""

    name: ClassVar[str]
    label: ClassVar[str]
    #: PostgreSQL type for casts and arrays, without a length.
    pg_type: ClassVar[str]
    #: What a query may do with the field.
    operators: ClassVar[frozenset[str]] = frozenset(
        {"=", "<>", "<", "<=", ">", ">=", "IN", "BETWEEN"}
    )
    #: Names of the types whose stored values may be cast to this one.
    casts_from: ClassVar[frozenset[str]] = frozenset()
    #: Whether the type has a column of its own.
    stored: ClassVar[bool] = True
    #: Whether the text form may hold characters that COPY and array literals must escape.
    free_text: ClassVar[bool] = False
    #: Fields of ENTITY_FIELD that shape one of this type; none where only the platform makes it.
    options: ClassVar[frozenset[str]] = frozenset(
        {"RequiredFlag", "UniqueField", "ExternalKeyFlag", "SearchableFlag", "ImmutableFlag"}
        | {"SetOnceFlag", "PIIFlag", "DefaultValue", "DefaultFormula"}
    )
    #: Whether a field of this type has a list of values.
    listed: ClassVar[bool] = False
    #: A realistic value as it is on the wire.
    sample: ClassVar[Any] = None
    #: What the values of the one field that has this type are sealed for; "" where they are not.
    place: str = ""

    def sql_type(self, field: "FieldSchema") -> str:
        """The column's type in DDL."""
        return self.pg_type

    def msgspec_type(self, field: "FieldSchema") -> Any:
        """The annotation by which msgspec checks one value of the column."""
        return Any

    def decode(
        self, values: Sequence[Any], field: "FieldSchema"
    ) -> tuple[list[Any], dict[int, Refused]]:
        """Wire values of one field over a batch (None = not set) -> values, refusals by index."""
        try:
            decoded = msgspec.convert(values, field.column_type, strict=False)
            self.check_column(decoded, field)
            return decoded, {}
        except (msgspec.ValidationError, Refused, ArithmeticError):
            return self._decode_each(values, field)

    def _decode_each(
        self, values: Sequence[Any], field: "FieldSchema"
    ) -> tuple[list[Any], dict[int, Refused]]:
        decoded: list[Any] = []
        refused: dict[int, Refused] = {}
        for index, value in enumerate(values):
            try:
                decoded.append(None if value is None else self.decode_one(value, field))
            except Refused as refusal:
                decoded.append(None)
                refused[index] = refusal
        return decoded, refused

    def check_column(self, decoded: list[Any], field: "FieldSchema") -> None:
        """Fast checks msgspec can't make; raise Refused to have each value looked at."""

    def decode_one(self, value: Any, field: "FieldSchema") -> Any:
        """One wire value -> Python value; raises Refused saying what would be right."""
        raise NotImplementedError

    def text_column(self, values: list[Any]) -> list[str | None]:
        """Python values of a column -> the database's text form of each, None for null."""
        return [None if value is None else str(value) for value in values]

    def read_column(self, values: list[Any]) -> list[Any]:
        """What the database gives for a column -> Python values."""
        return values

    def same(self, value: Any, stored: Any) -> bool:
        """Whether a decoded value and the one that the database gives are one and the same."""
        return bool(value == stored)

    def wire_sql(self, expression: str) -> str:
        """SQL over `expression` whose JSON form is the wire form (a string, or null)."""
        return f"({expression})::text"

    def literal(self, text: str) -> Any:
        """A literal of a query, as written -> the value to compare with; raises Refused."""
        return self.decode_one(text, _UNBOUNDED)

    def model_field(self, field: "FieldSchema") -> models.Field:
        """The Django field for a run-time model."""
        raise NotImplementedError

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        """The form field for the admin; `kwargs` are label, required, help_text, initial.

        A type with a list also takes `held`, what the record holds already.
        """
        return forms.CharField(**kwargs)


class _Unbounded:
    """Stands for a field without length, list or digits, where only the type matters."""

    length = None
    digits = None
    places = None
    lookup = None
    list_values: dict[str, str] = {}


_UNBOUNDED: Any = _Unbounded()

_registry: dict[str, FieldType] = {}


def register(cls: type[FieldType]) -> type[FieldType]:
    """Class decorator: make the type available under its name."""
    _registry[cls.name] = cls()
    return cls


def get(name: str) -> FieldType:
    """The type registered under `name`; KeyError if there is none."""
    return _registry[name]


def names() -> list[str]:
    """Names of all data types, in the order they were registered."""
    return list(_registry)
