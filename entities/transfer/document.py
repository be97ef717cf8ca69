"""The document -> configuration: every word is known and every value is of its attribute's type.

All that is wrong is found in one reading, each with its line. Whether the system can become what
the document says is found out by trying (`entities.transfer.applying`).
"""

import re
from typing import Any

from entities.fieldtypes import Refused
from entities.schema.description import FieldSchema, fold
from entities.transfer import parsing
from entities.transfer.dumping import FORMAT
from entities.transfer.items import Item, Tree
from entities.transfer.kinds import KINDS, RIGHT, TOP, VALUE, Kind
from entities.transfer.parsing import (
    MOST_ERRORS,
    DocumentError,
    Fault,
    Mapping,
    Node,
    Scalar,
    Sequence,
    unknown,
)
from entities.transfer.reading import canonical
from entities.transfer.shipped import Shipped

_WORDS = ("metabrm", *(kind.section for kind in TOP), "secrets")
_HEADER = ("format", "version", "complete")
_WAS = "was"
#: Longer than any name that the platform knows.
_LONGEST = 4000
_NUL = re.compile("\0")


def read(text: str | bytes, shipped: Shipped) -> Tree:
    """The configuration that a document states. Raises DocumentError with all that is wrong."""
    faults: list[Fault] = []
    root = parsing.parse(text, faults)
    tree = Tree()
    if root is not None:
        reader = _Reader(shipped, faults)
        tree = reader.tree(root)
    if faults:
        faults.sort(key=lambda fault: (fault.mark is None, fault.mark or 0))
        if len(faults) > MOST_ERRORS:
            more = Fault(None, f"and {len(faults) - MOST_ERRORS:,} more errors")
            faults = [*faults[:MOST_ERRORS], more]
        raise DocumentError(faults)
    return tree


