from django.apps import AppConfig


class QuotingConfig(AppConfig):
    name = "billing.quoting"
    label = "quoting"
    verbose_name = "Quotes"
