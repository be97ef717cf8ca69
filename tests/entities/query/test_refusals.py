"""What is refused: each with a code, the place in the text, and what would be right."""

import pytest

pytestmark = pytest.mark.django_db

# The mark ^ stands before the character that the position must point to; it is taken out.
INVALID = [
    ("", "is empty"),
    ("-- nothing", "is empty"),
    ("^DELETE FROM THING", "can't begin with 'DELETE'"),
    ("^explain SELECT Id FROM THING", "can't begin with 'explain'"),
    ("^VALUES (1)", "can't begin with"),
    ("^(SELECT Id FROM THING)", "without parentheses"),
    ("SELECT", "FROM is missing"),
    ("SELECT ^Id WHERE 1=1", "FROM is missing"),
    ("SELECT ^Id, FROM THING", "column is missing"),
    ("SELECT ^* FROM THING", "* is not supported"),
    ("SELECT ^t.* FROM THING t", "* is not supported"),
    ("SELECT Id FROM ^THNG", "Did you mean THING?"),
    ("SELECT Id FROM ^CELLAR", "no entity 'CELLAR'"),
    ("SELECT Id FROM ^pg_catalog.pg_user", "no entity 'pg_catalog.pg_user'"),
    ("SELECT Id FROM ^q_thing", "no entity 'q_thing'"),
    ("SELECT Id FROM ^public.THING", "no entity 'public.THING'"),
    ("SELECT ^Nam FROM THING", "Did you mean Name?"),
    ("SELECT t.^Nam FROM THING t", "Did you mean Name?"),
    ("SELECT ^x.Name FROM THING t", "no relation 'x'"),
    ("SELECT ^ShpObj.Name FROM THING", "Did you mean ShopObj?"),
    ("SELECT ShopObj.^Nme FROM THING", "SHOP has no field 'Nme'"),
    ("SELECT ShopObj.^HeadObj.Name FROM THING", "no relation 'HeadObj'"),
    ("SELECT ^NameObj.Name FROM THING", "no relation 'NameObj'"),
    ("SELECT ^Secret FROM THING", "no field 'Secret'"),
    ("SELECT Id FROM THING WHERE ^deleted_at IS NULL", "no field 'deleted_at'"),
    ("SELECT Id FROM THING WHERE ^f_1 = 'x'", "no field 'f_1'"),
    ("SELECT Id FROM THING WHERE ^ctid = 'x'", "no field 'ctid'"),
    ("SELECT Id FROM THING ORDER BY ^Nome", "Did you mean Name?"),
    ('SELECT Id FROM THING WHERE Name = ^"Anvil"', "single quotes"),
    ("SELECT ^pg_sleep(10) FROM THING", "no function PG_SLEEP"),
    ("SELECT ^UPER(Name) FROM THING", "Did you mean UPPER?"),
    ("SELECT Id FROM THING WHERE ^REGEXP_LIKE(Name, '(a+)+$')", "no function REGEXP_LIKE"),
    ("SELECT Id FROM THING WHERE Id = ^'abc'", "'abc' is not a number; Id holds ids"),
    ("SELECT Id FROM THING WHERE ^'abc' = ShopId", "ShopId holds ids"),
    ("SELECT Id FROM THING WHERE Stock > ^'1,5'", "Stock holds whole numbers"),
    ("SELECT Id FROM THING WHERE Id IN (1, ^'x')", "'x' is not a number; Id holds ids"),
    ("SELECT Id FROM THING WHERE Id BETWEEN 1 AND ^'x'", "Id holds ids"),
    ("SELECT Id FROM THING WHERE UnitPrice = ^'1e999'", "is not a number"),
    ("SELECT Id FROM THING WHERE UnitPrice = ^'NaN'", "is not a number"),
    ("SELECT Id FROM THING WHERE StartDate < ^'2026-02-30'", "dates such as 2026-02-28"),
    ("SELECT Id FROM THING WHERE StartDate < ^5", "is not a date; StartDate holds"),
    ("SELECT Id FROM THING WHERE Seen < ^'soon'", "Seen holds instants such as"),
    ("SELECT Id FROM THING WHERE ActiveFlag = ^2", "ActiveFlag holds 1 or 0"),
    ("SELECT Id FROM THING WHERE DATE ^'2026-02-30' = StartDate", "is not a date"),
    ("SELECT Id FROM THING WHERE Name = ^Stock", "Name is a text and Stock a number"),
    ("SELECT Id FROM THING WHERE StartDate = ^Stock", "StartDate is a date and Stock a number"),
    ("SELECT NVL(Stock, ^'none') FROM THING", "'none' is not a number"),
    ("SELECT ABS(^Name) FROM THING", "Name is a text; a number belongs here"),
    ("SELECT SUM(^Name) FROM THING", "Name is a text; a number belongs here"),
    ("SELECT Id FROM THING WHERE ^Name", "A condition belongs here"),
    ("SELECT Id FROM THING WHERE ^1", "A condition belongs here"),
    ("SELECT ^Id = 1 FROM THING", "A condition can't stand here"),
    ("SELECT Id FROM THING WHERE ^Extra = 'x'", "JSON document can't be compared"),
    ("SELECT Id FROM THING ORDER BY ^Extra", "can't be sorted"),
    ("SELECT Id FROM THING ORDER BY ^7", "positions 1 to 1"),
    ("SELECT Id FROM THING ORDER BY ^0", "positions 1 to 1"),
    ("SELECT Id FROM THING WHERE ^COUNT(*) > 1", "COUNT can't stand in WHERE"),
    ("SELECT SUM(^COUNT(Id)) FROM THING", "COUNT can't stand inside another aggregate"),
    ("SELECT ^Name, COUNT(*) FROM THING", "Name must stand in GROUP BY"),
    ("SELECT Status, ^Name FROM THING GROUP BY Status", "MAX(Name)"),
    ("SELECT COUNT(*) FROM THING HAVING ^Id > 1", "Id must stand in GROUP BY"),
    ("SELECT COUNT(*) n FROM THING ORDER BY ^Name", "Name must stand in GROUP BY"),
    ("SELECT COUNT(*) FROM THING GROUP BY ^1", "columns, not positions"),
    ("SELECT DISTINCT Name FROM THING ORDER BY ^Id", "selected columns only"),
    ("SELECT Name x, ^Id x FROM THING", "Two columns are called 'x'"),
    ('SELECT Id AS ^"\n" FROM THING', "alias has 1 to 128"),
    (f'SELECT Id AS ^"{"x" * 129}" FROM THING', "alias has 1 to 128"),
    ("SELECT Id FROM THING OFFSET -^1 ROWS", "number of rows"),
    ("SELECT Id FROM THING FETCH NEXT ^Id ROWS ONLY", "number of rows"),
    ("SELECT Id FROM THING LIMIT ^1.5", "number of rows"),
    ("SELECT Id FROM THING LIMIT ^'5'", "number of rows"),
    ("SELECT Id FROM THING WHERE Name LIKE 'x' ESCAPE ^'ab'", "one character"),
    ("SELECT SUBSTR(Name, ^1.5) FROM THING", "whole number belongs here"),
    ("SELECT SUBSTR(Name, ^ShopObj.City) FROM THING", "City is a text; a number belongs here"),
    ("SELECT t.Id FROM THING t JOIN ^SHOP t ON 1=1", "Two sources are called t"),
    ("SELECT Id FROM THING JOIN ^THING ON 1=1", "Two sources are called thing"),
    ("SELECT ^Name FROM THING t JOIN SHOP s ON s.Id = t.ShopId", "field of THING and of SHOP"),
    ("SELECT ^TwinThingObj.Id FROM THING t JOIN THING s ON s.Id = t.TwinThingId", "relation of"),
    ("SELECT t.Id FROM THING t JOIN SHOP s ON ^x.Id = t.ShopId", "no alias or relation 'x'"),
    ("SELECT t.Id FROM THING t JOIN SHOP s ON s.^Nam = t.Name", "Did you mean Name?"),
    ("SELECT ^Nme FROM THING t JOIN SHOP s ON s.Id = t.ShopId", "Did you mean Name?"),
    ("SELECT t.Id FROM THING t JOIN SHOP s ON ^u.Id = 1 JOIN MAKER u ON u.Id = 1", "'u'"),
    ("SELECT t.Id FROM THING t JOIN SHOP s ON ^COUNT(*) > 1", "COUNT can't stand in ON"),
    ("SELECT t.Id, ^s.Id FROM THING t JOIN SHOP s ON s.Id = t.ShopId", "Two columns are called"),
    ("SELECT t.Id FROM THING t LEFT JOIN ^SHOP s", "LEFT JOIN needs ON"),
    ("SELECT t.Id FROM THING t JOIN ^SHIP s ON s.Id = t.ShopId", "Did you mean SHOP?"),
    ("SELECT ^x FROM (SELECT Id FROM THING)", "has no column 'x'"),
    ("SELECT v.^Nme FROM (SELECT Name FROM THING) v", "Did you mean Name?"),
    ("SELECT Id FROM (SELECT Id, ^UPPER(Name) FROM THING)", "an alias"),
    ("SELECT ^* FROM (SELECT Id FROM THING) a, SHOP", "Name the columns"),
    ("SELECT ^a.* FROM (SELECT Id FROM THING) b", "Name the columns"),
    ("SELECT Id FROM (SELECT ^* FROM THING)", "Name the columns"),
    ("SELECT Id FROM THING WHERE Id = (SELECT ^Id, Name FROM SHOP)", "selects one column"),
    ("SELECT Id FROM THING WHERE Id IN (SELECT ^Id, Name FROM SHOP)", "selects one column"),
    ("SELECT Id FROM THING WHERE Id IN (SELECT ^Name FROM SHOP)", "a number and Name a text"),
    ("SELECT Id FROM THING WHERE Id = (SELECT ^Nam FROM SHOP)", "Did you mean Name?"),
    ("SELECT Id FROM THING WHERE Id IN (SELECT Id FROM ^SHP)", "Did you mean SHOP?"),
    ("SELECT (SELECT ^MAX(t.Stock) FROM SHOP s) m FROM THING t", "column of the SELECT that it"),
    (
        "SELECT COUNT(*) n, (SELECT s.Id FROM SHOP s WHERE s.Id = ^t.ShopId) x FROM THING t",
        "ShopId must stand in GROUP BY",
    ),
    ("SELECT Id, (SELECT Id FROM ^THING.ShopObj) FROM MAKER", "leads to SHOP"),
    ("SELECT a.Id, (SELECT Id FROM ^THING.ShopObj) FROM SHOP a, SHOP b", "once"),
    ("SELECT Id FROM ^THING.ShopObj", "leads to SHOP; it can stand in a subquery"),
    ("SELECT Id, (SELECT Id FROM THING.^ShpObj) FROM SHOP", "Did you mean ShopObj?"),
    ("SELECT Id, (SELECT Id FROM ^THNG.ShopObj) FROM SHOP", "no entity 'THNG.ShopObj'"),
    (
        "SELECT City, (SELECT ^Id FROM THING.ShopObj) FROM SHOP GROUP BY City",
        "belongs to one record",
    ),
    ("SELECT Id, (SELECT ^UPPER(Name) FROM THING.ShopObj) FROM SHOP", "an alias"),
    (f'SELECT Id, (SELECT ^Id "{"x" * 64}" FROM THING.ShopObj) FROM SHOP', "is too long"),
    (
        "SELECT Id, (SELECT Id FROM THING.ShopObj), (SELECT ^Id FROM THING.ShopObj) FROM SHOP",
        "Two columns are called 'THING'",
    ),
    (
        "SELECT Id, (SELECT Id, (SELECT Id FROM ^SHOP.HeadShopObj) x FROM THING.ShopObj) FROM SHOP",
        "leads to SHOP",
    ),
    ("SELECT Id FROM THING; ^DROP TABLE q_thing", "nothing may follow the semicolon"),
    ("SELECT Id FROM THING;-- x\n^SELECT 1", "nothing may follow the semicolon"),
    ("SELECT Id\nFROM THING WHERE (Id = 1", "can't be read"),
    ("SELECT Id a ^b FROM THING", "can't be read at 'b'"),
    ("SELECT Id\n  FROM THING\n WHERE Id = 1 AND\n Name = Id ^Id", "can't be read at 'Id'"),
    ("SELECT Id FROM THING WHERE Name = 'open", "inside a quoted text"),
]

