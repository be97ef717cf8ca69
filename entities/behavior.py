"""What may be done to metadata rows.

Rows that ship with the platform describe tables made by migrations: people may change how they are
called and shown, not what they are. Tables and columns themselves are not made through these rows;
what would have no effect is refused rather than stored.
"""

from typing import Any

from django.db import connection

from entities import fieldtypes
from entities.errors import Code
from entities.fieldtypes import Refused
from entities.files import behavior as files  # noqa: F401 (registers its behavior)
from entities.granting import GrantBehavior
from entities.history import triggers
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from entities.records.retiring import RetiredValues  # noqa: F401 (registers itself)
from entities.schema.compiling import core_models

#: Fields of the platform's own rows that follow from its code.
FIXED = {
    "ENTITY": ("EntityName", "ViewEntity", "VirtualEntityFlag", "ViewFilterLogic"),
    "ENTITY_FIELD": (
        "FieldName",
        "ExternalKey",
        "DataType",
        "DataLength",
        "Status",
        "RequiredFlag",
        "UniqueField",
        "ExternalKeyFlag",
        "SetOnceFlag",
        "EncryptedFlag",
        "ReferencedEntityId",
        "ReferencedColumn",
        "OnDelete",
        "CurrencySource",
        "FormulaValue",
    ),
}


class _SystemRows(Behavior):
    """Protects the rows that ship with the platform."""

    def before_create(self, batch: Batch) -> None:
        for index in batch.live:
            batch.fail(
                index,
                Code.READ_ONLY_ENTITY,
                f"{batch.schema.name} records describe tables that ship with the platform; new "
                f"ones can't be made.",
            )

    def before_update(self, batch: Batch) -> None:
        system = batch.stored["SystemFlag"]
        for name in FIXED[batch.schema.name]:
            stored = batch.stored[name]
            for index, value in enumerate(batch.sent(name)):
                if value is not UNSET and system[index] and value != stored[index]:
                    batch.fail(
                        index,
                        Code.FIELD_NOT_CHANGEABLE,
                        f"{name} of a row that ships with the platform can't change; leave it out.",
                        name,
                    )

    def before_delete(self, batch: Batch) -> None:
        for index in batch.live:
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"{batch.schema.name} {batch.ids[index]} ships with the platform and can't be "
                f"deleted; hide it with VisibleFlag or HiddenFlag instead.",
            )


#: Longer than anybody keeps anything, and short enough to be taken from a date.
LONGEST_RETENTION_DAYS = 36_500


@behavior("ENTITY")
class EntityBehavior(_SystemRows):
    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        self._refuse_history_of_history(batch)
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

    def after_update(self, batch: Batch) -> None:
        """Switching the history on or off puts up or takes down the table's triggers."""
        switched = batch.sent("HistoryFlag")
        models = core_models()
        for index in batch.live:
            model = models.get(batch.stored["EntityName"][index])
            if switched[index] is not UNSET and model is not None:
                triggers.ensure(
                    batch.stored["TableName"][index],
                    batch.ids[index] or 0,
                    enabled=switched[index],
                    unaudited=model.brm.unaudited,
                )


@behavior("ENTITY_FIELD")
class EntityFieldBehavior(_SystemRows):
    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        self._keep_ids_accessible(batch)
        self._check_defaults(batch)

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

    def _check_defaults(self, batch: Batch) -> None:
        """A default that is no value of the field would fail every record that relies on it."""
        fields = {f.id: f for e in batch.snapshot.entities.values() for f in e.fields}
        for index, text in enumerate(batch.sent("DefaultValue")):
            field = fields.get(batch.ids[index] or 0)
            if text is UNSET or text is None or field is None:
                continue
            try:
                fieldtypes.get(field.type.name).decode_one(text, field)
            except Refused as refusal:
                batch.fail(index, refusal.code, f"DefaultValue {refusal.message}.", "DefaultValue")


@behavior("ENTITY_VALIDATION")
class EntityValidationBehavior(Behavior):
    def before_create(self, batch: Batch) -> None:
        for index in batch.live:
            batch.fail(
                index,
                Code.READ_ONLY_ENTITY,
                "Validation rules are not enforced by this release, so none can be made: a rule "
                "that is kept but not applied would be worse than no rule.",
            )


@behavior("ENTITY_FIELD_VALUES")
class EntityFieldValueBehavior(Behavior):
    """ExternalKey is the field's key combined with the value, unless one is sent."""

    def before_create(self, batch: Batch) -> None:
        fields = batch.effective("EntityFieldId")
        keys = _keys_of("entities_entityfield", "external_key", fields)
        values = batch.effective("ListValue")
        batch.put(
            "ExternalKey",
            [
                sent or (f"{keys[field]}.{value}" if field in keys and value else None)
                for sent, field, value in zip(
                    batch.effective("ExternalKey"), fields, values, strict=True
                )
            ],
        )
        self._require_lists(batch)

    def before_update(self, batch: Batch) -> None:
        self._require_lists(batch)

    def _require_lists(self, batch: Batch) -> None:
        fields = batch.effective("EntityFieldId")
        keys = _keys_of("entities_entityfield", "external_key", fields)
        types = _keys_of("entities_entityfield", "data_type", fields)
        for index in batch.live:
            if types.get(fields[index]) not in (None, "LIST", "MULTI_LIST"):
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"{keys[fields[index]]} is a {types[fields[index]]} field; only LIST fields "
                    f"have values.",
                    "EntityFieldId",
                )


@behavior("ENTITY_FIELD_ROLE")
class EntityFieldRoleBehavior(GrantBehavior):
    """ExternalKey is role, entity and field joined, unless one is sent."""

    def before_create(self, batch: Batch) -> None:
        super().before_create(batch)
        roles = batch.effective("RoleId")
        entities = batch.effective("EntityId")
        fields = batch.effective("EntityFieldId")
        role_names = _keys_of("identity_role", "name", roles)
        entity_names = _keys_of("entities_entity", "entity_name", entities)
        field_keys = _keys_of("entities_entityfield", "external_key", fields)
        owners = _keys_of("entities_entityfield", "entity_id", fields)
        keys = batch.effective("ExternalKey")
        for index in batch.live:
            field = fields[index]
            if field is not None and owners.get(field) != entities[index]:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"{field_keys.get(field)} is no field of {entity_names.get(entities[index])}.",
                    "EntityFieldId",
                )
            subject = field_keys.get(field) or entity_names.get(entities[index])
            keys[index] = keys[index] or f"{role_names.get(roles[index])}.{subject}"
        batch.put("ExternalKey", keys)


def _keys_of(table: str, column: str, ids: list[Any]) -> dict[Any, Any]:
    """id -> `column` of the rows of `table` among `ids`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {column} FROM {table} WHERE id = ANY(%s)",
            [[i for i in set(ids) if i is not None]],
        )
        return dict(cursor.fetchall())
