"""Types whose values are text."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import models

from entities.errors import Code
from entities.fieldtypes.base import FieldType, Refused, register

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema


class _TextType(FieldType):
    pg_type = "text"
    free_text = True
    operators = FieldType.operators | {"LIKE", "||"}
    options = FieldType.options | {"DataLength", "EncryptedFlag"}
    sample = "Blue Harbor"

    def sql_type(self, field: "FieldSchema") -> str:
        return f"varchar({field.length})" if field.length else "text"

    def msgspec_type(self, field: "FieldSchema") -> Any:
        return Annotated[str, msgspec.Meta(max_length=field.length)] if field.length else str

    def check_column(self, decoded: list[Any], field: "FieldSchema") -> None:
        if "\0" in "".join([v for v in decoded if v is not None]):
            raise Refused(Code.INVALID_VALUE, "a NUL character")

    def decode_one(self, value: Any, field: "FieldSchema") -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise Refused(Code.INVALID_VALUE, f"is {_kind(value)}; send a text")
        text = value if isinstance(value, str) else str(value)
        if "\0" in text:
            raise Refused(Code.INVALID_VALUE, "contains a NUL character; remove it")
        if field.length and len(text) > field.length:
            raise Refused(
                Code.VALUE_TOO_LONG,
                f"has {len(text)} characters; at most {field.length} fit",
            )
        return text

    def text_column(self, values: list[Any]) -> list[str | None]:
        return values

    def wire_sql(self, expression: str) -> str:
        return expression


@register
class Text(_TextType):
    """One line of text, at most DataLength characters."""

    name = "TEXT"
    label = "Text"
    casts_from = frozenset(
        {"LONG_TEXT", "INTEGER", "DECIMAL", "MONEY", "PERCENT", "DATE", "DATETIME", "FLAG", "LIST"}
        | {"EMAIL", "URL", "LOOKUP"}
    )

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.CharField(max_length=field.length or 255)


@register
class LongText(_TextType):
    """Text of any length, several lines."""

    name = "LONG_TEXT"
    label = "Long text"
    casts_from = Text.casts_from | {"TEXT", "JSON"}
    options = Text.options - {"UniqueField", "ExternalKeyFlag", "DataLength"}
    sample = "Prefers invoices by e-mail.\nCall before the first delivery."

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.TextField()

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        return forms.CharField(widget=forms.Textarea, **kwargs)


class _CheckedText(_TextType):
    """Text with a form; every value of a column is looked at."""

    def decode(self, values: Any, field: "FieldSchema") -> Any:
        return self._decode_each(values, field)


@register
class Email(_CheckedText):
    """One e-mail address, or several separated by comma or semicolon."""

    name = "EMAIL"
    label = "E-mail"
    casts_from = frozenset({"TEXT", "LONG_TEXT"})
    sample = "billing@example.com"

    def decode_one(self, value: Any, field: "FieldSchema") -> str:
        text = super().decode_one(value, field)
        for address in re.split(r"[;,]", text):
            try:
                validate_email(address.strip())
            except ValidationError:
                raise Refused(
                    Code.INVALID_VALUE,
                    f"has {address.strip()!r}; send an e-mail address like name@example.com",
                ) from None
        return text

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.CharField(max_length=field.length or 254)


@register
class Url(_CheckedText):
    """A web address."""

    name = "URL"
    label = "Web address"
    casts_from = frozenset({"TEXT", "LONG_TEXT"})
    sample = "https://www.example.com"
    _validator = URLValidator(schemes=["http", "https"])

    def decode_one(self, value: Any, field: "FieldSchema") -> str:
        text = super().decode_one(value, field)
        try:
            self._validator(text)
        except ValidationError:
            raise Refused(
                Code.INVALID_VALUE,
                f"is {text!r}; send an address that begins with https:// or http://",
            ) from None
        return text

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.CharField(max_length=field.length or 2000)


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", dict: "an object", list: "a list"}
    return kinds.get(type(value), f"a {type(value).__name__}")
