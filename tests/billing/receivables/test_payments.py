"""Payments, credits and refunds: their kinds, their amounts, and how they are voided."""

import json
from typing import Any

import pytest

from entities import records
from entities.query import query, retrieve_ids
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db


def read(entity: str, made: str, context: Context) -> dict[str, Any]:
    (row,) = json.loads(retrieve_ids(entity, [int(made)], context).json)
    return dict(row)


def asked(sql: str, context: Context) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(query(sql, context).json)
    return rows


@pytest.fixture
def profile(make: Maker) -> str:
    return make("BILLING_PROFILE", AccountId=make("ACCOUNT"))


@pytest.mark.parametrize("named", ["CHECK", "check", "Check", "2", 2])
def test_a_payment_type_is_named_in_any_case_or_by_its_id(
    make: Maker, system: Context, named: Any
) -> None:
    made = make("PAYMENT", PaymentType=named)
    assert read("PAYMENT", made, system)["PaymentType"] == "CHECK"
    sql = f"SELECT PaymentTypeObj.Id, PaymentTypeObj.OrderId FROM PAYMENT WHERE Id = {made}"
    assert asked(sql, system) == [{"PaymentTypeObj.Id": "2", "PaymentTypeObj.OrderId": "20"}]


def test_types_are_named_one_by_one(system: Context) -> None:
    sent = [{"PaymentType": t} for t in ("cash", "Bitcoin", "CASH", "999", "3", "Credit Card")]
    outcomes = records.create("PAYMENT", sent, system)
    missing = "PaymentType: there is no PAYMENT_TYPE with Description {!r}."
    assert refusals(outcomes) == ["", missing.format("Bitcoin"), "", missing.format("999"), "", ""]
    kept = [read("PAYMENT", str(o.id), system)["PaymentType"] for o in outcomes if o.ok]
    assert kept == ["CASH", "CASH", "CREDIT CARD", "CREDIT CARD"]


def test_what_is_a_description_is_no_id(make: Maker, system: Context) -> None:
    make("PAYMENT_TYPE", Description="2")
    assert read("PAYMENT", make("PAYMENT", PaymentType="2"), system)["PaymentType"] == "2"


def test_descriptions_that_differ_in_case_only_are_named_as_they_are(
    make: Maker, system: Context
) -> None:
    make("PAYMENT_TYPE", Description="Coupon")
    make("PAYMENT_TYPE", Description="COUPON")
    assert read("PAYMENT", make("PAYMENT", PaymentType="Coupon"), system)["PaymentType"] == "Coupon"
    (refused,) = refusals(records.create("PAYMENT", [{"PaymentType": "coupon"}], system))
    assert refused == "PaymentType: there is no PAYMENT_TYPE with Description 'coupon'."


def test_a_type_in_use_stays(make: Maker, system: Context) -> None:
    kind = make("PAYMENT_TYPE", Description="Coupon")
    make("PAYMENT", PaymentType="coupon")
    (outcome,) = records.delete("PAYMENT_TYPE", [kind], system)
    assert [p.code for p in outcome.problems] == ["RECORD_IN_USE"]
    (outcome,) = records.update("PAYMENT_TYPE", [{"Id": kind, "Description": "Voucher"}], system)
    assert [p.code for p in outcome.problems] == ["FIELD_NOT_CHANGEABLE"]
    (outcome,) = records.update("PAYMENT_TYPE", [{"Id": kind, "Status": "DEACTIVATED"}], system)
    assert outcome.ok


@pytest.mark.parametrize(
    ("sent", "void"),
    [
        ({}, "0"),
        ({"Voided": 1}, "1"),
        ({"VoidFlag": "1"}, "1"),
        ({"Voided": "1", "VoidFlag": "1"}, "1"),
        ({"Voided": "0"}, "0"),
    ],
)
def test_a_payment_is_voided_by_either_name(
    make: Maker, system: Context, sent: dict[str, Any], void: str
) -> None:
    made = make("PAYMENT", PaymentType="CASH", **sent)
    row = read("PAYMENT", made, system)
    assert (row["Voided"], row["VoidFlag"]) == (void, void)
    other = make("PAYMENT", PaymentType="CASH")
    assert refusals(records.update("PAYMENT", [{"Id": other, **sent}], system)) == [""]
    row = read("PAYMENT", other, system)
    assert (row["Voided"], row["VoidFlag"]) == (void, void)


def test_the_two_names_never_disagree(make: Maker, system: Context) -> None:
    made = make("PAYMENT", PaymentType="CASH")
    sent = {"Id": made, "Voided": "1", "VoidFlag": "0"}
    assert refusals(records.update("PAYMENT", [sent], system)) == [
        "Voided is 1 and VoidFlag 0, and they say the same; send one of them."
    ]


@pytest.mark.parametrize(
    ("entity", "least", "voids"),
    [
        ("PAYMENT", {"PaymentType": "CASH"}, "VoidedPaymentId"),
        ("CREDIT", {"CreditType": "OTHER", "CreditNote": "Sorry"}, "VoidedCreditId"),
        ("REFUND", {}, "VoidedRefundId"),
    ],
)
def test_only_what_voids_another_takes_back(
    make: Maker, system: Context, profile: str, entity: str, least: dict[str, str], voids: str
) -> None:
    if entity == "CREDIT":
        least = least | {"BillingProfileId": profile}
    made = make(entity, Amount="25.10", **least)
    (refused,) = refusals(records.create(entity, [least | {"Amount": "-25.10"}], system))
    assert refused == (
        f"Amount is 0 or more; only a {entity.lower()} that voids another one ({voids}) takes "
        f"money back."
    )
    void = make(entity, Amount="-25.10", **least, **{voids: made})
    assert read(entity, void, system)["Amount"] == "-25.1"
    (itself,) = refusals(records.update(entity, [{"Id": void, voids: void}], system))
    assert "than this one" in itself


def test_a_payment_is_allocated_to_invoices(make: Maker, system: Context, profile: str) -> None:
    payment = make("PAYMENT", BillingProfileId=profile, PaymentType="CASH", Amount=100)
    invoice = make("INVOICE", BillingProfileId=profile)
    made = make("PAYMENT_ALLOCATION", PaymentItemId=payment, InvoiceId=invoice, Amount=25)
    sql = f"SELECT PaymentItemObj.Amount, Amount FROM PAYMENT_ALLOCATION WHERE Id = {made}"
    assert asked(sql, system) == [{"PaymentItemObj.Amount": "100", "Amount": "25"}]
    (outcome,) = records.delete("INVOICE", [invoice], system)
    assert [p.code for p in outcome.problems] == ["RECORD_IN_USE"]
    (outcome,) = records.delete("PAYMENT", [payment], system)
    assert outcome.ok
    assert asked("SELECT Id FROM PAYMENT_ALLOCATION", system) == []
    (outcome,) = records.undelete("PAYMENT", [payment], system)
    assert outcome.ok
    assert asked("SELECT Id FROM PAYMENT_ALLOCATION", system) == [{"Id": made}]
