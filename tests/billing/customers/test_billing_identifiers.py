"""A token belongs to one account on any day."""

import pytest

from billing.customers.models import BillingIdentifier
from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, filled, refusals

pytestmark = pytest.mark.django_db


def test_a_token_may_move_but_not_be_shared(make: Maker, system: Context) -> None:
    one, two = make("ACCOUNT"), make("ACCOUNT")
    first = make("BILLING_IDENTIFIER", AccountId=one)
    taken = filled("BILLING_IDENTIFIER", AccountId=two, StartDate="2026-04-01")
    (said,) = refusals(records.create("BILLING_IDENTIFIER", [taken], system))
    assert f"Overlaps BILLING_IDENTIFIER {first}, which gives the same token" in said
    records.update("BILLING_IDENTIFIER", [{"Id": first, "EndDate": "2026-03-31"}], system)
    assert make("BILLING_IDENTIFIER", AccountId=two, StartDate="2026-04-01")


def test_a_token_does_not_come_back_from_the_recycle_bin_to_two(
    make: Maker, system: Context
) -> None:
    account = make("ACCOUNT")
    first = make("BILLING_IDENTIFIER", AccountId=account)
    records.delete("BILLING_IDENTIFIER", [first], system)
    make("BILLING_IDENTIFIER", AccountId=account, StartDate="2026-04-01")
    (back,) = records.undelete("BILLING_IDENTIFIER", [first], system)
    assert not back.ok
    assert BillingIdentifier.objects.get(pk=first).deleted_at is not None


def test_a_deactivated_token_routes_nothing_and_is_in_nobodys_way(make: Maker) -> None:
    account = make("ACCOUNT")
    make("BILLING_IDENTIFIER", AccountId=account, Status="DEACTIVATED")
    assert make("BILLING_IDENTIFIER", AccountId=account, StartDate="2026-01-01")


def test_the_account_is_that_of_the_account_product(make: Maker) -> None:
    account = make("ACCOUNT")
    held = make("ACCOUNT_PRODUCT", AccountId=account, ProductId=make("PRODUCT"))
    made = make("BILLING_IDENTIFIER", AccountProductId=held)
    assert BillingIdentifier.objects.get(pk=made).account_id == int(account)


def test_the_account_follows_the_account_product_when_either_changes(
    make: Maker, system: Context
) -> None:
    one, two = make("ACCOUNT"), make("ACCOUNT")
    product = make("PRODUCT")
    held = [make("ACCOUNT_PRODUCT", AccountId=a, ProductId=product) for a in (one, two)]
    token = make("BILLING_IDENTIFIER", AccountProductId=held[0])
    (said,) = refusals(
        records.update("BILLING_IDENTIFIER", [{"Id": token, "AccountId": two}], system)
    )
    assert f"that of AccountProductId {held[0]} is {one}" in said
    moved = {"Id": token, "AccountProductId": held[1]}
    assert refusals(records.update("BILLING_IDENTIFIER", [moved], system)) == [""]
    assert BillingIdentifier.objects.get(pk=token).account_id == int(two)


def test_a_token_does_not_come_back_to_two_with_its_account_product(
    make: Maker, system: Context
) -> None:
    product = make("PRODUCT")
    held = [make("ACCOUNT_PRODUCT", AccountId=make("ACCOUNT"), ProductId=product) for _ in range(2)]
    first = make("BILLING_IDENTIFIER", AccountProductId=held[0])
    records.delete("ACCOUNT_PRODUCT", [held[0]], system)
    second = make("BILLING_IDENTIFIER", AccountProductId=held[1], StartDate="2026-04-01")
    (said,) = refusals(records.undelete("ACCOUNT_PRODUCT", [held[0]], system))
    assert said.startswith(f"Its BILLING_IDENTIFIER {first} can't come back. Overlaps")
    assert BillingIdentifier.objects.get(pk=first).deleted_at is not None
    records.delete("BILLING_IDENTIFIER", [second], system)
    assert refusals(records.undelete("ACCOUNT_PRODUCT", [held[0]], system)) == [""]
