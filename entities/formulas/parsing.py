"""From the text of a formula to its tree, by a grammar without backtracking.

The parser keeps its own stack, so no nesting, however deep, exhausts Python's.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from entities.formulas.errors import FormulaError
from entities.formulas.kinds import Kind
from entities.formulas.tokens import TYPES, tokens
from entities.formulas.tree import Call, Literal, Node, Reference, Word, references

#: Longer formulas are refused: nobody could read them.
MAX_LENGTH = 10_000

_GRAMMAR = f"""
?start: disjunction
?disjunction: conjunction (OR conjunction)*
?conjunction: negation (AND negation)*
?negation: NOT negation
    | comparison
?comparison: joined
    | joined COMPARISON joined -> binary
    | joined IN _OPEN arguments _CLOSE -> member
    | joined NOT IN _OPEN arguments _CLOSE -> member
    | joined LIKE joined -> like
    | joined NOT LIKE joined -> like
    | joined BETWEEN joined AND joined -> between
    | joined NOT BETWEEN joined AND joined -> between
    | joined IS NULL -> missing
    | joined IS NOT NULL -> missing
?joined: sum (JOIN sum)*
?sum: product
    | sum SIGN product -> binary
?product: signed
    | product FACTOR signed -> binary
?signed: value
    | SIGN signed -> signed
?value: TEXT -> text
    | NUMBER -> number
    | TRUE -> flag
    | FALSE -> flag
    | NULL -> null
    | REFERENCE -> reference
    | NAME _OPEN _CLOSE -> call
    | NAME _OPEN arguments _CLOSE -> call
    | NAME -> bare
    | _OPEN disjunction _CLOSE
arguments: disjunction (_COMMA disjunction)*
%declare {" ".join(TYPES)}
"""
_VALUES = {"TEXT", "NUMBER", "REFERENCE", "NAME", "TRUE", "FALSE", "NULL"}


@dataclass(frozen=True, slots=False, eq=False)
class Formula:
    """A formula's text and its tree."""

    text: str
    root: Node

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """What it refers to, in the order of the text."""
        return tuple(references(self.root))


@v_args(inline=True)
class _Builder(Transformer):
    """Makes the nodes; stateless, as all threads share it."""

    def text(self, token: Token) -> Node:
        return Literal(_at(token), Kind.TEXT, token.value[1:-1].replace("''", "'"))

    def number(self, token: Token) -> Node:
        return Literal(_at(token), Kind.NUMBER, token.value)

    def flag(self, token: Token) -> Node:
        return Literal(_at(token), Kind.FLAG, token.value)

    def null(self, token: Token) -> Node:
        return Literal(_at(token), Kind.NULL, token.value)

    def reference(self, token: Token) -> Node:
        words: list[Word] = []
        start = 2
        for part in token.value[2:-1].split("."):
            indent = len(part) - len(part.lstrip())
            words.append(Word(part.strip(), _at(token) + start + indent))
            start += len(part) + 1
        return Reference(_at(token), tuple(words))

    def bare(self, token: Token) -> Node:
        raise FormulaError(
            f"{token.value[:60]} stands alone; a field is written {{!{token.value[:60]}}}, a text "
            f"'{token.value[:60]}', a function with parentheses.",
            _at(token),
        )

    def call(self, token: Token, arguments: tuple[Node, ...] = ()) -> Node:
        return Call(_at(token), token.value.upper(), arguments)

    def arguments(self, *nodes: Node) -> tuple[Node, ...]:
        return nodes

    def disjunction(self, *parts: Any) -> Node:
        return _chain("OR", parts)

    def conjunction(self, *parts: Any) -> Node:
        return _chain("AND", parts)

    def joined(self, *parts: Any) -> Node:
        return _chain("&", parts)

    def negation(self, sign: Token, node: Node) -> Node:
        return Call(_at(sign), "NOT", (node,), True)

    def signed(self, sign: Token, node: Node) -> Node:
        if sign.value == "+":
            return Call(_at(sign), "POSITIVE", (node,), True)
        if isinstance(node, Literal) and node.kind is Kind.NUMBER:
            text = node.text.removeprefix("-") if node.text[0] == "-" else f"-{node.text}"
            return Literal(_at(sign), Kind.NUMBER, text)
        return Call(_at(sign), "NEGATIVE", (node,), True)

    def binary(self, left: Node, sign: Token, right: Node) -> Node:
        name = "<>" if sign.value == "!=" else sign.value
        return Call(_at(sign), name, (left, right), True)

    def member(self, left: Node, *rest: Any) -> Node:
        return _negatable("IN", left, rest[:-1], rest[-1])

    def like(self, left: Node, *rest: Any) -> Node:
        return _negatable("LIKE", left, rest[:-1], rest[-1:])

    def between(self, left: Node, *rest: Any) -> Node:
        return _negatable("BETWEEN", left, rest[:-3], (rest[-3], rest[-1]))

    def missing(self, left: Node, *words: Token) -> Node:
        order = (words[1], words[0]) if len(words) == 3 else words[:1]
        return _negatable("IS NULL", left, order, ())


