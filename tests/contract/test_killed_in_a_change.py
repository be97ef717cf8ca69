"""A process killed in the middle of a change leaves the old or the new schema, and no lock.

A trigger of the tests' own holds a change at a chosen point: when its first row is written, when
its DDL has run, or while it commits.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.contract.live import ROOT, Live
from tests.contract.workers import Connection, signed_in, to_each_worker
from tests.patience import STUCK

PATIENCE = 30.0
#: More records than get an index at once.
MANY = 60_000

#: Points of a change -> the trigger that holds it there.
HELD = {
    "at its first row": "BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW",
    "after its DDL": "AFTER INSERT ON entities_schemachange FOR EACH ROW",
    "in its commit": "AFTER INSERT ON entities_schemachange DEFERRABLE FOR EACH ROW",
}
# Waiting for a row to go is no waiting for a lock, of which a change soon tires.
_HOLD = """
CREATE TABLE held ();
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    WHILE EXISTS (SELECT FROM held) LOOP PERFORM pg_sleep(0.01); END LOOP;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
INSERT INTO held DEFAULT VALUES;
"""
# The write gate has every constraint checked at once; this one is to wait for the commit.
_DEFER = """
CREATE FUNCTION defer_hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    SET CONSTRAINTS hold DEFERRED;
    RETURN NULL;
END $$;
CREATE TRIGGER defer_hold BEFORE INSERT OR UPDATE OR DELETE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION defer_hold();
"""
_HOLDING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
_OTHERS = """
SELECT pid, query FROM pg_stat_activity WHERE datname = current_database()
AND pid <> pg_backend_pid() AND backend_type = 'client backend'
AND (state <> 'idle' OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = pg_stat_activity.pid))
"""
_DESCRIBED = """
SELECT e.table_name, f.column_name, CASE f.data_type WHEN 'INTEGER' THEN 'bigint' ELSE '' END
FROM entities_entityfield f JOIN entities_entity e ON e.id = f.entity_id
WHERE e.table_name ~ '^brm_e' AND f.column_name IS NOT NULL
"""
_STORED = """
SELECT table_name, column_name, CASE WHEN column_name ~ '^f' AND data_type = 'bigint'
THEN 'bigint' ELSE '' END
FROM information_schema.columns WHERE table_name ~ '^brm_e' AND column_name <> 'deleted_at'
"""


@pytest.fixture(scope="module")
def session(expendable: Live) -> str:
    return signed_in(expendable)


Send = Callable[[Connection], Any]


class Promo:
    """An entity with a field and a record, made anew for every test."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.name = name
        self.id = _made(connection.write("POST", "ENTITY", {"EntityName": name}))
        field = {"EntityId": self.id, "FieldName": "Code", "DataType": "TEXT"}
        self.field = _made(connection.write("POST", "ENTITY_FIELD", field))
        _made(connection.write("POST", name, {"Code": "1"}))

    def add_field(self, connection: Connection) -> Any:
        row = {"EntityId": self.id, "FieldName": "Extra", "DataType": "INTEGER"}
        return connection.write("POST", "ENTITY_FIELD", row)

    def retype(self, connection: Connection) -> Any:
        return connection.write("PUT", "ENTITY_FIELD", self._as_number())

    def _as_number(self) -> dict[str, str]:
        return {"Id": self.field, "DataType": "INTEGER", "DataLength": "10"}

    def drop_field(self, connection: Connection) -> Any:
        return connection.write(
            "DELETE", "delete/ENTITY_FIELD", {"Id": self.field}, EmptyRecycleBin=True
        )

    def rename(self, connection: Connection) -> Any:
        row = {"Id": self.id, "EntityName": f"{self.name}_NEW"}
        return connection.write("PUT", "ENTITY", row)

    def drop(self, connection: Connection) -> Any:
        return connection.write("DELETE", "delete/ENTITY", {"Id": self.id}, EmptyRecycleBin=True)


_killed_at = [0.0]


def _kill(web_worker: int) -> None:
    """Kill it, long enough after the one before: the server ends where its workers keep dying."""
    time.sleep(max(0.0, _killed_at[0] + 8 - time.monotonic()))
    os.kill(web_worker, signal.SIGKILL)
    _killed_at[0] = time.monotonic()


@pytest.mark.parametrize(
    ("act", "point", "before", "after"),
    [
        ("add_field", "at its first row", "SELECT Code FROM {}", "SELECT Extra FROM {}"),
        ("add_field", "in its commit", "SELECT Code FROM {}", "SELECT Extra FROM {}"),
        ("retype", "after its DDL", "SELECT Code || 'x' x FROM {}", "SELECT Code + 1 x FROM {}"),
        ("drop_field", "in its commit", "SELECT Code FROM {}", "SELECT Id FROM {}"),
        ("rename", "after its DDL", "SELECT Code FROM {}", "SELECT Code FROM {}_NEW"),
        ("drop", "after its DDL", "SELECT Code FROM {}", "SELECT Code FROM {}_GONE"),
    ],
)
def test_a_web_worker_killed_in_a_change_leaves_the_old_or_the_new_schema(
    expendable: Live, session: str, act: str, point: str, before: str, after: str
) -> None:
    mine, *_ = to_each_worker(expendable, session)
    promo = Promo(mine, f"PROMO_{act}_{point.split()[-1]}".upper())
    with _held(expendable, point, act) as release:
        told: list[Any] = []
        changing = threading.Thread(target=_until_cut, args=(getattr(promo, act), mine, told))
        changing.start()
        _wait(expendable, _HOLDING, unless=told)
        _kill(mine.pid)
        changing.join()
        assert told == ["cut"]
        release()
        _wait(expendable, _OTHERS, gone=True)
    committed = point == "in its commit"
    _agrees(expendable)
    for connection in to_each_worker(expendable, session):
        assert _known(connection, (after if committed else before).format(promo.name))
        if not committed:
            assert not _known(connection, after.format(promo.name))
        began = time.monotonic()
        field = {"EntityId": promo.id, "FieldName": f"After{connection.pid}", "DataType": "TEXT"}
        _made(connection.write("POST", "ENTITY_FIELD", field))
        assert time.monotonic() - began < PATIENCE / 3


