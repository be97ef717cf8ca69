"""A question about a price as it is sent, by names and texts: over the API, or from a form."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from billing.rating.explaining import Json, Question, explain, explain_line
from entities.errors import Code, RequestError, nearest
from entities.schema.description import fold
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

#: Name of a parameter -> what it says.
PARAMETERS = {
    "AccountId": "The account that is charged.",
    "ProductId": "The product that is charged for.",
    "AccountProductId": "The account product that is charged for; it says whose and of what it is.",
    "PackageProductId": "The product's place in a package.",
    "Quantity": "How many units; that of the account product, or 1, where it is not sent.",
    "Day": "The day whose prices count, such as 2026-06-15; today where it is not sent.",
    "Before": "How many units the sum over tiers had reached before; 0 where it is not sent.",
    "OriginationCountryCodeId": "Where the usage comes from, where prices are for two locations.",
    "DestinationCountryCodeId": "Where it goes to.",
    "ChargeType": "The kind of charge, where prices between locations are for one.",
    "CurrencyCode": "The currency of the prices; that of whoever pays where it is not sent.",
    "ActivityId": "A line, which says all of this itself; it is sent alone.",
}
_BY_FOLDED = {fold(name): name for name in PARAMETERS}
_LONGEST_ID = 18
_LONGEST_TEXT = 100
#: Digits of a quantity before the point, and behind it.
_DIGITS, _PLACES = 20, 10


def answered(sent: Mapping[str, Any], context: Context, snapshot: Snapshot) -> Json:
    """The explanation for what was sent; RequestError says what is wrong with it."""
    given: dict[str, str] = {}
    for name, value in sent.items():
        known = _BY_FOLDED.get(fold(name))
        if known is None:
            raise RequestError(
                Code.UNKNOWN_FIELD,
                f"There is no parameter {name[:80]!r}.{nearest(name, list(PARAMETERS))} There are "
                f"{', '.join(PARAMETERS)}.",
                field=name[:80],
            )
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal | None):
            raise _wrong(known, value, "Send a text or a number.")
        if value is not None and str(value).strip():
            given[known] = str(value).strip()
    line = _id(given, "ActivityId")
    if line is not None:
        others = sorted(given.keys() - {"ActivityId"})
        if others:
            raise RequestError(
                Code.INVALID_VALUE,
                f"A line says itself what was asked. Leave out {', '.join(others)}, or ActivityId.",
                field=others[0],
            )
        return explain_line(line, context, snapshot)
    return explain(
        Question(
            account_id=_id(given, "AccountId"),
            product_id=_id(given, "ProductId"),
            account_product_id=_id(given, "AccountProductId"),
            package_product_id=_id(given, "PackageProductId"),
            quantity=_number(given, "Quantity"),
            day=_day(given),
            before=_number(given, "Before") or Decimal(0),
            origin_id=_id(given, "OriginationCountryCodeId"),
            destination_id=_id(given, "DestinationCountryCodeId"),
            charge_type=_short(given, "ChargeType"),
            currency=given.get("CurrencyCode", "").upper() or None,
        ),
        context,
        snapshot,
    )


def _wrong(name: str, value: object, right: str) -> RequestError:
    return RequestError(
        Code.INVALID_VALUE, f"{name} can't be {str(value)[:80]!r}. {right}", field=name
    )


def _id(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID):
        raise _wrong(name, text, "Send the Id of a record, such as 1001.")
    return int(text)


def _number(given: Mapping[str, str], name: str) -> Decimal | None:
    text = given.get(name)
    if text is None:
        return None
    right = "Send a number such as 12.5, of at most 20 digits before the point and 10 behind it."
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _wrong(name, text, right) from None
    if not number.is_finite():
        raise _wrong(name, text, right)
    if number.adjusted() >= _DIGITS or int(number.as_tuple().exponent) < -_PLACES:
        raise _wrong(name, text, right)
    return number


def _short(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    if text is not None and (len(text) > _LONGEST_TEXT or "\0" in text):
        raise _wrong(name, text, f"Send a text of at most {_LONGEST_TEXT} characters.")
    return text


def _day(given: Mapping[str, str]) -> date | None:
    text = given.get("Day")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong("Day", text, "Send a date such as 2026-06-15.") from None
