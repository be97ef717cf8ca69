"""What is owed, what was paid, credited and returned, and with what."""

from billing.receivables.models.credits import Credit, CreditAllocation
from billing.receivables.models.gateways import EcomTransaction
from billing.receivables.models.kinds import CreditType, PaymentType, RefundType
from billing.receivables.models.overviews import Ledger, PaymentsRefunds
from billing.receivables.models.payments import (
    LockboxInvoiceAllocation,
    Payment,
    PaymentAllocation,
)
from billing.receivables.models.refunds import Refund
from billing.receivables.models.statements import StatementTemplate
from billing.receivables.models.wallets import InvoiceWallet, Wallet

__all__ = [
    "Credit",
    "CreditAllocation",
    "CreditType",
    "EcomTransaction",
    "InvoiceWallet",
    "Ledger",
    "LockboxInvoiceAllocation",
    "Payment",
    "PaymentAllocation",
    "PaymentType",
    "PaymentsRefunds",
    "Refund",
    "RefundType",
    "StatementTemplate",
    "Wallet",
]
