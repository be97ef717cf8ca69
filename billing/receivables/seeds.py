"""The statement template of installations that have made none of their own."""

from billing.receivables.models import StatementTemplate
from metabrm.seeding import insert_missing


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
    return insert_missing(StatementTemplate, [default], using)
