"""Core models become metadata after migrate, and a second time nothing changes."""

from typing import Any

import pytest
from django.db import connection

from entities import records
from entities.models import Entity, EntityField, EntityFieldValue
from entities.schema import sync as sync_module
from entities.schema.compiling import core_models
from entities.schema.current import current
from entities.schema.sync import sync
from entities.schema.versioning import database_version
from metabrm.entity import CHANGES, EntityModel
from metabrm.identity.context import Context
from tests.entities.acting import create_one

pytestmark = pytest.mark.django_db


def test_every_core_model_is_described_with_a_field_for_every_named_column() -> None:
    snapshot = current()
    for name, model in core_models().items():
        entity = snapshot.entity(name)
        hidden = {"deleted_at", *model.brm.hidden}
        columns = {f.column for f in model._meta.fields if f.name not in hidden}
        computed = {c.name for c in model.brm.computed}
        assert {f.column for f in entity.fields if f.column} == columns
        assert {f.name for f in entity.fields if not f.column} == computed
        assert entity.help and entity.label and entity.node, f"{name} says nothing of itself"


def test_running_it_again_changes_nothing() -> None:
    version = database_version()
    report = sync()
    assert (report.added, report.changed, report.removed) == ([], [], [])
    assert str(report) == "nothing to change"
    assert database_version() == version


def test_what_people_changed_stays_and_what_code_says_is_restored() -> None:
    field = EntityField.objects.get(external_key="PRODUCT.Name")
    length = field.data_length
    EntityField.objects.filter(pk=field.pk).update(
        field_label="Article", item_position=999, data_length="7", required_flag=False
    )
    report = sync()
    assert report.changed == ["PRODUCT.Name"]
    field.refresh_from_db()
    assert (field.field_label, field.item_position) == ("Article", 999)
    assert (field.data_length, field.required_flag) == (length, True)


def test_a_row_that_no_model_declares_any_more_is_removed_and_reported() -> None:
    entity = Entity.objects.get(entity_name="PRODUCT")
    EntityField.objects.create(
        entity=entity,
        field_name="Old",
        external_key="PRODUCT.Old",
        data_type="TEXT",
        column_name="old",
        system_flag=True,
    )
    assert sync().removed == ["PRODUCT.Old"]
    assert current().entity("PRODUCT").find("Old") is None


def test_list_values_that_people_added_stay_and_missing_ones_come_back(system: Context) -> None:
    field = EntityField.objects.get(external_key="PRODUCT.Status")
    create_one("ENTITY_FIELD_VALUES", system, EntityFieldId=field.pk, ListValue="RETIRED")
    EntityFieldValue.objects.filter(external_key="PRODUCT.Status.ACTIVE").delete()
    assert sync().added == ["PRODUCT.Status.ACTIVE"]
    assert {"ACTIVE", "RETIRED"} <= set(
        current().entity("PRODUCT").field("Status").list_values.values()
    )
    create_one("PRODUCT", system, Name="P", Status="retired")


def test_every_core_table_has_its_history_triggers() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgname LIKE 'metabrm_audit_%' GROUP BY 1"
        )
        triggers = dict(cursor.fetchall())
    audited = {
        m._meta.db_table: 2 if m.brm.history == CHANGES else 3
        for m in core_models().values()
        if issubclass(m, EntityModel) and m.brm.history
    }
    assert triggers == audited


def test_list_values_that_people_retired_stay_retired_and_are_never_planted_anew(
    system: Context,
) -> None:
    value = EntityFieldValue.objects.get(external_key="PRODUCT.Status.DEACTIVATED")
    for permanently in (False, True):
        (kept,) = records.delete("ENTITY_FIELD_VALUES", [value.pk], system, permanently=permanently)
        assert not kept.ok
    (retired,) = records.update(
        "ENTITY_FIELD_VALUES", [{"Id": value.pk, "ActiveFlag": "0"}], system
    )
    assert retired.ok
    report = sync()
    assert (report.added, report.changed, report.removed) == ([], [], [])
    assert current().entity("PRODUCT").field("Status").retired == {"DEACTIVATED"}


def test_a_field_that_an_upgrade_drops_and_another_brings_back_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = sync_module.declarations

    def without_status(model: Any, entities: Any) -> Any:
        return (
            d
            for d in declared(model, entities)
            if (model.brm.name, d[0]["field_name"]) != ("PRODUCT", "Status")
        )

    with monkeypatch.context() as older:
        older.setattr(sync_module, "declarations", without_status)
        older.setattr(sync_module, "_sync_values", lambda fields, report: None)
        assert sync().removed == ["PRODUCT.Status"]
    values = {"PRODUCT.Status.ACTIVE", "PRODUCT.Status.DEACTIVATED"}
    assert set(sync().added) == {"PRODUCT.Status"} | values
    assert set(current().entity("PRODUCT").field("Status").list_values) == {
        "active",
        "deactivated",
    }


def test_an_entity_that_an_upgrade_drops_and_another_brings_back_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {f.name for f in current().entity("LABEL_VERSION").fields}
    rest = {n: m for n, m in core_models().items() if n != "LABEL_VERSION"}
    with monkeypatch.context() as older:
        older.setattr(sync_module, "core_models", lambda: rest)
        assert "LABEL_VERSION" in sync().removed
    assert current().find("LABEL_VERSION") is None
    sync()
    assert {f.name for f in current().entity("LABEL_VERSION").fields} == names
    assert sync().added == []
