"""Bad input: every request is answered in JSON, says what was wrong, and stores nothing by half."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import requests

from entities.api.envelope import MOST_BYTES
from tests.contract.calls import Caller
from tests.contract.live import Live

SQL = "x'); DROP TABLE customers_account; --"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"{", "line 1, column 2"),
        (b'{"brmObjects": [{"Name": "A",}]}', "line 1, column"),
        (b'{"brmObjects": {"Name": "\xc3\x28"}}', "UTF-8"),
        ('{"brmObjects": {"Name": "ä"}}'.encode("latin-1"), "UTF-8"),
        ('{"brmObjects": {}}'.encode("utf-16"), "not valid"),
        (b'{"brmObjects": %s1%s}' % (b"[" * 50_000, b"]" * 50_000), "nested too deep"),
        (b'{"brmObjects": {"Name": Infinity}}', "not valid JSON"),
        (b"[]", "JSON object"),
        (b"{}", "brmObjects"),
        (b'{"brmObjects": "all of them"}', "brmObjects"),
        (b"<xml/>", "not valid JSON"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_that_is_no_envelope_is_400(
    admin: Caller, method: str, body: bytes, says: str
) -> None:
    answer = admin.send(method, "ACCOUNT", body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "MALFORMED_REQUEST"
    assert says in answer.json()["message"]


def test_ten_megabytes_are_413_and_the_connection_lives_on(admin: Caller) -> None:
    body = b'{"brmObjects": {"Name": "%s"}}' % (b"x" * 10_000_000)
    answer = admin.send("POST", "ACCOUNT", body)
    assert answer.status_code == 413
    message = answer.json()["message"]
    assert f"{MOST_BYTES:,} bytes (5 MiB)" in message
    assert "1,000 records" in message
    assert admin.send("POST", "ACCOUNT", {"brmObjects": []}).status_code == 200


def test_ten_megabytes_of_unannounced_length_are_413(admin: Caller) -> None:
    pieces = (b" " * 100_000 for _ in range(100))
    answer = admin.http.post(f"{admin.url}/rest/2.0/ACCOUNT", data=pieces, timeout=30)
    assert answer.status_code == 413


def test_a_body_just_within_the_limit_is_read(admin: Caller) -> None:
    body = b'{"brmObjects": []}'
    body += b" " * (MOST_BYTES - len(body))
    assert admin.send("POST", "ACCOUNT", body).status_code == 200
    assert admin.send("POST", "ACCOUNT", body + b" ").status_code == 413


def test_more_than_a_thousand_records_are_413(admin: Caller) -> None:
    rows = [{"Name": "x"}] * 1001
    for method in ("POST", "PUT", "PATCH"):
        answer = admin.send(method, "ACCOUNT", {"brmObjects": rows})
        assert answer.status_code == 413
        assert "1,000" in answer.json()["message"]


WRONG_VALUES = [
    ({"Name": {"a": 1}}, "Name"),
    ({"Name": [1]}, "Name"),
    ({"Name": "x" * 256}, "Name"),
    ({"Name": "nul\0byte"}, "Name"),
    ({"Name": "A", "Status": "HAPPY"}, "Status"),
    ({"Name": "A", "InvoiceAtThisLevel": "perhaps"}, "InvoiceAtThisLevel"),
    ({"Name": "A", "AccountTypeId": "first"}, "AccountTypeId"),
    ({"Name": "A", "AccountTypeId": 1.5}, "AccountTypeId"),
    ({"Name": "A", "AccountTypeId": 10**30}, "AccountTypeId"),
    ({"Name": "A", "AccountTypeId": "987654321"}, "AccountTypeId"),
    ({"Name": "A", "AccountTypeIdObj": {"AccountType": "none such"}}, "AccountTypeId"),
    ({"Name": "A", "Colour": "red"}, "Colour"),
    ({"Name": "A", SQL: "1"}, SQL),
    ({}, "Name"),
    ({"Name": ""}, "Name"),
    ({"Name": None}, "Name"),
]


@pytest.mark.parametrize(("row", "field"), WRONG_VALUES, ids=str)
def test_a_wrong_value_fails_its_record_only(
    admin: Caller, unique: str, row: dict[str, Any], field: str
) -> None:
    before, wrong, after = admin.write(
        "POST", "ACCOUNT", [{"Name": f"{unique} a"}, row, {"Name": f"{unique} b"}]
    )
    assert before["success"] and after["success"]
    assert wrong["success"] is False
    assert wrong["ErrorCode"] not in ("", "0")
    assert wrong["ErrorText"].strip()
    assert field in wrong["ErrorElementField"]
    assert {"code", "field", "message"} == set(wrong["errors"][0])


@pytest.mark.parametrize(
    "value",
    ["2026-02-30", "2026-13-01", "0000-00-00", "tomorrow", "02/30/2026", 20260230, True, SQL, {}],
    ids=str,
)
def test_dates_that_are_none(admin: Caller, value: Any) -> None:
    (element,) = admin.write(
        "POST", "CONTRACT", {"AccountId": "1", "ContractNumber": "D-1", "StartDate": value}
    )
    assert element["success"] is False
    assert "StartDate" in element["ErrorElementField"]


@pytest.mark.parametrize("value", ["1e400", 10**40, "NaN", "Infinity", "1,5", "--1", SQL], ids=str)
def test_numbers_that_are_out_of_range_or_none(admin: Caller, value: Any) -> None:
    (element,) = admin.write("POST", "ROLE", {"Name": "N", "CreditApprovalThreshold": value})
    assert element["success"] is False
    assert element["ErrorElementField"] == "CreditApprovalThreshold"


@pytest.mark.parametrize("row", [5, "x", None, True, [], [1], 1.5], ids=str)
def test_what_is_no_record_fails_in_its_place(admin: Caller, unique: str, row: Any) -> None:
    wrong, right = admin.write("POST", "ACCOUNT", [row, {"Name": unique}])
    assert wrong["ErrorCode"] == "INVALID_RECORD"
    assert right["success"]


def test_sql_is_only_text(live: Live, admin: Caller, unique: str) -> None:
    name = f"{unique} {SQL}"
    record_id = admin.create("ACCOUNT", {"Name": name, "Description": SQL, "ExternalKey": name})
    assert live.rows(
        "SELECT name, description, external_key FROM customers_account WHERE id = %s", record_id
    ) == [(name, SQL, name)]
    for method, path, rows, beside in (
        ("PUT", "ACCOUNT", {"Id": SQL}, {}),
        ("PATCH", "ACCOUNT", {"Name": "x", "ExternalKey": SQL}, {"externalIDFieldName": SQL}),
        ("DELETE", "delete/ACCOUNT", {"Id": SQL}, {}),
        ("DELETE", "undelete/ACCOUNT", {"Id": SQL}, {}),
        ("POST", f"ACCOUNT{SQL}", {"Name": "x"}, {}),
        ("PUT", f"ACCOUNT/{SQL}", {"Name": "x"}, {}),
    ):
        answer = admin.send(method, path, {"brmObjects": rows, **beside})
        assert answer.status_code in (200, 400, 404), answer.text
        assert '"success":true' not in answer.text
    for path in (
        f"ACCOUNT/{SQL}",
        f"ACCOUNT?queryAnsiSql=Name = '{SQL}'",
        f"ACCOUNT?queryAnsiSql={SQL}",
        f"query?sql={SQL}",
        "query?sql=SELECT Id FROM ACCOUNT; DROP TABLE customers_account",
    ):
        assert admin.send("GET", path).status_code in (400, 404)
    assert live.rows("SELECT count(*) > 0 FROM customers_account") == [(True,)]


def test_one_key_twice_in_a_request_is_refused(admin: Caller, unique: str) -> None:
    rows = [
        {"ExternalKey": unique, "Name": "first"},
        {"ExternalKey": f"{unique}-other", "Name": "other"},
        {"ExternalKey": unique, "Name": "second"},
    ]
    elements = admin.write("PATCH", "ACCOUNT", rows, externalIDFieldName="ExternalKey")
    assert [e["success"] for e in elements] == [False, True, False]
    assert {elements[0]["ErrorCode"], elements[2]["ErrorCode"]} == {"DUPLICATE_IN_REQUEST"}


def test_two_upserts_of_one_key_at_once_make_one_row(
    live: Live, admin: Caller, unique: str
) -> None:
    answers: list[list[dict[str, Any]]] = []
    together = threading.Barrier(4)

    def upsert(number: int) -> None:
        caller = Caller(admin.url, _session_like(admin))
        together.wait()
        row = {"ExternalKey": unique, "Name": f"by {number}"}
        answers.append(caller.write("PATCH", "ACCOUNT", row, externalIDFieldName="ExternalKey"))

    _all(upsert, range(4))
    assert [e["success"] for (e,) in answers] == [True] * 4
    assert [e["created"] for (e,) in answers].count("true") == 1
    assert len({e["Id"] for (e,) in answers}) == 1
    assert live.rows("SELECT count(*) FROM customers_account WHERE external_key = %s", unique) == [
        (1,)
    ]


def test_deadlocks_are_sorted_out(live: Live, admin: Caller, unique: str) -> None:
    ids = [admin.create("ACCOUNT", {"Name": f"{unique} {n}"}) for n in range(20)]
    answers: list[list[dict[str, Any]]] = []

    def update(order: list[str]) -> None:
        caller = Caller(admin.url, _session_like(admin))
        for n in range(10):
            rows = [{"Id": i, "Name": f"{unique} {n}"} for i in order]
            answers.append(caller.write("PUT", "ACCOUNT", rows))

    _all(update, [ids, ids[::-1], ids[10:] + ids[:10], ids])
    assert all(e["success"] for elements in answers for e in elements)


def test_a_lock_held_by_somebody_else_is_waited_for(live: Live, admin: Caller, unique: str) -> None:
    record_id = admin.create("ACCOUNT", {"Name": unique})
    with psycopg.connect(live.database_url) as other:
        other.execute("SELECT 1 FROM customers_account WHERE id = %s FOR UPDATE", [record_id])
        threading.Thread(target=lambda: (time.sleep(0.3), other.rollback())).start()
        (element,) = admin.write("PUT", "ACCOUNT", {"Id": record_id, "Name": f"{unique}!"})
    assert element["success"]


def _session_like(caller: Caller) -> requests.Session:
    session = requests.Session()
    session.headers.update(caller.http.headers)
    return session


def _all(work: Any, arguments: Any) -> None:
    threads = [threading.Thread(target=work, args=(a,)) for a in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_absurd_ids_leave_no_mark_on_the_connections_they_pass(live: Live, admin: Caller) -> None:
    """Refusals undo transactions and statements that others have prepared on the connection."""
    product = admin.create("PRODUCT", {"Name": "asked for"})
    absurd = [2**31, 2**63 - 1, 2**63, 2**70, -(2**70)]
    session = admin.http.headers["sessionid"]

    def work(_: int) -> set[tuple[str, int]]:
        caller = Caller(live.url, requests.Session())
        caller.http.headers["sessionid"] = session
        told: set[tuple[str, int]] = set()
        for id_ in absurd * 4:
            (element,) = caller.write("PUT", "PRODUCT", {"Id": str(id_), "Name": "x"})
            told.add((element["ErrorCode"], 200))
            for path in (f"PRODUCT/{id_}", f"PRODUCT/{product}"):
                told.add((path, caller.send("GET", path).status_code))
            (element,) = caller.write("PUT", "PRODUCT", {"Id": product, "Name": str(id_)})
            assert element["success"], element
        return told

    with ThreadPoolExecutor(8) as pool:
        told = set().union(*pool.map(work, range(8)))
    assert told == {
        ("RECORD_NOT_FOUND", 200),
        ("NUMBER_OUT_OF_RANGE", 200),
        (f"PRODUCT/{product}", 200),
        *((f"PRODUCT/{id_}", 404) for id_ in absurd),
    }
