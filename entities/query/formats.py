"""Oracle's format models: how TO_CHAR writes and TO_DATE reads dates, and TO_CHAR writes numbers.

A model is read into its elements here; each is one that PostgreSQL writes the same way, or is
refused by name. So no letter of a model is ever taken for something else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

#: Elements of dates, longest first where one begins another, and what PostgreSQL calls them.
_DATES: Mapping[str, str] = {
    **{name: name for name in ("YYYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "I", "Q", "CC")},
    "RRRR": "YYYY",
    "RR": "YY",
    "Y,YYY": "Y,YYY",
    **{name: name for name in ("MM", "RM", "WW", "W", "IW", "DDD", "DD", "D", "J")},
    **{name: name for name in ("HH24", "HH12", "HH", "MI", "SS", "AM", "PM", "A.M.", "P.M.")},
    "SSSSS": "SSSS",
    "FF": "US",
    "TZH": "TZH",
    "TZM": "TZM",
    "TZR": "TZ",
    **{f"FF{n}": f"FF{n}" for n in range(1, 7)},
}
#: Those whose case is that of what they write.
_NAMES = ("MONTH", "MON", "DAY", "DY")
_ELEMENT = re.compile(
    "|".join(
        [r'"[^"]*"', "FM", "FX"]
        + [re.escape(e) for e in sorted([*_DATES, *_NAMES], key=len, reverse=True)]
        + [r"[-/,.;: ]"]
    ),
    re.IGNORECASE,
)
_TIMES = ("HH", "MI", "SS", "AM", "PM", "A.M.", "P.M.", "FF", "TZ")
_MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER"),
    *("OCTOBER", "NOVEMBER", "DECEMBER"),
)
_NUMBER = re.compile(r"(FM)?(S|MI|\$)?(\$)?([90,G]*)(?:[.D]([90]*))?(S|MI|PR)?", re.IGNORECASE)


class Unknown(ValueError):
    """A format model holds what we don't know; the message names it and what is known."""


@dataclass(frozen=True, slots=True)
class NumberModel:
    """How TO_CHAR writes a number: PostgreSQL's model of the digits, and what stands around them.

    whole, places   digits before and after the point
    width           characters of the result, 0 without leading blanks
    sign            "" before the digits, or "S", "MI", "PR"; `leads`: S stands first
    """

    digits: str
    whole: int
    places: int
    width: int
    dollar: bool
    sign: str
    leads: bool


def elements(model: str) -> list[str]:
    """The elements of a date model as written; Unknown where one is none."""
    found: list[str] = []
    position = 0
    while position < len(model):
        match = _ELEMENT.match(model, position)
        if match is None:
            raise Unknown(
                f"{model[position : position + 20]!r} is no element of a date; there are YYYY, YY, "
                "RR, Q, MM, MON, MONTH, DD, DDD, D, DY, DAY, WW, W, IW, IYYY, J, HH24, HH12, MI, "
                'SS, AM, FF3, TZH, FM, punctuation and "text"'
            )
        found.append(match.group())
        position = match.end()
    return found


def date_template(model: str) -> str:
    """A date model as PostgreSQL's to_char takes it."""
    bare = False
    pieces: list[str] = []
    for element in elements(model):
        name = element.upper()
        if name == "FM":
            bare = not bare  # from here on, to PostgreSQL for one element only
        elif name == "FX":
            continue
        elif element.startswith('"') or name in "-/,.;: ":
            pieces.append(element)
        else:
            written = element if name in _NAMES else _DATES[name]
            pieces.append(f"FM{written}" if bare else written)
    return "".join(pieces)


def has_time(model: str) -> bool:
    """Whether a date model tells more than the day."""
    return any(e.upper().startswith(_TIMES) for e in elements(model) if not e.startswith('"'))


def readable(model: str) -> bool:
    """Whether any text can be read by the model: its year has four digits, no day is left open.

    Unknown where it holds what no text is read by.
    """
    names = {e.upper() for e in _read_elements(model)}
    days = "DDD" in names or ("DD" in names and names & {"MM", "MON", "MONTH"})
    return "YYYY" in names and bool(days)


def _read_elements(model: str) -> list[str]:
    """Those elements of a model that stand for something in a text; Unknown where none may."""
    found = [e for e in elements(model) if e[0] not in '"-/,.;: ' and e.upper() not in ("FM", "FX")]
    for element in found:
        if element.upper() not in _READ:
            raise Unknown(
                f"{element!r} can't be read from a text; write YYYY, MM, MON, DD, HH24, MI"
            )
    if len({e.upper() for e in found}) < len(found):
        raise Unknown("An element stands twice in the model")
    return found


