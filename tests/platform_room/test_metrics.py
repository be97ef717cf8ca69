"""/metrics: closed unless opened, whole over many processes, and cheap."""

import os
import re
import subprocess
import sys
import time
import timeit
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from celery import Celery, signals
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from metabrm import environment
from metabrm.environment import Environment
from metabrm.observability import exposing, facts, heart, metrics, tasks
from metabrm.web import addresses
from tests.observing import logged

TOKEN = "a-token-of-32-characters-or-more"
TEN = ip_network("10.0.0.0/8")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`opened` is open by token."""
    with _environment(monkeypatch, metrics_token=TOKEN):
        yield


def _environment(monkeypatch: pytest.MonkeyPatch, **changes: object) -> pytest.MonkeyPatch.context:
    env: Environment = replace(environment.current(), **changes)  # type: ignore[arg-type]
    context = monkeypatch.context()
    for module in (exposing, addresses):
        monkeypatch.setattr(module.environment, "current", lambda: env)
    return context


def samples(text: str) -> dict[tuple[str, ...], float]:
    """(name, label values in order of their names) -> value."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("settings", "headers", "address", "status"),
    [
        ({}, {}, "127.0.0.1", 403),
        ({}, {"Authorization": f"Bearer {TOKEN}"}, "127.0.0.1", 403),
        ({}, {"Authorization": "Bearer "}, "127.0.0.1", 403),
        ({"metrics_token": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}, "10.0.0.9", 200),
        ({"metrics_token": TOKEN}, {"Authorization": f"bearer  {TOKEN}"}, "10.0.0.9", 200),
        ({"metrics_token": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}, "127.0.0.1", 403),
        ({"metrics_token": TOKEN}, {"Authorization": TOKEN}, "127.0.0.1", 403),
        ({"metrics_token": TOKEN}, {"Authorization": "Bearer ä"}, "127.0.0.1", 403),
        ({"metrics_token": TOKEN}, {}, "127.0.0.1", 403),
        ({"metrics_networks": (TEN,)}, {}, "10.0.0.9", 200),
        ({"metrics_networks": (TEN,)}, {}, "::ffff:10.0.0.9", 200),
        ({"metrics_networks": (TEN,)}, {}, "11.0.0.9", 403),
        ({"metrics_networks": (TEN,)}, {}, "", 403),
        ({"metrics_networks": (TEN,)}, {}, "unix:", 403),
        (
            {"metrics_networks": (TEN,)},
            {"X-Forwarded-For": "8.8.8.8"},
            "10.0.0.9",
            403,
        ),
        ({"metrics_networks": (TEN,)}, {"Forwarded": "for=8.8.8.8"}, "10.0.0.9", 403),
        (
            {"metrics_networks": (TEN,)},
            {"X-Forwarded-For": "10.0.0.7"},
            "8.8.8.8",
            403,
        ),
    ],
)
@pytest.mark.django_db
def test_only_who_may_reads_metrics(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, object],
    headers: dict[str, str],
    address: str,
    status: int,
) -> None:
    with _environment(monkeypatch, **settings):
        answer = client.get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert answer.status_code == status
    if status == 403:
        assert b"metabrm_" not in answer.content
        assert b"BRM_METRICS_TOKEN" in answer.content


def read(client: Client) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return samples(answer.content.decode())


@pytest.mark.django_db
def test_requests_are_counted(client: Client, opened: None) -> None:
    key = ("metabrm_requests_total", "", "404", "")
    before = read(client)
    for _ in range(3):
        client.get("/rest/2.0/a/b/c/d/e/f")
    after = read(client)
    assert after[key] - before.get(key, 0) == 3
    errors = ("metabrm_errors_total", "UNKNOWN_ADDRESS")
    assert after[errors] - before.get(errors, 0) == 3
    took = ("metabrm_request_seconds_count", "")
    assert after[took] - before.get(took, 0) >= 3


@pytest.mark.django_db
def test_names_that_callers_invent_make_no_series(client: Client, opened: None) -> None:
    before = set(read(client))
    for n in range(20):
        client.get(f"/rest/2.0/INVENTED_{n}/1")
        client.post(f"/rest/2.0/made_up_{n}", b"{}", content_type="application/json")
        client.generic(f"BREW{n}", f"/nowhere/{n}")
    new = set(read(client)) - before
    assert not [key for key in new if re.search("INVENTED|made_up|BREW|nowhere", str(key), re.I)]
    assert len(new) < 40


