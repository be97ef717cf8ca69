from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "billing.customers"
    label = "customers"
    verbose_name = "Customers"
