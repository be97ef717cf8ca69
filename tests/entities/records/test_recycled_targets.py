"""Nothing that is alive points into the recycle bin, whatever was restored or deleted meanwhile."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from billing.catalog.models import Package, PackageProduct, Pricing, Product
from entities import records
from metabrm.identity.context import Context
from tests.entities.acting import codes
from tests.factories import PackageFactory, PackageProductFactory, PriceFactory, ProductFactory
from tests.patience import STUCK

pytestmark = pytest.mark.django_db


def _live(model: type, pk: int) -> bool:
    return model.objects.get(pk=pk).deleted_at is None  # type: ignore[attr-defined]


def test_a_record_stays_while_what_went_along_points_to_a_deleted_one(system: Context) -> None:
    package, product = PackageFactory(), ProductFactory()
    other, free = PackageFactory(), ProductFactory()
    component = PackageProductFactory(PackageId=package, ProductId=product)
    fine = PackageProductFactory(PackageId=other, ProductId=free)
    assert codes(records.delete("PACKAGE", [package, other], system)) == [[], []]
    assert records.delete("PRODUCT", [product], system)[0].ok
    refused, restored = records.undelete("PACKAGE", [package, other], system)
    assert codes([refused, restored]) == [["RECORD_IN_USE"], []]
    assert f"ProductId {product} " in refused.problems[0].message
    assert not _live(Package, package) and not _live(PackageProduct, component)
    assert _live(Package, other) and _live(PackageProduct, fine)
    assert records.undelete("PRODUCT", [product], system)[0].ok
    assert records.undelete("PACKAGE", [package], system)[0].ok
    assert _live(PackageProduct, component)


def _together(*works: Callable[[], None]) -> None:
    def run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(STUCK)
        assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_a_target_deleted_while_its_record_is_restored(system: Context) -> None:
    package, product = PackageFactory(), ProductFactory()
    component = PackageProductFactory(PackageId=package, ProductId=product)
    assert records.delete("PACKAGE_PRODUCT", [component], system)[0].ok
    restored, outcomes = threading.Event(), {}

    def restore() -> None:
        with transaction.atomic():
            outcomes["restore"] = records.undelete("PACKAGE_PRODUCT", [component], system)
            restored.set()
            threading.Event().wait(0.5)

    def delete() -> None:
        restored.wait(STUCK)
        outcomes["delete"] = records.delete("PRODUCT", [product], system)

    _together(restore, delete)
    assert codes(outcomes["restore"]) == [[]]
    assert codes(outcomes["delete"]) == [["RECORD_IN_USE"]]
    assert _live(PackageProduct, component) and _live(Product, product)


@pytest.mark.django_db(transaction=True)
def test_a_child_added_below_what_is_going_along(system: Context) -> None:
    package = PackageFactory()
    component = PackageProductFactory(PackageId=package, ProductId=ProductFactory())
    deleted, outcomes = threading.Event(), {}

    def delete() -> None:
        with transaction.atomic():
            outcomes["delete"] = records.delete("PACKAGE", [package], system)
            deleted.set()
            threading.Event().wait(0.5)

    def price() -> None:
        deleted.wait(STUCK)
        row = {"PackageProductId": component, "Rate": "1"}
        outcomes["price"] = records.create("PRICING", [row], system)

    _together(delete, price)
    assert codes(outcomes["delete"]) == [[]]
    assert not outcomes["price"][0].ok
    assert not Pricing.objects.filter(package_product_id=component, deleted_at=None).exists()
    assert PriceFactory(
        PackageProductId=PackageProductFactory(
            PackageId=PackageFactory(), ProductId=ProductFactory()
        )
    )


def test_a_refused_deletion_shows_no_ids_of_what_may_not_be_read(
    system: Context, clerk: Callable[..., Context]
) -> None:
    product = ProductFactory()
    component = PackageProductFactory(PackageId=PackageFactory(), ProductId=product)
    (told,) = records.delete("PRODUCT", [product], system)
    assert f"Id {component}" in told.problems[0].message
    (refused,) = records.delete("PRODUCT", [product], clerk(PRODUCT="D"))
    assert codes([refused]) == [["RECORD_IN_USE"]]
    assert f"Id {component}" not in refused.problems[0].message
