"""The language of formulas a second time, in Python, and random sentences of it.

It shares nothing with the product: an expression is its text together with a function that computes
its value from a record. Numbers are fractions, a missing value is None, logic has three values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

Record = dict[str, Any]


@dataclass(frozen=True)
class Sentence:
    """A formula with what it should yield."""

    kind: str
    text: str
    value: Callable[[Record], Any]


#: The fields of the record.
FIELDS = {"N": "number", "M": "number", "T": "text", "U": "text", "D": "date", "E": "date"} | {
    "F": "flag",
    "G": "flag",
}
CHARACTERS = "ab%'_\\{}é"
RECORDS = st.fixed_dictionaries(
    {
        "N": st.none() | st.integers(-50, 50).map(Fraction),
        "M": st.none() | st.integers(-400, 400).map(lambda n: Fraction(n, 4)),
        "T": st.none() | st.text(CHARACTERS, min_size=1, max_size=4),
        "U": st.none() | st.text(CHARACTERS, min_size=1, max_size=4),
        "D": st.none() | st.dates(),
        "E": st.none() | st.dates(date(2024, 1, 1), date(2024, 3, 31)),
        "F": st.none() | st.booleans(),
        "G": st.none() | st.booleans(),
    }
)


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Null if any argument is."""
    return lambda *values: None if None in values else function(*values)


def _texts(function: Callable[..., str]) -> Callable[..., Any]:
    return _strict(lambda *values: function(*values) or None)


def _and(*values: bool | None) -> bool | None:
    return False if False in values else None if None in values else True


def _or(*values: bool | None) -> bool | None:
    return True if True in values else None if None in values else False


