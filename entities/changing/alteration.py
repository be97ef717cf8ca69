"""A field with records in place becomes another one: what they would not survive is refused.

Every check runs before anything is changed and names the records that are in the way.
"""

from dataclasses import dataclass

from django.db import connection

from entities import fieldtypes
from entities.changing import dependents, jobs, sealing, tables
from entities.changing.imagining import type_words
from entities.changing.indexes import drop_step, index_step
from entities.changing.steps import Lock, Step
from entities.errors import Code
from entities.records.batch import Batch
from entities.schema.description import EntitySchema, FieldSchema, quote

_SHOWN = 10
_SEEN_BY_FORMULAS = (
    "name",
    "type",
    "length",
    "digits",
    "places",
    "lookup",
    "encrypted",
    "formula",
    "formula_type",
    "default_formula",
)


@dataclass(frozen=True)
class Alteration:
    """A field before and after; `steps` makes the one of the other."""

    batch: Batch
    index: int
    schema: EntitySchema
    old: FieldSchema
    new: FieldSchema

    @property
    def computes_otherwise(self) -> bool:
        """Whether what the field computes, or what of, is another."""
        return any(
            getattr(self.old, name) != getattr(self.new, name)
            for name in ("formula", "formula_type", "default_formula", "type", "digits", "lookup")
        )

    @property
    def matters_to_formulas(self) -> bool:
        """Whether a formula could see the difference."""
        old, new = self.old, self.new
        was, is_ = self.batch.stored["Status"][self.index], self.batch.effective("Status")
        return was != is_[self.index] or any(
            getattr(old, name) != getattr(new, name) for name in _SEEN_BY_FORMULAS
        )

    def steps(self) -> list[Step]:
        old, new = self.old, self.new
        steps: list[Step] = []
        if old.name != new.name:
            dependents.rename(self.batch, self.schema, old.name, new.name)
            self._note(steps, f"Rename the field {old.name} of {self.schema.name} to {new.name}.")
        self._change_status(steps)
        self._change_type(steps)
        if old.encrypted != new.encrypted and new.column is not None:
            steps += sealing.encryption(self.schema, old, new)
        self._change_target(steps)
        self._change_indexes(steps)
        self._change_rules(steps)
        return steps

    def _note(self, steps: list[Step], words: str) -> None:
        steps.append(Step(self.schema.name, self.schema.id, words))

    def _change_status(self, steps: list[Step]) -> None:
        was, status = (
            self.batch.stored["Status"][self.index],
            self.batch.value("Status", self.index),
        )
        if was != status:
            verb = "Hide" if status == "HIDDEN" else "Show"
            self._note(steps, f"{verb} the field {self.new.name} of {self.schema.name}.")

    def _change_type(self, steps: list[Step]) -> None:
        old, new = self.old, self.new
        if old.column is None or not _type_differs(old, new) or old.encrypted or new.encrypted:
            return
        table, column = self.schema.table, quote(old.column)
        statements = []
        if old.lookup is not None and new.lookup is None:
            statements.append(tables.drop_foreign_key(table, old.column))
        free = _widens(old, new)
        using = None if free else fieldtypes.cast_sql(old, new, column)
        if using and new.type.name == "FLAG":
            # A flag is off when it is not set.
            using = f"coalesce({using}, false)"
        statements.append(tables.change_type(table, old.column, new.type.sql_type(new), using))
        if new.lookup is not None and old.lookup is None:
            target = self.batch.snapshot.target(new)
            statements += tables.foreign_key(table, old.column, target)
        words = (
            f"Turn the field {new.name} of {self.schema.name} from {type_words(old)} into "
            f"{type_words(new)}."
        )
        lock = Lock.BRIEF if free else Lock.REWRITE
        rows = tables.size(table)
        steps.append(Step(self.schema.name, self.schema.id, words, tuple(statements), lock, rows))
        reset = self.batch.memory["reset"].get(self.index)
        if reset:
            self._note(
                steps,
                f"Let go of what no {new.type.label.lower()} field has: {', '.join(reset)} of "
                f"{new.name}.",
            )

    def _change_target(self, steps: list[Step]) -> None:
        old, new = self.old, self.new
        if not (old.lookup and new.lookup) or old.lookup.entity == new.lookup.entity:
            return
        assert old.column is not None
        target = self.batch.snapshot.target(new)
        statements = (
            tables.drop_foreign_key(self.schema.table, old.column),
            *tables.foreign_key(self.schema.table, old.column, target),
        )
        words = f"Point the lookup {new.name} of {self.schema.name} to {target.name}."
        steps.append(Step(self.schema.name, self.schema.id, words, statements, Lock.BRIEF))

    def _change_indexes(self, steps: list[Step]) -> None:
        old, new, table = self.old, self.new, self.schema.table
        if new.column is None:
            return
        if old.unique != new.unique:
            if new.unique:
                steps.append(index_step(self.batch, self.schema, [new], unique=True))
            else:
                name = tables.unique_index_name(table, new.column)
                steps.append(drop_step(self.schema, [new], name))
        had, has = (_search_index(f) for f in (old, new))
        if had != has:
            if has:
                steps.append(index_step(self.batch, self.schema, [new], unique=False))
            else:
                name = tables.search_index_name(table, new.column)
                steps.append(drop_step(self.schema, [new], name))

    def _change_rules(self, steps: list[Step]) -> None:
        """Rules that only the verbs apply."""
        flags = {
            "required": "required",
            "immutable": "unchangeable once the record exists",
            "set_once": "unchangeable once it has a value",
            "external_key": "an external key",
            "pii": "personal data",
        }
        for attribute, words in flags.items():
            was, now = getattr(self.old, attribute), getattr(self.new, attribute)
            if was != now:
                no = "" if now else "no longer "
                self._note(
                    steps, f"Make the field {self.new.name} of {self.schema.name} {no}{words}."
                )


