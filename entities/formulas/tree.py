"""The tree of a formula: literals and references at the leaves, calls everywhere else.

An operator is a call as well, named by its sign. Every node knows where it stands in the text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from entities.formulas.kinds import Kind


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One name of a reference, and where it begins."""

    text: str
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A value as written: `kind` is TEXT, NUMBER, FLAG or NULL."""

    position: int
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """`{!AccountObj.Name}`: the words of a path from the record."""

    position: int
    words: tuple[Word, ...]

    def __str__(self) -> str:
        return f"{{!{'.'.join(word.text for word in self.words)}}}"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function by its name in capitals, or an operator by its sign."""

    position: int
    name: str
    arguments: tuple["Node", ...]
    operator: bool = False


Node = Literal | Reference | Call


def bottom_up(root: Node) -> Iterator[Node]:
    """Every node after its arguments; without recursion, however deep the tree."""
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, seen = stack.pop()
        if seen or not isinstance(node, Call):
            yield node
        else:
            stack.append((node, True))
            stack.extend((argument, False) for argument in reversed(node.arguments))


def references(root: Node) -> Sequence[Reference]:
    """The references in the order of the text."""
    return [node for node in bottom_up(root) if isinstance(node, Reference)]
