"""The registry of data types: one class per type owns column, codec, filters, form and casts."""

from entities.fieldtypes import choices, dates, numbers, structured, text  # noqa: F401  (register)
from entities.fieldtypes.base import FieldType, Refused, get, names

__all__ = ["FieldType", "Refused", "get", "names"]
