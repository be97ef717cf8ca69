"""Texts that are encrypted at rest: types of which each field has one of its own.

Such a type is its plain type in all but what is stored: its column holds tokens, made and read by
`metabrm.sealing`. Lengths, checks and forms are about the plain text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

from entities.errors import Code
from entities.fieldtypes.base import FieldType, Refused
from entities.fieldtypes.text import Email, LongText, Text, Url
from metabrm import sealing
from metabrm.fields import EncryptedField

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema


class _Sealed(FieldType):
    """What is different where values are sealed; mixed into the plain type."""

    operators = frozenset({"=", "<>", "IN"})
    casts_from = frozenset()
    free_text = False

    def __init__(self, place: str) -> None:
        self.place = place

    def sql_type(self, field: "FieldSchema") -> str:
        return "text"

    def decode(
        self, values: Sequence[Any], field: "FieldSchema"
    ) -> tuple[list[Any], dict[int, Refused]]:
        decoded, refused = super().decode(values, field)
        if not sealing.may_seal():
            for index, value in enumerate(decoded):
                if value is not None:
                    refused[index] = no_key()
        return decoded, refused

    def text_column(self, values: list[Any]) -> list[str | None]:
        return sealing.seal(self.place, values)

    def read_column(self, values: list[Any]) -> list[Any]:
        return sealing.opened(self.place, values)

    def model_field(self, field: "FieldSchema") -> models.Field:
        return EncryptedField(max_length=field.length)


class _SealedText(_Sealed, Text):
    pass


class _SealedLongText(_Sealed, LongText):
    pass


class _SealedEmail(_Sealed, Email):
    pass


class _SealedUrl(_Sealed, Url):
    pass


_SEALED: dict[str, type[_Sealed]] = {
    "TEXT": _SealedText,
    "LONG_TEXT": _SealedLongText,
    "EMAIL": _SealedEmail,
    "URL": _SealedUrl,
}
#: Names of the types whose values can be encrypted at rest.
SEALABLE = tuple(_SEALED)


def sealed(kind: FieldType, table: str, column: str) -> FieldType:
    """The type of an encrypted field of type `kind` over the column; KeyError if there is none."""
    return _SEALED[kind.name](sealing.place(table, column))


def no_key() -> Refused:
    """Why nothing can be encrypted here."""
    return Refused(
        Code.FIELD_KEY_MISSING,
        "can't be encrypted: the operator has to give the platform a key in the environment "
        "variable BRM_FIELD_KEYS",
    )
