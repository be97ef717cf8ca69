"""Statements made to do harm: each is refused, harmless, or stopped; nothing but RequestError."""

import time

import pytest

from tests.entities.query.hostile import BOMBS, HARMLESS, REFUSED

pytestmark = pytest.mark.django_db


def test_there_are_hundreds_of_them():
    assert len(set(REFUSED)) == len(REFUSED) > 200


def test_refused(shop, system):
    from entities.errors import RequestError
    from entities.query import query

    wrong = []
    for sql in REFUSED:
        began = time.process_time()
        try:
            page = query(sql, system, snapshot=shop)
        except RequestError as error:
            told = error.message
            good = error.code in ("QUERY_INVALID", "QUERY_NOT_SUPPORTED")
            good = good and (error.position is None or 0 <= error.position <= len(sql))
            good = good and 10 < len(told) < 400 and ("q_" not in told or "q_" in sql)
        else:
            told, good = f"answered: {page.json[:80]!r}", False
        if not good or time.process_time() - began > 2:
            wrong.append((sql[:200], told))
    assert not wrong


def test_harmless(shop, system):
    import orjson

    from entities.query import query

    for sql, count in HARMLESS:
        page = query(sql, system, snapshot=shop)
        assert page.count == count, sql[:200]
        assert len(orjson.loads(page.json)) == count, sql[:200]
        assert query("SELECT Id FROM THING", system, snapshot=shop).count == 5


def test_what_never_ends_is_stopped(shop, system, settings):
    from entities.errors import RequestError
    from entities.query import query

    settings.QUERY_TIMEOUT_SECONDS = 0.15
    ends = []
    for sql in BOMBS:
        began = time.monotonic()
        try:
            query(sql, system, snapshot=shop)
        except RequestError as error:
            if error.code == "QUERY_TIMEOUT" and time.monotonic() - began < 5:
                continue
        ends.append(sql[:200])
    assert not ends
    assert query("SELECT Id FROM THING", system, snapshot=shop).count == 5


def test_odd_aliases_come_back_as_written(ask):
    odd = "long name of more than sixty-three bytes, with 'quotes' and %s in it, \\ too"
    (row,) = ask(f'SELECT Id "{odd}", Name "$1 %s {{t}}", Extra "a""b" FROM THING WHERE Id = 1')
    assert row == {odd: "1", "$1 %s {t}": "Anvil", 'a"b': {"a": [1]}}
