"""YAML -> nodes that know where they stand, and nothing that YAML can do besides.

A document may come from anybody: tags, anchors and aliases are refused, and size, depth and number
of nodes have a limit, so that no document can make the reader work or hold more than it is worth.
Only mappings, lists and scalars remain; what a scalar means is decided by whoever reads it.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from entities.errors import nearest
from entities.transfer.items import Mark

#: Bytes of a document.
LARGEST = 4 * 1024 * 1024
DEEPEST = 40
MOST_NODES = 400_000
#: So many errors are told; whoever has more has sent something else than a configuration.
MOST_ERRORS = 200

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]*\.)?[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: where (none where it has no place there), what, and what
    would be right."""

    mark: Mark | None
    message: str

    def __str__(self) -> str:
        if self.mark is None:
            return self.message
        return f"line {self.mark.line}, column {self.mark.column}: {self.message}"


class DocumentError(Exception):
    """A document can't be used; all that is wrong with it, in its order."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(slots=True)
class Scalar:
    text: str
    plain: bool
    mark: Mark

    @property
    def empty(self) -> bool:
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")

    def python(self) -> Any:
        """The value by itself, by the core schema of YAML 1.2: no dates, and `no` is a text."""
        if not self.plain:
            return self.text
        if self.empty:
            return None
        if self.text in ("true", "True", "TRUE"):
            return True
        if self.text in ("false", "False", "FALSE"):
            return False
        if _INT.fullmatch(self.text) and len(self.text) < 4000:
            return int(self.text)
        return float(self.text) if _FLOAT.fullmatch(self.text) else self.text


@dataclass(slots=True)
class Sequence:
    items: list["Node"]
    mark: Mark

    def python(self) -> Any:
        return [item.python() for item in self.items]


@dataclass(slots=True)
class Mapping:
    """Pairs in their order; every key once."""

    pairs: list[tuple[Scalar, "Node"]]
    mark: Mark
    keys: set[str] = field(default_factory=set)

    def python(self) -> Any:
        return {key.text: value.python() for key, value in self.pairs}


Node = Scalar | Sequence | Mapping


def parse(text: str | bytes, faults: list[Fault]) -> Mapping | None:
    """The document's mapping; None after putting into `faults` why there is none.

    Keys that stand twice are faults too, and the second is left out.
    """
    size = len(text.encode(errors="replace") if isinstance(text, str) else text)
    if size > LARGEST:
        faults.append(
            Fault(None, f"the document has {size:,} bytes, and at most {LARGEST:,} are read")
        )
        return None
    try:
        root = _Builder(faults).build(text)
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        faults.append(Fault(_mark(place) if place else None, f"this is no YAML: {what}"))
        return None
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        # What reads characters tells of bytes, not of lines.
        told = " ".join(str(error).split())
        faults.append(Fault(None, f"this is no YAML: {told}"))
        return None
    except _StopError:
        return None
    if not isinstance(root, Mapping):
        faults.append(
            Fault(
                root.mark if root else Mark(1, 1),
                "a configuration begins with metabrm:, then entities:, roles: or sharing_groups:",
            )
        )
        return None
    return root


class _StopError(Exception):
    """What follows can't be read sensibly; why is told already."""


class _Builder:
    """Events -> nodes, without recursion."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.open: list[Sequence | Mapping] = []
        self.waiting: list[Scalar | None] = []
        self.root: Node | None = None
        self.count = 0

    def build(self, text: str | bytes) -> Node | None:
        documents = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._stopped(
                        _mark(event.start_mark), "only one document is read; remove ---"
                    )
            elif isinstance(event, yaml.AliasEvent):
                raise self._stopped(
                    _mark(event.start_mark),
                    f"aliases such as *{event.anchor} are not read; write out what it stands for",
                )
            elif isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.open.pop()
                self.waiting.pop()
        return self.root

    def _node(self, event: Any) -> None:
        mark = _mark(event.start_mark)
        self.count += 1
        if self.count > MOST_NODES:
            raise self._stopped(mark, f"the document has more than {MOST_NODES:,} values")
        if event.anchor:
            raise self._stopped(mark, f"anchors such as &{event.anchor} are not read; remove it")
        if event.tag not in (None, "!"):
            raise self._stopped(mark, f"tags such as {event.tag} are not read; remove it")
        if isinstance(event, yaml.ScalarEvent):
            # The parser in C tells plain style by an empty word, the other by none.
            plain = not event.style and event.tag is None
            self._place(Scalar(event.value, plain, mark))
            return
        if len(self.open) >= DEEPEST:
            raise self._stopped(mark, f"values are nested deeper than {DEEPEST} levels")
        node: Sequence | Mapping
        if isinstance(event, yaml.SequenceStartEvent):
            node = Sequence([], mark)
        else:
            node = Mapping([], mark)
        self._place(node)
        self.open.append(node)
        self.waiting.append(None)

    def _place(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        holder = self.open[-1]
        if isinstance(holder, Sequence):
            holder.items.append(node)
            return
        key = self.waiting[-1]
        if key is None:
            if not isinstance(node, Scalar):
                raise self._stopped(node.mark, "a name is a text, not a list or a mapping")
            self.waiting[-1] = node
            return
        self.waiting[-1] = None
        if key.text in holder.keys:
            self.faults.append(Fault(key.mark, f"{key.text} stands twice here; write it once"))
            return
        holder.keys.add(key.text)
        holder.pairs.append((key, node))

    def _stopped(self, mark: Mark, message: str) -> _StopError:
        self.faults.append(Fault(mark, message))
        return _StopError()


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def unknown(word: str, known: list[str], what: str) -> str:
    """ "There is no attribute 'Labl'. Did you mean Label?" """
    return f"there is no {what} {word!r}.{nearest(word, known)}"
