"""How charges become invoices."""
