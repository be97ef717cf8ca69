"""Creating records: a bad one never harms its neighbours, and says everything wrong with it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.catalog.models import Pricing, Product
from billing.customers.models import Account, AccountProduct
from entities import records
from entities.errors import Code, RequestError
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


def test_outcomes_come_in_the_order_of_the_request_and_failures_stand_alone(
    system: Context,
) -> None:
    outcomes = records.create(
        "PRODUCT", [{"Name": "A"}, {"Nmae": "B"}, {"Name": "C"}, {}, "no object"], system
    )
    assert [o.ok for o in outcomes] == [True, False, True, False, False]
    assert codes(outcomes)[1] == ["UNKNOWN_FIELD", "REQUIRED_FIELD_MISSING"]
    assert codes(outcomes)[3] == ["REQUIRED_FIELD_MISSING"]
    assert codes(outcomes)[4][0] == "INVALID_RECORD"
    assert list(Product.objects.order_by("id").values_list("name", flat=True)) == ["A", "C"]


def test_an_unknown_field_names_the_nearest_known_one(system: Context) -> None:
    (outcome,) = records.create("ACCOUNT", [{"Nmae": "x", "Name": "y"}], system)
    assert "Did you mean Name?" in outcome.problems[0].message


def test_names_are_found_in_any_spelling_of_case_and_underscores(system: Context) -> None:
    new = create_one("rateClass", system, NAME="Gold")
    assert records.update("RATE_CLASS", [{"id": str(new), "name": "Silver"}], system)[0].ok


@pytest.mark.parametrize(
    ("sent", "held"),
    [
        ({"StartDate": "2026-02-28"}, {"start_date": date(2026, 2, 28)}),
        ({"StartDate": "2026-02-28T23:59:59.000Z"}, {"start_date": date(2026, 2, 28)}),
        ({"Quantity": "1.5"}, {"quantity": Decimal("1.5")}),
        ({"Quantity": 2}, {"quantity": Decimal(2)}),
        ({"Quantity": Decimal("0.0000000001")}, {"quantity": Decimal("1E-10")}),
        ({"EndDate": ""}, {"end_date": None}),
        ({"EndDate": None}, {"end_date": None}),
        ({"Status": "active"}, {"status": "ACTIVE"}),
        ({"Id": ""}, {}),
        ({"Created": "2001-01-01T00:00:00Z"}, {}),
    ],
)
def test_values_are_read_as_live_clients_write_them(
    system: Context, sent: dict[str, Any], held: dict[str, Any]
) -> None:
    product = create_one("PRODUCT", system, Name="P")
    base = {"AccountId": "1", "ProductId": product, "Quantity": "1", "StartDate": "2026-01-01"}
    new = create_one("ACCOUNT_PRODUCT", system, **base | {"Status": "ACTIVE"} | sent)
    record = AccountProduct.objects.get(pk=new)
    assert {name: getattr(record, name) for name in held} == held
    assert record.created.year > 2020


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ({"StartDate": "2026-02-30"}, Code.INVALID_VALUE, "StartDate"),
        ({"StartDate": "yesterday"}, Code.INVALID_VALUE, "StartDate"),
        ({"StartDate": 20260101}, Code.INVALID_VALUE, "StartDate"),
        ({"Quantity": "many"}, Code.INVALID_VALUE, "Quantity"),
        ({"Quantity": "1_000"}, Code.INVALID_VALUE, "Quantity"),
        ({"Quantity": "NaN"}, Code.INVALID_VALUE, "Quantity"),
        ({"Quantity": True}, Code.INVALID_VALUE, "Quantity"),
        ({"Quantity": "1e999"}, Code.NUMBER_OUT_OF_RANGE, "Quantity"),
        ({"Quantity": "1" + "0" * 18}, Code.NUMBER_OUT_OF_RANGE, "Quantity"),
        ({"Quantity": "0.00000000001"}, Code.NUMBER_OUT_OF_RANGE, "Quantity"),
        ({"ProductId": "0x10"}, Code.INVALID_VALUE, "ProductId"),
        ({"ProductId": "9" * 30}, Code.NUMBER_OUT_OF_RANGE, "ProductId"),
        ({"ProductId": 999999}, Code.LOOKUP_NOT_FOUND, "ProductId"),
        ({"ProductId": [1]}, Code.INVALID_VALUE, "ProductId"),
        ({"ProductId": {"Name": "P"}}, Code.INVALID_VALUE, "ProductId"),
        ({"Status": "SLEEPING"}, Code.VALUE_NOT_IN_LIST, "Status"),
        ({"Name": "x" * 5000}, Code.VALUE_TOO_LONG, "Name"),
        ({"Name": "a\0b"}, Code.INVALID_VALUE, "Name"),
        ({"Name": {"a": 1}}, Code.INVALID_VALUE, "Name"),
        ({"name": "twice"}, Code.INVALID_RECORD, "Name"),
        ({"Id": "17"}, Code.FIELD_NOT_CHANGEABLE, "Id"),
        ({"fieldsToNull": "Nonsense"}, Code.UNKNOWN_FIELD, "Nonsense"),
        ({"fieldsToNull": [3]}, Code.INVALID_RECORD, "fieldsToNull"),
    ],
)
def test_a_wrong_value_fails_its_record_with_the_field_named(
    system: Context, sent: dict[str, Any], code: Code, field: str
) -> None:
    product = create_one("PRODUCT", system, Name="P")
    good = {"AccountId": 1, "ProductId": product, "StartDate": "2026-01-01", "Status": "ACTIVE"}
    good |= {"Name": "n"} if "Name" not in sent else {}
    before, bad, after = records.create("ACCOUNT_PRODUCT", [good, good | sent, good], system)
    assert (before.ok, after.ok) == (True, True)
    assert [(p.code, p.field) for p in bad.problems] == [(code, field)]
    assert bad.problems[0].message.endswith((".", '"1"}.', "?"))


def test_every_problem_of_a_record_is_told_at_once(system: Context) -> None:
    (outcome,) = records.create(
        "ACCOUNT_PRODUCT", [{"StartDate": "x", "Quantity": "y", "Status": "z", "Bogus": 1}], system
    )
    assert {p.field for p in outcome.problems} >= {
        "StartDate",
        "Quantity",
        "Status",
        "Bogus",
        "AccountId",
        "ProductId",
    }


def test_a_lookup_can_be_named_by_an_external_key_under_either_name(system: Context) -> None:
    parent = create_one("ACCOUNT", system, Name="Parent", AccountTypeId=1, ExternalKey="X-1")
    for way in ("ParentAccountIdObj", "ParentAccountObj", "parentaccountobj"):
        child = create_one(
            "ACCOUNT", system, Name=way, AccountTypeId=1, **{way: {"ExternalKey": "X-1"}}
        )
        assert Account.objects.get(pk=child).parent_account_id == parent


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"ExternalKey": "nobody"}, Code.LOOKUP_NOT_FOUND),
        ({"Name": "Twin"}, Code.LOOKUP_AMBIGUOUS),
        ({"NoSuchKey": "x"}, Code.UNKNOWN_FIELD),
        ({"Name": "a", "Id": 1}, Code.INVALID_RECORD),
        ({}, Code.INVALID_RECORD),
        ("X-1", Code.INVALID_RECORD),
        ({"Id": "abc"}, Code.INVALID_VALUE),
    ],
)
def test_a_lookup_that_names_none_or_several_fails(system: Context, named: Any, code: Code) -> None:
    for _ in range(2):
        create_one("ACCOUNT", system, Name="Twin", AccountTypeId=1)
    (outcome,) = records.create(
        "ACCOUNT", [{"Name": "c", "AccountTypeId": 1, "ParentAccountObj": named}], system
    )
    assert [(p.code, p.field) for p in outcome.problems] == [(code, "ParentAccountId")]


def test_what_a_bad_record_names_by_key_is_not_called_missing_too(system: Context) -> None:
    create_one("PRODUCT", system, Name="Desk", ExternalKey="desk")
    found, nobody = {"ExternalKey": "desk"}, {"ExternalKey": "nobody"}
    outcomes = records.create(
        "ACCOUNT_PRODUCT",
        [
            {"AccountObj": {"Id": 1}, "ProductObj": found, "StartDate": "2026-02-30"},
            {"AccountObj": nobody, "ProductObj": nobody, "StartDate": "2026-02-28"},
        ],
        system,
    )
    assert codes(outcomes) == [["INVALID_VALUE"], ["LOOKUP_NOT_FOUND", "LOOKUP_NOT_FOUND"]]


def test_a_record_in_the_recycle_bin_is_no_target(system: Context) -> None:
    gone = create_one("ACCOUNT", system, Name="Gone", AccountTypeId=1)
    assert records.delete("ACCOUNT", [gone], system)[0].ok
    (outcome,) = records.create(
        "ACCOUNT", [{"Name": "c", "AccountTypeId": 1, "ParentAccountId": gone}], system
    )
    assert codes([outcome]) == [["LOOKUP_NOT_FOUND"]]


def test_a_key_taken_by_another_record_or_earlier_in_the_request_fails(system: Context) -> None:
    outcomes = records.create(
        "PRODUCT",
        [{"Name": "a", "ExternalKey": "k1"}, {"Name": "b", "ExternalKey": "k1"}, {"Name": "c"}],
        system,
    )
    assert codes(outcomes) == [[], ["DUPLICATE_IN_REQUEST"], []]
    for rows in ([{"Name": "d", "ExternalKey": "k1"}], [{"Name": "d", "ExternalKey": "k1"}, {}]):
        first, *_ = records.create("PRODUCT", rows, system)
        assert codes([first]) == [["DUPLICATE_KEY"]]
        assert first.problems[0].field == "ExternalKey"
        assert "k1" in first.problems[0].message


def test_a_broken_check_constraint_is_told_in_the_entity_s_words(system: Context) -> None:
    product = create_one("PRODUCT", system, Name="P")
    rows = [
        {"AccountId": 1, "ProductId": product, "StartDate": "2026-01-01", "EndDate": end}
        for end in ("2026-12-31", "2025-01-01", "")
    ] * 10
    outcomes = records.create("ACCOUNT_PRODUCT", rows, system)
    assert [o.ok for o in outcomes] == [True, False, True] * 10
    assert codes([outcomes[1]]) == [["VALIDATION_FAILED"]]
    assert AccountProduct.objects.count() == 20


def test_all_or_none_writes_nothing_when_one_fails(system: Context) -> None:
    outcomes = records.create(
        "PRODUCT",
        [{"Name": "a"}, {"Bogus": 1, "Name": "b"}, {"Name": "c"}],
        system,
        all_or_none=True,
    )
    assert codes(outcomes) == [["ALL_OR_NONE"], ["UNKNOWN_FIELD"], ["ALL_OR_NONE"]]
    assert "record 1" in outcomes[0].problems[0].message
    assert [o.id for o in outcomes] == [None] * 3
    assert not Product.objects.exists()


def test_defaults_come_from_metadata(system: Context) -> None:
    field = current().entity("PRODUCT").field("Status")
    (changed,) = records.update(
        "ENTITY_FIELD", [{"Id": field.id, "DefaultValue": "DEACTIVATED"}], system
    )
    assert changed.ok, changed.problems
    new = create_one("PRODUCT", system, Name="P")
    assert Product.objects.get(pk=new).status == "DEACTIVATED"


HOSTILE = [
    "'; DROP TABLE catalog_product; --",
    "Robert'); DELETE FROM identity_user; --",
    "%s %(x)s {0} $1 $$x$$",
    "back\\slash \\N \\. \\x41",
    "tab\there\nnew line\r",
    '"quoted" {braces} NULL',
    "\\N",
    "NULL",
    "\u202eright to left 🦄 \U0010ffff",
    " ",
]


@pytest.mark.parametrize("size", [1, 40])
def test_hostile_texts_are_kept_as_they_are_by_every_way_of_writing(
    system: Context, size: int
) -> None:
    rows = [{"Name": HOSTILE[i % len(HOSTILE)], "ExternalKey": f"h{i}"} for i in range(size)]
    for text in HOSTILE[:1] if size > 1 else HOSTILE:
        batch = rows if size > 1 else [{"Name": text, "ExternalKey": text}]
        outcomes = records.create("PRODUCT", batch, system)
        assert all(o.ok for o in outcomes), outcomes
        held = dict(Product.objects.values_list("id", "name"))
        assert [held[o.id] for o in outcomes] == [r["Name"] for r in batch]
        again = records.upsert(
            "PRODUCT", [r | {"Name": r["Name"] + "!"} for r in batch], system, key="ExternalKey"
        )
        assert [o.id for o in again] == [o.id for o in outcomes]
        held = dict(Product.objects.values_list("id", "name"))
        assert [held[o.id] for o in outcomes] == [r["Name"] + "!" for r in batch]


def test_the_number_of_statements_does_not_grow_with_the_number_of_records(
    system: Context,
) -> None:
    product = create_one("PRODUCT", system, Name="P")

    def statements(size: int) -> int:
        rows = [
            {
                "ProductId": product,
                "Rate": "1.5",
                "CurrencyCode": "USD",
                "UpperBand": "-1",
                "EffectiveDate": f"{1000 + size + n}-01-01",
                "EndDate": f"{1000 + size + n}-12-31",
            }
            for n in range(size)
        ]
        with CaptureQueriesContext(connection) as queries:
            outcomes = records.create("PRICING", rows, system)
        assert all(o.ok for o in outcomes), [o for o in outcomes if not o.ok][:2]
        return len(queries)

    few, many = statements(20), statements(200)
    assert few == many
    assert many <= 20
    assert Pricing.objects.count() == 220


def test_an_unknown_entity_is_refused_with_the_nearest_name(system: Context) -> None:
    with pytest.raises(RequestError) as refused:
        records.create("ACOUNT", [{}], system)
    assert refused.value.code == Code.UNKNOWN_ENTITY
    assert "ACCOUNT" in refused.value.message


def test_the_audit_log_is_not_writable(system: Context) -> None:
    with pytest.raises(RequestError):
        records.create("AUDIT_LOG", [{"Action": "CREATE"}], system)
