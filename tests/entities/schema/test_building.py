"""A snapshot shares what did not change with the one before, and is what it would be without it."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from entities.models import (
    Entity,
    EntityField,
    EntityFieldValue,
    EntityKey,
    EntityLayout,
    EntityValidation,
)
from entities.schema import building
from entities.schema.snapshot import Snapshot
from tests.entities.custom import custom_entity, custom_field

pytestmark = pytest.mark.django_db


def of(name: str) -> Entity:
    return Entity.objects.get(entity_name=name, deleted_at=None)


def told(thing: Any, *but: str) -> dict[str, Any]:
    return {f.name: getattr(thing, f.name) for f in fields(thing) if f.name not in but}


def described(snapshot: Snapshot) -> dict[str, Any]:
    """All that a snapshot says, to be compared."""
    named = ("described_by", "seen_with", "inputs")
    return {
        name: {
            **told(schema, "fields", "make_model", "partitioned_by", *named),
            **{option: [field.name for field in getattr(schema, option)] for option in named},
            "partitioned_by": schema.partitioned_by and schema.partitioned_by.name,
            "model": schema.model.__name__,
            "columns": sorted(schema.attributes),
            "fields": [
                {**told(field, "type"), "type": (field.type.name, getattr(field.type, "place", ""))}
                for field in schema.fields
            ],
            "references": [(e.name, f.name) for e, f in snapshot.references(schema)],
        }
        for name, schema in snapshot.entities.items()
    }


def change(name: str, **values: Any) -> Callable[[], Any]:
    return lambda: Entity.objects.filter(entity_name=name).update(**values)


def field(entity: str, name: str, **values: Any) -> Callable[[], Any]:
    return lambda: EntityField.objects.filter(entity__entity_name=entity, field_name=name).update(
        **values
    )


def value(**values: Any) -> Callable[[], Any]:
    def work() -> None:
        status = EntityField.objects.get(entity=of("PRODUCT"), field_name="Status")
        first = EntityFieldValue.objects.filter(entity_field=status).order_by("id")[:1]
        EntityFieldValue.objects.filter(pk__in=first).update(**values)

    return work


CHANGES: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "a label": change("ACCOUNT", entity_label="Customer"),
    "the name of what others point to": change("PRODUCT", entity_name="OFFERING"),
    "an entity that goes": change("PROMO", deleted_at="2026-01-01T00:00:00Z"),
    "an entity that comes": lambda: custom_entity("SECOND", {"Code": {}}),
    "a field's option": field("ACCOUNT", "Name", required_flag=False),
    "a field's default": field("PROMO", "Amount", default_value="7"),
    "a field's place": field("PROMO", "Amount", item_position=1),
    "a field that goes": field("ACCOUNT", "Name", status="INACTIVE"),
    "a custom field of a core entity": lambda: custom_field(of("ACCOUNT"), "Segment"),
    "the column of a key that lookups use": field("CURRENCY", "CurrencyCode", column_name="name"),
    "the name of a key that lookups use": field("CURRENCY", "CurrencyCode", field_name="Iso"),
    "a list's value": value(list_value="Other"),
    "a value's use": value(active_flag=False),
    "a formula": field("PROMO", "Twice", formula_value="{!Amount} * 3"),
    "what a formula reads": field("PROMO", "Amount", pii_flag=True),
    "encryption": field("PROMO", "Code", encrypted_flag=True),
    "a key": lambda: EntityKey.objects.create(
        entity=of("PROMO"), key_name="K", external_key="PROMO.K", field_names="Code,Amount"
    ),
    "a rule": lambda: EntityValidation.objects.create(
        entity=of("ACCOUNT"),
        entity_validation_name="R",
        external_key="R",
        formula_value="{!Name} = 'x'",
        error_text="No.",
        active=True,
    ),
    "a layout": lambda: EntityLayout.objects.create(
        entity=of("ACCOUNT"),
        layout_name="L",
        external_key="L",
        layout_type="LIST",
        layout_fields=["Name"],
        default_flag=True,
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_taken_over_is_what_would_be_built_anew(what: str) -> None:
    amount = {"data_type": "INTEGER"}
    promo = custom_entity("PROMO", {"Code": {}, "Amount": amount})
    EntityField.objects.create(
        entity=promo,
        field_name="Twice",
        external_key="PROMO.Twice",
        data_type="FORMULA",
        formula_value="{!Amount} * 2",
    )
    before = building.build()
    unchanged = described(before)
    CHANGES[what]()
    after = building.build()
    building.forget()
    anew = described(building.build())
    assert described(after) == anew
    assert (anew == unchanged) is (what == "nothing")
    # Most is not made twice.
    assert after.entity("INVOICE") is before.entity("INVOICE")
    shared = set(before.entities.values()) & set(after.entities.values())
    assert len(shared) > len(after.entities) * 0.8
