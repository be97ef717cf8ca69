"""Each process has one snapshot of the newest schema, built once, and of nothing that is undone."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from entities import records
from entities.models import Entity
from entities.schema import current as process
from entities.schema.building import build
from entities.schema.current import current, forget, latest
from entities.schema.snapshot import Snapshot
from entities.schema.versioning import database_version
from metabrm.identity.context import Context
from tests.entities.acting import create_one

THREADS = 50


class _UndoError(Exception):
    pass


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """What the process builds, slowly enough for others to come meanwhile."""
    built: list[Snapshot] = []

    def slow() -> Snapshot:
        time.sleep(0.1)
        built.append(build())
        return built[-1]

    monkeypatch.setattr(process, "build", slow)
    return built


@pytest.fixture
def afresh() -> Iterator[None]:
    """The process begins without a snapshot, and gets back what it had."""
    before = process._current
    forget()
    yield
    process._current = before


def _at_once(ask: Callable[[int], Any]) -> list[Any]:
    together = threading.Barrier(THREADS)

    def one(number: int) -> Any:
        together.wait()
        try:
            return ask(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


@pytest.mark.django_db
def test_fifty_who_meet_a_new_version_have_it_built_once(
    afresh: None, builds: list[Snapshot]
) -> None:
    version = database_version()
    got = _at_once(lambda _: current(version))
    assert len(builds) == 1
    assert {id(snapshot) for snapshot in got} == {id(builds[0])}


@pytest.mark.django_db
def test_fifty_who_come_late_with_older_versions_have_nothing_built(
    afresh: None, builds: list[Snapshot]
) -> None:
    version = database_version()
    got = _at_once(lambda number: current(version - number))
    assert len(builds) == 1
    assert {snapshot.version for snapshot in got} == {version}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_went_back_is_followed(builds: list[Snapshot]) -> None:
    newer = current()
    builds.clear()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE entities_schemaversion SET version = version - 5")
    assert current().version == newer.version - 5
    assert len(builds) == 1


@pytest.mark.django_db
def test_no_version_is_given_twice_even_when_the_first_was_taken_back() -> None:
    seen = set()
    for name in ("FIRST", "SECOND"):
        with pytest.raises(_UndoError), transaction.atomic():
            Entity.objects.create(entity_name=name, table_name=f"brm_{name}")
            schema = current()
            seen.add(schema.version)
            assert {n for n in ("FIRST", "SECOND") if schema.find(n)} == {name}
            raise _UndoError
        assert current().find(name) is None
    assert len(seen) == 2


@pytest.mark.django_db(transaction=True)
def test_what_is_not_committed_is_served_to_its_own_transaction_only(admin: Context) -> None:
    before = current()
    with pytest.raises(_UndoError), transaction.atomic():
        entity = create_one("ENTITY", admin, EntityName="DRAFT")
        create_one("ENTITY_FIELD", admin, EntityId=entity, FieldName="Code", DataType="TEXT")
        assert create_one("DRAFT", admin, Code="1")
        assert latest() is current()
        assert current().find("DRAFT") is not None
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_found_elsewhere, "DRAFT").result() is False
        raise _UndoError
    assert current() is before
    assert latest() is before
    with transaction.atomic():
        # A later transaction of the thread has nothing of the one that was taken back.
        assert latest() is before


@pytest.mark.django_db(transaction=True)
def test_what_was_built_before_the_commit_is_not_built_again(
    admin: Context, builds: list[Snapshot]
) -> None:
    current()
    builds.clear()
    with transaction.atomic():
        entity = create_one("ENTITY", admin, EntityName="IMPORTED")
        own = current()
    assert current() is own
    assert len(builds) == 1
    assert records.delete("ENTITY", [entity], admin, permanently=True)[0].ok


def _found_elsewhere(name: str) -> bool:
    try:
        return current().find(name) is not None
    finally:
        connection.close()
