"""Rows of ENTITY make, keep and drop tables, and what they describe is served at once."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.db import connection

from entities import query, records
from entities.changing import preview
from entities.errors import RequestError
from entities.models import EntityField, EntityFieldRole, EntityFieldValue, SchemaChange
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


def make_entity(context: Context, name: str = "PROMO", **other: object) -> int:
    return create_one("ENTITY", context, EntityName=name, **other)


def make_field(context: Context, entity: int, name: str, kind: str, **other: object) -> int:
    return create_one(
        "ENTITY_FIELD", context, EntityId=entity, FieldName=name, DataType=kind, **other
    )


def tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'brm_e%'")
        return {row[0] for row in cursor.fetchall()}


def read(entity: str, id_: int, context: Context) -> dict[str, object]:
    (row,) = orjson.loads(records.retrieve(entity, [id_], context))
    return row


def test_a_new_entity_is_served_at_once(system: Context, admin: Context) -> None:
    entity = make_entity(system, EntityLabel="Promotion")
    make_field(system, entity, "Code", "TEXT", DataLength="30", ExternalKeyFlag="1")
    make_field(system, entity, "Budget", "MONEY")
    new = create_one("promo", admin, Code="SUMMER", Budget="12.50")
    row = read("PROMO", new, admin)
    assert (row["Code"], row["Budget"]) == ("SUMMER", "12.5")
    assert row["CreatedUserId"] == str(admin.user_id)
    page = query.query("SELECT Code FROM PROMO WHERE Budget > 12", admin)
    assert orjson.loads(page.json) == [{"Code": "SUMMER"}]
    outcome = records.upsert("PROMO", [{"Code": "SUMMER", "Budget": 13}], admin, key="Code")[0]
    assert (outcome.id, outcome.created) == (new, False)


def test_the_history_of_a_custom_record_is_kept(system: Context, admin: Context) -> None:
    entity = make_entity(system)
    make_field(system, entity, "Code", "TEXT")
    new = create_one("PROMO", admin, Code="A")
    records.update("PROMO", [{"Id": new, "Code": "B"}], admin)
    page = query.query(
        f"SELECT Action, Before, After FROM AUDIT_LOG WHERE EntityName = 'PROMO' AND "
        f"RecordId = {new} ORDER BY Id",
        admin,
    )
    made, changed = orjson.loads(page.json)
    assert (made["Action"], changed["Action"]) == ("CREATE", "UPDATE")
    assert (changed["Before"]["Code"], changed["After"]["Code"]) == ("A", "B")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("1ST", "INVALID_VALUE"),
        ("A B", "INVALID_VALUE"),
        ("Präsent", "INVALID_VALUE"),
        ("account", "DUPLICATE_KEY"),
        ("Billing_Profile", "DUPLICATE_KEY"),
        ("BILLINGPROFILE", "DUPLICATE_KEY"),
        ("QUERY", "INVALID_VALUE"),
        ("X" * 64, "VALUE_TOO_LONG"),
        ('x"; DROP TABLE entities_entity; --', "INVALID_VALUE"),
    ],
)
def test_a_name_that_will_not_do_is_refused(system: Context, name: str, code: str) -> None:
    before = tables()
    outcomes = records.create("ENTITY", [{"EntityName": name}, {"EntityName": "GOOD"}], system)
    assert codes(outcomes[:1]) == [[code]]
    assert outcomes[1].ok
    assert len(tables() - before) == 1
    assert current().find("GOOD") is not None


def test_a_renamed_entity_keeps_its_records(system: Context) -> None:
    entity = make_entity(system)
    make_field(system, entity, "Code", "TEXT")
    new = create_one("PROMO", system, Code="A")
    assert records.update("ENTITY", [{"Id": entity, "EntityName": "OFFER"}], system)[0].ok
    assert read("OFFER", new, system)["Code"] == "A"
    with pytest.raises(RequestError):
        records.retrieve("PROMO", [new], system)
    field = current().entity("ENTITY_FIELD")
    page = query.query("SELECT Id FROM ENTITY_FIELD WHERE ExternalKey = 'OFFER.Code'", system)
    assert field and len(orjson.loads(page.json)) == 1


def test_a_deleted_entity_comes_back_with_its_records(system: Context) -> None:
    entity = make_entity(system)
    make_field(system, entity, "Code", "TEXT")
    new = create_one("PROMO", system, Code="A")
    assert records.delete("ENTITY", [entity], system)[0].ok
    assert current().find("PROMO") is None
    assert records.undelete("ENTITY", [entity], system)[0].ok
    assert read("PROMO", new, system)["Code"] == "A"


def test_a_purged_entity_is_gone(system: Context) -> None:
    before = tables()
    entity = make_entity(system)
    make_field(system, entity, "Code", "TEXT")
    create_one("PROMO", system, Code="A")
    assert records.delete("ENTITY", [entity], system, permanently=True)[0].ok
    assert tables() == before
    make_entity(system)


def test_an_entity_that_is_pointed_to_stays(system: Context) -> None:
    entity = make_entity(system)
    other = make_entity(system, "USE")
    make_field(system, other, "PromoId", "LOOKUP", ReferencedEntityId=entity)
    assert codes(records.delete("ENTITY", [entity], system)) == [["RECORD_IN_USE"]]


def test_a_core_entity_stays(system: Context) -> None:
    outcome = records.delete("ENTITY", [current().entity("ACCOUNT").id], system)
    assert codes(outcome) == [["FIELD_NOT_CHANGEABLE"]]


def test_only_administrators_change_the_schema(clerk: Callable[..., Context]) -> None:
    """A formula reads what its author may not, so rights on the rows are not enough."""
    trusted = clerk(ENTITY="CRUD", ENTITY_FIELD="CRUD")
    assert codes(records.create("ENTITY", [{"EntityName": "MINE"}], trusted)) == [
        ["INSUFFICIENT_RIGHTS"]
    ]
    account = current().entity("ACCOUNT")
    row = {"EntityId": account.id, "FieldName": "Mine", "DataType": "TEXT"}
    assert codes(records.create("ENTITY_FIELD", [row], trusted)) == [["INSUFFICIENT_RIGHTS"]]
    row = {"Id": account.field("Name").id, "DefaultValue": "Mine"}
    assert codes(records.update("ENTITY_FIELD", [row], trusted)) == [["INSUFFICIENT_RIGHTS"]]
    row = {"Id": account.field("Name").id, "FieldLabel": "Mine"}
    assert records.update("ENTITY_FIELD", [row], trusted)[0].ok
    assert current().find("MINE") is None


def test_a_preview_tells_and_does_nothing(system: Context) -> None:
    before, version = tables(), current().version
    told = preview("create", "ENTITY", [{"EntityName": "PROMO"}], system)
    assert [s.words for s in told.steps] == ["Make the entity PROMO (PROMO) with its table."]
    assert "CREATE TABLE" in told.steps[0].statements[0]
    assert told.outcomes[0].ok
    assert (tables(), current().version) == (before, version)


def test_every_change_is_told_with_who_and_why(system: Context, admin: Context) -> None:
    make_entity(admin.because("a summer campaign"))
    change = SchemaChange.objects.latest("id")
    assert (change.user_id, change.reason) == (admin.user_id, "a summer campaign")
    assert change.summary.startswith("Make the entity PROMO")
    assert change.statements and change.statements.startswith("CREATE TABLE")


def test_the_keys_of_what_belongs_to_the_renamed_follow(system: Context) -> None:
    promo = create_one("ENTITY", system, EntityName="PROMO")
    kind = create_one("ENTITY_FIELD", system, EntityId=promo, FieldName="Kind", DataType="LIST")
    create_one("ENTITY_FIELD_VALUES", system, EntityFieldId=kind, ListValue="Kind")
    role = create_one("ROLE", system, Name="Kind.PROMO")
    of_all = create_one("ENTITY_FIELD_ROLE", system, RoleId=role, EntityId=promo, ReadFlag="1")
    of_one = create_one(
        "ENTITY_FIELD_ROLE", system, RoleId=role, EntityId=promo, EntityFieldId=kind, ReadFlag="1"
    )
    own = create_one(
        "ENTITY_FIELD_ROLE",
        system,
        RoleId=create_one("ROLE", system, Name="Other"),
        EntityId=promo,
        ReadFlag="1",
        ExternalKey="PROMO of others",
    )
    change(system, "ENTITY_FIELD", Id=kind, FieldName="Sort")
    change(system, "ENTITY", Id=promo, EntityName="OFFER")
    keys = dict(EntityFieldRole.objects.values_list("id", "external_key"))
    assert keys[of_all] == "Kind.PROMO.OFFER"
    assert keys[of_one] == "Kind.PROMO.OFFER.Sort"
    assert keys[own] == "PROMO of others"
    assert EntityField.objects.get(pk=kind).external_key == "OFFER.Sort"
    assert EntityFieldValue.objects.get(entity_field_id=kind).external_key == "OFFER.Sort.Kind"


def change(system: Context, entity: str, **row: Any) -> None:
    (outcome,) = records.update(entity, [row], system)
    assert outcome.ok, outcome.problems
