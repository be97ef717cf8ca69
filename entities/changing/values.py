"""Rows of ENTITY_FIELD_VALUES: what a list offers, and what becomes of records that hold a value.

A value is kept in its records as it is written here. So a new spelling is carried into them in the
same transaction, and a value that records hold is retired (ActiveFlag), never taken away from them.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from entities.access import rights
from entities.changing import dependents, keys, tables
from entities.changing.carrying import carry_out, start_over
from entities.changing.rules import administrators_only
from entities.changing.steps import Lock, Step
from entities.errors import Code
from entities.models import EntityField
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from entities.schema.compiling import core_models
from entities.schema.description import EntitySchema, FieldSchema, quote
from metabrm import clock
from metabrm.fields import ListField

#: What stands between the values of a MULTI_LIST on the wire.
SEPARATOR = ";"
_SHOWN = 5


@dataclass(frozen=True)
class _List:
    """A list field as its row is now, with the values it has."""

    key: str
    data_type: str
    default: str | None
    schema: EntitySchema | None
    field: FieldSchema | None
    #: Id of the value's row -> (value, whether it is in use).
    rows: dict[int, tuple[str, bool]]

    @property
    def several(self) -> bool:
        return self.data_type == "MULTI_LIST"

    def defaults(self) -> list[str]:
        """The values of DefaultValue as it is written."""
        if not self.default:
            return []
        parts = self.default.split(SEPARATOR) if self.several else [self.default]
        return [part.strip() for part in parts if part.strip()]


@behavior("ENTITY_FIELD_VALUES")
class ValueBehavior(Behavior):
    """ExternalKey is the field's key combined with the value, unless one is sent."""

    exclusive = True

    # A new value

    def before_create(self, batch: Batch) -> None:
        self._trim(batch)
        lists = _lists(batch)
        fields, values = batch.effective("EntityFieldId"), batch.effective("ListValue")
        batch.put(
            "ExternalKey",
            [
                sent or (f"{lists[field].key}.{value or ''}" if field in lists else None)
                for sent, field, value in zip(
                    batch.effective("ExternalKey"), fields, values, strict=True
                )
            ],
        )
        _check_lists(batch, lists, fields)
        self._check_values(batch, lists)
        batch.memory["lists"] = lists

    def after_create(self, batch: Batch) -> None:
        start_over(batch)
        lists: dict[int, _List] = batch.memory["lists"]
        fields, values = batch.effective("EntityFieldId"), batch.effective("ListValue")
        active = batch.effective("ActiveFlag")
        steps = []
        added: dict[int, list[str]] = defaultdict(list)
        for index in batch.live:
            added[fields[index]].append(
                values[index] if active[index] else f"{values[index]} (retired)"
            )
        for field, names in added.items():
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            told = f"{', '.join(names[:_SHOWN])}{more}"
            steps += _steps(lists[field], f"Add to the list of {{}}: {told}.")
            taken = {v.casefold() for v, on in lists[field].rows.values() if on}
            taken |= {values[i].casefold() for i in batch.live if fields[i] == field and active[i]}
            missing = [v for v in lists[field].defaults() if v.casefold() not in taken]
            if missing:
                steps += _steps(
                    lists[field],
                    f"New records get no value of {{}} by default until the list has its "
                    f"DefaultValue {', '.join(missing)}.",
                )
        carry_out(batch, steps)

    # A changed value

    def before_update(self, batch: Batch) -> None:
        administrators_only(batch, ("ListValue",))
        self._trim(batch)
        lists = _lists(batch)
        owners = [lists.get(i) for i in batch.stored["EntityFieldId"]]
        keys.follow_own(batch, "ListValue", [of.key if of else None for of in owners])
        self._check_values(batch, lists)
        fields = batch.stored["EntityFieldId"]
        for index in list(batch.live):
            of = lists.get(fields[index])
            if of is None:
                continue
            was, value = batch.stored["ListValue"][index], batch.value("ListValue", index)
            if was != value and was in _shipped(of):
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    f"The value {was!r} of {of.key} ships with the platform, which knows it by "
                    f"this name; add another value, and switch the ActiveFlag of this one off.",
                    "ListValue",
                )
            retired = batch.stored["ActiveFlag"][index] and not batch.value("ActiveFlag", index)
            if retired and was.casefold() in {v.casefold() for v in of.defaults()}:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"{was!r} is the DefaultValue of {of.key}; give the field another one first.",
                    "ActiveFlag",
                )
        batch.memory["lists"] = lists

    def after_update(self, batch: Batch) -> None:
        start_over(batch)
        lists: dict[int, _List] = batch.memory["lists"]
        fields, values = batch.stored["EntityFieldId"], batch.effective("ListValue")
        renamed: dict[int, dict[str, str]] = defaultdict(dict)
        steps = []
        for index in batch.live:
            was, of = batch.stored["ListValue"][index], lists.get(fields[index])
            if of is None:
                continue
            if was != values[index]:
                renamed[fields[index]][was] = values[index]
            before, after = (
                batch.stored["ActiveFlag"][index],
                batch.value("ActiveFlag", index),
            )
            if before and not after:
                words = f"Retire the value {values[index]} of {{}}: records keep it, no other can "
                steps += _steps(of, f"{words}take it.")
            elif after and not before:
                steps += _steps(of, f"Let records take the value {values[index]} of {{}} again.")
        for field, names in renamed.items():
            steps = [*_renaming(batch, lists[field], names), *steps]
            _rename_default(lists[field], field, names)
        carry_out(batch, steps)

    # A value taken off the list, and brought back

    def before_delete(self, batch: Batch) -> None:
        rows = _rows(batch)
        lists = _lists(batch, {field for field, _, _ in rows.values()})
        for index in list(batch.live):
            field, value, deleted = rows[batch.ids[index]]
            of = lists.get(field)
            if of is None or deleted:
                continue
            if value in _shipped(of):
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    f"The value {value!r} of {of.key} ships with the platform and can't be "
                    f"deleted; switch its ActiveFlag off, so that no further record takes it.",
                )
            elif value.casefold() in {v.casefold() for v in of.defaults()}:
                batch.fail(
                    index,
                    Code.RECORD_IN_USE,
                    f"{value!r} is the DefaultValue of {of.key}; give the field another one first.",
                )
            elif count := _held(of, value):
                batch.fail(
                    index,
                    Code.RECORD_IN_USE,
                    f"{_counted(batch, of, count)} {value!r} in {of.key} (those in the recycle bin "
                    f"count); switch its ActiveFlag off instead: records keep it, no other can "
                    f"take it.",
                )
        batch.memory["rows"], batch.memory["lists"] = rows, lists

    def after_delete(self, batch: Batch) -> None:
        start_over(batch)
        rows, lists, steps = batch.memory["rows"], batch.memory["lists"], []
        for index in batch.live:
            field, value, deleted = rows[batch.ids[index]]
            if field in lists and not deleted:
                steps += _steps(lists[field], f"Take the value {value} off the list of {{}}.")
                steps += _quoting(batch, lists[field], value)
        carry_out(batch, steps)

    def after_undelete(self, batch: Batch) -> None:
        start_over(batch)
        rows = _rows(batch)
        lists = _lists(batch, {field for field, _, _ in rows.values()})
        steps = []
        for index in list(batch.live):
            field, value, _ = rows[batch.ids[index]]
            if field not in lists:
                continue
            same = [
                v
                for i, (v, _) in lists[field].rows.items()
                if v.casefold() == value.casefold() and i != batch.ids[index]
            ]
            if same:
                batch.fail(index, Code.DUPLICATE_KEY, _same(lists[field], value, same[0]))
            steps += _steps(lists[field], f"Put the value {value} back on the list of {{}}.")
        if not batch.problems:
            carry_out(batch, steps)

    # What holds for every value

    def _trim(self, batch: Batch) -> None:
        sent = batch.sent("ListValue")
        batch.put("ListValue", [v.strip() if isinstance(v, str) else v for v in sent])

    def _check_values(self, batch: Batch, lists: dict[int, _List]) -> None:
        sent, fields = batch.sent("ListValue"), batch.effective("EntityFieldId")
        taken = _taken(batch, lists)
        for index in list(batch.live):
            value, of = sent[index], lists.get(fields[index])
            if value is UNSET or value is None or of is None:
                continue
            message = _wrong(of, value)
            if message:
                batch.fail(index, Code.INVALID_VALUE, message, "ListValue")
                continue
            holder = taken[fields[index]].setdefault(value.casefold(), (index, value))
            if holder[0] != index:
                batch.fail(index, Code.DUPLICATE_KEY, _same(of, value, holder[1]), "ListValue")


