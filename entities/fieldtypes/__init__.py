"""The registry of data types: one class per type owns column, codec, filters, form and casts."""

from entities.fieldtypes import choices, dates, numbers, structured, text  # noqa: F401  (register)
from entities.fieldtypes.base import FieldType, Refused, get, names
from entities.fieldtypes.casting import cast_check_sql, cast_sql
from entities.fieldtypes.lengths import check_length, default_length
from entities.fieldtypes.sealed import SEALABLE, no_key, sealed

__all__ = [
    "SEALABLE",
    "FieldType",
    "Refused",
    "cast_check_sql",
    "cast_sql",
    "check_length",
    "default_length",
    "get",
    "names",
    "no_key",
    "sealed",
]
