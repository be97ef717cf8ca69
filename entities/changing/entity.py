"""Rows of ENTITY: a new one makes a table, a purged one drops it, a renamed one keeps it."""

from typing import Any

from django.db import connection

from entities.changing import dependents, formulas, keys, tables
from entities.changing.carrying import carry_out, previewing, start_over
from entities.changing.indexes import drop_step, index_step
from entities.changing.rules import administrators_only, check_name
from entities.changing.steps import Lock, Step
from entities.errors import Code
from entities.history import triggers
from entities.models import EntityField
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from entities.schema.compiling import core_models
from metabrm import clock
from metabrm.entity import CHANGES

#: Fields of the platform's own rows that follow from its code.
FIXED = ("EntityName", "ViewEntity", "VirtualEntityFlag", "ViewFilterLogic")
#: What every custom entity has from the beginning: name, data type, column, label.
OWN_FIELDS = (
    ("Id", "ID", "id", "Id"),
    ("Created", "DATETIME", "created", "Created"),
    ("CreatedUserId", "LOOKUP", "created_user_id", "Created by"),
    ("Updated", "DATETIME", "updated", "Updated"),
    ("UpdatedUserId", "LOOKUP", "updated_user_id", "Updated by"),
)
#: Identity stands before what people add, authorship behind it.
LAST = 1_000_000
#: Longer than anybody keeps anything, and short enough to be taken from a date.
LONGEST_RETENTION_DAYS = 36_500

#: Column that says whose a record is.
OWNER = "created_user_id"


@behavior("ENTITY")
class EntityBehavior(Behavior):
    exclusive = True

    def before_create(self, batch: Batch) -> None:
        administrators_only(batch)
        for name in ("ViewEntity", "VirtualEntityFlag", "BaseEntityId"):
            for index, value in enumerate(batch.sent(name)):
                if value:
                    batch.fail(
                        index,
                        Code.INVALID_VALUE,
                        f"{name} can't be set: entities over other entities are not offered; "
                        f"leave it out.",
                        name,
                    )
        self._check_names(batch, batch.effective("EntityName"))
        self._check_retention(batch)
        batch.put("TableName", list(tables.physical_names("brm_e", batch.size)))

    def after_create(self, batch: Batch) -> None:
        start_over(batch)
        names, labels = batch.effective("EntityName"), batch.effective("EntityLabel")
        physical, history = batch.effective("TableName"), batch.effective("HistoryFlag")
        models = batch.effective("SharingModel")
        steps = [
            Step(
                names[i],
                batch.ids[i] or 0,
                f"Make the entity {names[i]} ({labels[i] or names[i]}) with its table.",
                (
                    tables.create_table(physical[i]),
                    *([_owner_index(physical[i])] if models[i] == "PRIVATE" else []),
                ),
            )
            for i in batch.live
        ]
        _own_fields(batch, names)
        carry_out(batch, steps)
        if not previewing():
            for i in batch.live:
                triggers.ensure(physical[i], batch.ids[i] or 0, enabled=history[i])

    def before_update(self, batch: Batch) -> None:
        administrators_only(batch)
        self._keep_fixed(batch)
        self._check_names(batch, batch.sent("EntityName"))
        self._refuse_history_of_history(batch)
        self._check_retention(batch)

    def after_update(self, batch: Batch) -> None:
        start_over(batch)
        steps = []
        old, new = batch.stored["EntityName"], batch.sent("EntityName")
        for i in batch.live:
            if new[i] is not UNSET and new[i] != old[i]:
                steps.append(
                    Step(new[i], batch.ids[i] or 0, f"Rename the entity {old[i]} to {new[i]}.")
                )
                keys.follow_entity(batch.ids[i] or 0, old[i], new[i])
        carry_out(batch, [*steps, *_sharing_steps(batch)])
        self._switch_history(batch)

    def before_delete(self, batch: Batch) -> None:
        administrators_only(batch)
        rows = _rows(batch)
        for index in batch.live:
            name, _, system, _ = rows[batch.ids[index]]
            if system:
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    f"{name} ships with the platform and can't be deleted; hide it with "
                    f"VisibleFlag instead.",
                )
        self._keep_used(batch, rows)
        batch.memory["rows"] = rows

    def _keep_used(self, batch: Batch, rows: dict[Any, tuple[str, str, bool, bool]]) -> None:
        """Formulas of other entities may lead over a lookup to the one that is to go."""
        going = {batch.ids[i] or 0 for i in batch.live}
        users = dependents.users_of_entities(batch.snapshot, going)
        for index in list(batch.live):
            used = users.get(batch.ids[index] or 0)
            if used:
                batch.fail(
                    index,
                    Code.RECORD_IN_USE,
                    f"{rows[batch.ids[index]][0]} is used by {', '.join(used)}; change that first.",
                )

    def after_delete(self, batch: Batch) -> None:
        start_over(batch)
        rows, left = batch.memory["rows"], _rows(batch)
        steps = []
        for index in batch.live:
            id_ = batch.ids[index] or 0
            name, table, _, _ = rows[id_]
            count = tables.size(table)
            if id_ in left:
                words = (
                    f"Delete the entity {name}. Its {count:,} records stay where they are and "
                    f"come back with it."
                )
                steps.append(Step(name, id_, words))
            else:
                words = f"Remove the entity {name} for good, with its {count:,} records."
                steps.append(Step(name, id_, words, (tables.drop_table(table),), Lock.BRIEF))
        carry_out(batch, steps)

    def after_undelete(self, batch: Batch) -> None:
        start_over(batch)
        rows = _rows(batch)
        administrators_only(batch)
        known = [e.name for e in batch.snapshot.entities.values()]
        steps = []
        for index in list(batch.live):
            name, table, _, _ = rows[batch.ids[index]]
            check_name(batch, index, name, "EntityName", taken=known)
            words = f"Restore the entity {name} with its {tables.size(table):,} records."
            steps.append(Step(name, batch.ids[index] or 0, words))
        if not batch.problems:
            back = {i: (rows[batch.ids[i]][0], "") for i in batch.live}
            formulas.keep(batch, back, {batch.ids[i] or 0 for i in batch.live})
        if not batch.problems:
            carry_out(batch, steps)

    def _keep_fixed(self, batch: Batch) -> None:
        system = batch.stored["SystemFlag"]
        for name in FIXED:
            stored = batch.stored[name]
            for index, value in enumerate(batch.sent(name)):
                if value is UNSET or value == stored[index]:
                    continue
                if system[index] or name != "EntityName":
                    why = "of a row that ships with the platform " if system[index] else ""
                    batch.fail(
                        index,
                        Code.FIELD_NOT_CHANGEABLE,
                        f"{name} {why}can't change; leave it out.",
                        name,
                    )

    def _check_names(self, batch: Batch, names: list[Any]) -> None:
        known = {e.id: e.name for e in batch.snapshot.entities.values()}
        for index in list(batch.live):
            if names[index]:
                taken = [name for id_, name in known.items() if id_ != batch.ids[index]]
                check_name(batch, index, names[index], "EntityName", taken=taken)

    def _check_retention(self, batch: Batch) -> None:
        for name in ("RetentionDays", "HistoryRetentionDays"):
            for index, days in enumerate(batch.sent(name)):
                if days is not UNSET and days is not None and days > LONGEST_RETENTION_DAYS:
                    batch.fail(
                        index,
                        Code.NUMBER_OUT_OF_RANGE,
                        f"{name} is at most {LONGEST_RETENTION_DAYS:,} days, a hundred years.",
                        name,
                    )

    def _refuse_history_of_history(self, batch: Batch) -> None:
        """A history of AUDIT_LOG would write into itself without end."""
        kept = {e.id for e in batch.snapshot.entities.values() if e.authored}
        for index, wanted in enumerate(batch.sent("HistoryFlag")):
            if wanted is True and batch.ids[index] not in kept:
                batch.fail(
                    index,
                    Code.FIELD_NOT_CHANGEABLE,
                    "HistoryFlag can't be set here: only the platform writes these records, and "
                    "it never changes them; leave it out.",
                    "HistoryFlag",
                )

    def _switch_history(self, batch: Batch) -> None:
        """Switching the history on or off puts up or takes down the table's triggers."""
        switched = batch.sent("HistoryFlag")
        models = core_models()
        for index in batch.live:
            model = models.get(batch.stored["EntityName"][index])
            if switched[index] is not UNSET and not previewing():
                triggers.ensure(
                    batch.stored["TableName"][index],
                    batch.ids[index] or 0,
                    enabled=switched[index],
                    unaudited=model.brm.unaudited if model else (),
                    creations=model is None or model.brm.history != CHANGES,
                )


