"""Every data type turned into every other one: what is converted, what is refused, and why."""

from typing import Any

import orjson
import pytest

from entities import fieldtypes, query, records
from entities.changing import preview
from entities.models import EntityField
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db

WORDS = {
    "TEXT": "Text, 255",
    "LONG_TEXT": "Long text",
    "INTEGER": "Whole number",
    "DECIMAL": "Decimal number, 28 digits, 10 after the point",
    "MONEY": "Money, 28 digits, 10 after the point",
    "PERCENT": "Percent, 16 digits, 6 after the point",
    "DATE": "Date",
    "DATETIME": "Date and time",
    "FLAG": "Check box",
    "LIST": "List, 100",
    "MULTI_LIST": "List, several values",
    "LOOKUP": "Lookup to PRODUCT",
    "JSON": "JSON document",
    "EMAIL": "E-mail, 254",
    "URL": "Web address, 2000",
    "FILE": "File",
    "FORMULA": "Formula",
}
TYPES = tuple(WORDS)

#: From -> to -> (a value, how it reads afterwards, one that is in the way; None where all fit).
CONVERTED: dict[str, dict[str, tuple[Any, Any, Any]]] = {
    "TEXT": {
        "LONG_TEXT": ("a b", "a b", None),
        "INTEGER": (" 42 ", "42", "4.5"),
        "DECIMAL": ("1.50", "1.5", "1,5"),
        "MONEY": ("149.9", "149.9", "149.9 USD"),
        "PERCENT": ("12.5", "12.5", "12.1234567"),
        "DATE": ("2026-02-28", "2026-02-28", "2026-02-30"),
        "DATETIME": ("2026-02-28T14:30:00Z", "2026-02-28T14:30:00+00:00", "28.2.2026"),
        "FLAG": ("true", "1", "yes"),
        "LIST": ("NEW", "NEW", "x" * 101),
        "JSON": ('{"a": [1]}', {"a": [1]}, "{a}"),
        "EMAIL": ("a@example.com", "a@example.com", "a at example.com"),
        "URL": ("https://example.com/a", "https://example.com/a", "example.com"),
    },
    "LONG_TEXT": {
        "TEXT": ("a", "a", "x" * 256),
        "JSON": ("[1]", [1], "[1"),
        "EMAIL": ("a@example.com", "a@example.com", "a"),
        "URL": ("https://example.com", "https://example.com", "a"),
    },
    "INTEGER": {
        "TEXT": ("42", "42", None),
        "LONG_TEXT": ("42", "42", None),
        "DECIMAL": ("42", "42", "1" + "0" * 18),
        "MONEY": ("42", "42", "1" + "0" * 18),
        "PERCENT": ("42", "42", "1" + "0" * 10),
        "FLAG": ("1", "1", "2"),
        "LIST": ("42", "42", None),
        "LOOKUP": ("{target}", "{target}", "999999999"),
    },
    **{
        kind: {
            "TEXT": ("1.5", "1.5", None),
            "LONG_TEXT": ("1.5", "1.5", None),
            "INTEGER": ("42", "42", "1.5"),
            **{
                other: ("1.5", "1.5", None)
                for other in ("DECIMAL", "MONEY", "PERCENT")
                if other != kind
            },
        }
        for kind in ("DECIMAL", "MONEY", "PERCENT")
    },
    "DATE": {
        "TEXT": ("2026-02-28", "2026-02-28", None),
        "LONG_TEXT": ("2026-02-28", "2026-02-28", None),
        "DATETIME": ("2026-02-28", "2026-02-28T00:00:00+00:00", None),
    },
    "DATETIME": {
        "TEXT": ("2026-02-28T14:30:00+01:00", "2026-02-28T13:30:00Z", None),
        "LONG_TEXT": ("2026-02-28T14:30:00.5Z", "2026-02-28T14:30:00.5Z", None),
        "DATE": ("2026-02-28T00:00:00Z", "2026-02-28", "2026-02-28T14:30:00Z"),
    },
    "FLAG": {
        "TEXT": ("1", "1", None),
        "LONG_TEXT": ("0", "0", None),
        "INTEGER": ("1", "1", None),
        "LIST": ("1", "1", None),
    },
    "LIST": {
        "TEXT": ("NEW", "NEW", None),
        "LONG_TEXT": ("NEW", "NEW", None),
        "INTEGER": ("42", "42", "NEW"),
        "DECIMAL": ("1.5", "1.5", "NEW"),
        "MONEY": ("1.5", "1.5", "NEW"),
        "PERCENT": ("1.5", "1.5", "NEW"),
        "FLAG": ("1", "1", "NEW"),
        "MULTI_LIST": ("NEW", "NEW", "A;B"),
    },
    "MULTI_LIST": {},
    "LOOKUP": {
        "TEXT": ("{target}", "{target}", None),
        "LONG_TEXT": ("{target}", "{target}", None),
        "INTEGER": ("{target}", "{target}", None),
    },
    "JSON": {"LONG_TEXT": ({"a": 1}, '{"a": 1}', None)},
    "EMAIL": {
        "TEXT": ("a@example.com", "a@example.com", None),
        "LONG_TEXT": ("a@example.com", "a@example.com", None),
    },
    "URL": {
        "TEXT": ("https://a.example", "https://a.example", None),
        "LONG_TEXT": ("https://a.example", "https://a.example", None),
    },
    "FILE": {},
    "FORMULA": {},
}


