"""Packages, pricing plans and rate classes: their parts, their days, what may be agreed on."""

from typing import Any

import pytest

from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db

SUMMER = {"EffectiveDate": "2026-06-01", "EndDate": "2026-08-31"}


def part(make: Maker, package: str, name: str, **more: Any) -> str:
    return make("PACKAGE_PRODUCT", Name=name, PackageId=package, **more)


def test_a_part_stands_under_parts_of_its_own_package(make: Maker, system: Context) -> None:
    package, other = make("PACKAGE"), make("PACKAGE", Name="Home")
    above = part(make, package, "A")
    below = {"Name": "B", "MinQty": "0", "ParentPackageProductId": above}
    outcomes = records.create(
        "PACKAGE_PRODUCT",
        [below | {"PackageId": package}, below | {"Name": "C", "PackageId": other}],
        system,
    )
    assert [o.ok for o in outcomes] == [True, False]
    assert "is part of another package" in refusals(outcomes)[1]
    circle = [{"Id": above, "ParentPackageProductId": str(outcomes[0].id)}]
    (said,) = refusals(records.update("PACKAGE_PRODUCT", circle, system))
    assert "would be above itself" in said


def test_packages_do_not_bring_themselves_along(make: Maker, system: Context) -> None:
    one, two, three = (make("PACKAGE", Name=n) for n in "ABC")
    part(make, one, "1", LinkPackageId=two)
    part(make, two, "2", LinkPackageId=three)
    own = {"Name": "3", "MinQty": "0", "PackageId": one, "LinkPackageId": one}
    back = own | {"Name": "4", "PackageId": three}
    outcomes = records.create("PACKAGE_PRODUCT", [own, back], system)
    assert "can't bring itself along" in refusals(outcomes)[0]
    assert "would bring its own package along again" in refusals(outcomes)[1]


def test_a_linked_part_is_of_the_linked_package(make: Maker, system: Context) -> None:
    one, two = make("PACKAGE", Name="A"), make("PACKAGE", Name="B")
    theirs, ours = part(make, two, "1"), part(make, one, "2")
    sent = {"Name": "3", "MinQty": "0", "PackageId": one}
    outcomes = records.create(
        "PACKAGE_PRODUCT",
        [
            sent | {"LinkPackageId": two, "LinkPackageProductId": theirs},
            sent | {"Name": "4", "LinkPackageId": two, "LinkPackageProductId": ours},
            sent | {"Name": "5", "LinkPackageProductId": theirs},
        ],
        system,
    )
    said = refusals(outcomes)
    assert said[0] == ""
    assert f"is no part of package {two}" in said[1]
    assert "LinkPackageId is required" in said[2]


def test_what_accounts_have_stays_that_part(make: Maker, system: Context) -> None:
    package, product = make("PACKAGE"), make("PRODUCT")
    held = part(make, package, "1", ProductId=product)
    free = part(make, package, "2", ProductId=product)
    make("ACCOUNT_PRODUCT", AccountId=make("ACCOUNT"), PackageProductId=held)
    other = make("PRODUCT", Name="Other")
    outcomes = records.update(
        "PACKAGE_PRODUCT", [{"Id": p, "ProductId": other} for p in (held, free)], system
    )
    assert [o.ok for o in outcomes] == [False, True]
    assert f"ProductId stays {product}: accounts have" in refusals(outcomes)[0]


OVERRIDES = ["PACKAGE_PRODUCT", "RATE_CLASS_PRODUCT", "CONTRACT_RATE", "ACCOUNT_PRODUCT"]


