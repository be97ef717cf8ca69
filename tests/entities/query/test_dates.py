"""Functions of dates, and texts and numbers made of one another, as Oracle has them."""

from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.django_db

VALUES = [
    # ADD_MONTHS: a last day stays one
    ("ADD_MONTHS(DATE '2026-01-15', 1)", "2026-02-15"),
    ("ADD_MONTHS(DATE '2026-01-31', 1)", "2026-02-28"),
    ("ADD_MONTHS(DATE '2024-01-31', 1)", "2024-02-29"),
    ("ADD_MONTHS(DATE '2026-02-28', 1)", "2026-03-31"),
    ("ADD_MONTHS(DATE '2024-02-28', 12)", "2025-02-28"),
    ("ADD_MONTHS(DATE '2024-02-29', 12)", "2025-02-28"),
    ("ADD_MONTHS(DATE '2025-02-28', 36)", "2028-02-29"),
    ("ADD_MONTHS(DATE '2026-03-31', -1)", "2026-02-28"),
    ("ADD_MONTHS(DATE '2026-04-30', -2)", "2026-02-28"),
    ("ADD_MONTHS('2026-01-30', 1.9)", "2026-02-28"),
    ("ADD_MONTHS(TIMESTAMP '2026-01-31 10:30:00', 1)", "2026-02-28T10:30:00+00:00"),
    ("ADD_MONTHS(TIMESTAMP '2026-02-28 10:30:00', 1)", "2026-03-31T10:30:00+00:00"),
    ("ADD_MONTHS(NULL, 1)", None),
    # LAST_DAY
    ("LAST_DAY(DATE '2026-02-01')", "2026-02-28"),
    ("LAST_DAY(DATE '2024-02-29')", "2024-02-29"),
    ("LAST_DAY(TIMESTAMP '2026-12-05 23:59:59')", "2026-12-31T23:59:59+00:00"),
    # MONTHS_BETWEEN: days count 1/31
    ("MONTHS_BETWEEN(DATE '2026-03-15', DATE '2026-01-15')", "2"),
    ("MONTHS_BETWEEN(DATE '2026-02-28', DATE '2026-01-31')", "1"),
    ("MONTHS_BETWEEN(DATE '2026-01-31', DATE '2026-02-28')", "-1"),
    ("ROUND(MONTHS_BETWEEN(DATE '2026-02-02', DATE '2026-01-01'), 8)", "1.03225806"),
    ("ROUND(MONTHS_BETWEEN(DATE '1995-02-02', DATE '1995-01-01'), 10)", "1.0322580645"),
    ("ROUND(MONTHS_BETWEEN(TIMESTAMP '2026-02-02 12:00:00', DATE '2026-02-02'), 8)", "0"),
    ("ROUND(MONTHS_BETWEEN(TIMESTAMP '2026-02-03 12:00:00', DATE '2026-02-02'), 8)", "0.0483871"),
    # TRUNC of dates; 2026-07-15 is a Wednesday
    ("TRUNC(TIMESTAMP '2026-07-15 23:30:00')", "2026-07-15"),
    ("TRUNC(DATE '2026-07-15', 'MM')", "2026-07-01"),
    ("TRUNC(DATE '2026-07-15', 'month')", "2026-07-01"),
    ("TRUNC(DATE '2026-08-15', 'Q')", "2026-07-01"),
    ("TRUNC(DATE '2026-07-15', 'YYYY')", "2026-01-01"),
    ("TRUNC(DATE '2026-07-15', 'DAY')", "2026-07-12"),
    ("TRUNC(DATE '2026-07-15', 'IW')", "2026-07-13"),
    ("TRUNC(DATE '2026-07-15', 'W')", "2026-07-15"),
    ("TRUNC(DATE '2026-07-14', 'W')", "2026-07-08"),
    ("TRUNC(DATE '2026-07-15', 'WW')", "2026-07-09"),
    ("TRUNC(DATE '2027-01-02', 'IYYY')", "2025-12-29"),
    ("TRUNC(DATE '2026-07-15', 'CC')", "2001-01-01"),
    ("TRUNC(TIMESTAMP '2026-07-15 23:31:45', 'HH24')", "2026-07-15T23:00:00+00:00"),
    ("TRUNC(TIMESTAMP '2026-07-15 23:31:45', 'MI')", "2026-07-15T23:31:00+00:00"),
    ("TRUNC(DATE '2026-07-15', 'MI')", "2026-07-15"),
    # TRUNC of numbers
    ("TRUNC(12.789)", "12"),
    ("TRUNC(12.789, 1)", "12.7"),
    ("TRUNC(-12.789, 2)", "-12.78"),
    ("TRUNC(1289, -2)", "1200"),
    # SYSDATE: the test's clock stands at 2026-03-14 15:09:26.535
    ("SYSDATE", "2026-03-14T15:09:26+00:00"),
    ("SYSTIMESTAMP", "2026-03-14T15:09:26.535+00:00"),
    ("TRUNC(SYSDATE)", "2026-03-14"),
    ("TRUNC(SYSDATE) - 1", "2026-03-13"),
    ("SYSDATE + 0.5", "2026-03-15T03:09:26+00:00"),
    ("TRUNC(SYSDATE, 'MM') - DATE '2026-02-01'", "28"),
    # TO_CHAR of dates
    ("TO_CHAR(DATE '2026-03-04')", "2026-03-04"),
    ("TO_CHAR(DATE '2026-03-04', 'DD-MON-YYYY')", "04-MAR-2026"),
    ("TO_CHAR(DATE '2026-03-04', 'YYYYMMDD')", "20260304"),
    ("TO_CHAR(DATE '2026-03-04', 'yyyy/mm/dd')", "2026/03/04"),
    ("TO_CHAR(DATE '2026-03-04', 'Mon DD, YYYY')", "Mar 04, 2026"),
    ("TO_CHAR(DATE '2026-03-04', 'Month')||'|'", "March    |"),
    ("TO_CHAR(DATE '2026-03-04', 'FMMonth DD, YYYY')", "March 4, 2026"),
    ("TO_CHAR(DATE '2026-03-04', 'FMDD/FMMM')", "4/03"),
    ("TO_CHAR(DATE '2026-03-04', 'Q Dy DAY D DDD')", "1 Wed WEDNESDAY 4 063"),
    ("TO_CHAR(DATE '2026-03-04', '\"week\" IW')", "week 10"),
    ("TO_CHAR(DATE '2026-03-04', 'HH24:MI:SS')", "00:00:00"),
    ("TO_CHAR(TIMESTAMP '2026-03-04 17:05:09', 'HH24:MI:SS')", "17:05:09"),
    ("TO_CHAR(TIMESTAMP '2026-03-04 17:05:09', 'HH:MI PM')", "05:05 PM"),
    ("TO_CHAR(SYSTIMESTAMP, 'FF3')", "535"),
    # TO_CHAR of numbers
    ("TO_CHAR(1234.5)", "1234.5"),
    ("TO_CHAR('text')", "text"),
    ("TO_CHAR(1234.5, '9,999.99')", " 1,234.50"),
    ("TO_CHAR(-1234.5, '9,999.99')", "-1,234.50"),
    ("TO_CHAR(1234.5, 'FM9,999.99')", "1,234.5"),
    ("TO_CHAR(1234.5, 'FM9,999.00')", "1,234.50"),
    ("TO_CHAR(0.5, '990.00')", "   0.50"),
    ("TO_CHAR(0.5, '999.00')", "    .50"),
    ("TO_CHAR(12, '00000')", " 00012"),
    ("TO_CHAR(12.5, '$999.99')", "  $12.50"),
    ("TO_CHAR(12.5, 'FM$999.00')", "$12.50"),
    ("TO_CHAR(-12, '999S')", " 12-"),
    ("TO_CHAR(12, 'S999')", " +12"),
    ("TO_CHAR(-12, '999MI')", " 12-"),
    ("TO_CHAR(-12, '999PR')", " <12>"),
    ("TO_CHAR(12345, '999')", "####"),
    ("TO_CHAR(9.995, '9.99')", "#####"),
    ("TO_CHAR(NULL, '999')", None),
    # TO_DATE
    ("TO_DATE('2026-02-03', 'YYYY-MM-DD')", "2026-02-03"),
    ("TO_DATE('03/02/2026', 'DD/MM/YYYY')", "2026-02-03"),
    ("TO_DATE('03-FEB-26', 'DD-MON-RR')", "2026-02-03"),
    ("TO_DATE('03-feb-97', 'dd-mon-rr')", "1997-02-03"),
    ("TO_DATE('03-02-97', 'DD-MM-YY')", "2097-02-03"),
    ("TO_DATE('20260203', 'YYYYMMDD')", "2026-02-03"),
    ("TO_DATE('February 3, 2026', 'Month DD, YYYY')", "2026-02-03"),
    ("TO_DATE('2026-034', 'YYYY-DDD')", "2026-02-03"),
    ("TO_DATE('02-2026', 'MM-YYYY')", "2026-02-01"),
    ("TO_DATE('2026-02-03')", "2026-02-03"),
    ("TO_DATE('2026-02-03 14:05:06', 'YYYY-MM-DD HH24:MI:SS')", "2026-02-03T14:05:06+00:00"),
    ("TO_DATE('2026-02-03 02:05 pm', 'YYYY-MM-DD HH:MI AM')", "2026-02-03T14:05:00+00:00"),
    ("TO_DATE('', 'YYYY-MM-DD')", None),
    ("TO_DATE(NULL)", None),
    ("TO_DATE(TO_CHAR(DATE '2026-02-03', 'DD.MM.YYYY'), 'DD.MM.YYYY')", "2026-02-03"),
    ("TO_DATE(TO_CHAR(StartDate)) + 1", "2026-02-10"),
    # TO_NUMBER
    ("TO_NUMBER('12.50') * 2", "25"),
    ("TO_NUMBER(' -3 ')", "-3"),
    ("TO_NUMBER('')", None),
    ("TO_NUMBER('$1,234.50', '$9,999.99')", "1234.5"),
    ("TO_NUMBER(SUBSTR('a12', 2)) + 1", "13"),
    # Texts, by computed positions too
    ("SUBSTR('abcdef', 2, 3)", "bcd"),
    ("SUBSTR('abcdef', -3, 2)", "de"),
    ("SUBSTR('abcdef', 0, 2)", "ab"),
    ("SUBSTR('abcdef', -9)", None),
    ("SUBSTR('abcdef', 9)", None),
    ("SUBSTR('abcdef', 2, 0)", None),
    ("SUBSTR('abcdef', LENGTH('abc'))", "cdef"),
    ("SUBSTR('abcdef', 0 - 2)", "ef"),
    ("SUBSTR('abcdef', 1, LENGTH('ab') - 3)", None),
    ("REPLACE('a-b-c', '-', '+++')", "a+++b+++c"),
    ("REPLACE('a-b-c', '-')", "abc"),
    ("REPLACE('abc', NULL, 'x')", "abc"),
    # What is missing
    ("GREATEST(1, NULL, 3)", None),
    ("LEAST('b', 'a')", "a"),
    ("GREATEST(DATE '2026-01-01', DATE '2026-02-01')", "2026-02-01"),
    ("NVL2('', 'some', 'none')", "none"),
    ("NVL(NULL, 'x') || NULL || 'y'", "xy"),
    ("DECODE(NULL, NULL, 'none', 'some')", "none"),
    ("DECODE(3, 1, 'a', 2, 'b')", None),
    ("DECODE(DATE '2026-01-01', '2026-01-01', 'first', 'other')", "first"),
    ("MOD(11, 4)", "3"),
    ("MOD(-11, 4)", "-3"),
    ("MOD(11, 0)", "11"),
    ("MOD(NULL, 0)", None),
    ("LENGTH('')", None),
    ("CONCAT('', 'x')", "x"),
    ("ROUND(2.5) + ROUND(-2.5) + ROUND(1250, -2)", "1300"),
    ("CEIL(-1.5) || FLOOR(-1.5)", "-1-2"),
]  # fmt: skip


