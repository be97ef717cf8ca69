"""Sharing groups and the marks of personal data are kept by administrators, and checked."""

from collections.abc import Callable

import pytest
from django.db import connection

from entities import query, records
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(system: Context) -> int:
    return create_one("SHARING_GROUP", system, Name="North")


def _rule(group: int, **fields: str) -> dict[str, object]:
    entity = current().entity("ACCOUNT").id
    return {"SharingGroupId": group, "EntityId": entity, "ExternalKey": "r", **fields}


CONDITIONS = "{!Status} = 'ACTIVE'\n{!Name} = 'A'\n"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"RuleCriteria": CONDITIONS}, ""),
        ({"RuleCriteria": CONDITIONS, "FilterLogic": "1 and not 2"}, ""),
        ({"Formula": "{!Status} = 'ACTIVE'"}, ""),
        ({}, "either a Formula or RuleCriteria"),
        ({"RuleCriteria": CONDITIONS, "Formula": "1 = 1"}, "either a Formula or RuleCriteria"),
        ({"Formula": "1 = 1", "FilterLogic": "1"}, "a rule with a Formula has none"),
        ({"RuleCriteria": CONDITIONS, "FilterLogic": "1"}, "Condition 2 is not used"),
        (
            {"RuleCriteria": CONDITIONS, "FilterLogic": "1 AND (2 OR 3)"},
            "no condition 3; there are 1 to 2 (at character 13).",
        ),
    ],
)
def test_rules_are_checked_when_saved(
    admin: Context, group: int, fields: dict[str, str], says: str
) -> None:
    (outcome,) = records.create("SHARING_GROUP_RULE", [_rule(group, **fields)], admin)
    assert outcome.ok == (not says), outcome.problems
    if says:
        (problem,) = outcome.problems
        assert says in problem.message


def test_rules_are_checked_when_changed(admin: Context, group: int) -> None:
    rule = create_one("SHARING_GROUP_RULE", admin, **_rule(group, RuleCriteria=CONDITIONS))
    (outcome,) = records.update("SHARING_GROUP_RULE", [{"Id": rule, "FilterLogic": "2 OR"}], admin)
    assert "FilterLogic: The number of a condition belongs at the end" in str(outcome.problems)


def test_only_administrators_keep_sharing(clerk: Callable[..., Context], group: int) -> None:
    context = clerk(SHARING_GROUP="CRUD")
    refused = [["INSUFFICIENT_RIGHTS"]]
    assert codes(records.create("SHARING_GROUP", [{"Name": "Mine"}], context)) == refused
    changed = {"Id": group, "Name": "Mine"}
    assert codes(records.update("SHARING_GROUP", [changed], context)) == refused
    assert codes(records.delete("SHARING_GROUP", [group], context)) == refused
    context = clerk(SHARING_GROUP_USER="CRUD")
    member = {"SharingGroupId": group, "UserId": context.user_id}
    assert codes(records.create("SHARING_GROUP_USER", [member], context)) == refused
    context = clerk(SHARING_GROUP_RULE="CRUD")
    rule = _rule(group, Formula="1 = 1")
    assert codes(records.create("SHARING_GROUP_RULE", [rule], context)) == refused


def test_only_administrators_mark_personal_data(
    clerk: Callable[..., Context], admin: Context
) -> None:
    field = current().entity("ACCOUNT").field("Description").id
    context = clerk(ENTITY_FIELD="CRU")
    sent = {"Id": field, "PIIFlag": "1"}
    assert codes(records.update("ENTITY_FIELD", [sent], context)) == [["INSUFFICIENT_RIGHTS"]]
    assert records.update("ENTITY_FIELD", [sent], admin)[0].ok
    sent["PIIFlag"] = "0"
    assert codes(records.update("ENTITY_FIELD", [sent], context)) == [["INSUFFICIENT_RIGHTS"]]
    assert records.update("ENTITY_FIELD", [{"Id": field, "FieldLabel": "Note"}], context)[0].ok