def alter(
    batch: Batch, index: int, schema: EntitySchema, old: FieldSchema, new: FieldSchema
) -> Alteration:
    """The alteration of a field; fails record `index` for what is in the way."""
    if old.encrypted or new.encrypted:
        _check_encryption(batch, index, schema, old, new)
    else:
        _check_type(batch, index, schema, old, new)
    _check_target(batch, index, schema, old, new)
    _check_hiding(batch, index, schema, old)
    if new.column is None or index in batch.problems:
        return Alteration(batch, index, schema, old, new)
    if new.required and not old.required:
        count, ids = _offenders(schema, f"deleted_at IS NULL AND {quote(new.column)} IS NULL")
        if count:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{new.name} can't be required: {_have(count, schema)} no value, "
                f"such as {_told(ids)}; give them one first.",
                "RequiredFlag",
                of=schema.name,
                in_the_way=ids,
            )
    if new.unique and not old.unique and not refuse_lone_key(batch, index, schema, new):
        if old.encrypted and new.encrypted:
            _check_one_key(batch, index, schema, new)
        groups = jobs.duplicates(schema.table, [new.column])
        if groups.ids:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{new.name} can't be unique: {schema.name} records have the same value: "
                f"{groups.words}; change or delete all but one of each first.",
                "UniqueField",
                of=schema.name,
                in_the_way=groups.ids,
            )
    return Alteration(batch, index, schema, old, new)


