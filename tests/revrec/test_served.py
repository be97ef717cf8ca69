"""The ledger and revenue contracts: every entity holds what is documented and keeps its rules."""

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
    "ACCOUNTING_PERIOD": Served(
        lists={
            "Status": ("Open", "Soft Closed", "Closed"),
        },
        refused=(({"EndDate": "1999-12-31"}, "EndDate is not before StartDate."),),
    ),
    "FINANCIAL_ACCOUNT": Served(
        lists={
            "FinancialAccountType": ("Asset", "Liability", "Equity", "Revenue", "Expense"),
            "Status": ("ACTIVE", "DEACTIVATED"),
        },
        restrict="ParentFinancialAccountId",
    ),
    "FINANCIAL_CRITERIA": Served(
        lists={
            "Status": ("ACTIVE", "DEACTIVATED"),
            "RecognitionType": ("Passage of Time", "Point in Time"),
            "IntervalAmount": ("Fixed", "Variable Based on Days Per Interval"),
        },
        restrict="EntityId",
    ),
    "FINANCIAL_CRITERIA_ATTR": Served(
        restrict="EntityFieldId",
        cascade="FinancialCriteriaId",
    ),
    "GENERAL_LEDGER_TRANSACTION": Served(
        restrict=(
            "CurrencyCode FinancialAccountId AccountingPeriodId FinancialPeriodId AccountId "
            "EntityId"
        ),
        stays=(
            "FinancialCriteriaId InvoiceId BillingActivityId PaymentId CreditId RefundId "
            "OriginRevenueContractId"
        ),
        refused=(
            (
                {"PeriodStartDate": "2026-02-02", "PeriodEndDate": "2026-02-01"},
                "PeriodEndDate is not before PeriodStartDate.",
            ),
        ),
    ),
    "REVREC_CONTRACT": Served(
        lists={
            "Status": ("Current", "Superseded"),
        },
        restrict="AccountId",
        set_null="Supersedes SupersededBy OriginalContract CurrentActiveContract",
        refused=(
            (
                {"StartDate": "2026-02-02", "EndDate": "2026-02-01"},
                "EndDate is not before StartDate.",
            ),
        ),
    ),
    "REVREC_CONTRACT_PREVIEW": Served(
        cascade="AccountId",
    ),
    "REVREC_UPDATE_RULE": Served(
        lists={
            "UpdateRevRecContractProduct": (
                "Update and Activate Contract Change",
                "Update as a Draft Contract Change",
                "Do Not Update",
            ),
        },
    ),
    "PROCESS_QUEUE_REVENUE_COMMITMENT": Served(
        lists={
            "Status": ("PENDING", "RUNNING", "COMPLETED", "FAILED"),
        },
        restrict="AccountId AccountProductId",
        set_null="RevRecContractId",
        refused=(
            (
                {"StartDate": "2026-02-02T00:00:00Z", "EndDate": "2026-02-01T00:00:00Z"},
                "EndDate is not before StartDate.",
            ),
            ({"AttemptCount": "-1"}, "AttemptCount is 0 or more."),
        ),
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
        ("ACCOUNTING_PERIOD", ["Name"]),
        ("FINANCIAL_ACCOUNT", ["AccountNumber"]),
        ("FINANCIAL_CRITERIA", ["ExternalKey"]),
        ("FINANCIAL_CRITERIA_ATTR", ["ExternalKey"]),
        ("GENERAL_LEDGER_TRANSACTION", []),
        ("REVREC_CONTRACT", ["ExternalKey"]),
        ("REVREC_CONTRACT_PREVIEW", ["SessionId"]),
        ("REVREC_UPDATE_RULE", ["ExternalKey"]),
        ("PROCESS_QUEUE_REVENUE_COMMITMENT", ["ExternalKey"]),
    ],
)
def test_an_entity_can_be_upserted_by_its_external_keys(entity: str, keys: list[str]) -> None:
    assert [f.name for f in current().entity(entity).external_keys] == keys
