"""Invoices, what they look like, and when they open and close."""

from billing.invoicing.models.cycles import EventInvoiceCycle, InvoiceCycleConfig
from billing.invoicing.models.invoices import Invoice
from billing.invoicing.models.templates import InvoiceGroup, InvoiceTemplate

__all__ = [
    "EventInvoiceCycle",
    "Invoice",
    "InvoiceCycleConfig",
    "InvoiceGroup",
    "InvoiceTemplate",
]
