"""What the tables themselves refuse, and what they say would be right."""

from typing import Any

import pytest

from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, filled, refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids(make: Maker) -> dict[str, str]:
    """Records that the refused ones would hang on."""
    account, product, package = make("ACCOUNT"), make("PRODUCT"), make("PACKAGE")
    return {
        "AccountId": account,
        "ProductId": product,
        "PackageId": package,
        "RateClassId": make("RATE_CLASS"),
        "ContractId": make("CONTRACT", AccountId=account),
        "PackageProductId": make("PACKAGE_PRODUCT", PackageId=package, ProductId=product),
    }


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("CURRENCY", {"CurrencyCode": "usd"}, "three capital letters"),
    ("CURRENCY", {"CurrencyCode": "QQQ", "DecimalPlaces": "11"}, "between 0 and 10"),
    ("COUNTRY", {"CountryCode": "u1"}, "two capital letters"),
    ("PACKAGE_PRODUCT", {"PackageId": "", "Name": "A", "MinQty": "-1"}, "MinQty is 0 or more"),
    (
        "PACKAGE_PRODUCT",
        {"PackageId": "", "Name": "A", "MinQty": "2", "MaxQty": "1"},
        "MaxQty is not less than MinQty",
    ),
    ("PRICING", {"ProductId": "", "LowerBand": "-1"}, "LowerBand is 0 or more"),
    ("PRICING", {"ProductId": "", "LowerBand": "5", "UpperBand": "5"}, "greater than LowerBand"),
    ("PRICING", {"ProductId": "", "UpperBand": "-2"}, "-1 for no limit"),
    (
        "PRICING",
        {"ProductId": "", "EffectiveDate": "2026-02-02", "EndDate": "2026-02-01"},
        "EndDate is not before EffectiveDate",
    ),
    ("PRICING", {"ProductId": "", "RateOrder": "-1"}, "RateOrder is 0 or more"),
    ("PRICING", {"ProductId": "", "BlockSize": "0"}, "BlockSize is greater than 0"),
    (
        "PRICING_PLAN",
        {"EffectiveDate": "2026-02-02", "EndDate": "2026-02-01"},
        "EndDate is not before EffectiveDate",
    ),
    (
        "RATING_METHOD",
        {"EffectiveDate": "2026-02-02", "EndDate": "2026-02-01"},
        "EndDate is not before EffectiveDate",
    ),
    (
        "RATE_CLASS",
        {"Name": "X", "EffectiveDate": "2026-02-02", "EndDate": "2026-02-01"},
        "EndDate is not before EffectiveDate",
    ),
    ("RATE_CLASS_PRODUCT", {"RateClassId": ""}, "says what is priced"),
    (
        "RATE_CLASS_PRODUCT",
        {"RateClassId": "", "ProductId": "", "StartDate": "2026-02-02", "EndDate": "2026-02-01"},
        "EndDate is not before StartDate",
    ),
    (
        "CONTRACT",
        {"AccountId": "", "ContractNumber": "C-2", "EndDate": "2026-01-31"},
        "EndDate is not before StartDate",
    ),
    ("CONTRACT_RATE", {"ContractId": "", "EndDate": "2026-01-31"}, "EndDate"),
    (
        "ACCOUNT_PACKAGE",
        {"AccountId": "", "PackageId": "", "EndDate": "2026-01-31"},
        "EndDate is not before StartDate",
    ),
    (
        "ACCOUNT_PRODUCT",
        {"AccountId": "", "ProductId": "", "EndDate": "2026-01-31"},
        "EndDate is not before StartDate",
    ),
    ("ACCOUNT_PRODUCT", {"AccountId": ""}, "ProductId is required"),
    ("BILLING_PROFILE", {"AccountId": "", "MonthlyBillingDate": "0"}, "a day from 1 to 31"),
    ("BILLING_PROFILE", {"AccountId": "", "MonthlyBillingDate": "32"}, "a day from 1 to 31"),
    ("BILLING_PROFILE", {"AccountId": "", "PaymentTermDays": "-1"}, "from 0 to 3650"),
    ("BILLING_PROFILE", {"AccountId": "", "InvGraceDaysBeforeClosing": "-1"}, "0 to 365 days"),
    ("BILLING_PROFILE", {"AccountId": "", "CreditCardLastFour": "12a4"}, "last four digits"),
    ("BILLING_PROFILE", {"AccountId": "", "CurrencyCode": "USX"}, "there is no CURRENCY"),
    ("BILLING_PROFILE", {"AccountId": "", "BillingCycle": "Fortnightly"}, "use one of DAILY"),
    (
        "BILLING_IDENTIFIER",
        {"AccountId": "", "StartDate": "2026-02-02", "EndDate": "2026-02-01"},
        "EndDate is not before StartDate",
    ),
]


