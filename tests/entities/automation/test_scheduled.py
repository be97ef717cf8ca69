"""Rules that run at set times: once, over everything, whoever runs them and whoever is killed."""

import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from billing.catalog.models import Product
from entities import records
from entities.automation import scheduled
from entities.models.workflow import OutboundMessage, WorkflowRun, WorkflowState
from metabrm import clock
from metabrm.identity.context import Context
from tests.entities.acting import create_one
from tests.entities.automation.making import action, calls, held, rule, sets, ticket
from tests.entities.automation.receiver import subprocess_environment

MORNING = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)
RUN = datetime(2026, 3, 10, 6, 30, tzinfo=UTC)


def daily(name: str = "Daily", **fields: str) -> int:
    """A rule made at six that runs at half past six each day."""
    with clock.frozen(MORNING):
        return rule(name, event="Scheduled", SheduleInterval="DAILY", ExecTime="06:30", **fields)


def run_at(instant: datetime) -> int:
    with clock.frozen(instant):
        return scheduled.run_due()


def tickets(context: Context, count: int, **fields: str) -> list[int]:
    rows = [{"Title": f"t{n}", **fields} for n in range(count)]
    return [o.id or 0 for o in records.create("TICKET", rows, context)]


@pytest.mark.django_db
def test_a_rule_runs_at_its_time_on_what_meets_its_criteria(system: Context) -> None:
    ticket()
    made = daily(Criteria="{!Count} > 1")
    sets(made, Note="'late'")
    (few,) = tickets(system, 1, Count="1")
    (many,) = tickets(system, 1, Count="2")
    assert run_at(RUN - timedelta(seconds=1)) == 0
    assert run_at(RUN) == 1
    assert (held(few, "Note"), held(many, "Note")) == ([None], ["late"])
    state = WorkflowState.objects.get(pk=made)
    assert (state.last_run_time, state.next_run_time) == (RUN, RUN + timedelta(days=1))
    assert run_at(RUN) == 0


@pytest.mark.django_db
def test_runs_that_were_missed_are_made_up_once(system: Context) -> None:
    ticket()
    calls(daily())
    tickets(system, 1)
    late = RUN + timedelta(days=5, hours=1)
    assert run_at(late) == 1
    assert run_at(late) == 0
    assert OutboundMessage.objects.count() == 1
    assert run_at(RUN + timedelta(days=6)) == 1


@pytest.mark.django_db
def test_a_schedule_that_changed_counts_from_then(system: Context) -> None:
    ticket()
    made = daily()
    with clock.frozen(RUN + timedelta(hours=1)):
        (outcome,) = records.update("WORKFLOW_RULE", [{"Id": made, "Description": "x"}], system)
        assert outcome.ok
        assert WorkflowState.objects.get(pk=made).next_run_time == RUN
        (outcome,) = records.update("WORKFLOW_RULE", [{"Id": made, "ExecTime": "05:00"}], system)
        assert outcome.ok
    assert WorkflowState.objects.get(pk=made).next_run_time == datetime(2026, 3, 11, 5, tzinfo=UTC)
    off = {"Id": made, "Status": "DEACTIVATED"}
    assert records.update("WORKFLOW_RULE", [off], system)[0].ok
    assert run_at(RUN + timedelta(days=9)) == 0


@pytest.mark.django_db
def test_its_time_is_that_of_its_zone(system: Context) -> None:
    from metabrm.localization.models import TimeZone

    ticket()
    zone = TimeZone.objects.get(name="America/New_York")
    made = daily(TimeZoneId=str(zone.pk))
    due = WorkflowState.objects.get(pk=made).next_run_time
    assert due == datetime(2026, 3, 10, 10, 30, tzinfo=UTC)


@pytest.mark.django_db
def test_a_record_that_fails_is_noted_and_harms_no_neighbour(system: Context) -> None:
    ticket()
    made = daily()
    sets(made, Note=f"IF({{!Title}} = 't1', '{'x' * 101}', 'seen')")
    first, second, third = tickets(system, 3)
    assert run_at(RUN) == 1
    assert [held(i, "Note") for i in (first, second, third)] == [["seen"], [None], ["seen"]]
    failed = WorkflowRun.objects.get(status="FAILED")
    assert failed.record_id == second
    assert "'Daily'" in (failed.message or "")


@pytest.mark.django_db
def test_of_many_that_fail_alike_the_first_are_noted(
    system: Context, django_capture_on_commit_callbacks: Any
) -> None:
    ticket()
    made = daily()
    sets(made, Note=f"'{'x' * 101}'")
    ids = tickets(system, scheduled.NOTED + 3)
    with django_capture_on_commit_callbacks(execute=True):
        assert run_at(RUN) == 1
    noted = WorkflowRun.objects.filter(status="FAILED").order_by("record_id")
    assert [run.record_id for run in noted] == ids[: scheduled.NOTED]
    messages = [run.message or "" for run in noted]
    assert messages[-1] == f"{messages[0]} So it was with 3 more."
    assert WorkflowState.objects.get(pk=made).failed_actions == len(ids)