def test_functions(ask):
    from metabrm import clock

    columns = ", ".join(f"{sql} AS x{place}" for place, (sql, _) in enumerate(VALUES))
    with clock.frozen(datetime(2026, 3, 14, 15, 9, 26, 535000, tzinfo=UTC)):
        (row,) = ask(f"SELECT {columns} FROM THING WHERE Id = 1")
    found = dict(zip((sql for sql, _ in VALUES), row.values(), strict=True))
    assert found == dict(VALUES)


CONDITIONS = [
    ("StartDate = TO_DATE('10.02.2026', 'DD.MM.YYYY')", "25"),
    ("TO_CHAR(StartDate, 'YYYY-MM') = '2026-02'", "1235"),
    ("TRUNC(Seen) = DATE '2026-02-10'", "25"),
    ("TRUNC(Seen) = StartDate", "125"),
    ("Seen < SYSDATE", "1245"),
    ("StartDate <= SYSDATE AND StartDate > SYSDATE - 33", "235"),
    ("ADD_MONTHS(StartDate, 1) > DATE '2026-03-10'", "3"),
    ("StartDate BETWEEN TRUNC(SYSDATE, 'MM') - 18 AND LAST_DAY(SYSDATE)", "3"),
    ("TO_NUMBER(Name) = 1 AND Id = 99", ""),
]


