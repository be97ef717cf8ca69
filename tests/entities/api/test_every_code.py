"""Every code can be met: a request for each, answered with its status, its help and its message.

A message is a sentence that says what was wrong and what would be right; nothing of ours is in it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.db import OperationalError
from django.test import Client

from entities.catalogue import CATALOGUE, help_for
from entities.errors import Code, RequestError
from entities.models import Entity, EntityField
from metabrm.identity import services
from metabrm.identity.models import Role, User

#: What a request of a test can't bring about by itself: how it is brought about here.
_FORCED = {
    Code.QUERY_TIMEOUT: RequestError(Code.QUERY_TIMEOUT, "The query took longer; narrow it."),
    Code.SCHEMA_BUSY: RequestError(Code.SCHEMA_BUSY, "The schema changed; send it again."),
    Code.TEMPORARILY_UNAVAILABLE: OperationalError("10.1.2.3 refused"),
    Code.INTERNAL_ERROR: ZeroDivisionError("hunter2"),
}
#: Proved where what they need is set up.
_ELSEWHERE = {
    Code.TOO_MANY_REQUESTS: "entities/api/test_limits.py",
    Code.IDEMPOTENCY_KEY_IN_USE: "contract/test_idempotency.py",
    Code.IDEMPOTENCY_KEY_REUSED: "entities/api/test_once.py",
    Code.NEW_PASSWORD_NEEDED: "entities/api/test_credentials.py",
    Code.SIGN_IN_LOCKED: "entities/api/test_credentials.py",
    Code.FILE_DAMAGED: "entities/files/test_kinds.py",
    Code.FIELD_KEY_MISSING: "entities/encryption/test_records.py",
    Code.LOOKUP_AMBIGUOUS: "entities/records/test_create.py",
    Code.NUMBER_OUT_OF_RANGE: "entities/records/test_create.py",
}


TESTS = Path(__file__).parents[2]


class Api:
    """Sends requests as a user, or as nobody."""

    def __init__(self, client: Client, session: str) -> None:
        self.client = client
        self.session = session

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.generic(
            method,
            f"/rest/2.0/{path}",
            b"" if body is None else orjson.dumps(body),
            content_type="application/json",
            headers=headers or {"sessionid": self.session},
        )

    def write(self, method: str, path: str, *rows: Any, **beside: Any) -> Any:
        return self.send(method, path, {"brmObjects": list(rows), **beside})


def _api(client: Client, role: Role) -> Api:
    user = User.objects.create(username=f"user of {role.name}", role=role)
    return Api(client, services.open_session(user))


@pytest.fixture
def api(client: Client, db: None) -> Api:
    return _api(client, Role.objects.create(name="Every code", administrator_flag=True))


def _product(api: Api, **more: Any) -> str:
    row = {"Name": "Plan", **more}
    return str(api.write("POST", "PRODUCT", row).json()["createResponse"][0]["Id"])


def _in_use(api: Api) -> Any:
    parent = api.write("POST", "ACCOUNT", {"Name": "P", "AccountTypeId": "1"})
    parent_id = parent.json()["createResponse"][0]["Id"]
    child = {"Name": "C", "AccountTypeId": "1", "ParentAccountId": parent_id}
    assert api.write("POST", "ACCOUNT", child).json()["createResponse"][0]["success"]
    return api.write("DELETE", "delete/ACCOUNT", {"Id": parent_id})


def _without_rights(api: Api) -> Any:
    clerk = _api(api.client, Role.objects.create(name="Nothing"))
    return clerk.write("POST", "ACCOUNT", {"Name": "A"})


def _duplicate(api: Api) -> Any:
    _product(api, ExternalKey="every-code")
    return api.write("POST", "PRODUCT", {"Name": "B", "ExternalKey": "every-code"})


def _overlapping(api: Api) -> Any:
    return api.write(
        "POST",
        "CONTRACT",
        {
            "AccountId": "1",
            "ContractNumber": "1",
            "StartDate": "2026-02-02",
            "EndDate": "2026-02-01",
            "OnEndDate": "Terminate",
        },
    )


def _another_entity(api: Api) -> Any:
    field, entity = EntityField.objects.first(), Entity.objects.last()
    assert field and entity
    return api.write("PUT", "ENTITY_FIELD", {"Id": str(field.pk), "EntityId": str(entity.pk)})


MET: dict[Code, Callable[[Api], Any]] = {
    Code.MALFORMED_REQUEST: lambda api: api.send("POST", "ACCOUNT", {}),
    Code.REQUEST_TOO_LARGE: lambda api: api.write("POST", "ACCOUNT", *[{}] * 1001),
    Code.UNKNOWN_ADDRESS: lambda api: api.send("GET", "a/b/c/d/e"),
    Code.UNKNOWN_ENTITY: lambda api: api.send("GET", "ACCONT/1"),
    Code.NOT_AUTHENTICATED: lambda api: api.send("GET", "ACCOUNT/1", Accept="*/*"),
    Code.INVALID_SESSION_ID: lambda api: api.send("GET", "ACCOUNT/1", sessionid="none"),
    Code.INVALID_CREDENTIALS: lambda api: api.client.post(
        "/auth/1.0/token", b'{"username": "u", "password": "p"}', content_type="application/json"
    ),
    Code.INSUFFICIENT_RIGHTS: _without_rights,
    Code.READ_ONLY_ENTITY: lambda api: api.write("POST", "OUTBOUND_MESSAGE", {"Kind": "MAIL"}),
    Code.METHOD_NOT_ALLOWED: lambda api: api.send("DELETE", "ACCOUNT/1"),
    Code.NOT_AN_EXTERNAL_KEY: lambda api: api.write(
        "PATCH", "PRODUCT", {"Status": "ACTIVE"}, externalIDFieldName="Status"
    ),
    Code.UNKNOWN_FIELD: lambda api: api.write("POST", "ACCOUNT", {"Nmae": "A"}),
    Code.INVALID_RECORD: lambda api: api.write("POST", "ACCOUNT", "a text"),
    Code.INVALID_VALUE: lambda api: api.write("POST", "ACCOUNT", {"Name": {"a": 1}}),
    Code.VALUE_TOO_LONG: lambda api: api.write("POST", "ACCOUNT", {"Name": "x" * 9999}),
    Code.VALUE_NOT_IN_LIST: lambda api: api.write("POST", "ACCOUNT", {"Status": "HAPPY"}),
    Code.REQUIRED_FIELD_MISSING: lambda api: api.write("POST", "ACCOUNT", {"Name": ""}),
    Code.FIELD_NOT_CHANGEABLE: _another_entity,
    Code.LOOKUP_NOT_FOUND: lambda api: api.write(
        "POST", "ACCOUNT", {"Name": "A", "AccountTypeId": "987654"}
    ),
    Code.RECORD_NOT_FOUND: lambda api: api.send("GET", "ACCOUNT/987654"),
    Code.DUPLICATE_KEY: _duplicate,
    Code.DUPLICATE_IN_REQUEST: lambda api: api.write(
        "PUT", "ACCOUNT", {"Id": "1", "Name": "A"}, {"Id": "1", "Name": "B"}
    ),
    Code.VALIDATION_FAILED: _overlapping,
    Code.RECORD_IN_USE: _in_use,
    Code.ALL_OR_NONE: lambda api: api.write(
        "POST", "PRODUCT", {"Name": "A"}, {"Nmae": "B"}, allOrNone="1"
    ),
    Code.QUERY_INVALID: lambda api: api.send("GET", "query?sql=SELECT Nmae FROM ACCOUNT"),
    Code.QUERY_NOT_SUPPORTED: lambda api: api.send(
        "GET", "query?sql=SELECT Id FROM ACCOUNT UNION SELECT Id FROM PRODUCT"
    ),
    Code.NO_ROWS: lambda api: api.send("GET", "query?sql=SELECT Id FROM ACCOUNT WHERE Id = -1"),
}


def told(answer: Any) -> list[tuple[str, str, str, str]]:
    """(code, field, message, help) of all that an answer says is wrong."""
    body = answer.json()
    if "error" in body:
        (detail,) = body["errors"]
        assert detail["error_code"] == body["error"]
        assert detail["error_message"] == body["message"]
        return [(body["error"], detail.get("field", ""), body["message"], body["help"])]
    ((_, elements),) = body.items()
    found = []
    for element in elements:
        for problem in element.get("errors", ()):
            found.append((problem["code"], problem["field"], problem["message"], element["help"]))
    return found


def test_every_code_is_met_somewhere() -> None:
    assert {*MET, *_FORCED, *_ELSEWHERE} == {*Code}
    assert not MET.keys() & (_FORCED.keys() | _ELSEWHERE.keys())
    for code, place in _ELSEWHERE.items():
        assert code in (TESTS / place).read_text(), f"{code} is not in {place}"


@pytest.mark.parametrize("code", MET, ids=str)
def test_a_request_meets_it(api: Api, code: Code) -> None:
    answer = MET[code](api)
    found = told(answer)
    assert code in [said[0] for said in found], found
    for _, _, message, _ in found:
        assert len(message) > 15 and message[-1] in ".?!)"
    if "error" in answer.json():
        assert answer.status_code == CATALOGUE[code].status
    else:
        assert answer.status_code == 200
    assert {address for _, _, _, address in found} <= {help_for(said) for said, _, _, _ in found}
    assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize("code", _FORCED, ids=str)
def test_what_only_happens(api: Api, monkeypatch: pytest.MonkeyPatch, code: Code) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise _FORCED[code]

    monkeypatch.setattr("entities.api.views.query.query", fail)
    answer = api.send("GET", "query?sql=SELECT Id FROM ACCOUNT")
    ((said, _, message, address),) = told(answer)
    assert (said, address, answer.status_code) == (code, help_for(code), CATALOGUE[code].status)
    assert len(message) > 15
    assert "hunter2" not in message and "10.1.2.3" not in message