def _wrong(of: _List, value: str) -> str:
    """What keeps the text from being a value of the list, or ""."""
    if not value:
        return "ListValue is empty; send the value as records are to hold it."
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
        return f"ListValue {value!r} has a line break or another control character; remove it."
    if of.several and SEPARATOR in value:
        return (
            f"ListValue {value!r} has a semicolon, which stands between the values of the "
            f"MULTI_LIST field {of.key}; write it without."
        )
    most = (of.field.length if of.field is not None else None) or 100
    if len(value) > most:
        return f"ListValue has {len(value)} characters; at most {most} fit into {of.key}."
    return ""


def _same(of: _List, value: str, holder: str) -> str:
    how = "" if value == holder else ", and case makes no difference"
    return f"{of.key} has the value {holder!r} already{how}; send another one."


def _taken(batch: Batch, lists: dict[int, _List]) -> dict[int, dict[str, tuple[int, str]]]:
    """Field -> folded value -> (index in the batch or -1, value) of the rows that stay as they
    are and of those of the batch that keep theirs."""
    changing = {
        batch.ids[i]: i for i, v in enumerate(batch.sent("ListValue")) if v not in (UNSET, None)
    }
    taken: dict[int, dict[str, tuple[int, str]]] = {}
    for field, of in lists.items():
        taken[field] = {
            value.casefold(): (-1, value)
            for id_, (value, _) in of.rows.items()
            if id_ not in changing
        }
    return taken


