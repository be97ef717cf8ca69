"""Rows of ENTITY_FIELD: a new one adds a column, a changed one changes it, a purged one drops it.

Deleting or hiding a field leaves its column and values where they are, until it is purged.
"""

from collections import defaultdict
from typing import Any

from django.db import connection

from entities import fieldtypes
from entities.changing import dependents, formulas, keys, tables
from entities.changing.alteration import Alteration, alter, refuse_lone_key
from entities.changing.carrying import carry_out, start_over
from entities.changing.imagining import OPTIONS, RESETTABLE, imagined, type_words
from entities.changing.indexes import index_step
from entities.changing.rules import administrators_only, check_name
from entities.changing.steps import Lock, Step
from entities.errors import Code
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from entities.schema.description import EntitySchema, FieldSchema, fold

#: Fields of ENTITY_FIELD that can't change where the platform's code decides them.
FIXED = (
    "FieldName",
    "ExternalKey",
    "DataType",
    "DataLength",
    "Status",
    "DefaultFormula",
    "RequiredFlag",
    "UniqueField",
    "ExternalKeyFlag",
    "ImmutableFlag",
    "SetOnceFlag",
    "EncryptedFlag",
    "ReferencedEntityId",
    "ReferencedColumn",
    "OnDelete",
    "CurrencySource",
    "FormulaValue",
    "FormulaDataType",
)
_POSITION_STEP = 10


