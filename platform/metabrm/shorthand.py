"""Fields that may stay empty, in one line each.

Wide entities are mostly made of them; what a field is for then stands first, in its help text.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models

from metabrm.fields import ListField, MoneyField, PercentField, QuantityField


def text(max_length: int, help_text: str, **options: Any) -> models.CharField:
    """TEXT of at most `max_length` characters."""
    return models.CharField(
        max_length=max_length, null=True, blank=True, help_text=help_text, **options
    )


def long_text(help_text: str, **options: Any) -> models.TextField:
    """LONG_TEXT."""
    return models.TextField(null=True, blank=True, help_text=help_text, **options)


def choice(values: Sequence[str], help_text: str, **options: Any) -> ListField:
    """LIST that begins with `values`."""
    return ListField(values=values, null=True, blank=True, help_text=help_text, **options)


def whole(help_text: str, **options: Any) -> models.IntegerField:
    """INTEGER, of either sign."""
    return models.IntegerField(null=True, blank=True, help_text=help_text, **options)


def count(help_text: str, **options: Any) -> models.PositiveIntegerField:
    """INTEGER from 0."""
    return models.PositiveIntegerField(null=True, blank=True, help_text=help_text, **options)


def number_of(help_text: str, **options: Any) -> models.BigIntegerField:
    """INTEGER that is the Id of something that is no entity of ours."""
    return models.BigIntegerField(null=True, blank=True, help_text=help_text, **options)


def quantity(help_text: str, **options: Any) -> QuantityField:
    """DECIMAL."""
    return QuantityField(null=True, blank=True, help_text=help_text, **options)


def money(help_text: str, **options: Any) -> MoneyField:
    """MONEY."""
    return MoneyField(null=True, blank=True, help_text=help_text, **options)


def percent(help_text: str, **options: Any) -> PercentField:
    """PERCENT."""
    return PercentField(null=True, blank=True, help_text=help_text, **options)


def day(help_text: str, **options: Any) -> models.DateField:
    """DATE."""
    return models.DateField(null=True, blank=True, help_text=help_text, **options)


def moment(help_text: str, **options: Any) -> models.DateTimeField:
    """DATETIME."""
    return models.DateTimeField(null=True, blank=True, help_text=help_text, **options)


def lookup(
    to: str, help_text: str, on_delete: Any = models.SET_NULL, **options: Any
) -> models.ForeignKey:
    """LOOKUP to the Id of `to`."""
    return models.ForeignKey(
        to, on_delete, null=True, blank=True, related_name="+", help_text=help_text, **options
    )


def past(to: str, help_text: str, **options: Any) -> models.ForeignKey:
    """LOOKUP that tells what was: it outlives its target and keeps nothing from being deleted.

    Without a constraint of the database and an index, for tables of many rows; the verbs still
    check that the target is there when the value is sent.
    """
    return lookup(to, help_text, models.DO_NOTHING, db_constraint=False, db_index=False, **options)


def currency(help_text: str, on_delete: Any = models.PROTECT, **options: Any) -> models.ForeignKey:
    """LOOKUP to a currency by its code; required unless `null` is given."""
    return models.ForeignKey(
        "localization.Currency",
        on_delete,
        to_field="currency_code",
        db_column=options.pop("db_column", "currency_code"),
        db_index=False,
        related_name="+",
        help_text=help_text,
        **options,
    )
