"""Billing profiles: a name for payment pages, and no number that must not be kept."""

from uuid import UUID

import pytest

from billing.card_numbers import last_four, looks_like_a_card
from billing.customers.models import BillingProfile
from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, filled, refusals

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(make: Maker) -> str:
    return make("ACCOUNT")


def test_the_id_for_payment_pages_is_made_when_not_sent(account: str, make: Maker) -> None:
    chosen = "6f1e1c1e-0000-4000-8000-000000000001"
    made = BillingProfile.objects.get(pk=make("BILLING_PROFILE", AccountId=account))
    sent = BillingProfile.objects.get(
        pk=make("BILLING_PROFILE", AccountId=account, HostedPaymentPageExternalId=chosen)
    )
    assert UUID(made.hosted_payment_page_external_id).version == 4
    assert sent.hosted_payment_page_external_id == chosen


def test_closing_days_and_months_are_taken_as_clients_write_them(account: str, make: Maker) -> None:
    made = make(
        "BILLING_PROFILE",
        AccountId=account,
        BillingCycle="Monthly",
        MonthlyBillingDate=31,
        WeeklyBillingDate="Monday - Sunday",
        QuarterlyBillingMonth="March, June, September, December",
        SemiAnnualBillingMonth="June, December",
        YearlyBillingMonth="December",
        CalendarType="4-5-4",
        CalendarClosingMonth="January",
        CalendarClosingWeekday="Saturday",
        IniBillingStartDate="2026-02-01",
        Country="United States",
        State="",
    )
    profile = BillingProfile.objects.get(pk=made)
    assert profile.billing_cycle == "MONTHLY"
    assert profile.state is None


def test_a_card_number_is_refused_wherever_it_could_be_put(account: str, system: Context) -> None:
    record = filled("BILLING_PROFILE", AccountId=account)
    outcomes = records.create(
        "BILLING_PROFILE",
        [
            record | {"CreditCardNumber": "4111111111111111"},
            record | {"CreditCardCCV": "123"},
            record | {"CreditCardToken": "4111 1111 1111 1111"},
            record | {"CreditCardLastFour": "4111111111111111"},
        ],
        system,
    )
    assert [o.ok for o in outcomes] == [False] * 4
    said = refusals(outcomes)
    assert "Send the payment gateway's CreditCardToken" in said[0]
    assert "Send the payment gateway's CreditCardToken" in said[1]
    assert "send the payment gateway's token" in said[2]
    assert not BillingProfile.objects.exists()


def test_an_unset_card_number_is_no_card_number(account: str, make: Maker) -> None:
    assert make("BILLING_PROFILE", AccountId=account, CreditCardNumber="", CreditCardCCV="")


def test_a_token_and_the_last_four_digits_are_kept(account: str, make: Maker) -> None:
    made = make(
        "BILLING_PROFILE",
        AccountId=account,
        CreditCardToken="tok_1JqZ",
        CreditCardLastFour="1111",
        CreditCardType="VISA",
        CreditCardExpDate="12/29",
    )
    profile = BillingProfile.objects.get(pk=made)
    assert (profile.credit_card_token, profile.credit_card_last_four) == ("tok_1JqZ", "1111")


def test_of_a_bank_account_only_the_last_four_characters_get_in(
    account: str, make: Maker, system: Context
) -> None:
    made = make("BILLING_PROFILE", AccountId=account, AchBankAcctNum="000123456789")
    assert BillingProfile.objects.get(pk=made).ach_bank_acct_num == "****6789"
    (outcome,) = records.update(
        "BILLING_PROFILE", [{"Id": made, "AchBankAcctNum": "DE89 3704 0044 0532 0130 00"}], system
    )
    assert outcome.ok
    assert BillingProfile.objects.get(pk=made).ach_bank_acct_num == "****3000"


@pytest.mark.parametrize(
    ("number", "kept"),
    [("6789", "****6789"), ("****6789", "****6789"), ("12-34-567", "****4567"), ("9", "****9")],
)
def test_last_four(number: str, kept: str) -> None:
    assert last_four(number) == kept


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("4111111111111111", True),
        ("5500-0000-0000-0004", True),
        ("378282246310005", True),
        ("4111111111111112", False),
        ("tok_4111111111111111", False),
        ("411111111111", False),
        ("", False),
    ],
)
def test_what_looks_like_a_card(text: str, card: bool) -> None:
    assert looks_like_a_card(text) == card
