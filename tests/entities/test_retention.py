"""Deleted records and history are kept as long as their entity says, and no longer."""

from datetime import timedelta

import pytest

from billing.catalog.models import Package, PackageProduct, Product
from entities import records, retention
from entities.history.models import AuditLog
from entities.models import Entity
from entities.schema.current import current
from entities.tasks import apply_retention
from metabrm import clock
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


def test_the_recycle_bin_keeps_records_for_their_entity_s_days(system: Context) -> None:
    old, young, live = (create_one("PRODUCT", system, Name=n) for n in ("old", "young", "live"))
    with clock.frozen(clock.now() - timedelta(days=31)):
        records.delete("PRODUCT", [old], system)
    with clock.frozen(clock.now() - timedelta(days=29)):
        records.delete("PRODUCT", [young], system)
    assert retention.empty_recycle_bin() == {"PRODUCT": 1}
    assert set(Product.objects.values_list("id", flat=True)) == {young, live}
    assert retention.empty_recycle_bin() == {}


def test_parents_and_children_and_what_is_still_used(system: Context) -> None:
    product = create_one("PRODUCT", system, Name="used")
    package = create_one("PACKAGE", system, Name="bundle")
    row = {"Name": "c", "PackageId": package, "ProductId": product, "MinQty": 1}
    component = create_one("PACKAGE_PRODUCT", system, **row)
    with clock.frozen(clock.now() - timedelta(days=31)):
        assert records.delete("PACKAGE", [package], system)[0].ok
    with clock.frozen(clock.now() - timedelta(days=30, minutes=-5)):
        assert records.delete("PRODUCT", [product], system)[0].ok
    apply_retention()
    assert not Package.objects.filter(pk=package).exists()
    assert not PackageProduct.objects.filter(pk=component).exists()
    assert Product.objects.filter(pk=product).exists()


def test_history_is_kept_for_ever_unless_its_entity_says_otherwise(system: Context) -> None:
    with clock.frozen(clock.now() - timedelta(days=400)):
        create_one("PRODUCT", system, Name="P")
        create_one("PACKAGE", system, Name="B")
    entity = Entity.objects.get(entity_name="PRODUCT")
    (changed,) = records.update(
        "ENTITY", [{"Id": entity.pk, "HistoryRetentionDays": "365"}], system
    )
    assert changed.ok, changed.problems
    before = AuditLog.objects.count()
    assert retention.trim_history() == 1
    assert AuditLog.objects.count() == before - 1
    assert not AuditLog.objects.filter(entity_id=entity.pk).exists()


def test_no_retention_is_too_long_to_reckon_with(system: Context) -> None:
    entity = current().entity("PRODUCT").id
    for name in ("RetentionDays", "HistoryRetentionDays"):
        (refused,) = records.update("ENTITY", [{"Id": entity, name: "999999999"}], system)
        assert codes([refused]) == [["NUMBER_OUT_OF_RANGE"]]
        assert records.update("ENTITY", [{"Id": entity, name: "36500"}], system)[0].ok
    retention.empty_recycle_bin()
    retention.trim_history()


def test_a_record_that_is_restored_at_the_last_moment_stays(
    monkeypatch: pytest.MonkeyPatch, system: Context
) -> None:
    kept = create_one("PRODUCT", system, Name="kept")
    table = Product._meta.db_table
    monkeypatch.setattr(
        retention,
        "_expired",
        lambda asked, before, last: [kept] if asked == table and not last else [],
    )
    assert retention.empty_recycle_bin() == {}
    assert Product.objects.get(pk=kept).deleted_at is None
