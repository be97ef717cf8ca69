from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class QuotingConfig(AppConfig):
    name = "billing.quoting"
    label = "quoting"
    verbose_name = "Quotes"

    def ready(self) -> None:
        post_migrate.connect(_after_migrate, sender=self)


def _after_migrate(**_: Any) -> None:
    from billing.rating import quotes

    quotes.draw()