def test_what_the_platform_makes_belongs_to_nobody(admin: Context, group: int) -> None:
    entity = current().entity("AUDIT_LOG").id
    (outcome,) = records.update("ENTITY", [{"Id": entity, "SharingModel": "PRIVATE"}], admin)
    assert "AUDIT_LOG are made by the platform" in str(outcome.problems)
    rule = {**_rule(group, Formula="TRUE"), "EntityId": entity}
    (outcome,) = records.create("SHARING_GROUP_RULE", [rule], admin)
    assert "AUDIT_LOG are made by the platform" in str(outcome.problems)


def test_only_administrators_make_an_entity_private(
    clerk: Callable[..., Context], admin: Context
) -> None:
    sent = [{"Id": current().entity("ACCOUNT").id, "SharingModel": "PRIVATE"}]
    refused = codes(records.update("ENTITY", sent, clerk(ENTITY="CRU")))
    assert refused == [["INSUFFICIENT_RIGHTS"]]
    assert records.update("ENTITY", sent, admin)[0].ok


def test_what_a_rule_names_follows_and_stays(admin: Context, group: int) -> None:
    """A renamed field is renamed in rules; one that a rule needs can't be deleted."""
    deal = create_one("ENTITY", admin, EntityName="DEAL")
    field = create_one("ENTITY_FIELD", admin, EntityId=deal, FieldName="Region", DataType="TEXT")
    rules = [
        create_one("SHARING_GROUP_RULE", admin, **(_rule(group, **text) | {
            "EntityId": deal, "ExternalKey": f"r{number}",
        }))
        for number, text in enumerate((
            {"Formula": "{!Region} = 'N'"},
            {"RuleCriteria": "{!Id} > 0\n{!Region} = 'N'", "FilterLogic": "1 AND 2"},
        ))
    ]  # fmt: skip
    (outcome,) = records.delete("ENTITY_FIELD", [field], admin)
    assert "the sharing rule r0" in str(outcome.problems)
    (outcome,) = records.update("ENTITY_FIELD", [{"Id": field, "FieldName": "Area"}], admin)
    assert outcome.ok, outcome.problems
    told = str(query.retrieve_ids("SHARING_GROUP_RULE", rules, admin).json)
    assert told.count("{!Area}") == 2 and "Region" not in told


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"Formula": "{!Nme} = 'A'"}, "Formula: ACCOUNT has no field 'Nme'. Did you mean Name?"),
        ({"Formula": "{!Name}"}, "(At character 1.)"),
        ({"Formula": "{!Name} ="}, "character"),
        ({"RuleCriteria": "{!Name} = 'A'\n\n{!Nme} = 'B'"}, "RuleCriteria, condition 2: ACCOUNT"),
        ({"RuleCriteria": "1 = 1", "FilterLogic": "1 AND"}, "FilterLogic: The number"),
    ],
)
def test_a_rule_that_says_nothing_is_refused_with_its_place(
    admin: Context, group: int, fields: dict[str, str], says: str
) -> None:
    (outcome,) = records.create("SHARING_GROUP_RULE", [_rule(group, **fields)], admin)
    assert not outcome.ok
    assert says in str(outcome.problems).replace("\\", "")
    assert "character" in str(outcome.problems)


def test_a_private_entity_has_an_index_of_owners(admin: Context) -> None:
    def indexed(table: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{table}_created_user_id_idx"])
            return bool(cursor.fetchone()[0])

    create_one("ENTITY", admin, EntityName="BORN", SharingModel="PRIVATE")
    assert indexed(current().entity("BORN").table)
    account = current().entity("ACCOUNT")
    for model, there in (("PRIVATE", True), ("PUBLIC", False)):
        sent = [{"Id": account.id, "SharingModel": model}]
        assert records.update("ENTITY", sent, admin)[0].ok
        assert indexed(account.table) is there
