"""Parameters as they are sent, by names and texts: over the API, or from a form."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from entities.errors import Code, RequestError, nearest
from entities.schema.description import fold

_LONGEST_ID = 18
#: Digits of a quantity before the point, and behind it.
_DIGITS, _PLACES = 20, 10


def read(sent: Mapping[str, Any], parameters: Iterable[str]) -> dict[str, str]:
    """Parameter -> text, of those that were sent with a value, in whatever case."""
    names = {fold(name): name for name in parameters}
    given: dict[str, str] = {}
    for name, value in sent.items():
        known = names.get(fold(name))
        if known is None:
            raise RequestError(
                Code.UNKNOWN_FIELD,
                f"There is no parameter {name[:80]!r}.{nearest(name, list(names.values()))} There "
                f"are {', '.join(names.values())}.",
                field=name[:80],
            )
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal | None):
            raise wrong(known, value, "Send a text or a number.")
        if value is not None and str(value).strip():
            given[known] = str(value).strip()
    return given


def wrong(name: str, value: object, right: str) -> RequestError:
    """That a parameter can't be what was sent, and what would be right."""
    return RequestError(
        Code.INVALID_VALUE, f"{name} can't be {str(value)[:80]!r}. {right}", field=name
    )


def id_of(given: Mapping[str, str], name: str) -> int | None:
    """The Id of a record; None where it was not sent."""
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID):
        raise wrong(name, text, "Send the Id of a record, such as 1001.")
    return int(text)


def number_of(given: Mapping[str, str], name: str, digits: int = _DIGITS) -> Decimal | None:
    """A number of so many digits before the point; None where it was not sent."""
    text = given.get(name)
    if text is None:
        return None
    right = (
        f"Send a number such as 12.5, of at most {digits} digits before the point and {_PLACES} "
        f"behind it."
    )
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise wrong(name, text, right) from None
    if not number.is_finite():
        raise wrong(name, text, right)
    if number.adjusted() >= digits or int(number.as_tuple().exponent) < -_PLACES:
        raise wrong(name, text, right)
    return number
