"""Calendar dates and instants.

A DATE belongs to no time zone: it is what the contract says. A DATETIME is an instant: it is read
with its offset, or as UTC when it has none, and answered in UTC with the offset.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models

from entities.errors import Code
from entities.fieldtypes.base import FieldType, Refused, register, shown

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema


@register
class Date(FieldType):
    """A calendar date; an ISO timestamp is accepted and its date taken as written."""

    name = "DATE"
    label = "Date"
    pg_type = "date"
    casts_from = frozenset({"DATETIME", "TEXT"})
    sample = "2026-02-28"

    def msgspec_type(self, field: "FieldSchema") -> Any:
        return date

    def decode_one(self, value: Any, field: "FieldSchema") -> date:
        return _parse(value, "send a date such as 2026-02-28").date()

    def wire_sql(self, expression: str) -> str:
        return expression

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.DateField()

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        return forms.DateField(**kwargs)


@register
class DateTime(FieldType):
    """An instant, kept to the microsecond."""

    name = "DATETIME"
    label = "Date and time"
    pg_type = "timestamptz"
    casts_from = frozenset({"DATE", "TEXT"})
    sample = "2026-02-28T14:30:00Z"

    # msgspec would read a bare number as seconds since 1970.
    def decode(
        self, values: Sequence[Any], field: "FieldSchema"
    ) -> tuple[list[Any], dict[int, Refused]]:
        return self._decode_each(values, field)

    def decode_one(self, value: Any, field: "FieldSchema") -> datetime:
        instant = _parse(value, "send an instant such as 2026-02-28T14:30:00Z")
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)

    def wire_sql(self, expression: str) -> str:
        return expression

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.DateTimeField()

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        return forms.DateTimeField(**kwargs)


def _parse(value: Any, remedy: str) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if not isinstance(value, str):
        raise Refused(Code.INVALID_VALUE, f"is {shown(value)}; {remedy}")
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError as error:
        why = f" ({error})" if "out of range" in str(error) else ""
        raise Refused(
            Code.INVALID_VALUE, f"is {value!r}, which is no date{why}; {remedy}"
        ) from None
