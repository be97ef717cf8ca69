"""Model fields that carry a meaning the plain Django ones lack.

The field-type registry (`entities.fieldtypes`) reads the data type of a core field from its class;
these subclasses say what a DecimalField or a BooleanField is *for*. In migrations they appear as
themselves.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models

from metabrm import sealing

# The two values of most Status fields: in use, or kept only for the records that point to it.
ACTIVE_OR_NOT = ("ACTIVE", "DEACTIVATED")


class FlagField(models.BooleanField):
    """FLAG: true or false, never unknown; "0"/"1" on the wire. Off unless `default` says else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", False)
        kwargs.setdefault("db_default", kwargs["default"])
        super().__init__(*args, **kwargs)


class ListField(models.CharField):
    """LIST: one of the ENTITY_FIELD_VALUES; `values` are those it starts with, in order."""

    def __init__(self, *args: Any, values: Sequence[str] = (), **kwargs: Any) -> None:
        # Not deconstructed: the values are data (ENTITY_FIELD_VALUES), a new one is no migration.
        self.values = tuple(values)
        kwargs.setdefault("max_length", 100)
        super().__init__(*args, **kwargs)


class QuantityField(models.DecimalField):
    """DECIMAL: a count of units, a band limit, a factor; 18 digits before, 10 after the point."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 28)
        kwargs.setdefault("decimal_places", 10)
        super().__init__(*args, **kwargs)


class MoneyField(models.DecimalField):
    """MONEY: an amount or a price per unit, in the currency that field `currency_source` names.

    Unrounded: up to 18 digits before and 10 after the point. Rounding follows the currency's rule
    at the moment a charge is made, never in the column.
    """

    def __init__(self, *args: Any, currency_source: str = "", **kwargs: Any) -> None:
        self.currency_source = currency_source
        kwargs.setdefault("max_digits", 28)
        kwargs.setdefault("decimal_places", 10)
        super().__init__(*args, **kwargs)


class PercentField(models.DecimalField):
    """PERCENT: 12.5 means 12.5 per cent; up to 10 digits before and 6 after the point."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 16)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)


class EncryptedField(models.TextField):
    """TEXT that is encrypted at rest: plain in Python, sealed in its column.

    Lookups are `exact`, `in` and `isnull`; the first two find what is sealed under the first key.
    """

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return sealing.seal(self._place, [value])[0]

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return None if value is None else sealing.opened_one(self._place, value)

    def get_lookup(self, lookup_name: str) -> Any:
        allowed = lookup_name in ("exact", "in", "isnull")
        return super().get_lookup(lookup_name) if allowed else None

    @property
    def _place(self) -> str:
        return sealing.place(self.model._meta.db_table, self.column)
