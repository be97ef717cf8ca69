"""Currencies, countries, time zones and languages, from the tables in `data/`.

Currencies (ISO 4217, those in use) and countries (ISO 3166-1) have their ISO numbers as Ids. Time
zones are those of the IANA database with all older names; their Ids are given once and for ever,
new zones are added at the end.
"""

import csv
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from metabrm.localization.models import Country, Currency, Language, TimeZone
from metabrm.seeding import insert_missing


def load(using: str = "default") -> int:
    """Insert what is missing; returns the number of new records."""
    return (
        insert_missing(Currency, currencies(), using)
        + insert_missing(Country, table("countries"), using)
        + insert_missing(TimeZone, table("time_zones"), using)
        + insert_missing(Language, table("languages"), using)
    )


def currencies() -> Iterator[dict[str, Any]]:
    """Rows for CURRENCY: all round half up, to the digits ISO 4217 gives them."""
    for row in table("currencies"):
        yield row | {
            "decimal_places": int(row["decimal_places"]),
            "cost_rounding_rule": "Math Round",
            "tax_cost_rounding_rule": "Math Round",
        }


def table(name: str) -> Iterator[dict[str, Any]]:
    """The rows of `data/<name>.csv`; an empty cell is unset."""
    path = files("metabrm.localization") / "data" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {key: value or None for key, value in row.items()} | {"id": int(row["id"])}