def _owner_index(table: str) -> str:
    """The statement that lets a user's own records be found in the table."""
    name = tables.search_index_name(table, OWNER)
    return tables.create_index(name, table, [OWNER], unique=False)


def _sharing_steps(batch: Batch) -> list[Step]:
    """What becomes PRIVATE is asked for by its owner from then on."""
    steps = []
    by_id = {schema.id: schema for schema in batch.snapshot.entities.values()}
    old, new = batch.stored["SharingModel"], batch.sent("SharingModel")
    for i in batch.live:
        schema = by_id.get(batch.ids[i] or 0)
        if new[i] is UNSET or new[i] == old[i] or schema is None:
            continue
        owner = [schema.by_column[OWNER]]
        if new[i] == "PRIVATE":
            words = (
                f"Show the records of {schema.name} only to who made them and those with whom "
                f"they are shared."
            )
            steps.append(Step(schema.name, schema.id, words))
            steps.append(index_step(batch, schema, owner, unique=False))
        else:
            words = f"Show the records of {schema.name} to everybody whose role may read them."
            steps.append(Step(schema.name, schema.id, words))
            steps.append(drop_step(schema, owner, tables.search_index_name(schema.table, OWNER)))
    return steps


def _own_fields(batch: Batch, names: list[Any]) -> None:
    """The rows of the fields that every record has."""
    users = batch.snapshot.entity("USER").id
    now, rows = clock.now(), []
    for index in batch.live:
        for position, (name, kind, column, label) in enumerate(OWN_FIELDS):
            rows.append(
                EntityField(
                    entity_id=batch.ids[index] or 0,
                    field_name=name,
                    external_key=f"{names[index]}.{name}",
                    field_label=label,
                    data_type=kind,
                    column_name=column,
                    primary_key_flag=kind == "ID",
                    read_only_flag=kind != "ID",
                    referenced_entity_id=users if kind == "LOOKUP" else None,
                    item_position=10 if kind == "ID" else LAST + position,
                    created=now,
                    updated=now,
                    created_user_id=batch.context.user_id,
                    updated_user_id=batch.context.user_id,
                )
            )
    EntityField.objects.bulk_create(rows)


def _rows(batch: Batch) -> dict[Any, tuple[str, str, bool, bool]]:
    """Id -> name, table, whether it ships with the platform, whether it keeps a history."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, entity_name, table_name, system_flag, history_flag FROM entities_entity "
            "WHERE id = ANY(%s)",
            [[i for i in batch.ids if i is not None]],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}