def needed(kind: str, target: int) -> dict[str, Any]:
    """What a field of the type can't do without."""
    if kind == "LOOKUP":
        return {"ReferencedEntityId": current().entity("PRODUCT").id}
    return {"FormulaValue": "1 + 1"} if kind == "FORMULA" else {}


@pytest.fixture
def target(db: None) -> int:
    return ProductFactory()


@pytest.mark.parametrize("was", TYPES)
def test_a_type_becomes_what_its_values_can_be(system: Context, target: int, was: str) -> None:
    entity = create_one("ENTITY", system, EntityName="PROMO")
    fields = {
        kind: create_one(
            "ENTITY_FIELD",
            system,
            EntityId=entity,
            FieldName=f"To_{kind}",
            DataType=was,
            **needed(was, target),
        )
        for kind in ["FILE", *CONVERTED[was]]
    }
    possible = (
        ", ".join(kind for kind in fieldtypes.names() if kind in CONVERTED[was]) or "nothing else"
    )
    for becomes in TYPES:
        if becomes in CONVERTED[was] or becomes == was:
            continue
        change = [{"Id": fields["FILE"], "DataType": becomes, **needed(becomes, target)}]
        (refused,) = preview("update", "ENTITY_FIELD", change, system).outcomes
        assert codes([refused]) == [["FIELD_NOT_CHANGEABLE"]], becomes
        assert refused.problems[0].message == (
            f"A {was} field can't become {becomes}; it can become {possible}."
        )
    for becomes, (value, reads, in_the_way) in CONVERTED[was].items():
        name = f"To_{becomes}"
        change = [{"Id": fields[becomes], "DataType": becomes, **needed(becomes, target)}]
        if in_the_way is not None:
            bad = create_one("PROMO", system, **{name: in_the_way})
            (refused,) = records.update("ENTITY_FIELD", change, system)
            assert not refused.ok, becomes
            message = refused.problems[0].message
            assert message.startswith("1 PROMO record has a ") and f"Id {bad}" in message, becomes
            assert records.delete("PROMO", [bad], system, permanently=True)[0].ok
        value, reads = (
            v.replace("{target}", str(target)) if isinstance(v, str) else v for v in (value, reads)
        )
        kept = create_one("PROMO", system, **{name: value})
        told = preview("update", "ENTITY_FIELD", change, system)
        label = WORDS[becomes].partition(",")[0]
        assert told.steps[0].words.startswith(
            f"Turn the field {name} of PROMO from {WORDS[was]} into {label}"
        )
        (done,) = records.update("ENTITY_FIELD", change, system)
        assert done.ok, (becomes, done.problems)
        page = query.query(f"SELECT {name} FROM PROMO WHERE Id = {kept}", system)
        (row,) = orjson.loads(page.json)
        assert row[name] == reads, becomes
        (field,) = [f for f in current().entity("PROMO").fields if f.name == name]
        assert field.type.name == becomes
        create_one("PROMO", system, **{name: reads})


