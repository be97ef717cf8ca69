"""How overdue invoices are collected: dunning processes, strategies and what they make happen."""

from collections_mgmt.models.cases import CsAccountAction, CsAccountStrategy
from collections_mgmt.models.dunning import DunningInterval
from collections_mgmt.models.strategies import CsAction, CsActionType, CsStrategy

__all__ = [
    "CsAccountAction",
    "CsAccountStrategy",
    "CsAction",
    "CsActionType",
    "CsStrategy",
    "DunningInterval",
]
