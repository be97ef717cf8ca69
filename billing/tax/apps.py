from django.apps import AppConfig


class TaxConfig(AppConfig):
    name = "billing.tax"
    label = "tax"
    verbose_name = "Tax"
