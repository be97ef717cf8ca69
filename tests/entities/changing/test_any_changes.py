"""Random changes of the schema against a model of it in memory.

After every step the metadata, the physical tables and a record that is written and read agree with
the model. Each run is undone at its end.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from entities import query, records
from entities.errors import RequestError
from entities.records import Outcome
from entities.schema.current import current
from metabrm.identity.context import Context

ENTITIES = ("ALPHA", "BETA", "GAMMA")
FIELDS = ("Red", "Green", "Blue")
#: Data type -> a value, in the wire form that is sent and read.
VALUES = {"TEXT": "7", "LONG_TEXT": "7", "INTEGER": "7", "DECIMAL": "7"}
#: Changes of type that every value above survives.
RETYPED = {
    "TEXT": ("LONG_TEXT", "INTEGER"),
    "LONG_TEXT": ("TEXT",),
    "INTEGER": ("DECIMAL", "TEXT"),
    "DECIMAL": ("TEXT",),
}
OWN_COLUMNS = {"id", "created", "created_user_id", "updated", "updated_user_id", "deleted_at"}


class _UndoError(Exception):
    pass


@dataclass
class Field:
    id: int
    name: str
    kind: str
    hidden: bool = False
    deleted: bool = False


@dataclass
class Key:
    id: int
    fields: tuple[int, ...]
    deleted: bool = False


@dataclass
class Made:
    """An entity of the model."""

    id: int
    name: str
    deleted: bool = False
    fields: list[Field] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    @property
    def served(self) -> list[Field]:
        return [f for f in self.fields if not f.hidden and not f.deleted]

    def named(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name and not f.deleted), None)

    def keyed(self, wanted: Field) -> bool:
        return any(wanted.id in key.fields for key in self.keys if not key.deleted)


class Schema(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.context = Context.system("test")
        self.entities: list[Made] = []
        self.serial = 0
        self.undo = transaction.atomic()
        self.undo.__enter__()

    def teardown(self) -> None:
        self.undo.__exit__(_UndoError, _UndoError(), None)

    # What is chosen

    def _pick(self, data: st.DataObject, *, deleted: bool = False) -> Made:
        found = [e for e in self.entities if e.deleted == deleted]
        return data.draw(st.sampled_from(found), label="entity")

    def _live(self) -> bool:
        return any(not e.deleted for e in self.entities)

    def _pick_field(self, data: st.DataObject, *, deleted: bool = False) -> tuple[Made, Field]:
        found = [
            (e, f)
            for e in self.entities
            for f in e.fields
            if not e.deleted and f.deleted == deleted
        ]
        entity, chosen = data.draw(st.sampled_from(range(len(found))).map(found.__getitem__))
        return entity, chosen

    def _fields(self, deleted: bool) -> bool:
        return any(f.deleted == deleted for e in self.entities if not e.deleted for f in e.fields)

    def _named(self, name: str) -> Made | None:
        return next((e for e in self.entities if e.name == name and not e.deleted), None)

    def _write(self, outcomes: list[Outcome], refusal: str = "") -> Outcome:
        (outcome,) = outcomes
        told = [str(problem.code) for problem in outcome.problems]
        assert told == ([refusal] if refusal else []), outcome.problems
        return outcome

    # Entities

    @rule(name=st.sampled_from(ENTITIES))
    def make_entity(self, name: str) -> None:
        taken = self._named(name) is not None
        made = self._write(
            records.create("ENTITY", [{"EntityName": name}], self.context),
            "DUPLICATE_KEY" if taken else "",
        )
        if not taken:
            assert made.id is not None
            self.entities.append(Made(made.id, name))

    @precondition(_live)
    @rule(data=st.data(), name=st.sampled_from(ENTITIES))
    def rename_entity(self, data: st.DataObject, name: str) -> None:
        entity = self._pick(data)
        taken = self._named(name) not in (None, entity)
        row = {"Id": entity.id, "EntityName": name}
        self._write(records.update("ENTITY", [row], self.context), "DUPLICATE_KEY" if taken else "")
        if not taken:
            entity.name = name

    @precondition(_live)
    @rule(data=st.data())
    def delete_entity(self, data: st.DataObject) -> None:
        entity = self._pick(data)
        self._write(records.delete("ENTITY", [entity.id], self.context))
        entity.deleted = True

    @precondition(lambda self: any(e.deleted for e in self.entities))
    @rule(data=st.data())
    def restore_entity(self, data: st.DataObject) -> None:
        entity = self._pick(data, deleted=True)
        taken = self._named(entity.name) is not None
        self._write(
            records.undelete("ENTITY", [entity.id], self.context),
            "DUPLICATE_KEY" if taken else "",
        )
        entity.deleted = taken

    @precondition(lambda self: bool(self.entities))
    @rule(data=st.data())
    def purge_entity(self, data: st.DataObject) -> None:
        entity = data.draw(st.sampled_from(self.entities))
        self._write(records.delete("ENTITY", [entity.id], self.context, permanently=True))
        self.entities.remove(entity)

    # Fields

    @precondition(_live)
    @rule(
        data=st.data(),
        name=st.sampled_from(FIELDS),
        kind=st.sampled_from(sorted(VALUES)),
        searchable=st.booleans(),
    )
    def add_field(self, data: st.DataObject, name: str, kind: str, searchable: bool) -> None:
        entity = self._pick(data)
        taken = entity.named(name) is not None
        row = {"EntityId": entity.id, "FieldName": name, "DataType": kind}
        if searchable:
            row["SearchableFlag"] = "1"
        made = self._write(
            records.create("ENTITY_FIELD", [row], self.context),
            "DUPLICATE_KEY" if taken else "",
        )
        if not taken:
            assert made.id is not None
            entity.fields.append(Field(made.id, name, kind))

    @precondition(lambda self: self._fields(False))
    @rule(data=st.data(), name=st.sampled_from(FIELDS))
    def rename_field(self, data: st.DataObject, name: str) -> None:
        entity, chosen = self._pick_field(data)
        taken = entity.named(name) not in (None, chosen)
        row = {"Id": chosen.id, "FieldName": name}
        self._write(
            records.update("ENTITY_FIELD", [row], self.context), "DUPLICATE_KEY" if taken else ""
        )
        if not taken:
            chosen.name = name

    @precondition(lambda self: self._fields(False))
    @rule(data=st.data())
    def retype_field(self, data: st.DataObject) -> None:
        _, chosen = self._pick_field(data)
        kind = data.draw(st.sampled_from(RETYPED[chosen.kind]))
        lengths = {"INTEGER": "19", "DECIMAL": "28,10", "TEXT": "255", "LONG_TEXT": ""}
        row = {"Id": chosen.id, "DataType": kind, "DataLength": lengths[kind]}
        self._write(records.update("ENTITY_FIELD", [row], self.context, null_clears=True))
        chosen.kind = kind

    @precondition(lambda self: self._fields(False))
    @rule(data=st.data())
    def hide_or_show_field(self, data: st.DataObject) -> None:
        entity, chosen = self._pick_field(data)
        refusal = "RECORD_IN_USE" if not chosen.hidden and entity.keyed(chosen) else ""
        row = {"Id": chosen.id, "Status": "ACTIVE" if chosen.hidden else "HIDDEN"}
        self._write(records.update("ENTITY_FIELD", [row], self.context), refusal)
        if not refusal:
            chosen.hidden = not chosen.hidden

    @precondition(lambda self: self._fields(False))
    @rule(data=st.data(), permanently=st.booleans())
    def delete_field(self, data: st.DataObject, permanently: bool) -> None:
        entity, chosen = self._pick_field(data)
        refusal = "RECORD_IN_USE" if entity.keyed(chosen) else ""
        self._write(
            records.delete("ENTITY_FIELD", [chosen.id], self.context, permanently=permanently),
            refusal,
        )
        if not refusal:
            chosen.deleted = True
            if permanently:
                entity.fields.remove(chosen)

    @precondition(lambda self: self._fields(True))
    @rule(data=st.data())
    def restore_field(self, data: st.DataObject) -> None:
        entity, chosen = self._pick_field(data, deleted=True)
        taken = entity.named(chosen.name) is not None
        self._write(
            records.undelete("ENTITY_FIELD", [chosen.id], self.context),
            "DUPLICATE_KEY" if taken else "",
        )
        chosen.deleted = taken

    # Keys

    @precondition(lambda self: any(len(e.served) > 1 for e in self.entities if not e.deleted))
    @rule(data=st.data())
    def guard_key(self, data: st.DataObject) -> None:
        wide = [e for e in self.entities if not e.deleted and len(e.served) > 1]
        entity = data.draw(st.sampled_from(wide))
        pair = data.draw(st.permutations(entity.served))[:2]
        self.serial += 1
        row = {
            "EntityId": entity.id,
            "KeyName": f"Key{self.serial}",
            "FieldNames": ",".join(f.name for f in pair),
        }
        # Records of the model are all alike.
        refusal = "VALIDATION_FAILED" if self._alike(entity, pair) else ""
        made = self._write(records.create("ENTITY_KEY", [row], self.context), refusal)
        if not refusal:
            assert made.id is not None
            entity.keys.append(Key(made.id, tuple(f.id for f in pair)))

    def _alike(self, entity: Made, pair: list[Field]) -> bool:
        names = [f'"{self._column(f.id)}"' for f in pair]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM {self._table(entity.id)} WHERE deleted_at IS NULL "
                f"AND {names[0]} IS NOT NULL AND {names[1]} IS NOT NULL "
                f"GROUP BY {', '.join(names)} HAVING count(*) > 1"
            )
            return bool(cursor.fetchall())

    @precondition(lambda self: any(e.keys for e in self.entities if not e.deleted))
    @rule(data=st.data())
    def drop_key(self, data: st.DataObject) -> None:
        entity = data.draw(st.sampled_from([e for e in self.entities if e.keys and not e.deleted]))
        key = data.draw(st.sampled_from(entity.keys))
        self._write(records.delete("ENTITY_KEY", [key.id], self.context, permanently=True))
        entity.keys.remove(key)

    # What must hold

    @invariant()
    def the_metadata_tells_of_it(self) -> None:
        told = self._ask("SELECT EntityName FROM ENTITY WHERE TableName LIKE 'brm_e%'")
        live = [e for e in self.entities if not e.deleted]
        assert sorted(row["EntityName"] for row in told) == sorted(e.name for e in live)
        for entity in live:
            rows = self._ask(
                f"SELECT FieldName, DataType, Status FROM ENTITY_FIELD WHERE EntityId = {entity.id}"
                " AND ReadOnlyFlag = 0 AND DataType <> 'ID'"
            )
            assert sorted((r["FieldName"], r["DataType"], r["Status"]) for r in rows) == sorted(
                (f.name, f.kind, "HIDDEN" if f.hidden else "ACTIVE")
                for f in entity.fields
                if not f.deleted
            )

    @invariant()
    def the_tables_are_those_of_it(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns "
                "WHERE table_name LIKE 'brm_e%' GROUP BY 1"
            )
            stored = {table: set(columns) - OWN_COLUMNS for table, columns in cursor.fetchall()}
            cursor.execute(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                "WHERE c.relname LIKE 'brm_k%' AND i.indisunique AND i.indisvalid"
            )
            guarded = len(cursor.fetchall())
        assert stored == {
            self._table(e.id): {self._column(f.id) for f in e.fields} for e in self.entities
        }
        assert guarded == sum(not k.deleted for e in self.entities for k in e.keys)

    @invariant()
    def a_record_keeps_what_is_written(self) -> None:
        snapshot = current()
        for entity in self.entities:
            if entity.deleted:
                if self._named(entity.name) is None:
                    assert snapshot.find(entity.name) is None
                continue
            names = {f.name for f in entity.served}
            schema = snapshot.entity(entity.name)
            assert {f.name for f in schema.fields if f.name in FIELDS} == names
            if any(not key.deleted for key in entity.keys):
                continue  # a second record like the first would be one too many
            row = {f.name: VALUES[f.kind] for f in entity.served}
            made = self._write(records.create(entity.name, [row], self.context))
            assert made.id is not None
            (read,) = orjson.loads(query.retrieve_ids(entity.name, [made.id], self.context).json)
            assert {name: read[name] for name in names} == row
            assert not set(FIELDS) - names & read.keys()
            for name in set(FIELDS) - names:
                with pytest.raises(RequestError):
                    query.query(f"SELECT {name} FROM {entity.name}", self.context)

    def _ask(self, sql: str) -> list[dict[str, Any]]:
        return list(orjson.loads(query.query(sql, self.context).json))

    def _table(self, entity: int) -> str:
        return str(self._physical("SELECT table_name FROM entities_entity WHERE id = %s", entity))

    def _column(self, field_id: int) -> str:
        return str(
            self._physical("SELECT column_name FROM entities_entityfield WHERE id = %s", field_id)
        )

    def _physical(self, sql: str, id_: int) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, [id_])
            return cursor.fetchone()[0]


@pytest.mark.django_db
def test_whatever_is_changed_metadata_tables_and_records_agree() -> None:
    run_state_machine_as_test(
        Schema,
        settings=settings(
            max_examples=6,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
