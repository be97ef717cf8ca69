"""Values by formula for records that were sent none."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import records
from entities.errors import Code
from entities.models import Entity, EntityField, EntityFieldRole
from entities.schema.current import current
from entities.schema.formulating import compile_value
from metabrm import clock
from tests.entities.custom import custom_field
from tests.factories import AccountFactory, ProductFactory

pytestmark = pytest.mark.django_db


def _default(field: str, formula: str) -> None:
    """Give a field a default formula, as its ENTITY_FIELD row would say it."""
    changed = EntityField.objects.filter(external_key=field, deleted_at=None).update(
        default_formula=formula
    )
    assert changed == 1


def _stored(column: str, ids: list[int | None]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column} FROM customers_account WHERE id = ANY(%s) ORDER BY id", [ids]
        )
        return [row[0] for row in cursor.fetchall()]


def _create(system: Any, *rows: dict[str, Any]) -> list[records.Outcome]:
    return records.create("ACCOUNT", [{"AccountTypeId": "1", **row} for row in rows], system)


def test_only_records_that_were_sent_nothing_get_it(system: Any) -> None:
    _default("ACCOUNT.Description", "UPPER({!Name}) & '!'")
    outcomes = _create(
        system,
        {"Name": "a"},
        {"Name": "b", "Description": "own"},
        {"Name": "c", "Description": ""},
        {"Name": "d", "Description": None},
    )
    assert _stored("description", [o.id for o in outcomes]) == ["A!", "own", "C!", "D!"]


def test_a_default_may_look_things_up(system: Any) -> None:
    _default("ACCOUNT.Description", "{!ParentAccountObj.Name} & ' branch'")
    parent = AccountFactory(Name="Acme")
    (outcome,) = _create(system, {"Name": "x", "ParentAccountId": parent})
    assert _stored("description", [outcome.id]) == ["Acme branch"]


def test_a_required_field_is_served_by_its_default(system: Any) -> None:
    _default("ACCOUNT.Name", "'Account of ' & TEXT(TODAY(), 'DD.MM.YYYY')")
    with clock.frozen(datetime(2026, 2, 28, 23, 59, tzinfo=UTC)):
        (outcome,) = _create(system, {})
    assert _stored("name", [outcome.id]) == ["Account of 28.02.2026"]


def test_a_default_that_yields_nothing_leaves_a_required_field_missing(system: Any) -> None:
    _default("ACCOUNT.Name", "{!Description}")
    (outcome,) = _create(system, {})
    assert [(p.code, p.field) for p in outcome.problems] == [(Code.REQUIRED_FIELD_MISSING, "Name")]


def test_what_does_not_fit_fails_its_record_and_no_other(system: Any) -> None:
    _default("ACCOUNT.Name", "{!Description} & {!Description} & {!Description}")
    outcomes = _create(system, {"Description": "x" * 100}, {"Description": "ok"})
    ((problem,), ()) = (o.problems for o in outcomes)
    assert problem.code == Code.VALUE_TOO_LONG and problem.field == "Name"
    assert problem.message.startswith("Name was not sent, and what its default formula yields has")
    assert _stored("name", [outcomes[1].id]) == ["okokok"]


def test_a_lookup_takes_the_id_of_what_exists(system: Any) -> None:
    _default("ACCOUNT.ParentAccountId", "NUMBER({!Description})")
    live, gone = AccountFactory(Name="live"), AccountFactory(Name="gone")
    records.delete("ACCOUNT", [gone], system)
    outcomes = _create(
        system,
        *({"Name": str(n), "Description": n} for n in (live, gone, "99999999999999999999", "x")),
    )
    assert _stored("parent_account_id", [o.id for o in outcomes]) == [live, None, None, None]


def test_a_lookup_by_default_locks_its_target_as_one_that_was_sent(system: Any) -> None:
    _default("ACCOUNT.ParentAccountId", "NUMBER({!Description})")
    parent = AccountFactory()
    current()
    with CaptureQueriesContext(connection) as taken:
        _create(system, {"Name": "x", "Description": str(parent)})
    assert any("FOR KEY SHARE" in q["sql"] and "customers_account" in q["sql"] for q in taken)


def test_a_fixed_default_comes_first(system: Any) -> None:
    EntityField.objects.filter(external_key="ACCOUNT.Description").update(default_value="fixed")
    _default("ACCOUNT.Description", "'by formula'")
    (outcome,) = _create(system, {"Name": "x"})
    assert _stored("description", [outcome.id]) == ["fixed"]


def test_a_formula_sees_the_author_and_no_id_yet(admin: Any) -> None:
    _default("ACCOUNT.Description", "NVL({!Id}, 0) & {!CreatedUserObj.Username} & YEAR({!Created})")
    with clock.frozen(datetime(2031, 1, 1, tzinfo=UTC)):
        (outcome,) = records.create("ACCOUNT", [{"Name": "x", "AccountTypeId": "1"}], admin)
    assert _stored("description", [outcome.id]) == ["0ada2031"]


def test_flags_and_numbers_and_lists_are_made_as_well(system: Any) -> None:
    for field, formula in {
        "ACCOUNT.RateHierarchy": "{!Name} = 'x'",
        "ACCOUNT.Status": "'deactivated'",
    }.items():
        EntityField.objects.filter(external_key=field).update(default_value=None)
        _default(field, formula)
    one, two = _create(system, {"Name": "x"}, {"Name": "y"})
    assert _stored("rate_hierarchy", [one.id, two.id]) == [True, False]
    assert _stored("status", [one.id, two.id]) == ["DEACTIVATED"] * 2


def test_a_default_formula_that_no_longer_holds_is_none(system: Any) -> None:
    _default("ACCOUNT.Description", "{!Gone}")
    (outcome,) = _create(system, {"Name": "x"})
    assert _stored("description", [outcome.id]) == [None]


def test_a_thousand_records_get_theirs_by_one_statement(system: Any) -> None:
    rows = [{"Name": f"A{n}"} for n in range(1000)]
    # What is compiled once per schema is compiled by then.
    _create(system, {"Name": "first"})
    with CaptureQueriesContext(connection) as free:
        _create(system, *rows[:500])
    _default("ACCOUNT.Description", "{!Name} & '!'")
    _default("ACCOUNT.ExternalKey", "'K-' & {!Name}")
    _create(system, {"Name": "second"})
    with CaptureQueriesContext(connection) as filled:
        outcomes = _create(system, *rows[500:])
    assert all(o.ok for o in outcomes)
    # The SELECT itself, and the check of the unique key that is now filled.
    assert len(filled) == len(free) + 2
    assert sum("AS v(place" in q["sql"] for q in filled) == 1


def test_nothing_is_asked_where_everything_was_sent(system: Any) -> None:
    _default("ACCOUNT.Description", "{!Name} & '!'")
    current()
    with CaptureQueriesContext(connection) as taken:
        _create(system, {"Name": "x", "Description": "sent"})
    assert not any("AS v(place" in q["sql"] for q in taken)


def test_an_upsert_that_creates_gets_the_default(system: Any) -> None:
    _default("ACCOUNT.Description", "{!ExternalKey} & '!'")
    (outcome,) = records.upsert(
        "ACCOUNT",
        [{"ExternalKey": "E", "Name": "x", "AccountTypeId": "1"}],
        system,
        key="ExternalKey",
    )
    assert _stored("description", [outcome.id]) == ["E!"]
    (again,) = records.upsert(
        "ACCOUNT",
        [{"ExternalKey": "E", "fieldsToNull": ["Description"]}],
        system,
        key="ExternalKey",
    )
    assert again.ok and _stored("description", [outcome.id]) == [None]


def test_a_record_with_a_problem_stays_out_of_it(system: Any) -> None:
    _default("ACCOUNT.Description", "{!Name} & '!'")
    bad, good = _create(system, {"Name": "x", "Status": "NONE SUCH"}, {"Name": "y"})
    assert not bad.ok and good.ok
    assert _stored("description", [good.id]) == ["y!"]


def test_money_is_rounded_to_the_places_of_its_field(system: Any) -> None:
    _default("PRICING.Rate", "10 / 3")
    product = ProductFactory()
    (outcome,) = records.create(
        "PRICING", [{"ProductId": product, "CurrencyCode": "USD", "UpperBand": "-1"}], system
    )
    assert outcome.ok, outcome.problems
    with connection.cursor() as cursor:
        cursor.execute("SELECT rate::text FROM catalog_pricing WHERE id = %s", [outcome.id])
        assert cursor.fetchone() == ("3.3333333333",)


def test_the_target_of_a_lookup_is_found_by_its_index(system: Any) -> None:
    snapshot = current()
    schema = snapshot.entity("ACCOUNT")
    parent = schema.field("ParentAccountId")
    sql = compile_value(snapshot, schema, parent, "NUMBER({!Name}) + 1").sql.replace("{t}", "t")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT {sql} FROM (VALUES ('7')) t(name)")
        plan = " ".join(row[0] for row in cursor.fetchall())
    assert "Index" in plan and "Seq Scan" not in plan, plan


def test_what_does_not_fit_is_told_only_to_who_could_read_it(clerk: Any, system: Any) -> None:
    entity = Entity.objects.get(entity_name="ACCOUNT")
    field = custom_field(entity, "Rate", "MONEY", data_length="4,2")
    _default("ACCOUNT.Rate", "NUMBER({!ParentAccountObj.Name})")
    parent = AccountFactory(Name="98765", Rate="1")
    context = clerk(ACCOUNT="CR", ACCOUNT_TYPE="R")
    sent = [{"Name": "x", "AccountTypeId": "1", "ParentAccountId": parent}]
    assert "98765" in str(records.create("ACCOUNT", sent, context)[0].problems)
    EntityFieldRole.objects.create(
        role_id=context.role_id, entity=entity, entity_field=field, update_flag=True
    )
    told = str(records.create("ACCOUNT", sent, context)[0].problems)
    assert "Rate was not sent" in told and "98765" not in told