@pytest.mark.parametrize(
    ("entity", "fields", "message"), REFUSED, ids=[f"{e} {m}" for e, _, m in REFUSED]
)
def test_a_record_that_breaks_a_rule_is_told_the_rule(
    ids: dict[str, str], system: Context, entity: str, fields: dict[str, Any], message: str
) -> None:
    record = filled(entity, **{k: ids[k] if v == "" else v for k, v in fields.items()})
    (said,) = refusals(records.create(entity, [record], system))
    assert message in said
    assert ".." not in said


@pytest.mark.parametrize(
    ("entity", "fields"),
    [
        ("PACKAGE", {"Name": "Office"}),
        ("RATE_CLASS", {"Name": "Wholesale"}),
        ("CONTRACT", {"AccountId": ""}),
        ("CURRENCY", {"CurrencyCode": "USD"}),
        ("COUNTRY", {"CountryCode": "US"}),
        ("PACKAGE_PRODUCT", {"PackageId": ""}),
    ],
)
def test_a_key_belongs_to_one_record(
    ids: dict[str, str], system: Context, entity: str, fields: dict[str, Any]
) -> None:
    record = filled(entity, **{k: ids[k] if v == "" else v for k, v in fields.items()})
    (outcome,) = records.create(entity, [record], system)
    assert [p.code for p in outcome.problems] == ["DUPLICATE_KEY"]


@pytest.mark.parametrize(
    ("entity", "owner"), [("CONTRACT_CURRENCY", "ContractId"), ("PACKAGE_CURRENCY", "PackageId")]
)
def test_a_currency_is_listed_once(
    ids: dict[str, str], system: Context, entity: str, owner: str
) -> None:
    record = {owner: ids[owner], "CurrencyCode": "USD"}
    assert refusals(records.create(entity, [record], system)) == [""]
    (again,) = records.create(entity, [record], system)
    assert [p.code for p in again.problems] == ["DUPLICATE_KEY"]


def test_names_of_accounts_and_products_may_repeat(make: Maker) -> None:
    assert make("ACCOUNT") != make("ACCOUNT")
    assert make("PRODUCT") != make("PRODUCT")


def test_contract_rates_need_no_name(make: Maker, ids: dict[str, str]) -> None:
    assert make("CONTRACT_RATE", ContractId=ids["ContractId"])
    assert make("CONTRACT_RATE", ContractId=ids["ContractId"], Name="")


def test_prices_go_with_their_product(make: Maker, ids: dict[str, str], system: Context) -> None:
    price = make("PRICING", PackageProductId=ids["PackageProductId"])
    (outcome,) = records.delete("PACKAGE_PRODUCT", [ids["PackageProductId"]], system)
    assert outcome.ok, outcome.problems
    (gone,) = records.update("PRICING", [{"Id": price, "Rate": "1"}], system)
    assert [p.code for p in gone.problems] == ["RECORD_NOT_FOUND"]


def test_an_account_with_contracts_stays(ids: dict[str, str], system: Context) -> None:
    (outcome,) = records.delete("ACCOUNT", [ids["AccountId"]], system)
    assert [p.code for p in outcome.problems] == ["RECORD_IN_USE"]
