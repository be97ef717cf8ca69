"""A piece of SQL, what kind of value it yields, and how large that can be.

A literal stays undecided until it meets what it is compared or combined with: `'42'` beside a
number is a number, beside a name it is a text, beside a date it is a mistake.

The bounds make the language total. A product of numbers has at most as many digits as its factors
together, a joined text as many characters as its parts: so what could overflow is known, and
refused, when the formula is saved, instead of failing the records of some batch later.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from entities.formulas.errors import FormulaError
from entities.formulas.kinds import Kind

#: Most digits of a number, before and after the point together; PostgreSQL has room for more.
MAX_DIGITS = 4_000
#: Most characters of a text.
MAX_CHARACTERS = 50_000_000
#: Most levels of a formula, with those of the formulas it refers to.
MAX_DEPTH = 100
#: Longest SQL of a formula, with that of the formulas it refers to.
MAX_SQL = 100_000

_PLAIN = re.compile(r"[A-Za-z0-9 _.,:;<>=@#*()/+-]*", re.ASCII)
_FLAGS = {"1": "true", "0": "false", "true": "true", "false": "false"}


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A value of the formula.

    sql       in parentheses or otherwise whole; of an undecided literal: not to be used
    position  where it stands in the text
    name      what to call it in messages, of a field or a function
    digits    most digits of a number before and after the point
    length    most characters of a text
    depth     levels of calls below and with it
    simple    a column or a constant: may be repeated at no cost
    literal   the text of an undecided literal; `quoted` if it stood in quotes
    bigint    a whole number as the database holds it, so that an index finds it; "" if it is none
    """

    sql: str
    kind: Kind
    position: int
    name: str = ""
    digits: tuple[int, int] = (30, 20)
    length: int = 100
    depth: int = 1
    simple: bool = False
    literal: str | None = field(default=None)
    quoted: bool = False
    bigint: str = ""

    @property
    def null(self) -> bool:
        """Whether it is no value: NULL, or the text '', which is none either, as in Oracle."""
        return self.kind is Kind.NULL or (self.quoted and self.literal == "")

    @property
    def called(self) -> str:
        return self.name or "This"


def text_sql(text: str) -> str:
    """A text as an SQL constant, in which nothing but letters, digits and harmless signs stands.

    No quote, backslash, percent sign or brace appears as itself: the SQL is put into statements
    that have placeholders and parameters.
    """
    if _PLAIN.fullmatch(text):
        return f"'{text}'::text"
    return f"E'{''.join(map(_escaped, text))}'::text"


