"""A row of configuration, be it of a system or of a document, with the rows that belong to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from entities.schema.description import fold
from entities.transfer.kinds import EXTERNAL_KEY, RIGHT, Kind


@dataclass(frozen=True, order=True, slots=True)
class Mark:
    """A place in a document; line and column count from 1."""

    line: int
    column: int


@dataclass(eq=False)
class Item:
    """One row.

    values    word -> Python value; a lookup's is the name of the row that it points to
    sections  word -> rows that belong to this one, in order; of a document, those it mentions
    id        of a system's row
    system    ships with the platform
    secrets   of a system's row: words of the values that do not travel
    mark      of a document's row: where it begins
    marks     of a document's row: word -> where it stands
    was       of a document's row: what it may be called in the system yet
    """

    kind: Kind
    name: str
    parent: "Item | None" = None
    values: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, list["Item"]] = field(default_factory=dict)
    id: int | None = None
    system: bool = False
    secrets: tuple[str, ...] = ()
    mark: Mark | None = None
    marks: dict[str, Mark] = field(default_factory=dict)
    was: str = ""

    @property
    def path(self) -> str:
        """How messages name the row: PROMO.Status.NEW."""
        return f"{self.parent.path}.{self.name}" if self.parent is not None else self.name

    @property
    def kept(self) -> list[str]:
        """How a document names the secrets of the row."""
        return [f"{self.kind.section} {self.path}: {word}" for word in self.secrets]

    @property
    def derived_key(self) -> str:
        """The ExternalKey that a row has unless it was given another."""
        if self.kind.name == EXTERNAL_KEY:
            return self.name
        return f"{self.parent.key}.{self.name}" if self.parent is not None else self.name

    @property
    def key(self) -> str:
        return self.values.get(EXTERNAL_KEY) or self.derived_key

    def folded(self, name: str = "") -> str:
        """The form in which the name, or another one for the row, is compared."""
        name = name or self.name
        return fold(name) if self.kind.folded or self.kind is RIGHT else name

    def walk(self) -> Iterator["Item"]:
        """The row and all below it."""
        yield self
        for rows in self.sections.values():
            for row in rows:
                yield from row.walk()


@dataclass
class Tree:
    """All configuration, of a system or of a document.

    complete  sections in which a document names all there is: what it leaves out is to go
    secrets   what a document does not say because it is secret
    """

    sections: dict[str, list[Item]] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()
    secrets: list[str] = field(default_factory=list)

    def walk(self) -> Iterator[Item]:
        for rows in self.sections.values():
            for row in rows:
                yield from row.walk()