@pytest.mark.parametrize("entity", OVERRIDES)
@pytest.mark.parametrize(
    ("permission", "method", "price"),
    [
        ("No Restriction", True, True),
        ("Restrict Rating Method Override", False, True),
        ("Restrict Rate Override", False, False),
    ],
)
def test_the_product_says_what_may_be_overridden(
    make: Maker, system: Context, entity: str, permission: str, method: bool, price: bool
) -> None:
    own, other = make("RATING_METHOD"), make("RATING_METHOD")
    product = make("PRODUCT", RatingMethodId=own, OverridePermissions=permission)
    account = make("ACCOUNT")
    needs = {
        "PACKAGE_PRODUCT": {"PackageId": make("PACKAGE"), "Name": "1", "MinQty": "0"},
        "RATE_CLASS_PRODUCT": {"RateClassId": make("RATE_CLASS")},
        "CONTRACT_RATE": {
            "ContractId": make("CONTRACT", AccountId=account),
            "StartDate": "2026-02-01",
        },
        "ACCOUNT_PRODUCT": {"AccountId": account, "StartDate": "2026-02-01"},
    }[entity]
    sent = {"ProductId": product, **needs}
    (outcome,) = records.create(entity, [sent | {"RatingMethodId": other}], system)
    assert outcome.ok == method
    if outcome.ok:
        records.delete(entity, [outcome.id], system)
    else:
        (problem,) = outcome.problems
        assert (problem.code, problem.field) == ("VALIDATION_FAILED", "RatingMethodId")
        assert "The product keeps its rating method" in problem.message
    (outcome,) = records.create(entity, [sent | {"RatingMethodId": own}], system)
    assert outcome.ok, outcome.problems
    owner = {f"{entity.title().replace('_', '')}Id": str(outcome.id)}
    (priced,) = records.create("PRICING", [{"Rate": "1", **owner}], system)
    assert priced.ok == price
    if entity in ("PACKAGE_PRODUCT", "ACCOUNT_PRODUCT"):
        changes = [{"Id": outcome.id, "RateOverride": "5"}]
        (changed,) = records.update(entity, changes, system)
        assert changed.ok == price
    if not price:
        assert "The product keeps its rate" in refusals([priced])[0]


def test_who_was_stricter_later_keeps_what_was_agreed(make: Maker, system: Context) -> None:
    product = make("PRODUCT", RatingMethodId=make("RATING_METHOD"))
    held = make("ACCOUNT_PRODUCT", AccountId=make("ACCOUNT"), ProductId=product, RateOverride="5")
    strict = {"Id": product, "OverridePermissions": "Restrict Rate Override"}
    assert refusals(records.update("PRODUCT", [strict], system)) == [""]
    renamed = [{"Id": held, "Name": "Still ours", "RateOverride": "5"}]
    assert refusals(records.update("ACCOUNT_PRODUCT", renamed, system)) == [""]


@pytest.mark.parametrize(
    ("sent", "field", "fragment"),
    [
        ({}, "", ""),
        ({"EffectiveDate": "2026-06-01", "EndDate": "2026-06-30"}, "", ""),
        ({"EffectiveDate": "2026-05-31"}, "EffectiveDate", "which runs from 2026-06-01 to 2026-08"),
        ({"EndDate": "2026-09-01"}, "EndDate", "outside the days of its MainPricingPlanId"),
        ({"CurrencyCode": "EUR"}, "CurrencyCode", "is not that of the pricing plan; send USD"),
    ],
)
def test_prices_of_a_plan_obey_it(
    make: Maker, system: Context, sent: dict[str, str], field: str, fragment: str
) -> None:
    product = make("PRODUCT")
    plan = make("PRICING_PLAN", ProductId=product, **SUMMER)
    price = {"Rate": "1", "ProductId": product, "MainPricingPlanId": plan, **sent}
    (outcome,) = records.create("PRICING", [price], system)
    assert [p.field for p in outcome.problems] == ([field] if field else [])
    assert fragment in refusals([outcome])[0]


def test_a_plan_prices_one_thing(make: Maker, system: Context) -> None:
    product = make("PRODUCT")
    inside = part(make, make("PACKAGE"), "1", ProductId=product)
    plan = {"Name": "A", "PlanType": "STANDARD", "CurrencyCode": "USD", "ProductId": product}
    both, one = records.create(
        "PRICING_PLAN", [plan | {"PackageProductId": inside}, plan | {"Name": "B"}], system
    )
    assert "prices one thing, not ProductId and PackageProductId" in refusals([both])[0]
    price = {"Rate": "1", "MainPricingPlanId": str(one.id), "ProductId": make("PRODUCT", Name="X")}
    (said,) = refusals(records.create("PRICING", [price], system))
    assert "is another one than that of the pricing plan" in said