def _escaped(character: str) -> str:
    if _PLAIN.fullmatch(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number_sql(number: Decimal) -> str:
    return f"'{number:f}'::numeric"


def null(kind: Kind, position: int) -> Term:
    return Term(f"NULL::{kind.pg_type}", kind, position, digits=(1, 0), length=0, simple=True)


def decided(term: Term, kind: Kind | None = None, beside: Term | None = None) -> Term:
    """The term as a value of `kind`: literals become it, a date may become an instant.

    Without `kind` a literal is what it looks like: a text if quoted, else a number. `beside` is
    what a literal is held to, for the message. Raises FormulaError if it can't be that.
    """
    if term.null:
        return null(kind or Kind.TEXT, term.position)
    if term.literal is None:
        if kind is None or term.kind is kind:
            return term
        if kind is Kind.DATETIME and term.kind is Kind.DATE:
            return _instant(term)
        _refuse(term, kind)
    if kind is None:
        kind = Kind.TEXT if term.quoted else Kind.NUMBER
    return _LITERALS[kind](term, term.literal, beside)


def _instant(term: Term) -> Term:
    return Term(
        f"({term.sql}::timestamp AT TIME ZONE 'UTC')",
        Kind.DATETIME,
        term.position,
        term.name,
        depth=term.depth + 1,
        simple=term.simple,
    )


def _refuse(term: Term, kind: Kind) -> NoReturn:
    remedy = {
        Kind.TEXT: " Put it into TEXT(…).",
        Kind.NUMBER: " Put it into NUMBER(…)." if term.kind in (Kind.TEXT, Kind.FLAG) else "",
        Kind.DATE: " Put it into DATE(…)." if term.kind in (Kind.TEXT, Kind.DATETIME) else "",
        Kind.DATETIME: "",
        Kind.FLAG: " Compare it with something, such as = 'A'.",
    }[kind]
    raise FormulaError(
        f"{term.called} is a {term.kind.noun}; a {kind.noun} belongs here.{remedy}", term.position
    )


def _mismatch(term: Term, text: str, what: str, beside: Term | None) -> NoReturn:
    shown = repr(text if len(text) <= 40 else text[:37] + "…") if term.quoted else text[:40]
    held = f"; {beside.name} is a {beside.kind.noun}" if beside and beside.name else ""
    raise FormulaError(f"{shown} is no {what}{held}.", term.position)


def _text(term: Term, text: str, beside: Term | None) -> Term:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise FormulaError(
            "Half a character (a lone surrogate) stands in this text; remove it.", term.position
        )
    return Term(text_sql(text), Kind.TEXT, term.position, length=len(text), simple=True)


def _number(term: Term, text: str, beside: Term | None) -> Term:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        _mismatch(term, text, "number", beside)
    if "_" in text or not text.isascii() or not number.is_finite():
        _mismatch(term, text, "number", beside)
    _, figures, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    before, after = max(len(figures) + exponent, 1), max(-exponent, 0)
    if before + after > 200:
        raise FormulaError("This number has more than 200 digits.", term.position)
    held = after == 0 and abs(number) < 2**63
    return Term(
        number_sql(number),
        Kind.NUMBER,
        term.position,
        digits=(before, after),
        simple=True,
        bigint=f"'{number:f}'::bigint" if held else "",
    )


def _date(term: Term, text: str, beside: Term | None) -> Term:
    try:
        found = (
            date.fromisoformat(text.strip()) if term.quoted and len(text.strip()) == 10 else None
        )
    except ValueError:
        found = None
    if found is None:
        _mismatch(term, text, "date such as '2026-02-28'", beside)
    return Term(f"'{found.isoformat()}'::date", Kind.DATE, term.position, simple=True)


def _datetime(term: Term, text: str, beside: Term | None) -> Term:
    try:
        found = datetime.fromisoformat(text.strip()) if term.quoted else None
        found = found and (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        _mismatch(term, text, "date and time such as '2026-02-28T14:30:00Z'", beside)
    return Term(f"'{found.isoformat()}'::timestamptz", Kind.DATETIME, term.position, simple=True)


def _flag(term: Term, text: str, beside: Term | None) -> Term:
    value = _FLAGS.get(text.strip().lower())
    if value is None:
        _mismatch(term, text, "flag; write TRUE or FALSE", beside)
    return Term(value, Kind.FLAG, term.position, simple=True)


_LITERALS = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.FLAG: _flag,
}


def unified(terms: list[Term]) -> tuple[Kind, list[Term]]:
    """The one kind of values that meet, and each of them as that kind.

    Literals take the kind of the first that is none; dates beside instants become instants.
    """
    settled = [t for t in terms if t.literal is None and not t.null]
    if not settled:
        literals = [t for t in terms if not t.null]
        kind = Kind.TEXT if all(t.quoted for t in literals) else Kind.NUMBER
        return kind, [decided(t, kind) for t in terms]
    first = settled[0]
    kinds = {t.kind for t in settled}
    kind = first.kind
    if kinds == {Kind.DATE, Kind.DATETIME}:
        kind = Kind.DATETIME
    for term in settled:
        if term.kind is not kind and kind is not Kind.DATETIME:
            remedy = ""
            if Kind.TEXT in (kind, term.kind):
                remedy = " Put the other into TEXT(…)."
            raise FormulaError(
                f"{first.called} is a {kind.noun} and {term.called} a {term.kind.noun}; they can't "
                f"be compared or combined.{remedy}",
                term.position,
            )
    return kind, [decided(t, kind, first) for t in terms]


def whole(term: Term) -> Term:
    """The term, if it keeps within the bounds; FormulaError if not."""
    if term.kind is Kind.NUMBER and sum(term.digits) > MAX_DIGITS:
        raise FormulaError(
            f"This number could have more than {MAX_DIGITS:,} digits; ROUND what it is made of.",
            term.position,
        )
    if term.kind is Kind.TEXT and term.length > MAX_CHARACTERS:
        raise FormulaError(
            f"This text could have more than {MAX_CHARACTERS:,} characters; shorten what it is "
            "made of with LEFT(text, 1000).",
            term.position,
        )
    if term.depth > MAX_DEPTH or len(term.sql) > MAX_SQL:
        raise FormulaError(
            "The formula is too large here, with the formulas it refers to; make it of fewer "
            "steps.",
            term.position,
        )
    return term
