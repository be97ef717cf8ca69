"""Statements made to do harm: each is refused, or harmless, and fast; nothing but RequestError."""

import time

import pytest

pytestmark = pytest.mark.django_db

HOSTILE = [
    "SELECT usename FROM pg_catalog.pg_user",
    "SELECT passwd FROM pg_shadow",
    "SELECT table_name FROM information_schema.tables",
    "SELECT password FROM identity_user",
    "SELECT Id FROM THING WHERE pg_sleep(30) IS NULL",
    "SELECT Id FROM THING WHERE Id = (SELECT pg_sleep(30))",
    "SELECT current_setting('is_superuser') FROM THING",
    "SELECT pg_read_file('/etc/passwd') FROM THING",
    "SELECT lo_import('/etc/passwd') FROM THING",
    "SELECT dblink('x', 'y') FROM THING",
    "SELECT query_to_xml('select 1', true, true, '') FROM THING",
    "SELECT set_config('a.b', 'c', false) FROM THING",
    "SELECT version() FROM THING",
    "SELECT current_user FROM THING",
    "SELECT Id FROM THING; DROP TABLE q_thing; --",
    "SELECT Id FROM THING;--\nDROP TABLE q_thing",
    "SELECT Id FROM THING /* ; */ ; DELETE FROM q_thing",
    "SELECT Id FROM THING WHERE Id = $$1$$",
    "SELECT Id FROM THING WHERE Name = $tag$x$tag$",
    "SELECT Id FROM THING WHERE Id = $1",
    "SELECT Id FROM THING WHERE Id = %s",
    "SELECT Id FROM THING WHERE Id = :1",
    "SELECT Id FROM THING WHERE Id = ?",
    "SELECT Id FROM THING WHERE Id::text = '1'",
    "SELECT Id FROM THING WHERE Name ~ '(a+)+$'",
    "SELECT Id FROM THING WHERE Name = E'\\x41'",
    "SELECT Id FROM THING WHERE Name = U&'\\0041'",
    "SELECT Id FROM THING WHERE Name = q'[a]' AND pg_sleep(1) = 1",
    "SELECT Id FROM ONLY THING",
    "SELECT Id FROM ТHING",  # a Cyrillic T
    "SELECT Іd FROM THING",  # a Ukrainian I
    "SELECT Id FROM THING\u2028WHERE 1=1; SELECT 1",
    "SELECT Id FROM \"THING\"\"; DROP TABLE q_thing; --\"",
    'SELECT "Id"" FROM q_thing; --" FROM THING',
    "SELECT Id FROM THING WHERE Name = 'a\0b'",
    "SELECT Id\0 FROM THING",
    "SELECT Id FROM THING WHERE Name = '\ud800'",
    "SELECT Id FROM THING FOR UPDATE NOWAIT",
    "SELECT Id INTO OUTFILE '/tmp/x' FROM THING",
    "COPY q_thing TO '/tmp/x'",
    "SELECT Id FROM THING LIMIT (SELECT 1)",
    "SELECT Id FROM THING ORDER BY (SELECT 1)",
    "SELECT Id FROM THING ORDER BY pg_sleep(5)",
    "SELECT Id FROM THING GROUP BY pg_sleep(5)",
    "SELECT CASE WHEN 1=1 THEN pg_sleep(5) END FROM THING",
    "SELECT Id FROM THING WHERE Id IN (1, pg_sleep(5))",
    "SELECT Id FROM LATERAL (SELECT 1)",
    "SELECT Id FROM THING TABLESAMPLE SYSTEM (1)",
    "SELECT (Id).x FROM THING",
    "SELECT Id FROM THING, pg_user",
    "SELECT t.ctid, t.xmin, t.tableoid FROM THING t",
    "SELECT THING FROM THING",
    "SELECT t FROM THING t",
    "SELECT ShopObj FROM THING",
    "SELECT ROW(1, 2) FROM THING",
    "SELECT ARRAY[1] FROM THING",
    "SELECT {fn now()} FROM THING",
    "SELECT {{ x }} FROM THING",
    "SELECT Id FROM THING WINDOW w AS (PARTITION BY Id)",
    "SELECT XMLELEMENT(\"x\", Id) FROM THING",
    "SELECT Id FROM THING MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS 1=1)",
    "SELECT Id FROM THING PIVOT (SUM(Id) FOR Name IN ('a'))",
    "SELECT " + "(" * 800 + "1" + ")" * 800 + " FROM THING",
    "SELECT " + "(" * 15000 + "1" + ")" * 15000 + " FROM THING",
    "SELECT Id FROM THING WHERE " + "(" * 15000,
    "SELECT Id FROM THING WHERE " + "NOT " * 5000 + "1=1",
    "SELECT " + "- " * 10000 + "1 FROM THING",
    "SELECT " + "CASE WHEN 1=1 THEN " * 800 + "1" + " END" * 800 + " FROM THING",
    "SELECT " + "ABS(" * 3000 + "1" + ")" * 3000 + " FROM THING",
    "SELECT Id FROM THING WHERE Name = '" + "x" * 1_000_000 + "'",
    "SELECT " + "x" * 30_000 + " FROM THING",
    "SELECT Id FROM " + "x" * 30_000,
    "SELECT " + "Obj." * 5000 + "Name FROM THING",
    "'" * 30_001,
    "/*" * 10_000,
    "SELECT Id FROM THING WHERE " + "a.b." * 3000 + "c = 1",
]  # fmt: skip


