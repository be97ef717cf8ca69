"""Several sources: joins with aliases, relation paths from any of them, SELECTs in FROM, ROWNUM."""

import pytest

pytestmark = pytest.mark.django_db

# The rows, each the values of its columns one after the other.
ROWS = [
    ("SELECT t.Name, s.Name shop FROM THING t JOIN SHOP s ON s.Id = t.ShopId",
     "Anvil Main|bolt Side|Zoë \"Z\" Main"),
    ("SELECT t.Id, s.City FROM THING t LEFT JOIN SHOP s ON t.ShopId = s.Id",
     "1 Oslo|2 Rome|3 None|4 None|5 Oslo"),
    ("SELECT t.Id, s.City FROM THING t LEFT OUTER JOIN SHOP s ON t.ShopId = s.Id AND s.Id = 2",
     "1 None|2 Rome|3 None|4 None|5 None"),
    ("SELECT t.Id, s.City FROM THING t LEFT JOIN SHOP s ON t.ShopId = s.Id WHERE s.Id IS NULL",
     "3 None|4 None"),
    ("select t.id, twin.name, s.name X from thing t join thing twin on t.twinthingid = twin.id "
     "left join shop s on s.id = twin.shopid", "2 Anvil Main|3 bolt Side|4 O'Neil None|"
     "5 Zoë \"Z\" Main"),
    ("SELECT THING.Id, SHOP.Name FROM THING INNER JOIN SHOP ON SHOP.Id = THING.ShopId",
     "1 Main|2 Side|5 Main"),
    ("SELECT UnitPrice, City FROM THING t JOIN SHOP s ON t.ShopId = s.Id WHERE Stock = 10",
     "1.5 Oslo"),
    ("SELECT t.Id, s.Id sid FROM THING t, SHOP s WHERE t.ShopId = s.Id AND s.City = 'Rome'", "2 2"),
    ("SELECT t.Id, s.Id sid FROM THING t CROSS JOIN SHOP s WHERE t.Id < 3", "1 1|1 2|2 1|2 2"),
    ("SELECT s.Name, COUNT(t.Id) n, SUM(t.Stock) FROM SHOP s LEFT JOIN THING t ON t.ShopId = s.Id "
     "GROUP BY s.Name ORDER BY n DESC", "Main 2 30|Side 1 20"),
    ("SELECT t.Id, t.ShopObj.HeadShopObj.Name, w.ShopIdObj.Name FROM THING t JOIN THING w "
     "ON t.TwinThingId = w.Id WHERE w.ShopObj.City = 'Rome' OR t.ShopObj.City = 'Rome'",
     "2 Main Main|3 None Side"),
    ("SELECT t.Id FROM SHOP s JOIN THING t ON t.ShopObj.HeadShopId = s.Id", "2"),
    ("SELECT s.Id, t.Id tid FROM SHOP s LEFT JOIN THING t ON t.ShopObj.HeadShopObj.City = s.City "
     "AND t.TwinThingObj.Name = 'Anvil'", "1 2|2 None"),
    ("SELECT t.Id FROM THING t JOIN SHOP s ON s.Id = t.ShopId WHERE HeadShopObj.City = 'Oslo'",
     "2"),
    ("SELECT m.Name, t.Id FROM THING t JOIN MAKER m ON m.Code = t.MakerCode",
     "Acme Ltd 1|Acme Ltd 4"),
    ("SELECT a.Id, b.Id b FROM THING a JOIN THING b ON a.Stock = b.Stock AND a.Id < b.Id", "2 5"),
    ("SELECT t.Id FROM THING t JOIN SHOP s ON s.Id = t.ShopId ORDER BY s.Name DESC, t.Id DESC "
     "OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY", "5"),
    ("SELECT DISTINCT s.City FROM THING t JOIN SHOP s ON s.Id = t.ShopId", "Oslo|Rome"),
    # SELECTs in FROM
    ("SELECT Name FROM (SELECT Name, Stock FROM THING) WHERE Stock > 10", "bolt|Zoë \"Z\""),
    ("SELECT v.n * 2 AS twice FROM (SELECT COUNT(*) n FROM THING) v", "10"),
    ("SELECT * FROM (SELECT Id, Stock s FROM THING WHERE Stock > 0) ORDER BY s DESC, 1",
     "2 20|5 20|1 10"),
    ("SELECT v.City, v.n, t.Id FROM (SELECT s.City, MAX(t.Id) n FROM THING t JOIN SHOP s "
     "ON s.Id = t.ShopId GROUP BY s.City) v JOIN THING t ON t.Id = v.n", "Oslo 5 5|Rome 2 2"),
    ("SELECT AVG(n) a FROM (SELECT ShopId, COUNT(*) n FROM THING GROUP BY ShopId) v", "1.25"),
    ("SELECT COUNT(*) n FROM (SELECT DISTINCT Status FROM THING)", "3"),
    ("SELECT Status FROM (SELECT DISTINCT Status FROM THING)", "NEW|USED|None"),
    ("SELECT x.ShopObj.City FROM (SELECT ShopObj.City FROM THING WHERE Id = 1) x", "Oslo"),
    ("SELECT Id FROM (SELECT Id, StartDate d FROM THING) WHERE d = '2026-02-10'", "2|5"),
    ("SELECT t.Id, v.n FROM THING t LEFT JOIN (SELECT TwinThingId i, COUNT(*) n FROM THING "
     "GROUP BY TwinThingId) v ON v.i = t.Id", "1 1|2 1|3 1|4 None|5 1"),
    # ROWNUM
    ("SELECT Id FROM THING WHERE ROWNUM <= 2", "1|2"),
    ("SELECT Id FROM THING WHERE ROWNUM < 3 AND Stock > 10", "2|5"),
    ("SELECT Id FROM THING WHERE 2 >= ROWNUM", "1|2"),
    ("SELECT Id FROM THING WHERE Stock = 20 AND (ROWNUM = 1)", "2"),
    ("SELECT Id FROM THING WHERE ROWNUM = 2", ""),
    ("SELECT Id FROM THING WHERE ROWNUM > 1", ""),
    ("SELECT Id FROM THING WHERE ROWNUM > 0 AND ROWNUM >= 1 AND ROWNUM < '4'", "1|2|3"),
    ("SELECT Id FROM THING WHERE ROWNUM BETWEEN 1 AND 2.5", "1|2"),
    ("SELECT Id FROM THING WHERE ROWNUM BETWEEN 2 AND 3", ""),
    ("SELECT Id FROM THING WHERE ROWNUM <> 4", "1|2|3"),
    ("SELECT Id FROM THING WHERE ROWNUM <= 0", ""),
    ("SELECT Id FROM THING WHERE ROWNUM <= 4 OFFSET 1 ROWS FETCH NEXT 9 ROWS ONLY", "2|3|4"),
    ("SELECT ROWNUM, Id FROM THING WHERE Stock = 20", "1 2|2 5"),
    ("SELECT Id FROM THING WHERE ROWNUM <= 2 ORDER BY Stock DESC", "2|1"),
    ("SELECT ROWNUM r, Id FROM THING WHERE ROWNUM <= 3 ORDER BY Id DESC", "3 3|2 2|1 1"),
    ("SELECT COUNT(*) n, MAX(Stock) FROM THING WHERE ROWNUM <= 2", "2 20"),
    ("SELECT Status, COUNT(*) FROM THING t WHERE ROWNUM < 4 GROUP BY t.Status "
     "HAVING COUNT(*) > 1", "NEW 2"),
    ("SELECT DISTINCT Status FROM THING WHERE ROWNUM <= 2", "NEW|USED"),
    ("SELECT ShopObj.City FROM THING WHERE ROWNUM <= 3 ORDER BY ShopObj.City DESC NULLS LAST",
     "Rome|Oslo|None"),
    ("SELECT Id FROM (SELECT Id FROM THING ORDER BY Stock DESC NULLS LAST, Id) WHERE ROWNUM <= 2",
     "2|5"),
    ("SELECT * FROM (SELECT a.*, ROWNUM rn FROM (SELECT Id, Name FROM THING ORDER BY Id DESC) a "
     "WHERE ROWNUM <= 4) WHERE rn > 2", "3 O'Neil 3|2 bolt 4"),
    ("SELECT Id FROM (SELECT a.*, ROWNUM rnum FROM (SELECT Id FROM THING ORDER BY Id) a) "
     "WHERE rnum BETWEEN 2 AND 3", "2|3"),
    ("SELECT MIN(rn) lo, MAX(rn) hi FROM (SELECT ROWNUM rn FROM THING)", "1 5"),
    ("SELECT Id FROM THING WHERE Id IN (SELECT TwinThingId FROM THING WHERE ROWNUM <= 2)", "1"),
]  # fmt: skip


