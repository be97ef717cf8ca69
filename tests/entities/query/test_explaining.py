"""How a query would be run is told to administrators, for themselves and others; to nobody else."""

import json
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

SQL = (
    "SELECT a.Name, AccountTypeObj.AccountType FROM ACCOUNT a WHERE a.Id IN (SELECT AccountId FROM \
BILLING_PROFILE)"
)


def _session(context: Any) -> dict[str, str]:
    from metabrm.identity.models import User
    from metabrm.identity.sessions import open_session

    return {"sessionid": open_session(User.objects.get(pk=context.user_id))}


def test_sources_rights_and_the_plan(admin):
    answer = Client().get(
        "/rest/2.0/query/explain", {"sql": f"{SQL} AND Name = 'needle'"}, headers=_session(admin)
    )
    (told,) = answer.json()["explainResponse"]
    assert [(s["Entity"], s["Joined"]) for s in told["Sources"]] == [
        ("ACCOUNT", "FROM"),
        ("ACCOUNT_TYPE", "t0.AccountTypeObj"),
        ("BILLING_PROFILE", "FROM"),
    ]
    assert told["Sources"][0]["Rows"] == ["t0.deleted_at IS NULL"]
    assert told["Columns"] == ["Name", "AccountTypeObj.AccountType"]
    assert told["Plan"][0]["Plan"]["Node Type"] == "Aggregate"
    assert "needle" not in told["Statement"]


def test_as_another_user(admin, clerk):
    headers = _session(admin)
    other = clerk(ACCOUNT="R")

    def ask(username: str, sql: str) -> Any:
        address = f"/rest/2.0/query/explain?username={username}"
        body = json.dumps({"sql": sql})
        return Client().post(address, body, content_type="application/json", headers=headers)

    (told,) = ask(other.username, "SELECT Name FROM ACCOUNT").json()["explainResponse"]
    assert (told["Username"], told["Columns"]) == (other.username, ["Name"])
    refused = ask(other.username, SQL)
    assert refused.status_code == 403
    assert "ACCOUNT_TYPE" in refused.json()["message"]
    assert ask("nobody", SQL).status_code == 404
    assert ask("", "SELECT Nam FROM ACCOUNT").status_code == 400


def test_not_for_others(clerk):
    headers = _session(clerk(ACCOUNT="R"))
    for address in ("/rest/2.0/query/explain", "/rest/2.0/query/explain?username=ada"):
        answer = Client().get(address, {"sql": "SELECT Id FROM ACCOUNT"}, headers=headers)
        assert (answer.status_code, "administrator" in answer.json()["message"]) == (403, True)


def test_nothing_is_run(shop, system):
    import orjson

    from entities.query import explain

    sql = "SELECT 1 / (Id - Id) FROM THING"  # would divide by zero
    (told,) = orjson.loads(explain(sql, system, system, snapshot=shop).json)
    assert told["Plan"]
