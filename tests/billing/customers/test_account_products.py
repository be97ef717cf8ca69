"""What an account has follows from the package it came with."""

import pytest

from billing.customers.models import AccountProduct
from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db


def test_the_product_follows_the_package_product_when_either_changes(
    make: Maker, system: Context
) -> None:
    products = [make("PRODUCT"), make("PRODUCT", Name="Other")]
    package = make("PACKAGE")
    one, two = (
        make("PACKAGE_PRODUCT", Name=f"Part {p}", PackageId=package, ProductId=p) for p in products
    )
    held = make("ACCOUNT_PRODUCT", AccountId=make("ACCOUNT"), PackageProductId=one)
    assert AccountProduct.objects.get(pk=held).product_id == int(products[0])
    (said,) = refusals(
        records.update("ACCOUNT_PRODUCT", [{"Id": held, "ProductId": products[1]}], system)
    )
    assert f"that of PackageProductId {one} is {products[0]}" in said
    moved = {"Id": held, "PackageProductId": two}
    assert refusals(records.update("ACCOUNT_PRODUCT", [moved], system)) == [""]
    assert AccountProduct.objects.get(pk=held).product_id == int(products[1])