def _check_lists(batch: Batch, lists: dict[int, _List], fields: Sequence[Any]) -> None:
    for index in batch.live:
        of = lists.get(fields[index])
        if of is not None and of.data_type not in ("LIST", "MULTI_LIST"):
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{of.key} is a {of.data_type} field; only LIST fields have values.",
                "EntityFieldId",
            )


def _lists(batch: Batch, wanted: set[Any] | None = None) -> dict[int, _List]:
    """The fields that the batch's rows are values of, by Id, with all their live values."""
    if wanted is None:
        wanted = set(batch.effective("EntityFieldId"))
    ids = [i for i in wanted if isinstance(i, int)]
    rows: dict[int, dict[int, tuple[str, bool]]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entity_field_id, id, list_value, active_flag FROM entities_entityfieldvalue "
            "WHERE entity_field_id = ANY(%s) AND deleted_at IS NULL",
            [ids],
        )
        for field_id, id_, value, active in cursor.fetchall():
            rows[field_id][id_] = (value, active)
        cursor.execute(
            "SELECT id, external_key, data_type, default_value, entity_id "
            "FROM entities_entityfield WHERE id = ANY(%s)",
            [ids],
        )
        fields = cursor.fetchall()
    entities = {e.id: e for e in batch.snapshot.entities.values()}
    found = {}
    for id_, key, data_type, default, entity_id in fields:
        schema = entities.get(entity_id)
        field = next((f for f in schema.fields if f.id == id_), None) if schema else None
        found[id_] = _List(key, data_type, default, schema, field, rows[id_])
    return found