def test_a_plan_is_not_cut_off_below_its_prices(make: Maker, system: Context) -> None:
    plan = make("PRICING_PLAN", **SUMMER)
    price = make("PRICING", MainPricingPlanId=plan, EndDate="2026-08-15")
    (outcome,) = records.update("PRICING_PLAN", [{"Id": plan, "EndDate": "2026-07-31"}], system)
    (problem,) = outcome.problems
    assert problem.message == (
        f"EndDate 2026-07-31 would cut off PRICING {price}, which runs from no start to "
        f"2026-08-15; change that first."
    )
    assert (problem.of, problem.in_the_way) == ("PRICING", (int(price),))
    longer = {"Id": plan, "EndDate": "2026-12-31"}
    assert refusals(records.update("PRICING_PLAN", [longer], system)) == [""]
    (said,) = refusals(
        records.update("PRICING_PLAN", [{"Id": plan, "CurrencyCode": "EUR"}], system)
    )
    assert "CurrencyCode stays USD" in said


@pytest.mark.parametrize(
    ("sent", "field", "fragment"),
    [
        ({}, "", ""),
        ({"StartDate": "2026-06-01", "EndDate": "2026-08-31"}, "", ""),
        ({"StartDate": "2026-05-31"}, "StartDate", "which runs from 2026-06-01 to 2026-08-31"),
        ({"EndDate": "2026-09-01"}, "EndDate", "outside the days of the rate class"),
    ],
)
def test_entries_lie_within_their_rate_class(
    make: Maker, system: Context, sent: dict[str, str], field: str, fragment: str
) -> None:
    entry = {"RateClassId": make("RATE_CLASS", **SUMMER), "ProductId": make("PRODUCT"), **sent}
    (outcome,) = records.create("RATE_CLASS_PRODUCT", [entry], system)
    assert [p.field for p in outcome.problems] == ([field] if field else [])
    assert fragment in refusals([outcome])[0]


def test_a_rate_class_has_one_entry_for_a_product_and_day(make: Maker, system: Context) -> None:
    entry = {"RateClassId": make("RATE_CLASS"), "ProductId": make("PRODUCT")}
    spring = entry | {"StartDate": "2026-03-01", "EndDate": "2026-05-31"}
    outcomes = records.create(
        "RATE_CLASS_PRODUCT",
        [
            spring,
            entry | {"StartDate": "2026-06-01"},
            entry | {"EndDate": "2026-03-01"},
            entry | {"ProductId": make("PRODUCT", Name="Other")},
        ],
        system,
    )
    assert [o.ok for o in outcomes] == [True, True, False, True]
    assert "an entry of the same rate class for the same product" in refusals(outcomes)[2]
    cut = [{"Id": entry["RateClassId"], "EndDate": "2026-04-30"}]
    (said,) = refusals(records.update("RATE_CLASS", cut, system))
    assert f"would cut off RATE_CLASS_PRODUCT {outcomes[0].id}" in said


@pytest.mark.parametrize(("listed", "fits"), [([], True), (["EUR"], False), (["EUR", "USD"], True)])
def test_a_package_is_priced_in_its_currencies(
    make: Maker, system: Context, listed: list[str], fits: bool
) -> None:
    package = make("PACKAGE")
    for code in listed:
        make("PACKAGE_CURRENCY", PackageId=package, CurrencyCode=code)
    inside = part(make, package, "1", ProductId=make("PRODUCT"))
    (outcome,) = records.create("PRICING", [{"Rate": "1", "PackageProductId": inside}], system)
    assert outcome.ok == fits
    if not fits:
        assert "USD is no currency of the package; list it in PACKAGE_CURRENCY" in str(
            outcome.problems
        )