def test_in_conditions(ask):
    from metabrm import clock

    with clock.frozen(datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)):
        for condition, ids in CONDITIONS:
            found = ask(f"SELECT Id FROM THING WHERE {condition}")
            assert "".join(row["Id"] for row in found) == ids, condition


REFUSED = [
    ("TO_CHAR(Id, ^'x')", "is no model for numbers"),
    ("TO_CHAR(Id, ^'9G9L')", "is no model for numbers"),
    ("TO_CHAR(StartDate, ^'YYYY-XX')", "'XX' is no element of a date"),
    ("TO_CHAR(StartDate, ^Name)", "format stands here in quotes"),
    ("^TO_CHAR(Name, 'YYYY')", "A text has no format"),
    ("^TO_CHAR(Id, '9', 'NLS')", "takes 1 or 2 arguments, not 3"),
    ("TO_DATE(^'2026-02-30', 'YYYY-MM-DD')", "is no date of the form YYYY-MM-DD"),
    ("TO_DATE(^'2026-13-01', 'YYYY-MM-DD')", "is no date"),
    ("TO_DATE(^'03-XXX-26', 'DD-MON-RR')", "is no date"),
    ("TO_DATE(^'soon')", "is not a date"),
    ("TO_DATE('10:00', ^'HH24:MI')", "a year and a month"),
    ("TO_DATE(Name, ^'DD-MM-YY')", "needs YYYY"),
    ("TO_DATE('x', ^'WW')", "can't be read from a text"),
    ("TO_DATE('2026', ^'YYYY YYYY')", "stands twice"),
    ("TRUNC(StartDate, ^'XX')", "TRUNC doesn't know 'XX'"),
    ("TRUNC(Stock, ^Id)", "whole number belongs here"),
    ("^TRUNC()", "takes 1 or 2 arguments"),
    ("ADD_MONTHS(^Name, 1)", "Name is a text; a date belongs here"),
    ("ADD_MONTHS(StartDate, ^Name)", "Name is a text; a number belongs here"),
    ("ADD_MONTHS(^'soon', 1)", "is not a date"),
    ("LAST_DAY(^Stock)", "Stock is a number; a date belongs here"),
    ("MONTHS_BETWEEN(StartDate, ^Stock)", "a date belongs here"),
    ("^TO_TIMESTAMP('2026')", "no function TO_TIMESTAMP"),
    ("NVL(^Seen, CURRENT_TIMESTAMP)", "Write SYSDATE"),
    ("TO_NUMBER(Name, ^'x')", "is no model for numbers"),
]