UNSUPPORTED = [
    ("SELECT t.Id FROM THING t RIGHT JOIN ^SHOP s ON s.Id = t.ShopId", "LEFT JOIN"),
    ("SELECT t.Id FROM THING t FULL OUTER JOIN ^SHOP s ON s.Id = t.ShopId", "FULL JOIN"),
    ("SELECT t.Id FROM THING t NATURAL JOIN ^SHOP s", "NATURAL in a JOIN"),
    ("SELECT t.Id FROM THING t JOIN ^SHOP s USING (Id)", "USING in a JOIN"),
    ("SELECT t.Id FROM THING t JOIN ^THING.ShopObj s ON 1=1", "child records after JOIN"),
    ("SELECT Id FROM (^THING JOIN SHOP ON 1=1)", "TABLE in a subquery"),
    ("SELECT Id FROM (SELECT ^Id FROM THING UNION SELECT Id FROM SHOP)", "UNION"),
    ("SELECT Id FROM THING WHERE Id IN (SELECT ^Id FROM THING UNION SELECT 1 FROM SHOP)", "UNION"),
    ("SELECT Id FROM THING WHERE Id > ALL (SELECT ^Id FROM SHOP)", "ALL (SELECT"),
    ("SELECT Id FROM THING WHERE Id = ANY (SELECT ^Id FROM SHOP)", "ANY (SELECT"),
    ("SELECT Id FROM THING WHERE (Id, Name) IN (SELECT Id, Name FROM SHOP)", "several values"),
    ("SELECT Id FROM LATERAL (SELECT ^Id FROM THING) x", "Anything but the name of an entity"),
    ("SELECT Id FROM ^pg_sleep(1)", "Anything but the name of an entity"),
    ("SELECT Id FROM THING UNION SELECT Id FROM SHOP", "UNION"),
    ("WITH ^a AS (SELECT Id FROM THING) SELECT Id FROM a", "WITH"),
    ("SELECT Id INTO ^x FROM THING", "INTO"),
    ("SELECT Id FROM THING FOR UPDATE", "FOR UPDATE"),
    ("SELECT Id FROM THING CONNECT BY PRIOR ^Id = ShopId", "CONNECT BY"),
    ("SELECT Id FROM THING WHERE ^ROWNUM < 5 OR Id = 1", "ROWNUM in WHERE"),
    ("SELECT Id FROM THING WHERE NOT ^ROWNUM < 5", "ROWNUM in WHERE"),
    ("SELECT Id FROM THING WHERE MOD(^ROWNUM, 2) = 0", "ROWNUM in WHERE"),
    ("SELECT t.Id FROM THING t JOIN SHOP s ON ^ROWNUM < 5", "ROWNUM in ON"),
    ("SELECT COUNT(*) OVER () FROM THING", "OVER"),
    ("SELECT CAST(^Id AS VARCHAR(10)) FROM THING", "CAST"),
    ("SELECT ^fn.x(1) FROM THING", "function X"),
    ("SELECT Id FROM THING FETCH NEXT ^5 PERCENT ROWS ONLY", "PERCENT"),
    ("SELECT Id FROM ^THING SAMPLE (5)", "Anything but the name"),
    ("SELECT Id FROM THING WHERE (Id, Stock) IN ((1, 2))", "list of several values"),
    ("SELECT Status FROM THING GROUP BY ROLLUP(^Status)", "ROLLUP"),
    ("SELECT Id FROM THING WHERE ^Id IS TRUE", "IS with anything but NULL"),
]


