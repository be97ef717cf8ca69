"""Numbers: exact, never floating point."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from django import forms
from django.db import models

from entities.errors import Code
from entities.fieldtypes.base import FieldType, Refused, register, shown

if TYPE_CHECKING:
    from entities.schema.description import FieldSchema

INT4_DIGITS = 10
_INT4, _INT8 = 2**31 - 1, 2**63 - 1
_NUMBERS = frozenset({"INTEGER", "DECIMAL", "MONEY", "PERCENT", "TEXT", "LIST"})
_PLAIN = frozenset("0123456789+-.eE")


def plain(number: Decimal) -> str:
    """The number without exponent and needless zeros: 12.5000000000 -> 12.5, 1E+3 -> 1000."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


@register
class Integer(FieldType):
    """A whole number; DataLength 10 fits 32 bits, 19 (or none) 64."""

    name = "INTEGER"
    label = "Whole number"
    pg_type = "bigint"
    casts_from = _NUMBERS | {"FLAG", "LOOKUP"}
    options = FieldType.options | {"DataLength"}
    sample = "42"

    def sql_type(self, field: "FieldSchema") -> str:
        return "integer" if field.digits == INT4_DIGITS else "bigint"

    def msgspec_type(self, field: "FieldSchema") -> Any:
        most = self._most(field)
        return Annotated[int, msgspec.Meta(ge=-most - 1, le=most)]

    @staticmethod
    def _most(field: "FieldSchema") -> int:
        return _INT4 if field.digits == INT4_DIGITS else _INT8

    def decode_one(self, value: Any, field: "FieldSchema") -> int:
        number = to_decimal(value, "send a whole number such as 42")
        if number != number.to_integral_value():
            raise Refused(Code.INVALID_VALUE, f"is {value}; send a whole number such as 42")
        most = self._most(field)
        if not -most - 1 <= number <= most:
            raise Refused(
                Code.NUMBER_OUT_OF_RANGE, f"is {value}; it must lie between {-most - 1} and {most}"
            )
        return int(number)

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.BigIntegerField()

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        return forms.IntegerField(**kwargs)


@register
class Id(Integer):
    """The identity of a record; given by the platform."""

    name = "ID"
    label = "Id"
    casts_from = frozenset()
    options = frozenset()


@register
class DecimalNumber(FieldType):
    """An exact number; DataLength "28,10" means 28 digits, 10 of them after the point."""

    name = "DECIMAL"
    label = "Decimal number"
    pg_type = "numeric"
    casts_from = _NUMBERS
    options = FieldType.options | {"DataLength"}
    sample = "12.5"

    def sql_type(self, field: "FieldSchema") -> str:
        return f"numeric({field.digits},{field.places})" if field.digits else "numeric"

    def msgspec_type(self, field: "FieldSchema") -> Any:
        return Decimal

    def decode(
        self, values: Sequence[Any], field: "FieldSchema"
    ) -> tuple[list[Any], dict[int, Refused]]:
        # Decimal would also take underscores, blanks, NaN and other scripts' digits.
        if not _PLAIN.issuperset("".join([v for v in values if isinstance(v, str)])):
            return self._decode_each(values, field)
        return super().decode(values, field)

    def check_column(self, decoded: list[Any], field: "FieldSchema") -> None:
        present = [v for v in decoded if v is not None]
        if not present or field.digits is None:
            return
        bound = field.bound
        if not -bound < min(present) or not max(present) < bound:
            raise Refused(Code.NUMBER_OUT_OF_RANGE, "too large")
        if min([v.as_tuple().exponent for v in present]) < -field.places:
            raise Refused(Code.NUMBER_OUT_OF_RANGE, "too many places")

    def decode_one(self, value: Any, field: "FieldSchema") -> Decimal:
        number = to_decimal(value, "send a number such as 12.50")
        if field.digits is None:
            return number
        if abs(number) >= field.bound:
            raise Refused(
                Code.NUMBER_OUT_OF_RANGE,
                f"is {value}; at most {field.digits - field.places} digits fit before the point",
            )
        if round(number, field.places) != number:
            raise Refused(
                Code.NUMBER_OUT_OF_RANGE,
                f"is {value}; at most {field.places} digits fit after the point",
            )
        return number

    def wire_sql(self, expression: str) -> str:
        return f"trim_scale({expression})::text"

    def model_field(self, field: "FieldSchema") -> models.Field:
        return models.DecimalField(max_digits=field.digits or 28, decimal_places=field.places or 10)

    def form_field(self, field: "FieldSchema", **kwargs: Any) -> forms.Field:
        return forms.DecimalField(max_digits=field.digits, decimal_places=field.places, **kwargs)


@register
class Money(DecimalNumber):
    """An amount or a price, in the currency that the field named by CurrencySource holds."""

    name = "MONEY"
    label = "Money"
    options = DecimalNumber.options | {"CurrencySource"}
    sample = "149.9"


@register
class Percent(DecimalNumber):
    """A percentage: 12.5 means 12.5 per cent."""

    name = "PERCENT"
    label = "Percent"


def to_decimal(value: Any, remedy: str) -> Decimal:
    """A wire value -> Decimal, refusing what is no plain finite number."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, str) and _PLAIN.issuperset(value.strip()):
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            raise Refused(Code.INVALID_VALUE, f"is {value!r}; {remedy}") from None
    else:
        raise Refused(Code.INVALID_VALUE, f"is {shown(value)}; {remedy}")
    if not number.is_finite() or abs(number.adjusted()) > 400:
        raise Refused(Code.NUMBER_OUT_OF_RANGE, f"is {value}; {remedy}")
    return number
