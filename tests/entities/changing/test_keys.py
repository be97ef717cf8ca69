"""Keys of several fields: what they guard, what stands in their way, and what goes with them."""

from typing import Any

import pytest

from entities import records
from entities.changing import preview
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def promo(system: Context) -> int:
    entity = create_one("ENTITY", system, EntityName="PROMO")
    for name, kind in (("Code", "TEXT"), ("Year", "INTEGER"), ("Ext", "TEXT"), ("Note", "JSON")):
        more = {"ExternalKeyFlag": "1"} if name == "Ext" else {}
        row = {"EntityId": entity, "FieldName": name, "DataType": kind, **more}
        create_one("ENTITY_FIELD", system, **row)
    return entity


def add_key(system: Context, promo: int, fields: str = "Code, Year") -> Any:
    row = {"EntityId": promo, "KeyName": "Both", "FieldNames": fields}
    return records.create("ENTITY_KEY", [row], system)[0]


def make(system: Context, *rows: tuple[Any, Any]) -> list[list[str]]:
    sent = [{"Code": code, "Year": year} for code, year in rows]
    return codes(records.create("PROMO", sent, system))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("A", 1), ("A", 2), ("B", 1)], [[], [], []]),
        ([("A", 1), ("A", 1)], [[], ["DUPLICATE_IN_REQUEST"]]),
        ([("A", 1), ("a", 1)], [[], []]),
        ([("A", None), ("A", None), (None, 1), (None, 1), (None, None)], [[], [], [], [], []]),
        ([("A", "1"), ("A", "1.0"), ("A", 1)], [[], *[["DUPLICATE_IN_REQUEST"]] * 2]),
        ([("A", 1), ("A", "x"), ("A", 1)], [[], ["INVALID_VALUE"], ["DUPLICATE_IN_REQUEST"]]),
        ([("old", 7), ("old", 8)], [["DUPLICATE_KEY"], []]),
    ],
)
def test_a_key_guards_its_fields_together(
    system: Context, promo: int, rows: list[Any], expected: list[list[str]]
) -> None:
    assert make(system, ("old", 7)) == [[]]
    assert add_key(system, promo).ok
    assert make(system, *rows) == expected


def test_a_key_guards_updates_upserts_and_what_comes_back(system: Context, promo: int) -> None:
    assert add_key(system, promo).ok
    rows = [{"Code": "A", "Year": 1, "Ext": "x"}, {"Code": "A", "Year": 2, "Ext": "y"}]
    one, two = (o.id for o in records.create("PROMO", rows, system))
    (refused,) = records.update("PROMO", [{"Id": two, "Year": 1}], system)
    assert codes([refused]) == [["DUPLICATE_KEY"]]
    assert refused.problems[0].field == "Code,Year"
    upserts = [{"Ext": "y", "Year": 1}, {"Ext": "z", "Code": "A", "Year": 2}]
    outcomes = records.upsert("PROMO", upserts, system, key="Ext")
    assert codes(outcomes) == [["DUPLICATE_KEY"], ["DUPLICATE_KEY"]]
    assert records.delete("PROMO", [one], system)[0].ok
    assert records.update("PROMO", [{"Id": two, "Year": 1}], system)[0].ok
    assert codes(records.undelete("PROMO", [one], system)) == [["DUPLICATE_KEY"]]
    assert records.update("PROMO", [{"Id": two, "Code": None, "Year": 3}], system)[0].ok
    assert records.undelete("PROMO", [one], system)[0].ok


def test_one_of_a_thousand_that_has_its_pair_twice_leaves_the_others(
    system: Context, promo: int
) -> None:
    assert add_key(system, promo).ok
    pairs: list[Any] = [(f"C{n % 10}", n // 10) for n in range(1000)]
    pairs[7] = pairs[3]
    outcomes = make(system, *pairs)
    assert [n for n, o in enumerate(outcomes) if o] == [7]


def test_duplicates_in_the_way_of_a_new_key_are_listed(system: Context, promo: int) -> None:
    pairs: list[Any] = [("A", 1), ("A", 1), ("B", 2), (None, 2), (None, 2)]
    rows = [{"Code": code, "Year": year} for code, year in pairs]
    ids = [o.id for o in records.create("PROMO", rows, system)]
    gone = create_one("PROMO", system, Code="B", Year=2)
    assert records.delete("PROMO", [gone], system)[0].ok
    refused = add_key(system, promo)
    assert codes([refused]) == [["VALIDATION_FAILED"]]
    assert refused.problems[0].message == (
        f"PROMO records have the same values: Ids {ids[0]}, {ids[1]}; change or delete all but one "
        f"of each first."
    )
    assert current().entity("PROMO").unique_keys == (("Ext",),)
    assert not codes(records.create("PROMO", [{"Code": "A", "Year": 1}], system))[0]


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ("Code", "INVALID_VALUE", "A key has 2 to "),
        ("Code, code", "INVALID_VALUE", "stands twice in the key"),
        ("Code, Yaer", "UNKNOWN_FIELD", "Did you mean Year?"),
        ("Code, Note", "INVALID_VALUE", "Note can't be part of a key."),
        (" , ", "INVALID_VALUE", "A key has 2 to "),
    ],
)
def test_what_is_no_key(system: Context, promo: int, fields: str, code: str, said: str) -> None:
    refused = add_key(system, promo, fields)
    assert codes([refused]) == [[code]]
    assert said in refused.problems[0].message


def test_a_field_of_a_key_stays_and_follows_its_name_until_the_key_is_gone(
    system: Context, promo: int
) -> None:
    key = add_key(system, promo)
    year = current().entity("PROMO").field("Year").id
    (refused,) = records.delete("ENTITY_FIELD", [year], system)
    assert codes([refused]) == [["RECORD_IN_USE"]]
    assert "the key Both" in refused.problems[0].message
    rename = [{"Id": year, "FieldName": "Season"}]
    assert records.update("ENTITY_FIELD", rename, system)[0].ok
    assert ("Code", "Season") in current().entity("PROMO").unique_keys
    told = preview("delete", "ENTITY_KEY", [key.id], system)
    assert [s.words for s in told.steps] == ["Drop the index over Code and Season of PROMO."]
    assert records.delete("ENTITY_KEY", [key.id], system)[0].ok
    assert records.delete("ENTITY_FIELD", [year], system)[0].ok
