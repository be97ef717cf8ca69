"""Reading records: everything is text or null, one list per answer, and nothing found is 404."""

from typing import Any

import pytest

from tests.contract.calls import Caller


@pytest.fixture(scope="module")
def contract(admin: Caller) -> dict[str, str]:
    account = admin.create("ACCOUNT", {"Name": "O'Neil & Søn", "ExternalKey": "reading-1"})
    row = {
        "AccountId": account,
        "ContractNumber": "reading-1",
        "StartDate": "2026-02-01",
        "ContractStatus": "ACTIVE",
        "OnEndDate": "Terminate",
    }
    return {"Id": admin.create("CONTRACT", row), **row}


def test_by_id(admin: Caller, contract: dict[str, str]) -> None:
    answer = admin.send("GET", f"CONTRACT/{contract['Id']}")
    ((name, records),) = answer.json().items()
    (record,) = records
    assert name == "retrieveResponse"
    assert {field: record[field] for field in contract} == contract
    assert record["EndDate"] is None
    assert all(value is None or isinstance(value, str) for value in record.values())


@pytest.mark.parametrize(
    "record_id", ["999999999", "0", "-1", "abc", "9" * 30, "9" * 5000, "1e3", "٣", "1;2"]
)
def test_an_id_nobody_has_is_404(admin: Caller, record_id: str) -> None:
    answer = admin.send("GET", f"CONTRACT/{record_id}")
    assert (answer.status_code, answer.json()["error"]) == (404, "RECORD_NOT_FOUND")


@pytest.mark.parametrize(
    "condition",
    [
        "ContractNumber = 'reading-1'",
        "contractnumber = 'reading-1' AND ContractStatus <> 'x'",
        "Id = {Id}",
        "Id = '{Id}'",
        "AccountId IN ('{AccountId}')",
        "AccountIdObj.Name = 'O''Neil & Søn'",
        "StartDate <= '2026-02-01' AND ContractNumber LIKE 'reading%'",
    ],
)
def test_by_condition(admin: Caller, contract: dict[str, str], condition: str) -> None:
    sent = {"queryAnsiSql": condition.format(**contract)}
    answer = admin.send("GET", "contract", params=sent)
    assert answer.status_code == 200, answer.text
    (record,) = answer.json()["retrieveResponse"]
    assert record["Id"] == contract["Id"]


def test_a_condition_that_matches_nothing_is_404(admin: Caller) -> None:
    answer = admin.send("GET", "CONTRACT", params={"queryAnsiSql": "ContractNumber = 'no such'"})
    assert (answer.status_code, answer.json()["error"]) == (404, "NO_ROWS")


@pytest.mark.parametrize("path", ["CONTRACT", "CONTRACT?queryAnsiSql=", "CONTRACT?sql=Id>0"])
def test_without_a_condition_it_says_how_to_give_one(admin: Caller, path: str) -> None:
    answer = admin.send("GET", path)
    assert answer.status_code == 400
    assert "queryAnsiSql" in answer.json()["message"]


@pytest.mark.parametrize("name", ["queryAnsiSql", "QUERYANSISQL", "queryansisql"])
def test_parameter_names_in_any_case(admin: Caller, contract: dict[str, str], name: str) -> None:
    assert admin.send("GET", f"CONTRACT?{name}=Id={contract['Id']}").status_code == 200


SQL = "SELECT Id, ContractNumber n, AccountObj.Name FROM CONTRACT WHERE Id = {Id}"


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("GET", {"params": {"sql": SQL}}),
        ("POST", {"body": {"sql": SQL}}),
        ("POST", {"body": {"SQL": SQL}}),
        ("POST", {"body": {}, "params": {"sql": SQL}}),
        ("POST", {"params": {"sql": SQL}}),
        ("POST", {"body": {"sql": f"\n   {SQL}\n"}, "headers": {"Content-Type": "text/plain"}}),
    ],
)
def test_a_query_by_every_way(
    admin: Caller, contract: dict[str, str], method: str, options: dict[str, Any]
) -> None:
    filled = {
        kind: {k: v.replace("{Id}", contract["Id"]) for k, v in value.items()}
        for kind, value in options.items()
    }
    answer = admin.send(method, "query", filled.pop("body", None), **filled)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "queryResponse": [
            {"Id": contract["Id"], "n": "reading-1", "AccountObj.Name": "O'Neil & Søn"}
        ]
    }


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("", "MALFORMED_REQUEST"),
        ("SELECT Id WHERE 1=1", "QUERY_INVALID"),
        ("SELECT * FROM CONTRACT", None),
        ("SELECT Nothing FROM CONTRACT", None),
        ("SELECT Id FROM pg_user", None),
        ("DELETE FROM CONTRACT", None),
        ("SELECT Id FROM CONTRACT WHERE ContractNumber = 'x", "QUERY_INVALID"),
        ("SELECT Id FROM CONTRACT WHERE ContractNumber = 'a\0b'", None),
        ("SELECT Id FROM CONTRACT WHERE " + "(" * 5000 + "1=1" + ")" * 5000, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_query_that_is_none_is_400_or_404(admin: Caller, sql: str, error: str | None) -> None:
    for answer in (
        admin.send("GET", "query", params={"sql": sql}),
        admin.send("POST", "query", {"sql": sql}),
    ):
        assert answer.status_code in (400, 404), answer.text
        assert error is None or answer.json()["error"] == error


def test_the_place_of_a_mistake_is_told(admin: Caller) -> None:
    answer = admin.send("GET", "query", params={"sql": "SELECT Id, Nmae FROM ACCOUNT"})
    (detail,) = answer.json()["errors"]
    assert detail["position"] == 11
    assert "Name" in detail["error_message"]


@pytest.mark.parametrize("body", [{"params": {"sql": "x"}}, {"sql": 5}, {"sql": ["x"]}, [], "x"])
def test_a_posted_query_without_sql_is_400(admin: Caller, body: Any) -> None:
    answer = admin.send("POST", "query", body)
    assert (answer.status_code, answer.json()["error"]) == (400, "MALFORMED_REQUEST")


def test_paging_ends_with_404(admin: Caller) -> None:
    roles = "SELECT Id FROM ROLE ORDER BY Id"
    seen: list[str] = []
    for offset in range(0, 1000, 3):
        answer = admin.send(
            "GET",
            "query",
            params={"sql": f"{roles} OFFSET {offset} ROWS FETCH NEXT 3 ROWS ONLY"},
        )
        if answer.status_code == 404:
            break
        seen += [row["Id"] for row in answer.json()["queryResponse"]]
    assert answer.json()["error"] == "NO_ROWS"
    assert seen == [row["Id"] for row in admin.query(roles)]


def test_metadata_is_data(admin: Caller) -> None:
    answer = admin.send("GET", "ENTITY_FIELD?queryAnsiSql=FieldName = 'ContractNumber'")
    (field, *_) = answer.json()["retrieveResponse"]
    assert (field["FieldName"], field["DataType"]) == ("ContractNumber", "TEXT")