def _flat(rows):
    return "|".join(" ".join(str(value) for value in row.values()) for row in rows)


def test_rows(ask):
    for sql, rows in ROWS:
        assert _flat(ask(sql)) == rows, sql


KEYS = [
    ("SELECT t.Id, s.NAME, t.shopobj.city FROM THING t JOIN SHOP s ON s.Id = t.ShopId",
     "Id Name ShopObj.City"),
    ("SELECT a.*, ROWNUM FROM (SELECT id, nAmE AS nAmE FROM thing) a WHERE ROWNUM = 1",
     "Id nAmE ROWNUM"),
    ("SELECT a.ID, b.x FROM THING a, (SELECT Id x FROM SHOP) b WHERE ROWNUM = 1", "Id x"),
]  # fmt: skip


def test_keys_are_canonical_or_as_the_alias_is_written(ask):
    for sql, keys in KEYS:
        assert " ".join(ask(sql)[0]) == keys, sql


def test_pages_of_a_join_neither_overlap_nor_leave_gaps(ask):
    sql = "SELECT t.Id, s.Id s FROM THING t CROSS JOIN SHOP s ORDER BY t.Status"
    whole = ask(sql)
    pages = [ask(f"{sql} OFFSET {n} ROWS FETCH NEXT 3 ROWS ONLY") for n in range(0, 12, 3)]
    assert [row for page in pages for row in page] == whole
    assert len({tuple(row.values()) for row in whole}) == 10


def test_what_is_found_by_its_id_does_not_tell_rows_apart(shop, system):
    from entities.query import compile

    made = compile("SELECT t.Id FROM THING t JOIN SHOP s ON s.Id = t.ShopId", shop, system).sql
    assert 'ORDER BY t0."id" LIMIT' in made
    made = compile("SELECT t.Id FROM THING t JOIN SHOP s ON s.City = t.Name", shop, system).sql
    assert 'ORDER BY t0."id", t1."id" LIMIT' in made


def test_a_page_of_an_ordered_select_sorts_no_more_than_it_needs(shop, system):
    import psycopg
    from django.db import connection

    from entities.query import compile

    made = compile(
        "SELECT * FROM (SELECT a.*, ROWNUM rn FROM (SELECT Id, Name FROM THING ORDER BY Name) a "
        "WHERE ROWNUM <= 20) WHERE rn > 10",
        shop,
        system,
    )
    assert made.sql.count("ORDER BY") == 1
    cursor = psycopg.RawCursor(connection.connection)
    cursor.execute(f"EXPLAIN {made.sql}", made.parameters)
    assert "\n".join(row[0] for row in cursor.fetchall()).count("Sort Key") == 1
