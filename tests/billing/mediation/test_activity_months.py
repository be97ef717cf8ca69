"""ACTIVITY is kept in months: made ahead or when needed, taken out for archiving, and put back."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from threading import Barrier, Thread
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from billing.mediation import partitions, tasks
from entities import records
from entities.access import rights
from entities.query import query
from entities.records import statements
from entities.schema.current import current
from metabrm import clock, cutting, months
from metabrm.identity.context import Context
from metabrm.problems import Problem
from tests.entities.acting import codes, create_one
from tests.factories import AccountFactory, ActivityFactory, InvoiceFactory

SYSTEM = Context.system("test")
#: No month around this one is there from the beginning.
THEN = datetime(2037, 5, 10, tzinfo=UTC)
MAY = date(2037, 5, 1)


@pytest.fixture
def in_2037(db: None) -> Iterator[None]:
    with clock.frozen(THEN):
        yield


def lies_in(*ids: int) -> list[str]:
    """The tables that the lines lie in, without their common beginning."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM mediation_activity WHERE id = ANY(%s) "
            "ORDER BY array_position(%s::bigint[], id)",
            [list(ids), list(ids)],
        )
        return [name.removeprefix("mediation_activity_") for (name,) in cursor.fetchall()]


def asked(text: str) -> list[dict[str, str]]:
    """The records that a query answers."""
    rows: list[dict[str, str]] = orjson.loads(query(text, SYSTEM).json)
    return rows


def dated(condition: str) -> list[str]:
    """Ids of the lines that fulfil a condition of the query language, in order."""
    rows = asked(f"SELECT Id FROM ACTIVITY WHERE {condition} ORDER BY Id")
    return [row["Id"] for row in rows]


def actions(record_id: int) -> list[str]:
    rows = asked(
        f"SELECT Action FROM AUDIT_LOG WHERE EntityName = 'ACTIVITY' AND RecordId = {record_id} "
        f"ORDER BY Id"
    )
    return [row["Action"] for row in rows]


def test_a_line_of_any_date_can_be_written_moved_and_found(in_2037: None) -> None:
    partitions.ensure_months(date(2037, 4, 30), date(2037, 5, 1))
    account = AccountFactory()
    old, new, here = (
        ActivityFactory(AccountId=account, ActivityDate=day)
        for day in ("1990-01-01", "2099-12-31 23:59:59", "2037-04-30 23:59:59")
    )
    assert lies_in(old, new, here) == ["default", "default", "y2037m04"]
    assert dated(f"AccountId = {account} AND ActivityDate < '2000-01-01'") == [str(old)]
    (moved,) = records.update("ACTIVITY", [{"Id": old, "ActivityDate": "2037-05-01"}], SYSTEM)
    assert moved.ok
    assert lies_in(old, new, here) == ["y2037m05", "default", "y2037m04"]
    assert dated(f"AccountId = {account}") == [str(old), str(new), str(here)]
    paged = f"SELECT Id FROM ACTIVITY WHERE AccountId = {account}"
    assert asked(f"{paged} AND ROWNUM <= 1 ORDER BY Id") == [{"Id": str(old)}]
    assert asked(f"{paged} ORDER BY Id OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY") == [{"Id": str(new)}]
    many = records.create(
        "ACTIVITY",
        [{"AccountId": account, "ActivityDate": f"2037-0{m}-01"} for m in (4, 5, 6, 7) * 5],
        SYSTEM,
    )
    assert sorted(set(lies_in(*(o.id or 0 for o in many)))) == ["default", "y2037m04", "y2037m05"]


