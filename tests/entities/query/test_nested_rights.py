"""Rights on every table of a query, wherever it stands: fields, rows, masks, what is encrypted."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

SECRET = "Stock"
FIELDS = [
    "SELECT a.Id FROM THING a JOIN THING b ON b.Stock = a.Id",
    "SELECT a.Id FROM THING a LEFT JOIN THING b ON b.Id = a.Id AND b.Stock = 1",
    "SELECT b.Stock FROM THING a JOIN THING b ON b.Id = a.Id",
    "SELECT a.Id FROM THING a JOIN THING b ON b.Id = a.Id WHERE b.Stock = 1",
    "SELECT a.Id FROM THING a JOIN THING b ON b.Id = a.Id ORDER BY b.Stock",
    "SELECT COUNT(*) n FROM THING a JOIN THING b ON b.Id = a.Id GROUP BY b.Stock",
    "SELECT Id FROM THING WHERE Id IN (SELECT Stock FROM THING)",
    "SELECT Id FROM THING WHERE Id IN (SELECT Id FROM THING WHERE Stock = 1)",
    "SELECT Id FROM THING WHERE Id IN (SELECT Id FROM THING ORDER BY Stock LIMIT 1)",
    "SELECT Id FROM THING WHERE EXISTS (SELECT Stock FROM THING)",
    "SELECT Id FROM THING WHERE EXISTS (SELECT 1 FROM SHOP s WHERE s.Id = THING.Stock)",
    "SELECT Id FROM THING WHERE (SELECT MAX(Stock) FROM THING) > 0",
    "SELECT Id, (SELECT Stock FROM THING.ShopObj) FROM SHOP",
    "SELECT Id, (SELECT Id FROM THING.ShopObj WHERE Stock = 1) FROM SHOP",
    "SELECT Id, (SELECT Id FROM THING.ShopObj ORDER BY Stock) FROM SHOP",
    "SELECT Id, (SELECT TwinThingObj.Stock FROM THING.ShopObj) FROM SHOP",
    "SELECT s FROM (SELECT Stock s FROM THING)",
    "SELECT n FROM (SELECT COUNT(*) n FROM THING GROUP BY Stock)",
    "SELECT n FROM (SELECT COUNT(*) n FROM THING HAVING MAX(Stock) > 1)",
    "SELECT Id FROM THING WHERE TO_CHAR(Stock) = '1' AND ROWNUM = 1",
    "SELECT ROWNUM r, Id FROM THING ORDER BY Stock",
    "SELECT DISTINCT CASE WHEN EXISTS (SELECT 1 FROM THING x WHERE x.Stock = 1) THEN 1 END c FROM "
    "SHOP",
]  # fmt: skip


@pytest.fixture
def role(shop: Any) -> Any:
    """Makes a context that may read these fields, and of an entity only rows of a condition."""
    from metabrm.identity.context import Context

    access = import_module("entities.access.rights")

    def make(conditions: dict[str, str] | None = None, **readable: str) -> Context:
        kept = access._cache.setdefault(shop, OrderedDict())
        number = len(kept) + 1
        compiled = dict.fromkeys((e.name for e in shop.entities.values()), access._NOTHING)
        for name, fields in readable.items():
            compiled[name] = access.EntityRights(
                False, True, False, False, frozenset(fields.split()), frozenset(),
                condition=(conditions or {}).get(name, ""),
            )  # fmt: skip
        kept[number, False, None] = compiled
        return Context(7, number, False, "ada")

    return make


ALL = "Id Name Status Stock UnitPrice StartDate ShopId TwinThingId MakerCode"


def test_an_unreadable_field_can_be_named_in_no_select(ask, role):
    from entities.errors import RequestError

    context = role(THING=ALL.replace("Stock ", ""), SHOP="Id Name City")
    for sql in FIELDS:
        with pytest.raises(RequestError) as caught:
            ask(sql, context)
        error = caught.value
        assert (error.code, error.field) == ("INSUFFICIENT_RIGHTS", SECRET), sql
        assert error.position is not None and SECRET in sql[error.position :]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a.Id FROM THING a JOIN SHOP s ON s.Id = a.ShopId",
        "SELECT a.Id FROM THING a, SHOP s",
        "SELECT Id FROM THING WHERE ShopId IN (SELECT Id FROM SHOP)",
        "SELECT Id FROM THING WHERE EXISTS (SELECT 1 FROM SHOP)",
        "SELECT (SELECT COUNT(*) FROM SHOP) n FROM THING",
        "SELECT n FROM (SELECT COUNT(*) n FROM SHOP)",
        "SELECT Id, (SELECT Id FROM SHOP.HeadShopObj) FROM THING",
    ],
)
def test_an_unreadable_entity_can_stand_nowhere(ask, role, sql):
    from entities.errors import RequestError

    with pytest.raises(RequestError, match="may not read SHOP"):
        ask(sql, role(THING=ALL))


# For someone who sees the things 1, 4 and 5 and the shop 1 only.
ROWS = [
    ("SELECT Id FROM THING", "1|4|5"),
    ("SELECT a.Id, b.Id b FROM THING a JOIN THING b ON b.Id = a.TwinThingId", "5 5"),
    ("SELECT a.Id, b.Id b FROM THING a LEFT JOIN THING b ON b.Id = a.TwinThingId",
     "1 None|4 None|5 5"),
    ("SELECT a.Id, s.Name FROM THING a LEFT JOIN SHOP s ON 1=1", "1 Main|4 Main|5 Main"),
    ("SELECT s.Id, COUNT(t.Id) FROM SHOP s LEFT JOIN THING t ON t.ShopId = s.Id GROUP BY s.Id",
     "1 2"),
    ("SELECT COUNT(*) n FROM THING a, THING b", "9"),
    ("SELECT Id FROM THING WHERE Id IN (SELECT TwinThingId FROM THING)", "5"),
    ("SELECT Id FROM THING WHERE Id + 1 IN (SELECT Id FROM THING)", "4"),
    ("SELECT Id FROM THING t WHERE EXISTS (SELECT 1 FROM THING x WHERE x.TwinThingId = t.Id)", "5"),
    ("SELECT Id FROM THING t WHERE NOT EXISTS (SELECT 1 FROM THING x WHERE x.Id = t.TwinThingId)",
     "1|4"),
    ("SELECT (SELECT COUNT(*) FROM THING) n, (SELECT MAX(Id) FROM SHOP) m FROM SHOP", "3 1"),
    ("SELECT n FROM (SELECT COUNT(*) n FROM THING)", "3"),
    ("SELECT MAX(r) m FROM (SELECT ROWNUM r FROM THING)", "3"),
    ("SELECT Id, (SELECT Id FROM THING.ShopObj) l FROM SHOP", "1 [{'Id': '1'}, {'Id': '5'}]"),
    ("SELECT Id, (SELECT Id, TwinThingObj.Name n FROM THING.TwinThingObj) l FROM THING",
     "1 []|4 []|5 [{'Id': '5', 'n': 'Zoë \"Z\"'}]"),
    ("SELECT Id FROM THING ORDER BY (SELECT COUNT(*) FROM THING x WHERE x.Stock = THING.Stock) "
     "DESC", "1|4|5"),
    ("SELECT Id, ShopObj.Name, TwinThingObj.Name FROM THING WHERE ROWNUM <= 2 ORDER BY Id DESC",
     "4 None None|1 Main None"),
]  # fmt: skip


@pytest.mark.parametrize("apart", [False, True])
def test_rows_that_do_not_exist_for_the_caller_exist_nowhere(ask, role, apart, monkeypatch):
    if apart:  # the form that sorts hidden rows out first must answer the same
        plans = import_module("entities.query.plans")
        made = plans.plan

        def only_apart(*args: Any) -> tuple[Any, bool]:
            compiled, again = made(*args)
            assert compiled.apart
            return replace(compiled, sql=compiled.apart), again

        monkeypatch.setattr(plans, "plan", only_apart)
    rows = {"THING": "{t}.id IN (1, 4, 5)", "SHOP": "{t}.id = 1"}
    context = role(rows, THING=ALL, SHOP="Id Name City")
    for sql, expected in ROWS:
        found = "|".join(" ".join(str(v) for v in row.values()) for row in ask(sql, context))
        assert found == expected, sql


ERRORS = [
    "SELECT Id FROM THING WHERE 1 / (Id - 2) = 1",
    "SELECT a.Id FROM THING a JOIN THING b ON 1 / (b.Id - 2) = 1",
    "SELECT Id FROM THING WHERE Id IN (SELECT Id FROM THING WHERE 1 / (Id - 2) > 0)",
    "SELECT Id FROM THING t WHERE EXISTS (SELECT 1 FROM THING x WHERE 1 / (x.Id - 2) > t.Id)",
    "SELECT Id, (SELECT SUM(1 / (x.Id - 2)) FROM THING x) s FROM THING",
    "SELECT Id, (SELECT Id FROM THING.ShopObj WHERE 1 / (Id - 2) > 9) l FROM SHOP",
    "SELECT * FROM (SELECT Id FROM THING WHERE 1 / (Id - 2) <> 0)",
    "SELECT Id FROM THING ORDER BY 1 / (Id - 2)",
    "SELECT MAX(1 / (Id - 2)) m FROM THING HAVING MAX(1 / (Id - 2)) > 0",
]


def test_no_error_tells_of_a_hidden_row(ask, role):
    from entities.errors import RequestError

    sees_all = role(THING=ALL, SHOP="Id Name City")
    context = role({"THING": "{t}.id <> 2"}, THING=ALL, SHOP="Id Name City")
    for sql in ERRORS:
        ask(sql, context)
        with pytest.raises(RequestError, match="divides by zero"):
            ask(sql, sees_all)


def test_masks_stand_in_subqueries_and_views(ask, shop, role):
    access = import_module("entities.access.rights")
    masking = import_module("entities.access.masking")
    context = role(THING=ALL, SHOP="Id Name City")
    compiled = next(reversed(access._cache[shop].values()))
    name = shop.entity("THING").field("Name")
    compiled["THING"] = replace(
        compiled["THING"], instead={"Name": masking.masked(name)}, masked=frozenset({"Name"})
    )
    for sql, expected in [
        ("SELECT DISTINCT b.Name FROM THING a JOIN THING b ON b.Id = a.Id", [{"Name": "****"}]),
        ("SELECT MAX(n) m FROM (SELECT Name n FROM THING)", [{"m": "****"}]),
        ("SELECT (SELECT Name FROM THING WHERE Id = 1) n FROM SHOP WHERE Id = 1", [{"n": "****"}]),
        ("SELECT Id FROM SHOP WHERE 'Anvil' IN (SELECT Name FROM THING)", []),
        ("SELECT Id FROM SHOP s WHERE EXISTS (SELECT 1 FROM THING WHERE Name LIKE 'A%')", []),
        ("SELECT Id, (SELECT Name FROM THING.ShopObj WHERE Id < 5) l FROM SHOP WHERE Id = 1",
         [{"Id": "1", "l": [{"Name": "****"}]}]),
        ("SELECT COUNT(*) n FROM THING a JOIN THING b ON a.Name = b.Name", [{"n": "25"}]),
    ]:  # fmt: skip
        assert ask(sql, context) == expected, sql
