"""Collections: every entity holds what is documented and keeps its rules."""

import json
from pathlib import Path

from tests.served import EveryEntity, Served

DOCUMENTED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "documented_fields.json").read_text()
)

SERVED = {
    "CS_STRATEGY": Served(
        keys="Name",
        lists={
            "Status": ("ACTIVE", "DEACTIVATED"),
            "AccountScope": ("Individual Accounts", "Account Hierarchy", "Custom Hierarchy"),
        },
        restrict="HierarchyField",
        full={
            "AccountScope": "Individual Accounts",
            "AccountSelectionFormula": "{!AccountObj.Name} = 'Big Corp'",
        },
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
        keys="Name",
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


class TestEveryEntity(EveryEntity):
    documented = DOCUMENTED
    served = SERVED


def test_every_documented_entity_is_asked() -> None:
    assert DOCUMENTED.keys() == SERVED.keys()
