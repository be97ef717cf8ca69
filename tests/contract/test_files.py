"""Files over HTTP, as a program sends and saves them: a required one first, then its record."""

import base64
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.contract.calls import Caller

NAMES = [
    "terms.sig",
    'Müller "AG" – Rechnung № 7.dat',
    "语言\u202e.text",
    "a\r\nSet-Cookie: x=1.log",
    "../../etc/passwd",
    "page.html",
    "percent%20; filename=evil.exe",
]


@pytest.fixture(scope="module")
def contract_entity(admin: Caller) -> str:
    """An entity whose records can't do without a file."""
    entity = admin.create("ENTITY", {"EntityName": "SIGNED_PAPER"})
    admin.create("ENTITY_FIELD", {"EntityId": entity, "FieldName": "Name", "DataType": "TEXT"})
    admin.create(
        "ENTITY_FIELD",
        {"EntityId": entity, "FieldName": "Scan", "DataType": "FILE", "RequiredFlag": "1"},
    )
    return "SIGNED_PAPER"


def send(caller: Caller, path: str, name: str, content: bytes) -> Any:
    data = base64.b64encode(content).decode()
    return caller.send("POST", f"files/{path}", {"FileName": name, "Data": data})


def upload(caller: Caller, path: str, name: str, content: bytes) -> dict[str, Any]:
    answer = send(caller, path, name, content)
    assert answer.status_code == 200, answer.text
    (element,) = answer.json()["fileUploadResponse"]
    return dict(element)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [b"", b"<script>alert(1)</script>", bytes(range(256)) * 5000])
def test_a_record_is_made_with_the_file_that_it_requires(
    admin: Caller, contract_entity: str, name: str, content: bytes
) -> None:
    kept = upload(admin, f"{contract_entity}/Scan", name, content)
    assert kept["success"] is True and kept["Size"] == str(len(content))
    record = admin.create(contract_entity, {"Name": "x", "Scan": kept["Key"]})
    assert admin.get(contract_entity, record)["Scan"] == kept["FileName"]
    address = f"files/{contract_entity}/{record}/Scan"
    (read,) = admin.send("GET", address).json()["fileDownloadResponse"]
    assert (base64.b64decode(read["Data"]), read["FileName"]) == (content, kept["FileName"])
    saved = admin.send("GET", f"{address}/content")
    assert saved.content == content
    assert saved.headers["Content-Disposition"].startswith("attachment; filename")
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in saved.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in saved.headers
    asked = admin.send("HEAD", f"{address}/content")
    assert (asked.status_code, asked.headers["Content-Length"]) == (200, str(len(content)))


def test_without_its_file_or_with_somebody_else_s_key_there_is_no_record(
    admin: Caller, contract_entity: str
) -> None:
    kept = upload(admin, f"{contract_entity}/Scan", "a.txt", b"a")
    first = {"Name": "first", "Scan": kept["Key"]}
    rows = [{"Name": "none"}, first, first, {"Name": "made up", "Scan": "0" * 32}, {"Scan": "a"}]
    outcomes = admin.write("POST", contract_entity, rows)
    assert [o["ErrorCode"] for o in outcomes] == [
        "REQUIRED_FIELD_MISSING",
        "0",
        "DUPLICATE_IN_REQUEST",
        "INVALID_VALUE",
        "INVALID_VALUE",
    ]
    assert all(o["ErrorElementField"] == "Scan" for o in outcomes if o["ErrorCode"] != "0")
    (again,) = admin.write("POST", contract_entity, [first])
    assert again["ErrorCode"] == "INVALID_VALUE"
    assert "upload the file again" in again["ErrorText"]


def test_a_key_replaces_a_file_and_what_is_required_is_not_taken_away(
    admin: Caller, contract_entity: str
) -> None:
    one, two = (
        upload(admin, f"{contract_entity}/Scan", n, n.encode())["Key"] for n in ("1.txt", "2.txt")
    )
    record = admin.create(contract_entity, {"Scan": one})
    (changed,) = admin.write("PUT", contract_entity, [{"Id": record, "Scan": two}])
    assert changed["success"]
    assert admin.send("GET", f"files/{contract_entity}/{record}/Scan/content").content == b"2.txt"
    (kept,) = admin.write("PUT", contract_entity, [{"Id": record, "fieldsToNull": ["Scan"]}])
    assert kept["ErrorCode"] == "REQUIRED_FIELD_MISSING"


def test_of_uploads_at_once_one_stays_and_is_whole(admin: Caller, contract_entity: str) -> None:
    first = upload(admin, f"{contract_entity}/Scan", "first.txt", b"first")["Key"]
    record = admin.create(contract_entity, {"Scan": first})
    address = f"{contract_entity}/{record}/Scan"

    def one(number: int) -> int:
        caller = Caller(admin.url, requests.Session())
        caller.http.headers.update(admin.http.headers)
        return send(caller, address, f"{number}.txt", f"{number}".encode() * 50_000).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(one, range(6))) == {200}
    saved = admin.send("GET", f"files/{address}/content")
    name = admin.get(contract_entity, record)["Scan"]
    assert saved.content == name.removesuffix(".txt").encode() * 50_000
    assert f'"{name}"' in saved.headers["Content-Disposition"]


def test_an_upload_that_is_cut_off_changes_nothing(admin: Caller, contract_entity: str) -> None:
    first = upload(admin, f"{contract_entity}/Scan", "first.txt", b"first")["Key"]
    record = admin.create(contract_entity, {"Scan": first})
    address = f"files/{contract_entity}/{record}/Scan"
    where = urlsplit(admin.url)
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=30) as wire:
        wire.sendall(
            f"POST {where.path}/rest/2.0/{address} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            f"sessionid: {admin.http.headers['sessionid']}\r\nContent-Length: 100000\r\n\r\n"
            f'{{"FileName": "b.txt", "Data": "{"QUFB" * 1000}'.encode()
        )
    assert admin.send("GET", f"{address}/content").content == b"first"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "files/SIGNED_PAPER/Name", 400),
        ("POST", "files/SIGNED_PAPER/Nothing", 400),
        ("POST", "files/NOTHING/Scan", 404),
        ("GET", "files/SIGNED_PAPER/Scan", 405),
        ("GET", "files/SIGNED_PAPER/0/Scan/content", 404),
        ("GET", "files/SIGNED_PAPER/1/Scan/contents", 404),
    ],
)
def test_where_there_is_no_file(
    admin: Caller, contract_entity: str, method: str, path: str, status: int
) -> None:
    body = {"FileName": "a", "Data": ""} if method == "POST" else None
    assert admin.send(method, path, body).status_code == status


def test_the_addresses_are_in_the_openapi_document(admin: Caller, contract_entity: str) -> None:
    document = admin.send("GET", "openapi.json").json()
    base = f"/rest/2.0/files/{contract_entity}"
    assert set(document["paths"][f"{base}/Scan"]) == {"post"}
    assert {"get", "post"} <= set(document["paths"][f"{base}/{{Id}}/Scan"])
    assert "get" in document["paths"][f"{base}/{{Id}}/Scan/content"]
    schemas = document["components"]["schemas"]
    assert schemas[f"{contract_entity}.Create"]["required"] == ["Scan"]
    assert schemas[f"{contract_entity}.Write"]["properties"]["Scan"]["pattern"] == "^[0-9a-f]{32}$"
