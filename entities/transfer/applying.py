"""Bringing the system to what a document says, through the verbs, in an order that always works.

What refers to others is taken away first and made last; what can run in circles (two entities that
look up to each other, defaults that read one another) is made without the reference and gets it
when all of it is there. Formulas that read each other are tried until none is left or none will do.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from entities import records
from entities.errors import Problem
from entities.records.outcome import Outcome
from entities.schema.current import current
from entities.schema.description import FieldSchema, fold, quote
from entities.transfer.difference import Action, Change, Difference
from entities.transfer.items import Item
from entities.transfer.kinds import (
    ENTITY,
    EXTERNAL_KEY,
    FIELD,
    KEY,
    KINDS,
    LAYOUT,
    RIGHT,
    ROLE,
    SHARING_GROUP,
    SHARING_RULE,
    VALIDATION,
    VALUE,
    WORKFLOW_ACTION,
    WORKFLOW_RULE,
    Kind,
)
from entities.transfer.parsing import Fault, unknown
from entities.transfer.reading import key_of
from entities.transfer.shipped import LEAVE, Shipped
from metabrm.identity.context import Context

#: What others do not need, in the order in which it can go before anything changes.
_FIRST_AWAY = (
    WORKFLOW_ACTION,
    WORKFLOW_RULE,
    LAYOUT,
    VALIDATION,
    KEY,
    RIGHT,
    SHARING_RULE,
    SHARING_GROUP,
)
#: What others may need until they have changed.
_LAST_AWAY = (VALUE, FIELD, ENTITY, ROLE)
_KINDS = {kind.entity: kind for kind in KINDS}


def apply(difference: Difference, shipped: Shipped, context: Context) -> list[Fault]:
    """Carry out the changes in the open transaction; what failed. The caller undoes it then."""
    run = _Run(difference.changes, shipped, context)
    run.whole()
    run.follow(difference.rekeyed)
    return run.faults


class _Ids:
    """Name -> Id of an entity's rows; `loose` names are found in any spelling."""

    def __init__(self, ids: dict[str, int], *, loose: bool) -> None:
        self._names = list(ids)
        self._fold = fold if loose else str
        self._ids = {self._fold(name): str(id_) for name, id_ in ids.items()}

    def find(self, name: str) -> str | None:
        return self._ids.get(self._fold(name))

    def unknown(self, name: str, what: str) -> str:
        return unknown(name, self._names, what)


#: Target entity -> Ids by name.
Lookups = dict[str, _Ids]


