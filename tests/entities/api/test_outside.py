"""Errors that no view answers: JSON for programs, a page for people, nothing of ours in them."""

from collections.abc import Callable

import orjson
import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from entities.api import outside
from metabrm.web import health

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PROGRAM = "application/json"


def body_of(answer: HttpResponse, code: str) -> dict[str, object]:
    """The body that each error of the API has."""
    body = orjson.loads(answer.content)
    assert answer.headers["Content-Type"] == "application/json"
    assert body["error"] == body["errors"][0]["error_code"] == code
    assert body["message"] == body["errors"][0]["error_message"]
    assert body["help"] == f"/docs/errors#{code}"
    return dict(body)


@pytest.mark.parametrize(
    "path",
    [
        "/rest/2.0/errors",
        "/demogm/rest/2.0/ACCOUNT/1",
        "/auth/1.0/token",
        "/demogm//rest//2.0/query",
    ],
)
def test_a_program_with_a_wrong_host_reads_json(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example", "Accept": BROWSER})
    assert answer.status_code == 400
    assert "BRM_ALLOWED_HOSTS" in str(body_of(answer, "MALFORMED_REQUEST")["message"])
    assert b"evil" not in answer.content


@pytest.mark.parametrize("path", ["/admin/", "/nowhere", "/docs/errors"])
def test_a_person_with_a_wrong_host_reads_a_page(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example", "Accept": BROWSER})
    assert answer.status_code == 400
    assert "text/html" in answer.headers["Content-Type"]
    assert "can&#x27;t be understood" in answer.content.decode()
    assert answer.headers["X-Request-Id"] in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "accept", "json"),
    [
        ("/nowhere", BROWSER, False),
        ("/nowhere", "", False),
        ("/nowhere", PROGRAM, True),
        ("/rest/3.0/ACCOUNT", BROWSER, True),
        ("/demogm/rest/2.0/a/b/c/d/e", BROWSER, True),
        ("/other/rest/2.0/ACCOUNT", BROWSER, True),
        ("/auth/1.0/nothing", BROWSER, True),
        ("/demogm/hostedPayments/9", BROWSER, True),
        ("/interest/2.0/ACCOUNT", BROWSER, False),
        ("/%3Cscript%3Ealert(1)%3C/script%3E", BROWSER, False),
    ],
)
def test_nothing_at_an_address(client: Client, path: str, accept: str, json: bool) -> None:
    answer = client.get(path, headers={"Accept": accept})
    assert answer.status_code == 404
    if json:
        body_of(answer, "UNKNOWN_ADDRESS")
    else:
        assert "There is no such page" in answer.content.decode()
        assert b"<script>alert" not in answer.content


@pytest.mark.parametrize(("accept", "json"), [(BROWSER, False), (PROGRAM, True)])
def test_a_page_that_fails_says_the_request_id_and_nothing_else(
    client: Client, monkeypatch: pytest.MonkeyPatch, accept: str, json: bool
) -> None:
    def fail() -> str:
        raise KeyError("hunter2")

    monkeypatch.setattr(health, "JsonResponse", lambda *_, **__: fail())
    client.raise_request_exception = False
    answer = client.get("/health/live", headers={"Accept": accept, "X-Request-Id": "req-17"})
    assert answer.status_code == 500
    assert "req-17" in answer.content.decode()
    assert "hunter2" not in answer.content.decode()
    if json:
        body_of(answer, "INTERNAL_ERROR")


@pytest.mark.parametrize(
    ("answering", "status"),
    [
        (lambda request: outside.forbidden(request, PermissionDenied("Not yours.")), 403),
        (lambda request: outside.without_token(request, "CSRF cookie not set."), 403),
        (lambda request: outside.bad_request(request, ValueError("hunter2")), 400),
    ],
)
def test_every_answer_has_both_forms(
    answering: Callable[[HttpRequest], HttpResponse], status: int
) -> None:
    for accept in (BROWSER, PROGRAM):
        answer = answering(RequestFactory().get("/admin/", headers={"Accept": accept}))
        assert answer.status_code == status
        assert "hunter2" not in answer.content.decode()
        assert ("json" in answer.headers["Content-Type"]) is (accept is PROGRAM)
