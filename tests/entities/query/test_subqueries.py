"""SELECTs inside a SELECT: values, IN, EXISTS, and lists of child records."""

import pytest

pytestmark = pytest.mark.django_db

IDS = [
    ("Id IN (SELECT TwinThingId FROM THING)", "1235"),
    ("Id NOT IN (SELECT TwinThingId FROM THING WHERE TwinThingId IS NOT NULL)", "4"),
    ("Id NOT IN (SELECT TwinThingId FROM THING)", ""),
    ("ShopId IN (SELECT s.Id FROM SHOP s WHERE s.City = 'Oslo')", "15"),
    ("ShopId IN (SELECT Id FROM SHOP)", "125"),
    ("'Main' IN (SELECT Name FROM SHOP WHERE SHOP.Id = THING.ShopId)", "15"),
    ("EXISTS (SELECT 1 FROM SHOP s WHERE s.Id = ShopId AND City = 'Rome')", "2"),
    ("EXISTS (SELECT * FROM SHOP s WHERE s.Id = THING.ShopId)", "125"),
    ("NOT EXISTS (SELECT s.Name FROM SHOP s WHERE s.Id = THING.ShopId)", "34"),
    ("EXISTS (SELECT COUNT(*) FROM SHOP s WHERE s.Id = 99)", "12345"),
    ("EXISTS (SELECT Id FROM THING.TwinThingObj)", "1235"),
    ("(SELECT COUNT(x.Id) FROM THING.TwinThingIdObj x WHERE x.Id <> 5) > 0", "123"),
    ("Stock = (SELECT MAX(Stock) FROM THING)", "25"),
    ("(SELECT MAX(Stock) FROM THING) = Stock", "25"),
    ("Stock < (SELECT AVG(x.Stock) FROM THING x WHERE x.Status = THING.Status)", ""),
    ("Stock > (SELECT MIN(x.Stock) FROM THING x WHERE x.Id <> THING.Id)", "125"),
    ("Name = (SELECT w.Name FROM THING w WHERE w.Id = THING.TwinThingId)", "5"),
    ("(SELECT s.City FROM SHOP s WHERE s.Id = ShopObj.HeadShopId) = 'Oslo'", "2"),
    ("Stock BETWEEN (SELECT MIN(Id) FROM THING) AND (SELECT MAX(Stock) FROM THING) - 1", "1"),
    ("StartDate = (SELECT MAX(StartDate) FROM THING)", "3"),
    ("Seen > (SELECT MIN(StartDate) FROM THING)", "1245"),
    ("(SELECT Name FROM SHOP ORDER BY Name DESC FETCH FIRST 1 ROWS ONLY) = 'Side' AND Id = 1", "1"),
    ("Id IN (SELECT Id FROM THING ORDER BY Stock DESC NULLS LAST FETCH NEXT 2 ROWS ONLY)", "25"),
    ("Id IN (SELECT t.TwinThingId FROM THING t JOIN SHOP s ON s.Id = t.ShopId)", "15"),
    ("Id = (SELECT MIN(Id) FROM THING WHERE Id > (SELECT MIN(Id) FROM THING))", "2"),
    ("CASE WHEN EXISTS (SELECT 1 FROM SHOP WHERE Id = 99) THEN 1 ELSE 2 END = 1", ""),
    ("ShopId IN ((SELECT Id FROM SHOP WHERE Name = 'Side'))", "2"),
    ("EXISTS (SELECT 1 FROM THING x WHERE x.TwinThingId = THING.Id AND EXISTS "
     "(SELECT 1 FROM SHOP s WHERE s.Id = x.ShopId AND s.HeadShopId = THING.ShopId))", "1"),
]  # fmt: skip


def test_in_conditions(ask, shop, system):
    import orjson

    from entities.query import retrieve_where

    for condition, ids in IDS:
        rows = ask(f"SELECT Id FROM THING WHERE {condition}")
        assert "".join(row["Id"] for row in rows) == ids, condition
        records = orjson.loads(retrieve_where("THING", condition, system, snapshot=shop).json)
        assert "".join(row["Id"] for row in records) == ids, condition


VALUES = [
    ("SELECT Id, (SELECT s.Name FROM SHOP s WHERE s.Id = t.ShopId) shop FROM THING t WHERE Id < 4",
     [("1", "Main"), ("2", "Side"), ("3", None)]),
    ("SELECT (SELECT COUNT(*) FROM THING x WHERE x.ShopId = s.Id) + 1 n, Name FROM SHOP s",
     [("3", "Main"), ("2", "Side")]),
    ("SELECT (SELECT MAX(x.Seen) FROM THING x) m, (SELECT MIN(UnitPrice) FROM THING) p FROM THING "
     "WHERE Id = 1", [("2026-03-01T00:00:00+00:00", "-2.5")]),
    ("SELECT Status, (SELECT COUNT(*) FROM THING x WHERE x.Status = t.Status) n FROM THING t "
     "GROUP BY Status", [("NEW", "2"), ("USED", "2"), (None, "0")]),
    ("SELECT City FROM SHOP s ORDER BY (SELECT COUNT(*) FROM THING x WHERE x.ShopId = s.Id)",
     [("Rome",), ("Oslo",)]),
    ("SELECT SUM((SELECT x.Stock FROM THING x WHERE x.Id = t.TwinThingId)) s FROM THING t",
     [("50",)]),
    ("SELECT COUNT(*) n FROM THING HAVING COUNT(*) > (SELECT COUNT(*) FROM SHOP)", [("5",)]),
    ("SELECT ROWNUM r, (SELECT s.City FROM SHOP s WHERE s.Id = t.ShopId) c FROM THING t "
     "WHERE ROWNUM < 3 ORDER BY t.Id DESC", [("2", "Rome"), ("1", "Oslo")]),
    ("SELECT v.x FROM (SELECT (SELECT s.City FROM SHOP s WHERE s.Id = t.ShopId) x FROM THING t) v "
     "WHERE v.x IS NOT NULL", [("Oslo",), ("Rome",), ("Oslo",)]),
    ("SELECT (SELECT x.ActiveFlag FROM THING x WHERE x.Id = 1) f, (SELECT x.Tags FROM THING x "
     "WHERE x.Id = 1) g, (SELECT 'x' FROM SHOP WHERE Id = 1) h FROM THING WHERE Id = 2",
     [("1", "A;B", "x")]),
]  # fmt: skip


