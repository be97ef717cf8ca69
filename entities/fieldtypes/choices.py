"""Flags and values from lists."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.db import models

from entities.errors import Code
from entities.fieldtypes.base import FieldType, Refused, register, shown
from entities.fieldtypes.textform import array_literal

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema

_FLAGS = {"1": True, "0": False, "true": True, "false": False}
_SHOWN = 12


@register
class Flag(FieldType):
    """Yes or no; "1" and "0" on the wire, true and false accepted; off when not set."""

    name = "FLAG"
    label = "Check box"
    pg_type = "boolean"
    operators = frozenset({"=", "<>", "IN"})
    casts_from = frozenset({"INTEGER", "TEXT", "LIST"})
    options = frozenset(
        {"DefaultValue", "DefaultFormula", "ImmutableFlag", "SetOnceFlag", "PIIFlag"}
    )
    sample = "1"

    def msgspec_type(self, field: "FieldSchema") -> Any:
        return bool

    def decode_one(self, value: Any, field: "FieldSchema") -> bool:
        flag = _FLAGS.get(str(value).strip().casefold())
        if flag is None:
            raise Refused(Code.INVALID_VALUE, f'is {shown(value)}; send "1" or "0"')
        return flag

    def text_column(self, values: list[Any]) -> list[str | None]:
        return [None if v is None else "t" if v else "f" for v in values]

    def wire_sql(self, expression: str) -> str:
        return f"({expression})::int::text"

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.BooleanField(default=False)

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        return forms.BooleanField(**kwargs | {"required": False})


def offered(field: "FieldSchema", held: Any = None) -> list[tuple[str, str]]:
    """What a form may choose from: the values in use, and those that the record holds already."""
    values = list(field.list_values.values())
    kept = [held] if isinstance(held, str) else list(held or ())
    offer = [(v, v) for v in values if v not in field.retired]
    offer += [(v, f"{v} (retired)") for v in kept if v in field.retired]
    return offer + [(v, f"{v} (not in the list)") for v in kept if v and v not in values]


def choosable(text: str, values: list[str]) -> str:
    """The values that can be taken, in words; of many those first that are most like `text`."""
    if len(values) <= _SHOWN:
        return ", ".join(values)
    folded = {value.casefold(): value for value in values}
    like = [folded[name] for name in get_close_matches(text.casefold(), folded)]
    named = [*like, *(v for v in values if v not in like)][:_SHOWN]
    return f"{', '.join(named)} or {len(values) - _SHOWN} more"


def _listed(text: str, field: "FieldSchema") -> str:
    """The list's own spelling of `text`; a field without values takes any text."""
    if not field.list_values:
        return text
    value = field.list_values.get(text.casefold())
    if value is None:
        raise Refused(
            Code.VALUE_NOT_IN_LIST,
            f"is {text!r}; use one of {choosable(text, list(field.list_values.values()))}",
        )
    return value


@register
class List(FieldType):
    """One of the field's ENTITY_FIELD_VALUES; found in any spelling of case, kept in the list's."""

    name = "LIST"
    label = "List"
    pg_type = "text"
    free_text = True
    operators = FieldType.operators | {"LIKE", "||"}
    casts_from = frozenset({"TEXT", "INTEGER", "FLAG"})
    options = FieldType.options | {"DataLength"}
    listed = True
    sample = "NEW"

    def sql_type(self, field: "FieldSchema") -> str:
        return f"varchar({field.length or 100})"

    def msgspec_type(self, field: "FieldSchema") -> Any:
        return str

    def check_column(self, decoded: list[Any], field: "FieldSchema") -> None:
        if not set(field.list_values.values()).issuperset(v for v in decoded if v is not None):
            raise Refused(Code.VALUE_NOT_IN_LIST, "not all in the list as spelled")

    def decode_one(self, value: Any, field: "FieldSchema") -> str:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Refused(Code.INVALID_VALUE, "is no text; send one of the list's values")
        text = str(value)
        if "\0" in text:
            raise Refused(Code.INVALID_VALUE, "contains a NUL character; remove it")
        return _listed(text, field)

    def text_column(self, values: list[Any]) -> list[str | None]:
        return values

    def wire_sql(self, expression: str) -> str:
        return expression

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.CharField(max_length=field.length or 100)

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        held = kwargs.pop("held", None)
        if not field.list_values:
            return forms.CharField(max_length=field.length or 100, **kwargs)
        choices = offered(field, held)
        if not kwargs.get("required") or kwargs.get("initial") is None:
            choices.insert(0, ("", "---------"))
        return forms.ChoiceField(choices=choices, **kwargs)


@register
class MultiList(FieldType):
    """Several of the field's values; a JSON list, or one text with semicolons between them."""

    name = "MULTI_LIST"
    label = "List, several values"
    pg_type = "text[]"
    free_text = True
    operators = frozenset({"=", "<>"})
    casts_from = frozenset({"LIST"})
    options = FieldType.options - {"UniqueField", "ExternalKeyFlag", "SearchableFlag"}
    listed = True
    sample = "NEW"

    def msgspec_type(self, field: "FieldSchema") -> Any:
        return list[str]

    def decode(self, values: Any, field: "FieldSchema") -> Any:
        return self._decode_each(values, field)

    def decode_one(self, value: Any, field: "FieldSchema") -> list[str]:
        parts = value.split(";") if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(p, str) for p in parts):
            raise Refused(Code.INVALID_VALUE, 'is no list; send ["A", "B"] or "A;B"')
        if any("\0" in part for part in parts):
            raise Refused(Code.INVALID_VALUE, "contains a NUL character; remove it")
        return list(dict.fromkeys(_listed(part.strip(), field) for part in parts if part.strip()))

    def text_column(self, values: list[Any]) -> list[str | None]:
        return [None if v is None else array_literal(v) for v in values]

    def wire_sql(self, expression: str) -> str:
        return f"array_to_string({expression}, ';')"

    def model_field(self, field: "FieldSchema") -> models.Field:
        return ArrayField(models.TextField())

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        held = kwargs.pop("held", None)
        if not field.list_values:
            return forms.CharField(**kwargs)
        return forms.MultipleChoiceField(choices=offered(field, held), **kwargs)
