"""What is agreed and provisioned under a contract stays within its days."""

from typing import Any

import pytest

from billing.customers.models import AccountProduct
from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, filled, refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids(make: Maker) -> dict[str, str]:
    account = make("ACCOUNT")
    return {
        "AccountId": account,
        "ContractId": make("CONTRACT", AccountId=account),
        "ProductId": make("PRODUCT"),
        "PackageId": make("PACKAGE"),
    }


NEEDS = {
    "CONTRACT_RATE": ("ContractId",),
    "ACCOUNT_PACKAGE": ("AccountId", "ContractId", "PackageId"),
    "ACCOUNT_PRODUCT": ("AccountId", "ContractId", "ProductId"),
}


@pytest.mark.parametrize("entity", NEEDS)
@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        ("2026-02-01", None, []),
        ("2026-02-01", "2027-01-31", []),
        ("2026-01-31", None, ["StartDate"]),
        ("2026-02-01", "2027-02-01", ["EndDate"]),
        ("2027-02-01", "2027-02-02", ["StartDate", "EndDate"]),
    ],
)
def test_days_lie_within_the_contract(
    ids: dict[str, str],
    system: Context,
    entity: str,
    start: str,
    end: str | None,
    wrong: list[str],
) -> None:
    record = {name: ids[name] for name in NEEDS[entity]} | {"StartDate": start, "EndDate": end}
    (outcome,) = records.create(entity, [record], system)
    assert [p.field for p in outcome.problems] == wrong
    if wrong:
        assert "contract 'C-1', which runs from 2026-02-01 to 2027-01-31" in refusals([outcome])[0]


def test_who_may_not_read_contracts_learns_nothing_of_one(
    ids: dict[str, str], make: Maker, system: Context
) -> None:
    role = make("ROLE", Name="Seller")
    for entity, fields in (("CONTRACT_RATE", (None,)), ("CONTRACT", (None, "CONTRACT.EndDate"))):
        for field in fields:
            row = {"RoleId": role, "EntityIdObj": {"EntityName": entity}}
            row |= {"CreateFlag": "1", "ReadFlag": "1", "UpdateFlag": "1"}
            if field:
                row |= {"EntityFieldIdObj": {"ExternalKey": field}, "ReadFlag": "0"}
            assert records.create("ENTITY_FIELD_ROLE", [row], system)[0].ok
    seller = Context(None, int(role), administrator=False, username="seller")
    record = {"ContractId": ids["ContractId"], "StartDate": "2026-02-01", "EndDate": "2027-02-01"}
    (outcome,) = records.create("CONTRACT_RATE", [record], seller)
    assert refusals([outcome]) == ["EndDate 2027-02-01 is outside the contract."]


def test_an_update_is_judged_together_with_what_is_stored(
    ids: dict[str, str], make: Maker, system: Context
) -> None:
    fields: dict[str, Any] = {name: ids[name] for name in NEEDS["ACCOUNT_PRODUCT"]}
    made = make("ACCOUNT_PRODUCT", **fields)
    late, fits = "2027-03-31", "2026-03-31"
    outcomes = [
        records.update("ACCOUNT_PRODUCT", [{"Id": made, "EndDate": day}], system)[0]
        for day in (late, fits)
    ]
    assert [o.ok for o in outcomes] == [False, True]


def test_without_a_contract_days_are_free(ids: dict[str, str], make: Maker) -> None:
    assert make(
        "ACCOUNT_PRODUCT",
        AccountId=ids["AccountId"],
        ProductId=ids["ProductId"],
        StartDate="1999-01-01",
        EndDate="",
    )


def test_an_account_product_is_of_its_package_products_product(
    ids: dict[str, str], make: Maker, system: Context
) -> None:
    inside = make("PACKAGE_PRODUCT", PackageId=ids["PackageId"], ProductId=ids["ProductId"])
    made = make("ACCOUNT_PRODUCT", AccountId=ids["AccountId"], PackageProductId=inside)
    assert AccountProduct.objects.get(pk=made).product_id == int(ids["ProductId"])
    other = filled(
        "ACCOUNT_PRODUCT",
        AccountId=ids["AccountId"],
        PackageProductId=inside,
        ProductId=make("PRODUCT", Name="Another"),
    )
    (said,) = refusals(records.create("ACCOUNT_PRODUCT", [other], system))
    assert f" is {ids['ProductId']}; send that one" in said
