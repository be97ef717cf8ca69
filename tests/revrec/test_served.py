"""The ledger and revenue contracts: every entity holds what is documented and keeps its rules."""

import json
from pathlib import Path

from tests.served import EveryEntity, Served

DOCUMENTED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "documented_fields.json").read_text()
)

SERVED = {
    "ACCOUNTING_PERIOD": Served(
        keys="Name",
        lists={
            "Status": ("Open", "Soft Closed", "Closed"),
        },
        refused=(({"EndDate": "1999-12-31"}, "EndDate is not before StartDate."),),
    ),
    "FINANCIAL_ACCOUNT": Served(
        keys="AccountNumber",
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
        full={
            "CurrencyFormula": "'USD'",
            "PeriodEndDate": "TODAY() + 30",
            "ObligationFormula": "{!Status} = 'ACTIVE'",
        },
    ),
    "FINANCIAL_CRITERIA_ATTR": Served(
        restrict="EntityFieldId",
        cascade="FinancialCriteriaId",
        full={
            "FormulaValue": "{!ProcessDescription}",
            "DebitAttributeValue": "'D'",
            "CreditAttributeValue": "{!Quantity} * 2",
        },
    ),
    "GENERAL_LEDGER_TRANSACTION": Served(
        keys="",
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
        keys="SessionId",
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
        full={"Formula": "{!Quantity} > PRIORVALUE({!Quantity})"},
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


class TestEveryEntity(EveryEntity):
    documented = DOCUMENTED
    served = SERVED


def test_every_documented_entity_is_asked() -> None:
    assert DOCUMENTED.keys() == SERVED.keys()
