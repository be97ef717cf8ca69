"""Stored payment methods: tokens and last digits, and no number that could be charged."""

import json
from typing import Any

import pytest

from entities import records
from entities.history.models import AuditLog
from entities.query import retrieve_ids, retrieve_where
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db

CARD = "4111 1111 1111 1111"


@pytest.fixture
def profile(make: Maker) -> str:
    return make("BILLING_PROFILE", AccountId=make("ACCOUNT"))


def test_the_wallets_of_a_profile_are_retrieved(make: Maker, system: Context, profile: str) -> None:
    make("WALLET", BillingProfileId=profile, DefaultFlag="1", CreditCardToken="tok_1")
    make("WALLET", BillingProfileId=profile, AchBankAcctNum="DE89370400440532013000")
    page = retrieve_where("wallet", f"BillingProfileId = {profile}", system)
    card, bank = json.loads(page.json)
    assert (card["DefaultFlag"], card["Status"]) == ("1", "ACTIVE")
    assert (bank["DefaultFlag"], bank["Status"]) == ("0", "ACTIVE")
    assert bank["AchBankAcctNum"] == "****3000"
    assert "PaymentGatewayProfileid" in card


@pytest.mark.parametrize("entity", ["WALLET", "PAYMENT", "CREDIT", "REFUND", "ECOM_TRANSACTION"])
def test_no_text_holds_a_card_number(
    make: Maker, system: Context, profile: str, entity: str
) -> None:
    from entities.schema.current import current

    least: dict[str, dict[str, str]] = {
        "WALLET": {"BillingProfileId": profile},
        "PAYMENT": {"PaymentType": "CASH"},
        "CREDIT": {"BillingProfileId": profile, "CreditType": "OTHER", "CreditNote": "Sorry"},
    }
    record = least.get(entity, {})
    made = make(entity, **record)
    # What gateways, banks and integrators give out may look like a card number by chance.
    given_out = {"ExternalKey", "ExternalReferenceId", "GatewayTransactionId", "PayoutId"}
    texts = [
        f.name
        for f in current().entity(entity).fields
        if f.type.name in ("TEXT", "LONG_TEXT")
        and (f.length or 20) >= 19
        and f.name not in given_out
    ]
    assert len(texts) > 3
    said = (
        "{} holds what looks like a card number, and card numbers are not kept; send the payment "
        "gateway's token and the last four digits."
    )
    new = records.create(entity, [record | {name: CARD} for name in texts], system)
    if entity == "WALLET" or entity == "PAYMENT":
        # Of a bank account's number only the end is kept, whatever it is.
        place = texts.index("AchBankAcctNum")
        assert new.pop(place).ok
        texts.remove("AchBankAcctNum")
    assert refusals(new) == [said.format(name) for name in texts]
    for name in texts:
        changed = records.update(entity, [{"Id": made, name: CARD}], system)
        assert refusals(changed) == [said.format(name)]
    kept = json.dumps(list(AuditLog.objects.values_list("before", "after")))
    assert CARD not in kept and CARD.replace(" ", "") not in kept


@pytest.mark.parametrize(
    ("sent", "kept"), [("1111", "1111"), ("************1111", "1111"), (1111, "1111")]
)
def test_a_card_is_recognised_by_its_last_digits(
    make: Maker, system: Context, profile: str, sent: Any, kept: str
) -> None:
    made = make("WALLET", BillingProfileId=profile, CreditCardNumber=sent)
    (row,) = json.loads(retrieve_ids("WALLET", [int(made)], system).json)
    assert row["CreditCardNumber"] == kept


@pytest.mark.parametrize("sent", ["11", "11111", "4111111111111112", "my card"])
def test_what_is_no_end_of_a_card_number_is_refused(
    system: Context, profile: str, sent: str
) -> None:
    record = {"BillingProfileId": profile, "CreditCardNumber": sent}
    assert refusals(records.create("WALLET", [record], system)) == [
        "CreditCardNumber keeps the last four digits of the card; send those, such as 1111, or "
        "the masked number, such as ************1111."
    ]


@pytest.mark.parametrize("entity", ["WALLET", "PAYMENT", "CREDIT"])
def test_verification_codes_have_no_place(system: Context, entity: str) -> None:
    (said,) = refusals(records.create(entity, [{"CreditCardCCV": "123"}], system))
    assert "Card verification codes are not kept." in said


def test_payment_pages_name_one_wallet(make: Maker, system: Context, profile: str) -> None:
    make("WALLET", BillingProfileId=profile, HostedPaymentPageExternalId="page-1")
    row = {"HostedPaymentPageExternalId": "page-1", "CreditCardType": "VISA"}
    (outcome,) = records.upsert("WALLET", [row], system, key="HostedPaymentPageExternalId")
    assert outcome.ok and not outcome.created
    (again,) = records.create("WALLET", [row | {"BillingProfileId": profile}], system)
    assert [p.code for p in again.problems] == ["DUPLICATE_KEY"]
