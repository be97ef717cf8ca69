"""Log lines: one whole JSON object per event, with no way to write one's own, and no values."""

import logging
import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection
from django.test import Client

from metabrm.observability import facts, logs, tracebacks
from tests.observing import logged

NASTY = 'a\nb\r\n{"event":"forged"}\x1b[31m\u2028\u202eend'


def test_a_request_is_one_line(client: Client) -> None:
    with logged() as seen:
        answer = client.get("/rest/2.0/errors?sql=hunter2", headers={"X-Request-Id": "req-17"})
    (line,) = seen.lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("timestamp"))
    assert line.pop("ms") >= 0
    assert line == {
        "level": "info",
        "logger": "metabrm.request",
        "event": "request",
        "request_id": "req-17",
        "method": "GET",
        "path": "/rest/2.0/errors",
        "status": 200,
        "verb": "errors",
    }
    assert answer.headers["X-Request-Id"] == "req-17"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("9f2c-4be1", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("a b", False),
        ("a\nb", False),
        ('"}', False),
        ("ä", False),
    ],
)
def test_the_request_id_is_the_caller_s_when_it_is_sane(
    client: Client, sent: str, kept: bool
) -> None:
    with logged() as seen:
        answer = client.get("/rest/2.0/nothing/at/all/here/x", headers={"X-Request-Id": sent})
    (line,) = seen.of("request")
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["request_id"] == sent) is kept
    assert re.fullmatch(r"[A-Za-z0-9._:/=+-]{1,64}", line["request_id"])


@pytest.mark.parametrize(
    ("path", "level"), [("/health/live", "DEBUG"), ("/metrics", "DEBUG"), ("/nowhere", "INFO")]
)
def test_what_machines_ask_all_the_time_is_told_on_demand(
    client: Client, path: str, level: str
) -> None:
    for shown in ("INFO", "DEBUG"):
        with logged(level=getattr(logging, shown)) as seen:
            client.get(path)
        assert len(seen.of("request")) == (shown == "DEBUG" or level == "INFO")


def test_nobody_writes_lines_of_his_own(client: Client) -> None:
    log = logging.getLogger("metabrm.test")
    with logged() as seen:
        log.info("said %s", NASTY)
        logs.tell("metabrm.test", logging.INFO, "event", {"name": NASTY})
        log.info("more", extra={logs.TOLD: {"name": NASTY}})
        client.get("/nowhere/%0A%7B%22event%22:%22forged%22%7D%E2%80%A8")
    assert len(seen.text.split("\n")) == 5
    assert not seen.of("forged")
    assert [line.get("name") for line in seen.lines][1:3] == [NASTY, NASTY]


def test_nor_steers_a_terminal(client: Client) -> None:
    with logged("console") as seen:
        logging.getLogger("metabrm.test").info("said %s", NASTY)
        logs.tell("metabrm.test", logging.INFO, "event", {"name": NASTY})
        client.get("/nowhere/%0Aforged%1B[31m")
    assert len(seen.text.splitlines()) == 3
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u202e]", seen.text)
    assert r"\nb\r\n" in seen.text


def test_half_a_character_is_no_reason_to_be_silent() -> None:
    with logged() as seen:
        logs.tell("metabrm.test", logging.INFO, "event", {"name": "\ud800"})
    assert len(seen.lines) == 1


def test_what_others_hang_on_a_record_is_not_told() -> None:
    with logged() as seen:
        logging.getLogger("django.template").error("no", extra={"request": "GET ?sql=hunter2"})
    assert "hunter2" not in seen.text
    assert seen.lines[0]["event"] == "no"


def test_lines_inside_a_request_carry_its_id() -> None:
    _, token = facts.begin("req-18")
    try:
        with logged() as seen:
            logging.getLogger("entities.anything").warning("look")
    finally:
        facts.end(token)
    assert seen.lines[0]["request_id"] == "req-18"


def raised(make: Callable[[], Any]) -> Exception:
    try:
        make()
    except Exception as error:
        return error
    raise AssertionError


def chained() -> None:
    try:
        int("hunter2")
    except ValueError as error:
        raise RuntimeError("no such customer: 'Ada Lovelace'") from error


@pytest.mark.parametrize(
    ("make", "kinds"),
    [
        (lambda: int("hunter2"), ["ValueError"]),
        (lambda: {}["hunter2"], ["KeyError"]),
        (chained, ["ValueError", "RuntimeError"]),
        (lambda: "x".encode("ascii") and b"\xff".decode(), ["UnicodeDecodeError"]),
    ],
)
def test_errors_are_told_without_values(make: Callable[[], Any], kinds: list[str]) -> None:
    with logged() as seen:
        logging.getLogger("metabrm.test").error("failed", exc_info=raised(make))
    (line,) = seen.lines
    assert "hunter2" not in line["exception"].replace('int("hunter2")', "").replace(
        '["hunter2"]', ""
    )
    assert "Ada Lovelace'" not in line["exception"].split("RuntimeError: ")[-1]
    assert re.findall(r"^(\w+Error)", line["exception"], re.MULTILINE) == kinds
    assert "test_logs.py" in line["exception"]


def test_names_of_the_program_are_told() -> None:
    error = raised(lambda: object().colour)  # type: ignore[attr-defined]
    assert tracebacks.message(error) == "AttributeError: 'object' object has no attribute 'colour'"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "value", "kind", "says"),
    [
        (
            "INSERT INTO metabrm_seen VALUES (%s), (%s)",
            "Ada Lovelace",
            IntegrityError,
            ["UniqueViolation: 23505", "table metabrm_seen", "constraint metabrm_seen_pkey"],
        ),
        ("SELECT %s::int + %s::int", "hunter2", DatabaseError, ["22P02", "invalid input syntax"]),
    ],
)
def test_a_database_error_names_tables_and_no_rows(
    statement: str, value: str, kind: type[Exception], says: list[str]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE metabrm_seen (name text PRIMARY KEY)")
        error = raised(lambda: cursor.execute(statement, [value, value]))
    assert isinstance(error, kind)
    assert isinstance(error.__cause__, psycopg.Error)
    assert value in str(error)
    with logged() as seen:
        logging.getLogger("metabrm.test").error("failed", exc_info=error)
    assert value not in seen.text
    for text in says:
        assert text in seen.lines[0]["exception"]