def test_as_values(ask):
    for sql, rows in VALUES:
        assert [tuple(row.values()) for row in ask(sql)] == rows, sql


LISTS = [
    ("SELECT Name, (SELECT Id, Stock FROM THING.ShopObj ORDER BY Stock DESC) FROM SHOP",
     [{"Name": "Main", "THING": [{"Id": "5", "Stock": "20"}, {"Id": "1", "Stock": "10"}]},
      {"Name": "Side", "THING": [{"Id": "2", "Stock": "20"}]}]),
    ("select (select name from thing.shopidobj where stock < 15) cheap, id from shop "
     "order by id desc",
     [{"cheap": [], "Id": "2"}, {"cheap": [{"Name": "Anvil"}], "Id": "1"}]),
    ("SELECT Id, (SELECT Id, ShopObj.Name, (SELECT COUNT(*) FROM SHOP) n FROM Thing.TwinThingObj t)"
     " FROM THING WHERE Id IN (1, 4)",
     [{"Id": "1", "THING": [{"Id": "2", "ShopObj.Name": "Side", "n": "2"}]},
      {"Id": "4", "THING": []}]),
    ("SELECT m.Name, (SELECT t.Id FROM THING.MakerCodeObj t WHERE t.Name > m.Name) a, "
     "(SELECT COUNT(Id) n FROM THING.MakerCodeObj) b FROM MAKER m",
     [{"Name": "Acme Ltd", "a": [{"Id": "1"}], "b": [{"n": "2"}]}]),
    ("SELECT s.Id, (SELECT Id FROM THING.ShopObj ORDER BY Id DESC FETCH NEXT 1 ROWS ONLY) FROM "
     "THING t JOIN SHOP s ON s.Id = t.ShopId WHERE t.Id IN (1, 5)",
     [{"Id": "1", "THING": [{"Id": "5"}]}, {"Id": "1", "THING": [{"Id": "5"}]}]),
    ("SELECT Id, (SELECT x.Id FROM THING.ShopObj x JOIN THING w ON w.Id = x.TwinThingId WHERE "
     "ROWNUM = 1) FROM SHOP", [{"Id": "1", "THING": [{"Id": "5"}]},
                               {"Id": "2", "THING": [{"Id": "2"}]}]),
    ("SELECT Id, (SELECT Id FROM THING.ShopObj) FROM SHOP WHERE ROWNUM = 1 ORDER BY Name DESC",
     [{"Id": "1", "THING": [{"Id": "1"}, {"Id": "5"}]}]),
    (f"SELECT Id \"{'x' * 80}\", (SELECT Id FROM THING.ShopObj) FROM SHOP WHERE Id = 2",
     [{"x" * 80: "2", "THING": [{"Id": "2"}]}]),
    ("SELECT Id r, City r_, (SELECT Id r, Id n, Id m, Id k FROM THING.ShopObj) w FROM SHOP "
     "WHERE Id = 2", [{"r": "2", "r_": "Rome", "w": [{"r": "2", "n": "2", "m": "2", "k": "2"}]}]),
    ("SELECT Id, (SELECT Id FROM THING.ShopObj) FROM SHOP WHERE Id = 99", []),
]  # fmt: skip


def test_lists_of_child_records(ask):
    for sql, rows in LISTS:
        assert ask(sql) == rows, sql


def test_lists_follow_the_order_of_their_page(ask):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO q_shop SELECT i, 'S' || i, 'C' FROM generate_series(10, 900) i")
        cursor.execute(
            "INSERT INTO q_thing (id, f_3, shop_id) "
            "SELECT i, i % 7, 10 + i % 890 FROM generate_series(1000, 4000) i"
        )
    rows = ask(
        "SELECT Id, (SELECT Id, Stock FROM THING.ShopObj ORDER BY Stock DESC, Id) things FROM SHOP "
        "WHERE Id >= 10 ORDER BY Name DESC"
    )
    assert [r["Id"] for r in rows] == sorted((str(i) for i in range(10, 901)), reverse=True)
    for row in rows:
        keys = [(-int(t["Stock"]), int(t["Id"])) for t in row["things"]]
        assert keys == sorted(keys)
        assert {10 + i % 890 for _, i in keys} <= {int(row["Id"])}
    assert sum(len(r["things"]) for r in rows) == 3001


def test_lists_have_a_limit_together(ask):
    from django.db import connection

    from entities.errors import RequestError
    from entities.query.limits import MAX_CHILD_ROWS

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO q_thing (id, shop_id) SELECT i, 1 + i %% 2 FROM generate_series(10, %s) i",
            [MAX_CHILD_ROWS + 9],
        )
    sql = "SELECT Id, (SELECT Id FROM THING.ShopObj WHERE Id >= 10) t FROM SHOP"
    assert sum(len(row["t"]) for row in ask(sql)) == MAX_CHILD_ROWS
    with pytest.raises(RequestError, match=f"more than {MAX_CHILD_ROWS} rows together"):
        ask(sql.replace(">= 10", ">= 1"))