def test_a_line_that_is_moved_while_it_is_looked_for_is_found(
    in_2037: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ActivityFactory(ActivityDate="2037-05-02")
    schema = current().entity("ACTIVITY")
    span = statements.within(schema, [line])
    assert span == (
        "AND t.\"activity_date\" BETWEEN '2037-05-02 00:00:00+00'::timestamptz "
        "AND '2037-05-02 00:00:00+00'::timestamptz"
    )
    assert statements.within(schema, [0]) == ""
    records.update("ACTIVITY", [{"Id": line, "ActivityDate": "2037-06-02"}], SYSTEM)
    monkeypatch.setattr(statements, "within", lambda *_: span)
    granted = rights(current(), SYSTEM, schema)
    found = statements.lock(schema, [line], ["quantity"], granted, strength="UPDATE")
    assert list(found) == [line]


def test_the_history_tells_changes_and_removals_and_not_that_a_line_was_made(
    in_2037: None,
) -> None:
    partitions.ensure_months(MAY, MAY)
    line = ActivityFactory(ActivityDate="2037-05-02")
    assert actions(line) == []
    records.update("ACTIVITY", [{"Id": line, "Quantity": "2"}], SYSTEM)
    records.update("ACTIVITY", [{"Id": line, "ActivityDate": "2037-08-02"}], SYSTEM)
    records.delete("ACTIVITY", [line], SYSTEM)
    records.undelete("ACTIVITY", [line], SYSTEM)
    records.delete("ACTIVITY", [line], SYSTEM, permanently=True)
    assert actions(line) == ["UPDATE", "UPDATE", "DELETE", "UNDELETE", "PURGE"]


def test_switching_the_history_off_and_on_leaves_it_as_it_was(in_2037: None) -> None:
    entity = dict(asked("SELECT Id FROM ENTITY WHERE EntityName = 'ACTIVITY'")[0])
    for flag in ("0", "1"):
        (switched,) = records.update("ENTITY", [entity | {"HistoryFlag": flag}], SYSTEM)
        assert switched.ok
    line = ActivityFactory()
    records.delete("ACTIVITY", [line], SYSTEM)
    assert actions(line) == ["DELETE"]


def test_a_month_that_is_made_takes_its_lines_from_where_they_lay(in_2037: None) -> None:
    lines = [
        ActivityFactory(ActivityDate=d) for d in ("2037-05-01", "2037-05-31 23:59", "2037-06-01")
    ]
    records.delete("ACTIVITY", lines[1:2], SYSTEM)
    assert set(lies_in(*lines)) == {"default"}
    assert partitions.ensure_months(MAY, date(2037, 5, 31)) == [MAY]
    assert lies_in(*lines) == ["y2037m05", "y2037m05", "default"]
    assert actions(lines[0]) == []
    assert partitions.ensure_months(MAY, date(2037, 5, 31)) == []


def test_months_far_off_are_made_for_nobody_but_who_asks_for_one(in_2037: None) -> None:
    assert partitions.ensure_months_of([date(1990, 1, 1), date(2099, 1, 1), MAY]) == [MAY]
    assert partitions.create(date(1990, 1, 1))
    assert not partitions.create(date(1990, 1, 1))
    line = ActivityFactory(ActivityDate="1990-01-31")
    assert lies_in(line) == ["y1990m01"]


def test_the_coming_months_are_made_ahead(in_2037: None) -> None:
    tasks.keep_activity_months()
    there = [m.first for m in months.known(partitions.TABLE) if m.first >= MAY]
    assert there == [date(2037, m, 1) for m in (5, 6, 7, 8)]


def test_a_month_with_lines_that_are_not_settled_stays(in_2037: None) -> None:
    partitions.ensure_months(MAY, MAY)
    invoice = InvoiceFactory()
    line = ActivityFactory(ActivityDate="2037-05-02", InvoiceId=invoice)
    loose = ActivityFactory(ActivityDate="2037-05-02")
    with pytest.raises(Problem) as refused:
        partitions.detach(MAY)
    assert str(refused.value).splitlines() == [
        f"mediation_activity_y2037m05 stays: 1 lines stand on invoices that are not CLOSED, such "
        f"as INVOICE {invoice}",
        f"mediation_activity_y2037m05 stays: 1 lines stand on no invoice yet, such as ACTIVITY "
        f"{loose}; give --unbilled if none is to come",
    ]
    with pytest.raises(Problem, match="not CLOSED"):
        partitions.detach(MAY, unbilled=True)
    records.delete("ACTIVITY", [loose], SYSTEM)
    records.update("INVOICE", [{"Id": invoice, "Status": "CLOSED"}], SYSTEM)
    assert partitions.detach(MAY) == "mediation_activity_y2037m05"
    assert lies_in(line, loose) == []


def test_a_month_comes_back_as_the_table_is_by_then(in_2037: None) -> None:
    partitions.ensure_months(MAY, MAY)
    line = ActivityFactory(ActivityDate="2037-05-02")
    partitions.detach(MAY, unbilled=True)
    assert records.update("ACTIVITY", [{"Id": line, "Quantity": "2"}], SYSTEM)[0].problems
    entity = asked("SELECT Id FROM ENTITY WHERE EntityName = 'ACTIVITY'")[0]["Id"]
    create_one("ENTITY_FIELD", SYSTEM, EntityId=entity, FieldName="CallId", DataType="TEXT")
    # What comes meanwhile lies elsewhere, for the month is not made anew.
    assert partitions.ensure_months(MAY, MAY) == []
    late = ActivityFactory(ActivityDate="2037-05-03", CallId="late")
    assert lies_in(late) == ["default"]
    partitions.attach(MAY)
    assert lies_in(line, late) == ["y2037m05", "y2037m05"]
    (changed,) = records.update("ACTIVITY", [{"Id": line, "CallId": "early"}], SYSTEM)
    assert changed.ok
    # Its lookups are guarded again.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated "
            "AND conrelid = 'mediation_activity_y2037m05'::regclass"
        )
        assert cursor.fetchone()[0] == 1
    for action, told in ((partitions.attach, "is a part of"), (partitions.detach, "stays")):
        with pytest.raises(Problem, match=told):
            action(MAY)
    partitions.detach(MAY, unbilled=True)
    with pytest.raises(Problem, match="taken out of mediation_activity already"):
        partitions.detach(MAY)
    with pytest.raises(Problem, match="has no month 2037-06"):
        partitions.attach(date(2037, 6, 1))


