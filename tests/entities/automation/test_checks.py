"""Only what can be applied is saved, and only by administrators."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from entities import records
from entities.models import Entity
from entities.models.workflow import WorkflowAction, WorkflowRule
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.entities.automation.making import CHANGED, CREATED, WRITTEN, action, calls, rule, ticket

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ticket(db: None) -> Entity:
    return ticket()


def entity(name: str = "TICKET") -> str:
    return str(Entity.objects.get(entity_name=name, deleted_at=None).pk)


@pytest.mark.parametrize(
    ("fields", "at", "told"),
    [
        ({"Criteria": "{!Titel} = 'x'"}, "Criteria", "no field 'Titel'. Did you mean Title?"),
        ({"Criteria": "{!Title} = "}, "Criteria", "(At character 11.)"),
        ({"Criteria": "{!Title}"}, "Criteria", "(At character 1.)"),
        ({"Criteria": "{!Count} > 'x'"}, "Criteria", "(At character"),
        ({"Event": CHANGED}, "Criteria", "required"),
        ({"Event": CHANGED, "Criteria": "  "}, "Criteria", "required"),
        ({"Event": "Scheduled", "SheduleInterval": "DAILY"}, "ExecTime", "required"),
        ({"Event": "Scheduled", "ExecTime": "06:30"}, "SheduleInterval", "required"),
        (
            {"Event": "Scheduled", "SheduleInterval": "DAILY", "ExecTime": "25:00"},
            "ExecTime",
            "06:30",
        ),
        ({"EntityId": "AUDIT_LOG"}, "EntityId", "Only the platform writes AUDIT_LOG"),
        ({"EntityId": "ENTITY_FIELD"}, "EntityId", "the schema itself"),
        ({"EntityId": "WORKFLOW_RULE"}, "EntityId", "the schema itself"),
        ({"EntityId": "OUTBOUND_MESSAGE", "Event": "After Restore"}, "Event", "no recycle bin"),
        ({"Event": "Sometimes"}, "Event", "Sometimes"),
    ],
)
def test_rules_that_could_not_be_applied(
    fields: dict[str, Any], at: str, told: str, system: Context
) -> None:
    row = {"RuleName": "R", "Event": CREATED, **fields}
    row["EntityId"] = entity(fields.get("EntityId", "TICKET"))
    (outcome,) = records.create("WORKFLOW_RULE", [row], system)
    assert [p.field for p in outcome.problems] == [at]
    assert told in outcome.problems[0].message


MAIL = {"Recipient": "a@x.org", "Subject": "s", "Body": "b"}


@pytest.mark.parametrize(
    ("kind", "fields", "at", "told"),
    [
        ("WEBHOOK", {}, "Url", "required"),
        ("WEBHOOK", {"Url": "https://user:pw@example.com/"}, "Url", "user name"),
        ("WEBHOOK", {"Url": "http://127.0.0.1/"}, "Url", "BRM_WEBHOOK_PRIVATE_HOSTS"),
        ("WEBHOOK", {"Url": "http://2130706433/"}, "Url", ""),
        ("WEBHOOK", {"Url": "http://0x7f.1/"}, "Url", ""),
        ("WEBHOOK", {"Url": "http://[::1]:80/"}, "Url", "inside the network"),
        ("WEBHOOK", {"Url": "http://localhost:8000/"}, "Url", "inside the network"),
        ("WEBHOOK", {"Url": "http://a.localhost/"}, "Url", "inside the network"),
        ("WEBHOOK", {"Url": "http://169.254.169.254/latest"}, "Url", "inside the network"),
        ("WEBHOOK", {"Url": "ftp://example.com/"}, "Url", ""),
        ("WEBHOOK", {"Url": "https://x.org/", "FieldFormulas": [1]}, "FieldFormulas", "object"),
        (
            "WEBHOOK",
            {"Url": "https://x.org/", "FieldFormulas": {"a": "{!Titel}"}},
            "FieldFormulas",
            "a: TICKET has no field 'Titel'. Did you mean Title? (At character 3.)",
        ),
        ("EMAIL", {**MAIL, "Recipient": ""}, "Recipient", "required"),
        ("EMAIL", {**MAIL, "Recipient": "nobody"}, "Recipient", "nobody"),
        ("EMAIL", {**MAIL, "Recipient": "a@x.org, b"}, "Recipient", "'b'"),
        ("EMAIL", {**MAIL, "Recipient": "a{!Mail}@x.org"}, "Recipient", "no mail address"),
        ("EMAIL", {**MAIL, "Subject": "a {!Titel}"}, "Subject", "(At character 5.)"),
        ("EMAIL", {**MAIL, "Body": "\n{!Title} {!AccountObj.Nome}"}, "Body", "Name"),
        ("SET_FIELDS", {}, "FieldFormulas", "required"),
        ("SET_FIELDS", {"FieldFormulas": {}}, "FieldFormulas", "required"),
        ("SET_FIELDS", {"FieldFormulas": [1]}, "FieldFormulas", "JSON object"),
        ("SET_FIELDS", {"FieldFormulas": {"Titel": "1"}}, "FieldFormulas", "mean Title?"),
        ("SET_FIELDS", {"FieldFormulas": {"Id": "1"}}, "FieldFormulas", "can't be written"),
        ("SET_FIELDS", {"FieldFormulas": {"Created": "1"}}, "FieldFormulas", "can't be written"),
        ("SET_FIELDS", {"FieldFormulas": {"Note": "1 +"}}, "FieldFormulas", "(At character 4.)"),
        ("SET_FIELDS", {"FieldFormulas": {"Due": "'x'"}}, "FieldFormulas", "Due: "),
        ("CREATE_RECORD", {"FieldFormulas": {"Name": "'x'"}}, "TargetEntityId", "required"),
        (
            "CREATE_RECORD",
            {"TargetEntityId": "TICKET", "FieldFormulas": {"Note": "'x'"}},
            "FieldFormulas",
            "must also give Title",
        ),
        (
            "CREATE_RECORD",
            {"TargetEntityId": "ENTITY", "FieldFormulas": {"EntityName": "'X'"}},
            "TargetEntityId",
            "No workflow rule can write ENTITY",
        ),
        (
            "CREATE_RECORD",
            {"TargetEntityId": "ENTITY_FIELD_ROLE", "FieldFormulas": {"RoleId": "1"}},
            "TargetEntityId",
            "No workflow rule can write",
        ),
    ],
)
def test_actions_that_could_not_be_done(
    kind: str, fields: dict[str, Any], at: str, told: str, system: Context
) -> None:
    row = {"WorkflowRuleId": str(rule("R")), "ActionName": "A", "ActionType": kind, **fields}
    if "TargetEntityId" in row:
        row["TargetEntityId"] = entity(row["TargetEntityId"])
    if "FieldFormulas" in row:
        row["FieldFormulas"] = json.dumps(row["FieldFormulas"])
    (outcome,) = records.create("WORKFLOW_ACTION", [row], system)
    assert {p.field for p in outcome.problems} == {at}
    assert told in outcome.problems[0].message


@pytest.mark.parametrize(
    ("formula", "endless"),
    [
        ("{!Note} || 'x'", True),
        ("coalesce({!Note}, '') || 'x'", True),
        ("upper({!Note} || {!Title})", True),
        ("upper({!Note})", False),
        ("{!Title} || 'x'", False),
        ("IF({!Count} > 1, {!Note}, {!Note} || 'x')", False),
        ("coalesce({!Note}, 'x')", False),
    ],
)
def test_rules_that_plainly_have_no_end(formula: str, endless: bool, system: Context) -> None:
    def save(made: int) -> list[str]:
        document = json.dumps({"Note": formula})
        row = {"ActionName": "A", "ActionType": "SET_FIELDS", "FieldFormulas": document}
        row["WorkflowRuleId"] = str(made)
        (outcome,) = records.create("WORKFLOW_ACTION", [row], system)
        return [p.field for p in outcome.problems]

    assert save(rule("R", event=WRITTEN)) == (["FieldFormulas"] if endless else [])
    assert save(rule("S", event=WRITTEN, Criteria="{!Note} = 'x'")) == []
    later = rule("T")
    assert save(later) == []
    (outcome,) = records.update("WORKFLOW_RULE", [{"Id": later, "Event": WRITTEN}], system)
    assert [p.field for p in outcome.problems] == (["Event"] if endless else [])


def test_private_hosts_that_the_operator_allows_may_be_named(
    setting: Callable[..., None], system: Context
) -> None:
    setting(webhook_private_hosts=("127.0.0.1", "10.0.0.0/8"))
    for url in ("http://127.0.0.1:8080/a", "http://10.2.3.4/"):
        calls(rule("R"), Url=url)
    row = {"ActionType": "WEBHOOK", "ActionName": "A", "Url": "http://192.168.0.1/"}
    row["WorkflowRuleId"] = str(rule("S"))
    assert codes(records.create("WORKFLOW_ACTION", [row], system)) == [["INVALID_VALUE"]]


def test_only_administrators_write_rules(clerk: Callable[..., Context], admin: Context) -> None:
    made = rule("R")
    hook = calls(made)
    other = clerk(WORKFLOW_RULE="CRUD", WORKFLOW_ACTION="CRUD", TICKET="CRUD")
    row = {"EntityId": entity(), "RuleName": "S", "Event": CREATED}
    refused = [["INSUFFICIENT_RIGHTS"]]
    assert codes(records.create("WORKFLOW_RULE", [row], other)) == refused
    assert codes(records.update("WORKFLOW_RULE", [{"Id": made, "RuleName": "T"}], other)) == refused
    sent = [{**row, "ExternalKey": WorkflowRule.objects.get().external_key}]
    assert codes(records.upsert("WORKFLOW_RULE", sent, other, key="ExternalKey")) == refused
    assert codes(records.delete("WORKFLOW_RULE", [made], other)) == refused
    change = {"Id": hook, "Url": "https://evil.example/"}
    assert codes(records.update("WORKFLOW_ACTION", [change], other)) == refused
    assert codes(records.delete("WORKFLOW_ACTION", [hook], other)) == refused
    assert records.delete("WORKFLOW_RULE", [made], admin)[0].ok
    assert "INSUFFICIENT_RIGHTS" in codes(records.undelete("WORKFLOW_RULE", [made], other))[0]
    assert records.undelete("WORKFLOW_RULE", [made], admin)[0].ok
    assert WorkflowAction.objects.get(pk=hook).deleted_at is None


def test_a_key_is_made_where_none_is_sent(system: Context) -> None:
    rule("R")
    assert WorkflowRule.objects.get().external_key.startswith("WORKFLOW_RULE-")
    create_one(
        "WORKFLOW_RULE", system, EntityId=entity(), RuleName="S", Event=CREATED, ExternalKey="mine"
    )


def test_actions_of_a_deleted_rule_are_as_deleted(system: Context) -> None:
    made = rule("R")
    action(made, "SET_FIELDS", FieldFormulas={"Note": "'x'"})
    assert records.delete("WORKFLOW_RULE", [made], system)[0].ok
    assert WorkflowAction.objects.get().deleted_at is not None