@behavior("ENTITY_FIELD")
class FieldBehavior(Behavior):
    exclusive = True

    # A new field

    def before_create(self, batch: Batch) -> None:
        administrators_only(batch)
        schemas = _schemas(batch)
        for index in list(batch.live):
            schema = schemas[index]
            if schema is None or not tables.is_stored(schema):
                what = schema.name if schema else "The entity"
                batch.fail(
                    index,
                    Code.READ_ONLY_ENTITY,
                    f"{what} has no records that people write, so no fields can be added to it.",
                    "EntityId",
                )
        self._complete(batch, schemas)
        _check_names(batch, schemas, batch.effective("FieldName"))
        described = {}
        for index in list(batch.live):
            field = self._check(batch, index)
            schema = schemas[index]
            if field is not None and schema is not None:
                described[index] = field
                if not refuse_lone_key(batch, index, schema, field):
                    self._check_filling(batch, index, schema, field)
        formulas.check(batch, described, described)
        self._check_room(batch, schemas)

    def _complete(self, batch: Batch, schemas: list[EntitySchema | None]) -> None:
        """What follows from what was sent."""
        names, kinds = batch.effective("FieldName"), batch.effective("DataType")
        stored = [kind in fieldtypes.names() and fieldtypes.get(kind).stored for kind in kinds]
        columns = iter(tables.physical_names("f", sum(stored)))
        batch.put("ColumnName", [next(columns) if one else None for one in stored])
        batch.put(
            "ExternalKey",
            [
                sent or (f"{schema.name}.{name}" if schema and name else None)
                for sent, schema, name in zip(
                    batch.effective("ExternalKey"), schemas, names, strict=True
                )
            ],
        )
        lengths = batch.effective("DataLength")
        batch.put(
            "DataLength",
            [
                length or (fieldtypes.default_length(kind) if kind else None)
                for length, kind in zip(lengths, kinds, strict=True)
            ],
        )
        _imply(batch)
        values = batch.effective("DefaultValue")
        batch.put(
            "DefaultValue",
            ["0" if k == "FLAG" and v is None else v for k, v in zip(kinds, values, strict=True)],
        )
        positions = batch.effective("ItemPosition")
        following: dict[int | None, int] = _last_positions(schemas)
        for index, schema in enumerate(schemas):
            if schema is not None and not positions[index]:
                following[schema.id] += _POSITION_STEP
                positions[index] = following[schema.id]
        batch.put("ItemPosition", positions)

    def _check(self, batch: Batch, index: int) -> FieldSchema | None:
        """The field that record `index` describes, or None after failing the record."""
        values = {name: batch.value(name, index) for name in OPTIONS}
        known = len(batch.problems.get(index, ()))
        field = imagined(batch, index, values)
        if field is not None and len(batch.problems.get(index, ())) == known:
            return field
        return None

    def _check_filling(
        self, batch: Batch, index: int, schema: EntitySchema, field: FieldSchema
    ) -> None:
        """Records in place have to get a value of a required field from somewhere."""
        if not field.required or field.column is None:
            return
        count = tables.size(schema.table)
        if count and field.default is None:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{schema.name} has {count:,} records that would be without a value of the "
                f"required field {field.name}; send a DefaultValue that they get, or make the "
                f"field required later.",
                "RequiredFlag",
            )
        elif count > 1 and field.unique:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"The {count:,} records of {schema.name} would all get the same value of "
                f"{field.name}, which is to be unique; make it required or unique later.",
                "UniqueField",
            )

    def _check_room(self, batch: Batch, schemas: list[EntitySchema | None]) -> None:
        wanted: dict[EntitySchema, list[int]] = defaultdict(list)
        for index in batch.live:
            schema = schemas[index]
            if schema is not None:
                wanted[schema].append(index)
        for schema, indexes in wanted.items():
            room = tables.MOST_COLUMNS - tables.columns_ever(schema.table)
            for index in indexes[max(room, 0) :]:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"{schema.name} has had {tables.MOST_COLUMNS} fields, purged ones included; "
                    f"the database can't add another one.",
                )

    def after_create(self, batch: Batch) -> None:
        start_over(batch)
        described = {}
        for index in batch.live:
            values = {name: batch.value(name, index) for name in OPTIONS}
            field = imagined(batch, index, values, quietly=True)
            assert field is not None
            described[index] = field
        if batch.problems:
            # What a formula reads may have come to nothing.
            formulas.check(batch, described, described)
        schemas, steps = _schemas(batch), []
        for index in batch.live:
            schema = schemas[index]
            assert schema is not None
            steps += _added(batch, schema, described[index])
        carry_out(batch, steps)

    # A changed field

    def before_update(self, batch: Batch) -> None:
        administrators_only(batch, (*OPTIONS, "ApiAccessableFlag", "ApiHiddenFlag"))
        self._keep_fixed(batch)
        self._keep_ids_accessible(batch)
        _reset(batch)
        _imply(batch)
        schemas = _schemas(batch)
        owners = [schema.name if schema else None for schema in schemas]
        keys.follow_own(batch, "FieldName", owners)
        _check_names(batch, schemas, batch.sent("FieldName"))
        batch.memory["alterations"] = alterations = {}
        for index in list(batch.live):
            schema = schemas[index]
            old_values = {name: batch.stored[name][index] for name in OPTIONS}
            values = {name: batch.value(name, index) for name in OPTIONS}
            system = any(
                batch.stored[flag][index]
                for flag in ("SystemFlag", "ReadOnlyFlag", "PrimaryKeyFlag")
            )
            if schema is None or (system and values["DefaultValue"] == old_values["DefaultValue"]):
                continue
            new = imagined(batch, index, values)
            if new is None or index in batch.problems or system:
                continue
            old = imagined(batch, index, old_values, quietly=True)
            if old is not None:
                alterations[index] = alter(batch, index, schema, old, new)
        self._check_formulas(batch)

    def _check_formulas(self, batch: Batch) -> None:
        alterations: dict[int, Alteration] = batch.memory["alterations"]
        made = {i: a.new for i, a in alterations.items() if i not in batch.problems}
        # One that stays as it is follows the renaming of what it reads.
        formulas.check(batch, made, {i for i in made if alterations[i].computes_otherwise})

    def after_update(self, batch: Batch) -> None:
        start_over(batch)
        if batch.problems:
            # What a formula reads may have stayed as it was.
            self._check_formulas(batch)
        alterations: dict[int, Alteration] = batch.memory["alterations"]
        steps = []
        for index, alteration in alterations.items():
            if index not in batch.problems:
                steps += alteration.steps()
        changed = {
            i: (a.schema.name, a.old.name)
            for i, a in alterations.items()
            if i not in batch.problems and a.matters_to_formulas
        }
        if changed:
            formulas.keep(batch, changed)
        if not changed.keys() & batch.problems.keys():
            carry_out(batch, steps)

    def _keep_fixed(self, batch: Batch) -> None:
        system, kept = batch.stored["SystemFlag"], batch.stored["ReadOnlyFlag"]
        keys = batch.stored["PrimaryKeyFlag"]
        for name in FIXED:
            stored = batch.stored[name]
            for index, value in enumerate(batch.sent(name)):
                if value is UNSET or value == stored[index]:
                    continue
                if system[index] or kept[index] or keys[index]:
                    batch.fail(
                        index,
                        Code.FIELD_NOT_CHANGEABLE,
                        f"{name} of a row that ships with the platform can't change; leave it out.",
                        name,
                    )

    def _keep_ids_accessible(self, batch: Batch) -> None:
        """Without its Id no record could be changed again, a row of metadata least of all."""
        types = batch.stored["DataType"]
        for index, accessible in enumerate(batch.sent("ApiAccessableFlag")):
            if accessible is False and types[index] == "ID":
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    "Records are addressed by their Id, which stays accessible; leave "
                    "ApiAccessableFlag out.",
                    "ApiAccessableFlag",
                )

    # A deleted field

    def before_delete(self, batch: Batch) -> None:
        administrators_only(batch)
        rows = _rows(batch)
        for index in list(batch.live):
            row = rows[batch.ids[index]]
            if row.fixed:
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    f"{row.entity}.{row.name} ships with the platform and can't be deleted; hide "
                    f"it with HiddenFlag instead.",
                )
                continue
            users = [] if row.deleted else dependents.users_of(batch.snapshot, row.entity, row.name)
            if users:
                batch.fail(
                    index,
                    Code.RECORD_IN_USE,
                    f"{row.entity}.{row.name} is used by {', '.join(users)}; change that first.",
                )
        batch.memory["rows"] = rows

    def after_delete(self, batch: Batch) -> None:
        start_over(batch)
        rows, left, steps = batch.memory["rows"], _rows(batch), []
        gone = [(rows[i].entity_id, i, rows[i].name) for i in rows if i not in left]
        if gone:
            dependents.forget(batch.snapshot, gone)
        for index in batch.live:
            row = rows[batch.ids[index]]
            if batch.ids[index] in left:
                words = (
                    f"Delete the field {row.name} of {row.entity}. Its values stay and come back "
                    f"with it."
                )
                steps.append(Step(row.entity, row.entity_id, words))
            else:
                words = f"Remove the field {row.name} of {row.entity} for good, with its values."
                statements = (tables.drop_column(row.table, row.column),) if row.column else ()
                steps.append(Step(row.entity, row.entity_id, words, statements, Lock.BRIEF))
        carry_out(batch, steps)

    def after_undelete(self, batch: Batch) -> None:
        start_over(batch)
        administrators_only(batch)
        rows, steps = _rows(batch), []
        entities = {e.id: e for e in batch.snapshot.entities.values()}
        for index in list(batch.live):
            row = rows[batch.ids[index]]
            schema = entities.get(row.entity_id)
            if schema is not None:
                others = [f.name for f in schema.fields if f.id != batch.ids[index]]
                check_name(batch, index, row.name, "FieldName", taken=others)
            words = f"Restore the field {row.name} of {row.entity} with its values."
            steps.append(Step(row.entity, row.entity_id, words))
        if not batch.problems:
            back = {i: (rows[batch.ids[i]].entity, rows[batch.ids[i]].name) for i in batch.live}
            formulas.keep(batch, back, {batch.ids[i] or 0 for i in batch.live})
        if not batch.problems:
            carry_out(batch, steps)


