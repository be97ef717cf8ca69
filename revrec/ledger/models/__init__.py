"""The ledger: what is posted to, when, by which rules, and the rows themselves."""

from revrec.ledger.models.accounts import AccountingPeriod, FinancialAccount
from revrec.ledger.models.rules import FinancialCriteria, FinancialCriteriaAttr
from revrec.ledger.models.transactions import GeneralLedgerTransaction

__all__ = [
    "AccountingPeriod",
    "FinancialAccount",
    "FinancialCriteria",
    "FinancialCriteriaAttr",
    "GeneralLedgerTransaction",
]