def _half_away(number: Fraction, places: int) -> Fraction:
    scaled = abs(number) * 10**places
    rounded = Fraction((2 * scaled + 1).__floor__() // 2, 10**places)
    return rounded if number >= 0 else -rounded


def _truncated(number: Fraction) -> int:
    return int(number)


def _mod(a: Fraction, b: Fraction) -> Fraction | None:
    return a - b * _truncated(a / b) if b else None


def _quotient(a: Fraction, b: Fraction) -> Fraction | None:
    return _half_away(a / b, 6) if b else None


def _later(day: date, days: Fraction) -> date | None:
    try:
        return day + timedelta(_truncated(days))
    except OverflowError:
        return None


def _add_months(day: date, months: Fraction) -> date | None:
    count = day.year * 12 + day.month - 1 + _truncated(months)
    if not 12 <= count < 120_000:
        return None
    for last in range(day.day, 27, -1):
        try:
            return date(count // 12, count % 12 + 1, last)
        except ValueError:
            continue
    return date(count // 12, count % 12 + 1, day.day)


def _made_date(y: Fraction, m: Fraction, d: Fraction) -> date | None:
    try:
        return date(_truncated(y), _truncated(m), _truncated(d))
    except (ValueError, OverflowError):
        return None


def _last_day(day: date) -> date:
    return _add_months(day.replace(day=1), Fraction(1)) - timedelta(1)  # type: ignore[operator]


def _substr(text: str, start: Fraction, length: Fraction) -> str:
    first, count = _truncated(start), max(_truncated(length), 0)
    if first < 0:
        return text[first:][:count] if len(text) >= -first else ""
    return text[max(first, 1) - 1 :][:count]


def _like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_like(text[n:], pattern[1:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and _like(text[1:], pattern[1:])


def _number_of(text: str) -> Fraction | None:
    stripped = text.strip(" ")
    digits = stripped.removeprefix("-") if stripped.startswith("-") else stripped.removeprefix("+")
    plain = digits.replace(".", "", 1)
    return Fraction(stripped) if plain.isdecimal() and digits != "." else None


def _shown(number: Fraction) -> str:
    """Exactly, without zeros at the end; only fractions of tens come here."""
    sign, rest = "-" if number < 0 else "", abs(number)
    whole, part = divmod(rest, 1)
    figures = ""
    while part:
        digit, part = divmod(part * 10, 1)
        figures += str(digit)
    return f"{sign}{whole}{'.' if figures else ''}{figures}"


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Fraction):
        return _shown(value)
    return value.isoformat() if isinstance(value, date) else value


#: (result, template, kinds of the arguments, value)
GRAMMAR: list[tuple[str, str, str, Callable[..., Any]]] = [
    *(
        (kind, "IF({}, {}, {})", f"flag {kind} {kind}", lambda c, a, b: a if c is True else b)
        for kind in ("number", "text", "date", "flag")
    ),
    *(
        (kind, "NVL({}, {})", f"{kind} {kind}", lambda a, b: b if a is None else a)
        for kind in ("number", "text", "date", "flag")
    ),
    *(
        ("number", "CASE({}, {}, {}, {}, {}, {})", f"{k} {k} number {k} number number",
         lambda x, a, r, b, s, e: (
             r if x is not None and x == a else s if x is not None and x == b else e))
        for k in ("number", "text", "date", "flag")
    ),
    ("number", "({} + {})", "number number", _strict(lambda a, b: a + b)),
    ("number", "({} - {})", "number number", _strict(lambda a, b: a - b)),
    ("number", "({} * {})", "number number", _strict(lambda a, b: a * b)),
    ("number", "ROUND({} / {}, 6)", "number number", _strict(_quotient)),
    ("number", "MOD({}, {})", "number number", _strict(_mod)),
    ("number", "(-{})", "number", _strict(lambda a: -a)),
    ("number", "ABS({})", "number", _strict(abs)),
    ("number", "ROUND({}, 1)", "number", _strict(lambda a: _half_away(a, 1))),
    ("number", "TRUNC({})", "number", _strict(lambda a: Fraction(_truncated(a)))),
    ("number", "CEIL({})", "number", _strict(lambda a: Fraction(a.__ceil__()))),
    ("number", "FLOOR({})", "number", _strict(lambda a: Fraction(a.__floor__()))),
    ("number", "MIN({}, {})", "number number", _strict(min)),
    ("number", "MAX({}, {}, {})", "number number number", _strict(max)),
    ("number", "LENGTH({})", "text", _strict(lambda t: Fraction(len(t)))),
    ("number", "NUMBER({})", "text", _strict(_number_of)),
    ("number", "({} - {})", "date date", _strict(lambda a, b: Fraction((a - b).days))),
    ("number", "DAYSBETWEEN({}, {})", "date date", _strict(lambda a, b: Fraction((b - a).days))),
    ("number", "YEAR({})", "date", _strict(lambda d: Fraction(d.year))),
    ("number", "MONTH({})", "date", _strict(lambda d: Fraction(d.month))),
    ("number", "DAY({})", "date", _strict(lambda d: Fraction(d.day))),
    ("text", "({} & {})", "text text", lambda a, b: ((a or "") + (b or "")) or None),
    ("text", "({} || {} || {})", "number date flag",
     lambda *parts: "".join(map(_as_text, parts)) or None),
    ("text", "TEXT({})", "number", _strict(_as_text)),
    ("text", "UPPER({})", "text", _texts(str.upper)),
    ("text", "LOWER({})", "text", _texts(str.lower)),
    ("text", "TRIM({})", "text", _texts(lambda t: t.strip(" "))),
    ("text", "LEFT({}, {})", "text number",
     _texts(lambda t, n: t[: max(_truncated(n), 0)])),
    ("text", "RIGHT({}, {})", "text number",
     _texts(lambda t, n: t[-_truncated(n) :] if _truncated(n) > 0 else "")),
    ("text", "SUBSTR({}, {}, {})", "text number number", _texts(_substr)),
    ("text", "REPLACE({}, {}, {})", "text text text",
     lambda t, a, b: t and ((t.replace(a, b or "") if a else t) or None)),
    ("date", "({} + {})", "date number", _strict(_later)),
    ("date", "({} - {})", "date number", _strict(lambda d, n: _later(d, -n))),
    ("date", "ADDMONTHS({}, {})", "date number", _strict(_add_months)),
    ("date", "LASTDAY({})", "date", _strict(_last_day)),
    ("date", "DATE({}, {}, {})", "number number number", _strict(_made_date)),
    ("date", "GREATEST({}, {})", "date date", _strict(max)),
    ("flag", "({} AND {})", "flag flag", _and),
    ("flag", "({} OR {} OR {})", "flag flag flag", _or),
    ("flag", "(NOT {})", "flag", _strict(lambda f: not f)),
    ("flag", "ISBLANK({})", "text", lambda t: t is None),
    ("flag", "({} IS NOT NULL)", "date", lambda d: d is not None),
    ("flag", "({} = '')", "number", lambda n: n is None),
    ("flag", "CONTAINS({}, {})", "text text", _strict(lambda a, b: b in a)),
    ("flag", "BEGINS({}, {})", "text text", _strict(str.startswith)),
    ("flag", "({} LIKE {})", "text text", _strict(_like)),
    ("flag", "({} BETWEEN {} AND {})", "number number number",
     lambda a, b, c: _and(_strict(lambda x, y: x >= y)(a, b), _strict(lambda x, y: x <= y)(a, c))),
    ("flag", "({} NOT IN ({}, {}))", "number number number",
     lambda a, *b: _and(*(_strict(lambda x, y: x != y)(a, one) for one in b))),
    *(
        ("flag", f"({{}} {sign} {{}})", f"{kind} {kind}", _strict(compare))
        for kind in ("number", "date")
        for sign, compare in (
            ("=", lambda a, b: a == b),
            ("<>", lambda a, b: a != b),
            ("<", lambda a, b: a < b),
            (">=", lambda a, b: a >= b),
        )
    ),
    ("flag", "({} = {})", "text text", _strict(lambda a, b: a == b)),
    ("flag", "({} <> {})", "flag flag", _strict(lambda a, b: a != b)),
]  # fmt: skip


def _leaf(kind: str) -> st.SearchStrategy[Sentence]:
    fields = st.sampled_from([name for name, k in FIELDS.items() if k == kind]).map(
        lambda name: Sentence(kind, f"{{!{name}}}", lambda record: record[name])
    )
    literals = {
        "number": st.integers(-9999, 9999).map(
            lambda n: Sentence(kind, f"({_shown(Fraction(n, 100))})", lambda _: Fraction(n, 100))
        ),
        "text": st.text(CHARACTERS, min_size=1, max_size=3).map(
            lambda t: Sentence(kind, "'" + t.replace("'", "''") + "'", lambda _: t)
        ),
        "flag": st.booleans().map(lambda f: Sentence(kind, str(f).upper(), lambda _: f)),
        "date": st.dates().map(lambda d: Sentence(kind, f"DATE('{d}')", lambda _: d)),
    }
    return fields | literals[kind]


@st.composite
def sentences(draw: Any, kind: str, depth: int = 4) -> Sentence:
    """A random formula of a kind."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(_leaf(kind))
    _, template, kinds, value = draw(st.sampled_from([g for g in GRAMMAR if g[0] == kind]))
    parts = [draw(sentences(k, depth - 1)) for k in kinds.split()]
    return Sentence(
        kind,
        template.format(*(p.text for p in parts)),
        lambda record: value(*(p.value(record) for p in parts)),
    )