def read_date(text: str, model: str, century: int) -> datetime:
    """What a text says by a date model, in UTC; ValueError if it does not fit.

    A day that the model leaves out is the first; YY is of the `century` (2000), RR of the nearer
    one. Unknown for a model without a year and month.
    """
    order = [e.upper() for e in _read_elements(model)]
    if not (set(order) & _YEARS and set(order) & {"MM", "MON", "MONTH", "DDD"}):
        raise Unknown("A date needs a year and a month at least, such as YYYY-MM-DD")
    pattern: list[str] = []
    for element in elements(model):
        name = element.upper()
        if element.startswith('"'):
            pattern.append(re.escape(element[1:-1]))
        elif name in "-/,.;: ":
            pattern.append("[-/,.;: ]")
        elif name in _READ:
            pattern.append(f"({_READ[name]})")
    found = re.fullmatch(r"\s*" + "".join(pattern) + r"\s*", text, re.IGNORECASE | re.ASCII)
    if found is None:
        raise ValueError(text)
    return _made(dict(zip(order, found.groups(), strict=True)), century)


_YEARS = {"YYYY", "RRRR", "YY", "RR"}
_READ: Mapping[str, str] = {
    "YYYY": r"\d{4}",
    "RRRR": r"\d{4}|\d\d",
    "YY": r"\d\d",
    "RR": r"\d{4}|\d\d",
    "MM": r"\d\d?",
    "MON": "[A-Z]{3}",
    "MONTH": "[A-Z]{3,9} *",
    "DD": r"\d\d?",
    "DDD": r"\d{1,3}",
    "HH24": r"\d\d?",
    "HH12": r"\d\d?",
    "HH": r"\d\d?",
    "MI": r"\d\d?",
    "SS": r"\d\d?",
    "AM": "[AP]M",
    "PM": "[AP]M",
}


def _made(said: dict[str, str], century: int) -> datetime:
    number = {name: int(text) for name, text in said.items() if text.isdecimal()}
    year = next(number[name] for name in said if name in _YEARS)
    if year < 100 and "YYYY" not in said:
        year += century - (100 if year >= 50 and "YY" not in said else 0)
    spelled = said.get("MONTH", said.get("MON", "")).strip().upper()
    month = _month(spelled, short="MON" in said) if spelled else number.get("MM", 1)
    day = number.get("DD", 1)
    if "DDD" in said:
        found = date.fromordinal(date(year, 1, 1).toordinal() + number["DDD"] - 1)
        if found.year != year:
            raise ValueError(number["DDD"])
        month, day = found.month, found.day
    hour = number.get("HH24", 0)
    half = number.get("HH12", number.get("HH"))
    if half is not None:
        if not 1 <= half <= 12:
            raise ValueError(half)
        afternoon = said.get("AM", said.get("PM", "AM")).upper() == "PM"
        hour = half % 12 + (12 if afternoon else 0)
    return datetime(year, month, day, hour, number.get("MI", 0), number.get("SS", 0), tzinfo=UTC)


def _month(spelled: str, *, short: bool) -> int:
    for number, name in enumerate(_MONTHS, 1):
        if spelled == (name[:3] if short else name):
            return number
    raise ValueError(spelled)


def number_model(model: str) -> NumberModel:
    """The parts of a model for numbers; Unknown where it is none."""
    match = _NUMBER.fullmatch(model)
    if match is None or not re.search("[90]", model) or len(model) > 60:
        raise Unknown(
            f"{model[:30]!r} is no model for numbers; write digits as 9 and 0, with comma, point, "
            "$, S, MI, PR and FM where needed, such as FM999,990.00"
        )
    bare, first, dollar, whole, places, last = match.groups()
    first, last = (first or "").upper(), (last or "").upper()
    if (first in ("S", "MI") and last) or first == "MI":
        raise Unknown("MI stands at the end of a model, and there is one sign")
    sign = last or (first if first == "S" else "")
    digits = whole.upper().replace("G", ",") + ("" if places is None else "." + places)
    has_dollar = bool(dollar) or first == "$"
    width = len(digits) + has_dollar + (2 if sign == "PR" else 1)
    return NumberModel(
        digits,
        sum(c in "90" for c in whole),
        len(places or ""),
        0 if bare else width,
        has_dollar,
        sign,
        first == "S",
    )
