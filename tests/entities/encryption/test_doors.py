"""Encrypted fields through REST 2.0 and the admin, and what of them is anywhere in the database."""

import json
import logging
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from entities import query, records
from entities.api import openapi
from entities.models.workflow import WorkflowAction
from entities.schema.current import current
from metabrm.identity.context import Context
from metabrm.identity.models import User
from metabrm.identity.sessions import open_session
from tests.entities.acting import create_one
from tests.entities.automation.waiting import action
from tests.entities.encryption.everything import whole_database
from tests.entities.encryption.keys import keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("patient")]

SECRET = "Zebra-Secret-4711"


@pytest.fixture
def person(admin: Context) -> User:
    return User.objects.get(pk=admin.user_id)


def send(person: User, method: str, path: str, body: Any = None) -> Any:
    answer = Client().generic(
        method,
        f"/rest/2.0/{path}",
        b"" if body is None else json.dumps(body).encode(),
        content_type="application/json",
        headers={"sessionid": open_session(person)},
    )
    return answer.json()


def test_the_plain_text_is_nowhere_in_the_database(
    person: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [f"{SECRET}-{n}" for n in range(20)]
    rows = [{"Ssn": t, "Notes": t, "Mail": f"{t}@example.com", "Name": "P"} for t in texts]
    made = send(person, "POST", "PATIENT", {"brmObjects": rows})["createResponse"]
    ids = [element["Id"] for element in made]
    refused = send(person, "POST", "PATIENT", {"brmObjects": [{"Ssn": texts[0]}]})
    assert refused["createResponse"][0]["ErrorCode"] == "DUPLICATE_KEY"
    change = {"brmObjects": [{"Id": ids[0], "Notes": f"{SECRET} changed"}]}
    assert send(person, "PUT", "PATIENT", change)["updateResponse"][0]["success"]
    up = {"brmObjects": [{"Ssn": texts[3], "Site": f"https://example.com/{SECRET}"}]}
    up["externalIDFieldName"] = "Ssn"  # type: ignore[assignment]
    assert send(person, "PATCH", "PATIENT", up)["upsertResponse"][0]["Id"] == ids[3]
    for verb in ("delete", "undelete"):
        rows = [{"Id": ids[1]}]
        send(person, "DELETE", f"{verb}/PATIENT", {"brmObjects": rows})
    found = send(person, "GET", f"PATIENT?queryAnsiSql=Ssn = '{texts[1]}'")["retrieveResponse"]
    assert [(r["Ssn"], r["Notes"], r["Mail"]) for r in found] == [
        (texts[1], texts[1], f"{texts[1]}@example.com")
    ]
    assert SECRET not in whole_database()
    with keys("k2", "k1"):
        call_command("rotate_field_keys", verbosity=0)
        assert SECRET not in whole_database()
        answer = send(person, "GET", f"PATIENT/{ids[0]}")["retrieveResponse"]
        assert answer[0]["Notes"] == f"{SECRET} changed"
    assert SECRET not in caplog.text


def test_the_audit_log_shows_that_a_value_changed(person: User, system: Context) -> None:
    id_ = create_one("PATIENT", system, Notes=SECRET, Name="A")
    records.update("PATIENT", [{"Id": id_, "Notes": f"{SECRET} 2"}], system)
    sql = f"SELECT Before, After FROM AUDIT_LOG WHERE RecordId = {id_} AND EntityName = 'PATIENT'"
    (_, entry) = json.loads(query.query(f"{sql} ORDER BY Id", system).json)
    assert SECRET not in str(entry)
    assert entry["Before"]["Notes"].startswith("sealed.k1:")
    assert entry["Before"]["Notes"] != entry["After"]["Notes"]


def test_the_openapi_document_says_what_can_be_asked(admin: Context) -> None:
    document = json.loads(openapi.document(current(), admin, "acme").body)
    schemas = document["components"]["schemas"]
    about = schemas["PATIENT"]["properties"]["Ssn"]
    assert (
        "Encrypted at rest: conditions compare it by =, <>, IN and IS NULL only."
        in (about["description"])
    )
    assert schemas["PATIENT.Write"]["properties"]["Ssn"]["maxLength"] == 40
    assert "Secret" not in schemas["WORKFLOW_ACTION"]["properties"]
    assert schemas["WORKFLOW_ACTION.Write"]["properties"]["Secret"]["writeOnly"] is True


# The admin


@pytest.fixture
def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


PLACE = "/admin/custom/patient/"


def test_pages_show_the_value_and_no_token(browser: Client, system: Context) -> None:
    id_ = create_one("PATIENT", system, Ssn=SECRET, Notes=SECRET, Name="Ada")
    records.update("PATIENT", [{"Id": id_, "Notes": f"{SECRET} 2"}], system)
    create_one("PATIENT", system, Name="Child", ParentId=id_)
    log = current().entity("AUDIT_LOG").model._meta
    pages = [
        PLACE,
        f"{PLACE}{id_}/change/",
        f"{PLACE}{id_}/history/",
        f"{PLACE}{id_}/delete/",
        f"{PLACE}recycle-bin/",
        f"/admin/{log.app_label}/{log.model_name}/",
        "/admin/",
        "/admin/lookup/PATIENT/ParentId/?term=Ada",
    ]
    seen = {}
    for page in pages:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        assert "sealed." not in answer.text, page
        seen[page] = SECRET in answer.text
    assert [page for page in pages if seen[page]] == pages[:3]


def test_the_form_writes_it(browser: Client, system: Context) -> None:
    id_ = create_one("PATIENT", system, Ssn="1", Notes="before", Name="Ada")
    form = browser.get(f"{PLACE}{id_}/change/").context["adminform"].form
    typed = {name: form[name].value() or "" for name in form.fields} | {"Notes": SECRET}
    assert browser.post(f"{PLACE}{id_}/change/", typed).status_code == 302
    (row,) = json.loads(records.retrieve("PATIENT", [id_], system))
    assert (row["Notes"], row["Ssn"], row["Name"]) == (SECRET, "1", "Ada")
    assert SECRET not in whole_database()


def test_lists_are_not_sorted_or_searched_by_it(browser: Client, system: Context) -> None:
    create_one("PATIENT", system, Ssn=SECRET, Notes=SECRET)
    column = current().entity("PATIENT").field("Ssn").column
    for order in range(1, 9):
        found = browser.get(f"{PLACE}?o={order}").context["cl"].queryset.query.order_by
        assert not {column, f"-{column}"} & set(found)
    for word in (SECRET, "sealed", "sealed.k1"):
        assert browser.get(f"{PLACE}?q={word}").context["cl"].result_count == 0
    for lookup in ("startswith", "gt", "contains", "regex"):
        answer = browser.get(f"{PLACE}?{column}__{lookup}=sealed")
        assert answer.status_code in (302, 400)


def test_an_encrypted_name_is_no_title(system: Context) -> None:
    entity = create_one("ENTITY", system, EntityName="VAULT")
    for name, more in (("Name", {"EncryptedFlag": "1"}), ("Code", {})):
        create_one("ENTITY_FIELD", system, EntityId=entity, FieldName=name, DataType="TEXT", **more)
    assert current().entity("VAULT").title == "Code"


# The secret of a webhook


def test_a_webhooks_secret_is_encrypted_and_never_read(
    person: User, browser: Client, admin: Context
) -> None:
    made = action(secret=SECRET)
    assert WorkflowAction.objects.get(pk=made.pk).secret == SECRET
    assert SECRET not in whole_database()
    (row,) = send(person, "GET", f"WORKFLOW_ACTION/{made.pk}")["retrieveResponse"]
    assert "Secret" not in row
    refused = send(person, "GET", "query?sql=SELECT Secret FROM WORKFLOW_ACTION")
    assert "INSUFFICIENT_RIGHTS" in str(refused)
    refused = send(person, "GET", "WORKFLOW_ACTION?queryAnsiSql=Secret IS NOT NULL")
    assert "INSUFFICIENT_RIGHTS" in str(refused)
    meta = current().entity("WORKFLOW_ACTION").model._meta
    place = f"/admin/{meta.app_label}/{meta.model_name}/"
    for page in (place, f"{place}{made.pk}/change/", f"{place}{made.pk}/history/"):
        answer = browser.get(page)
        assert answer.status_code == 200
        assert SECRET not in answer.text and "sealed." not in answer.text
    form = browser.get(f"{place}{made.pk}/change/").context["adminform"].form
    assert form["Secret"].value() in (None, "")


def test_a_secret_is_replaced_and_kept(admin: Context) -> None:
    made = action(secret="old")
    WorkflowAction.objects.filter(pk=made.pk).update(url="https://example.com/hook")
    (outcome,) = records.update("WORKFLOW_ACTION", [{"Id": made.pk, "Secret": "new"}], admin)
    assert outcome.ok, outcome.problems
    (outcome,) = records.update("WORKFLOW_ACTION", [{"Id": made.pk, "ActionName": "B"}], admin)
    assert outcome.ok, outcome.problems
    made.refresh_from_db()
    assert (made.secret, made.action_name) == ("new", "B")