def _at(token: Token) -> int:
    return token.start_pos or 0


def _chain(name: str, parts: tuple[Any, ...]) -> Node:
    """`a AND b AND c` is one call of three."""
    return Call(_at(parts[1]), name, parts[::2], True)


def _negatable(name: str, left: Node, words: tuple[Token, ...], rest: tuple[Node, ...]) -> Node:
    """`words` are NOT, if there, and the operator's own."""
    call = Call(_at(words[-1]), name, (left, *rest), True)
    return Call(_at(words[0]), "NOT", (call,), True) if len(words) == 2 else call


class _Tokens(Lexer):
    """Lets the parser read our tokens."""

    def __init__(self, lexer_conf: Any) -> None:
        pass

    def lex(self, data: Any) -> Any:  # type: ignore[override]
        return tokens(data)


_parser = Lark(_GRAMMAR, parser="lalr", lexer=_Tokens, transformer=_Builder())


@lru_cache(maxsize=4096)
def parse(text: str) -> Formula:
    """The tree of a formula; raises FormulaError saying where it is none, and why."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"The formula has {len(text):,} characters; {MAX_LENGTH:,} are the most. Move a part "
            "of it into a formula field and refer to that.",
            MAX_LENGTH,
        )
    if "\0" in text:
        raise FormulaError("A NUL character stands here; remove it.", text.index("\0"))
    if not text.strip():
        raise FormulaError("The formula is empty; write one such as {!Name} = 'x'.", 0)
    try:
        return Formula(text, _parser.parse(text))  # type: ignore[arg-type]
    except UnexpectedInput as error:
        raise _unexpected(error, text) from None


def _unexpected(error: UnexpectedInput, text: str) -> FormulaError:
    if not isinstance(error, UnexpectedToken):
        return FormulaError("The formula can't be read.", 0)
    token = error.token
    expected = set(error.accepts or error.expected)
    ended = token.type == "$END"
    position = len(text.rstrip()) if ended else _at(token)
    shown = "The formula ends here" if ended else f"{str(token.value)[:40]} can't stand here"
    if expected <= {"NULL", "NOT"}:
        rest = "after IS comes NULL or NOT NULL"
    elif expected & _VALUES:
        rest = "a value is missing, such as {!Name}, 'text', 12.5 or TODAY()"
    elif expected == {"_OPEN"}:
        rest = "a list in parentheses is missing, such as IN ('A', 'B')"
    elif token.type == "COMPARISON":
        rest = "only two values are compared at a time; join comparisons with AND"
    else:
        rest = "an operator is missing, such as =, AND, + or &"
    return FormulaError(f"{shown}; {rest}.", position)


def replaced(text: str, edits: dict[int, tuple[str, str]]) -> str:
    """The text with names replaced: position of a word -> (the word there, the new one)."""
    for position in sorted(edits, reverse=True):
        old, new = edits[position]
        assert text[position : position + len(old)] == old
        text = text[:position] + new + text[position + len(old) :]
    return text
