"""Every documented field is there, under its exact name; what may not be kept is not."""

import json
from pathlib import Path

import pytest

from entities.schema.current import current

DOCUMENTED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "documented_fields.json").read_text()
)
AUTHORSHIP = {"Created", "CreatedUserId", "Updated", "UpdatedUserId"}

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("entity", DOCUMENTED)
def test_an_entity_has_its_documented_fields(entity: str) -> None:
    schema = current().entity(entity)
    authorship = AUTHORSHIP if schema.authored else set()
    names = {field.name for field in schema.fields}
    assert {"Id"} | authorship | set(DOCUMENTED[entity]) <= names


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
        ("CREDIT", ["ExternalKey"]),
        ("CREDIT_TYPE", ["Description"]),
        ("DUNNING_INTERVAL", ["DunningIntervalName"]),
        ("EVENT_INVOICE_CYCLE", ["Name"]),
        ("INVOICE", ["ExternalKey"]),
        ("INVOICE_GROUP", ["ExternalKey"]),
        ("INVOICE_TEMPLATE", ["Name"]),
        ("LANGUAGE", ["LanguageCode"]),
        ("PACKAGE", ["Name"]),
        ("PACKAGE_CURRENCY", ["ExternalKey"]),
        ("PACKAGE_PRODUCT", ["Name"]),
        ("PAYMENT", ["ExternalKey"]),
        ("PAYMENT_TYPE", ["Description"]),
        ("PRICING", ["ExternalKey"]),
        ("PRICING_PLAN", ["ExternalKey"]),
        ("PRODUCT", ["ExternalKey"]),
        ("RATE_CLASS", ["Name"]),
        ("RATE_CLASS_PRODUCT", ["ExternalKey"]),
        ("RATING_METHOD", ["ExternalKey"]),
        ("REFUND", ["ExternalKey"]),
        ("REFUND_TYPE", ["Description"]),
        ("STATEMENT_TEMPLATE", ["StatementTemplateName"]),
        ("TAX_ENGINE", ["TaxEngineExternalId"]),
        ("TIME_ZONE", ["Name"]),
        ("USAGE_IDENTIFIER", ["UsageIdentifier"]),
        ("WALLET", ["HostedPaymentPageExternalId"]),
    ],
)
def test_an_entity_can_be_upserted_by_its_external_keys(entity: str, keys: list[str]) -> None:
    assert sorted(f.name for f in current().entity(entity).external_keys) == keys


def test_card_numbers_and_codes_have_no_place() -> None:
    for entity in ("BILLING_PROFILE", "WALLET", "PAYMENT", "CREDIT"):
        assert current().entity(entity).find("CreditCardCCV") is None
    assert current().entity("BILLING_PROFILE").find("CreditCardNumber") is None


@pytest.mark.parametrize(
    ("entity", "field", "target"),
    [
        ("ACCOUNT", "BillingProfileId", "BILLING_PROFILE"),
        ("ACCOUNT", "BillableBillingProfileId", "BILLING_PROFILE"),
        ("ACCOUNT", "ActivityTimeZone", "TIME_ZONE"),
        ("BILLING_PROFILE", "DunningInterval", "DUNNING_INTERVAL"),
        ("BILLING_PROFILE", "CurrencyCode", "CURRENCY"),
        ("CREDIT", "CreditType", "CREDIT_TYPE"),
        ("CREDIT", "TaxEngineRequestId", "TAX_ENGINE_AUDIT"),
        ("CREDIT", "ApproveRejectedUser", "USER"),
        ("INVOICE", "VoidedByCreditId", "CREDIT"),
        ("INVOICE", "EventInvoiceCycleId", "EVENT_INVOICE_CYCLE"),
        ("INVOICE_GROUP", "EntityFieldId", "ENTITY_FIELD"),
        ("LEDGER", "AccountId", "ACCOUNT"),
        ("PAYMENT", "PaymentType", "PAYMENT_TYPE"),
        ("PAYMENT", "LateApprovedBy", "USER"),
        ("PAYMENT", "EcomTransactionId", "ECOM_TRANSACTION"),
        ("PAYMENT_ALLOCATION", "PaymentItemId", "PAYMENT"),
        ("PRICING", "AccountProductId", "ACCOUNT_PRODUCT"),
        ("PRICING", "ContractRateId", "CONTRACT_RATE"),
        ("RATING_METHOD", "ChangeToProductByDefault", "PRODUCT"),
        ("REFUND", "PaymentItemId", "PAYMENT"),
        ("REFUND", "RefundType", "REFUND_TYPE"),
        ("CREDIT", "InvoiceDetail", "ACTIVITY"),
        ("TAX_DETAIL", "ActivityId", "ACTIVITY"),
        ("TAX_ENGINE", "BillingComponentId", "PRODUCT"),
    ],
)
def test_lookups_point_where_they_say(entity: str, field: str, target: str) -> None:
    lookup = current().entity(entity).field(field).lookup
    assert lookup is not None
    assert lookup.entity == target
