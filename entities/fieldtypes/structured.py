"""Links to other records, documents, files, and values that are computed."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from django import forms
from django.db import models

from entities.errors import Code
from entities.fieldtypes.base import FieldType, Refused, register
from entities.fieldtypes.numbers import Integer

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema


@register
class Lookup(Integer):
    """Points to a record of another entity, by its Id or by the key that ReferencedColumn names."""

    name = "LOOKUP"
    label = "Lookup"
    operators = frozenset({"=", "<>", "IN"})
    casts_from = frozenset({"INTEGER"})
    options = (FieldType.options - {"ExternalKeyFlag"}) | {
        "ReferencedEntityId",
        "ReferencedColumn",
        "OnDelete",
    }
    sample = "1"
    # A lookup by key holds the key's text.
    free_text = True

    def sql_type(self, field: "FieldSchema") -> str:
        return "text" if field.lookup and field.lookup.by_key else super().sql_type(field)

    def msgspec_type(self, field: "FieldSchema") -> Any:
        return str if field.lookup and field.lookup.by_key else super().msgspec_type(field)

    def check_column(self, decoded: list[Any], field: "FieldSchema") -> None:
        if field.lookup and field.lookup.by_key and any(v and "\0" in v for v in decoded):
            raise Refused(Code.INVALID_VALUE, "a NUL character")

    def decode_one(self, value: Any, field: "FieldSchema") -> Any:
        if field.lookup and field.lookup.by_key:
            # An Id may come as a number.
            key = str(value) if type(value) is int else value
            if not isinstance(key, str) or "\0" in key:
                raise Refused(Code.INVALID_VALUE, f"send a {field.lookup.column_label}")
            return key
        return super().decode_one(value, field)

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.BigIntegerField(db_index=True)


# Numbers stay as they are written: a float would keep sixteen digits of them.
_read = msgspec.json.Decoder(float_hook=Decimal).decode
_write = msgspec.json.Encoder(decimal_format="number").encode


@register
class Json(FieldType):
    """Any JSON value, or the text of one."""

    name = "JSON"
    label = "JSON document"
    pg_type = "jsonb"
    free_text = True
    operators = frozenset()
    casts_from = frozenset({"LONG_TEXT", "TEXT"})
    options = FieldType.options - {"UniqueField", "ExternalKeyFlag", "SearchableFlag"}
    sample = {"color": "blue", "size": 42}

    def decode(self, values: Any, field: "FieldSchema") -> Any:
        return self._decode_each(values, field)

    def decode_one(self, value: Any, field: "FieldSchema") -> Any:
        try:
            document = _write(_read(value) if isinstance(value, str) else value).decode()
        except RecursionError:
            raise Refused(Code.INVALID_VALUE, "is nested too deep") from None
        except ValueError as error:
            raise Refused(Code.INVALID_VALUE, f"is no JSON: {error}") from None
        if "\\u0000" in document:
            raise Refused(Code.INVALID_VALUE, "contains a NUL character; remove it")
        return document

    def same(self, value: Any, stored: Any) -> bool:
        """Blanks and the order of keys make no other document."""
        read = [_read(v) if isinstance(v, str) else v for v in (value, stored)]
        return bool(read[0] == read[1])

    def text_column(self, values: list[Any]) -> list[str | None]:
        return values

    def wire_sql(self, expression: str) -> str:
        return expression

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.JSONField()

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        return forms.JSONField(**kwargs)


@dataclass(frozen=True, slots=True)
class HeldFile:
    """What a FILE column is to hold, `<key>/<file name>`, of a content that is stored.

    Only the platform makes one; nothing that is sent decodes to it, so nobody can write the key of
    another record's file.
    """

    text: str


@dataclass(frozen=True, slots=True)
class SentKey:
    """The key of a file that was uploaded beforehand; who may use it is found out by the write."""

    key: str


_KEY = re.compile(r"[0-9a-f]{32}")


def key_of(held: object) -> str:
    """The storage key in what a FILE column holds, as Django gives it."""
    return str(held).partition("/")[0]


def name_of(held: object) -> str:
    """The file's name in what a FILE column holds, as Django gives it."""
    return str(held).partition("/")[2]


@register
class File(FieldType):
    """A stored file; the column holds its key and its name, the wire shows the name."""

    name = "FILE"
    label = "File"
    pg_type = "text"
    operators = frozenset()
    options = frozenset({"RequiredFlag", "PIIFlag"})
    free_text = True

    def decode(self, values: Any, field: "FieldSchema") -> Any:
        return self._decode_each(values, field)

    def decode_one(self, value: Any, field: "FieldSchema") -> Any:
        if isinstance(value, HeldFile):
            return value.text
        if isinstance(value, str) and _KEY.fullmatch(value):
            return SentKey(value)
        raise Refused(
            Code.INVALID_VALUE,
            "is a file; upload it to /files/ENTITY/FIELD and send the Key of the answer",
        )

    def wire_sql(self, expression: str) -> str:
        return f"regexp_replace({expression}, '^.*/', '')"

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.CharField(max_length=500)

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        return forms.FileField(**kwargs)


@register
class Formula(FieldType):
    """Computed from other fields; never written."""

    name = "FORMULA"
    label = "Formula"
    pg_type = "text"
    stored = False
    options = frozenset({"FormulaValue", "FormulaDataType", "PIIFlag"})

    def decode_one(self, value: Any, field: "FieldSchema") -> Any:
        raise Refused(Code.FIELD_NOT_CHANGEABLE, "is computed; leave it out")
