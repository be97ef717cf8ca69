"""Ledgers, and payments and refunds in one list: SQL views that hide what their parts hide."""

import json
from typing import Any

import pytest

from entities import records
from entities.query import query
from metabrm.identity.context import Context
from tests.billing.conftest import Maker

pytestmark = pytest.mark.django_db


def asked(sql: str, context: Context) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(query(sql, context).json)
    return rows


@pytest.fixture
def profile(make: Maker) -> str:
    return make("BILLING_PROFILE", AccountId=make("ACCOUNT"))


def test_a_ledger_has_the_id_of_its_billing_profile(
    make: Maker, system: Context, profile: str
) -> None:
    sql = f"SELECT Id, AccountObj.Name, BillingProfileId FROM LEDGER WHERE Id = {profile}"
    ledger = {"Id": profile, "AccountObj.Name": "Blue Harbor Ltd", "BillingProfileId": profile}
    assert asked(sql, system) == [ledger]
    (outcome,) = records.delete("BILLING_PROFILE", [profile], system)
    assert outcome.ok
    assert asked(sql, system) == []


def test_what_gateways_processed_is_in_one_list(make: Maker, system: Context, profile: str) -> None:
    account = asked(f"SELECT AccountId FROM BILLING_PROFILE WHERE Id = {profile}", system)[0]
    wallet = make("WALLET", BillingProfileId=profile, CreditCardType="VISA", AchScheme="SEPA")
    request = make("ECOM_TRANSACTION", EcomGatewayId="7", PaymentGatewayProfileId="8")
    make("PAYMENT", BillingProfileId=profile, PaymentType="CASH", Amount=1)
    payment = make(
        "PAYMENT",
        BillingProfileId=profile,
        PaymentType="CREDIT CARD",
        PaymentDate="2026-02-15",
        AutomaticPayment="1",
        WalletId=wallet,
        EcomTransactionId=request,
        CreditCardTransactionStatus="APPROVED",
        GatewayTransactionStatus="SETTLED",
    )
    make("REFUND", PaymentItemId=payment)
    refund = make(
        "REFUND",
        PaymentItemId=payment,
        RefundType="CREDIT CARD",
        GatewayTransactionId="g-1",
        Status="DONE",
        gatewayResponseCode="00",
    )
    common = account | {
        "CardBrand": "VISA",
        "DirectDebitScheme": "SEPA",
        "EcomGatewayId": "7",
        "MerchantAccount": "8",
        "PaymentItemId": payment,
        "PaymentMethodType": "CREDIT CARD",
    }
    paid, returned = asked(
        "SELECT Id, AccountId, AutomaticPayment, CardBrand, DirectDebitScheme, EcomGatewayId, "
        "MerchantAccount, ParentId, PaymentItemId, PaymentMethodType, RefundItemId, Status, "
        "TransactionDate, TransactionStatus, TransactionType, TransactionTypeSearch "
        "FROM PAYMENTS_REFUNDS ORDER BY TransactionType",
        system,
    )
    (made,) = asked(f"SELECT Created FROM REFUND WHERE Id = {refund}", system)
    assert paid == common | {
        "Id": paid["Id"],
        "AutomaticPayment": "1",
        "ParentId": None,
        "RefundItemId": None,
        "Status": "APPROVED",
        "TransactionDate": "2026-02-15",
        "TransactionStatus": "SETTLED",
        "TransactionType": "Payment",
        "TransactionTypeSearch": "Payment",
    }
    assert returned == common | {
        "Id": returned["Id"],
        "AutomaticPayment": "0",
        "ParentId": paid["Id"],
        "RefundItemId": refund,
        "Status": "DONE",
        "TransactionDate": made["Created"][:10],
        "TransactionStatus": "00",
        "TransactionType": "Refund",
        "TransactionTypeSearch": "Refund",
    }
    assert paid["Id"] != returned["Id"]
    (outcome,) = records.delete("REFUND", [refund], system)
    assert outcome.ok
    left = asked("SELECT Id FROM PAYMENTS_REFUNDS", system)
    assert left == [{"Id": paid["Id"]}]
