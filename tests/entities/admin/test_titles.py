"""Records without a name are called by what tells them apart, as far as the reader sees it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import records
from entities.admin.reader import reading
from entities.admin.titles import title_of, titles
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.custom import custom_entity
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    InvoiceFactory,
    PackageFactory,
    PackageProductFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

pytestmark = pytest.mark.django_db


def called(entity: str, id: int) -> str:
    return title_of(current(), current().entity(entity), id)


@pytest.fixture
def has() -> int:
    """The account product of Acme, Inc.'s SIM cards."""
    acme = AccountFactory(Name="Acme, Inc.")
    sim = ProductFactory(Name="100% SIM")
    return AccountProductFactory(AccountId=str(acme), ProductId=str(sim))


def test_lookups_stand_for_what_they_point_to(has: int) -> None:
    assert called("ACCOUNT_PRODUCT", has) == "Acme, Inc. – 100% SIM"
    price = PriceFactory(AccountProductId=str(has), Rate="0.25", CurrencyCode="EUR")
    assert called("PRICING", price) == "Acme, Inc. – 100% SIM – 0.25 EUR"
    part = PackageProductFactory(
        PackageId=str(PackageFactory(Name="Gold")), ProductId=str(ProductFactory(Name="Calls"))
    )
    own = PriceFactory(PackageProductId=str(part), Rate="3")
    assert called("PRICING", own) == f"{called('PACKAGE_PRODUCT', part)} – 3 USD"
    assert called("RATING_METHOD", RatingMethodFactory()) == "Usage – Standard Pricing"


def test_a_name_comes_before_what_tells_a_record_apart(has: int) -> None:
    row = {"Id": str(has), "Name": "Head office"}
    assert records.update("ACCOUNT_PRODUCT", [row], Context.system("test"))[0].ok
    assert called("ACCOUNT_PRODUCT", has) == "Head office"


def test_where_nothing_says_what_tells_it_apart_the_id_and_required_lookups_do() -> None:
    invoice = InvoiceFactory()
    assert called("INVOICE", invoice) == f"Invoice {invoice} – Accounts Payable"


def test_the_label_of_a_custom_entity_is_only_text(has: int) -> None:
    custom_entity(
        "STOCK",
        {"Holder": {"data_type": "LOOKUP", "to": "ACCOUNT_PRODUCT", "required_flag": True}},
        entity_label="Bob's 50% %s",
    )
    (made,) = records.create("STOCK", [{"Holder": str(has)}], Context.system("test"))
    assert made.id is not None
    assert called("STOCK", made.id) == f"Bob's 50% %s {made.id} – Acme, Inc. – 100% SIM"


def test_nothing_is_told_that_the_reader_may_not_see(has: int, clerk: Callable[..., Any]) -> None:
    price = PriceFactory(AccountProductId=str(has), Rate="0.25")
    for granted, title in (
        ({"ACCOUNT": "R", "PRODUCT": "R"}, "Acme, Inc. – 100% SIM – 0.25 USD"),
        ({"PRODUCT": "R"}, "100% SIM – 0.25 USD"),
    ):
        with reading(clerk(PRICING="R", ACCOUNT_PRODUCT="R", **granted)):
            assert called("PRICING", price) == title
    with reading(clerk(PRICING="R", ACCOUNT="R", PRODUCT="R")):
        assert called("PRICING", price) == "0.25 USD"
    with reading(clerk(ACCOUNT="R", PRODUCT="R")):
        assert called("PRICING", price) == f"Price {price}"


def test_titles_of_all_entities_are_one_query_each(has: int) -> None:
    snapshot = current()
    for schema in snapshot.entities.values():
        if schema.inputs:
            continue
        with CaptureQueriesContext(
            connection,
        ) as taken:
            titles(snapshot, schema, [1, 2, 3])
        assert len(taken) == 1, schema.name


def test_many_records_are_one_query(has: int) -> None:
    more = [AccountProductFactory() for _ in range(3)]
    snapshot = current()
    with CaptureQueriesContext(connection) as taken:
        found = titles(snapshot, snapshot.entity("ACCOUNT_PRODUCT"), [has, *more])
    assert len(taken) == 1
    assert {title.count(" – ") for _, title in found.values()} == {1}
