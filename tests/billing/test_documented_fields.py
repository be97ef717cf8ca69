"""Every documented field is there, under its exact name; what may not be kept is not."""

import json
from pathlib import Path

import pytest

from entities.schema.current import current

DOCUMENTED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "documented_fields.json").read_text()
)
AUTHORSHIP = {"Id", "Created", "CreatedUserId", "Updated", "UpdatedUserId"}

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("entity", DOCUMENTED)
def test_an_entity_has_its_documented_fields(entity: str) -> None:
    names = {field.name for field in current().entity(entity).fields}
    assert AUTHORSHIP | set(DOCUMENTED[entity]) <= names


@pytest.mark.parametrize("entity", DOCUMENTED)
def test_every_field_says_what_it_is(entity: str) -> None:
    schema = current().entity(entity)
    assert schema.help
    assert [f.name for f in schema.fields if f.name in DOCUMENTED[entity] and not f.help] == []


@pytest.mark.parametrize(
    ("entity", "keys"),
    [
        ("ACCOUNT", ["ExternalKey"]),
        ("ACCOUNT_PACKAGE", ["ExternalKey"]),
        ("ACCOUNT_PRODUCT", ["ExternalKey"]),
        ("ACCOUNT_TYPE", ["AccountType"]),
        ("BILLING_IDENTIFIER", ["ExternalKey"]),
        ("BILLING_PROFILE", ["ExternalKey", "HostedPaymentPageExternalId"]),
        ("CONTRACT", ["ContractNumber"]),
        ("CONTRACT_CURRENCY", ["ExternalKey"]),
        ("CONTRACT_RATE", ["Name"]),
        ("COUNTRY_CODE_MAP", ["ExternalKey"]),
        ("CURRENCY", ["CurrencyCode"]),
        ("DUNNING_INTERVAL", ["DunningIntervalName"]),
        ("INVOICE_TEMPLATE", ["Name"]),
        ("LANGUAGE", ["LanguageCode"]),
        ("PACKAGE", ["Name"]),
        ("PACKAGE_CURRENCY", ["ExternalKey"]),
        ("PACKAGE_PRODUCT", ["Name"]),
        ("PRICING", ["ExternalKey"]),
        ("PRICING_PLAN", ["ExternalKey"]),
        ("PRODUCT", ["ExternalKey"]),
        ("RATE_CLASS", ["Name"]),
        ("RATE_CLASS_PRODUCT", ["ExternalKey"]),
        ("RATING_METHOD", ["ExternalKey"]),
        ("STATEMENT_TEMPLATE", ["StatementTemplateName"]),
        ("TIME_ZONE", ["Name"]),
        ("USAGE_IDENTIFIER", ["UsageIdentifier"]),
    ],
)
def test_an_entity_can_be_upserted_by_its_external_keys(entity: str, keys: list[str]) -> None:
    assert sorted(f.name for f in current().entity(entity).external_keys) == keys


def test_card_numbers_and_codes_have_no_place() -> None:
    names = {field.name for field in current().entity("BILLING_PROFILE").fields}
    assert names.isdisjoint({"CreditCardNumber", "CreditCardCCV"})


@pytest.mark.parametrize(
    ("entity", "field", "target"),
    [
        ("ACCOUNT", "BillingProfileId", "BILLING_PROFILE"),
        ("ACCOUNT", "BillableBillingProfileId", "BILLING_PROFILE"),
        ("ACCOUNT", "ActivityTimeZone", "TIME_ZONE"),
        ("BILLING_PROFILE", "DunningInterval", "DUNNING_INTERVAL"),
        ("BILLING_PROFILE", "CurrencyCode", "CURRENCY"),
        ("PRICING", "AccountProductId", "ACCOUNT_PRODUCT"),
        ("PRICING", "ContractRateId", "CONTRACT_RATE"),
        ("RATING_METHOD", "ChangeToProductByDefault", "PRODUCT"),
    ],
)
def test_lookups_point_where_they_say(entity: str, field: str, target: str) -> None:
    lookup = current().entity(entity).field(field).lookup
    assert lookup is not None
    assert lookup.entity == target
