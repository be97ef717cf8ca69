"""What the verbs promise under rights, history, faults and concurrency."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from billing.catalog.models import Product
from entities import records
from entities.errors import Code, RequestError
from entities.history.models import AuditLog
from entities.models import Entity, EntityField, EntityFieldRole, EntityFieldValue
from entities.records.behavior import Behavior, _registry
from entities.schema.current import current
from entities.schema.versioning import database_version
from metabrm import clock
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


# Rights


def test_a_role_without_a_row_may_do_nothing(clerk: Callable[..., Context]) -> None:
    nobody = clerk()
    for act in (
        lambda: records.create("PRODUCT", [{"Name": "x"}], nobody),
        lambda: records.update("PRODUCT", [{"Id": 1}], nobody),
        lambda: records.upsert("PRODUCT", [{"ExternalKey": "x"}], nobody, key="ExternalKey"),
        lambda: records.delete("PRODUCT", [1], nobody),
        lambda: records.undelete("PRODUCT", [1], nobody),
        lambda: records.retrieve("PRODUCT", [1], nobody),
    ):
        with pytest.raises(RequestError) as refused:
            act()
        assert refused.value.code == Code.INSUFFICIENT_RIGHTS


def test_each_verb_needs_its_own_right(clerk: Callable[..., Context], system: Context) -> None:
    known = create_one("PRODUCT", system, Name="A", ExternalKey="k")
    creator, updater = clerk(PRODUCT="C"), clerk(PRODUCT="U")
    assert records.create("PRODUCT", [{"Name": "x"}], creator)[0].ok
    with pytest.raises(RequestError):
        records.update("PRODUCT", [{"Id": known, "Name": "x"}], creator)
    assert records.update("PRODUCT", [{"Id": known, "Name": "x"}], updater)[0].ok
    rows = [{"ExternalKey": "k", "Name": "B"}, {"ExternalKey": "new", "Name": "C"}]
    assert codes(records.upsert("PRODUCT", rows, updater, key="ExternalKey")) == [
        [],
        ["INSUFFICIENT_RIGHTS"],
    ]
    rows[1]["ExternalKey"] = "newer"
    assert codes(records.upsert("PRODUCT", rows, creator, key="ExternalKey")) == [
        ["INSUFFICIENT_RIGHTS"],
        [],
    ]
    with pytest.raises(RequestError):
        records.delete("PRODUCT", [known], updater)


def test_a_field_row_takes_a_field_away_and_takes_effect_at_once(
    clerk: Callable[..., Context], system: Context
) -> None:
    person = clerk(PRODUCT="CRU")
    row = {"Name": "x", "Ranking": "1"}
    assert records.create("PRODUCT", [row], person)[0].ok
    field = EntityField.objects.get(external_key="PRODUCT.Ranking")
    made = create_one(
        "ENTITY_FIELD_ROLE",
        system,
        RoleId=person.role_id,
        EntityId=field.entity_id,
        EntityFieldId=field.pk,
        ReadFlag="1",
        UpdateFlag="0",
    )
    (refused,) = records.create("PRODUCT", [row], person)
    assert [(p.code, p.field) for p in refused.problems] == [(Code.INSUFFICIENT_RIGHTS, "Ranking")]
    assert records.delete("ENTITY_FIELD_ROLE", [made], system)[0].ok
    assert records.create("PRODUCT", [row], person)[0].ok


def test_a_lookup_can_t_probe_fields_the_caller_may_not_read(
    clerk: Callable[..., Context], system: Context
) -> None:
    create_one("PRODUCT", system, Name="secret name", ExternalKey="s")
    person = clerk(RATE_CLASS_PRODUCT="C", RATE_CLASS="R")
    (refused,) = records.create(
        "RATE_CLASS_PRODUCT", [{"ProductIdObj": {"Name": "secret name"}}], person
    )
    assert "INSUFFICIENT_RIGHTS" in codes([refused])[0]


# History


def test_a_lookup_tells_no_field_of_an_entity_the_caller_may_not_read(
    clerk: Callable[..., Context],
) -> None:
    person = clerk(RATE_CLASS_PRODUCT="CR")
    rows = [{"ProductIdObj": {name: "x"}} for name in ("Name", "Nome")]
    outcomes = records.create("RATE_CLASS_PRODUCT", rows, person)
    assert [p.message for o in outcomes for p in o.problems if p.field == "ProductId"] == [
        f"User {person.username} may not read PRODUCT.{name}." for name in ("Name", "Nome")
    ]


def test_the_history_tells_who_when_why_before_and_after(admin: Context) -> None:
    moment = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    with clock.frozen(moment):
        new = create_one("PRODUCT", admin.because("import"), Name="A")
    records.update("PRODUCT", [{"Id": new, "Name": "B"}], admin.because("typo"))
    records.update("PRODUCT", [{"Id": new}], admin.because("nothing"))
    records.delete("PRODUCT", [new], admin)
    records.undelete("PRODUCT", [new], admin)
    records.delete("PRODUCT", [new], admin, permanently=True)
    entity = Entity.objects.get(entity_name="PRODUCT")
    entries = list(AuditLog.objects.filter(entity_id=entity.pk, record_id=new).order_by("id"))
    assert [e.action for e in entries][:2] == ["CREATE", "UPDATE"]
    assert [e.action for e in entries][-3:] == ["DELETE", "UNDELETE", "PURGE"]
    assert {e.user_id for e in entries} == {admin.user_id}
    assert (entries[0].changed_at, entries[0].reason) == (moment, "import")
    assert entries[0].before is None and entries[0].after["name"] == "A"
    assert (entries[1].before["name"], entries[1].after["name"]) == ("A", "B")
    assert entries[1].reason == "typo"
    assert entries[-1].after is None


def test_what_is_sent_again_unchanged_is_no_change(admin: Context) -> None:
    rows = [
        {"Name": f"P{n}", "ExternalKey": f"k{n}", "Ranking": "1", "UseFormulaSSP": "0"}
        for n in range(30)
    ]
    ids = [o.id for o in records.upsert("PRODUCT", rows, admin, key="ExternalKey")]
    first = dict(Product.objects.values_list("id", "updated"))
    entries = AuditLog.objects.count()
    rows[7]["Ranking"] = "2"
    again = records.upsert("PRODUCT", rows, admin, key="ExternalKey")
    assert [o.id for o in again] == ids and all(o.ok for o in again)
    assert AuditLog.objects.count() == entries + 1
    assert AuditLog.objects.latest("id").record_id == ids[7]
    updated = dict(Product.objects.values_list("id", "updated"))
    assert {i for i in ids if updated[i] != first[i]} == {ids[7]}


def test_the_history_catches_what_comes_past_the_verbs(system: Context) -> None:
    new = create_one("PRODUCT", system, Name="A")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET name = 'by hand' WHERE id = %s", [new])
    entry = AuditLog.objects.latest("id")
    assert (entry.action, entry.record_id, entry.after["name"]) == ("UPDATE", new, "by hand")


def test_a_password_never_enters_the_history(admin: Context) -> None:
    from metabrm.identity.models import User

    user = User.objects.get(pk=admin.user_id)
    user.set_password("correct horse battery staple")
    user.save()
    kept = json.dumps(list(AuditLog.objects.values_list("before", "after")), default=str)
    assert "argon2" not in kept and '"password"' not in kept


def test_signing_in_is_no_change_and_a_new_password_is_one(admin: Context) -> None:
    from django.contrib.auth import user_logged_in

    from metabrm.identity.models import User

    user = User.objects.get(pk=admin.user_id)
    before = AuditLog.objects.count()
    user_logged_in.send(sender=User, request=None, user=user)
    assert AuditLog.objects.count() == before
    user.set_password("correct horse battery staple")
    user.save(update_fields=["password"])
    assert AuditLog.objects.count() == before + 1


def test_the_history_can_be_switched_off_and_on_for_an_entity(system: Context) -> None:
    entity = Entity.objects.get(entity_name="PRODUCT")

    def kept() -> bool:
        new = create_one("PRODUCT", system, Name="A")
        return AuditLog.objects.filter(entity_id=entity.pk, record_id=new).exists()

    assert kept()
    assert records.update("ENTITY", [{"Id": entity.pk, "HistoryFlag": "0"}], system)[0].ok
    assert not kept()
    assert records.update("ENTITY", [{"Id": entity.pk, "HistoryFlag": "1"}], system)[0].ok
    assert kept()


# Behaviors


@pytest.fixture
def product_behavior() -> Any:
    """Registers a behavior for PRODUCT for one test."""
    kept = _registry.get("PRODUCT")

    def register(behavior: Behavior) -> None:
        _registry["PRODUCT"] = behavior

    yield register
    if kept is None:
        _registry.pop("PRODUCT", None)
    else:
        _registry["PRODUCT"] = kept


def test_a_record_failed_after_writing_is_undone_and_its_neighbours_stay(
    system: Context, product_behavior: Callable[[Behavior], None]
) -> None:
    calls = []

    class Picky(Behavior):
        def after_create(self, batch: records.Batch) -> None:
            calls.append(list(batch.live))
            for index in batch.live:
                if batch.effective("Name")[index] == "bad":
                    batch.fail(index, Code.VALIDATION_FAILED, "is bad", "Name")

    product_behavior(Picky())
    outcomes = records.create("PRODUCT", [{"Name": n} for n in ("a", "bad", "c")], system)
    assert [o.ok for o in outcomes] == [True, False, True]
    assert calls == [[0, 1, 2], [0, 2]]
    assert set(Product.objects.values_list("name", flat=True)) == {"a", "c"}


def test_a_behavior_that_breaks_writes_nothing(
    system: Context, product_behavior: Callable[[Behavior], None]
) -> None:
    class Broken(Behavior):
        def after_create(self, batch: records.Batch) -> None:
            raise ZeroDivisionError

    product_behavior(Broken())
    with pytest.raises(ZeroDivisionError):
        records.create("PRODUCT", [{"Name": "a"}], system)
    assert not Product.objects.exists()


# The write gate


@pytest.mark.django_db(transaction=True)
def test_a_write_waits_for_a_schema_change_and_runs_on_the_new_schema(system: Context) -> None:
    old = current()
    changing, changed = threading.Event(), threading.Event()

    def change() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [0x6272_6D67])
                cursor.execute(
                    "UPDATE entities_entityfield SET required_flag = true "
                    "WHERE external_key = 'PRODUCT.Ranking'"
                )
                changing.set()
                changed.wait(0.3)
        finally:
            connection.close()

    thread = threading.Thread(target=change)
    thread.start()
    changing.wait()
    (outcome,) = records.create("PRODUCT", [{"Name": "A"}], system)
    thread.join()
    assert codes([outcome]) == [["REQUIRED_FIELD_MISSING"]]
    assert current().version > old.version


def test_every_way_of_changing_metadata_moves_the_version(system: Context) -> None:
    before = database_version()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE entities_entity SET entity_label = 'Goods' WHERE entity_name = 'PRODUCT'"
        )
    assert database_version() > before
    assert current().entity("product").label == "Goods"
    before = database_version()
    EntityFieldRole.objects.all().delete()
    assert database_version() > before


# Faults


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_broken_and_the_loser_begins_again(system: Context) -> None:
    ids = [create_one("PRODUCT", system, Name=n) for n in "ab"]
    holding, release = threading.Event(), threading.Event()

    def other() -> None:
        """Locks b, then wants a, while the verb holds a and wants b."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("UPDATE catalog_product SET ranking = 1 WHERE id = %s", [ids[1]])
                holding.set()
                # The verb has waited longer by then, so it is the one that finds the deadlock.
                release.wait(5)
                cursor.execute("UPDATE catalog_product SET ranking = 1 WHERE id = %s", [ids[0]])
        finally:
            holding.set()
            connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    holding.wait()
    timer = threading.Timer(0.3, release.set)
    timer.start()
    outcomes = records.update("PRODUCT", [{"Id": i, "Name": "verb"} for i in ids], system)
    thread.join()
    assert all(o.ok for o in outcomes)
    assert set(Product.objects.values_list("name", "ranking")) == {("verb", 1)}