def test_the_numbers_of_all_processes_are_added_up(tmp_path: Path) -> None:
    program = (
        "import sys; from metabrm.observability import metrics, facts\n"
        "known = facts.Facts(); known.entity = 'ACCOUNT'; known.verb = 'create'; known.rows = 2\n"
        "[metrics.count_request(known, 200, 1_000_000) for _ in range(10)]\n"
        "metrics.serves(7, 1.0)\n"
        "print(metrics.directory()); sys.stdin.read()"
    )
    held = {"BRM_STATE_DIR": str(tmp_path), "BRM_SECRET_KEY": "x" * 40}
    variables = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"} | held
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        place = worker.stdout.readline().strip()
    scrape = (
        "from metabrm.observability import metrics, exposing\n"
        "from prometheus_client import CollectorRegistry, generate_latest\n"
        "from prometheus_client.multiprocess import MultiProcessCollector\n"
        "metrics.forget_the_dead(); registry = CollectorRegistry()\n"
        "MultiProcessCollector(registry, str(metrics.directory()))\n"
        "print(generate_latest(registry).decode())"
    )

    def scraped() -> dict[tuple[str, ...], float]:
        done = subprocess.run(
            [sys.executable, "-c", scrape], env=variables, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return samples(done.stdout)

    found = scraped()
    assert found[("metabrm_requests_total", "ACCOUNT", "200", "create")] == 20
    assert found[("metabrm_records_total", "ACCOUNT", "written", "create")] == 40
    served = [key for key in found if key[0] == "metabrm_schema_version"]
    assert {key[1] for key in served} == {str(worker.pid) for worker in workers}
    workers[0].communicate("")
    found = scraped()
    # What was counted stays counted; who is gone serves nothing any more.
    assert found[("metabrm_requests_total", "ACCOUNT", "200", "create")] == 20
    assert [key[1] for key in found if key[0] == "metabrm_schema_version"] == [str(workers[1].pid)]
    workers[1].communicate("")
    assert place == str(tmp_path / "metrics")


@pytest.mark.django_db
def test_the_house_is_asked_at_each_scrape(client: Client, opened: None) -> None:
    heart.client().delete(heart.SCHEDULER, heart.WORKER)
    assert ("metabrm_seen_seconds", "scheduler") not in read(client)
    heart.beat(heart.SCHEDULER)
    heart.client().set(heart.WORKER, repr(time.time() - 90))
    found = read(client)
    assert found[("metabrm_up", "database")] == found[("metabrm_up", "valkey")] == 1
    assert 0 <= found[("metabrm_seen_seconds", "scheduler")] < 30
    assert 90 <= found[("metabrm_seen_seconds", "worker")] < 120
    assert found[("metabrm_queue_length", "celery")] >= 0
    assert found[("metabrm_jobs", "SchemaJob", "waiting")] == 0
    assert found[("metabrm_outbox_waiting",)] == found[("metabrm_outbox_oldest_seconds",)] == 0
    assert found[("metabrm_database_schema_version",)] > 0


@pytest.mark.django_db
def test_a_part_that_is_down_is_told_and_hides_nothing_else(
    client: Client, opened: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(exposing, "_database", refuse)
    found = read(client)
    assert (found[("metabrm_up", "database")], found[("metabrm_up", "valkey")]) == (0, 1)
    # Who would wait for the database is not asked: the scrape would come too late.
    assert ("metabrm_outbox_waiting",) not in found


@pytest.mark.django_db
def test_valkey_alone_is_down(
    client: Client, opened: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(exposing, "_valkey", refuse)
    found = read(client)
    assert found[("metabrm_up", "valkey")] == 0
    assert found[("metabrm_up", "database")] == 1
    assert ("metabrm_outbox_waiting",) in found


def test_a_task_is_counted_told_and_carries_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Celery("probe", broker="memory://", backend="cache+memory://")
    app.conf.task_always_eager = True
    told: list[str] = []

    @app.task(name="probe.work")
    def work(fails: bool) -> None:
        told.append(facts.facts().request_id)
        if fails:
            raise ValueError("no such customer: 'Ada Lovelace'")

    headers: dict[str, object] = {}
    _, token = facts.begin("req-19")
    signals.before_task_publish.send(sender="probe.work", headers=headers, body=())
    facts.end(token)
    with logged() as seen:
        work.apply(args=[False], headers=headers)
        work.apply(args=[True], task_id="a-task-id")
    assert told == ["req-19", "a-task-id"]
    first, second = seen.of("task")
    assert (first["task"], first["outcome"], first["request_id"]) == (
        "probe.work",
        "success",
        "req-19",
    )
    assert first["ms"] >= 0
    assert (second["outcome"], second["task_id"]) == ("failure", "a-task-id")
    (failed,) = seen.of("task failed: probe.work")
    assert failed["level"] == "error" and "ValueError" in failed["exception"]
    assert "Ada Lovelace" not in seen.text.replace("no such customer: 'Ada Lovelace'\\\")", "")
    assert tasks.log.name == "metabrm.task"
    assert facts.known() is None


def test_counting_a_request_costs_microseconds() -> None:
    known = facts.Facts()
    known.entity, known.verb, known.rows = "ACCOUNT", "create", 1
    number = 500
    taken = min(
        timeit.repeat(
            lambda: metrics.count_request(known, 200, 700_000),
            timer=time.thread_time,
            number=number,
            repeat=5,
        )
    )
    assert taken / number < 30e-6
