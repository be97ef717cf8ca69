"""The recycle bin: deletions take children along, refuse what is used, and can be undone."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from billing.catalog.models import Package, PackageProduct, Pricing, Product
from billing.customers.models import Account, AccountProduct
from entities import records
from entities.schema.current import current
from metabrm import clock
from metabrm.identity.context import Context
from tests.entities.acting import codes
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    PackageFactory,
    PackageProductFactory,
    PriceFactory,
    ProductFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def bundle(db: None) -> tuple[int, int, int, int]:
    """A package, its component, the product, and the component's price."""
    package, product = PackageFactory(), ProductFactory()
    component = PackageProductFactory(PackageId=package, ProductId=product)
    price = PriceFactory(PackageProductId=component)
    return package, component, product, price


def _live(model: type, pk: int) -> bool:
    return model.objects.get(pk=pk).deleted_at is None  # type: ignore[attr-defined]


def test_children_go_along_and_come_back_with_the_parent(
    system: Context, bundle: tuple[int, int, int, int]
) -> None:
    package, component, product, price = bundle
    other = PackageProductFactory(PackageId=package, ProductId=product)
    assert records.delete("PACKAGE_PRODUCT", [other], system)[0].ok
    assert records.delete("PACKAGE", [package], system)[0].ok
    assert not _live(Package, package)
    assert not _live(PackageProduct, component)
    assert not _live(Pricing, price)
    assert _live(Product, product)
    assert records.undelete("PACKAGE", [package], system)[0].ok
    assert _live(Package, package) and _live(PackageProduct, component) and _live(Pricing, price)
    assert not _live(PackageProduct, other), "deleted by itself, so not restored with the package"


def test_a_record_in_use_is_refused_naming_who_uses_it(
    system: Context, bundle: tuple[int, int, int, int]
) -> None:
    _, component, product, _ = bundle
    unused = ProductFactory()
    refused, gone = records.delete("PRODUCT", [product, unused], system)
    assert gone.ok
    assert codes([refused]) == [["RECORD_IN_USE"]]
    assert "PACKAGE_PRODUCT" in refused.problems[0].message
    assert str(component) in refused.problems[0].message
    assert _live(Product, product)


def test_records_that_use_each_other_go_together(system: Context) -> None:
    parent = AccountFactory()
    child = AccountFactory(ParentAccountId=parent)
    assert not records.delete("ACCOUNT", [parent], system)[0].ok
    assert all(o.ok for o in records.delete("ACCOUNT", [parent, child], system))
    (orphan,) = records.undelete("ACCOUNT", [child], system)
    assert codes([orphan]) == [["RECORD_IN_USE"]]
    assert all(o.ok for o in records.undelete("ACCOUNT", [child, parent], system))


def test_purging_removes_for_good_from_inside_and_outside_the_bin(
    system: Context, bundle: tuple[int, int, int, int]
) -> None:
    package, component, product, price = bundle
    assert records.delete("PACKAGE", [package], system)[0].ok
    assert records.delete("PACKAGE", [package], system, permanently=True)[0].ok
    assert not Package.objects.filter(pk=package).exists()
    assert not PackageProduct.objects.filter(pk=component).exists()
    assert not Pricing.objects.filter(pk=price).exists()
    assert records.delete("PRODUCT", [product], system, permanently=True)[0].ok
    assert codes(records.undelete("PACKAGE", [package], system)) == [["RECORD_NOT_FOUND"]]


def test_records_that_point_at_each_other_in_a_circle_can_be_purged(system: Context) -> None:
    one = AccountFactory()
    two = AccountFactory(ParentAccountId=one)
    (linked,) = records.update("ACCOUNT", [{"Id": one, "BillableAccountId": two}], system)
    assert linked.ok, linked.problems
    for outcome in records.delete("ACCOUNT", [one, two], system, permanently=True):
        assert outcome.ok, outcome.problems
    assert not Account.objects.filter(pk__in=[one, two]).exists()


def test_ids_that_are_none_are_refused_one_by_one(system: Context) -> None:
    good = ProductFactory()
    outcomes = records.delete("PRODUCT", [good, "x", 999999, None, good], system)
    assert codes(outcomes) == [
        ["DUPLICATE_IN_REQUEST"],
        ["INVALID_VALUE"],
        ["RECORD_NOT_FOUND"],
        ["REQUIRED_FIELD_MISSING"],
        ["DUPLICATE_IN_REQUEST"],
    ]
    assert records.delete("PRODUCT", [str(good)], system)[0].ok
    assert codes(records.delete("PRODUCT", [good], system)) == [["RECORD_NOT_FOUND"]]


def test_the_root_account_stays(system: Context) -> None:
    (refused,) = records.delete("ACCOUNT", [1], system)
    assert not refused.ok


@pytest.mark.django_db(transaction=True)
def test_nothing_ends_up_pointing_into_the_recycle_bin(system: Context) -> None:
    """A child is created while its parent is being deleted: one of the two fails."""
    parent = AccountFactory()
    deleting = threading.Event()
    answers = {}

    def delete() -> None:
        try:
            with transaction.atomic():
                answers["delete"] = records.delete("ACCOUNT", [parent], system)[0]
                deleting.set()
                threading.Event().wait(0.3)
        finally:
            connection.close()

    def create() -> None:
        try:
            deleting.wait()
            answers["create"] = records.create(
                "ACCOUNT", [{"Name": "c", "AccountTypeId": 1, "ParentAccountId": parent}], system
            )[0]
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for work in (delete, create)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers["delete"].ok
    assert codes([answers["create"]]) == [["LOOKUP_NOT_FOUND"]]


def test_a_record_whose_lookup_is_emptied_says_when_it_changed(system: Context) -> None:
    with clock.frozen(clock.now() - timedelta(days=1)):
        parent = AccountProductFactory()
        child = AccountProductFactory(ParentCustomerProductId=parent)
    with clock.frozen(clock.now()):
        records.delete("ACCOUNT_PRODUCT", [parent], system)
        left = AccountProduct.objects.get(pk=child)
        assert (left.parent_customer_product_id, left.updated) == (None, clock.now())


def test_an_entity_can_have_its_records_wait_for_their_children(
    system: Context, bundle: tuple[int, int, int, int]
) -> None:
    package, component, _, _ = bundle
    entity = current().entity("PACKAGE").id
    assert records.update("ENTITY", [{"Id": entity, "CascadeDeleteFlag": "0"}], system)[0].ok
    assert codes(records.delete("PACKAGE", [package], system)) == [["RECORD_IN_USE"]]
    assert records.delete("PACKAGE_PRODUCT", [component], system)[0].ok
    assert records.delete("PACKAGE", [package], system)[0].ok
