"""A record of a view exists for whoever sees the records that it is made of."""

import json
from collections.abc import Callable

import pytest

from entities import records
from entities.errors import RequestError
from entities.query import query, retrieve_ids
from metabrm.identity.context import Context
from tests.entities.acting import create_one

pytestmark = pytest.mark.django_db

LISTED = "SELECT PaymentItemId, RefundItemId FROM PAYMENTS_REFUNDS ORDER BY Id"


def make_private(entity: str, system: Context) -> None:
    (found,) = json.loads(
        query(f"SELECT Id FROM ENTITY WHERE EntityName = '{entity}'", system).json
    )
    (outcome,) = records.update("ENTITY", [{"Id": found["Id"], "SharingModel": "PRIVATE"}], system)
    assert outcome.ok, outcome.problems


def listed(context: Context) -> list[tuple[str | None, ...]]:
    return [tuple(row.values()) for row in json.loads(query(LISTED, context).json)]


def test_a_view_hides_what_its_parts_hide(clerk: Callable[..., Context], system: Context) -> None:
    mine = clerk(PAYMENT="CR", PAYMENT_TYPE="R", REFUND="R", PAYMENTS_REFUNDS="R")
    theirs = str(create_one("PAYMENT", system, PaymentType="CASH", GatewayTransactionId="g-1"))
    own = str(create_one("PAYMENT", mine, PaymentType="CASH", GatewayTransactionId="g-2"))
    back = str(create_one("REFUND", system, PaymentItemId=own, GatewayTransactionId="g-3"))
    everything = [(theirs, None), (own, None), (own, back)]
    assert sorted(listed(mine), key=str) == sorted(everything, key=str)
    make_private("PAYMENT", system)
    assert sorted(listed(mine), key=str) == sorted([(own, None), (own, back)], key=str)
    make_private("REFUND", system)
    assert listed(mine) == [(own, None)]
    assert len(listed(system)) == 3
    (found,) = [
        row["Id"]
        for row in json.loads(
            query("SELECT Id, PaymentItemId p FROM PAYMENTS_REFUNDS", system).json
        )
        if row["p"] == theirs
    ]
    assert json.loads(retrieve_ids("PAYMENTS_REFUNDS", [int(found)], mine).json) == []


def test_who_has_no_right_to_a_private_part_sees_nothing(
    clerk: Callable[..., Context], system: Context
) -> None:
    context = clerk(LEDGER="R")
    account = create_one("ACCOUNT", system, Name="Blue Harbor Ltd")
    create_one(
        "BILLING_PROFILE",
        system,
        AccountId=str(account),
        BillTo="A",
        Address1="B",
        BillingCycle="MONTHLY",
        BillingMethod="MAIL",
        MonthlyBillingDate="31",
        PaymentTermDays="30",
        TimeZoneId="351",
        CurrencyCode="USD",
    )
    assert json.loads(query("SELECT Id FROM LEDGER", context).json) != []
    make_private("BILLING_PROFILE", system)
    assert json.loads(query("SELECT Id FROM LEDGER", context).json) == []
    with pytest.raises(RequestError, match="may not read PAYMENTS_REFUNDS"):
        query(LISTED, context)
