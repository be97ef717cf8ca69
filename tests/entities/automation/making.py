"""Rules and actions as an administrator makes them, and the entity that they are for."""

import json
from typing import Any

from django.db import connection

from entities.models import Entity, EntityFieldValue
from metabrm.identity.context import Context
from tests.entities.acting import create_one
from tests.entities.custom import custom_entity

SYSTEM = Context.system("test")

CREATED = "After Create"
WRITTEN = "After Create and After Update"
CHANGED = "After Create and After Update with criteria met and changed"


def ticket() -> Entity:
    """An entity TICKET with a field of each kind that rules deal with."""
    entity = custom_entity(
        "TICKET",
        {
            "Title": {"required_flag": True},
            "Note": {},
            "State": {"data_type": "LIST"},
            "Count": {"data_type": "INTEGER"},
            "Amount": {"data_type": "MONEY"},
            "Due": {"data_type": "DATE"},
            "Urgent": {"data_type": "FLAG"},
            "Text": {"data_type": "LONG_TEXT"},
            "Mail": {},
            "AccountId": {"data_type": "LOOKUP", "to": "ACCOUNT"},
        },
    )
    for position, value in enumerate(("OPEN", "CLOSED")):
        EntityFieldValue.objects.create(
            entity_field_id=_field(entity, "State"),
            list_value=value,
            external_key=f"TICKET.State.{value}",
            sort_order=position,
        )
    return entity


def _field(entity: Entity, name: str) -> int:
    from entities.models import EntityField

    return EntityField.objects.get(entity=entity, field_name=name).pk


def held(record: int, *fields: str) -> list[str | None]:
    """What a ticket holds, as text."""
    from entities.schema.current import current

    schema = current().entity("TICKET")
    columns = ", ".join(f"{schema.field(name).column}::text" for name in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM brm_ticket WHERE id = %s", [record])
        return list(cursor.fetchone())


def rule(name: str, entity: str = "TICKET", event: str = CREATED, **fields: Any) -> int:
    """A rule for records of `entity`; its Id."""
    owner = Entity.objects.get(entity_name=entity, deleted_at=None)
    return create_one(
        "WORKFLOW_RULE", SYSTEM, EntityId=str(owner.pk), RuleName=name, Event=event, **fields
    )


def action(rule_id: int, kind: str, **fields: Any) -> int:
    """An action of the rule; its Id. `FieldFormulas` may be a mapping."""
    if isinstance(fields.get("FieldFormulas"), dict):
        fields["FieldFormulas"] = json.dumps(fields["FieldFormulas"])
    return create_one(
        "WORKFLOW_ACTION",
        SYSTEM,
        WorkflowRuleId=str(rule_id),
        ActionType=kind,
        **{"ActionName": kind.lower(), **fields},
    )


def sets(rule_id: int, **formulas: str) -> int:
    """An action that sets fields."""
    return action(rule_id, "SET_FIELDS", FieldFormulas=formulas)


def calls(rule_id: int, **fields: Any) -> int:
    """An action that calls a webhook."""
    return action(rule_id, "WEBHOOK", **{"Url": "https://example.com/", **fields})
