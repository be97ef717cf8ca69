"""Bulk jobs over HTTP, as the public client and plain requests ask for them."""

import base64
import csv
import io
import json
from collections.abc import Iterator

import pytest
from billingplatform import BillingPlatform

from tests.contract.calls import Caller
from tests.contract.live import PASSWORD, USERNAME, Live

_WORK = "from entities.tasks import resume_bulk_jobs\nresume_bulk_jobs()"


@pytest.fixture
def client(live: Live) -> Iterator[BillingPlatform]:
    client = BillingPlatform(
        base_url=live.url, username=USERNAME, password=PASSWORD, logout_at_exit=False
    )
    yield client
    client.logout()


def test_from_the_request_to_the_rows_and_back(
    live: Live, client: BillingPlatform, admin: Caller, unique: str
) -> None:
    keys = [f"{unique}-{n}" for n in range(5)]
    admin.write("POST", "ACCOUNT", [{"Name": k, "ExternalKey": k} for k in keys])
    condition = f"ExternalKey LIKE '{unique}-%' ORDER BY Id"
    sql = f"SELECT Id, Name FROM ACCOUNT WHERE {condition}"
    (asked,) = client.bulk_query_request("Query", sql, RequestsPerBatch=2)["createResponse"]
    (other,) = client.bulk_retrieve_request(
        "Retrieve", condition, "ACCOUNT", Columns=["ExternalKey", "Name"]
    )["createResponse"]
    (refused,) = client.bulk_query_request("Refused", "SELECT Nam FROM ACCOUNT")["createResponse"]
    assert (asked["ErrorCode"], other["ErrorCode"]) == ("0", "0")
    assert (refused["ErrorCode"], refused["ErrorElementField"]) == ("QUERY_INVALID", "RequestBody")
    assert admin.get("BULK_API_REQUEST", asked["Id"])["Status"] == "PENDING"
    (loading,) = admin.write("POST", "bulk_upload_history", {"EntityName": "ACCOUNT"})
    assert admin.get("BULK_UPLOAD_HISTORY", loading["Id"])["Status"] == "AWAITING_FILE"
    lines = f"Name,ExternalKey\r\nNew,{unique}-new\r\nAgain,{keys[0]}\r\n"
    sent = {"FileName": "all.csv", "Data": base64.b64encode(lines.encode()).decode()}
    address = f"files/BULK_UPLOAD_HISTORY/{loading['Id']}"
    assert admin.send("POST", f"{address}/AllRecordsFile", sent).status_code == 200

    expected = admin.query(sql)
    live.run(_WORK)
    done = admin.get("BULK_API_REQUEST", asked["Id"])
    assert [done[f] for f in ("Status", "RecordCount", "BatchCount", "Progress")] == [
        "COMPLETED",
        "5",
        "3",
        "100",
    ]
    found = admin.query(
        f"SELECT Id FROM BULK_API_BATCH WHERE BulkApiRequestId = {asked['Id']} ORDER BY BatchNumber"
    )
    rows = [
        row
        for batch in found
        for row in json.loads(_download(admin, f"files/BULK_API_BATCH/{batch['Id']}/BatchFile"))[
            "queryResponse"
        ]
    ]
    assert rows == expected
    whole = _download(admin, f"files/BULK_API_REQUEST/{other['Id']}/ResponseFile").decode()
    assert whole == "ExternalKey,Name\r\n" + "".join(f"{k},{k}\r\n" for k in keys)

    loaded = admin.get("BULK_UPLOAD_HISTORY", loading["Id"])
    assert [loaded[f] for f in ("Status", "AcceptedCount", "RejectedCount")] == [
        "COMPLETED",
        "1",
        "1",
    ]
    rejected = _download(admin, f"{address}/RejectedRecordsFile").decode()
    (row,) = csv.DictReader(io.StringIO(rejected, newline=""))
    assert (row["LineNumber"], row["ErrorCode"], row["Name"]) == ("3", "DUPLICATE_KEY", "Again")


def _download(admin: Caller, path: str) -> bytes:
    answer = admin.send("GET", path)
    assert answer.status_code == 200, answer.text
    (file,) = answer.json()["fileDownloadResponse"]
    return base64.b64decode(file["Data"])