def _check_type(
    batch: Batch, index: int, schema: EntitySchema, old: FieldSchema, new: FieldSchema
) -> None:
    if not _type_differs(old, new):
        return
    if old.type.name != new.type.name and old.type.name not in new.type.casts_from:
        possible = [
            name
            for name in fieldtypes.names()
            if name != old.type.name and old.type.name in fieldtypes.get(name).casts_from
        ]
        batch.fail(
            index,
            Code.FIELD_NOT_CHANGEABLE,
            f"A {old.type.name} field can't become {new.type.name}; it can become "
            f"{', '.join(possible) or 'nothing else'}.",
            "DataType",
        )
        return
    if new.type.name == "MULTI_LIST" and any(";" in v for v in new.list_values.values()):
        batch.fail(
            index,
            Code.FIELD_NOT_CHANGEABLE,
            f"The list of {new.name} has values with a semicolon, which stands between the values "
            f"of a MULTI_LIST field; rename those first.",
            "DataType",
        )
        return
    if old.column is None or _widens(old, new):
        return
    fits = fieldtypes.cast_check_sql(old, new, quote(old.column))
    count, ids = _offenders(schema, f"{quote(old.column)} IS NOT NULL AND NOT ({fits})")
    if count:
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"{_have(count, schema)} a {old.name} that is no {type_words(new)}, such "
            f"as {_told(ids)} (those in the recycle bin count); change their values first.",
            "DataType" if old.type.name != new.type.name else "DataLength",
            of=schema.name,
            in_the_way=ids,
        )
    if new.lookup is not None and old.lookup is None and not count:
        target = batch.snapshot.target(new)
        count, ids = _offenders(
            schema,
            f"{quote(old.column)} IS NOT NULL AND NOT EXISTS "
            f"(SELECT FROM {quote(target.table)} target WHERE target.id = {quote(old.column)})",
        )
        if count:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"{_have(count, schema)} a {old.name} that is no Id of "
                f"{target.name}, such as {_told(ids)}; change their values first.",
                "DataType",
                of=schema.name,
                in_the_way=ids,
            )


def _check_encryption(
    batch: Batch, index: int, schema: EntitySchema, old: FieldSchema, new: FieldSchema
) -> None:
    """What stands in the way of a field that is encrypted, or was: nobody reads its values here."""
    assert old.column is not None
    same_type = old.type.name == new.type.name and old.length == new.length
    if old.encrypted and new.encrypted:
        wider = new.length is None or (old.length is not None and new.length >= old.length)
        text = old.type.name == new.type.name or new.type.name == "LONG_TEXT"
        if not (wider and text):
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"{new.name} is encrypted: it can become longer or LONG_TEXT, and nothing else; "
                f"switch EncryptedFlag off first.",
                "DataType" if old.type.name != new.type.name else "DataLength",
            )
        return
    if not same_type:
        batch.fail(
            index,
            Code.FIELD_NOT_CHANGEABLE,
            "Change EncryptedFlag by itself, and the data type or length in another request.",
            "EncryptedFlag",
        )
        return
    column = sealing.Column(schema.id, schema.table, old.column)
    count = sum(sealing.counts(column))
    if count > sealing.MOST_AT_ONCE:
        batch.fail(
            index,
            Code.FIELD_NOT_CHANGEABLE,
            f"{schema.name} and its history have {count:,} values of {new.name}, and at most "
            f"{sealing.MOST_AT_ONCE:,} are encrypted or decrypted by one change; add another field "
            f"with the EncryptedFlag that you want, copy the values there with updates, and purge "
            f"{new.name}.",
            "EncryptedFlag",
        )
    elif old.encrypted and (unreadable := sealing.unreadable(column)):
        batch.fail(
            index,
            Code.FIELD_KEY_MISSING,
            f"{unreadable:,} values of {new.name} do not open, so they can't be decrypted: "
            f"BRM_FIELD_KEYS lacks their key, or they are damaged.",
            "EncryptedFlag",
        )
    elif new.encrypted:
        users = dependents.users_of(batch.snapshot, schema.name, old.name, keys=False)
        if users:
            batch.fail(
                index,
                Code.RECORD_IN_USE,
                f"{schema.name}.{old.name} is used by {', '.join(users)}, which can't read what is "
                f"encrypted; change that first.",
                "EncryptedFlag",
            )


