"""DataLength: how large the values of a field may be, as it is written in ENTITY_FIELD.

A text has its most characters ("255"), a number its digits and how many of them stand after the
point ("28,10"), a whole number the digits of its width in bits ("10" or "19").
"""

import re

from entities.errors import Code
from entities.fieldtypes.base import Refused, get

#: Most characters that a text of the type may be given.
_MOST = {"TEXT": 4000, "EMAIL": 1000, "URL": 2048, "LIST": 100}
_MOST_DIGITS = 38
_DEFAULTS = {
    "TEXT": "255",
    "EMAIL": "254",
    "URL": "2000",
    "LIST": "100",
    "DECIMAL": "28,10",
    "MONEY": "28,10",
    "PERCENT": "16,6",
}
_WRITTEN = re.compile(r"([0-9]{1,9})(?:,([0-9]{1,9}))?")

Size = tuple[int | None, int | None, int]


def default_length(data_type: str) -> str | None:
    """The DataLength of a new field of the type for which none was given; None for no limit."""
    return _DEFAULTS.get(data_type)


def check_length(data_type: str, data_length: str | None) -> Size:
    """DataLength of a field of the type -> (characters, digits, places); raises Refused."""
    kind = get(data_type)
    if data_length is None:
        return None, None, 0
    if "DataLength" not in kind.options:
        raise Refused(Code.INVALID_VALUE, f"is for no {data_type}; leave it out")
    written = _WRITTEN.fullmatch(data_length)
    first, second = written.groups() if written else (None, None)
    if kind.pg_type == "bigint":
        if second is not None or first not in ("10", "19"):
            raise Refused(
                Code.INVALID_VALUE, f'is {data_length!r}; send "10" for 32 bits or "19" for 64'
            )
    elif kind.pg_type == "numeric":
        if not (first and second) or not int(second) <= int(first) <= _MOST_DIGITS or first == "0":
            raise Refused(
                Code.INVALID_VALUE,
                f'is {data_length!r}; send "digits,places" such as "28,10": at most '
                f"{_MOST_DIGITS} digits, and no more places than digits",
            )
    elif first is None or second is not None or not 1 <= int(first) <= _MOST[data_type]:
        raise Refused(
            Code.INVALID_VALUE,
            f"is {data_length!r}; send a whole number from 1 to {_MOST[data_type]}",
        )
    return size_of(data_type, data_length)


def size_of(data_type: str, data_length: str | None) -> Size:
    """What DataLength says, within the platform's own limits or not; ValueError for nonsense."""
    if not data_length:
        return None, None, 0
    written = _WRITTEN.fullmatch(data_length)
    if written is None:
        raise ValueError(f"DataLength {data_length!r} is no length")
    first, places = int(written[1]), int(written[2] or 0)
    if first < 1 or places > first:
        raise ValueError(f"DataLength {data_length!r} is no length")
    if get(data_type).pg_type in ("numeric", "bigint"):
        return None, first, places
    return first, None, 0