@pytest.mark.parametrize("sql", HOSTILE, ids=range(len(HOSTILE)))
def test_refused(shop, system, sql):
    from entities.errors import RequestError
    from entities.query import query

    began = time.monotonic()
    with pytest.raises(RequestError) as caught:
        query(sql, system, snapshot=shop)
    assert caught.value.code in ("QUERY_INVALID", "QUERY_NOT_SUPPORTED")
    assert caught.value.position is None or 0 <= caught.value.position <= len(sql)
    assert len(caught.value.message) < 400
    assert time.monotonic() - began < 2


HARMLESS = [
    ("SELECT Id FROM THING WHERE Name = 'x''; DROP TABLE q_thing; --'", 0),
    ("SELECT Id FROM THING WHERE Name = '\\'' OR 1=1 --' AND Id = 99", 0),
    ("SELECT Id FROM THING WHERE Name = 'a' 'b'", 0),
    ("SELECT Id FROM THING *", 5),
    ("SELECT Id FROM THING WHERE Name = '%s' OR Name = '%(a)s' OR Name = '%'", 0),
    ("SELECT Id FROM THING WHERE Name = '$1' OR Name = '$$' OR Name = '{t}'", 0),
    ("SELECT Id AS \"%s\", Name AS \"'; DROP TABLE q_thing; --\", 1 AS \"$1\" FROM THING", 5),
    ("SELECT Id AS \"a\\\", Name AS \"é 漢 🎉\", 2 AS \"{t}\" FROM THING", 5),
    ("SELECT Id AS \"a\"\"b\" FROM THING", 5),
    (f"SELECT 1 \"long name with 'quotes' and %s in it, \\ too {'x' * 63}\" FROM THING", 5),
    ("SELECT Id FROM THING -- ; DROP TABLE q_thing", 5),
    ("SELECT Id FROM THING /* ' */ WHERE 1=1 /* -- */", 5),
    ("SELECT Id FROM THING WHERE Name LIKE '%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%_%_%_%_%_%_%'", 3),
    ("SELECT Id FROM THING WHERE Name IN ('a,b', '{x}', '\"', '\\', 'NULL', '')", 0),
    ("SELECT Id FROM THING WHERE " + " AND ".join(["1=1"] * 4000), 5),
    ("SELECT Id FROM THING WHERE Id IN (" + ",".join(map(str, range(6000))) + ")", 5),
    ("SELECT " + "+".join(["1"] * 300) + " FROM THING", 5),
    ("SELECT " + "||".join(["Name"] * 2000) + " x FROM THING", 5),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "count"), HARMLESS, ids=range(len(HARMLESS)))
def test_harmless(shop, system, sql, count):
    import orjson

    from entities.query import query

    page = query(sql, system, snapshot=shop)
    assert page.count == count
    assert len(orjson.loads(page.json)) == count
    assert query("SELECT Id FROM THING", system, snapshot=shop).count == 5


def test_odd_aliases_come_back_as_written(ask):
    odd = "long name of more than sixty-three bytes, with 'quotes' and %s in it, \\ too"
    (row,) = ask(f'SELECT Id "{odd}", Name "$1 %s {{t}}", Extra "a""b" FROM THING WHERE Id = 1')
    assert row == {odd: "1", "$1 %s {t}": "Anvil", 'a"b': {"a": [1]}}