@pytest.mark.django_db
def test_a_rule_that_can_t_be_applied_holds_up_no_other(
    system: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket()
    broken = daily("Broken")
    calls(daily("Fine"))
    tickets(system, 1)
    real = scheduled._ids

    def failing(snapshot: object, rule: scheduled.Rule, after: int) -> list[int]:
        if rule.id == broken:
            raise RuntimeError
        return real(snapshot, rule, after)  # type: ignore[arg-type]

    monkeypatch.setattr(scheduled, "_ids", failing)
    assert run_at(RUN) == 1
    assert OutboundMessage.objects.count() == 1
    assert WorkflowState.objects.get(pk=broken).next_run_time == RUN


@pytest.mark.django_db
def test_portions_follow_each_other_and_leave_nothing_out(
    system: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled, "PORTION", 3)
    ticket()
    calls(daily())
    ids = tickets(system, 7)
    assert run_at(RUN) == 3
    sent = OutboundMessage.objects.order_by("id").values_list("record_id", flat=True)
    assert list(sent) == ids


@pytest.mark.django_db
def test_who_dies_in_a_portion_leaves_nothing_half_and_loses_nothing(
    system: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed worker's transaction is undone; here an error ends it at the worst moment."""
    monkeypatch.setattr(scheduled, "PORTION", 3)
    ticket()
    calls(daily())
    ids = tickets(system, 7)
    real, calls_made = scheduled._next, []

    def dying(*args: object) -> datetime:
        calls_made.append(args)
        raise SystemExit

    monkeypatch.setattr(scheduled, "_next", dying)
    with pytest.raises(SystemExit):
        run_at(RUN)
    assert calls_made
    assert OutboundMessage.objects.count() == 6
    monkeypatch.setattr(scheduled, "_next", real)
    assert run_at(RUN) == 1
    sent = OutboundMessage.objects.order_by("id").values_list("record_id", flat=True)
    assert list(sent) == ids


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_run_a_rule_once(system: Context) -> None:
    calls(daily(entity="PRODUCT"))
    for n in range(5):
        create_one("PRODUCT", system, Name=f"p{n}")
    barrier = threading.Barrier(2)
    portions: list[int] = []

    def work() -> None:
        barrier.wait()
        try:
            portions.append(run_at(RUN))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(portions) == [0, 1]
    assert OutboundMessage.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_nothing_half_and_loses_nothing(system: Context) -> None:
    """It is killed when it has put its messages and waits for a record that is locked."""
    made = daily(entity="PRODUCT")
    calls(made, ExecOrder=1)
    action(made, "SET_FIELDS", ExecOrder=2, FieldFormulas={"Name": "{!Name} || '!'"})
    ids = [create_one("PRODUCT", system, Name=f"p{n}") for n in range(3)]
    WorkflowState.objects.filter(pk=made).update(next_run_time=clock.now())
    with transaction.atomic():
        Product.objects.select_for_update().get(pk=ids[1])
        worker = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import django; django.setup(); from entities.automation import scheduled;"
                " scheduled.run_due()",
            ],
            env=subprocess_environment(),
        )
        for _ in range(600):
            if _waiting_for_a_lock():
                break
            time.sleep(0.1)
        assert _waiting_for_a_lock()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        # The server notices that its client is gone once the lock is free.
    for _ in range(600):
        if not _others():
            break
        time.sleep(0.1)
    assert OutboundMessage.objects.count() == 0
    assert scheduled.run_due() == 1
    sent = OutboundMessage.objects.order_by("id").values_list("record_id", flat=True)
    assert list(sent) == ids
    assert set(Product.objects.values_list("name", flat=True)) == {"p0!", "p1!", "p2!"}


def _waiting_for_a_lock() -> bool:
    return _found("pg_locks WHERE NOT granted")


def _others() -> bool:
    return _found(
        "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND state <> 'idle'"
    )


def _found(rows: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {rows}")
        return cursor.fetchone() is not None


@pytest.mark.django_db
def test_only_live_records_are_looked_at(system: Context) -> None:
    ticket()
    calls(daily())
    first, second = tickets(system, 2)
    assert records.delete("TICKET", [first], system)[0].ok
    assert run_at(RUN) == 1
    assert OutboundMessage.objects.get().record_id == second
    create_one("TICKET", system, Title="later")