def add(system: Context, kind: str, **more: Any) -> int:
    entity = current().find("PROMO")
    entity_id = entity.id if entity else create_one("ENTITY", system, EntityName="PROMO")
    return create_one(
        "ENTITY_FIELD", system, EntityId=entity_id, FieldName="Code", DataType=kind, **more
    )


@pytest.mark.parametrize(
    ("was", "options", "becomes", "reset", "length"),
    [
        ("TEXT", {"DataLength": "30"}, "INTEGER", "DataLength", None),
        ("TEXT", {"DataLength": "10"}, "INTEGER", "DataLength", None),
        ("TEXT", {"DataLength": "30"}, "LONG_TEXT", "DataLength", None),
        ("INTEGER", {"DataLength": "10"}, "TEXT", "", "255"),
        ("TEXT", {"DataLength": "30"}, "DECIMAL", "", "28,10"),
        ("DECIMAL", {"DataLength": "9,2"}, "MONEY", "", "9,2"),
        ("DECIMAL", {"DataLength": "9,2"}, "INTEGER", "DataLength", None),
        ("TEXT", {"DataLength": "30"}, "EMAIL", "", "30"),
        ("TEXT", {"DataLength": "300"}, "LIST", "", "100"),
        ("MONEY", {"CurrencySource": "Id"}, "TEXT", "CurrencySource", "255"),
        (
            "TEXT",
            {"ExternalKeyFlag": "1", "DataLength": "30"},
            "LONG_TEXT",
            "DataLength, UniqueField, ExternalKeyFlag",
            None,
        ),
        ("TEXT", {"RequiredFlag": "1"}, "FLAG", "DataLength, RequiredFlag", None),
    ],
)
def test_what_only_the_old_type_had_is_let_go_and_told(
    system: Context,
    was: str,
    options: dict[str, Any],
    becomes: str,
    reset: str,
    length: str | None,
) -> None:
    field = add(system, was, **options)
    change = [{"Id": field, "DataType": becomes}]
    told = [s.words for s in preview("update", "ENTITY_FIELD", change, system).steps]
    let_go = [w for w in told if w.startswith("Let go")]
    label = current().entity("PROMO").field("Code").type.label
    assert label
    assert [w.partition(": ")[2] for w in let_go] == ([f"{reset} of Code."] if reset else [])
    (done,) = records.update("ENTITY_FIELD", change, system)
    assert done.ok, done.problems
    assert EntityField.objects.get(pk=field).data_length == length
    if becomes == "LONG_TEXT":
        twins = records.create("PROMO", [{"Code": "same"}, {"Code": "same"}], system)
        assert codes(twins) == [[], []]


def test_what_is_sent_with_the_new_type_is_judged_as_sent(system: Context) -> None:
    field = add(system, "TEXT", DataLength="30")
    sent = {"Id": field, "DataType": "INTEGER", "DataLength": "30"}
    (refused,) = records.update("ENTITY_FIELD", [sent], system)
    assert [(p.code, p.field) for p in refused.problems] == [("INVALID_VALUE", "DataLength")]
    sent = {"Id": field, "DataType": "LONG_TEXT", "UniqueField": "1"}
    (refused,) = records.update("ENTITY_FIELD", [sent], system)
    assert refused.problems[0].message == (
        "UniqueField means nothing for a LONG_TEXT field; leave it out."
    )


def test_a_default_that_the_new_type_can_not_hold_is_refused(system: Context) -> None:
    field = add(system, "TEXT", DefaultValue="none")
    (refused,) = records.update("ENTITY_FIELD", [{"Id": field, "DataType": "INTEGER"}], system)
    assert [(p.code, p.field) for p in refused.problems] == [("INVALID_VALUE", "DefaultValue")]
    sent = {"Id": field, "DataType": "INTEGER", "DefaultValue": "7"}
    assert records.update("ENTITY_FIELD", [sent], system)[0].ok


def test_records_without_a_value_become_flags_that_are_off(system: Context) -> None:
    field = add(system, "TEXT")
    made = records.create("PROMO", [{"Code": "true"}, {}], system)
    assert records.update("ENTITY_FIELD", [{"Id": field, "DataType": "FLAG"}], system)[0].ok
    found = orjson.loads(records.retrieve("PROMO", [o.id or 0 for o in made], system))
    assert [row["Code"] for row in found] == ["1", "0"]
