"""What may be done to metadata rows that change no table: rights.

Rows of ENTITY, ENTITY_FIELD, ENTITY_FIELD_VALUES and ENTITY_KEY change tables or what is in them;
what that means is the business of `entities.changing`.
"""

from typing import Any

from django.db import connection

from entities import (
    credentials,  # noqa: F401 (registers its behaviors)
    sharing,  # noqa: F401 (registers its behaviors)
)
from entities.arranging import EntityLayoutBehavior  # noqa: F401 (registers itself)
from entities.automation import behavior as automation  # noqa: F401 (registers its behaviors)
from entities.bulk import behavior as bulk  # noqa: F401 (registers its behaviors)
from entities.changing.entity import EntityBehavior  # noqa: F401 (registers itself)
from entities.changing.field import FieldBehavior  # noqa: F401 (registers itself)
from entities.changing.key import KeyBehavior  # noqa: F401 (registers itself)
from entities.changing.values import ValueBehavior  # noqa: F401 (registers itself)
from entities.errors import Code
from entities.files import arriving  # noqa: F401 (registers its behavior)
from entities.files import behavior as files  # noqa: F401 (registers its behavior)
from entities.granting import GrantBehavior
from entities.records import sealed_keys  # noqa: F401 (registers itself)
from entities.records.batch import Batch
from entities.records.behavior import behavior
from entities.records.retiring import RetiredValues  # noqa: F401 (registers itself)
from entities.validation import behavior as validation  # noqa: F401 (registers its behaviors)


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
