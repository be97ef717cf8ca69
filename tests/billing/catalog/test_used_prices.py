"""A price by which lines were priced stays: it goes neither by itself nor along with others."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from entities import records
from entities.errors import Code
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(make: Maker) -> str:
    return make("ACCOUNT")


@pytest.fixture
def product(make: Maker) -> str:
    return make("PRODUCT")


def lines(account: str, product: str, price: str, count: int = 1) -> None:
    """Charge lines by the price, as rating writes them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mediation_activity (account_id, product_id, pricing_id, activity_date, "
            "quantity, created, updated) SELECT %s, %s, %s, '2026-06-01', 1, now(), now() "
            "FROM generate_series(1, %s)",
            [account, product, price, count],
        )


def owned(make: Maker, account: str, product: str, owner: str) -> dict[str, str]:
    """Records of which the first is deleted and takes along the price that is last."""
    if owner == "PRICING":
        return {"PRICING": make("PRICING", ProductId=product)}
    if owner == "CONTRACT":
        contract = make("CONTRACT", AccountId=account)
        rate = make("CONTRACT_RATE", ContractId=contract, ProductId=product)
        return {"CONTRACT": contract, "PRICING": make("PRICING", ContractRateId=rate)}
    if owner == "RATE_CLASS":
        klass = make("RATE_CLASS")
        entry = make("RATE_CLASS_PRODUCT", RateClassId=klass, ProductId=product)
        return {"RATE_CLASS": klass, "PRICING": make("PRICING", RateClassProductId=entry)}
    if owner == "PACKAGE_PRODUCT":
        package = make("PACKAGE")
        part = make("PACKAGE_PRODUCT", PackageId=package, ProductId=product)
        return {"PACKAGE_PRODUCT": part, "PRICING": make("PRICING", PackageProductId=part)}
    plan = make("PRICING_PLAN")
    return {"PRICING_PLAN": plan, "PRICING": make("PRICING", MainPricingPlanId=plan)}


OWNERS = ["PRICING", "CONTRACT", "RATE_CLASS", "PACKAGE_PRODUCT", "PRICING_PLAN"]


@pytest.mark.parametrize("permanently", [False, True])
@pytest.mark.parametrize("owner", OWNERS)
def test_a_price_with_lines_stays(
    make: Maker, system: Context, account: str, product: str, owner: str, permanently: bool
) -> None:
    made = owned(make, account, product, owner)
    lines(account, product, made["PRICING"], 3)
    (outcome,) = records.delete(owner, [int(made[owner])], system, permanently=permanently)
    (problem,) = outcome.problems
    its = "" if owner == "PRICING" else f"Its PRICING {made['PRICING']} can't be deleted. "
    assert (problem.code, problem.message) == (
        Code.RECORD_IN_USE,
        f"{its}3 lines were priced by it, and what they cost is explained by it. Set its EndDate "
        "to the last day on which it shall hold instead.",
    )
    ended = records.update("PRICING", [{"Id": made["PRICING"], "EndDate": "2026-06-30"}], system)
    assert refusals(ended) == [""]


@pytest.mark.parametrize("owner", OWNERS)
def test_a_price_without_lines_goes(
    make: Maker, system: Context, account: str, product: str, owner: str
) -> None:
    made = owned(make, account, product, owner)
    lines(account, product, make("PRICING", ProductId=make("PRODUCT")))
    assert refusals(records.delete(owner, [int(made[owner])], system)) == [""]
    assert refusals(records.undelete(owner, [int(made[owner])], system)) == [""]


def test_of_several_those_with_lines_stay(
    make: Maker, system: Context, account: str, product: str
) -> None:
    days: list[dict[str, Any]] = [
        {"EffectiveDate": f"2026-0{month}-01", "EndDate": f"2026-0{month}-28"}
        for month in range(1, 5)
    ]
    prices = [make("PRICING", ProductId=product, **of) for of in days]
    lines(account, product, prices[1])
    lines(account, product, prices[3], 1001)
    said = refusals(records.delete("PRICING", [int(p) for p in prices], system))
    assert [text.split(" priced")[0] for text in said] == [
        "", "1 line was", "", "More than 1,000 lines were",
    ]  # fmt: skip


def test_who_may_not_see_lines_is_not_told_how_many(
    make: Maker, system: Context, account: str, product: str
) -> None:
    price = make("PRICING", ProductId=product)
    lines(account, product, price, 2)
    role = make("ROLE", Name="Catalog clerk")
    row = {"RoleId": role, "EntityIdObj": {"EntityName": "PRICING"}}
    flags = {"ReadFlag": "1", "UpdateFlag": "1", "DeleteFlag": "1"}
    assert records.create("ENTITY_FIELD_ROLE", [row | flags], system)[0].ok
    clerk = Context(None, int(role), administrator=False, username="clerk")
    (problem,) = records.delete("PRICING", [int(price)], clerk)[0].problems
    assert problem.message.startswith("Lines were priced by it")
    assert (problem.of, problem.in_the_way) == ("", ())


def test_lines_of_the_product_that_are_older_than_the_price_are_not_its(
    make: Maker, system: Context, account: str, product: str
) -> None:
    """Such as only a copy of other data has; so an old product's new price is deleted at once."""
    price = make("PRICING", ProductId=product)
    lines(account, product, price)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mediation_activity SET updated = %s", [datetime(2020, 1, 1, tzinfo=UTC)]
        )
    assert refusals(records.delete("PRICING", [int(price)], system)) == [""]
