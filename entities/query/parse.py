"""Query text -> syntax tree, with limits, and with a place for every complaint.

sqlglot reads the text in its Oracle dialect. Nothing of its tree is trusted: what reaches
PostgreSQL is only what the later stages built themselves from nodes they know. This stage bounds
the work (length, nesting), insists on exactly one SELECT and remembers where things stand.
"""

import re
from dataclasses import dataclass
from typing import NoReturn

from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from entities.errors import Code, RequestError
from entities.query.limits import MAX_LENGTH, MAX_SELECTS

_ORACLE = Dialect.get_or_raise("oracle")
#: Functions that the dialect would take for another dialect's, losing what their format says.
_AS_WRITTEN = ("TO_CHAR", "TO_DATE", "TO_TIMESTAMP", "TRUNC")
_CALLED = frozenset({TokenType.ROLLUP, TokenType.CUBE})
_OPENING = frozenset({TokenType.L_PAREN, TokenType.CASE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.END})
_NO_COLUMN = frozenset({TokenType.DISTINCT, TokenType.ALL, TokenType.UNIQUE, TokenType.HINT})


class _Parser(_ORACLE.parser_class):  # type: ignore[name-defined]
    FUNCTIONS = {
        name: made
        for name, made in _ORACLE.parser_class.FUNCTIONS.items()
        if name not in _AS_WRITTEN
    }


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed SELECT.

    text     what was parsed; `shift` of its first characters were put there by us
    columns  the select list as written, one text per item
    """

    text: str
    shift: int
    select: exp.Select
    columns: tuple[str, ...]

    def at(self, node: exp.Expression) -> int | None:
        """Where `node` begins in the caller's text, as nearly as the parser remembers."""
        starts = [n.meta["start"] for n in node.walk() if "start" in n.meta]
        return max(min(starts) - self.shift, 0) if starts else None

    def called(self, node: exp.Expression) -> str:
        """The word by which the text calls the function `node`."""
        start = self.at(node)
        word = None if start is None else re.match(r"\w+", self.text[start + self.shift :])
        return word.group().upper() if word else type(node).__name__.upper()

    def invalid(self, message: str, node: exp.Expression | None = None) -> NoReturn:
        """Refuse the statement: `message` says what is wrong at `node` and what would be right."""
        raise RequestError(
            Code.QUERY_INVALID, message, position=None if node is None else self.at(node)
        )

    def unsupported(
        self, what: str, node: exp.Expression | None = None, instead: str = ""
    ) -> NoReturn:
        """Refuse the statement for something that is good SQL but that we don't serve."""
        raise RequestError(
            Code.QUERY_NOT_SUPPORTED,
            f"{what} is not supported in queries{instead and f'; {instead}'}.",
            position=None if node is None else self.at(node),
        )


def parse(text: str, prefix: str = "") -> Statement:
    """Parse `prefix + text` as one SELECT; positions in errors count from the start of `text`.

    RequestError QUERY_INVALID, or QUERY_NOT_SUPPORTED for a UNION and its like.
    """
    _check_text(text)
    whole, shift = prefix + text, len(prefix)
    try:
        tokens = _ORACLE.tokenize(whole)
    except (SqlglotError, RecursionError, ValueError, IndexError):
        raise _invalid("The query ends inside a quoted text or a comment.", None) from None
    if not tokens:
        raise _invalid("The query is empty; write SELECT columns FROM entity.", 0)
    first = tokens[0]
    if first.token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN):
        raise _invalid(
            f"A query is one SELECT statement; it can't begin with {first.text[:40]!r}.",
            first.start - shift,
        )
    for place, token in enumerate(tokens):
        # A field may be called RollUp.
        called = place + 1 < len(tokens) and tokens[place + 1].token_type is TokenType.L_PAREN
        if token.token_type in _CALLED and not called:
            token.token_type = TokenType.VAR
    _check_single(tokens, shift)
    _check_selects(tokens, shift)
    try:
        trees = _Parser(dialect=_ORACLE).parse(tokens, whole)
    except SqlglotError as error:
        raise _refused(error, whole, shift) from None
    except RecursionError:
        raise _invalid("The query is nested too deeply.", None) from None
    except Exception:  # the parser has no other way to say that it was surprised
        raise _invalid("The query is not valid SQL.", None) from None
    tree = trees[0]
    if isinstance(tree, exp.SetOperation):
        raise RequestError(
            Code.QUERY_NOT_SUPPORTED,
            f"{tree.key.upper()} is not supported in queries; send one query for each part.",
        )
    if not isinstance(tree, exp.Select):
        raise _invalid("A query is one SELECT statement, without parentheses around it.", 0)
    return Statement(whole, shift, tree, _columns(tokens, whole))


def _check_text(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise _invalid(
            f"The query has {len(text)} characters; at most {MAX_LENGTH} are read.", MAX_LENGTH
        )
    if "\0" in text:
        raise _invalid("The query contains a NUL character; remove it.", text.index("\0"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _invalid("The query contains half a character.", error.start) from None


def _check_single(tokens: list[Token], shift: int) -> None:
    for index, token in enumerate(tokens):
        if token.token_type is TokenType.SEMICOLON:
            after = [t for t in tokens[index:] if t.token_type is not TokenType.SEMICOLON]
            if after:
                raise _invalid(
                    "A query is one statement; nothing may follow the semicolon.",
                    after[0].start - shift,
                )
            del tokens[index:]
            return


def _check_selects(tokens: list[Token], shift: int) -> None:
    selects = [token for token in tokens if token.token_type is TokenType.SELECT]
    if len(selects) > MAX_SELECTS:
        raise _invalid(
            f"The query has {len(selects)} SELECTs; at most {MAX_SELECTS} are read.",
            selects[MAX_SELECTS].start - shift,
        )


def _columns(tokens: list[Token], text: str) -> tuple[str, ...]:
    """The items of the select list as written, white space between words made one blank."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens[1:]:
        kind = token.token_type
        if depth == 0 and kind is TokenType.FROM:
            break
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth == 0 and kind is TokenType.COMMA:
            items.append([])
        elif items[-1] or len(items) > 1 or kind not in _NO_COLUMN:
            items[-1].append(token)
    return tuple(
        " ".join(text[item[0].start : item[-1].end + 1].split()) if item else "" for item in items
    )


def _refused(error: SqlglotError, text: str, shift: int) -> RequestError:
    details = getattr(error, "errors", None) or [{}]
    detail = details[0]
    line, column = detail.get("line"), detail.get("col")
    if not line or not column:
        return _invalid("The query is not valid SQL.", None)
    word = str(detail.get("highlight") or "")
    # The parser counts lines and gives the column at which the offending word ends.
    starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]
    position = starts[min(line, len(starts)) - 1] + column - len(word)
    shown = f" at {word[:40]!r}" if word.strip() else ""
    return _invalid(f"The query can't be read{shown}.", min(max(position - shift, 0), len(text)))


def _invalid(message: str, position: int | None) -> RequestError:
    return RequestError(
        Code.QUERY_INVALID, message, position=None if position is None else max(position, 0)
    )
