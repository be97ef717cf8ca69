"""Configuration -> the document: the same configuration yields the same bytes.

A line is what somebody reviews: a row without much to say stands on one line, a longer one has a
line for each attribute, and a formula of several lines keeps its lines.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import yaml

from entities.transfer.items import Item, Mark, Tree
from entities.transfer.kinds import ENTITY, FIELD, KINDS, RIGHT, TOP, VALUE
from entities.transfer.parsing import Scalar
from entities.transfer.reading import TRAVELS
from entities.transfer.shipped import LEAVE, Shipped
from metabrm import __version__

FORMAT = 1
_LINE = 100
_INDENT = 2
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NOWHERE = Mark(1, 1)
_TAG = "tag:yaml.org,2002:"
#: The library's own emitter in C writes the same and is ten times as fast.
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_HEADING = """\
# Configuration of metabrm: what administrators made or changed. What is not stated here is as the
# product ships it. Import it with: manage.py import_configuration FILE
"""


def dump(tree: Tree, shipped: Shipped, only: frozenset[str] = frozenset()) -> str:
    """The document. `only`: names of the entities to write, with nothing but what is theirs."""
    staying = {
        entity.folded()
        for entity in tree.sections[ENTITY.section]
        if not entity.values.get(TRAVELS, True) or (only and entity.name not in only)
    }
    writer = _Writer(shipped, staying)
    body: list[tuple[str, Any]] = []
    for kind in TOP:
        if only and kind is not ENTITY:
            continue
        rows = sorted(tree.sections[kind.section], key=lambda item: item.name)
        written = [pair for row in rows for pair in writer.row(row)]
        if written:
            body.append((kind.section, _mapping(written)))
    sections = sorted(k.section for k in KINDS if not only or (k not in TOP and k is not RIGHT))
    if only:
        sections.remove("rules")
    header = [
        ("format", FORMAT),
        ("version", __version__),
        ("complete", _flow_list(sections)),
    ]
    document = [("metabrm", _mapping(header)), *body]
    if writer.secrets:
        document.append(("secrets", _sequence(sorted(writer.secrets))))
    return _HEADING + str(
        yaml.serialize(
            _mapping(document), Dumper=_Dumper, allow_unicode=True, width=1_000_000, indent=_INDENT
        )
    )


class _Writer:
    """Rows -> nodes; gathers what can't be written."""

    def __init__(self, shipped: Shipped, staying: set[str]) -> None:
        self.shipped = shipped
        self.staying = staying
        self.secrets: list[str] = []

    def row(self, item: Item, depth: int = 2) -> list[tuple[str, yaml.Node]]:
        """The row under its name; nothing where it says nothing, or stays where it is."""
        if item.kind is ENTITY and item.folded() in self.staying:
            return []
        if item.kind is RIGHT and item.folded(item.name.split(".")[0]) in self.staying:
            return []
        if item.kind.section == "rules" and self._stays(item.values.get("Entity")):
            return []
        values = self._values(item)
        sections = [
            (kind.section, rows)
            for kind in item.kind.children
            if (rows := self._section(item, kind.section, depth))
        ]
        if not values and not sections and self.shipped.is_core(item):
            return []
        self.secrets += item.kept
        pairs = [*values, *((word, _mapping(rows)) for word, rows in sections)]
        brief = not sections and _fits(item.name, values, depth)
        return [(item.name, _mapping(pairs, flow=brief))]

    def _stays(self, entity: Any) -> bool:
        return bool(entity) and str(entity).replace("_", "").casefold() in self.staying

    def _section(self, item: Item, section: str, depth: int) -> list[tuple[str, yaml.Node]]:
        rows: list[Item] = item.sections.get(section, [])
        if section == VALUE.section and not self._list_differs(item, rows):
            return []
        if section not in (FIELD.section, VALUE.section):
            rows = sorted(rows, key=lambda row: row.name)
        if section == VALUE.section:
            return [pair for row in rows for pair in self._value(row, depth + 2)]
        return [pair for row in rows for pair in self.row(row, depth + 2)]

    def _list_differs(self, item: Item, rows: list[Item]) -> bool:
        """Whether a list is not the one that was shipped; then all of it is written."""
        return tuple(row.name for row in rows) != self.shipped.list_of(item) or any(
            self._values(row) for row in rows
        )

    def _value(self, row: Item, depth: int) -> list[tuple[str, yaml.Node]]:
        return self.row(row, depth) or [(row.name, _mapping([], flow=True))]

    def _values(self, item: Item) -> list[tuple[str, Any]]:
        implied = self.shipped.values(item)
        found = []
        for word in self.shipped.attributes[item.kind]:
            value = item.values.get(word)
            if word not in item.values or value == implied.get(word):
                continue
            if implied.get(word) is LEAVE and value is None:
                continue
            if item.kind is ENTITY and word == TRAVELS:
                continue
            found.append((word, value))
        return found


