"""The words of a formula. Whatever is no word is refused here, with what would be one."""

import re
from collections.abc import Iterator

from lark import Token

from entities.formulas.errors import FormulaError

KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS", "NULL", "TRUE", "FALSE"})
SIGNS = {
    **dict.fromkeys(("=", "<>", "!=", "<", "<=", ">", ">="), "COMPARISON"),
    **dict.fromkeys(("||", "&"), "JOIN"),
    **dict.fromkeys(("+", "-"), "SIGN"),
    **dict.fromkeys(("*", "/"), "FACTOR"),
    "(": "_OPEN",
    ")": "_CLOSE",
    ",": "_COMMA",
}
#: The types of all tokens, for the grammar.
TYPES = ("TEXT", "NUMBER", "NAME", "REFERENCE", *sorted(KEYWORDS), *dict.fromkeys(SIGNS.values()))

#: `{!Name}` in a text that is no formula: a value of the record.
PLACEHOLDER = re.compile(r"\{![^{}]+\}")
_TOKEN = re.compile(
    r"""
      (?P<BLANK>\s+)
    | (?P<TEXT>'(?:[^']|'')*')
    | (?P<REFERENCE>\{!\s*[A-Za-z]\w*(?:\s*\.\s*[A-Za-z]\w*)*\s*\})
    | (?P<NUMBER>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2}(?![0-9]))?)
    | (?P<NAME>[A-Za-z_]\w*)
    | (?P<SIGN><>|!=|<=|>=|\|\||[=<>&+\-*/(),])
    """,
    re.VERBOSE | re.ASCII,
)
#: What people write who come from another language, and what is meant.
_FOREIGN = (
    ("&&", "Write AND."),
    ("==", "Write a single =."),
    ('"', "A text stands in single quotes: 'text'."),
    ("\N{LEFT SINGLE QUOTATION MARK}", "A text stands in straight single quotes: 'text'."),
    ("\N{RIGHT SINGLE QUOTATION MARK}", "A text stands in straight single quotes: 'text'."),
    ("!", "Write NOT, or <> for unequal."),
    ("%", "Write MOD(a, b)."),
    ("^", "Write POWER(a, b)."),
    ("|", "Write || to join texts, OR to join conditions."),
    ("[", "A field stands in braces: {!Name}."),
    ("}", "A field stands in braces: {!Name}."),
)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text`; raises FormulaError where it has none."""
    position = 0
    opened: list[int] = []
    while position < len(text):
        foreign = next((f for f in _FOREIGN if text.startswith(f[0], position)), None)
        match = _TOKEN.match(text, position)
        if match is None or (foreign and foreign[0] in ("&&", "==")):
            raise _no_token(text, position, foreign)
        kind, value = match.lastgroup or "", match.group()
        if kind == "NUMBER" and text[match.end() : match.end() + 1].isalnum():
            raise FormulaError(f"{value}{text[match.end()]} is no number.", position)
        if kind == "NAME" and value.upper() in KEYWORDS:
            kind, value = value.upper(), value.upper()
        elif kind == "SIGN":
            kind = SIGNS[value]
            _balance(value, position, opened)
        if kind != "BLANK":
            yield Token(kind, value, position)
        position = match.end()
    if opened:
        raise FormulaError("This parenthesis is never closed; add a ).", opened[-1])


def _balance(sign: str, position: int, opened: list[int]) -> None:
    if sign == "(":
        opened.append(position)
    elif sign == ")":
        if not opened:
            raise FormulaError("This parenthesis closes nothing; take it out.", position)
        opened.pop()


def _no_token(text: str, position: int, foreign: tuple[str, str] | None) -> FormulaError:
    sign = text[position]
    if sign == "'":
        return FormulaError(
            "This text never ends; close it with a single quote, and double one within it.",
            position,
        )
    if sign == "{":
        inside = text[position : position + 41].partition("}")[0]
        return FormulaError(
            f"{inside + '}' if len(inside) < 41 else inside + '…'} names no field; write "
            "{!Field} or {!LookupObj.Field}.",
            position,
        )
    remedy = foreign[1] if foreign else "Take it out, or put it into a text in single quotes."
    return FormulaError(
        f"{foreign[0] if foreign else sign!r} means nothing here. {remedy}", position
    )
