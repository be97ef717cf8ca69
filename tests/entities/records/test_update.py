"""Changing records: what is not sent stays, what must not change does not."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.customers.models import Account, AccountProduct
from entities import records
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.factories import AccountProductFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def provisioned(db: None) -> int:
    return AccountProductFactory(EndDate="2026-12-31", Name="line", Quantity="2")


@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_absent_null_or_empty_stays_as_it_is(
    system: Context, provisioned: int, nothing: Any
) -> None:
    (outcome,) = records.update(
        "ACCOUNT_PRODUCT", [{"Id": str(provisioned), "EndDate": nothing, "Name": "new"}], system
    )
    assert outcome.ok and outcome.id == provisioned
    record = AccountProduct.objects.get(pk=provisioned)
    assert (record.end_date, record.name, record.quantity) == (date(2026, 12, 31), "new", 2)


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"fieldsToNull": ["EndDate"]}, {}),
        ({"fieldstonull": "enddate"}, {}),
        ({"EndDate": None}, {"null_clears": True}),
        ({"EndDate": ""}, {"null_clears": True}),
    ],
)
def test_a_field_is_cleared_only_when_asked(
    system: Context, provisioned: int, row: dict[str, Any], options: dict[str, bool]
) -> None:
    (outcome,) = records.update("ACCOUNT_PRODUCT", [{"Id": provisioned} | row], system, **options)
    assert outcome.ok, outcome.problems
    assert AccountProduct.objects.get(pk=provisioned).end_date is None


def test_a_required_field_can_t_be_cleared_and_one_with_a_default_goes_back_to_it(
    system: Context, provisioned: int
) -> None:
    (refused,) = records.update(
        "ACCOUNT_PRODUCT", [{"Id": provisioned, "fieldsToNull": ["StartDate"]}], system
    )
    if refused.ok:
        assert AccountProduct._meta.get_field("start_date").null
    account = create_one("ACCOUNT", system, Name="A", AccountTypeId=1, Status="DEACTIVATED")
    (refused,) = records.update("ACCOUNT", [{"Id": account, "fieldsToNull": ["Name"]}], system)
    assert codes([refused]) == [["REQUIRED_FIELD_MISSING"]]
    (reset,) = records.update("ACCOUNT", [{"Id": account, "fieldsToNull": ["Status"]}], system)
    assert reset.ok
    assert Account.objects.get(pk=account).status == "ACTIVE"


def test_records_of_one_request_may_change_different_fields(system: Context) -> None:
    ids = [create_one("ACCOUNT", system, Name=f"A{n}", AccountTypeId=1) for n in range(3)]
    outcomes = records.update(
        "ACCOUNT",
        [
            {"Id": ids[0], "Name": "changed"},
            {"Id": ids[1], "Description": "told"},
            {"Id": ids[2], "Name": "both", "Description": "told"},
        ],
        system,
    )
    assert all(o.ok for o in outcomes)
    held = Account.objects.filter(pk__in=ids).order_by("pk").values_list("name", "description")
    assert list(held) == [("changed", None), ("A1", "told"), ("both", "told")]


def test_an_unknown_a_missing_and_a_doubled_id_fail_alone(system: Context) -> None:
    one, two = (create_one("ACCOUNT", system, Name=n, AccountTypeId=1) for n in "ab")
    outcomes = records.update(
        "ACCOUNT",
        [
            {"Id": 999999999, "Name": "x"},
            {"Name": "x"},
            {"Id": one, "Name": "x"},
            {"Id": str(two), "Name": "good"},
            {"Id": one, "Name": "y"},
            {"Id": "7;8", "Name": "x"},
        ],
        system,
    )
    assert codes(outcomes) == [
        ["RECORD_NOT_FOUND"],
        ["REQUIRED_FIELD_MISSING"],
        ["DUPLICATE_IN_REQUEST"],
        [],
        ["DUPLICATE_IN_REQUEST"],
        ["INVALID_VALUE"],
    ]
    assert set(Account.objects.filter(pk__in=[one, two]).values_list("name", flat=True)) == {
        "a",
        "good",
    }


def test_a_whole_record_read_and_sent_back_changes_nothing(system: Context) -> None:
    import orjson

    new = create_one("ACCOUNT", system, Name="A", AccountTypeId=1, ExternalKey="k")
    (read,) = orjson.loads(records.retrieve("ACCOUNT", [new], system))
    (outcome,) = records.update("ACCOUNT", [read], system)
    assert outcome.ok, outcome.problems
    (again,) = orjson.loads(records.retrieve("ACCOUNT", [new], system))
    changed = {k for k in read if read[k] != again[k]}
    assert changed <= {"Updated"}


def test_a_taken_key_fails_only_the_record_that_wants_it(system: Context) -> None:
    rows = [{"Name": f"P{n}", "ExternalKey": f"k{n}"} for n in range(30)]
    ids = [o.id for o in records.create("PRODUCT", rows, system)]
    changes = [{"Id": i, "Name": "new"} for i in ids]
    changes[17]["ExternalKey"] = "k3"
    outcomes = records.update("PRODUCT", changes, system)
    assert [n for n, o in enumerate(outcomes) if not o.ok] == [17]
    assert codes([outcomes[17]]) == [["DUPLICATE_KEY"]]


def test_a_set_once_field_can_be_repeated_but_not_changed(system: Context) -> None:
    from entities.models import EntityField

    field = EntityField.objects.get(external_key="ACCOUNT.Name")
    other = EntityField.objects.get(external_key="PRODUCT.Name")
    same, different = (
        records.update("ENTITY_FIELD", [{"Id": field.pk, "EntityId": entity}], system)[0]
        for entity in (field.entity_id, other.entity_id)
    )
    assert same.ok, same.problems
    assert codes([different]) == [["FIELD_NOT_CHANGEABLE"]]


def test_the_number_of_statements_does_not_grow_with_the_number_of_records(
    system: Context,
) -> None:
    ids = [
        o.id
        for o in records.create(
            "ACCOUNT", [{"Name": f"A{n}", "AccountTypeId": 1} for n in range(120)], system
        )
    ]

    def statements(chosen: list[int | None]) -> int:
        with CaptureQueriesContext(connection) as queries:
            outcomes = records.update(
                "ACCOUNT",
                [{"Id": i, "Description": "d", "ParentAccountId": 1} for i in chosen],
                system,
            )
        assert all(o.ok for o in outcomes)
        return len(queries)

    assert statements(ids[:10]) == statements(ids[10:]) <= 13
