"""What every installation invoices with: a template of its own, and the settings of cycles."""

from billing.invoicing.models import InvoiceCycleConfig, InvoiceTemplate
from billing.invoicing.models.cycles import CYCLE_CONFIG_ID
from metabrm.seeding import insert_missing


def load(using: str = "default") -> int:
    """Insert what is missing; returns the number of new records."""
    template = {
        "id": 1,
        "name": "Default Invoice Template",
        "default_flag": True,
        "language_id": "en",
        "date_format": "YYYY-MM-DD",
        "invoice_file_format": "PDF",
        "show_tax_fee_detail": True,
        "show_credit_adj_detail": True,
    }
    settings = {"id": CYCLE_CONFIG_ID}
    return insert_missing(InvoiceTemplate, [template], using) + insert_missing(
        InvoiceCycleConfig, [settings], using
    )
