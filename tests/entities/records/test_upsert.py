"""Upserts by external key: the second time updates, and a race makes one record."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.catalog.models import Product
from billing.customers.models import Contract
from entities import records
from entities.errors import Code, RequestError
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


def test_the_first_time_creates_and_the_second_updates(system: Context) -> None:
    row = {"Name": "A", "ExternalKey": "k"}
    (first,) = records.upsert("PRODUCT", [row], system, key="externalkey")
    (second,) = records.upsert(
        "PRODUCT", [{"ExternalKey": "k", "Status": "DEACTIVATED"}], system, key="ExternalKey"
    )
    assert (first.created, second.created, first.id == second.id) == (True, False, True)
    product = Product.objects.get(pk=first.id)
    assert (product.name, product.status) == ("A", "DEACTIVATED")


def test_new_known_and_wrong_records_mix(system: Context) -> None:
    records.upsert("PRODUCT", [{"Name": "old", "ExternalKey": "k1"}], system, key="ExternalKey")
    outcomes = records.upsert(
        "PRODUCT",
        [
            {"Name": "new", "ExternalKey": "k0"},
            {"Name": "changed", "ExternalKey": "k1"},
            {"Name": "no key"},
            {"Name": "twice", "ExternalKey": "k2"},
            {"Name": "twice", "ExternalKey": "k2"},
            {"ExternalKey": "k3"},
            {"Name": "wrong", "ExternalKey": "k4", "Status": "?"},
            {"Name": "id", "ExternalKey": "k5", "Id": "5"},
        ],
        system,
        key="ExternalKey",
    )
    assert [(o.ok, o.created) for o in outcomes[:2]] == [(True, True), (True, False)]
    assert codes(outcomes[2:]) == [
        ["REQUIRED_FIELD_MISSING"],
        ["DUPLICATE_IN_REQUEST"],
        ["DUPLICATE_IN_REQUEST"],
        ["REQUIRED_FIELD_MISSING"],
        ["VALUE_NOT_IN_LIST"],
        ["FIELD_NOT_CHANGEABLE"],
    ]
    assert set(Product.objects.values_list("external_key", "name")) == {
        ("k0", "new"),
        ("k1", "changed"),
    }


def test_the_documented_keys_work(system: Context) -> None:
    row = {
        "ContractNumber": "UPS-1",
        "AccountId": 1,
        "StartDate": "2026-02-01",
        "ContractStatus": "ACTIVE",
        "OnEndDate": "Terminate",
    }
    (first,) = records.upsert("CONTRACT", [row], system, key="ContractNumber")
    assert first.ok, first.problems
    (second,) = records.upsert(
        "CONTRACT",
        [{"ContractNumber": "UPS-1", "EndDate": "2027-01-31"}],
        system,
        key="ContractNumber",
    )
    assert (second.id, second.created) == (first.id, False)
    assert Contract.objects.count() == 1


def test_id_may_be_the_key_of_known_records(system: Context) -> None:
    known = create_one("PRODUCT", system, Name="A")
    outcomes = records.upsert(
        "PRODUCT", [{"Id": known, "Name": "B"}, {"Id": 999999, "Name": "C"}], system, key="Id"
    )
    assert codes(outcomes) == [[], ["RECORD_NOT_FOUND"]]
    assert Product.objects.get(pk=known).name == "B"


@pytest.mark.parametrize("key", ["NoSuchField", "Name", "Status", "", None, ["Name"]])
def test_a_field_that_is_no_external_key_is_refused_with_those_that_are(
    system: Context, key: Any
) -> None:
    with pytest.raises(RequestError) as refused:
        records.upsert("PRODUCT", [{"Name": "x"}], system, key=key)
    assert refused.value.code == Code.NOT_AN_EXTERNAL_KEY
    assert "ExternalKey" in refused.value.message


def test_a_key_in_the_recycle_bin_is_free(system: Context) -> None:
    row = {"Name": "A", "ExternalKey": "k"}
    (first,) = records.upsert("PRODUCT", [row], system, key="ExternalKey")
    records.delete("PRODUCT", [first.id], system)
    (second,) = records.upsert("PRODUCT", [row], system, key="ExternalKey")
    assert second.created and second.id != first.id
    (back,) = records.undelete("PRODUCT", [first.id], system)
    assert codes([back]) == [["DUPLICATE_KEY"]]


def test_the_number_of_statements_does_not_grow_with_the_number_of_records(
    system: Context,
) -> None:
    def statements(size: int) -> int:
        rows = [{"Name": "n", "ExternalKey": f"{size}-{n}"} for n in range(size)]
        records.upsert("PRODUCT", rows[: size // 2], system, key="ExternalKey")
        with CaptureQueriesContext(connection) as queries:
            outcomes = records.upsert("PRODUCT", rows, system, key="ExternalKey")
        assert [o.created for o in outcomes] == [n >= size // 2 for n in range(size)]
        return len(queries)

    assert statements(40) == statements(400) <= 20


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [1, 50])
def test_two_requests_upserting_the_same_keys_at_once_make_one_record_each(
    system: Context, size: int
) -> None:
    rows = [{"Name": "n", "ExternalKey": f"race-{n}"} for n in range(size)]
    start = threading.Barrier(4)
    answers: list[Any] = []

    def send(order: list[dict[str, Any]]) -> None:
        try:
            start.wait()
            answers.append(records.upsert("PRODUCT", order, system, key="ExternalKey"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[rows[:: (-1) ** n]]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(o.ok for outcomes in answers for o in outcomes), answers
    assert sum(o.created for outcomes in answers for o in outcomes) == size
    assert Product.objects.count() == size


def test_a_key_doubled_in_a_request_names_the_record_of_the_request(system: Context) -> None:
    account = create_one("ACCOUNT", system, Name="A", AccountTypeId="1")
    row = {"AccountId": account, "BillingIdentifier": "+1", "StartDate": "2026-01-01"}
    known = {"ExternalKey": "k0", "AccountId": account, "BillingIdentifier": "+0"}
    records.upsert("BILLING_IDENTIFIER", [known], system, key="ExternalKey")
    outcomes = records.upsert(
        "BILLING_IDENTIFIER",
        [known, row | {"ExternalKey": "k1"}, row | {"ExternalKey": "k2"}],
        system,
        key="ExternalKey",
    )
    assert codes(outcomes) == [[], [], ["DUPLICATE_IN_REQUEST"]]
    assert "record 1 of this request" in outcomes[2].problems[0].message


def test_all_or_none_gives_nobody_an_id(system: Context) -> None:
    rows = [
        {"Name": "a", "ExternalKey": "k1"},
        {"Name": "b", "ExternalKey": "k2", "Status": "?"},
    ]
    outcomes = records.upsert("PRODUCT", rows, system, key="ExternalKey", all_or_none=True)
    assert codes(outcomes) == [["ALL_OR_NONE"], ["VALUE_NOT_IN_LIST"]]
    assert [(o.id, o.created) for o in outcomes] == [(None, False), (None, False)]
    assert not Product.objects.exists()