class _Run:
    def __init__(self, changes: Sequence[Change], shipped: Shipped, context: Context) -> None:
        self.changes = changes
        self.shipped = shipped
        self.context = context
        self.faults: list[Fault] = []
        self.failed: set[Item] = set()

    def whole(self) -> None:
        for kind in _FIRST_AWAY:
            self._remove(kind)
        self._rename(ENTITY)
        self._rename(FIELD)
        for kind in KINDS:
            if kind is FIELD:
                self._fields()
            else:
                # What a row gives up, a new one may take: being the default, a key.
                self._alter(kind, self._of(kind, Action.CHANGE))
                self._make(kind, self._of(kind, Action.CREATE))
                self._complete(kind)
        for kind in _LAST_AWAY:
            self._remove(kind)

    def _of(self, kind: Kind, action: Action) -> list[Change]:
        return [
            change
            for change in self.changes
            if change.kind is kind and change.action is action and not self._lost(change.item)
        ]

    def _lost(self, item: Item) -> bool:
        """What belongs to a row that failed would only fail too."""
        row: Item | None = item
        while row is not None:
            if row in self.failed:
                return True
            row = row.parent
        return False

    # Fields

    def _fields(self) -> None:
        """Fields with values first, then those that are computed from them, then their defaults."""
        new, changed = self._of(FIELD, Action.CREATE), self._of(FIELD, Action.CHANGE)
        # Tables that nobody reads yet go first: the others are locked from here to the end.
        new.sort(key=lambda change: bool(change.item.parent and change.item.parent.system))
        self._make(FIELD, [c for c in new if not _computed(c)])
        self._alter(FIELD, [c for c in changed if not _computed(c)])
        self._make(FIELD, [c for c in new if _computed(c)])
        self._alter(FIELD, [c for c in changed if _computed(c)])
        self._complete(FIELD)

    # Rows

    def _rename(self, kind: Kind) -> None:
        renamed = [c for c in self._of(kind, Action.CHANGE) if c.renamed]
        rows = [(c, {"Id": _id(c.item), kind.name: c.values[kind.name][1]}) for c in renamed]
        self._write("update", kind, rows)

    def _make(self, kind: Kind, changes: list[Change]) -> None:
        lookups = self._lookups(kind, changes)
        rows = []
        for change in changes:
            item = change.item
            row = self._new_row(item, lookups)
            if row is not None:
                rows.append((change, row))
        self._write("create", kind, rows)

    def _alter(self, kind: Kind, changes: list[Change]) -> None:
        """Change rows; one whose fixed words change is made anew."""
        anew = [c for c in changes if kind.fixed & c.values.keys()]
        if anew:
            self._delete(kind, anew)
            self._make(kind, [c for c in anew if not self._lost(c.item)])
        changes = [c for c in changes if c not in anew]
        done = {kind.name} if kind in (ENTITY, FIELD) else set()
        lookups = self._lookups(kind, changes)
        rows = []
        for change in changes:
            words = [w for w in change.values if w not in done and not self._waits(change, w)]
            wanted = {w: change.values[w][1] for w in words}
            row = self._row(change.item, wanted, lookups)
            if row is not None and wanted:
                rows.append((change, {"Id": _id(change.item), **row}))
        self._write("update", kind, rows)

    def _complete(self, kind: Kind) -> None:
        """What could not be said of rows before all of them were there."""
        if not kind.later:
            return
        changes = self._of(kind, Action.CREATE) + self._of(kind, Action.CHANGE)
        lookups = self._lookups(kind, changes)
        rows = []
        for change in changes:
            item = change.item
            if change.action is Action.CREATE:
                wanted = {w: item.values[w] for w in kind.later if item.values.get(w) is not None}
            else:
                waiting = [w for w in change.values if self._waits(change, w)]
                wanted = {w: change.values[w][1] for w in waiting}
            row = self._row(item, wanted, lookups)
            if row:
                rows.append((change, {"Id": _id(item), **row}))
        self._write("update", kind, rows)

    def _waits(self, change: Change, word: str) -> bool:
        return word in change.kind.later and change.values[word][1] is not None

    def _remove(self, kind: Kind) -> None:
        self._delete(kind, self._of(kind, Action.REMOVE))

    def _delete(self, kind: Kind, changes: list[Change]) -> None:
        pending = changes
        while pending:
            ids = [c.stored.id for c in pending if c.stored is not None]
            outcomes = records.delete(kind.entity, ids, self.context)
            left = [(c, o) for c, o in zip(pending, outcomes, strict=True) if not o.ok]
            if len(left) == len(pending):
                for change, outcome in left:
                    self._tell(change, outcome.problems)
                return
            # What was still in use by another one that is gone now can go next.
            pending = [change for change, _ in left]

    def _write(self, verb: str, kind: Kind, rows: list[tuple[Change, dict[str, Any]]]) -> None:
        """Write the rows; those that need others, or the place of others, wait for them."""
        pending = rows
        while pending:
            outcomes: list[Outcome]
            if verb == "create":
                outcomes = records.create(kind.entity, [r for _, r in pending], self.context)
            else:
                outcomes = records.update(
                    kind.entity, [r for _, r in pending], self.context, null_clears=True
                )
            left = []
            for (change, row), outcome in zip(pending, outcomes, strict=True):
                if outcome.ok:
                    change.item.id = outcome.id
                else:
                    left.append((change, row, outcome))
            if len(left) == len(pending):
                for change, _, outcome in left:
                    self._tell(change, outcome.problems)
                return
            pending = [(change, row) for change, row, _ in left]

    def follow(self, rekeyed: Sequence[Item]) -> None:
        """Let keys that are made of names follow those, where the platform has not done it."""
        for kind in KINDS:
            items = {item.id: item for item in rekeyed if item.kind is kind}
            schema = current().entity(kind.entity)
            key = schema.find(EXTERNAL_KEY)
            if not items or key is None:
                continue
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT id, {quote(key.column or '')} FROM {quote(schema.table)} "
                    f"WHERE id = ANY(%s)",
                    [list(items)],
                )
                stored = dict(cursor.fetchall())
            rows = [
                (Change(Action.CHANGE, kind, item, None), {"Id": _id(item), EXTERNAL_KEY: item.key})
                for id_, item in items.items()
                if stored.get(id_) not in (None, item.key)
            ]
            self._write("update", kind, rows)

    # Values

    def _new_row(self, item: Item, lookups: Lookups) -> dict[str, Any] | None:
        kind, implied = item.kind, self.shipped.values(item)
        wanted: dict[str, Any] = {}
        for word, attribute in self.shipped.attributes[kind].items():
            value = item.values.get(word, implied.get(word))
            if value is None or value is LEAVE or word in kind.later:
                continue
            if word in item.values or value != attribute.default:
                wanted[word] = value
        row = self._row(item, wanted, lookups)
        if row is None:
            return None
        if kind.owner and item.parent is not None:
            row[kind.owner] = str(item.parent.id)
        if kind is RIGHT and not self._subject(item, row, lookups):
            return None
        if kind.name:
            row[kind.name] = row.get(kind.name) or item.name
        if EXTERNAL_KEY in self.shipped.attributes[kind]:
            row[EXTERNAL_KEY] = item.key
        return row

    def _row(self, item: Item, wanted: dict[str, Any], lookups: Lookups) -> dict[str, Any] | None:
        """Words -> fields as the verbs take them; None after telling what can't be found."""
        row: dict[str, Any] = {}
        for word, value in wanted.items():
            attribute = self.shipped.attributes[item.kind][word]
            if word == EXTERNAL_KEY and value is None:
                value = item.derived_key
            elif attribute.lookup is not None and value is not None:
                found = self._found(item, word, attribute, str(value), lookups)
                if found is None:
                    return None
                value = found
            row[attribute.name] = _wire(value)
        return row

    def _found(
        self,
        item: Item,
        word: str,
        attribute: FieldSchema,
        name: str,
        lookups: Lookups,
    ) -> Any:
        assert attribute.lookup is not None
        target = attribute.lookup.entity
        found = lookups[target].find(name)
        if found is None:
            words = _KINDS[target].noun if target in _KINDS else target
            self._fail(item, word, lookups[target].unknown(name, words))
        return found

    def _subject(self, item: Item, row: dict[str, Any], lookups: Lookups) -> bool:
        """A right is on an entity, or on a field of one."""
        entity, _, field = item.name.partition(".")
        found = lookups[ENTITY.entity].find(entity)
        if found is None:
            self._fail(item, "", lookups[ENTITY.entity].unknown(entity, ENTITY.noun))
            return False
        row["EntityId"] = found
        if field:
            on = lookups[FIELD.entity].find(item.name)
            if on is None:
                self._fail(item, "", lookups[FIELD.entity].unknown(item.name, FIELD.noun))
                return False
            row["EntityFieldId"] = on
        return True

    def _lookups(self, kind: Kind, changes: Sequence[Change]) -> Lookups:
        """Target entity -> name -> Id, of all that the rows' lookups can name."""
        snapshot = current()
        wanted: dict[str, set[str]] = {}
        for word, attribute in self.shipped.attributes[kind].items():
            if attribute.lookup is not None:
                texts = wanted.setdefault(snapshot.target(attribute).name, set())
                texts.update(str(c.item.values.get(word)) for c in changes)
        if kind is RIGHT:
            wanted = {"ENTITY": set(), "ENTITY_FIELD": set()}
        if not changes:
            return {}
        return {name: self._ids(name, texts) for name, texts in wanted.items()}

    def _ids(self, name: str, wanted: set[str]) -> "_Ids":
        """Name -> Id: of all rows of a kind, of which there are few, else of those wanted."""
        target = current().entity(name)
        key = quote(key_of(target).column or "")
        conditions = ["deleted_at IS NULL"] if target.authored else []
        if name not in _KINDS:
            conditions.append(f"{key}::text = ANY(%s)")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {key}::text, id FROM {quote(target.table)} {where}",
                [] if name in _KINDS else [list(wanted)],
            )
            return _Ids(dict(cursor.fetchall()), loose=name in (ENTITY.entity, FIELD.entity))

    # Telling

    def _tell(self, change: Change, problems: Iterable[Problem]) -> None:
        for problem in problems:
            attributes = self.shipped.attributes[change.kind]
            word = next((w for w, f in attributes.items() if f.name == problem.field), "")
            self._fail(change.item, word, problem.message)

    def _fail(self, item: Item, word: str, message: str) -> None:
        self.failed.add(item)
        mark = item.marks.get(word) or item.mark
        self.faults.append(Fault(mark, f"{item.kind.noun} {item.path}: {message}"))


def _computed(change: Change) -> bool:
    return change.item.values.get("DataType") == "FORMULA"


def _id(item: Item) -> str:
    return str(item.id)


def _wire(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date | datetime) else value
