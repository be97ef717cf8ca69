"""Provisioning: what an account takes is on sale, in the quantities, days and terms agreed."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.customers.models import AccountProduct
from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, filled, refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(make: Maker) -> str:
    return make("ACCOUNT")


@pytest.fixture
def product(make: Maker) -> str:
    return make("PRODUCT")


@pytest.fixture
def package(make: Maker) -> str:
    return make("PACKAGE")


def taken(account: str, **more: Any) -> dict[str, Any]:
    return filled("ACCOUNT_PRODUCT", AccountId=account, **more)


def test_a_product_that_is_not_on_sale_is_not_provisioned(
    make: Maker, system: Context, account: str, product: str
) -> None:
    held = make("ACCOUNT_PRODUCT", AccountId=account, ProductId=product)
    records.update("PRODUCT", [{"Id": product, "Status": "DEACTIVATED"}], system)
    (outcome,) = records.create("ACCOUNT_PRODUCT", [taken(account, ProductId=product)], system)
    (problem,) = outcome.problems
    assert (problem.code, problem.field) == ("VALIDATION_FAILED", "ProductId")
    assert "its Status is DEACTIVATED" in problem.message
    # What accounts have goes on.
    changes = [{"Id": held, "Quantity": "3", "EndDate": "2026-12-31"}]
    assert refusals(records.update("ACCOUNT_PRODUCT", changes, system)) == [""]


@pytest.mark.parametrize("entity", ["ACCOUNT_PACKAGE", "ACCOUNT_PRODUCT"])
def test_a_package_in_development_is_not_provisioned(
    make: Maker, system: Context, account: str, product: str, entity: str
) -> None:
    package = make("PACKAGE", PackageStatus="In Development")
    inside = make("PACKAGE_PRODUCT", PackageId=package, ProductId=product)
    what = {"ACCOUNT_PACKAGE": {"PackageId": package}, "ACCOUNT_PRODUCT": {}}[entity]
    what = what or {"PackageProductId": inside}
    sent = filled(entity, AccountId=account, **what)
    (outcome,) = records.create(entity, [sent], system)
    (problem,) = outcome.problems
    assert problem.field == next(iter(what))
    assert "its PackageStatus is In Development" in problem.message


def test_an_account_package_makes_no_products(make: Maker, account: str, package: str) -> None:
    make("PACKAGE_PRODUCT", PackageId=package, ProductId=make("PRODUCT"), MinQty="1")
    make("ACCOUNT_PACKAGE", AccountId=account, PackageId=package)
    assert not AccountProduct.objects.exists()


@pytest.mark.parametrize(
    ("quantity", "fragment"),
    [
        ("2", ""),
        ("5", ""),
        ("1.5", "Quantity is 1.5; 2 or more of the package product can be taken."),
        ("6", "Quantity is 6; at most 5 of the package product can be taken."),
        ("-1", "2 or more"),
    ],
)
def test_quantities_lie_within_the_package(
    make: Maker,
    system: Context,
    account: str,
    package: str,
    product: str,
    quantity: str,
    fragment: str,
) -> None:
    limits = {"MinQty": "2", "MaxQty": "5"}
    inside = make("PACKAGE_PRODUCT", PackageId=package, ProductId=product, **limits)
    sent = taken(account, PackageProductId=inside, Quantity=quantity)
    (outcome,) = records.create("ACCOUNT_PRODUCT", [sent], system)
    assert [p.field for p in outcome.problems] == (["Quantity"] if fragment else [])
    assert fragment in refusals([outcome])[0]


def test_nobody_takes_less_than_nothing(system: Context, account: str, product: str) -> None:
    sent = taken(account, ProductId=product, Quantity="-1")
    assert (
        "Quantity is -1; 0 or more"
        in refusals(records.create("ACCOUNT_PRODUCT", [sent], system))[0]
    )


@pytest.mark.parametrize("allowed", [True, False])
def test_a_package_says_whether_accounts_have_other_prices(
    make: Maker, system: Context, account: str, package: str, product: str, allowed: bool
) -> None:
    inside = make(
        "PACKAGE_PRODUCT", PackageId=package, ProductId=product, AllowPriceOverride=int(allowed)
    )
    held = make("ACCOUNT_PRODUCT", AccountId=account, PackageProductId=inside)
    (priced,) = records.create("PRICING", [{"Rate": "1", "AccountProductId": held}], system)
    (changed,) = records.update("ACCOUNT_PRODUCT", [{"Id": held, "RateOverride": "5"}], system)
    assert [priced.ok, changed.ok] == [allowed, allowed]
    if not allowed:
        assert "AllowPriceOverride 0" in refusals([priced])[0]
        assert changed.problems[0].field == "RateOverride"


def test_only_parts_of_the_package_come_with_it(
    make: Maker, system: Context, account: str, package: str, product: str
) -> None:
    along, beyond, other = (make("PACKAGE", Name=n) for n in "ABC")
    make("PACKAGE_PRODUCT", Name="1", PackageId=package, LinkPackageId=along)
    make("PACKAGE_PRODUCT", Name="2", PackageId=along, LinkPackageId=beyond)
    bought = make("ACCOUNT_PACKAGE", AccountId=account, PackageId=package)
    sent = [
        taken(
            account,
            AccountPackageId=bought,
            PackageProductId=make(
                "PACKAGE_PRODUCT", Name=f"Part {of}", PackageId=of, ProductId=product
            ),
        )
        for of in (package, along, beyond, other)
    ]
    outcomes = records.create("ACCOUNT_PRODUCT", sent, system)
    assert [o.ok for o in outcomes] == [True, True, True, False]
    assert "is no part of the account package's package" in refusals(outcomes)[3]


def test_a_product_of_a_package_is_its_accounts(
    make: Maker, system: Context, account: str, package: str, product: str
) -> None:
    bought = make("ACCOUNT_PACKAGE", AccountId=account, PackageId=package)
    sent = taken(make("ACCOUNT", Name="Other"), AccountPackageId=bought, ProductId=product)
    (outcome,) = records.create("ACCOUNT_PRODUCT", [sent], system)
    (problem,) = outcome.problems
    assert problem.field == "AccountId"
    assert f"send that of the account package, {account}" in problem.message


@pytest.mark.parametrize(
    ("listed", "allowed", "fits"),
    [([], "0", True), (["USD"], "0", True), (["EUR"], "0", False), (["EUR"], "1", True)],
)
def test_a_package_is_sold_in_the_accounts_currency(
    make: Maker, system: Context, package: str, listed: list[str], allowed: str, fits: bool
) -> None:
    account = make("ACCOUNT", AllowPricingInDifferentCurrency=allowed)
    make("BILLING_PROFILE", AccountId=account)
    for code in listed:
        make("PACKAGE_CURRENCY", PackageId=package, CurrencyCode=code)
    sent = filled("ACCOUNT_PACKAGE", AccountId=account, PackageId=package)
    (outcome,) = records.create("ACCOUNT_PACKAGE", [sent], system)
    assert outcome.ok == fits
    if not fits:
        assert outcome.problems[0].field == "PackageId"
        assert "is not sold in the currency" in refusals([outcome])[0]


@pytest.fixture
def bought(make: Maker, account: str, package: str) -> str:
    return make(
        "ACCOUNT_PACKAGE",
        AccountId=account,
        PackageId=package,
        ContractId=make("CONTRACT", AccountId=account),
        EndDate="2026-12-31",
    )


def stored(id: str) -> tuple[str, str | None, int | None]:
    row = AccountProduct.objects.get(pk=id)
    return str(row.start_date), row.end_date and str(row.end_date), row.contract_id


def test_products_have_the_days_and_the_contract_of_their_package(
    make: Maker, system: Context, account: str, product: str, bought: str
) -> None:
    common = {"AccountId": account, "ProductId": product, "AccountPackageId": bought}
    held = make("ACCOUNT_PRODUCT", **common)
    ended = make("ACCOUNT_PRODUCT", **common, EndDate="2026-03-31")
    contract = stored(held)[2]
    assert contract is not None
    assert stored(held) == ("2026-02-01", "2026-12-31", contract)
    for days, field in (
        ({"StartDate": "2026-01-31"}, "StartDate"),
        ({"EndDate": "2027-01-01"}, "EndDate"),
    ):
        sent = taken(account, ProductId=product, AccountPackageId=bought, **days)
        (outcome,) = records.create("ACCOUNT_PRODUCT", [sent], system)
        assert {p.field for p in outcome.problems} == {field}
        assert "which runs from 2026-02-01 to 2026-12-31" in refusals([outcome])[0]
    for end, follows, stays in (
        ("2026-06-30", "2026-06-30", "2026-03-31"),
        ("2027-01-31", "2027-01-31", "2026-03-31"),
        ("2026-02-28", "2026-02-28", "2026-02-28"),
        (None, None, None),
    ):
        changes = [{"Id": bought, "EndDate": end}]
        outcomes = records.update("ACCOUNT_PACKAGE", changes, system, null_clears=True)
        assert refusals(outcomes) == [""]
        assert [stored(held)[1], stored(ended)[1]] == [follows, stays]
    changes = [{"Id": bought, "StartDate": "2026-02-15"}]
    assert refusals(records.update("ACCOUNT_PACKAGE", changes, system)) == [""]
    assert stored(held)[0] == "2026-02-15"


def test_a_package_does_not_cut_off_a_product_that_starts_later(
    make: Maker, system: Context, account: str, product: str, bought: str
) -> None:
    late = make(
        "ACCOUNT_PRODUCT",
        AccountId=account,
        ProductId=product,
        AccountPackageId=bought,
        StartDate="2026-08-01",
    )
    changes = [{"Id": bought, "EndDate": "2026-06-30"}]
    (said,) = refusals(records.update("ACCOUNT_PACKAGE", changes, system))
    assert f"would cut off ACCOUNT_PRODUCT {late}, which starts on 2026-08-01" in said
    assert stored(late)[1] == "2026-12-31"


def test_products_follow_whatever_the_caller_may_write(
    make: Maker, system: Context, account: str, product: str, bought: str
) -> None:
    held = make("ACCOUNT_PRODUCT", AccountId=account, ProductId=product, AccountPackageId=bought)
    role = make("ROLE", Name="Clerk")
    row = {"RoleId": role, "EntityIdObj": {"EntityName": "ACCOUNT_PACKAGE"}}
    row |= {"ReadFlag": "1", "UpdateFlag": "1"}
    assert records.create("ENTITY_FIELD_ROLE", [row], system)[0].ok
    clerk = Context(None, int(role), administrator=False, username="clerk")
    changes = [{"Id": bought, "EndDate": "2026-06-30"}]
    assert refusals(records.update("ACCOUNT_PACKAGE", changes, clerk)) == [""]
    assert stored(held)[1] == "2026-06-30"


def test_an_account_package_with_products_stays_that_package(
    make: Maker, system: Context, account: str, product: str, bought: str
) -> None:
    changes = [{"Id": bought, "PackageId": make("PACKAGE", Name="Other")}]
    assert refusals(records.update("ACCOUNT_PACKAGE", changes, system)) == [""]
    make("ACCOUNT_PRODUCT", AccountId=account, ProductId=product, AccountPackageId=bought)
    changes = [{"Id": bought, "PackageId": make("PACKAGE", Name="Third")}]
    (outcome,) = records.update("ACCOUNT_PACKAGE", changes, system)
    assert [(p.code, p.field) for p in outcome.problems] == [("FIELD_NOT_CHANGEABLE", "PackageId")]


@pytest.mark.parametrize(
    ("contract", "names_it", "restricted", "fits"),
    [
        ("none", False, False, False),
        ("without a rate", True, False, False),
        ("with a rate", True, False, True),
        ("with a rate", False, False, True),
        ("with a rate", False, True, False),
        ("with a rate", True, True, True),
        ("with a rate class", True, False, True),
        ("of the account above", False, False, True),
        ("of another account", False, False, False),
    ],
)
def test_what_needs_a_contract_has_one_that_prices_it(
    make: Maker, system: Context, contract: str, names_it: bool, restricted: bool, fits: bool
) -> None:
    product = make(
        "PRODUCT",
        ContractRequiredFlag="1",
        RestrictUseOfUnreferencedContracts=str(int(restricted)),
    )
    above = make("ACCOUNT", Name="Above")
    account = make("ACCOUNT", ParentAccountId=above)
    of = {"of the account above": above, "of another account": make("ACCOUNT", Name="Z")}
    more = {}
    if contract == "with a rate class":
        more["RateClassId"] = make("RATE_CLASS")
        make("RATE_CLASS_PRODUCT", RateClassId=more["RateClassId"], ProductId=product)
    named = {}
    if contract != "none":
        agreed = make("CONTRACT", AccountId=of.get(contract, account), **more)
        if contract not in ("without a rate", "with a rate class"):
            make("CONTRACT_RATE", ContractId=agreed, ProductId=product)
        named = {"ContractId": agreed} if names_it else {}
    sent = taken(account, ProductId=product, **named)
    (outcome,) = records.create("ACCOUNT_PRODUCT", [sent], system)
    assert outcome.ok == fits
    if not fits:
        assert outcome.problems[0].field == "ContractId"
        assert "Only a contract may price the product" in refusals([outcome])[0]


def test_no_account_product_is_part_of_itself(
    make: Maker, system: Context, account: str, product: str
) -> None:
    above = make("ACCOUNT_PRODUCT", AccountId=account, ProductId=product)
    below = make(
        "ACCOUNT_PRODUCT", AccountId=account, ProductId=product, ParentCustomerProductId=above
    )
    changes = [{"Id": above, "ParentCustomerProductId": below}]
    assert "above itself" in refusals(records.update("ACCOUNT_PRODUCT", changes, system))[0]


def test_a_thousand_products_are_judged_by_as_many_statements_as_two(
    make: Maker, system: Context, account: str, package: str, product: str, bought: str
) -> None:
    inside = make("PACKAGE_PRODUCT", PackageId=package, ProductId=product)
    one = taken(account, AccountPackageId=bought, PackageProductId=inside)

    def asked(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            outcomes = records.create("ACCOUNT_PRODUCT", [one] * count, system)
        assert all(o.ok for o in outcomes)
        return len(queries)

    # Many rows are copied into the table, which asks for their Ids first.
    assert asked(1000) == asked(2) + 1


def test_a_thousand_products_follow_their_package_in_as_many_statements_as_one(
    make: Maker, system: Context, account: str, product: str, bought: str
) -> None:
    one = taken(account, AccountPackageId=bought, ProductId=product)
    asked = []
    for count, end in ((1, "2026-06-30"), (999, "2026-07-31")):
        assert all(o.ok for o in records.create("ACCOUNT_PRODUCT", [one] * count, system))
        changes = [{"Id": bought, "EndDate": end}]
        with CaptureQueriesContext(connection) as queries:
            assert refusals(records.update("ACCOUNT_PACKAGE", changes, system)) == [""]
        asked.append(len(queries))
    assert asked[0] == asked[1]
    assert AccountProduct.objects.filter(end_date="2026-07-31").count() == 1000


# Parts of an account package that stand (first day, last day, quantity), one more, and the day on
# which there would be more than five; none = it fits.
TOGETHER = [
    ([("02-01", None, "3")], ("02-01", None, "2"), None),
    ([("02-01", None, "3")], ("02-01", None, "2.5"), "02-01"),
    ([("02-01", "05-31", "5")], ("06-01", None, "5"), None),
    ([("02-01", "05-31", "5")], ("05-31", None, "1"), "05-31"),
    ([("07-01", None, "4")], ("02-01", "06-30", "5"), None),
    ([("07-01", None, "4")], ("02-01", "07-01", "2"), "07-01"),
    ([("02-01", "03-31", "4"), ("03-01", "04-30", "1")], ("02-01", "02-28", "1"), None),
    ([("02-01", "03-31", "3"), ("03-01", "04-30", "2")], ("02-01", "12-31", "1"), "03-01"),
]


@pytest.mark.parametrize(("standing", "more", "day"), TOGETHER)
def test_the_parts_of_a_package_are_counted_together(
    make: Maker,
    system: Context,
    account: str,
    product: str,
    package: str,
    standing: list[tuple[str, str | None, str]],
    more: tuple[str, str | None, str],
    day: str | None,
) -> None:
    part = make("PACKAGE_PRODUCT", PackageId=package, ProductId=product, MaxQty="5")
    bought = make("ACCOUNT_PACKAGE", AccountId=account, PackageId=package)
    of = {"AccountId": account, "AccountPackageId": bought, "PackageProductId": part}

    def held(first: str, last: str | None, quantity: str) -> dict[str, Any]:
        days = {"StartDate": f"2026-{first}", "EndDate": last and f"2026-{last}"}
        return filled("ACCOUNT_PRODUCT", **of, **days, Quantity=quantity)

    sent = [held(*one) for one in [*standing, more]]
    together = records.create("ACCOUNT_PRODUCT", sent, system)
    assert [outcome.ok for outcome in together] == [*([True] * len(standing)), day is None]
    if day is None:
        # Of another package of the account as many again can be taken.
        other = make("ACCOUNT_PACKAGE", AccountId=account, PackageId=package)
        again = [row | {"AccountPackageId": other} for row in sent]
        assert all(outcome.ok for outcome in records.create("ACCOUNT_PRODUCT", again, system))
        return
    (said,) = refusals(records.create("ACCOUNT_PRODUCT", [sent[-1]], system))
    assert f"of the package product on 2026-{day}; at most 5 can be taken together" in said


def test_more_of_a_part_is_counted_with_the_others(
    make: Maker, system: Context, account: str, product: str, package: str
) -> None:
    part = make("PACKAGE_PRODUCT", PackageId=package, ProductId=product, MaxQty="5")
    bought = make("ACCOUNT_PACKAGE", AccountId=account, PackageId=package)
    of = {"AccountId": account, "AccountPackageId": bought, "PackageProductId": part}
    first, second = (make("ACCOUNT_PRODUCT", **of, Quantity="2") for _ in range(2))
    more = [{"Id": first, "Quantity": "3"}]
    assert refusals(records.update("ACCOUNT_PRODUCT", more, system)) == [""]
    (said,) = refusals(records.update("ACCOUNT_PRODUCT", [{"Id": second, "Quantity": "3"}], system))
    assert "would have 6 of the package product" in said
    assert records.delete("ACCOUNT_PRODUCT", [int(second)], system)[0].ok
    assert refusals(
        records.update("ACCOUNT_PRODUCT", [{"Id": first, "Quantity": "4"}], system)
    ) == [""]
    (back,) = records.undelete("ACCOUNT_PRODUCT", [int(second)], system)
    assert "would have 6 of the package product" in refusals([back])[0]


def test_a_package_is_sold_in_the_currency_of_who_pays(
    make: Maker, system: Context, package: str
) -> None:
    head, other = make("ACCOUNT", Name="Head"), make("ACCOUNT", Name="Other")
    make("BILLING_PROFILE", AccountId=head, CurrencyCode="EUR")
    make("BILLING_PROFILE", AccountId=other, CurrencyCode="USD")
    below = make("ACCOUNT", Name="Below", ParentAccountId=head)
    paid_for = make("ACCOUNT", Name="Paid for", BillableAccountId=head, ParentAccountId=other)
    make("PACKAGE_CURRENCY", PackageId=package, CurrencyCode="EUR")
    sent = [
        filled("ACCOUNT_PACKAGE", AccountId=account, PackageId=package)
        for account in (head, below, paid_for, other)
    ]
    outcomes = records.create("ACCOUNT_PACKAGE", sent, system)
    assert [o.ok for o in outcomes] == [True, True, True, False]