def test_refused(ask):
    from entities.errors import RequestError

    for marked, message in REFUSED:
        with pytest.raises(RequestError) as caught:
            ask(f"SELECT {marked.replace('^', '')} x FROM THING")
        error = caught.value
        assert (error.code, message in error.message) == ("QUERY_INVALID", True), error.message
        if "Write SYSDATE" not in message:  # a word without a place
            assert error.position == len("SELECT ") + marked.index("^"), marked


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT TO_NUMBER(Name) FROM THING", "can't take"),
        ("SELECT TO_NUMBER('NaN') FROM THING", "can't take"),
        ("SELECT TO_NUMBER('Infinity') FROM THING", "can't take"),
        ("SELECT TO_NUMBER('0x1F') FROM THING", "can't take"),
        ("SELECT TO_DATE(Name, 'YYYY-MM-DD') FROM THING", "can't take"),
        ("SELECT ADD_MONTHS(StartDate, 99999999999) FROM THING", "out of range"),
        ("SELECT ADD_MONTHS(StartDate, 99999999) FROM THING", "out of range"),
    ],
)
def test_values_that_go_wrong(ask, sql, message):
    from entities.errors import RequestError

    with pytest.raises(RequestError, match=message) as caught:
        ask(sql)
    assert caught.value.code == "QUERY_INVALID"
