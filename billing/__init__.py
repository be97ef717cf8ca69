"""Charges, prices, invoices, receivables: ordinary residents of the metadata core."""
