"""Collections: every entity holds what is documented and keeps its rules."""

import json
from pathlib import Path

import pytest

from entities.schema.current import current
from tests import served
from tests.served import Served

DOCUMENTED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "documented_fields.json").read_text()
)

pytestmark = pytest.mark.django_db

SERVED = {
    "CS_STRATEGY": Served(
        lists={
            "Status": ("ACTIVE", "DEACTIVATED"),
            "AccountScope": ("Individual Accounts", "Account Hierarchy", "Custom Hierarchy"),
        },
        restrict="HierarchyField",
        full={"AccountScope": "Individual Accounts"},
        refused=(
            (
                {"AccountScope": "Custom Hierarchy"},
                "AccountScope Custom Hierarchy asks for a HierarchyField.",
            ),
            (
                {"DefaultFlag": "1", "AccountScope": "Account Hierarchy"},
                "A default strategy has AccountScope Individual Accounts.",
            ),
            ({"AmountOutstanding": "-0.01"}, "AmountOutstanding is 0 or more."),
            ({"DaysPastDue": "-1"}, "DaysPastDue is 0 or more."),
        ),
    ),
    "CS_ACTION_TYPE": Served(
        lists={
            "Status": ("ACTIVE", "DEACTIVATED"),
            "Type": ("Call", "Email"),
        },
        restrict="WhenCreatedWorkflowRuleId WorkflowRuleId",
    ),
    "CS_ACTION": Served(
        lists={
            "ContactType": ("Exact Contact", "All Contacts"),
            "AttachmentType": ("Invoice", "Statement", "Invoice + Statement"),
        },
        restrict="ActionTypeId ContactTypeId StatementTemplateId",
        cascade="StrategyId",
        refused=(
            (
                {"DueOnDay": "0"},
                "DueOnDay is 1 or more; the day of the trigger is day 1.",
            ),
        ),
    ),
    "CS_ACCOUNT_STRATEGY": Served(
        lists={
            "Status": ("OPEN", "CLOSED"),
        },
        restrict="AccountId StrategyId",
        refused=(({"EndDate": "2026-01-31"}, "EndDate is not before StartDate."),),
    ),
    "CS_ACCOUNT_ACTION": Served(
        lists={
            "Status": ("Pending", "Completed"),
            "ContactType": ("Exact Contact", "All Contacts"),
            "AttachmentType": ("Invoice", "Statement", "Invoice + Statement"),
        },
        restrict="AccountId ActionTypeId ContactTypeId StatementTemplateId",
        cascade="AccountStrategyId",
        set_null="CollectorUserId ContactId",
    ),
}


@pytest.mark.parametrize("entity", SERVED)
def test_a_record_needs_no_more_than_is_required(entity: str) -> None:
    served.check_that_least_is_enough(entity)


@pytest.mark.parametrize("entity", SERVED)
def test_a_record_holds_every_documented_field(entity: str) -> None:
    served.check_that_it_holds_every_field(entity, DOCUMENTED[entity], SERVED[entity])


@pytest.mark.parametrize("entity", SERVED)
def test_lists_hold_their_documented_values(entity: str) -> None:
    served.check_that_lists_hold_their_values(entity, SERVED[entity])


@pytest.mark.parametrize("entity", [e for e, s in SERVED.items() if s.refused])
def test_a_record_that_breaks_a_rule_is_told_the_rule(entity: str) -> None:
    served.check_that_what_is_wrong_is_refused(entity, SERVED[entity])


@pytest.mark.parametrize("entity", SERVED)
def test_a_record_goes_to_the_recycle_bin_and_comes_back(entity: str) -> None:
    served.check_that_it_can_be_deleted_and_restored(entity)


@pytest.mark.parametrize("entity", [e for e, s in SERVED.items() if s.rules()])
def test_lookups_do_what_they_say_when_their_target_is_deleted(entity: str) -> None:
    served.check_what_deleting_a_target_does(entity, SERVED[entity])


@pytest.mark.parametrize("entity", DOCUMENTED)
def test_every_field_says_what_it_is(entity: str) -> None:
    schema = current().entity(entity)
    assert schema.help
    assert {"Created", "CreatedUserId", "Updated", "UpdatedUserId", *DOCUMENTED[entity]} <= {
        f.name for f in schema.fields
    }
    assert [f.name for f in schema.fields if f.name in DOCUMENTED[entity] and not f.help] == []


def test_every_documented_entity_is_asked() -> None:
    assert DOCUMENTED.keys() == SERVED.keys()


@pytest.mark.parametrize(
    ("entity", "keys"),
    [
        ("CS_STRATEGY", ["Name"]),
        ("CS_ACTION_TYPE", ["Name"]),
        ("CS_ACTION", ["ExternalKey"]),
        ("CS_ACCOUNT_STRATEGY", ["ExternalKey"]),
        ("CS_ACCOUNT_ACTION", ["ExternalKey"]),
    ],
)
def test_an_entity_can_be_upserted_by_its_external_keys(entity: str, keys: list[str]) -> None:
    assert [f.name for f in current().entity(entity).external_keys] == keys
