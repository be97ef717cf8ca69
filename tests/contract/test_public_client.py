"""The public client `billingplatform`, unmodified, as an integrator uses it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from billingplatform import BillingPlatform
from billingplatform.exceptions import (
    BillingPlatform400Exception,
    BillingPlatform401Exception,
    BillingPlatform404Exception,
    BillingPlatform500Exception,
    BillingPlatformException,
)

from tests.contract.live import PASSWORD, USERNAME, Live


@pytest.fixture
def client(live: Live) -> Iterator[BillingPlatform]:
    client = BillingPlatform(
        base_url=live.url, username=USERNAME, password=PASSWORD, logout_at_exit=False
    )
    yield client
    client.logout()


def test_a_record_from_its_creation_to_its_restoration(
    client: BillingPlatform, unique: str
) -> None:
    (created,) = client.create("ACCOUNT", {"Name": unique, "Status": "ACTIVE"})["createResponse"]
    account = int(created["Id"])
    (read,) = client.retrieve_by_id("ACCOUNT", account)["retrieveResponse"]
    assert (read["Id"], read["Name"]) == (created["Id"], unique)

    (updated,) = client.update("ACCOUNT", {"Id": account, "Name": f"{unique}!"})["updateResponse"]
    assert updated["ErrorCode"] == "0"
    found = client.retrieve_by_query("ACCOUNT", f"Name = '{unique}!'")
    assert [r["Id"] for r in found["retrieveResponse"]] == [created["Id"]]

    (deleted,) = client.delete("ACCOUNT", {"Id": account})["deleteResponse"]
    assert deleted["success"] is True
    with pytest.raises(BillingPlatform404Exception):
        client.retrieve_by_id("ACCOUNT", account)
    (restored,) = client.undelete("ACCOUNT", {"Id": account})["undeleteResponse"]
    assert restored["success"] is True
    (again,) = client.retrieve_by_id("ACCOUNT", account)["retrieveResponse"]
    assert again["Name"] == f"{unique}!"

    client.delete("ACCOUNT", [{"Id": account}], EmptyRecycleBin=True)
    (gone,) = client.undelete("ACCOUNT", [{"Id": account}])["undeleteResponse"]
    assert gone["ErrorCode"] != "0"


def test_lists_and_ready_made_envelopes(client: BillingPlatform, unique: str) -> None:
    rows = [{"Name": f"{unique} {n}", "ExternalKey": f"{unique}-{n}"} for n in range(3)]
    assert len(client.create("ACCOUNT", rows[:2])["createResponse"]) == 2
    upserted = client.upsert("ACCOUNT", rows, "ExternalKey")["upsertResponse"]
    assert [e["created"] for e in upserted] == ["false", "false", "true"]
    again = client.upsert("ACCOUNT", {"brmObjects": rows}, "ExternalKey")["upsertResponse"]
    assert [e["Id"] for e in again] == [e["Id"] for e in upserted]
    named = [{"Id": e["Id"]} for e in upserted]
    deleted = client.delete("ACCOUNT", {"brmObjects": named, "EmptyRecycleBin": "1"})
    assert [e["ErrorCode"] for e in deleted["deleteResponse"]] == ["0"] * 3


def test_queries(client: BillingPlatform) -> None:
    sql = "SELECT Id, Name FROM ROLE ORDER BY Id"
    every = client.query(sql)["queryResponse"]
    assert len(every) >= 3
    assert client.query(sql, limit=1)["queryResponse"] == every[:1]
    assert client.query(sql, offset=1)["queryResponse"] == every[1:]
    assert client.query(sql, offset=1, limit=1)["queryResponse"] == every[1:2]


@pytest.mark.parametrize("page_size", [1, 7, 10, 1000, 20_000])
def test_page_query_comes_to_its_end(client: BillingPlatform, unique: str, page_size: int) -> None:
    rows = [{"Name": unique, "ExternalKey": f"{unique}-{n:02}"} for n in range(20)]
    client.create("ACCOUNT", rows)
    sql = f"SELECT ExternalKey FROM ACCOUNT WHERE Name = '{unique}' ORDER BY Id"
    pages = [page["queryResponse"] for page in client.page_query(sql, page_size=page_size)]
    assert [row["ExternalKey"] for page in pages for row in page] == [
        row["ExternalKey"] for row in rows
    ]
    assert all(len(page) <= page_size for page in pages)


def test_each_status_is_its_exception(live: Live, client: BillingPlatform) -> None:
    with pytest.raises(BillingPlatform400Exception):
        client.query("SELECT * FROM ACCOUNT")
    with pytest.raises(BillingPlatform400Exception):
        client.upsert("ACCOUNT", {"Name": "x"}, "Description")
    with pytest.raises(BillingPlatform404Exception):
        client.query("SELECT Id FROM ACCOUNT WHERE Name = 'nobody at all'")
    with pytest.raises(BillingPlatform404Exception):
        client.create("NO_SUCH_ENTITY", {"Name": "x"})
    with pytest.raises(BillingPlatformException, match="413"):
        client.create("ACCOUNT", [{"Name": "x"}] * 1001)
    with pytest.raises(BillingPlatform401Exception):
        BillingPlatform(live.url, username=USERNAME, password="wrong", logout_at_exit=False)
    with pytest.raises(BillingPlatform401Exception):
        BillingPlatform(live.url, client_id="a", client_secret="b")


@pytest.fixture(scope="module")
def oauth(live: Live) -> dict[str, str]:
    """An OAuth client of the administrator, as the operator makes one."""
    made = live.run(
        "from django.core.management import call_command\n"
        "call_command('oauth_client', 'create', '--user', sys.argv[1])",
        USERNAME,
    )
    return dict(json.loads(made))


@pytest.mark.parametrize("use_token", ["access_token", "refresh_token"])
def test_it_signs_in_as_an_oauth_client(live: Live, oauth: dict[str, str], use_token: str) -> None:
    client = BillingPlatform(
        live.url,
        client_id=oauth["client_id"],
        client_secret=oauth["client_secret"],
        use_token=use_token,
    )
    assert client.query("SELECT Name FROM ROLE")["queryResponse"]


def test_after_logout_the_session_is_worth_nothing(live: Live) -> None:
    client = BillingPlatform(live.url, USERNAME, PASSWORD, logout_at_exit=False)
    client.logout()
    with pytest.raises(BillingPlatform500Exception, match="INVALID_SESSION_ID"):
        client.retrieve_by_id("ROLE", 1)


def test_without_a_session_it_is_told_so(live: Live) -> None:
    client = BillingPlatform(live.url, USERNAME, PASSWORD, logout_at_exit=False)
    with (
        patch.dict(client.session.headers, clear=True),
        pytest.raises(BillingPlatform401Exception, match="No session ID"),
    ):
        client.retrieve_by_id("ROLE", 1)


PROGRAM = """
import sys
from billingplatform import BillingPlatform
client = BillingPlatform(*sys.argv[1:])
print(client.query("SELECT Name FROM ROLE")["queryResponse"][0]["Name"])
"""


@pytest.mark.parametrize("explicitly_too", ["", "client.logout()"])
def test_leaving_the_program_logs_out_quietly(live: Live, explicitly_too: str) -> None:
    before = live.rows("SELECT count(*) FROM identity_apisession")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + explicitly_too, live.url, USERNAME, PASSWORD],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    assert live.rows("SELECT count(*) FROM identity_apisession") == before
