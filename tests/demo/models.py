"""What the data files are held against: the models, and the records every installation has."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps

from billing.customers.seeds import ACCOUNT_TYPES
from metabrm import localization
from metabrm.entity import EntityModel, api_name

_SEEDED = Path(localization.__file__).parent / "data"


@cache
def models_by_entity() -> dict[str, type[EntityModel]]:
    """API name of an entity -> its model."""
    return {model.brm.name: model for model in apps.get_models() if issubclass(model, EntityModel)}


@cache
def fields_of(model: type[EntityModel]) -> dict[str, Any]:
    """API name of a field -> the model field."""
    return {
        model.brm.names.get(field.name, api_name(field.attname)): field
        for field in model._meta.concrete_fields
    }


def seeded_keys(models: Mapping[str, type[EntityModel]]) -> dict[tuple[str, str], set[str]]:
    """(entity, API name of a key) -> the values that are there before anything is loaded."""
    keys = {("ACCOUNT_TYPE", "AccountType"): {name for _, name, _ in ACCOUNT_TYPES}}
    for file, entity in (
        ("currencies", "CURRENCY"),
        ("countries", "COUNTRY"),
        ("time_zones", "TIME_ZONE"),
        ("languages", "LANGUAGE"),
    ):
        assert entity in models
        with (_SEEDED / f"{file}.csv").open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                for column, value in row.items():
                    keys.setdefault((entity, api_name(column)), set()).add(value)
    return keys
