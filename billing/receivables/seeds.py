"""What every installation starts with: a statement template, kinds of credits and of payments."""

from billing.receivables.models import CreditType, PaymentType, RefundType, StatementTemplate
from billing.receivables.models.kinds import Kind
from metabrm.seeding import insert_missing

CREDIT_TYPES = (
    "BILLING ERROR",
    "SERVICE ISSUE",
    "GOODWILL",
    "EARLY TERMINATION",
    "WRITE-OFF",
    "OTHER",
)
PAYMENT_TYPES = (
    "CASH",
    "CHECK",
    "CREDIT CARD",
    "DIRECT DEBIT",
    "ACH",
    "WIRE TRANSFER",
    "LOCKBOX",
    "OTHER",
)
REFUND_TYPES = (
    "CASH",
    "CHECK",
    "CREDIT CARD",
    "DIRECT DEBIT",
    "ACH",
    "WIRE TRANSFER",
    "OTHER",
)


def load(using: str = "default") -> int:
    """Insert what is missing; returns the number of new records."""
    default = {
        "id": 1,
        "statement_template_name": "Default Statement Template",
        "default_flag": True,
        "language_id": "en",
        "date_format": "YYYY-MM-DD",
        "show_aging": True,
        "show_past_due_statements": True,
    }
    return insert_missing(StatementTemplate, [default], using) + sum(
        _kinds(model, descriptions, using)
        for model, descriptions in (
            (CreditType, CREDIT_TYPES),
            (PaymentType, PAYMENT_TYPES),
            (RefundType, REFUND_TYPES),
        )
    )


def _kinds(model: type[Kind], descriptions: tuple[str, ...], using: str) -> int:
    rows = (
        {"id": place, "description": description, "order_id": 10 * place}
        for place, description in enumerate(descriptions, 1)
    )
    return insert_missing(model, rows, using)
