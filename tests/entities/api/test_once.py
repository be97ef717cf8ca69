"""A request with an Idempotency-Key is done once, and answered the same whenever it comes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg import errors as pg

from metabrm import clock, environment
from metabrm.environment import read

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from metabrm.identity.context import Context


class Sender:
    """Somebody signed in who sends requests with keys."""

    def __init__(self, context: Context) -> None:
        from metabrm.identity.models import User
        from metabrm.identity.sessions import open_session

        self.session = open_session(User.objects.get(pk=context.user_id))

    def send(self, method: str, path: str, body: Any, key: str | None = None) -> Any:
        headers = {"sessionid": self.session}
        if key is not None:
            headers["Idempotency-Key"] = key
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Client().generic(
            method, f"/rest/2.0/{path}", sent, content_type="application/json", headers=headers
        )


@pytest.fixture
def ada(admin: Context) -> Sender:
    return Sender(admin)


def of(*rows: Any, **beside: Any) -> dict[str, Any]:
    return {"brmObjects": list(rows), **beside}


def products(name: str) -> int:
    from billing.catalog.models import Product

    return Product.objects.filter(name=name, deleted_at=None).count()


def replayed(answer: Any) -> bool:
    return bool(answer.headers.get("Idempotency-Replayed") == "true")


def test_the_same_request_is_done_once_and_answered_the_same(ada: Sender) -> None:
    body = of({"Name": "Once"}, {"Name": "Once", "Status": "NONSENSE"})
    first = ada.send("POST", "PRODUCT", body, "k-1")
    again = ada.send("POST", "PRODUCT", body, "k-1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert (replayed(first), replayed(again)) == (False, True)
    # The record that failed is part of the answer.
    assert [e["ErrorCode"] for e in again.json()["createResponse"]] == ["0", "VALUE_NOT_IN_LIST"]
    assert products("Once") == 1


def test_without_a_key_nothing_is_kept(ada: Sender) -> None:
    from metabrm.web.models import KeptAnswer

    for _ in range(2):
        assert not replayed(ada.send("POST", "PRODUCT", of({"Name": "Twice"})))
    assert products("Twice") == 2
    assert not KeptAnswer.objects.exists()


def test_every_verb_takes_a_key(ada: Sender) -> None:
    def twice(method: str, path: str, body: Any) -> dict[str, Any]:
        first, again = (ada.send(method, path, body, f"{method}-{path}") for _ in range(2))
        assert (replayed(first), replayed(again)) == (False, True), first.content
        assert first.content == again.content
        ((_, (element,)),) = again.json().items()
        assert element["ErrorCode"] == "0", element
        return dict(element)

    made = twice("POST", "PRODUCT", of({"Name": "A", "ExternalKey": "x-1"}))["Id"]
    twice("PUT", "PRODUCT", of({"Id": made, "Name": "B"}))
    twice("PUT", f"PRODUCT/{made}", of({"Name": "C"}))
    upsert = of({"ExternalKey": "x-2", "Name": "D"}, externalIDFieldName="ExternalKey")
    assert twice("PATCH", "PRODUCT", upsert)["created"] == "true"
    twice("DELETE", "delete/PRODUCT", of({"Id": made}))
    twice("DELETE", "undelete/PRODUCT", of({"Id": made}))
    assert [products(name) for name in "ABCD"] == [0, 0, 1, 1]


def test_uploads_take_a_key(ada: Sender, db: None, tmp_path: Any, settings: Any) -> None:
    from entities.models import StoredFile
    from tests.entities.files.conftest import add_file_field

    default = settings.STORAGES["default"]
    options = default["OPTIONS"] | {"location": str(tmp_path)}
    settings.STORAGES = settings.STORAGES | {"default": default | {"OPTIONS": options}}
    add_file_field("Leaflet")
    body = {"FileName": "a.txt", "Data": base64.b64encode(b"abc").decode()}
    first, again = (ada.send("POST", "files/PRODUCT/Leaflet", body, "up") for _ in range(2))
    assert first.status_code == 200, first.content
    assert (replayed(again), again.content) == (True, first.content)
    assert StoredFile.objects.count() == 1
    key = first.json()["fileUploadResponse"][0]["Key"]
    made = ada.send("POST", "PRODUCT", of({"Name": "Filed", "Leaflet": key}), "made").json()
    address = f"files/PRODUCT/{made['createResponse'][0]['Id']}/Leaflet"
    other = {"FileName": "b.txt", "Data": ""}
    first, again = (ada.send("POST", address, other, "up") for _ in range(2))
    assert (first.status_code, replayed(again), again.content) == (200, True, first.content)


def test_a_schema_can_be_changed_under_a_key(ada: Sender) -> None:
    body = of({"EntityName": "KEYED_THING"})
    first, again = (ada.send("POST", "ENTITY", body, "e") for _ in range(2))
    assert first.json()["createResponse"][0]["ErrorCode"] == "0", first.content
    assert (replayed(again), again.content) == (True, first.content)
    field = of({"EntityIdObj": {"EntityName": "KEYED_THING"}, "FieldName": "A", "DataType": "TEXT"})
    first, again = (ada.send("POST", "ENTITY_FIELD", field, "e") for _ in range(2))
    assert first.json()["createResponse"][0]["ErrorCode"] == "0", first.content
    assert replayed(again)
    assert ada.send("POST", "KEYED_THING", of({"A": "1"}), "e").status_code == 200


def test_the_same_key_with_another_body_is_another_request(ada: Sender) -> None:
    ada.send("POST", "PRODUCT", of({"Name": "First"}), "k")
    refused = ada.send("POST", "PRODUCT", of({"Name": "Second"}), "k")
    assert refused.status_code == 422
    assert refused.json()["error"] == "IDEMPOTENCY_KEY_REUSED"
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    assert products("Second") == 0
    assert ada.send("POST", "PRODUCT", of({"Name": "First"}), "k").status_code == 200


def test_a_key_belongs_to_user_method_and_address(
    ada: Sender, admin: Context, clerk: Callable[..., Context]
) -> None:
    body = of({"Name": "Mine", "ExternalKey": "m"}, externalIDFieldName="ExternalKey")
    first = ada.send("POST", "PRODUCT", body, "k")
    # Another method, another address, another user.
    assert ada.send("PATCH", "PRODUCT", body, "k").json()["upsertResponse"]
    assert not replayed(ada.send("POST", "ACCOUNT", body, "k"))
    nora = Sender(clerk(PRODUCT="CRU"))
    assert not replayed(nora.send("POST", "PRODUCT", of({"Name": "Hers"}), "k"))
    # The same user's next session, and another spelling of the address.
    for path in ("PRODUCT", "product", "/Product/", "PRO_DUCT"):
        again = Sender(admin).send("POST", path, body, "k")
        assert (replayed(again), again.content) == (True, first.content), path


def test_what_fails_as_a_whole_leaves_the_key_free(ada: Sender) -> None:
    assert ada.send("POST", "PRODUCT", b"{", "k").status_code == 400
    assert ada.send("POST", "PRODUCT", {"brmObjects": 1}, "k").status_code == 400
    assert ada.send("PATCH", "PRODUCT", of({"Name": "x"}), "k").status_code == 400
    mended = ada.send("POST", "PRODUCT", of({"Name": "Mended"}), "k")
    assert (mended.status_code, replayed(mended)) == (200, False)


def test_all_or_none_that_failed_is_an_answer(ada: Sender) -> None:
    body = of({"Name": "None"}, {"Status": "NONSENSE"}, allOrNone="1")
    first, again = (ada.send("POST", "PRODUCT", body, "k") for _ in range(2))
    assert (replayed(again), again.content) == (True, first.content)
    found = [e["ErrorCode"] for e in again.json()["createResponse"]]
    assert found[0] == "ALL_OR_NONE" and "0" not in found
    assert products("None") == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "caf\u00e9", "a\tb", "\x7f", "null\0"])
def test_what_is_no_key(ada: Sender, key: str) -> None:
    refused = ada.send("POST", "PRODUCT", of({"Name": "Bad key"}), key)
    assert refused.status_code == 400
    assert "1 to 255 visible ASCII characters" in refused.json()["message"]
    assert products("Bad key") == 0


@pytest.mark.parametrize("key", ["x", "!", "~" * 255, '"8e03978e-40d5"', "';DROP/**/TABLE--%s\\"])
def test_what_is_a_key(ada: Sender, key: str) -> None:
    sent = [ada.send("POST", "PRODUCT", of({"Name": "Good key"}), key) for _ in range(2)]
    assert [replayed(answer) for answer in sent] == [False, True]


def test_reading_and_signing_in_have_no_use_for_a_key(ada: Sender) -> None:
    from metabrm.web.models import KeptAnswer

    sql = {"sql": "SELECT COUNT(*) AS N FROM PRODUCT"}
    counts = []
    for _ in range(2):
        counts.append(ada.send("POST", "query", sql, "k").json()["queryResponse"][0]["N"])
        ada.send("POST", "PRODUCT", of({"Name": "more"}))
    assert int(counts[1]) == int(counts[0]) + 1
    for _ in range(2):
        assert ada.send("POST", "login", {"username": "ada", "password": "x"}, "k").status_code
    assert not KeptAnswer.objects.exists()


def test_whose_session_has_ended_is_given_no_kept_answer(clerk: Callable[..., Context]) -> None:
    nora = Sender(clerk(PRODUCT="CRU"))
    body = of({"Name": "Hers"})
    first = nora.send("POST", "PRODUCT", body, "k")
    from metabrm.identity.models import ApiSession

    ApiSession.objects.all().delete()
    assert nora.send("POST", "PRODUCT", body, "k").status_code == 500  # INVALID_SESSION_ID
    assert first.status_code == 200


def test_after_its_time_an_answer_is_forgotten(
    ada: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metabrm.web import answers, tasks
    from metabrm.web.models import KeptAnswer

    body = of({"Name": "Later"})
    ada.send("POST", "PRODUCT", body, "old")
    ada.send("POST", "PRODUCT", body, "untouched")
    env = read({"BRM_IDEMPOTENCY_HOURS": "2", "BRM_RATE_LIMIT": "off"})
    monkeypatch.setattr(environment, "current", lambda: env)
    KeptAnswer.objects.update(stored_at=clock.now() - timedelta(hours=1, minutes=59))
    assert replayed(ada.send("POST", "PRODUCT", body, "old"))
    KeptAnswer.objects.update(stored_at=clock.now() - timedelta(hours=2, minutes=1))
    assert not replayed(ada.send("POST", "PRODUCT", body, "old"))
    assert replayed(ada.send("POST", "PRODUCT", body, "old"))
    monkeypatch.setattr(answers, "PORTION", 1)
    tasks.trim_kept_answers()
    assert [kept.key for kept in KeptAnswer.objects.all()] == ["old"]


def test_a_broken_deadlock_is_begun_again(ada: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    from entities.api import views

    real = views.records.create
    broken: list[int] = []

    def create(*arguments: Any, **more: Any) -> Any:
        if len(broken) < 2:
            broken.append(1)
            raise OperationalError("deadlock detected") from pg.DeadlockDetected()
        return real(*arguments, **more)

    monkeypatch.setattr(views.records, "create", create)
    assert ada.send("POST", "PRODUCT", of({"Name": "Thrice"}), "k").status_code == 200
    assert (len(broken), products("Thrice")) == (2, 1)
