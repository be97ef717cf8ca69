"""The invoice template of installations that have made none of their own."""

from billing.invoicing.models import InvoiceTemplate
from metabrm.seeding import insert_missing


def load(using: str = "default") -> int:
    """Insert what is missing; returns the number of new records."""
    default = {
        "id": 1,
        "name": "Default Invoice Template",
        "default_flag": True,
        "language_id": "en",
        "date_format": "YYYY-MM-DD",
        "invoice_file_format": "PDF",
        "show_tax_fee_detail": True,
        "show_credit_adj_detail": True,
    }
    return insert_missing(InvoiceTemplate, [default], using)