def _added(batch: Batch, schema: EntitySchema, field: FieldSchema) -> list[Step]:
    words = f"Add the field {field.name} ({type_words(field)}) to {schema.name}."
    if field.column is None:
        return [Step(schema.name, schema.id, words)]
    fill = None
    if field.default is not None and (field.required or field.type.name == "FLAG"):
        (text,) = field.type.text_column([field.default])
        fill = f"{tables.literal(text or '')}::{field.type.sql_type(field)}"
    statements = [tables.add_columns(schema.table, [tables.column(field, fill)])]
    if fill is not None:
        statements.append(tables.drop_default(schema.table, field.column))
    if field.lookup is not None:
        target = batch.snapshot.target(field)
        statements += tables.foreign_key(schema.table, field.column, target)
    steps = [Step(schema.name, schema.id, words, tuple(statements), Lock.BRIEF)]
    if field.unique:
        steps.append(index_step(batch, schema, [field], unique=True))
    elif field.searchable or field.lookup is not None:
        steps.append(index_step(batch, schema, [field], unique=False))
    return steps


def _reset(batch: Batch) -> None:
    """A field of another type lets go of what only its old type had, unless it was sent."""
    reset: dict[int, list[str]] = {}
    batch.memory["reset"] = reset
    known = fieldtypes.names()
    kinds, types = batch.effective("DataType"), batch.stored["DataType"]
    turned = [
        i for i in batch.live if kinds[i] != types[i] and kinds[i] in known and types[i] in known
    ]
    for name in RESETTABLE if turned else ():
        column, stored = list(batch.sent(name)), batch.stored[name]
        for index in turned:
            kind, was = fieldtypes.get(kinds[index]), fieldtypes.get(types[index])
            if column[index] is not UNSET:
                continue
            value = stored[index]
            if name == "DataLength":
                value = _fitting_length(kind, was, value)
            elif name == "DefaultValue" and kind.name == "FLAG":
                value = value or "0"
            elif name == "DefaultValue" and was.name == "FLAG" and value == "0":
                # Every flag is off by itself; nobody asked for it.
                value = None
            elif name not in kind.options:
                value = False if isinstance(value, bool) else None
            if value != stored[index]:
                column[index] = value
                if not value and name != "DefaultValue":
                    reset.setdefault(index, []).append(name)
        batch.put(name, column)


