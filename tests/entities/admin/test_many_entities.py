"""Pages about the whole schema ask the database no more the more entities there are."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context
from metabrm.identity.models import User
from metabrm.identity.services import open_session

pytestmark = pytest.mark.django_db

MORE = 25


def _queries(browser: Client, address: str, **headers: str) -> int:
    assert browser.get(address, headers=headers).status_code == 200
    with CaptureQueriesContext(connection) as taken:
        assert browser.get(address, headers=headers).status_code == 200
    return len(taken)


def _make(system: Context, numbers: range) -> None:
    made = records.create("ENTITY", [{"EntityName": f"MANY{n}"} for n in numbers], system)
    fields = [
        {"EntityId": outcome.id, "FieldName": name, "DataType": "TEXT"}
        for outcome in made
        for name in ("Code", "Name")
    ]
    assert all(outcome.ok for outcome in records.create("ENTITY_FIELD", fields, system))


def test_more_entities_take_no_more_queries(browser: Client, system: Context, boss: User) -> None:
    addresses = ("/admin/", "/admin/designer/", "/rest/2.0/openapi.json")
    session = {"sessionid": open_session(boss)}
    _make(system, range(10))
    before = [_queries(browser, address, **session) for address in addresses]
    _make(system, range(10, 10 + MORE))
    assert current().find(f"MANY{9 + MORE}") is not None
    after = [_queries(browser, address, **session) for address in addresses]
    assert after == before
    assert max(after) <= 12
    assert "MANY30" in browser.get("/rest/2.0/openapi.json", headers=session).text
