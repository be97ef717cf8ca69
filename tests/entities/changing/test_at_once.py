"""Changes that meet: each other, writers, readers that hold a table, an operator who ends one."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from entities import records
from entities.errors import Code, RequestError
from entities.models import Entity, EntityField, SchemaChange
from entities.records import verbs
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.patience import STUCK

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS = 50


@pytest.fixture
def promo(admin: Context) -> Iterator[int]:
    entity = create_one("ENTITY", admin, EntityName="PROMO")
    create_one("ENTITY_FIELD", admin, EntityId=entity, FieldName="Code", DataType="TEXT")
    yield entity
    for found in Entity.objects.filter(entity_name__in=("PROMO", "TWICE")):
        assert records.delete("ENTITY", [found.pk], admin, permanently=True)[0].ok


def _in_thread(act: Callable[[], Any]) -> Any:
    try:
        return act()
    finally:
        connection.close()


def _at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    together = threading.Barrier(len(acts))

    def one(act: Callable[[], Any]) -> Any:
        together.wait()
        return _in_thread(act)

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def _agree(entity: int) -> None:
    """The table has the columns that the rows tell of."""
    table = Entity.objects.get(pk=entity).table_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
        )
        stored = {name for (name,) in cursor.fetchall()} - {"deleted_at"}
    assert stored == set(
        EntityField.objects.filter(entity=entity).values_list("column_name", flat=1)
    )


def test_admins_who_rename_one_field_at_once_come_one_after_the_other(
    admin: Context, promo: int
) -> None:
    field = EntityField.objects.get(entity=promo, field_name="Code").pk
    names = [f"Name{number}" for number in range(6)]

    def rename(name: str) -> Callable[[], Any]:
        return lambda: records.update("ENTITY_FIELD", [{"Id": field, "FieldName": name}], admin)

    done = _at_once([rename(name) for name in names])
    assert [codes(outcomes) for outcomes in done] == [[[]]] * len(names)
    told = SchemaChange.objects.filter(summary__startswith="Rename the field").order_by("pk")
    steps = [words.removeprefix("Rename the field ").rstrip(".").split() for words in
             told.values_list("summary", flat=True)]  # fmt: skip
    chain = ["Code", *(step[-1] for step in steps)]
    assert [step[0] for step in steps] == chain[:-1]
    assert sorted(chain[1:]) == names
    assert current().entity("PROMO").field(chain[-1]).id == field


def test_one_who_retypes_and_one_who_renames_both_have_their_way(
    admin: Context, promo: int
) -> None:
    field = EntityField.objects.get(entity=promo, field_name="Code").pk
    retyped = {"Id": field, "DataType": "INTEGER", "DataLength": "10"}
    renamed = {"Id": field, "FieldName": "Number"}
    done = _at_once(
        [
            lambda row=row: records.update("ENTITY_FIELD", [row], admin)  # type: ignore[misc]
            for row in (retyped, renamed)
        ]
    )
    assert [codes(outcomes) for outcomes in done] == [[[]], [[]]]
    assert current().entity("PROMO").field("Number").type.name == "INTEGER"
    assert create_one("PROMO", admin, Number="12")
    _agree(promo)


def test_of_those_who_make_the_same_entity_at_once_one_has_it(admin: Context, promo: int) -> None:
    done = _at_once(
        [lambda: records.create("ENTITY", [{"EntityName": "TWICE"}], admin) for _ in range(5)]
    )
    told = sorted(str(codes(outcomes)[0]) for outcomes in done)
    assert told == ["['DUPLICATE_KEY']"] * 4 + ["[]"]
    assert Entity.objects.filter(entity_name="TWICE").count() == 1
    _agree(Entity.objects.get(entity_name="TWICE").pk)


def test_of_those_who_make_the_same_field_at_once_one_has_it(admin: Context, promo: int) -> None:
    row = {"EntityId": promo, "FieldName": "Extra", "DataType": "INTEGER"}
    done = _at_once([lambda: records.create("ENTITY_FIELD", [row], admin) for _ in range(5)])
    told = sorted(str(codes(outcomes)[0]) for outcomes in done)
    assert told == ["['DUPLICATE_KEY']"] * 4 + ["[]"]
    _agree(promo)


def test_a_field_comes_while_fifty_write(admin: Context, promo: int) -> None:
    over = threading.Event()
    written: list[int] = []

    def write(number: int) -> None:
        place = 0
        while place < 3 or not over.is_set():
            place += 1
            outcomes = _in_thread(
                lambda place=place: records.create(  # type: ignore[misc]
                    "PROMO", [{"Code": f"{number}-{place}"}], admin
                )
            )
            assert outcomes[0].ok, outcomes
            written.append(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, number) for number in range(WRITERS)]
        try:
            while len(written) < WRITERS:
                time.sleep(0.01)
            for name in ("First", "Second", "Third"):
                create_one("ENTITY_FIELD", admin, EntityId=promo, FieldName=name, DataType="TEXT")
        finally:
            over.set()
        for writer in writers:
            writer.result()
    assert create_one("PROMO", admin, Code="last", Third="3")
    _agree(promo)


@contextmanager
def _somebody_who(*statements: str) -> Iterator[None]:
    """Another session that ran the statements and has not committed yet."""
    ready, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            ready.set()
            over.wait(30)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(_in_thread, hold)
        assert ready.wait(STUCK)
        try:
            yield
        finally:
            over.set()
            holding.result()


def _table(entity: int) -> str:
    return str(Entity.objects.get(pk=entity).table_name)


def test_a_change_that_finds_no_moment_says_so_and_leaves_nothing(
    admin: Context, promo: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "CHANGE_SECONDS", 1.0)
    row = {"EntityId": promo, "FieldName": "Late", "DataType": "TEXT"}
    before = current()
    with _somebody_who(f"SELECT count(*) FROM {_table(promo)}"):
        began = time.monotonic()
        with pytest.raises(RequestError) as refused:
            records.create("ENTITY_FIELD", [row], admin)
        assert refused.value.code == Code.SCHEMA_BUSY
        assert "send the request again" in refused.value.message
        assert time.monotonic() - began < 10
        assert current() is before
    _agree(promo)
    assert records.create("ENTITY_FIELD", [row], admin)[0].ok


def test_nobody_waits_long_behind_a_change_that_waits(
    admin: Context, promo: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "CHANGE_SECONDS", 3.0)
    row = {"EntityId": promo, "FieldName": "Late", "DataType": "TEXT"}
    with _somebody_who(f"SELECT count(*) FROM {_table(promo)}"), ThreadPoolExecutor(1) as pool:
        changing: Future[Any] = pool.submit(
            _in_thread, lambda: records.create("ENTITY_FIELD", [row], admin)
        )
        longest = 0.0
        while not changing.done():
            began = time.monotonic()
            assert records.create("PROMO", [{"Code": "x"}], admin)[0].ok
            longest = max(longest, time.monotonic() - began)
        assert longest < 3.0
        with pytest.raises(RequestError) as refused:
            changing.result()
        assert refused.value.code == Code.SCHEMA_BUSY


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_change_that_an_operator_ends_leaves_nothing(
    admin: Context, promo: int, how: str
) -> None:
    row = {"EntityId": promo, "FieldName": "Late", "DataType": "TEXT"}
    waiting = f"""
        SELECT {how}(pid) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE%%'
              AND datname = current_database()
    """
    with _somebody_who(f"SELECT count(*) FROM {_table(promo)}"), ThreadPoolExecutor(1) as pool:
        changing: Future[Any] = pool.submit(
            _in_thread, lambda: records.create("ENTITY_FIELD", [row], admin)
        )
        deadline = time.monotonic() + STUCK
        ended = False
        while not ended:
            assert time.monotonic() < deadline and not changing.done()
            with connection.cursor() as cursor:
                cursor.execute(waiting)
                ended = bool(cursor.fetchall())
        with pytest.raises(OperationalError):
            changing.result()
    assert current().entity("PROMO").find("Late") is None
    _agree(promo)
    assert records.create("ENTITY_FIELD", [row], admin)[0].ok
    _agree(promo)
