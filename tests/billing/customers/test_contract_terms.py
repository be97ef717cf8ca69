"""Contracts: what they hold, what they say of a product and a day, in which currency."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, filled, refusals

pytestmark = pytest.mark.django_db

#: Days of the contract that `make` makes.
FIRST, LAST = "2026-02-01", "2027-01-31"


@pytest.fixture
def account(make: Maker) -> str:
    return make("ACCOUNT")


@pytest.fixture
def contract(make: Maker, account: str) -> str:
    return make("CONTRACT", AccountId=account)


@pytest.fixture
def product(make: Maker) -> str:
    return make("PRODUCT")


@pytest.mark.parametrize("entity", ["CONTRACT_RATE", "ACCOUNT_PACKAGE", "ACCOUNT_PRODUCT"])
@pytest.mark.parametrize(
    ("days", "changes", "cut_off"),
    [
        ({}, {"EndDate": "2026-06-30"}, ""),
        ({"EndDate": "2026-06-30"}, {"EndDate": "2026-06-30"}, ""),
        ({"EndDate": "2026-07-01"}, {"EndDate": "2026-06-30"}, "EndDate"),
        ({"StartDate": "2026-07-01"}, {"EndDate": "2026-06-30"}, "EndDate"),
        ({"StartDate": "2026-03-01"}, {"StartDate": "2026-03-01"}, ""),
        ({}, {"StartDate": "2026-03-01"}, "StartDate"),
        ({"EndDate": LAST}, {"EndDate": "2028-01-31"}, ""),
    ],
)
def test_a_contract_is_not_cut_off_below_what_it_holds(
    make: Maker,
    system: Context,
    account: str,
    contract: str,
    product: str,
    entity: str,
    days: dict[str, str],
    changes: dict[str, str],
    cut_off: str,
) -> None:
    needs = {
        "CONTRACT_RATE": {"ProductId": product},
        "ACCOUNT_PACKAGE": {"AccountId": account, "PackageId": make("PACKAGE")},
        "ACCOUNT_PRODUCT": {"AccountId": account, "ProductId": product},
    }[entity]
    held = make(entity, ContractId=contract, **needs, **days)
    (outcome,) = records.update("CONTRACT", [{"Id": contract, **changes}], system)
    assert [p.field for p in outcome.problems] == ([cut_off] if cut_off else [])
    if cut_off:
        (problem,) = outcome.problems
        assert f"{cut_off} {changes[cut_off]} would cut off {entity} {held}" in problem.message
        assert (problem.of, problem.in_the_way) == (entity, (int(held),))


def test_what_is_deactivated_does_not_hold_a_contract(
    make: Maker, system: Context, account: str, contract: str, product: str
) -> None:
    make(
        "ACCOUNT_PRODUCT",
        AccountId=account,
        ProductId=product,
        ContractId=contract,
        Status="DEACTIVATED",
        EndDate=LAST,
    )
    sent = [{"Id": contract, "EndDate": "2026-06-30"}]
    assert refusals(records.update("CONTRACT", sent, system)) == [""]


def test_who_may_not_see_what_is_in_the_way_learns_nothing_of_it(
    make: Maker, system: Context, contract: str, product: str
) -> None:
    make("CONTRACT_RATE", ContractId=contract, ProductId=product, EndDate=LAST)
    role = make("ROLE", Name="Clerk")
    row = {"RoleId": role, "EntityIdObj": {"EntityName": "CONTRACT"}}
    row |= {"ReadFlag": "1", "UpdateFlag": "1"}
    assert records.create("ENTITY_FIELD_ROLE", [row], system)[0].ok
    clerk = Context(None, int(role), administrator=False, username="clerk")
    sent = [{"Id": contract, "EndDate": "2026-06-30"}]
    (outcome,) = records.update("CONTRACT", sent, clerk)
    (problem,) = outcome.problems
    assert problem.message == (
        "EndDate 2026-06-30 would cut off a CONTRACT_RATE; change that first."
    )
    assert (problem.of, problem.in_the_way) == ("", ())


@pytest.mark.parametrize(
    ("rate_class", "fragment"),
    [
        ({}, ""),
        ({"EffectiveDate": "2027-01-31"}, ""),
        ({"EndDate": FIRST}, ""),
        ({"Status": "DEACTIVATED"}, "no contract may inherit it any more"),
        ({"EndDate": "2026-01-31"}, "it runs from no start to 2026-01-31"),
        ({"EffectiveDate": "2027-02-01"}, "it prices nothing on the days of the contract"),
    ],
)
def test_a_contract_inherits_a_rate_class_in_force(
    make: Maker, system: Context, account: str, rate_class: dict[str, str], fragment: str
) -> None:
    inherited = make("RATE_CLASS", **rate_class)
    sent = filled("CONTRACT", AccountId=account, RateClassId=inherited)
    (outcome,) = records.create("CONTRACT", [sent], system)
    assert outcome.ok == (not fragment)
    assert fragment in refusals([outcome])[0]


def test_a_contract_stays_its_accounts(
    make: Maker, system: Context, account: str, contract: str, product: str
) -> None:
    other = make("ACCOUNT", Name="Other")
    free = make("CONTRACT", ContractNumber="C-2", AccountId=account)
    make("ACCOUNT_PRODUCT", AccountId=account, ProductId=product, ContractId=contract)
    sent = [{"Id": c, "AccountId": other} for c in (contract, free)]
    outcomes = records.update("CONTRACT", sent, system)
    assert [o.ok for o in outcomes] == [False, True]
    assert outcomes[0].problems[0].code == "FIELD_NOT_CHANGEABLE"


def rate(contract: str, **more: Any) -> dict[str, Any]:
    return {"ContractId": contract, "StartDate": FIRST} | more


def test_a_contract_has_one_rate_for_a_product_and_day(
    make: Maker, system: Context, contract: str, product: str
) -> None:
    package = make("PACKAGE")
    inside = make("PACKAGE_PRODUCT", PackageId=package, ProductId=product)
    outcomes = records.create(
        "CONTRACT_RATE",
        [
            rate(contract, ProductId=product, EndDate="2026-05-31"),
            rate(contract, ProductId=product, StartDate="2026-06-01"),
            rate(contract, ProductId=product, StartDate="2026-12-01"),
            rate(contract, ProductId=product, PackageId=package),
            rate(contract, PackageProductId=inside),
            rate(contract, PackageProductId=inside),
        ],
        system,
    )
    assert [o.ok for o in outcomes] == [True, True, False, True, True, False]
    assert "Overlaps record 1 of this request, a rate of the same contract" in refusals(outcomes)[2]
    late = rate(contract, ProductId=product, StartDate="2026-09-01")
    (said,) = refusals(records.create("CONTRACT_RATE", [late], system))
    assert f"Overlaps CONTRACT_RATE {outcomes[1].id}" in said


def test_a_rate_names_one_product(
    make: Maker, system: Context, contract: str, product: str
) -> None:
    inside = make("PACKAGE_PRODUCT", PackageId=make("PACKAGE"), ProductId=product)
    sent = [
        rate(contract, PackageProductId=inside, ProductId=make("PRODUCT", Name="Other")),
        rate(contract, PackageProductId=inside, PackageId=make("PACKAGE", Name="Other")),
    ]
    said = refusals(records.create("CONTRACT_RATE", sent, system))
    assert f"but that of PackageProductId {inside} is {product}" in said[0]
    assert "PackageId is" in said[1]


def test_rates_stand_under_rates_of_their_contract(
    make: Maker, system: Context, account: str, contract: str
) -> None:
    other = make("CONTRACT", ContractNumber="C-2", AccountId=account)
    above = make("CONTRACT_RATE", ContractId=contract)
    outcomes = records.create(
        "CONTRACT_RATE",
        [rate(c, ParentContractRateId=above) for c in (contract, other)],
        system,
    )
    assert [o.ok for o in outcomes] == [True, False]
    circle = [{"Id": above, "ParentContractRateId": str(outcomes[0].id)}]
    assert "above itself" in refusals(records.update("CONTRACT_RATE", circle, system))[0]


@pytest.mark.parametrize(("listed", "fits"), [([], True), (["EUR"], False), (["EUR", "USD"], True)])
def test_a_contract_is_priced_in_its_currencies(
    make: Maker, system: Context, contract: str, product: str, listed: list[str], fits: bool
) -> None:
    for code in listed:
        make("CONTRACT_CURRENCY", ContractId=contract, CurrencyCode=code)
    agreed = make("CONTRACT_RATE", ContractId=contract, ProductId=product)
    (outcome,) = records.create("PRICING", [{"Rate": "1", "ContractRateId": agreed}], system)
    assert outcome.ok == fits
    if not fits:
        (problem,) = outcome.problems
        assert problem.field == "CurrencyCode"
        assert "USD is no currency of the contract; list it in CONTRACT_CURRENCY" in problem.message


def test_a_currency_with_prices_stays_listed(
    make: Maker, system: Context, contract: str, product: str
) -> None:
    dollars, euros = (
        make("CONTRACT_CURRENCY", ContractId=contract, CurrencyCode=c) for c in ("USD", "EUR")
    )
    agreed = make("CONTRACT_RATE", ContractId=contract, ProductId=product)
    price = make("PRICING", ContractRateId=agreed)
    (outcome,) = records.delete("CONTRACT_CURRENCY", [dollars], system)
    assert [p.code for p in outcome.problems] == ["RECORD_IN_USE"]
    (outcome,) = records.update(
        "CONTRACT_CURRENCY", [{"Id": dollars, "CurrencyCode": "JPY"}], system
    )
    assert "The contract has prices in USD" in refusals([outcome])[0]
    # Without a list the contract takes any currency.
    assert [o.ok for o in records.delete("CONTRACT_CURRENCY", [dollars, euros], system)] == [
        True,
        True,
    ]
    again = make("CONTRACT_CURRENCY", ContractId=contract, CurrencyCode="USD")
    records.delete("PRICING", [price], system)
    make("CONTRACT_CURRENCY", ContractId=contract, CurrencyCode="EUR")
    assert records.delete("CONTRACT_CURRENCY", [again], system)[0].ok


LISTS = (("CONTRACT_CURRENCY", "ContractId"), ("PACKAGE_CURRENCY", "PackageId"))


@pytest.mark.parametrize(("entity", "owner"), LISTS)
def test_a_list_that_is_begun_has_the_currencies_of_all_prices(
    make: Maker, system: Context, contract: str, product: str, entity: str, owner: str
) -> None:
    if owner == "ContractId":
        of = contract
        priced = {"ContractRateId": make("CONTRACT_RATE", ContractId=of, ProductId=product)}
    else:
        of = make("PACKAGE")
        priced = {"PackageProductId": make("PACKAGE_PRODUCT", PackageId=of, ProductId=product)}
    price = make("PRICING", **priced)
    euros, dollars = ({owner: of, "CurrencyCode": code} for code in ("EUR", "USD"))
    (outcome,) = records.create(entity, [euros], system)
    noun = "contract" if owner == "ContractId" else "package"
    assert refusals([outcome]) == [
        f"The {noun} has prices in USD; list that, too, in the same request, or delete these "
        "prices first."
    ]
    both = records.create(entity, [euros, dollars], system)
    assert [o.ok for o in both] == [True, True]
    ids = [int(o.id or 0) for o in both]
    assert "so it stays listed" in refusals(records.delete(entity, [ids[1]], system))[0]
    assert [o.ok for o in records.delete(entity, ids, system)] == [True, True]
    assert "list that, too" in refusals(records.undelete(entity, [ids[0]], system))[0]
    assert [o.ok for o in records.undelete(entity, ids[::-1], system)] == [True, True]
    assert records.delete("PRICING", [price], system)[0].ok
    assert records.delete(entity, [ids[1]], system)[0].ok


def test_a_plan_is_in_a_currency_of_the_contract(
    make: Maker, system: Context, contract: str, product: str
) -> None:
    plan = make("PRICING_PLAN")
    rate = {"ContractId": contract, "ProductId": product, "StartDate": FIRST}
    make("CONTRACT_CURRENCY", ContractId=contract, CurrencyCode="EUR")
    (outcome,) = records.create("CONTRACT_RATE", [rate | {"PricingPlanId": plan}], system)
    assert [p.field for p in outcome.problems] == ["PricingPlanId"]
    assert "is in USD, which is no currency of the contract" in refusals([outcome])[0]
    listed = make("CONTRACT_CURRENCY", ContractId=contract, CurrencyCode="USD")
    made = make("CONTRACT_RATE", **rate, PricingPlanId=plan)
    assert (
        "so it stays listed" in refusals(records.delete("CONTRACT_CURRENCY", [listed], system))[0]
    )
    assert records.delete("CONTRACT_RATE", [made], system)[0].ok
    assert records.delete("CONTRACT_CURRENCY", [listed], system)[0].ok


@pytest.mark.parametrize(
    ("days", "field"),
    [
        ({}, ""),
        ({"EffectiveDate": FIRST, "EndDate": LAST}, ""),
        ({"EffectiveDate": "2026-01-31"}, "EffectiveDate"),
        ({"EndDate": "2027-02-01"}, "EndDate"),
    ],
)
def test_prices_lie_within_the_contract(
    make: Maker, system: Context, contract: str, product: str, days: dict[str, str], field: str
) -> None:
    agreed = make("CONTRACT_RATE", ContractId=contract, ProductId=product)
    price = {"Rate": "1", "ContractRateId": agreed, **days}
    (outcome,) = records.create("PRICING", [price], system)
    assert [p.field for p in outcome.problems] == ([field] if field else [])
    if field:
        assert f"which runs from {FIRST} to {LAST}" in refusals([outcome])[0]


@pytest.mark.parametrize("entity", ["ACCOUNT_PACKAGE", "ACCOUNT_PRODUCT"])
def test_a_contract_is_of_the_account_or_of_one_above_it(
    make: Maker, system: Context, account: str, product: str, entity: str
) -> None:
    middle = make("ACCOUNT", Name="Division", ParentAccountId=account)
    below = make("ACCOUNT", Name="Team", ParentAccountId=middle)
    stranger = make("ACCOUNT", Name="Stranger")
    what = {
        "ACCOUNT_PACKAGE": {"PackageId": make("PACKAGE")},
        "ACCOUNT_PRODUCT": {"ProductId": product},
    }[entity]
    contracts = {
        of: make("CONTRACT", ContractNumber=of, AccountId=of)
        for of in (account, middle, below, stranger)
    }
    sent = [
        filled(entity, AccountId=below, ContractId=contract, **what)
        for contract in contracts.values()
    ]
    outcomes = records.create(entity, sent, system)
    assert [o.ok for o in outcomes] == [True, True, True, False]
    (problem,) = outcomes[3].problems
    assert problem.field == "ContractId"
    assert f"is a contract of another account; send one of account {below}" in problem.message
    # Above, not beside or below.
    up = filled(entity, AccountId=account, ContractId=contracts[middle], **what)
    assert not records.create(entity, [up], system)[0].ok


def test_what_comes_back_finds_its_contract_as_it_is_now(
    make: Maker, system: Context, contract: str, product: str
) -> None:
    agreed = make("CONTRACT_RATE", ContractId=contract, ProductId=product, EndDate=LAST)
    records.delete("CONTRACT_RATE", [agreed], system)
    shorter = [{"Id": contract, "EndDate": "2026-06-30"}]
    assert refusals(records.update("CONTRACT", shorter, system)) == [""]
    (said,) = refusals(records.undelete("CONTRACT_RATE", [agreed], system))
    assert f"EndDate {LAST} is outside contract 'C-1'" in said


@pytest.mark.django_db(transaction=True)
def test_a_contract_is_not_made_shorter_while_something_is_put_under_it(
    make: Maker, system: Context, account: str, contract: str, product: str
) -> None:
    done: dict[str, bool] = {}

    def shorten() -> None:
        sent = [{"Id": contract, "EndDate": "2026-06-30"}]
        done["shorter"] = records.update("CONTRACT", sent, system)[0].ok
        connection.close()

    with transaction.atomic():
        row = filled("ACCOUNT_PRODUCT", AccountId=account, ProductId=product, EndDate=LAST)
        (put,) = records.create("ACCOUNT_PRODUCT", [row | {"ContractId": contract}], system)
        assert put.ok, put.problems
        other = threading.Thread(target=shorten)
        other.start()
        other.join(timeout=0.3)
        assert other.is_alive()
    other.join()
    assert done == {"shorter": False}