def _fitting_length(
    kind: fieldtypes.FieldType, was: fieldtypes.FieldType, length: str | None
) -> str | None:
    """The length of a field that turns from `was` into `kind`: its own if both measure alike."""
    if kind.pg_type == was.pg_type and length:
        try:
            fieldtypes.check_length(kind.name, length)
        except fieldtypes.Refused:
            pass
        else:
            return length
    return fieldtypes.default_length(kind.name)


def _imply(batch: Batch) -> None:
    """A key is unique, and a lookup guards its target, unless said otherwise."""
    keys, unique = batch.effective("ExternalKeyFlag"), batch.effective("UniqueField")
    if any(k and not u for k, u in zip(keys, unique, strict=True)):
        batch.put("UniqueField", [bool(k or u) for k, u in zip(keys, unique, strict=True)])
    kinds, rules = batch.effective("DataType"), batch.effective("OnDelete")
    if any(kind == "LOOKUP" and not rule for kind, rule in zip(kinds, rules, strict=True)):
        batch.put(
            "OnDelete",
            [
                rule or ("RESTRICT" if kind == "LOOKUP" else None)
                for kind, rule in zip(kinds, rules, strict=True)
            ],
        )


def _schemas(batch: Batch) -> list[EntitySchema | None]:
    """The entity of each record's field, None where it has none in the snapshot."""
    entities = {e.id: e for e in batch.snapshot.entities.values()}
    return [entities.get(i) for i in batch.effective("EntityId")]


def _check_names(batch: Batch, schemas: list[EntitySchema | None], names: list[Any]) -> None:
    """A name is free if no field of the entity has it, hidden ones and those of this request."""
    taken: dict[int, dict[str, tuple[int, str]]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entity_id, id, field_name FROM entities_entityfield "
            "WHERE deleted_at IS NULL AND entity_id = ANY(%s)",
            [[s.id for s in schemas if s is not None]],
        )
        for entity_id, id_, name in cursor.fetchall():
            taken[entity_id][fold(name)] = (id_, name)
    for index in list(batch.live):
        schema, name = schemas[index], names[index]
        if schema is None or not name:
            continue
        holder = taken[schema.id].get(fold(name))
        same = [holder[1]] if holder and holder[0] != (batch.ids[index] or -1) else []
        check_name(batch, index, name, "FieldName", taken=same)
        taken[schema.id].setdefault(fold(name), (batch.ids[index] or 0, name))


def _last_positions(schemas: list[EntitySchema | None]) -> dict[int | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id, (SELECT coalesce(max(item_position), 0) FROM entities_entityfield f "
            "WHERE f.entity_id = e.id AND f.deleted_at IS NULL AND f.item_position < 1000000) "
            "FROM entities_entity e WHERE id = ANY(%s)",
            [[s.id for s in schemas if s is not None]],
        )
        return dict(cursor.fetchall())


class _Row:
    """A field's row as a deletion needs it."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.name, self.column, self.entity_id, self.entity, self.table = values[:5]
        self.fixed, self.deleted = values[5:]


def _rows(batch: Batch) -> dict[Any, _Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.id, f.field_name, f.column_name, e.id, e.entity_name, e.table_name, "
            "f.system_flag OR f.primary_key_flag OR f.read_only_flag, f.deleted_at IS NOT NULL "
            "FROM entities_entityfield f JOIN entities_entity e ON e.id = f.entity_id "
            "WHERE f.id = ANY(%s)",
            [[i for i in batch.ids if i is not None]],
        )
        return {row[0]: _Row(row[1:]) for row in cursor.fetchall()}
