"""Invoices are of their profile's account, and belong to a cycle."""

import json
from typing import Any

import pytest

from entities import records
from entities.query import query
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db


def asked(sql: str, context: Context) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(query(sql, context).json)
    return rows


@pytest.fixture
def account(make: Maker) -> str:
    return make("ACCOUNT")


@pytest.fixture
def profile(make: Maker, account: str) -> str:
    return make("BILLING_PROFILE", AccountId=account)


def test_an_invoice_is_of_its_profiles_account(
    make: Maker, system: Context, account: str, profile: str
) -> None:
    made = make("INVOICE", BillingProfileId=profile, AccountId="1")
    sql = f"SELECT AccountId, Status, PaymentStatus FROM INVOICE WHERE Id = {made}"
    current = {"AccountId": account, "Status": "CURRENT", "PaymentStatus": "UNPAID"}
    assert asked(sql, system) == [current]
    elsewhere = make("ACCOUNT", Name="Red Quay Ltd")
    other = make("BILLING_PROFILE", AccountId=elsewhere)
    moved = {"Id": made, "BillingProfileId": other}
    assert refusals(records.update("INVOICE", [moved], system)) == [""]
    assert asked(sql, system) == [current | {"AccountId": elsewhere}]


def test_only_a_billing_profile_is_required(system: Context) -> None:
    assert refusals(records.create("INVOICE", [{}], system)) == ["BillingProfileId is required."]


def test_many_invoices_of_several_profiles_find_their_accounts(
    make: Maker, system: Context, account: str, profile: str
) -> None:
    other = make("BILLING_PROFILE", AccountId="1")
    sent = [{"BillingProfileId": p} for p in (profile, other) * 20] + [{}]
    refused = refusals(records.create("INVOICE", sent, system))
    assert refused == [""] * 40 + ["BillingProfileId is required."]
    found = asked("SELECT AccountId, COUNT(*) c FROM INVOICE GROUP BY AccountId", system)
    assert {row["AccountId"]: row["c"] for row in found} == {account: "20", "1": "20"}


def test_the_cycle_goes_by_both_names(make: Maker, system: Context, profile: str) -> None:
    made = make(
        "INVOICE",
        BillingProfileId=profile,
        BillingCycleStartDate="2026-02-01",
        BillingCycleEndDate="2026-02-28",
        ManualCloseApprovedFlag="0",
    )
    make("INVOICE", BillingProfileId=profile, BillingCycleStartDate="2026-03-01")
    covering = (
        "select Id, StartDate, EndDate from INVOICE where StartDate <= '2026-02-10' "
        "AND EndDate >= '2026-02-10'"
    )
    assert asked(covering, system) == [
        {"Id": made, "StartDate": "2026-02-01", "EndDate": "2026-02-28"}
    ]


def test_totals_are_asked_for(make: Maker, system: Context, profile: str) -> None:
    make("INVOICE", BillingProfileId=profile, GrandTotalAmount="100.10", PaymentAmount="40")
    make("INVOICE", BillingProfileId=profile, GrandTotalAmount="-0.1", CreditAmount=5)
    make("INVOICE", BillingProfileId=profile)
    (sums,) = asked(
        "Select Sum(GrandTotalAmount) total, SUM(CreditAmount) c, SUM(PaymentAmount) p "
        "from Invoice",
        system,
    )
    assert sums == {"total": "100", "c": "5", "p": "40"}


def test_the_settings_of_cycles_are_one_record_that_stays(system: Context) -> None:
    again = records.create("INVOICE_CYCLE_CONFIG", [{"LineItemCredit": "1"}], system)
    assert refusals(again) == ["These settings are one record; update that with Id 1."]
    changed = {"Id": "1", "EnableBulkApproveInvoiceWOEmail": "1"}
    assert refusals(records.update("INVOICE_CYCLE_CONFIG", [changed], system)) == [""]
    assert refusals(records.delete("INVOICE_CYCLE_CONFIG", ["1"], system)) == [
        "INVOICE_CYCLE_CONFIG 1 holds settings of the whole installation and stays; "
        "change its flags instead."
    ]
    (kept,) = asked(
        "SELECT EnableBulkApproveInvoiceWOEmail e, LineItemCredit l FROM INVOICE_CYCLE_CONFIG",
        system,
    )
    assert kept == {"e": "1", "l": "0"}


def test_no_group_stands_above_itself(make: Maker, system: Context) -> None:
    top = make("INVOICE_GROUP", FieldLabel="Region")
    middle = make("INVOICE_GROUP", ParentInvoiceGroupId=top)
    below = make("INVOICE_GROUP", ParentInvoiceGroupId=middle)
    moved = {"Id": top, "ParentInvoiceGroupId": below}
    assert refusals(records.update("INVOICE_GROUP", [moved], system)) == [
        f"Invoice group {top} would be above itself in the hierarchy; send a "
        f"ParentInvoiceGroupId that is not below it."
    ]
    (itself,) = refusals(
        records.update("INVOICE_GROUP", [{"Id": top, "ParentInvoiceGroupId": top}], system)
    )
    assert itself == "ParentInvoiceGroupId is another group than this one."