@pytest.mark.django_db(transaction=True)
def test_a_connection_killed_in_the_middle_leaves_nothing_half_written(
    system: Context, product_behavior: Callable[[Behavior], None]
) -> None:
    class Killed(Behavior):
        def after_create(self, batch: records.Batch) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    product_behavior(Killed())
    with pytest.raises(OperationalError):
        records.create("PRODUCT", [{"Name": f"n{n}"} for n in range(100)], system)
    connection.close()
    assert not Product.objects.exists()
    product_behavior(Behavior())
    assert records.create("PRODUCT", [{"Name": "after"}], system)[0].ok


def test_the_history_itself_has_none(system: Context) -> None:
    log = Entity.objects.get(entity_name="AUDIT_LOG")
    outcomes = records.update("ENTITY", [{"Id": log.pk, "HistoryFlag": "1"}], system)
    assert codes(outcomes) == [["FIELD_NOT_CHANGEABLE"]]
    create_one("PRODUCT", system, Name="P")


def test_no_metadata_makes_records_unreachable(system: Context) -> None:
    field = EntityField.objects.get(external_key="ENTITY_FIELD.Id")
    hidden = {"Id": field.pk, "ApiAccessableFlag": "0"}
    assert codes(records.update("ENTITY_FIELD", [hidden], system)) == [["FIELD_NOT_CHANGEABLE"]]


def test_a_list_value_can_t_move_to_a_field_that_has_no_list(system: Context) -> None:
    value = EntityFieldValue.objects.get(external_key="PRODUCT.Status.ACTIVE")
    field = EntityField.objects.get(external_key="PRODUCT.Name")
    moved = {"Id": value.pk, "EntityFieldId": field.pk}
    refused = records.update("ENTITY_FIELD_VALUES", [moved], system)
    assert codes(refused) == [["FIELD_NOT_CHANGEABLE"]]