def _fits(name: str, values: Iterable[tuple[str, Any]], depth: int) -> bool:
    text = ", ".join(f"{word}: {value!r}" for word, value in values)
    return "\\n" not in text and depth * _INDENT + len(name) + len(text) <= _LINE - 8


def _mapping(pairs: Iterable[tuple[str, Any]], *, flow: bool = False) -> yaml.MappingNode:
    nodes = [(_text(word), _node(value)) for word, value in pairs]
    return yaml.MappingNode(f"{_TAG}map", nodes, flow_style=flow or not nodes)


def _sequence(values: Iterable[Any], *, flow: bool = False) -> yaml.SequenceNode:
    nodes = [_node(value) for value in values]
    return yaml.SequenceNode(f"{_TAG}seq", nodes, flow_style=flow or not nodes)


def _flow_list(values: Iterable[str]) -> yaml.SequenceNode:
    return _sequence(values, flow=True)


def _node(value: Any) -> yaml.Node:
    if isinstance(value, yaml.Node):
        return value
    if isinstance(value, dict | list):
        return _json(value)
    if value is None:
        return yaml.ScalarNode(f"{_TAG}null", "null")
    if isinstance(value, bool):
        return yaml.ScalarNode(f"{_TAG}bool", "true" if value else "false")
    if isinstance(value, int):
        return yaml.ScalarNode(f"{_TAG}int", str(value))
    if isinstance(value, Decimal):
        return _number(value)
    text = str(value)
    # Every attribute knows its own type, so a number needs no quotes to be a text.
    if _WHOLE.fullmatch(text):
        return yaml.ScalarNode(f"{_TAG}int", text)
    return _text(text)


def _text(text: str) -> yaml.ScalarNode:
    block = "\n" in text and not any(line != line.rstrip() for line in text.split("\n"))
    return yaml.ScalarNode(f"{_TAG}str", text, style="|" if block else None)


def _number(value: Decimal) -> yaml.ScalarNode:
    text = format(value, "f")
    if "." not in text:
        return yaml.ScalarNode(f"{_TAG}int", text)
    text = text.rstrip("0").rstrip(".")
    return yaml.ScalarNode(f"{_TAG}{'float' if '.' in text else 'int'}", text)


def _json(value: Any) -> yaml.Node:
    """A JSON document within an attribute, in which "1" and 1 are not the same."""
    if isinstance(value, dict):
        nodes = [(_text(str(key)), _json(one)) for key, one in value.items()]
        return yaml.MappingNode(f"{_TAG}map", nodes, flow_style=not nodes)
    if isinstance(value, list):
        flat = all(not isinstance(one, dict | list) for one in value)
        return yaml.SequenceNode(f"{_TAG}seq", [_json(one) for one in value], flow_style=flat)
    if isinstance(value, str):
        node = _text(value)
        if node.style is None and Scalar(value, plain=True, mark=_NOWHERE).python() != value:
            node.style = "'"
        return node
    if isinstance(value, float):
        return yaml.ScalarNode(f"{_TAG}float", repr(value))
    return _node(value)
