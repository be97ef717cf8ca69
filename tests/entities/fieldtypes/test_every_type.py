"""Every data type through every verb: one table, one custom entity per type."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
import pytest

from entities import query, records
from entities.errors import RequestError
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db

NUMBER = "send a number such as 12.50."
WHOLE = "send a whole number such as 42."
DAY = "send a date such as 2026-02-28."
INSTANT = "send an instant such as 2026-02-28T14:30:00Z."
MAIL = "send an e-mail address like name@example.com."
ADDRESS = "send an address that begins with https:// or http://."
SEVERAL = 'V is no list; send ["A", "B"] or "A;B".'
UPLOAD = "V is a file; upload it to /files/ENTITY/FIELD and send the Key of the answer."
INT8 = "it must lie between -9223372036854775808 and 9223372036854775807."


@dataclass(frozen=True)
class Kind:
    """What is promised of a data type.

    low, high   two values as answers read them; `high` sorts behind `low` where there is an order
    ways        further spellings of `low`
    bad         value -> the whole message, about a field called V
    finds       conditions on V that are true for `low` and false for `high`
    refuses     conditions that are no question to this type -> part of the message
    """

    low: Any
    high: Any
    bad: list[tuple[Any, str]]
    ways: list[Any] = field(default_factory=list)
    finds: list[str] = field(default_factory=list)
    refuses: list[tuple[str, str]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    sorts: bool = True
    keys: bool = True
    rules: bool = True


def ordered(low: str, high: str) -> list[str]:
    return [
        f"V = {low}",
        f"V <> {high}",
        f"V < {high}",
        f"V <= {low}",
        f"NOT V >= {high}",
        f"NOT V > {low}",
        f"V IN ({low})",
        f"V BETWEEN {low} AND {low}",
        f"V NOT IN ({high})",
    ]


def numbers(kind: str, most: str, over: str, places: int, fine: str) -> Kind:
    return Kind(
        "-1.5",
        "12",
        [
            ("1,5", f"V is '1,5'; {NUMBER}"),
            ("abc", f"V is 'abc'; {NUMBER}"),
            (True, f"V is true; {NUMBER}"),
            ("NaN", f"V is 'NaN'; {NUMBER}"),
            ("1_000", f"V is '1_000'; {NUMBER}"),
            ({"a": 1}, f"V is an object; {NUMBER}"),
            ([1], f"V is a list; {NUMBER}"),
            (over, f"V is {over}; at most {most} digits fit before the point."),
            (fine, f"V is {fine}; at most {places} digits fit after the point."),
        ],
        ways=[Decimal("-1.5"), "-1.50", " -1.5 ", "-15e-1"],
        finds=[*ordered("-1.5", "12"), "V = '-1.5'"],
        refuses=[("V = 'x'", "'x' is not a number; V holds numbers.")],
    )


KINDS: dict[str, Kind] = {
    "TEXT": Kind(
        "Ab 'c' %",
        "b\\ü",
        [
            ("x" * 31, "V has 31 characters; at most 30 fit."),
            (True, "V is true or false; send a text."),
            (["a"], "V is a list; send a text."),
            ({"a": 1}, "V is an object; send a text."),
            ("a\0b", "V contains a NUL character; remove it."),
            ("ü" * 40, "V has 40 characters; at most 30 fit."),
        ],
        finds=[*ordered("'Ab ''c'' %'", "'b\\ü'"), "V LIKE 'Ab%'", "UPPER(V) LIKE 'AB%'"],
        more={"DataLength": "30"},
    ),
    "LONG_TEXT": Kind(
        "a\nb",
        "c" * 3000,
        [
            (True, "V is true or false; send a text."),
            (False, "V is true or false; send a text."),
            (["a"], "V is a list; send a text."),
            ([], "V is a list; send a text."),
            ({"a": 1}, "V is an object; send a text."),
            ("\0", "V contains a NUL character; remove it."),
        ],
        finds=["V LIKE 'a%'", "LENGTH(V) = 3"],
        keys=False,
    ),
    "INTEGER": Kind(
        "-7",
        "42",
        [
            ("1.5", f"V is 1.5; {WHOLE}"),
            ("abc", f"V is 'abc'; {WHOLE}"),
            (True, f"V is true; {WHOLE}"),
            ("0x10", f"V is '0x10'; {WHOLE}"),
            ("١", f"V is '١'; {WHOLE}"),
            (["1"], f"V is a list; {WHOLE}"),
            (2**63, f"V is 9223372036854775808; {INT8}"),
            ("1e30", f"V is 1e30; {INT8}"),
        ],
        ways=[-7, "-7.0", " -7 ", Decimal("-7.0")],
        finds=[*ordered("-7", "42"), "V = '-7'"],
        refuses=[("V = 'x'", "'x' is not a number; V holds whole numbers.")],
    ),
    "DECIMAL": numbers("DECIMAL", "18", "1" + "0" * 18, 10, "0.12345678901"),
    "MONEY": numbers("MONEY", "18", "1" + "0" * 18, 10, "0.12345678901"),
    "PERCENT": numbers("PERCENT", "10", "1" + "0" * 10, 6, "0.1234567"),
    "DATE": Kind(
        "2024-02-29",
        "2026-02-28",
        [
            ("28.2.2026", f"V is '28.2.2026', which is no date; {DAY}"),
            (
                "2026-02-30",
                f"V is '2026-02-30', which is no date (day is out of range for month); {DAY}",
            ),
            ("2026-13-01", f"V is '2026-13-01', which is no date; {DAY}"),
            (20260228, f"V is 20260228; {DAY}"),
            (True, f"V is true; {DAY}"),
            (["2026-02-28"], f"V is a list; {DAY}"),
            ("10000-01-01", f"V is '10000-01-01', which is no date; {DAY}"),
            ("0000-01-01", f"V is '0000-01-01', which is no date (year 0 is out of range); {DAY}"),
        ],
        ways=["2024-02-29T23:59:59Z", " 2024-02-29 ", "2024-02-29T00:00:00-11:00"],
        finds=ordered("'2024-02-29'", "'2026-02-28'"),
        refuses=[("V = 'x'", "'x' is not a date; V holds dates such as 2026-02-28.")],
    ),
    "DATETIME": Kind(
        "2024-02-29T12:00:00+00:00",
        "2026-02-28T14:30:00.123456+00:00",
        [
            ("28.2.2026", f"V is '28.2.2026', which is no date; {INSTANT}"),
            (1700000000, f"V is 1700000000; {INSTANT}"),
            (True, f"V is true; {INSTANT}"),
            ("now", f"V is 'now', which is no date; {INSTANT}"),
            ({}, f"V is an object; {INSTANT}"),
            ("2026-02-28T25:00:00Z", f"V is '2026-02-28T25:00:00Z', which is no date; {INSTANT}"),
            (
                "2026-02-30T00:00:00Z",
                "V is '2026-02-30T00:00:00Z', which is no date (day is out of range for month); "
                + INSTANT,
            ),
        ],
        ways=["2024-02-29T12:00:00Z", "2024-02-29T13:00:00+01:00", "2024-02-29 12:00:00"],
        finds=ordered("'2024-02-29T12:00:00Z'", "'2026-02-28T14:30:00.123456Z'"),
        refuses=[("V = 'x'", "'x' is not a date and time; V holds instants")],
    ),
    "FLAG": Kind(
        "0",
        "1",
        [
            ("yes", 'V is \'yes\'; send "1" or "0".'),
            ("2", 'V is \'2\'; send "1" or "0".'),
            (2, 'V is 2; send "1" or "0".'),
            (["1"], 'V is a list; send "1" or "0".'),
            ({"a": 1}, 'V is an object; send "1" or "0".'),
            ("on", 'V is \'on\'; send "1" or "0".'),
        ],
        ways=[False, 0, "false", "FALSE", " 0 "],
        finds=["V = 0", "V <> 1", "V IN ('0')", "V = '0'"],
        refuses=[("V = 'x'", "'x' is not a flag; V holds 1 or 0.")],
        keys=False,
        rules=False,
    ),
    "LIST": Kind(
        "NEW",
        "OLD",
        [
            ("NEWER", "V is 'NEWER'; use one of NEW, OLD."),
            (" NEW", "V is ' NEW'; use one of NEW, OLD."),
            ("NEW;OLD", "V is 'NEW;OLD'; use one of NEW, OLD."),
            (True, "V is no text; send one of the list's values."),
            (["NEW"], "V is no text; send one of the list's values."),
            ({"a": 1}, "V is no text; send one of the list's values."),
            ("a\0", "V contains a NUL character; remove it."),
        ],
        ways=["new", "New"],
        finds=[*ordered("'NEW'", "'OLD'"), "V LIKE 'N%'"],
    ),
    "MULTI_LIST": Kind(
        "NEW",
        "OLD;NEW",
        [
            ("NEWER", "V is 'NEWER'; use one of NEW, OLD."),
            ("NEW;ODD", "V is 'ODD'; use one of NEW, OLD."),
            (True, SEVERAL),
            (17, SEVERAL),
            ({"a": 1}, SEVERAL),
            (["NEW", 1], SEVERAL),
            (["NEW", None], SEVERAL),
            ("a\0", "V contains a NUL character; remove it."),
        ],
        ways=[["NEW"], ["new", "NEW"], " new ;; NEW"],
        finds=["V = 'NEW'", "V <> 'OLD;NEW'"],
        sorts=False,
        keys=False,
    ),
    "LOOKUP": Kind(
        "{one}",
        "{two}",
        [
            ("999999999", "V: there is no PRODUCT with Id 999999999."),
            (-1, "V: there is no PRODUCT with Id -1."),
            ("abc", f"V is 'abc'; {WHOLE}"),
            (True, f"V is true; {WHOLE}"),
            ("1.5", f"V is 1.5; {WHOLE}"),
            (["1"], f"V is a list; {WHOLE}"),
            ({"Id": "1"}, f"V is an object; {WHOLE}"),
            (2**63, f"V is 9223372036854775808; {INT8}"),
        ],
        finds=["V = {one}", "V <> {two}", "V IN ('{one}')", "VObj.Name = 'one'"],
        refuses=[("V = 'x'", "'x' is not a number; V holds ids.")],
        keys=False,
    ),
    "JSON": Kind(
        {"a": [1, None, "ü"]},
        [1.5],
        [
            ("{", "V is no JSON: Input data was truncated."),
            ("nul", "V is no JSON: Input data was truncated."),
            ("[1,]", "V is no JSON: JSON is malformed: trailing comma in array (byte 3)."),
            ("NaN", "V is no JSON: JSON is malformed: invalid character (byte 0)."),
            (
                "{'a':1}",
                "V is no JSON: JSON is malformed: object keys must be strings (byte 1).",
            ),
            ('"\\u0000"', "V contains a NUL character; remove it."),
        ],
        ways=['{"a": [1, null, "ü"]}'],
        refuses=[("V = 'x'", "A JSON document can't be compared; test it with IS NULL.")],
        sorts=False,
        keys=False,
    ),
    "EMAIL": Kind(
        "a@example.com",
        "b@example.com; c@example.com",
        [
            ("a", f"V has 'a'; {MAIL}"),
            ("a@", f"V has 'a@'; {MAIL}"),
            ("a@b", f"V has 'a@b'; {MAIL}"),
            ("a b@c.de", f"V has 'a b@c.de'; {MAIL}"),
            ("a@b.de,x", f"V has 'x'; {MAIL}"),
            (True, "V is true or false; send a text."),
            ("x" * 250 + "@b.de", "V has 255 characters; at most 254 fit."),
        ],
        finds=ordered("'a@example.com'", "'b@example.com; c@example.com'"),
    ),
    "URL": Kind(
        "https://a.example/?q=1",
        "http://b.example",
        [
            ("example.com", f"V is 'example.com'; {ADDRESS}"),
            ("ftp://a.de", f"V is 'ftp://a.de'; {ADDRESS}"),
            ("javascript:alert(1)", f"V is 'javascript:alert(1)'; {ADDRESS}"),
            ("https://", f"V is 'https://'; {ADDRESS}"),
            ("https://a b.de", f"V is 'https://a b.de'; {ADDRESS}"),
            (True, "V is true or false; send a text."),
            ("https://a.de/" + "x" * 600, "V has 613 characters; at most 500 fit."),
        ],
        finds=["V = 'https://a.example/?q=1'", "V LIKE 'https%'"],
        more={"DataLength": "500"},
        sorts=False,
    ),
    "FILE": Kind(
        None,
        None,
        [(v, UPLOAD) for v in ("a.txt", True, 1, ["a"], {"Data": ""}, "0" * 31)],
        sorts=False,
        keys=False,
        rules=False,
    ),
}


class Promo:
    """An entity with a field V of one type, and a key K."""

    def __init__(self, name: str, context: Context, **more: Any) -> None:
        self.kind, self.context = KINDS[name], context
        self.ids = {"one": ProductFactory(Name="one"), "two": ProductFactory(Name="two")}
        entity = create_one("ENTITY", context, EntityName="PROMO")
        key = {"FieldName": "K", "DataType": "TEXT", "ExternalKeyFlag": "1"}
        create_one("ENTITY_FIELD", context, EntityId=entity, **key)
        if name == "LOOKUP":
            more["ReferencedEntityId"] = current().entity("PRODUCT").id
        self.field = create_one(
            "ENTITY_FIELD",
            context,
            EntityId=entity,
            FieldName="V",
            DataType=name,
            **{**self.kind.more, **{k: self.filled(v) for k, v in more.items()}},
        )
        if name in ("LIST", "MULTI_LIST"):
            for value in ("NEW", "OLD"):
                row = {"EntityFieldId": self.field, "ListValue": value}
                create_one("ENTITY_FIELD_VALUES", context, **row)

    def filled(self, value: Any) -> Any:
        """`{one}` and `{two}` are the Ids of products."""
        if isinstance(value, str):
            for name, id_ in self.ids.items():
                value = value.replace(f"{{{name}}}", str(id_))
        return value

    @property
    def low(self) -> Any:
        return self.filled(self.kind.low)

    @property
    def high(self) -> Any:
        return self.filled(self.kind.high)

    def read(self, record_id: int | None) -> Any:
        return orjson.loads(records.retrieve("PROMO", [record_id or 0], self.context))[0]["V"]

    def change(self, record_id: int, **row: Any) -> Any:
        return records.update("PROMO", [{"Id": record_id, **row}], self.context)[0]


WITH_VALUES = [name for name, kind in KINDS.items() if kind.low is not None]
WITH_RULES = [name for name, kind in KINDS.items() if kind.rules and kind.low is not None]
WITH_KEYS = [name for name, kind in KINDS.items() if kind.keys]


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_value_is_refused_with_what_would_be_right(system: Context, name: str) -> None:
    promo = Promo(name, system)
    assert len(promo.kind.bad) >= 6
    outcomes = records.create("PROMO", [{"V": value} for value, _ in promo.kind.bad], system)
    for (value, message), outcome in zip(promo.kind.bad, outcomes, strict=True):
        assert [p.message for p in outcome.problems] == [message], value
        assert outcome.problems[0].field == "V"


@pytest.mark.parametrize("name", WITH_VALUES)
def test_values_are_kept_found_sorted_and_taken_away(system: Context, name: str) -> None:
    promo = Promo(name, system)
    sent = [promo.high, promo.low, *promo.kind.ways]
    outcomes = records.create("PROMO", [{"V": v} for v in sent], system)
    assert codes(outcomes) == [[]] * len(sent)
    high, low, *ways = [o.id or 0 for o in outcomes]
    assert (promo.read(high), promo.read(low)) == (promo.high, promo.low)
    for value, record in zip(promo.kind.ways, ways, strict=True):
        assert promo.read(record) == promo.low, value

    def found(condition: str, rest: str = "") -> list[int]:
        sql = f"SELECT Id FROM PROMO WHERE ({promo.filled(condition)}) AND Id IN ({high}, {low})"
        page = query.query(f"{sql} {rest}", system)
        return [int(row["Id"]) for row in orjson.loads(page.json)]

    for condition in promo.kind.finds:
        assert found(condition) == [low], condition
    for condition, message in promo.kind.refuses:
        with pytest.raises(RequestError) as raised:
            found(condition)
        assert message in raised.value.message, condition
    assert set(found("V IS NOT NULL")) == {high, low}
    if promo.kind.sorts:
        assert found("1=1", "ORDER BY V") == [low, high]
        assert found("1=1", "ORDER BY V DESC") == [high, low]
    assert promo.change(low, V=None).ok and promo.read(low) == promo.low
    assert promo.change(low, fieldsToNull=["V"]).ok
    assert promo.read(low) == ("0" if name == "FLAG" else None)
    assert found("V IS NULL") == ([] if name == "FLAG" else [low])


@pytest.mark.parametrize("name", WITH_VALUES)
def test_one_bad_of_a_thousand_leaves_the_others(system: Context, name: str) -> None:
    promo = Promo(name, system)
    rows = [{"V": promo.low if n % 2 else promo.high} for n in range(1000)]
    rows[7]["V"] = promo.kind.bad[0][0]
    outcomes = records.create("PROMO", rows, system)
    assert [n for n, o in enumerate(outcomes) if not o.ok] == [7]
    assert promo.read(outcomes[6].id) == promo.high and promo.read(outcomes[999].id) == promo.low


@pytest.mark.parametrize("name", WITH_RULES)
def test_required_default_set_once_and_immutable(system: Context, name: str) -> None:
    promo = Promo(name, system, RequiredFlag="1", SetOnceFlag="1")
    (refused,) = records.create("PROMO", [{}], system)
    assert [p.message for p in refused.problems] == ["V is required."]
    record = create_one("PROMO", system, V=promo.low)
    assert codes([promo.change(record, V=promo.high)]) == [["FIELD_NOT_CHANGEABLE"]]
    assert promo.change(record, V=promo.low).ok

    def alter(**options: Any) -> None:
        (done,) = records.update(
            "ENTITY_FIELD", [{"Id": promo.field, **options}], system, null_clears=True
        )
        assert done.ok, done.problems

    alter(RequiredFlag="0")
    empty = create_one("PROMO", system)
    assert promo.change(empty, V=promo.low).ok
    alter(SetOnceFlag="0", ImmutableFlag="1")
    assert codes([promo.change(empty, V=promo.high)]) == [["FIELD_NOT_CHANGEABLE"]]
    default = promo.high if isinstance(promo.high, str) else orjson.dumps(promo.high).decode()
    alter(ImmutableFlag="0", DefaultValue=default)
    assert promo.read(create_one("PROMO", system)) == promo.high
    assert promo.change(record, fieldsToNull=["V"]).ok and promo.read(record) == promo.high


@pytest.mark.parametrize("name", WITH_KEYS)
def test_unique_and_external_key(system: Context, name: str) -> None:
    promo = Promo(name, system, ExternalKeyFlag="1")
    first = create_one("PROMO", system, V=promo.low)
    rows = [{"V": promo.low}, {"V": promo.high}, {"V": promo.high}, {}, {}]
    outcomes = records.create("PROMO", rows, system)
    assert codes(outcomes) == [["DUPLICATE_KEY"], [], ["DUPLICATE_IN_REQUEST"], [], []]
    for way in [promo.low, *promo.kind.ways]:
        (done,) = records.upsert("PROMO", [{"V": way, "K": str(way)}], system, key="V")
        assert (done.id, done.created) == (first, False), way
    assert records.delete("PROMO", [first], system)[0].ok
    (done,) = records.upsert("PROMO", [{"V": promo.low}], system, key="V")
    assert done.created and done.id != first
    (back,) = records.undelete("PROMO", [first], system)
    assert codes([back]) == [["DUPLICATE_KEY"]]


@pytest.mark.parametrize("name", sorted(set(KINDS) - set(WITH_KEYS)))
def test_what_can_be_no_key_says_so(system: Context, name: str) -> None:
    promo = Promo(name, system)
    change = [{"Id": promo.field, "ExternalKeyFlag": "1"}]
    (refused,) = records.update("ENTITY_FIELD", change, system)
    assert not refused.ok
    assert f"ExternalKeyFlag means nothing for a {name} field; leave it out." in [
        p.message for p in refused.problems
    ]
