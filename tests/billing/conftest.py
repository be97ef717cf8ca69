"""What the tests of the billing rooms share: a caller, and the records that others hang on."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from entities.records import Outcome
    from metabrm.identity.context import Context

Maker = Callable[..., str]

#: The least that a record of each entity needs, beside what the test gives.
LEAST: dict[str, dict[str, Any]] = {
    "ACCOUNT": {"Name": "Blue Harbor Ltd"},
    "PRODUCT": {"Name": "Plan Monthly"},
    "PACKAGE": {"Name": "Office"},
    "PACKAGE_PRODUCT": {"Name": "Office: Plan", "MinQty": "0"},
    "CONTRACT": {
        "ContractNumber": "C-1",
        "StartDate": "2026-02-01",
        "EndDate": "2027-01-31",
        "OnEndDate": "Terminate",
    },
    "CONTRACT_RATE": {"StartDate": "2026-02-01"},
    "ACCOUNT_PRODUCT": {"StartDate": "2026-02-01"},
    "ACCOUNT_PACKAGE": {"StartDate": "2026-02-01"},
    "ACTIVITY": {"ActivityDate": "2026-02-01"},
    "PRICING": {"Rate": "10"},
    "BILLING_PROFILE": {
        "BillTo": "Accounts Payable",
        "Address1": "1 Test Street",
        "BillingCycle": "MONTHLY",
        "BillingMethod": "MAIL",
        "MonthlyBillingDate": "31",
        "PaymentTermDays": "30",
        "TimeZoneId": "351",
        "CurrencyCode": "USD",
    },
    "BILLING_IDENTIFIER": {"BillingIdentifier": "+1 555 0100"},
    "RATE_CLASS": {"Name": "Wholesale"},
    "PRICING_PLAN": {"Name": "Summer", "PlanType": "PROMOTIONAL", "CurrencyCode": "USD"},
    "CURRENCY": {
        "CurrencyName": "Test",
        "CostRoundingRule": "Math Round",
        "TaxCostRoundingRule": "Math Round",
    },
    "COUNTRY": {"Name": "Atlantis"},
}


def filled(entity: str, **fields: Any) -> dict[str, Any]:
    """A record of `entity` that lacks nothing; None takes a field out."""
    return {k: v for k, v in (LEAST.get(entity, {}) | fields).items() if v is not None}


@pytest.fixture
def system() -> "Context":
    """The platform itself: all rights."""
    # Django's apps are not loaded yet when this file is.
    from metabrm.identity.context import Context

    return Context.system("test")


@pytest.fixture
def make(db: None, system: "Context") -> Maker:
    """Creates a record that must succeed; its Id, as clients hold it."""
    from entities import records

    def one(entity: str, **fields: Any) -> str:
        (outcome,) = records.create(entity, [filled(entity, **fields)], system)
        assert outcome.ok, outcome.problems
        return str(outcome.id)

    return one


def refusals(outcomes: "list[Outcome]") -> list[str]:
    """What was said about each record, "" for one that was written."""
    return ["; ".join(p.message for p in outcome.problems) for outcome in outcomes]
