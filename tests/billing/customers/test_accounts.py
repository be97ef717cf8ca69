"""The hierarchy of accounts is a tree."""

import pytest

from billing.customers.models import Account
from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db


def test_account_1_is_the_root(system: Context) -> None:
    assert Account.objects.get(pk=1).name == "Root Account"
    (said,) = refusals(records.delete("ACCOUNT", ["1"], system))
    assert "root of the hierarchy" in said


def test_an_account_needs_a_name_and_is_a_customer_unless_said_otherwise(
    make: Maker, system: Context
) -> None:
    made = Account.objects.get(pk=make("ACCOUNT"))
    assert made.account_type.account_type == "ACCOUNT"
    (nameless,) = records.create("ACCOUNT", [{"Status": "ACTIVE"}], system)
    assert [(p.code, p.field) for p in nameless.problems] == [("REQUIRED_FIELD_MISSING", "Name")]


def test_no_account_is_above_itself(make: Maker, system: Context) -> None:
    top = make("ACCOUNT", ParentAccountId="1")
    middle = make("ACCOUNT", ParentAccountId=top)
    bottom = make("ACCOUNT", ParentAccountId=middle)
    outcomes = records.update(
        "ACCOUNT",
        [{"Id": top, "ParentAccountId": bottom}, {"Id": bottom, "ParentAccountId": "1"}],
        system,
    )
    # Judged by the outcome: the second update opens what the first would close.
    assert refusals(outcomes) == ["", ""]
    circle, itself = records.update(
        "ACCOUNT",
        [{"Id": bottom, "ParentAccountId": middle}, {"Id": middle, "ParentAccountId": middle}],
        system,
    )
    assert "above itself" in refusals([circle])[0]
    assert "other than itself" in refusals([itself])[0]


def test_halves_of_a_circle_in_one_request_are_both_refused(make: Maker, system: Context) -> None:
    one, two = make("ACCOUNT"), make("ACCOUNT")
    outcomes = records.update(
        "ACCOUNT",
        [{"Id": one, "ParentAccountId": two}, {"Id": two, "ParentAccountId": one}],
        system,
    )
    assert ["above itself" in said for said in refusals(outcomes)] == [True, True]


def test_an_account_and_its_billing_profile_point_at_each_other(
    make: Maker, system: Context
) -> None:
    account = make("ACCOUNT")
    profile = make("BILLING_PROFILE", AccountId=account)
    (outcome,) = records.update(
        "ACCOUNT",
        [{"Id": account, "BillingProfileId": profile, "BillableBillingProfileId": profile}],
        system,
    )
    assert outcome.ok
    assert Account.objects.get(pk=account).billing_profile_id == int(profile)
