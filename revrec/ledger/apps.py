from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "revrec.ledger"
    label = "ledger"
    verbose_name = "General ledger"