def test_a_month_whose_accounts_are_gone_stays_out(in_2037: None) -> None:
    partitions.ensure_months(MAY, MAY)
    account = AccountFactory()
    ActivityFactory(AccountId=account, ActivityDate="2037-05-02")
    assert codes(records.delete("ACCOUNT", [account], SYSTEM, permanently=True)) == [
        ["RECORD_IN_USE"]
    ]
    partitions.detach(MAY, unbilled=True)
    assert records.delete("ACCOUNT", [account], SYSTEM, permanently=True)[0].ok
    with pytest.raises(Problem) as refused:
        partitions.attach(MAY)
    assert str(refused.value) == (
        f"mediation_activity_y2037m05 stays out: 1 lines have no account any more, such as that "
        f"with Id {account}"
    )
    assert months.known(partitions.TABLE)[-1].attached is False


def test_operators_see_and_say_it_by_a_command(
    in_2037: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> str:
        call_command("activity_months", *words)
        return str(capsys.readouterr().out)

    assert told("create") == "Made 2037-05, 2037-06, 2037-07, 2037-08.\n"
    assert told("create", "2037-05") == "2037-05 was there.\n"
    ActivityFactory(ActivityDate="2099-01-01")
    assert "it is the table mediation_activity_y2037m05 now." in told("detach", "2037-05")
    listed = told("list").splitlines()
    assert [line.split()[0] for line in listed if "taken out" in line] == ["2037-05"]
    assert listed[-1] == "1 lines of no month of these"
    assert told("attach", "2037-05") == "2037-05 is back.\n"
    for wrong in ("May", "2037-13", "0001-01", "2037-05-01"):
        with pytest.raises(Problem, match="write it as 2026-11"):
            call_command("activity_months", "detach", wrong)


@pytest.fixture
def no_2037(transactional_db: None) -> Iterator[None]:
    with clock.frozen(THEN):
        yield
    with connection.cursor() as cursor:
        for month in months.known(partitions.TABLE):
            if month.first.year == 2037:
                cursor.execute(f'DROP TABLE "{month.table}"')


def test_two_who_need_a_month_at_once_both_get_it(
    no_2037: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[date] = []
    refused: list[date] = []
    start = Barrier(2)

    def need() -> None:
        try:
            with clock.frozen(THEN):
                start.wait()
                made.extend(partitions.ensure_months(MAY, MAY))
        finally:
            connection.close()

    both = [Thread(target=need) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert made == [MAY]
    # Somebody who has read all months stops nobody: the line lies elsewhere.
    monkeypatch.setattr(months, "_TRIES", 1)
    account = AccountFactory()
    with transaction.atomic():
        ActivityFactory(AccountId=account, ActivityDate="2037-06-01")

        def try_it() -> None:
            try:
                with clock.frozen(THEN):
                    made.extend(partitions.ensure_months(date(2037, 6, 1), date(2037, 6, 1)))
                    with pytest.raises(months.InUse, match="try again when it is over"):
                        partitions.detach(MAY)
                    refused.append(MAY)
            finally:
                connection.close()

        other = Thread(target=try_it)
        other.start()
        other.join()
    assert (made, refused) == ([MAY], [MAY])
    assert partitions.ensure_months(date(2037, 6, 1), date(2037, 6, 1)) == [date(2037, 6, 1)]
    assert dated(f"AccountId = {account}") and dated("ActivityDate >= '2037-06-01'")


def _plain(cursor: Any) -> None:
    """A table as it was before, with rows, a column that was dropped and one who points to it."""
    cursor.execute(
        """
        CREATE TABLE plain (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, gone text,
            at timestamptz NOT NULL, note varchar(20) DEFAULT 'x',
            account_id bigint REFERENCES customers_account DEFERRABLE INITIALLY DEFERRED,
            deleted_at timestamptz, CONSTRAINT plain_note CHECK (note <> ''));
        ALTER TABLE plain DROP COLUMN gone;
        CREATE INDEX plain_by_note ON plain (note) WHERE note IS NOT NULL;
        CREATE TABLE pointing (plain_id bigint REFERENCES plain DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER metabrm_audit_delete AFTER DELETE ON plain REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION metabrm_audit_delete('987654321', '{}');
        INSERT INTO plain (id, at) VALUES (3, '2037-05-31 23:59:59+00'), (4, '2037-05-01+00'),
            (5, '1990-01-01'), (6, '2099-01-01'), (7, '2037-06-01 00:00:00+02');
        SELECT setval('plain_id_seq', 41);
        """
    )


def test_a_table_with_rows_becomes_one_of_months(in_2037: None) -> None:
    with connection.cursor() as cursor:
        _plain(cursor)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cutting.cut_up(cursor, "plain", "at", ahead=1)
        cursor.execute("SELECT id, tableoid::regclass::text FROM plain ORDER BY id")
        assert cursor.fetchall() == [
            (3, "plain_y2037m05"),
            (4, "plain_y2037m05"),
            (5, "plain_default"),
            (6, "plain_default"),
            (7, "plain_y2037m05"),
        ]
        assert [m.table for m in months.known("plain")] == ["plain_y2037m05", "plain_y2037m06"]
        cursor.execute("INSERT INTO plain (at) VALUES ('2037-06-01+00') RETURNING id, note")
        assert cursor.fetchone() == (42, "x")
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'plain'::regclass "
            "AND contype <> 'n' ORDER BY 1"
        )
        assert [name for (name,) in cursor.fetchall()] == [
            "plain_account_id_fkey",
            "plain_note",
            "plain_pkey",
        ]
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'plain' ORDER BY 1")
        assert [name for (name,) in cursor.fetchall()] == ["plain_by_note", "plain_pkey"]
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'plain_pkey'"
        )
        assert cursor.fetchone() == ("PRIMARY KEY (id, at)",)
        cursor.execute("DELETE FROM plain WHERE id IN (3, 5)")
        cursor.execute(
            "SELECT record_id FROM entities_auditlog WHERE entity_id = 987654321 ORDER BY 1"
        )
        assert cursor.fetchall() == [(3,), (5,)]


def test_a_unique_key_that_months_can_not_keep_is_told_before_anything_is_done(
    in_2037: None,
) -> None:
    with connection.cursor() as cursor:
        _plain(cursor)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("CREATE UNIQUE INDEX plain_key ON plain (note, id)")
        cursor.execute("CREATE UNIQUE INDEX plain_fine ON plain (note, at)")
        with pytest.raises(Problem, match=r"contain at; let go .*: plain_key$"):
            cutting.cut_up(cursor, "plain", "at")
        assert months.known("plain") == []