def _wrong(shop, system, table, code):
    """Those of the table that are not refused with the code, the message and the position."""
    from entities.errors import RequestError
    from entities.query import query

    wrong = []
    for marked, message in table:
        with pytest.raises(RequestError) as caught:
            query(marked.replace("^", "", 1), system, snapshot=shop)
        error = caught.value
        place = marked.index("^") if "^" in marked else error.position
        told = error.message.replace("'q_thing'", "")
        good = error.code == code and message in error.message and error.position == place
        if not good or "$" in told or "q_" in told:
            wrong.append((marked, error.code, error.position, error.message))
    return wrong


def test_invalid_queries(shop, system):
    assert _wrong(shop, system, INVALID, "QUERY_INVALID") == []


def test_what_is_not_supported(shop, system):
    assert _wrong(shop, system, UNSUPPORTED, "QUERY_NOT_SUPPORTED") == []


@pytest.mark.parametrize(
    "condition",
    [
        "1=1 UNION SELECT Secret FROM THING",
        "1=1) OR (1=1",
        "1=1; DELETE FROM q_thing",
        "1=1 GROUP BY Name",
        "GROUP BY Name",
        "JOIN SHOP ON 1=1",
        ", SHOP",
        "1=1 FOR UPDATE",
        "x.Id = 1",
        "Secret = 's1'",
    ],
)
def test_a_condition_can_be_nothing_but_a_condition(shop, system, condition):
    from entities.errors import RequestError
    from entities.query import retrieve_where

    with pytest.raises(RequestError) as caught:
        retrieve_where("THING", condition, system, snapshot=shop)
    assert caught.value.code in ("QUERY_INVALID", "QUERY_NOT_SUPPORTED")
    assert caught.value.position is None or 0 <= caught.value.position <= len(condition)


@pytest.mark.parametrize("name", ["NO_SUCH", "CELLAR", 'x"; DROP TABLE q_thing'])
def test_unknown_entities_are_unknown_to_retrieve(shop, system, name):
    from entities.errors import RequestError
    from entities.query import retrieve_ids, retrieve_where

    for ask in (
        lambda: retrieve_where(name, "", system, snapshot=shop),
        lambda: retrieve_ids(name, [1], system, snapshot=shop),
    ):
        with pytest.raises(RequestError) as caught:
            ask()
        assert caught.value.code == "UNKNOWN_ENTITY"
