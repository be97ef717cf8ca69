"""What a snapshot makes of custom entities, custom fields and keys of several fields."""

import time
from typing import Any

import pytest
from django.db import connection

from billing.customers.models import Account
from entities.models import Entity, EntityField, EntityKey
from entities.schema.building import build, forget
from entities.schema.naming import plural_of
from tests.entities.custom import custom_entity, custom_field

pytestmark = pytest.mark.django_db

TEXT: dict[str, Any] = {}
NEEDED = {"required_flag": True}
KEY = {"external_key_flag": True}
NUMBER = {"data_type": "INTEGER"}


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"Code": KEY, "Topic": NEEDED, "Name": TEXT}, "Name"),
        ({"Note": TEXT, "Topic": NEEDED, "Code": KEY}, "Code"),
        ({"Note": TEXT, "Topic": NEEDED}, "Topic"),
        ({"Amount": NUMBER, "Note": TEXT, "More": TEXT}, "Note"),
        ({"Amount": {**NUMBER, **NEEDED}}, "Id"),
        ({}, "Id"),
    ],
)
def test_the_title_of_a_custom_entity(fields: dict[str, Any], title: str) -> None:
    custom_entity("PROMO", fields)
    assert build().entity("PROMO").title == title


@pytest.mark.parametrize(
    ("label", "plural"),
    [
        ("Promotion", "promotions"),
        ("Sales category", "sales categories"),
        ("Survey", "surveys"),
        ("SIM card", "SIM cards"),
        ("Box", "boxes"),
        ("Branch", "branches"),
        ("Address", "addresses"),
        ("Status", "statuses"),
        ("Analysis", "analyses"),
        ("Settings", "settings"),
        ("Contact person", "contact people"),
        ("Usage data", "usage data"),
        ("URL", "URLs"),
        ("A", "as"),
        (" ", " "),
    ],
)
def test_what_several_are_called(label: str, plural: str) -> None:
    assert plural_of(label) == plural


def test_a_core_entity_that_people_renamed_has_the_plural_of_its_new_name() -> None:
    assert build().entity("ACCOUNT").label_plural == "accounts"
    Entity.objects.filter(entity_name="ACCOUNT").update(entity_label="Customer")
    schema = build().entity("ACCOUNT")
    assert (schema.label, schema.label_plural) == ("Customer", "customers")


def test_a_core_entity_without_custom_fields_keeps_its_static_model() -> None:
    assert build().entity("ACCOUNT").model is Account


def test_a_custom_field_of_a_core_entity_is_in_its_model() -> None:
    plain = build().entity("ACCOUNT")
    entity = Entity.objects.get(entity_name="ACCOUNT")
    column = custom_field(entity, "Segment").column_name
    schema = build().entity("ACCOUNT")
    assert schema.model is not Account and schema.model is schema.model
    assert schema.attributes[str(column)] == column
    static = {str(f.column): f.attname for f in Account._meta.concrete_fields}
    assert {c: a for c, a in schema.attributes.items() if c != column} == static
    account = Account._meta
    assert (schema.model._meta.label_lower, schema.model._meta.db_table) == (
        account.label_lower,
        account.db_table,
    )
    assert schema.title == plain.title
    assert schema.unique_keys == plain.unique_keys
    assert schema.constraint_messages == plain.constraint_messages
    stored = {f.pk: f.name for f in Account.objects.all()}
    assert {r.pk: r.name for r in schema.model._default_manager.all()} == stored != {}  # type: ignore[attr-defined]


def test_the_model_of_every_core_entity_can_be_made_with_a_custom_field() -> None:
    for entity in Entity.objects.filter(system_flag=True, virtual_entity_flag=False):
        custom_field(entity, "Extra")
    for schema in build().entities.values():
        assert list(schema.model._default_manager.all()[:1]) is not None
        assert {f.column for f in schema.fields if f.column} <= schema.attributes.keys()


def test_a_key_of_several_fields_is_a_unique_key() -> None:
    entity = custom_entity("PROMO", {"Code": TEXT, "Region": TEXT})

    def key(name: str, fields: str) -> None:
        EntityKey.objects.create(
            entity=entity, key_name=name, external_key=f"PROMO.{name}", field_names=fields
        )

    key("Both", "region, CODE")
    key("Missing", "Region,Colour")
    assert build().entity("PROMO").unique_keys == (("Region", "Code"),)


def test_a_snapshot_of_many_entities_is_built_in_the_time_of_a_breath() -> None:
    made = [
        Entity(entity_name=f"BIG_{n}", table_name=f"brm_big{n}", entity_label="Thing")
        for n in range(300)
    ]
    Entity.objects.bulk_create(made)
    product = Entity.objects.get(entity_name="PRODUCT")
    kinds = ("TEXT", "MONEY", "DATE", "FLAG", "LOOKUP", "INTEGER", "DATETIME")
    first = made[0]
    rows = []
    for position in range(35):
        kind = kinds[position % len(kinds)] if position else "ID"
        rows.append(
            EntityField(
                entity=first,
                field_name=f"Field{position}",
                external_key=f"{first.entity_name}.Field{position}",
                data_type=kind,
                data_length={"TEXT": "80", "MONEY": "28,10"}.get(kind),
                column_name=f"f{position}" if position else "id",
                referenced_entity=product if kind == "LOOKUP" else None,
            )
        )
    EntityField.objects.bulk_create(rows)
    # The others have the same.
    own = {"id", "entity_id", "external_key"}
    others = [str(f.column) for f in EntityField._meta.concrete_fields if f.column not in own]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO entities_entityfield (entity_id, external_key, {', '.join(others)}) "
            f"SELECT e.id, e.entity_name || '.' || f.field_name, {', f.'.join(['', *others])[2:]} "
            "FROM entities_entity e, entities_entityfield f "
            "WHERE e.id = ANY(%s) AND f.entity_id = %s",
            [[entity.pk for entity in made[1:]], first.pk],
        )
    taken = []
    for _ in range(3):
        forget()
        begun = time.process_time()
        snapshot = build()
        taken.append(time.process_time() - begun)
    assert len(snapshot.entity("BIG_299").fields) == 35
    assert snapshot.apps.get_models() == [], "models are made when they are asked for"
    assert min(taken) < 2