def _until_cut(act: Send, connection: Connection, told: list[Any]) -> None:
    try:
        told.append(act(connection))
    except (OSError, AssertionError) as error:
        told.append("cut" if isinstance(error, OSError) else error)


@contextmanager
def _held(live: Live, point: str, act: str) -> Iterator[Callable[[], None]]:
    """Changes wait at the point until the yielded function is called."""
    table = "entities_entity" if act in ("rename", "drop") else "entities_entityfield"
    committing = "DEFERRABLE" in HELD[point]
    trigger = f"{'CONSTRAINT ' if committing else ''}TRIGGER hold {HELD[point].format(table=table)}"
    with psycopg.connect(live.database_url, autocommit=True) as connection:
        connection.execute(_HOLD)
        connection.execute(f"CREATE {trigger} EXECUTE FUNCTION hold()")
        if committing:
            connection.execute(_DEFER.format(table=table))
        try:
            yield lambda: connection.execute("DELETE FROM held")
        finally:
            connection.execute("DELETE FROM held")
            connection.execute("DROP FUNCTION IF EXISTS hold, defer_hold CASCADE; DROP TABLE held")


def _known(connection: Connection, sql: str) -> bool:
    answer = connection.query(sql)
    assert answer.status < 500, answer
    return answer.status == 200 or answer.code == "NO_ROWS"


def _made(answer: Any) -> str:
    assert answer.status == 200 and not answer.code, answer.body
    return str(answer.elements[0]["Id"])


def _agrees(live: Live) -> None:
    """The metadata of the whole database says what its tables are."""
    assert set(live.rows(_DESCRIBED)) == set(live.rows(_STORED))


def _wait(live: Live, query: str, *, gone: bool = False, unless: Sequence[Any] = ()) -> None:
    """Until the query has rows, or has none; what is in `unless` ends the wait in vain."""
    deadline = time.monotonic() + STUCK
    while bool(rows := live.rows(query)) == gone:
        assert not unless and time.monotonic() < deadline, unless or rows
        time.sleep(0.02)


def test_a_task_worker_killed_in_an_index_job_is_taken_over(expendable: Live, session: str) -> None:
    (connection, *_) = to_each_worker(expendable, session)
    promo = Promo(connection, "PROMO_INDEXED")
    (table, column) = expendable.rows(
        "SELECT e.table_name, f.column_name FROM entities_entityfield f "
        "JOIN entities_entity e ON e.id = f.entity_id WHERE f.id = %s",
        promo.field,
    )[0]
    with psycopg.connect(expendable.database_url) as other:
        other.execute(
            f"INSERT INTO {table} ({column}) SELECT 'C' || n FROM generate_series(1, {MANY}) n"
        )
        other.commit()
        # An index that is built beside the work waits for who is at work with the table.
        other.execute(f"INSERT INTO {table} ({column}) VALUES ('still open')")
        change = {"Id": promo.field, "UniqueField": "1"}
        _made(connection.write("PUT", "ENTITY_FIELD", change))
        with _task_worker(expendable) as worker:
            building = "SELECT pid FROM pg_stat_activity WHERE query ~ '^CREATE UNIQUE INDEX CONC'"
            _wait(expendable, building)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        assert expendable.rows("SELECT status FROM entities_schemajob") == [("BUILDING",)]
        other.commit()
    _wait(expendable, _OTHERS, gone=True)
    with _task_worker(expendable):
        expendable.run(
            "from metabrm.celery import app\napp.send_task('entities.tasks.resume_schema_jobs')"
        )
        _wait(expendable, "SELECT FROM entities_schemajob WHERE status = 'READY'")
    assert expendable.rows(
        "SELECT indisvalid, indisunique FROM pg_index WHERE indrelid = %s::regclass "
        "AND NOT indisprimary",
        table,
    ) == [(True, True)]
    _agrees(expendable)
    # The server has not kept a connection on which nothing was asked for so long.
    (connection, *_) = to_each_worker(expendable, session)
    assert connection.write("POST", promo.name, {"Code": "C1"}).code == "DUPLICATE_KEY"


@contextmanager
def _task_worker(live: Live) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a process group of its own."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "metabrm.celery", "worker"]
    command += ["--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=WARNING"]
    with open(live.log, "ab") as log:
        worker = subprocess.Popen(
            command,
            cwd=ROOT,
            env=live.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
