"""Where things are, by which method, and what stands beside every answer."""

import socket

import pytest
import requests

from tests.contract.calls import Caller
from tests.contract.live import ORG, Live

EMPTY = {"brmObjects": []}


def base(live: Live) -> str:
    return live.url.removesuffix(f"/{ORG}")


@pytest.mark.parametrize(
    "path",
    [
        f"/{ORG}/rest/2.0/ROLE",
        f"/{ORG.upper()}/rest/2.0/ROLE",
        "/rest/2.0/ROLE",
        "/rest/2.1/ROLE",
        f"/{ORG}/rest/2.1/ROLE",
        "//rest/2.0/ROLE",
        f"//{ORG}//rest//2.0//ROLE/",
        "/rest/2.0/role",
        "/rest/2.0/Role",
        "/rest/2.0/entity_field_role",
        "/rest/2.0/EntityFieldRole",
        "/rest/2.0/ENTITYFIELDROLE",
    ],
)
def test_one_entity_has_many_addresses(live: Live, admin: Caller, path: str) -> None:
    answer = admin.http.post(base(live) + path, json=EMPTY, timeout=30)
    assert (answer.status_code, answer.json()) == (200, {"createResponse": []})


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/elsewhere/rest/2.0/ROLE", "no organisation 'elsewhere'"),
        ("/rest/2.0", "Addresses are"),
        ("/rest/2.0/", "Addresses are"),
        ("/rest/2.0/a/b/c/d", "nothing at"),
        ("/rest/2.0/ROLES", "no entity 'ROLES'. Did you mean ROLE?"),
        ("/rest/3.0/ROLE", "REST 2.0 is at"),
        (f"/{ORG}/rest", "REST 2.0 is at"),
        (f"/{ORG}/hostedPayments/1.0/pages", "nothing at"),
        ("/rest/2.0/bulk_request", "no entity 'bulk_request'"),
        ("/rest/2.0/%27%3B%20DROP%20TABLE", "no entity"),
    ],
)
def test_what_is_not_there_is_404_and_says_so(
    live: Live, admin: Caller, path: str, says: str
) -> None:
    answer = admin.http.post(base(live) + path, json=EMPTY, timeout=30)
    assert answer.status_code == 404
    assert says in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "ROLE", "GET, POST, PUT, PATCH"),
        ("DELETE", "ROLE/1", "GET, PUT"),
        ("POST", "ROLE/1", "GET, PUT"),
        ("PATCH", "ROLE/1", "GET, PUT"),
        ("GET", "login", "POST"),
        ("GET", "logout", "POST"),
        ("PUT", "query", "GET, POST"),
        ("POST", "delete/ROLE", "DELETE"),
        ("GET", "undelete/ROLE", "DELETE"),
        ("BREW", "ROLE", "GET, POST, PUT, PATCH"),
    ],
)
def test_a_wrong_method_is_405_with_the_right_ones(
    admin: Caller, method: str, path: str, allow: str
) -> None:
    answer = admin.send(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)
    assert answer.json()["error"] == "METHOD_NOT_ALLOWED"


def test_options_needs_no_sign_in(nobody: Caller) -> None:
    answer = nobody.send("OPTIONS", "ROLE")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Allow"] == "GET, POST, PUT, PATCH, OPTIONS"


def test_head_is_get_without_the_body(admin: Caller, nobody: Caller) -> None:
    answer = admin.send("HEAD", "ROLE/1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert admin.send("HEAD", "ROLE/999999999").status_code == 404
    assert nobody.send("HEAD", "ROLE/1").status_code == 401


def test_every_answer_has_a_request_id(admin: Caller, nobody: Caller) -> None:
    answers = [admin.send("POST", "ROLE", EMPTY) for _ in range(2)]
    answers.append(nobody.send("GET", "ROLE/1"))
    answers.append(admin.send("GET", "nothing/here/at/all"))
    ids = {a.headers["X-Request-Id"] for a in answers}
    assert len(ids) == len(answers)


def test_the_callers_request_id_is_kept_unless_it_is_dangerous(admin: Caller) -> None:
    for sent, kept in (("order-7/retry:2", True), ("a b", False), ("x" * 65, False)):
        answer = admin.send("POST", "ROLE", EMPTY, headers={"X-Request-Id": sent})
        assert (answer.headers["X-Request-Id"] == sent) is kept


def test_headers_of_others_are_ignored(admin: Caller) -> None:
    headers = {"bpKey": "k", "client_id": "c", "x-transaction-id": "t", "Cookie": "sessionid=x"}
    assert admin.send("POST", "ROLE", EMPTY, headers=headers).status_code == 200


def test_answers_are_json_with_one_list(admin: Caller) -> None:
    answer = admin.send("POST", "ROLE", EMPTY)
    assert answer.headers["Content-Type"] == "application/json"
    (value,) = answer.json().values()
    assert isinstance(value, list)


def test_request_errors_have_one_form(admin: Caller) -> None:
    answer = admin.send("POST", "NO_SUCH_ENTITY", EMPTY)
    body = answer.json()
    assert set(body) == {"error", "message", "help", "errors"}
    assert body["error"] == body["errors"][0]["error_code"] == "UNKNOWN_ENTITY"
    assert body["message"] == body["errors"][0]["error_message"]


@pytest.mark.parametrize("path", ["/rest/2.0/query", "/rest/2.0/QUERY", "//rest/2.1/Query"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT%20Id%20FROM%20ROLE%20WHERE%20Name%20=%20%27BRM_ADMIN%27",
        "SELECT+Id+FROM+ROLE+WHERE+Name+=+'BRM_ADMIN'",
        "select id from role where name = 'BRM_ADMIN'",
        "%0A%20select+r.Id%0A+from+Role+r%0Awhere+r.Name%3D'BRM_ADMIN'%0A",
    ],
)
def test_query_strings_decode(live: Live, admin: Caller, path: str, sql: str) -> None:
    answer = admin.http.get(f"{base(live)}{path}?sql={sql}", timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.json()["queryResponse"][0]["Id"].isdecimal()


def test_a_chunked_body_is_read(admin: Caller) -> None:
    pieces = (piece for piece in (b'{"brmOb', b'jects": []}'))
    answer = admin.http.post(f"{admin.url}/rest/2.0/ROLE", data=pieces, timeout=30)
    assert (answer.status_code, answer.json()) == (200, {"createResponse": []})


def test_a_body_that_stops_short_is_refused_or_dropped(live: Live, admin: Caller) -> None:
    head = (
        f"POST /rest/2.0/ROLE HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"sessionid: {admin.http.headers['sessionid']}\r\nContent-Length: 100\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", live.port), 10) as wire:
        wire.sendall(head.encode() + b'{"brmObjects": [')
        wire.shutdown(socket.SHUT_WR)
        answer = wire.recv(100)
    assert not answer.startswith(b"HTTP/1.1 200")
    assert requests.get(f"{base(live)}/health/live", timeout=10).status_code == 200
