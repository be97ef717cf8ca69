"""What a request's line tells, and that no value of a record and no secret is ever in it."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client

from entities import query
from metabrm import environment
from metabrm.identity import services, tokens
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User
from metabrm.observability import facts, slow
from tests.observing import logged

PASSWORD = "correct-horse-battery-7"
VALUE = "Ada Lovelace"


@pytest.fixture
def user(db: None) -> User:
    role = Role.objects.create(name="Line readers", administrator_flag=True)
    made = User(username="liner", role=role)
    made.set_password(PASSWORD)
    made.save()
    return made


@pytest.fixture
def send(client: Client, user: User) -> Callable[..., Any]:
    session = services.open_session(user)

    def send(method: str, path: str, body: Any = None, **headers: str) -> Any:
        return client.generic(
            method,
            f"/demogm/rest/2.0/{path}",
            b"" if body is None else orjson.dumps(body),
            content_type="application/json",
            headers=headers or {"sessionid": session},
        )

    return send


def line_of(call: Callable[[], Any]) -> dict[str, Any]:
    with logged() as seen:
        call()
    (line,) = seen.of("request")
    return line


def test_a_write_tells_who_what_and_how_much(send: Callable[..., Any]) -> None:
    rows = [{"Name": VALUE, "AccountTypeId": "1"}, {"Colour": "red"}, {"Name": "B"}]
    line = line_of(lambda: send("POST", "account", {"brmObjects": rows}))
    told = {key: line[key] for key in ("username", "credential", "org", "entity", "verb", "status")}
    assert told == {
        "username": "liner",
        "credential": "session",
        "org": "demogm",
        "entity": "ACCOUNT",
        "verb": "create",
        "status": 200,
    }
    assert (line["rows"], line["failed"]) == (2, 1)
    assert line["database_calls"] > 2
    assert 0 < line["database_ms"] <= line["ms"]


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "query?sql=SELECT Id FROM user WHERE Id = {pk}", None, ("USER", "query", 1)),
        ("GET", "User/{pk}", None, ("USER", "retrieve", 1)),
        ("GET", "USER?queryAnsiSql=Id = {pk}", None, ("USER", "retrieve", 1)),
        ("GET", "openapi.json", None, ("", "describe", 0)),
        ("GET", "NONE_SUCH/1", None, ("", "retrieve", 0)),
        ("POST", "query", {"sql": "SELECT Id FROM none_such"}, ("", "query", 0)),
        ("POST", "logout", None, ("", "logout", 0)),
    ],
)
def test_every_verb_has_its_name(
    send: Callable[..., Any],
    user: User,
    method: str,
    path: str,
    body: Any,
    expected: tuple[str, str, int],
) -> None:
    line = line_of(lambda: send(method, path.format(pk=user.pk), body))
    assert (line.get("entity", ""), line["verb"], line.get("rows", 0)) == expected
    assert "?" not in line["path"]


def test_an_error_has_its_code_and_no_level_of_its_own(send: Callable[..., Any]) -> None:
    line = line_of(lambda: send("GET", "ACCOUNT/4711"))
    assert (line["code"], line["level"], line["status"]) == ("RECORD_NOT_FOUND", "info", 404)
    line = line_of(lambda: send("GET", "ACCOUNT/1", sessionid="gone"))
    assert (line["code"], line["level"], line["status"]) == ("INVALID_SESSION_ID", "info", 500)


def test_a_failure_of_ours_is_told_with_its_traceback(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"cannot bill {VALUE!r}")

    monkeypatch.setattr("entities.api.views.query.query", fail)
    with logged() as seen:
        answer = send("GET", "query?sql=SELECT Id FROM ACCOUNT")
    assert answer.status_code == 500
    (error,) = [line for line in seen.lines if line["level"] == "error"]
    (line,) = seen.of("request")
    assert error["request_id"] == line["request_id"] == answer.headers["X-Request-Id"]
    assert error["request_id"] in answer.json()["message"]
    assert "RuntimeError: cannot bill …" in error["exception"]
    assert (line["level"], line["code"]) == ("warning", "INTERNAL_ERROR")
    assert VALUE not in seen.text


def test_nothing_that_is_secret_and_no_value_is_logged_at_any_level(
    send: Callable[..., Any], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "is_slow", lambda nanoseconds: True)
    token = tokens.issue(user)
    secrets = [PASSWORD, "wrong-" + PASSWORD, VALUE, "4929-1234-5678", "s3cr3t-of-the-hook"]
    with logged(level=logging.DEBUG) as seen:
        login = send("POST", "login", {"username": "liner", "password": PASSWORD})
        session = login.json()["loginResponse"][0]["SessionID"]
        send("POST", "login", {"username": "liner", "password": secrets[1]})
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        for headers in ({"sessionid": session}, bearer, {"X-Api-Key": secrets[3]}):
            send("POST", "ACCOUNT", {"brmObjects": {"Name": VALUE, "Colour": VALUE}}, **headers)
            send("GET", f"query?sql=SELECT Id FROM ACCOUNT WHERE Name = '{VALUE}'", **headers)
            send("GET", f"ACCOUNT?queryAnsiSql=Name = '{VALUE}' OR Nmae = 1", **headers)
            send("POST", "ACCOUNT", {"brmObjects": {"Name": {"a": VALUE}}}, **headers)
            send("POST", "ACCOUNT", f'{{"Name": {VALUE}', **headers)
        hook = {"ActionName": "h", "Secret": secrets[4], "Url": "https://example.com/"}
        send("POST", "WORKFLOW_ACTION", {"brmObjects": hook})
        send("PUT", "USER", {"brmObjects": {"Id": user.pk, "Password": PASSWORD + "-new"}})
    for secret in [*secrets, session, *map(str, list(token.values())[:2])]:
        assert secret not in seen.text
        assert json.dumps(secret)[1:-1] not in seen.text
    assert len(seen.of("request")) > 15
    assert seen.of("slow query")


def test_slow_queries_are_told_in_their_own_language(
    send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "is_slow", lambda nanoseconds: True)
    text = "SELECT Id, 'x''y' AS t FROM USER WHERE Username = 'liner' /* z */ AND Id > -1e3"
    with logged() as seen:
        send("GET", f"query?sql={text}")
    (line,) = seen.of("slow query")
    assert line["query"] == ("SELECT Id, ? AS t FROM USER WHERE Username = ? AND Id > -?")
    assert (line["entity"], line["username"], line["outcome"]) == ("USER", "liner", "answered")
    assert line["rows"] == 1 and line["ms"] >= 0
    assert "plan" not in line
    newest = slow.latest()[0]
    assert (newest.query, newest.request_id) == (line["query"], line["request_id"])
    assert len(slow.latest()) <= slow.MOST_KEPT


@pytest.mark.django_db(transaction=True)
def test_a_plan_is_asked_for_when_the_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:

    env = replace(environment.current(), slow_query_ms=0, slow_query_plan=True)
    monkeypatch.setattr(environment, "current", lambda: env)
    monkeypatch.setattr(slow, "is_slow", lambda nanoseconds: True)
    shapes = []
    with logged() as seen:
        for sql in (
            "SELECT Id FROM CURRENCY WHERE CurrencyCode = 'USD'",
            "SELECT Id FROM CURRENCY WHERE CurrencyCode = 'EUR'",
            "SELECT Id FROM CURRENCY WHERE CurrencyName LIKE 'E%'",
        ):
            _, token = facts.begin("r")
            query.query(sql, Context.system("test"))
            facts.end(token)
    for line in seen.of("slow query"):
        assert "localization_currency" in line["plan"]
        assert "USD" not in line["plan"] and "EUR" not in line["plan"]
        shapes.append(line["shape"])
    assert shapes[0] == shapes[1] != shapes[2]
    assert connection.get_autocommit()


@pytest.mark.parametrize(
    ("threshold", "ms", "slow_one"),
    [(1000, 999, False), (1000, 1000, True), (0, 10**6, False), (1, 1, True)],
)
def test_what_is_slow(
    monkeypatch: pytest.MonkeyPatch, threshold: int, ms: int, slow_one: bool
) -> None:

    env = replace(environment.current(), slow_query_ms=threshold)
    monkeypatch.setattr(environment, "current", lambda: env)
    assert slow.is_slow(ms * 1_000_000) is slow_one
