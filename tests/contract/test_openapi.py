"""The OpenAPI description over HTTP: what it says is what the server does."""

import time
from typing import Any

import pytest
import requests

from tests.contract.calls import Caller
from tests.describing import misfits, operations, resolved, sample

ENTITIES = ["PRODUCT", "ACCOUNT", "ACCOUNT_PRODUCT", "PACKAGE", "PRICING", "CURRENCY", "ROLE"]
#: What the entity's own rules want, which no schema tells.
RULES = {
    "PRICING": {"ProductId": "new PRODUCT"},
    "CURRENCY": {"CurrencyCode": "XQZ"},
}


@pytest.fixture
def document(admin: Caller) -> dict[str, Any]:
    answer = admin.send("GET", "openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    return dict(answer.json())


def test_it_needs_a_credential_and_takes_get_only(nobody: Caller, admin: Caller) -> None:
    assert nobody.send("GET", "openapi.json").status_code == 401
    refused = admin.send("POST", "openapi.json", {})
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET")


def test_who_has_the_current_document_is_told_so(admin: Caller) -> None:
    first = admin.send("GET", "openapi.json")
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = admin.send("GET", "openapi.json", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b""), known
        assert again.headers["ETag"] == tag
    other = admin.send("GET", "openapi.json", headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)
    assert "private" in first.headers["Cache-Control"]


def test_it_travels_compressed_where_the_client_takes_that(admin: Caller) -> None:
    def asked(coding: str) -> requests.Response:
        return admin.send("GET", "openapi.json", headers={"Accept-Encoding": coding})

    plain = asked("identity")
    assert "Content-Encoding" not in plain.headers
    for coding in ("gzip", "br, gzip;q=0.5", "GZIP"):
        packed = asked(coding)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.content == plain.content
        assert int(packed.headers["Content-Length"]) < len(plain.content) / 8
    for coding in ("", "br", "gzip;q=0", "gzip; q=0.0"):
        assert "Content-Encoding" not in asked(coding).headers
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_one_entity_has_a_document_of_its_own(admin: Caller) -> None:
    alone = admin.send("GET", "openapi.json", params={"entity": "billing_Profile"})
    paths = {path for path in alone.json()["paths"] if "BILLING_PROFILE" in path}
    assert "/rest/2.0/BILLING_PROFILE/{Id}" in paths
    assert not any("ACCOUNT" in path for path in alone.json()["paths"])
    tag = {"If-None-Match": alone.headers["ETag"]}
    again = admin.send("GET", "openapi.json", params={"Entity": "BillingProfile"}, headers=tag)
    assert again.status_code == 304
    unknown = admin.send("GET", "openapi.json", params={"entity": "BILLING_PROFIL"})
    assert unknown.status_code == 404
    assert "Did you mean BILLING_PROFILE?" in unknown.json()["message"]


def test_a_changed_field_changes_the_document_at_once(admin: Caller, unique: str) -> None:
    before = admin.send("GET", "openapi.json")
    (field,) = admin.query(
        "SELECT Id, FieldLabel FROM ENTITY_FIELD WHERE ExternalKey = 'PRODUCT.Status'"
    )
    admin.write("PUT", "ENTITY_FIELD", {"Id": field["Id"], "FieldLabel": unique})
    try:
        after = admin.send("GET", "openapi.json", headers={"If-None-Match": before.headers["ETag"]})
        assert after.status_code == 200
        about = after.json()["components"]["schemas"]["PRODUCT"]["properties"]["Status"]
        assert about["title"] == unique
    finally:
        admin.write("PUT", "ENTITY_FIELD", field)
    again = admin.send("GET", "openapi.json")
    assert again.headers["ETag"] == before.headers["ETag"]


def body_schema(operation: dict[str, Any]) -> Any:
    return operation["requestBody"]["content"]["application/json"]["schema"]


def answer_schema(document: dict[str, Any], operation: dict[str, Any], status: int) -> Any:
    answer = resolved(document, operation["responses"][str(status)])
    return answer["content"]["application/json"]["schema"]


class Client:
    """Sends what the document describes and holds the answers against it."""

    def __init__(self, caller: Caller, document: dict[str, Any]) -> None:
        self.caller = caller
        self.document = document
        self.by_id = {o["operationId"]: (p, m, o) for p, m, o in operations(document)}

    def call(self, operation_id: str, body: Any = None, record_id: str = "", **query: str) -> Any:
        path, method, operation = self.by_id[operation_id]
        if body is not None:
            assert not misfits(self.document, body_schema(operation), body)
        address = path.removeprefix("/rest/2.0/").replace("{Id}", record_id)
        answer = self.caller.send(method.upper(), address, body, params=query)
        assert str(answer.status_code) in operation["responses"], answer.text
        schema = answer_schema(self.document, operation, answer.status_code)
        assert not misfits(self.document, schema, answer.json()), answer.text
        return answer.json()

    def done(self, operation_id: str, body: Any, record_id: str = "") -> dict[str, Any]:
        """The one result of a write that must succeed."""
        ((element,),) = self.call(operation_id, body, record_id).values()
        assert element["success"], (operation_id, body, element)
        return dict(element)

    def new(self, entity: str, text: str) -> dict[str, Any]:
        """A record from the entity's own schema, its lookups led to records that exist."""
        schemas = self.document["components"]["schemas"]
        made = dict(sample(self.document, schemas[f"{entity}.Create"], text, whole=False))
        for name in made:
            about = schemas[f"{entity}.Write"]["properties"][name]
            if "x-references" in about:
                made[name] = self.existing(about["x-references"], text)
            elif about.get("pattern") is None and "enum" not in about and "format" not in about:
                made[name] = text[: about.get("maxLength", 1000)]
        for name, value in RULES.get(entity, {}).items():
            new, _, target = value.rpartition(" ")
            if new:
                row = self.new(target, text)
                value = self.done(f"{target}.create", {"brmObjects": row})["Id"]
            made[name] = value
        return made

    def existing(self, entity: str, text: str) -> str:
        found = self.caller.query(f"SELECT Id FROM {entity} ORDER BY Id FETCH NEXT 1 ROWS ONLY")
        if found:
            return str(found[0]["Id"])
        return str(self.done(f"{entity}.create", {"brmObjects": self.new(entity, text)})["Id"])


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_operation_does_what_is_described(
    entity: str, admin: Caller, document: dict[str, Any], unique: str
) -> None:
    client = Client(admin, document)
    described = {i for i in client.by_id if i.startswith(f"{entity}.")}
    verbs = ("find", "get", "create", "update", "updateOne", "upsert", "delete", "undelete")
    assert described == {f"{entity}.{verb}" for verb in verbs}

    # Codes of a few characters must differ from those that are there.
    row = client.new(entity, unique[::-1].replace("-", ""))
    made = client.done(f"{entity}.create", {"brmObjects": row, "allOrNone": "1"})
    record_id = made["Id"]
    (record,) = client.call(f"{entity}.get", record_id=record_id)["retrieveResponse"]
    assert row.items() <= record.items()
    found = client.call(f"{entity}.find", queryAnsiSql=f"Id = {record_id}")
    assert found["retrieveResponse"] == [record]

    writable = document["components"]["schemas"][f"{entity}.Write"]["properties"]
    back = {n: v for n, v in record.items() if n in writable and v is not None}
    client.done(f"{entity}.update", {"brmObjects": [{**back, "Id": record_id}]})
    client.done(f"{entity}.updateOne", {"brmObjects": row}, record_id)
    upserted = client.done(
        f"{entity}.upsert",
        {"brmObjects": [{"Id": record_id, **row}], "externalIDFieldName": "Id"},
    )
    assert upserted["created"] == "false"
    gone = {"brmObjects": [{"Id": record_id}]}
    client.done(f"{entity}.delete", gone)
    assert client.call(f"{entity}.get", record_id=record_id)["error"] == "RECORD_NOT_FOUND"
    client.done(f"{entity}.undelete", gone)
    client.done(f"{entity}.delete", {**gone, "EmptyRecycleBin": "1"})


def test_a_record_that_fails_is_answered_as_described(
    admin: Caller, document: dict[str, Any]
) -> None:
    client = Client(admin, document)
    ((failed,),) = client.call("PRODUCT.update", {"brmObjects": {"Id": "999999999"}}).values()
    assert failed["ErrorCode"] == "RECORD_NOT_FOUND"


def test_a_whole_record_is_written_and_read_back(
    admin: Caller, document: dict[str, Any], unique: str
) -> None:
    client = Client(admin, document)
    form = document["components"]["schemas"]["PRODUCT.Create"]
    # A formula is not any text.
    row = sample(document, form, unique, whole=True) | {"SSPFormula": "{!Quantity} * 2"}
    record_id = client.done("PRODUCT.create", {"brmObjects": row})["Id"]
    (record,) = client.call("PRODUCT.get", record_id=record_id)["retrieveResponse"]
    assert record["Name"] == row["Name"] == unique
    assert len(row) > 5
    for name, value in row.items():
        if isinstance(value, str) and document["components"]["schemas"]["PRODUCT"]["properties"][
            name
        ].get("format") not in ("date-time",):
            assert record[name] == value, name


def test_a_lookup_may_be_named_by_a_key_as_described(
    admin: Caller, document: dict[str, Any], unique: str
) -> None:
    client = Client(admin, document)
    parent = {**client.new("ACCOUNT", unique), "ExternalKey": unique}
    parent_id = client.done("ACCOUNT.create", {"brmObjects": parent})["Id"]
    child = {
        **client.new("ACCOUNT", f"{unique}-child"),
        "ParentAccountIdObj": {"ExternalKey": unique},
    }
    child_id = client.done("ACCOUNT.create", {"brmObjects": child})["Id"]
    assert admin.get("ACCOUNT", child_id)["ParentAccountId"] == parent_id


def test_queries_and_their_errors_are_as_described(admin: Caller, document: dict[str, Any]) -> None:
    client = Client(admin, document)
    sql = "SELECT Id FROM ROLE"
    assert client.call("query.get", sql=sql) == client.call("query.post", {"sql": sql})
    assert client.call("query.post", {"sql": "SELECT Nmae FROM ROLE"})["error"] == "QUERY_INVALID"
    assert client.call("query.get", sql=f"{sql} WHERE Id < 0")["error"] == "NO_ROWS"


def test_signing_in_is_as_described(nobody: Caller, document: dict[str, Any]) -> None:
    client = Client(nobody, document)
    wrong = client.call("login", {"username": "admin", "password": "wrong"})
    assert wrong["loginResponse"][0]["SessionID"] == ""
    # Nobody at all may end no session.
    assert client.call("logout")["error"] == "NOT_AUTHENTICATED"


def test_the_document_is_there_quickly(admin: Caller) -> None:
    admin.send("GET", "openapi.json")
    begun = time.perf_counter()
    for _ in range(5):
        assert admin.send("GET", "openapi.json").status_code == 200
    assert (time.perf_counter() - begun) / 5 < 0.5
