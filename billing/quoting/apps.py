from django.apps import AppConfig


class QuotingConfig(AppConfig):
    name = "billing.quoting"
    label = "quoting"
    verbose_name = "Quotes"

    def ready(self) -> None:
        from billing.rating import quotes
        from entities.query import reckoning

        reckoning.offer("ACCOUNT_PRODUCT_QUOTE", quotes.reckoned)
