"""Every entity of invoicing, receivables and tax takes, keeps and gives back all of its fields.

`money_fields.txt` says what they are; the schema must say the same, and records are made from it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from entities import records
from entities.errors import RequestError
from entities.query import query, retrieve_ids
from entities.schema.current import current
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    about: str
    marks: tuple[str, ...]

    @property
    def length(self) -> int:
        return int(self.about)

    @property
    def values(self) -> list[str]:
        return self.about.split(" | ")

    @property
    def target(self) -> str:
        return self.about.split()[0].split(".")[0]

    @property
    def by_key(self) -> bool:
        return "." in self.about

    @property
    def writable(self) -> bool:
        return "read-only" not in self.marks


def described(text: str) -> dict[str, list[Field]]:
    """
    ENTITY
      FieldName: KIND what about it, mark, mark
    """
    found: dict[str, list[Field]] = {}
    for line in filter(None, text.splitlines()):
        if line[0] != " ":
            fields = found.setdefault(line, [])
            continue
        name, rest = line.strip().split(": ", 1)
        what, *marks = rest.split(", ")
        kind, _, about = what.partition(" ")
        fields.append(Field(name, kind, about, tuple(marks)))
    return found


FIELDS = described((Path(__file__).parent / "money_fields.txt").read_text())
VIEWS = ("LEDGER", "PAYMENTS_REFUNDS")
SINGLE = "INVOICE_CYCLE_CONFIG"
WRITTEN = [entity for entity in FIELDS if entity not in (*VIEWS, SINGLE)]

#: What fields take that do not take just any text or number, and what they give back.
GIVEN: dict[str, tuple[Any, str]] = {
    "CreditCardNumber": ("XXXX-XXXX-XXXX-1111", "1111"),
    "AchBankAcctNum": ("DE89 3704 0044 0532 0130 00", "****3000"),
}
SAMPLES: dict[str, tuple[Any, str]] = {
    "LONG_TEXT": ("Grüße\nand more " * 50, "Grüße\nand more " * 50),
    "INTEGER": ("42", "42"),
    "DECIMAL": ("0.0825", "0.0825"),
    "MONEY": ("1234567890.0123456789", "1234567890.0123456789"),
    "PERCENT": ("12.50", "12.5"),
    "DATE": ("2026-02-28T00:00:00Z", "2026-02-28"),
    "FLAG": (True, "1"),
}
INSTANT = "2026-02-28T23:30:00+02:00"

REFUSED: dict[str, tuple[Any, str]] = {
    "INTEGER": ("many", "INVALID_VALUE"),
    "DECIMAL": ("ten", "INVALID_VALUE"),
    "MONEY": ("ten", "INVALID_VALUE"),
    "PERCENT": ("ten", "INVALID_VALUE"),
    "DATE": ("2026-02-30", "INVALID_VALUE"),
    "DATETIME": ("yesterday", "INVALID_VALUE"),
    "FLAG": ("perhaps", "INVALID_VALUE"),
    "LIST": ("Something else", "VALUE_NOT_IN_LIST"),
    "LOOKUP": ("999999999", "LOOKUP_NOT_FOUND"),
}


def as_described(entity: str) -> list[str]:
    """The schema of an entity in the words of `money_fields.txt`."""
    lines = []
    for field in current().entity(entity).fields:
        if field.name in ("Id", "Created", "CreatedUserId", "Updated", "UpdatedUserId"):
            continue
        what = field.type.name
        if what == "TEXT":
            what += f" {field.length}"
        if what == "LIST":
            what += " " + " | ".join(field.list_values.values())
        if field.lookup:
            what = f"LOOKUP {field.lookup.entity}"
            what += f".{field.lookup.column_label}" if field.lookup.by_key else ""
            what += f" {field.lookup.on_delete}" if field.lookup.on_delete else ""
        default = None if field.default is None or field.default is False else field.default
        marks = [
            "required" if field.required else "",
            "unique" if field.unique or field.external_key else "",
            "read-only" if field.read_only else "",
            "immutable" if field.immutable else "",
            "" if default is None else f"default {default:d}" if default is True else "",
            "" if default is None or default is True else f"default {default}",
        ]
        lines.append(f"  {field.name}: {', '.join([what, *filter(None, marks)])}")
    return lines


#: Records that others hang on, beyond what `LEAST` gives them: field -> entity.
NEEDS: dict[str, dict[str, str]] = {
    "ACTIVITY": {"AccountId": "ACCOUNT"},
    "ACCOUNT_PRODUCT": {"AccountId": "ACCOUNT", "ProductId": "PRODUCT"},
    "BILLING_PROFILE": {"AccountId": "ACCOUNT"},
}
#: Records that are there: of each of these entities one that may be pointed to.
THERE = {
    "CREDIT_TYPE": "GOODWILL",
    "ENTITY_FIELD": "SELECT Id FROM ENTITY_FIELD WHERE ExternalKey = 'ACCOUNT.Name'",
    "INVOICE_TEMPLATE": "1",
    "PAYMENT_TYPE": "WIRE TRANSFER",
    "REFUND_TYPE": "CASH",
}


class Bench:
    """Makes records of any entity, and those that they hang on."""

    def __init__(self, make: Maker, system: Context) -> None:
        self.make = make
        self.system = system
        self.known: dict[str, str] = {}
        self.count = 0

    def target(self, entity: str) -> str:
        """What names a record of `entity` in a lookup, always the same."""
        if entity not in self.known:
            self.known[entity] = self._target(entity)
        return self.known[entity]

    def _target(self, entity: str) -> str:
        there = THERE.get(entity)
        if there is not None and there.startswith("SELECT"):
            (row,) = json.loads(query(there, self.system).json)
            return str(row["Id"])
        if there is not None:
            return there
        if entity == "USER":
            role = self.make("ROLE", Name="Cashiers")
            return self.make("USER", Username="cora", RoleId=role)
        if entity in FIELDS:
            return self.make(entity, **self.least(entity))
        return self.make(entity, **{f: self.target(e) for f, e in NEEDS.get(entity, {}).items()})

    def least(self, entity: str) -> dict[str, Any]:
        """No more than a record needs."""
        return {f.name: self.sample(f)[0] for f in FIELDS[entity] if "required" in f.marks}

    def sample(self, field: Field) -> tuple[Any, str]:
        """What to send for a field, and what is read then."""
        if field.name in GIVEN:
            return GIVEN[field.name]
        if field.kind == "TEXT":
            self.count += 1
            value = f"{self.count} {'x' * field.length}"[: field.length]
            return value, value
        if field.kind == "LIST":
            return field.values[-1].lower(), field.values[-1]
        if field.kind == "LOOKUP":
            return self.target(field.target), self.target(field.target)
        if field.kind == "DATETIME":
            return INSTANT, INSTANT
        return SAMPLES[field.kind]

    def read(self, entity: str, made: str) -> dict[str, Any]:
        (row,) = json.loads(retrieve_ids(entity, [int(made)], self.system).json)
        return dict(row)


@pytest.fixture
def bench(make: Maker, system: Context) -> Bench:
    return Bench(make, system)


@pytest.mark.parametrize("entity", FIELDS)
def test_the_schema_is_as_described(entity: str) -> None:
    assert as_described(entity) == [
        f"  {f.name}: {', '.join([f'{f.kind} {f.about}'.strip(), *f.marks])}"
        for f in FIELDS[entity]
    ]


@pytest.mark.parametrize("entity", WRITTEN)
def test_a_record_needs_no_more_than_what_is_required(bench: Bench, entity: str) -> None:
    made = bench.make(entity, **bench.least(entity))
    row = bench.read(entity, made)
    names = [f.name for f in FIELDS[entity]]
    assert list(row) == ["Id", *names, "Created", "CreatedUserId", "Updated", "UpdatedUserId"]
    for field in FIELDS[entity]:
        (default,) = [m[8:] for m in field.marks if m.startswith("default ")] or [None]
        if field.kind == "FLAG":
            assert row[field.name] == (default or "0")
        elif "required" not in field.marks and field.name != "AccountId":
            assert row[field.name] == default


@pytest.mark.parametrize("entity", WRITTEN)
def test_a_record_keeps_every_field(bench: Bench, entity: str) -> None:
    fields = [f for f in FIELDS[entity] if f.writable]
    samples = {f.name: bench.sample(f) for f in fields}
    sent = {name.upper(): value for name, (value, _) in samples.items()}
    made = bench.make(entity, **sent)
    row = bench.read(entity, made)
    for field in fields:
        value = row[field.name]
        if field.kind == "DATETIME":
            assert datetime.fromisoformat(value) == datetime.fromisoformat(INSTANT), field
        else:
            assert value == samples[field.name][1], field
    again = {n: v for n, v in sent.items() if "immutable" not in marks_of(entity, n)}
    assert refusals(records.update(entity, [{"Id": made, **again}], bench.system)) == [""]


def marks_of(entity: str, name: str) -> tuple[str, ...]:
    return next(f.marks for f in FIELDS[entity] if f.name.upper() == name.upper())


@pytest.mark.parametrize("entity", [e for e in WRITTEN if any(f.kind == "LIST" for f in FIELDS[e])])
def test_a_list_takes_its_values_in_any_case(bench: Bench, entity: str) -> None:
    for field in [f for f in FIELDS[entity] if f.kind == "LIST"]:
        for value in field.values:
            made = bench.make(entity, **bench.least(entity) | {field.name: value.swapcase()})
            assert bench.read(entity, made)[field.name] == value


@pytest.mark.parametrize("entity", WRITTEN)
def test_a_bad_value_is_told_by_field(bench: Bench, entity: str) -> None:
    rows, told = [], []
    for field in FIELDS[entity]:
        if not field.writable or field.kind == "LONG_TEXT":
            continue
        value, code = REFUSED.get(field.kind, ("x" * 5000, "VALUE_TOO_LONG"))
        rows.append(bench.least(entity) | {field.name: value})
        told.append((code, field.name, message_of(field, value)))
    outcomes = records.create(entity, rows, bench.system)
    said = [
        (str(p.code), p.field, p.message) for o in outcomes for p in o.problems[:1] or [Nothing]
    ]
    assert said == told


class Nothing:
    code = field = message = ""


def message_of(field: Field, value: Any) -> str:
    number = f"is {value!r}; send a number such as 12.50"
    said = {
        "TEXT": f"has 5000 characters; at most {field.about} fit",
        "LIST": f"is {value!r}; use one of {', '.join(field.values)}",
        "FLAG": f'is {value!r}; send "1" or "0"',
        "INTEGER": f"is {value!r}; send a whole number such as 42",
        "DECIMAL": number,
        "MONEY": number,
        "PERCENT": number,
        "DATE": "is '2026-02-30', which is no date (day is out of range for month); "
        "send a date such as 2026-02-28",
        "DATETIME": f"is {value!r}, which is no date; send an instant such as 2026-02-28T14:30:00Z",
    }
    if field.kind == "LOOKUP":
        key = "Description" if field.by_key else "Id"
        sent = repr(value) if field.by_key else value
        return f"{field.name}: there is no {field.target} with {key} {sent}."
    return f"{field.name} {said[field.kind]}."


@pytest.mark.parametrize(
    "entity", [e for e in WRITTEN if any("required" in f.marks for f in FIELDS[e])]
)
def test_what_is_required_is_told_when_it_is_missing(bench: Bench, entity: str) -> None:
    required = [f.name for f in FIELDS[entity] if "required" in f.marks]
    (outcome,) = records.create(entity, [{}], bench.system)
    assert [(str(p.code), p.field, p.message) for p in outcome.problems] == [
        ("REQUIRED_FIELD_MISSING", name, f"{name} is required.") for name in required
    ]


@pytest.mark.parametrize("entity", WRITTEN)
def test_a_record_goes_to_the_recycle_bin_and_comes_back(bench: Bench, entity: str) -> None:
    made = bench.make(entity, **bench.least(entity))
    before = bench.read(entity, made)
    assert refusals(records.delete(entity, [made], bench.system)) == [""]
    assert json.loads(retrieve_ids(entity, [int(made)], bench.system).json) == []
    assert refusals(records.undelete(entity, [made], bench.system)) == [""]
    after = bench.read(entity, made)
    kept = set(before) - {"Updated", "UpdatedUserId"}
    assert {n: after[n] for n in kept} == {n: before[n] for n in kept}


LOOKUPS = [
    (entity, field)
    for entity in WRITTEN
    for field in FIELDS[entity]
    if field.kind == "LOOKUP" and field.writable and field.target not in (*THERE, "USER")
]


@pytest.mark.parametrize(
    ("entity", "field"), LOOKUPS, ids=[f"{entity}.{field.name}" for entity, field in LOOKUPS]
)
def test_deleting_what_a_record_points_to(bench: Bench, entity: str, field: Field) -> None:
    target = bench.make(
        field.target,
        **(
            bench.least(field.target)
            if field.target in FIELDS
            else {f: bench.target(e) for f, e in NEEDS.get(field.target, {}).items()}
        ),
    )
    made = bench.make(entity, **bench.least(entity) | {field.name: target})
    (outcome,) = records.delete(field.target, [target], bench.system)
    rule = field.about.split()[1]
    if rule == "RESTRICT":
        assert [str(p.code) for p in outcome.problems] == ["RECORD_IN_USE"]
        assert f"1 {entity} record ({field.name}; Id {made})" in outcome.problems[0].message
        return
    assert outcome.ok, outcome.problems
    left = json.loads(retrieve_ids(entity, [int(made)], bench.system).json)
    if rule == "CASCADE":
        assert left == []
    else:
        assert left[0][field.name] is None


@pytest.mark.parametrize("entity", VIEWS)
def test_nobody_writes_an_overview(system: Context, entity: str) -> None:
    told = f"{entity} is kept by the platform and can't be written; read it"
    for verb in (records.create, records.update):
        with pytest.raises(RequestError, match=told):
            verb(entity, [{"Id": "1"}], system)
    for verb in (records.delete, records.undelete):
        with pytest.raises(RequestError, match=told):
            verb(entity, ["1"], system)
