"""A role sees what its rows grant: on every table, in every clause; nothing is said of the rest."""

from __future__ import annotations

from collections import OrderedDict
from importlib import import_module

import pytest

pytestmark = pytest.mark.django_db

CLAUSES = [
    "SELECT Stock FROM THING",
    "SELECT Id FROM THING WHERE Stock = 1",
    "SELECT Id FROM THING WHERE NOT (Id = 1 OR (Name = 'x' AND Stock IS NULL))",
    "SELECT Id FROM THING ORDER BY Stock",
    "SELECT COUNT(*) FROM THING GROUP BY Stock",
    "SELECT COUNT(*) FROM THING HAVING MAX(Stock) > 1",
    "SELECT MAX(Stock) FROM THING",
    "SELECT CASE WHEN Stock > 1 THEN 'a' END FROM THING",
    "SELECT NVL(Name, STOCK) FROM THING",
    "SELECT TwinThingObj.Stock FROM THING",
    "SELECT Id FROM THING WHERE TwinThingObj.stock > 1",
]


@pytest.fixture
def role(shop):
    """Makes a context whose role may read just these fields: `role(THING="Id Name")`."""
    from metabrm.identity.context import Context

    # The package offers the function `rights` under the module's name.
    access = import_module("entities.access.rights")

    def make(**readable: str) -> Context:
        kept = access._cache.setdefault(shop, OrderedDict())
        number = len(kept) + 1
        compiled = dict.fromkeys((e.name for e in shop.entities.values()), access._NOTHING)
        for name, fields in readable.items():
            compiled[name] = access.EntityRights(
                False, True, False, False, frozenset(fields.split()), frozenset()
            )
        kept[number, False, None] = compiled
        return Context(7, number, False, "ada")

    return make


@pytest.mark.parametrize("sql", CLAUSES)
def test_an_unreadable_field_can_be_named_nowhere(ask, role, sql):
    from entities.errors import RequestError

    context = role(THING="Id Name TwinThingId")
    with pytest.raises(RequestError) as caught:
        ask(sql, context)
    error = caught.value
    assert (error.code, error.field) == ("INSUFFICIENT_RIGHTS", "Stock")
    assert "THING.Stock" in error.message
    assert sql[error.position :].upper().startswith(("STOCK", "TWINTHINGOBJ.STOCK"))


def test_what_is_readable_works(ask, role):
    context = role(THING="Name ShopId", SHOP="City")
    sql = "SELECT Name, ShopObj.City FROM THING WHERE Name = 'bolt' ORDER BY ShopObj.City"
    assert ask(sql, context) == [{"Name": "bolt", "ShopObj.City": "Rome"}]


def test_a_relation_needs_its_lookup_and_its_target(ask, role):
    from entities.errors import RequestError

    for rights, message in [
        ({"THING": "Name", "SHOP": "City"}, "THING.ShopId"),
        ({"THING": "Name ShopId"}, "may not read SHOP"),
        ({"THING": "Name ShopId", "SHOP": "Id"}, "SHOP.City"),
        ({"SHOP": "City"}, "may not read THING"),
    ]:
        with pytest.raises(RequestError) as caught:
            ask("SELECT ShopObj.City FROM THING", role(**rights))
        assert caught.value.code == "INSUFFICIENT_RIGHTS"
        assert message in caught.value.message


def test_suggestions_name_only_what_the_role_may_see(ask, role):
    from entities.errors import RequestError

    context = role(THING="Id Name")
    for sql, secret in [
        ("SELECT Stok FROM THING", "Stock"),
        ("SELECT Id FROM SHP", "SHOP"),
        ("SELECT ShpObj.Name FROM THING", "ShopObj"),
    ]:
        with pytest.raises(RequestError) as caught:
            ask(sql, context)
        assert caught.value.code == "QUERY_INVALID"
        assert secret not in caught.value.message


def test_whole_records_hold_only_readable_fields(shop, role):
    import orjson

    from entities.query import retrieve_ids, retrieve_where

    context = role(THING="Id Stock Secret Quiet")
    for page in (
        retrieve_where("THING", "Id = 1", context, snapshot=shop),
        retrieve_ids("THING", [1], context, snapshot=shop),
    ):
        assert orjson.loads(page.json) == [{"Id": "1", "Stock": "10"}]


def test_a_plan_is_never_shared_between_roles(ask, role, system):
    from entities.errors import RequestError

    sql = "SELECT Stock FROM THING WHERE Id = 1"
    assert ask(sql, system) == ask(sql, role(THING="Stock Id"))
    with pytest.raises(RequestError):
        ask(sql, role(THING="Id"))


def test_rights_of_real_roles(clerk):
    import orjson

    from entities.errors import RequestError
    from entities.query import query

    context = clerk(CURRENCY="R")
    page = query("SELECT CurrencyCode FROM CURRENCY WHERE CurrencyCode = 'USD'", context)
    assert orjson.loads(page.json) == [{"CurrencyCode": "USD"}]
    with pytest.raises(RequestError, match="may not read ACCOUNT"):
        query("SELECT Id FROM ACCOUNT", context)
