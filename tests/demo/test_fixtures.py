"""The demo company's data files: complete, consistent and believable, seen without a server."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from billing.catalog.models.prices import PRICE_OWNERS
from metabrm.demo import fixtures
from metabrm.demo.fixtures import DataFile
from metabrm.entity import EntityModel, api_name
from metabrm.fields import ListField
from metabrm.problems import Problem
from tests.demo.models import fields_of, models_by_entity, seeded_keys

Record = dict[str, Any]
EPSILON = Decimal("1e-10")


@cache
def files() -> list[DataFile]:
    return fixtures.read_all()


def records(entity: str) -> list[Record]:
    """The records of an entity by key, those of later files laid over those of earlier ones."""
    merged: dict[str, Record] = {}
    for file in files():
        if file.entity == entity:
            for record in file.records:
                merged.setdefault(record[file.key], {}).update(record)
    return list(merged.values())


def day(record: Record, field: str, otherwise: date) -> date:
    return date.fromisoformat(record[field]) if field in record else otherwise


def test_there_is_a_whole_company() -> None:
    assert len(records("PRODUCT")) >= 30
    assert len(records("PACKAGE")) >= 6
    assert len(records("ACCOUNT")) == 200
    assert {r["PackageIdObj"]["Name"] for r in records("PACKAGE_PRODUCT")} == {
        r["Name"] for r in records("PACKAGE")
    }
    assert {r["CurrencyCode"] for r in records("PRICING")} == {"USD", "EUR"}
    assert {r["CurrencyCode"] for r in records("BILLING_PROFILE")} == {"USD", "EUR"}
    assert len({r["BillingCycle"] for r in records("BILLING_PROFILE")}) >= 6
    assert len({r["TimeZoneIdObj"]["Name"] for r in records("BILLING_PROFILE")}) >= 6
    for entity, least in (("CONTRACT", 30), ("ACCOUNT_PRODUCT", 500), ("BILLING_IDENTIFIER", 100)):
        assert len(records(entity)) >= least


def test_rating_methods_are_of_many_kinds_and_all_of_them_are_used() -> None:
    methods = {r["ExternalKey"]: r for r in records("RATING_METHOD")}
    used = {
        r["RatingMethodIdObj"]["ExternalKey"]
        for file in files()
        for r in file.records
        if "RatingMethodIdObj" in r
    }
    kinds = {methods[key]["RatingMethodType"] for key in used}
    assert kinds >= {
        "One Time Charge",
        "Usage",
        "Prepaid Usage",
        "Subscription",
        "Discount",
        "Trial",
        "Late Fee",
        "Per Invoice",
        "Revenue Commitment",
    }
    subscriptions = {
        (m["SubscriptionCycle"], m["SubscriptionModel"], m["ProrateSubscription"])
        for key, m in methods.items()
        if key in used and m["RatingMethodType"] == "Subscription"
    }
    assert {("Monthly", "Prepaid"), ("Monthly", "Postpaid"), ("Yearly", "Prepaid")} <= {
        (cycle, model) for cycle, model, _ in subscriptions
    }
    assert {prorated for _, _, prorated in subscriptions} == {"0", "1"}
    pricing = {m.get("AggregateRateType") for key, m in methods.items() if key in used}
    assert {"Bulk", "Incremental"} <= pricing
    discounts = {m.get("DiscountPricingType") for key, m in methods.items() if key in used}
    assert {"Percentage Off", "Fixed Amount"} <= discounts
    assert any("MinCharge" in r for r in records("PRICING"))
    assert any("BlockSize" in r for r in records("PRICING"))


def test_accounts_stand_in_hierarchies_without_circles() -> None:
    accounts = {r["ExternalKey"]: r for r in records("ACCOUNT")}
    kinds = Counter()
    for account in accounts.values():
        path = []
        at: Record | None = account
        while at is not None:
            path.append(at["AccountTypeIdObj"]["AccountType"])
            assert len(path) < 10
            parent = at.get("ParentAccountIdObj")
            assert parent or at["ParentAccountId"] == "1"
            at = accounts[parent["ExternalKey"]] if parent else None
        kinds[tuple(path)] += 1
    assert kinds["DEPARTMENT", "COMPANY", "RESELLER", "ORGANIZATION"] > 10
    assert kinds["DEPARTMENT", "COMPANY", "ORGANIZATION"] > 10
    assert kinds["CONSUMER", "ORGANIZATION"] > 10


def test_who_is_invoiced_has_a_billing_profile_and_others_are_paid_for() -> None:
    profiles = {r["AccountIdObj"]["ExternalKey"]: r for r in records("BILLING_PROFILE")}
    for account in records("ACCOUNT"):
        key = account["ExternalKey"]
        assert (account["InvoiceAtThisLevel"] == "1") == (key in profiles), key
        if account["AccountTypeIdObj"]["AccountType"] != "ORGANIZATION":
            assert "BillableBillingProfileIdObj" in account, key


def test_every_field_is_one_of_its_entity_and_every_value_of_a_list_is_in_it() -> None:
    models = models_by_entity()
    for file in files():
        fields = fields_of(models[file.entity])
        for record, line in zip(file.records, file.lines, strict=True):
            for name, value in record.items():
                where = f"{file.name} line {line}: {name}"
                field = fields[name.removesuffix("Obj")]
                assert isinstance(value, dict) == name.endswith("Obj"), where
                if isinstance(field, ListField):
                    assert value in field.values, where
                if isinstance(value, str) and field.max_length:
                    assert len(value) <= field.max_length, where


def test_every_record_has_what_is_required_and_a_key_of_its_own() -> None:
    models = models_by_entity()
    for entity in {file.entity for file in files()}:
        required = {
            name
            for name, field in fields_of(models[entity]).items()
            if not (field.null or field.has_default() or field.auto_created)
            and name not in ("Created", "Updated")
        }
        for record in records(entity):
            given = {name.removesuffix("Obj") for name in record}
            if "PackageProductId" in given:
                given.add("ProductId")  # follows from the package product
            assert required <= given, (entity, record)
    for file in files():
        keys = file.keys()
        assert len(set(keys)) == len(keys), file.name
        model = models[file.entity]
        assert file.key in {
            name
            for name, field in fields_of(model).items()
            if field.name in model.brm.external_keys
        }


def test_every_reference_is_to_a_record_that_is_loaded_before() -> None:
    models = models_by_entity()
    by_key = {
        (entity, key): {str(value) for value in values}
        for (entity, key), values in seeded_keys(models).items()
    }
    for file in files():
        fields = fields_of(models[file.entity])
        for record, line in zip(file.records, file.lines, strict=True):
            for name, value in record.items():
                field = fields[name.removesuffix("Obj")]
                if not isinstance(value, dict) and field.is_relation and name != "ParentAccountId":
                    value = {name: value}
                if isinstance(value, dict):
                    ((key, wanted),) = value.items()
                    target: type[EntityModel] = field.related_model
                    known = by_key.get((target.brm.name, key), set())
                    assert wanted in known, f"{file.name} line {line}: {name} {wanted}"
        for record in file.records:
            for name, value in record.items():
                if isinstance(value, str):
                    by_key.setdefault((file.entity, name), set()).add(value)


def test_bands_are_contiguous_from_nothing_to_no_limit() -> None:
    owners = [api_name(f"{owner.removesuffix('_id')}_id") + "Obj" for owner in PRICE_OWNERS]
    bands: dict[Any, list[tuple[Decimal, Decimal, int]]] = defaultdict(list)
    for price in records("PRICING"):
        owned = [(o, *price[o].values()) for o in owners if o in price]
        assert len(owned) == 1, price
        assert Decimal(price["Rate"]) >= 0
        plan = price.get("MainPricingPlanIdObj", {}).get("ExternalKey")
        place = (owned[0], plan, price["CurrencyCode"], price["EffectiveDate"])
        upper = Decimal(price["UpperBand"])
        bands[place].append((Decimal(price["LowerBand"]), upper, int(price["RateOrder"])))
    assert max(len(rows) for rows in bands.values()) >= 4
    for place, rows in bands.items():
        rows.sort()
        assert [order for _, _, order in rows] == list(range(1, len(rows) + 1)), place
        assert rows[0][0] == 0 and rows[-1][1] == -1, place
        for (_, upper, _), (lower, _, _) in pairwise(rows):
            assert lower == upper + EPSILON, place


def test_dates_are_dates_in_order_and_within_their_contracts() -> None:
    always, never = date(1990, 1, 1), date(2060, 1, 1)
    contracts = {r["ContractNumber"]: r for r in records("CONTRACT")}
    starts = []
    for file in files():
        for record, line in zip(file.records, file.lines, strict=True):
            where = f"{file.name} line {line}"
            start = day(record, "StartDate", day(record, "EffectiveDate", always))
            end = day(record, "EndDate", never)
            assert always <= start <= end <= never, where
            if file.entity == "ACCOUNT_PRODUCT":
                starts.append(start)
            if "ContractIdObj" in record and "StartDate" in record:
                contract = contracts[record["ContractIdObj"]["ContractNumber"]]
                assert start >= day(contract, "StartDate", always), where
                if "EndDate" in record:
                    assert end <= day(contract, "EndDate", never), where
    assert min(starts) < date(2024, 1, 1) and max(starts) > date(2028, 1, 1)


def test_a_billing_identifier_belongs_to_one_account_on_any_day() -> None:
    held: dict[str, list[tuple[date, date]]] = defaultdict(list)
    owners = {r["ExternalKey"]: r["AccountIdObj"] for r in records("ACCOUNT_PRODUCT")}
    for record in records("BILLING_IDENTIFIER"):
        span = (day(record, "StartDate", date.min), day(record, "EndDate", date.max))
        held[record["BillingIdentifier"]].append(span)
        assert owners[record["AccountProductIdObj"]["ExternalKey"]] == record["AccountIdObj"]
    assert max(len(spans) for spans in held.values()) == 2
    for token, spans in held.items():
        spans.sort()
        for (_, end), (start, _) in pairwise(spans):
            assert end < start, token


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("ACCOUNT.csv", "ExternalKey\n", "must be called like"),
        ("010-ACCOUNT.csv", "", "its first line must name the fields"),
        ("010-ACCOUNT.csv", "ExternalKey,Name\na\n", "line 2 has 1 cells, the header 2"),
        ("010-ACCOUNT.csv", "ExternalKey,Name\na,A\n,B\n", "line 3 has no ExternalKey"),
        ("README.md", "nothing", "run `make demo` in a checkout"),
    ],
)
def test_a_data_file_that_cannot_be_read_says_where(
    tmp_path: Any, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Problem, match=said):
        fixtures.read_all(tmp_path)


def test_a_cell_is_sent_as_what_its_column_says(tmp_path: Any) -> None:
    (tmp_path / "010-ACCOUNT-few.csv").write_text(
        'ExternalKey,Name,ParentAccountIdObj.ExternalKey\na,"A, B",p\n\nb,B,\n'
    )
    (file,) = fixtures.read_all(tmp_path)
    assert (file.entity, file.key, file.lines) == ("ACCOUNT", "ExternalKey", [2, 4])
    assert file.records == [
        {"ExternalKey": "a", "Name": "A, B", "ParentAccountIdObj": {"ExternalKey": "p"}},
        {"ExternalKey": "b", "Name": "B"},
    ]