class _Reader:
    """Nodes -> rows; what is wrong goes into `faults`."""

    def __init__(self, shipped: Shipped, faults: list[Fault]) -> None:
        self.shipped = shipped
        self.faults = faults

    def _wrong(self, node: Node, message: str) -> None:
        self.faults.append(Fault(node.mark, message))

    def tree(self, root: Mapping) -> Tree:
        tree = Tree()
        if "metabrm" not in root.keys:
            self._wrong(root, f"metabrm: is missing; begin with metabrm: {{format: {FORMAT}}}")
        for key, node in root.pairs:
            kind = next((k for k in TOP if k.section == key.text), None)
            if key.text == "metabrm":
                self._header(node, tree)
            elif kind is not None:
                tree.sections[kind.section] = self._rows(kind, None, node)
            elif key.text == "secrets":
                tree.secrets = self._secrets(node)
            else:
                self._wrong(key, unknown(key.text, list(_WORDS), "section"))
        return tree

    def _secrets(self, node: Node) -> list[str]:
        if isinstance(node, Sequence) and all(isinstance(one, Scalar) for one in node.items):
            return [one.text for one in node.items if isinstance(one, Scalar)]
        self._wrong(node, "secrets is a list of texts: what is to be set by hand")
        return []

    def _header(self, node: Node, tree: Tree) -> None:
        if not isinstance(node, Mapping):
            self._wrong(node, f"metabrm: says format: {FORMAT}, and what is complete")
            return
        if "format" not in node.keys:
            self._wrong(node, f"the format is missing; this version reads format: {FORMAT}")
        for key, value in node.pairs:
            if key.text == "format":
                if not isinstance(value, Scalar) or value.text != str(FORMAT):
                    shown = value.text if isinstance(value, Scalar) else "no number"
                    self._wrong(
                        value, f"the format is {shown!r}; this version reads format: {FORMAT}"
                    )
            elif key.text == "complete":
                tree.complete = self._complete(value)
            elif key.text != "version":
                self._wrong(key, unknown(key.text, list(_HEADER), "word of metabrm:"))

    def _complete(self, node: Node) -> frozenset[str]:
        known = sorted(kind.section for kind in KINDS)
        if not isinstance(node, Sequence):
            self._wrong(node, f"complete is a list of sections, such as [{', '.join(known[:2])}]")
            return frozenset()
        found = set()
        for item in node.items:
            if isinstance(item, Scalar) and item.text in known:
                found.add(item.text)
            else:
                shown = item.text if isinstance(item, Scalar) else "a list"
                self._wrong(item, unknown(shown, known, "section"))
        return frozenset(found)

    def _rows(self, kind: Kind, parent: Item | None, node: Node) -> list[Item]:
        if isinstance(node, Scalar) and node.empty:
            return []
        if kind is VALUE and isinstance(node, Sequence):
            return self._listed(parent, node)
        if not isinstance(node, Mapping):
            self._wrong(node, f"{kind.section} are names with what each is, such as NAME: {{...}}")
            return []
        rows: list[Item] = []
        names: dict[str, str] = {}
        for key, value in node.pairs:
            item = Item(kind, key.text, parent, mark=key.mark)
            if not key.text or len(key.text) > _LONGEST or _NUL.search(key.text):
                self._wrong(key, f"this is no {kind.noun} name")
                continue
            first = names.setdefault(item.folded(), key.text)
            if first != key.text:
                self._wrong(
                    key,
                    f"{key.text} and {first} are one {kind.noun}: names are compared without "
                    f"regard to case and underscores; write it once",
                )
                continue
            self._fill(item, value)
            rows.append(item)
        return rows

    def _listed(self, parent: Item | None, node: Sequence) -> list[Item]:
        """The values of a list in their order, as a list of texts."""
        rows: list[Item] = []
        for place, one in enumerate(node.items):
            if not isinstance(one, Scalar) or one.empty:
                self._wrong(one, "a value of a list is a text; or write NAME: {...} for each")
            elif any(row.name == one.text for row in rows):
                self._wrong(one, f"{one.text} stands twice in the list; write it once")
            else:
                order = {"SortOrder": (place + 1) * 10}
                rows.append(Item(VALUE, one.text, parent, order, mark=one.mark))
        return rows

    def _fill(self, item: Item, node: Node) -> None:
        if isinstance(node, Scalar) and node.empty:
            return
        if not isinstance(node, Mapping):
            assert item.mark is not None
            self._wrong(node, f"{item.path} is followed by its attributes: {{...}}")
            return
        attributes = self.shipped.attributes[item.kind]
        by_name = {fold(field.name): word for word, field in attributes.items()}
        by_name |= {fold(word): word for word in attributes}
        sections = {kind.section: kind for kind in item.kind.children}
        for key, value in node.pairs:
            word = by_name.get(fold(key.text), key.text)
            if key.text in sections:
                item.sections[key.text] = self._rows(sections[key.text], item, value)
            elif key.text == _WAS and item.kind is not RIGHT:
                if not isinstance(value, Scalar) or value.empty:
                    self._wrong(value, f"was: is the name that {item.path} had before")
                else:
                    item.was = value.text
            elif word in item.marks:
                self._wrong(key, f"{key.text} stands twice here; write it once")
            elif word in attributes:
                item.marks[word] = key.mark
                item.values[word] = self._value(word, attributes[word], value)
            else:
                known = [*attributes, *sections, _WAS]
                self._wrong(key, unknown(key.text, known, f"{item.kind.noun} attribute"))

    def _value(self, word: str, field: FieldSchema, node: Node) -> Any:
        if isinstance(node, Scalar) and node.empty:
            if field.type.name == "FLAG":
                self._wrong(node, f"{word} is true or false")
            return None
        if field.type.name in ("JSON", "MULTI_LIST"):
            sent = node.python()
        elif isinstance(node, Scalar):
            sent = node.text
        else:
            self._wrong(node, f"{word} is one value, not a list or a mapping")
            return None
        if field.lookup is not None:
            return str(sent)
        try:
            decoded = field.type.decode_one(sent, field)
        except Refused as refusal:
            self._wrong(node, f"{word} {refusal.message}")
            return None
        return canonical(sent if field.type.name == "JSON" else decoded)