def _rows(batch: Batch) -> dict[Any, tuple[int, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, entity_field_id, list_value, deleted_at IS NOT NULL "
            "FROM entities_entityfieldvalue WHERE id = ANY(%s)",
            [[i for i in batch.ids if i is not None]],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _shipped(of: _List) -> Sequence[str]:
    """The values that the platform's own code brings."""
    model = core_models().get(of.schema.name) if of.schema is not None else None
    if model is None or of.field is None:
        return ()
    columns: dict[Any, Any] = {f.column: f for f in model._meta.concrete_fields}
    field = columns.get(of.field.column)
    return field.values if isinstance(field, ListField) else ()


# What records hold


def _stored(of: _List) -> tuple[str, str] | None:
    """Table and column of the list's field where it has one."""
    if of.schema is None or of.field is None or of.field.column is None:
        return None
    return of.schema.table, quote(of.field.column)


def _held(of: _List, value: str) -> int:
    """How many records hold the value, those in the recycle bin included."""
    place = _stored(of)
    if place is None:
        return 0
    table, column = place
    condition = f"{column} @> ARRAY[%s]::text[]" if of.several else f"{column} = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {quote(table)} WHERE {condition}", [value])
        return int(cursor.fetchone()[0])


def _counted(batch: Batch, of: _List, count: int) -> str:
    """ "12 PROMO records hold", without the number for who may not read them."""
    assert of.schema is not None
    if not rights(batch.snapshot, batch.context, of.schema).read:
        return f"{of.schema.name} records hold"
    return f"{count:,} {of.schema.name} record{'s hold' if count != 1 else ' holds'}"


def _renaming(batch: Batch, of: _List, names: dict[str, str]) -> list[Step]:
    """One step per renamed value; one statement carries them all, so that none meets another."""
    statements = [_carry(batch, of, names)] if _stored(of) else []
    size = tables.size(of.schema.table) if of.schema is not None and statements else 0
    steps: list[Step] = []
    for old, new in names.items():
        count = _held(of, old)
        told = f", in {count:,} record{'s' if count != 1 else ''}" if count else ""
        steps += _steps(
            of,
            f"Rename the value {old} of {{}} to {new}{told}.",
            tuple(statements),
            Lock.SCAN if statements else Lock.NONE,
            size,
        )
        statements = []
        steps += _quoting(batch, of, old)
    return steps


def _carry(batch: Batch, of: _List, names: dict[str, str]) -> str:
    assert of.schema is not None
    place = _stored(of)
    assert place is not None
    table, column = place
    listed = ", ".join(map(tables.literal, names))
    cases = " ".join(f"WHEN {tables.literal(o)} THEN {tables.literal(n)}" for o, n in names.items())
    if of.several:
        value = (
            f"ARRAY(SELECT CASE v {cases} ELSE v END "
            f"FROM unnest({column}) WITH ORDINALITY AS u(v, n) ORDER BY n)"
        )
        held = f"{column} && ARRAY[{listed}]::text[]"
    else:
        value, held = f"CASE {column} {cases} END", f"{column} IN ({listed})"
    stamp = ""
    if of.schema.find("UpdatedUserId") is not None:
        user = "NULL" if batch.context.user_id is None else str(int(batch.context.user_id))
        at = tables.literal(clock.now().isoformat())
        stamp = f", updated = {at}::timestamptz, updated_user_id = {user}"
    return f"UPDATE {quote(table)} SET {column} = {value}{stamp} WHERE {held}"


def _rename_default(of: _List, field_id: int, names: dict[str, str]) -> None:
    """DefaultValue follows a renamed value."""
    folded = {old.casefold(): new for old, new in names.items()}
    parts = of.defaults()
    followed = [folded.get(part.casefold(), part) for part in parts]
    if followed != parts:
        EntityField._base_manager.filter(pk=field_id).update(
            default_value=SEPARATOR.join(followed), updated=clock.now()
        )


def _quoting(batch: Batch, of: _List, value: str) -> list[Step]:
    """A warning if formulas quote the value, which stays there as it is."""
    if of.schema is None or of.field is None:
        return []
    places = dependents.quoting(batch.snapshot, of.schema.name, of.field.name, value)
    if not places:
        return []
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return _steps(
        of,
        f"Change by hand what quotes the value {value} of {{}}: "
        f"{', '.join(places[:_SHOWN])}{more}.",
    )


def _steps(
    of: _List,
    words: str,
    statements: tuple[str, ...] = (),
    lock: Lock = Lock.NONE,
    rows: int = 0,
) -> list[Step]:
    """The step with the field's name in its words; none where the entity is gone."""
    if of.schema is None:
        return []
    told = words.replace("{}", of.key)
    return [Step(of.schema.name, of.schema.id, told, statements, lock, rows)]
