"""What would have to happen to a system to be what a document says.

Rows are found again by their ExternalKey, else by their name, and a `was` lets a row keep what it
holds under a new name. What a document does not mention is left alone, unless the document says
that it is complete there. A row that is mentioned is what the document says of it, whole: an
attribute that is not stated has its default.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from entities.schema import layouts
from entities.schema.description import fold
from entities.transfer.items import Item, Tree
from entities.transfer.kinds import (
    ENTITY,
    EXTERNAL_KEY,
    FIELD,
    KEY,
    LAYOUT,
    RIGHT,
    SHARING_RULE,
    TOP,
    VALUE,
    Kind,
)
from entities.transfer.parsing import Fault
from entities.transfer.reading import TRAVELS
from entities.transfer.shipped import LEAVE, Shipped


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass
class Change:
    """One row that is to be made, changed or removed.

    wanted    the row as the document has it; none where it is to be removed
    stored    the row as the system has it; none where it is to be made
    values    word -> (value now, value then), of a changed row
    danger    why it destroys or takes something, "" if it does not
    affected  records or users that this is about, none where nobody counts
    """

    action: Action
    kind: Kind
    wanted: Item | None
    stored: Item | None
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    danger: str = ""
    affected: int | None = None

    @property
    def item(self) -> Item:
        found = self.wanted or self.stored
        assert found is not None
        return found

    @property
    def renamed(self) -> bool:
        return self.kind.name in self.values

    @property
    def sentence(self) -> str:
        """`field PROMO.Code`: what it is about."""
        return f"{self.kind.noun} {self.item.path}"


@dataclass
class Difference:
    """All changes, in the order of the document, with what makes it impossible.

    rekeyed  rows whose ExternalKey is made of names, one of which changes
    secrets  what is to be set by hand, because no document says it
    """

    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rekeyed: list[Item] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    @property
    def dangerous(self) -> list[Change]:
        return [change for change in self.changes if change.danger]

    def digest(self, document: str) -> str:
        """What was reviewed: the document, and what it would have done to the system."""
        parts = [document]
        for change in self.changes:
            stored = change.stored
            parts.append(
                f"{change.action} {change.sentence} {stored.id if stored else ''} "
                f"{sorted(change.values.items())!r} {change.danger}"
            )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def difference(document: Tree, system: Tree, shipped: Shipped) -> Difference:
    """How the system differs from the document."""
    finder = _Finder(document, shipped)
    for entity in system.sections[ENTITY.section]:
        if not entity.values.get(TRAVELS, True):
            finder.staying.add(entity.folded())
    for kind in TOP:
        finder.section(
            kind, document.sections.get(kind.section), system.sections[kind.section], None
        )
    kept = {text for item in system.walk() for text in item.kept}
    finder.found.secrets = [text for text in document.secrets if text not in kept]
    return finder.found


def _same(kind: Kind, word: str, now: Any, then: Any) -> bool:
    """Whether two values are two ways to write one, as the platform spells what it keeps."""
    read = _SPELLINGS.get((kind, word))
    if read is None or now is None or then is None:
        return False
    try:
        return bool(read(now) == read(then))
    except ValueError:
        return False


def _listed(names: str) -> list[str]:
    return [fold(name.strip()) for name in names.split(",") if name.strip()]


def _laid_out(document: Any) -> list[Any]:
    return layouts.written(layouts.with_names(layouts.read(document), fold))


#: Kind and word -> what a value means, whichever way it is written.
_SPELLINGS: dict[tuple[Kind, str], Callable[[Any], Any]] = {
    (KEY, "FieldNames"): _listed,
    (LAYOUT, "LayoutFields"): _laid_out,
}


class _Finder:
    def __init__(self, document: Tree, shipped: Shipped) -> None:
        self.complete = document.complete
        self.shipped = shipped
        self.found = Difference()
        self.staying: set[str] = set()
        #: Folded names of entities, and keys of fields, as they are -> as they will be.
        self.renamed: dict[str, str] = {}

    def section(
        self, kind: Kind, wanted: list[Item] | None, stored: list[Item], parent: Item | None
    ) -> None:
        """Compare the rows of one section."""
        if wanted is None and kind is VALUE and parent is not None:
            wanted = self._shipped_list(parent)
        pairs = self._pairs(kind, wanted or [], stored)
        for new, old in pairs:
            if old is None:
                self._create(new)
            else:
                self._change(new, old)
        if kind.section not in self.complete:
            return
        known = {id(old) for _, old in pairs if old is not None}
        for old in stored:
            if id(old) not in known:
                self._missing(old)

    def _create(self, item: Item) -> None:
        if item.kind is RIGHT or not self.shipped.is_core(item) or item.kind is VALUE:
            self.found.changes.append(Change(Action.CREATE, item.kind, item, None))
        for kind in item.kind.children:
            self.section(kind, item.sections.get(kind.section), [], item)

    def _change(self, new: Item, old: Item) -> None:
        values = self._compare(new, old)
        new.id = old.id
        new.system = old.system
        if values:
            self.found.changes.append(Change(Action.CHANGE, new.kind, new, old, values))
        if new.key == new.derived_key != old.key == old.derived_key:
            self.found.rekeyed.append(new)
        for kind in new.kind.children:
            rows = old.sections.get(kind.section, [])
            self.section(kind, new.sections.get(kind.section), rows, new)

    def _missing(self, old: Item) -> None:
        """A row of a section that the document claims to be complete, and does not mention."""
        if self._stays(old):
            return
        if old.system and old.kind is not VALUE:
            # The platform brings it, so it is there as it was shipped.
            self._change(Item(old.kind, old.name, old.parent), old)
            return
        self.found.changes.append(Change(Action.REMOVE, old.kind, None, old))

    def _stays(self, old: Item) -> bool:
        """Entities that do not travel, and what is about them, are in no document."""
        about = old.name.partition(".")[0] if old.kind in (ENTITY, RIGHT) else ""
        if old.kind is SHARING_RULE:
            about = old.values.get("Entity") or ""
        return fold(about) in self.staying

    def _shipped_list(self, parent: Item) -> list[Item] | None:
        """A list of which nothing is said, of a field that the platform brings."""
        if VALUE.section not in self.complete:
            return None
        return [
            Item(VALUE, text, parent, mark=parent.mark) for text in self.shipped.list_of(parent)
        ]

    def _compare(self, new: Item, old: Item) -> dict[str, tuple[Any, Any]]:
        implied = self.shipped.values(new)
        found = {}
        for word, attribute in self.shipped.attributes[new.kind].items():
            if word not in old.values:
                continue
            then = new.values.get(word, implied.get(word))
            if then is LEAVE and word not in new.values:
                continue
            now = old.values[word]
            if attribute.lookup is not None and isinstance(now, str):
                now = self.renamed.get(fold(now), now)
            if word == EXTERNAL_KEY and then == new.derived_key:
                then = None
            if now != then and not _same(new.kind, word, now, then):
                found[word] = (old.values[word], then)
        return found

    # Finding rows again

    def _pairs(
        self, kind: Kind, wanted: list[Item], stored: list[Item]
    ) -> list[tuple[Item, Item | None]]:
        by_key = {item.key: item for item in stored}
        by_name = {item.folded(self._name_then(item)): item for item in stored}
        taken: set[int] = set()
        found: dict[int, Item] = {}

        def take(item: Item, match: Item | None) -> bool:
            if match is None or id(match) in taken:
                return False
            taken.add(id(match))
            found[id(item)] = match
            return True

        formerly = [item for item in wanted if item.was]
        for item in wanted:
            explicit = item.values.get(EXTERNAL_KEY)
            if not (explicit and take(item, by_key.get(explicit))):
                take(item, by_name.get(item.folded()))
        for item in formerly:
            self._take_former(item, by_name, found, take)
        for item in wanted:
            if id(item) not in found and kind is not RIGHT:
                take(item, by_key.get(item.key))
        pairs = [(item, found.get(id(item))) for item in wanted]
        for new, old in pairs:
            if old is not None:
                self._note_rename(new, old)
        return pairs

    def _name_then(self, item: Item) -> str:
        """Rights are named by entity or field, which may be renamed before them."""
        if item.kind is not RIGHT:
            return item.name
        entity, _, rest = item.name.partition(".")
        whole = self.renamed.get(fold(item.name))
        return whole or ".".join(filter(None, (self.renamed.get(fold(entity), entity), rest)))

    def _take_former(
        self, item: Item, by_name: dict[str, Item], found: dict[int, Item], take: Any
    ) -> None:
        former = by_name.get(item.folded(item.was))
        if former is None or found.get(id(item)) is former:
            return
        if id(item) not in found and take(item, former):
            return
        self.found.faults.append(
            Fault(
                item.mark,
                f"{former.path} can't become {item.path} while there is another of that name, or "
                f"the document keeps both; take `was` out, or rename in two documents",
            )
        )

    def _note_rename(self, new: Item, old: Item) -> None:
        if new.name == old.name or new.kind not in (ENTITY, FIELD):
            return
        if new.kind is ENTITY:
            self.renamed[fold(old.name)] = new.name
            for row in old.sections.get(FIELD.section, []):
                self.renamed[fold(f"{old.name}.{row.name}")] = f"{new.name}.{row.name}"
        elif new.parent is not None and old.parent is not None:
            self.renamed[fold(f"{old.parent.name}.{old.name}")] = f"{new.parent.name}.{new.name}"