def refuse_lone_key(batch: Batch, index: int, schema: EntitySchema, field: FieldSchema) -> bool:
    """Fail a field that is to be unique by itself where the database can't see to that."""
    by = schema.partitioned_by
    if by is None or not field.unique:
        return False
    batch.fail(
        index,
        Code.VALIDATION_FAILED,
        f"{field.name} can't be unique by itself: {schema.name} is kept in months of {by.name}, "
        f"each of which knows only its own records. Make a key (ENTITY_KEY) over {by.name}, "
        f"{field.name}, and look for {field.name} with SearchableFlag.",
        "UniqueField",
    )
    return True


def _check_one_key(batch: Batch, index: int, schema: EntitySchema, field: FieldSchema) -> None:
    """Equal values are found by their tokens, which are the same under one key only."""
    assert field.column is not None
    column = sealing.Column(schema.id, schema.table, field.column)
    if not sealing.under_one_key(column):
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"{field.name} can't be unique while its values are encrypted under several keys; have "
            f"the operator run rotate_field_keys first.",
            "UniqueField",
        )


def _check_target(
    batch: Batch, index: int, schema: EntitySchema, old: FieldSchema, new: FieldSchema
) -> None:
    if not (old.lookup and new.lookup) or old.lookup.entity == new.lookup.entity:
        return
    if _holds_values(schema, old):
        batch.fail(
            index,
            Code.FIELD_NOT_CHANGEABLE,
            f"{new.name} can't point to {new.lookup.entity} while {schema.name} records point to "
            f"{old.lookup.entity}; empty it first, or add another lookup.",
            "ReferencedEntityId",
        )


def _check_hiding(batch: Batch, index: int, schema: EntitySchema, old: FieldSchema) -> None:
    was, status = batch.stored["Status"][index], batch.value("Status", index)
    if was == status or status != "HIDDEN":
        return
    users = dependents.users_of(batch.snapshot, schema.name, old.name)
    if users:
        batch.fail(
            index,
            Code.RECORD_IN_USE,
            f"{schema.name}.{old.name} is used by {', '.join(users)}; change that first.",
            "Status",
        )


def _type_differs(old: FieldSchema, new: FieldSchema) -> bool:
    return old.type.name != new.type.name or (
        new.type.stored and old.type.sql_type(old) != new.type.sql_type(new)
    )


def _widens(old: FieldSchema, new: FieldSchema) -> bool:
    """Whether every value fits as it is stored, so that only the catalogue changes."""
    if old.type.name != new.type.name:
        return False
    if new.digits is not None and old.digits is not None and new.type.pg_type == "numeric":
        return new.digits >= old.digits and new.places == old.places
    if new.type.pg_type == "text":
        return new.length is None or (old.length is not None and new.length >= old.length)
    return False


def _search_index(field: FieldSchema) -> bool:
    return not field.unique and (field.searchable or field.lookup is not None)


def _holds_values(schema: EntitySchema, field: FieldSchema) -> bool:
    return field.column is not None and bool(
        _offenders(schema, f"{quote(field.column)} IS NOT NULL")[0]
    )


def _offenders(schema: EntitySchema, condition: str) -> tuple[int, list[int]]:
    """How many records fulfil the condition, and the Ids of the first few of them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {quote(schema.table)} WHERE {condition}")
        (count,) = cursor.fetchone()
        if not count:
            return 0, []
        cursor.execute(
            f"SELECT id FROM {quote(schema.table)} WHERE {condition} ORDER BY id LIMIT {_SHOWN}"
        )
        return count, [row[0] for row in cursor.fetchall()]


def _have(count: int, schema: EntitySchema) -> str:
    return f"{count:,} {schema.name} {'record has' if count == 1 else 'records have'}"


def _told(ids: list[int]) -> str:
    return f"Id {', '.join(map(str, ids))}"
