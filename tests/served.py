"""What every entity that is served promises, asked of each by one table.

A room's test says for each of its entities what its lists hold, what becomes of a record when what
it points to is deleted, and what is refused; its factory makes a record that lacks nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from entities import records
from entities.records import Outcome
from entities.schema.current import current
from entities.schema.description import FieldSchema
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User
from tests.factories import ProductFactory, factories

SYSTEM = Context.system("test")

#: What a field of a type is sent, and how it reads.
SAMPLES = {
    "FLAG": (True, "1"),
    "INTEGER": (7, "7"),
    "DECIMAL": ("12.50", "12.5"),
    "MONEY": ("12.50", "12.5"),
    "PERCENT": ("12.50", "12.5"),
    "DATE": ("2026-02-28", "2026-02-28"),
    "DATETIME": ("2026-02-28T14:30:00+02:00", "2026-02-28T12:30:00+00:00"),
}
#: Records that every installation has, by entity.
PLANTED = {"CURRENCY": "EUR", "LANGUAGE": "de", "TIME_ZONE": "351", "COUNTRY": "1"}


@dataclass(frozen=True)
class Served:
    """What one entity promises.

    lists        list field -> the values it starts with
    restrict     the lookups that keep their target from being deleted
    cascade      the lookups whose target takes the record along
    set_null     the lookups that are emptied
    stays        the lookups that outlive their target
    keys         the external keys it can be upserted by
    full         what is sent in place of the sample where the sample would break a rule
    refused      what is wrong -> what is said
    """

    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    restrict: str = ""
    cascade: str = ""
    set_null: str = ""
    stays: str = ""
    keys: str = "ExternalKey"
    full: Mapping[str, str] = field(default_factory=dict)
    refused: Sequence[tuple[Mapping[str, Any], str]] = ()

    def rules(self) -> dict[str, str]:
        """Lookup -> what deleting its target does."""
        return {
            name: rule
            for rule, names in (
                ("RESTRICT", self.restrict),
                ("CASCADE", self.cascade),
                ("SET_NULL", self.set_null),
                ("", self.stays),
            )
            for name in names.split()
        }


def read(entity: str, record_id: int) -> dict[str, str | None] | None:
    """The record as clients read it, None where there is none."""
    found = json.loads(records.retrieve(entity, [record_id], SYSTEM))
    return found[0] if found else None


def said(outcomes: Sequence[Outcome]) -> list[str]:
    """What was said about each record, "" for one that was written."""
    return ["; ".join(p.message for p in outcome.problems) for outcome in outcomes]


def check_that_least_is_enough(entity: str) -> None:
    """A record with nothing but what is required is created, and without any of it refused."""
    least = factories()[entity].build()
    (outcome,) = records.create(entity, [least], SYSTEM)
    assert outcome.ok, outcome.problems
    for field_ in current().entity(entity).fields:
        if field_.required and field_.column and field_.type.name != "ID":
            lacking = {k: v for k, v in least.items() if k != field_.name}
            (outcome,) = records.create(entity, [lacking], SYSTEM)
            assert [(p.code, p.field) for p in outcome.problems] == [
                ("REQUIRED_FIELD_MISSING", field_.name)
            ]


def check_that_it_holds_every_field(entity: str, names: Sequence[str], served: Served) -> None:
    """A record with all its documented fields reads as it was sent, in canonical casing."""
    schema = current().entity(entity)
    sent: dict[str, Any] = {}
    expected: dict[str, str] = {}
    for name in names:
        found = schema.field(name)
        assert found.name == name
        if found.column is not None and not found.read_only:
            value, shown = _sample(found)
            sent[name] = served.full.get(name, value)
            expected[name] = served.full.get(name, shown)
    # Names are sent in any case.
    (outcome,) = records.create(entity, [{k.upper(): v for k, v in sent.items()}], SYSTEM)
    assert outcome.ok, outcome.problems
    stored = read(entity, outcome.id or 0)
    assert stored is not None
    assert {name: stored[name] for name in expected} == expected
    assert {"Id", "Created", "CreatedUserId", "Updated", "UpdatedUserId"} <= stored.keys()


def _sample(found: FieldSchema) -> tuple[Any, str]:
    if found.lookup is not None:
        target = _target(found)
        return target, target
    if found.list_values:
        value = list(found.list_values.values())[-1]
        return value.lower(), value
    if found.type.name in ("TEXT", "LONG_TEXT", "EMAIL"):
        text = f"{found.name} é 'x'"[: found.length]
        return text, text
    return SAMPLES[found.type.name]


def _target(found: FieldSchema) -> str:
    """A record that the lookup may point to, as the lookup holds it."""
    assert found.lookup is not None
    entity = found.lookup.entity
    if entity in PLANTED:
        return PLANTED[entity]
    if entity == "ENTITY":
        return str(current().entity("PRODUCT").id)
    if entity == "ENTITY_FIELD":
        return str(current().entity("ACCOUNT").field("ParentAccountId").id)
    if entity == "USER":
        role = Role.objects.create(name=f"Role of {found.name}")
        return str(User.objects.create(username=f"user of {found.name}", role=role).pk)
    if entity == "WORKFLOW_RULE":
        row = {"EntityId": str(current().entity("PRODUCT").id), "Event": "After Create"}
        key = f"Rule of {found.name}"
        (outcome,) = records.create(entity, [row | {"RuleName": key, "ExternalKey": key}], SYSTEM)
        assert outcome.ok, outcome.problems
        return str(outcome.id)
    return str(_made(entity))


def _made(entity: str, **fields: str) -> int:
    """A new record that others may point to."""
    if entity == "PRICING":
        fields["ProductId"] = str(ProductFactory())
    return factories()[entity](**fields)


def check_that_lists_hold_their_values(entity: str, served: Served) -> None:
    """Each documented value is taken in any case, and another refused with the list."""
    schema = current().entity(entity)
    lists = {f.name: list(f.list_values.values()) for f in schema.fields if f.list_values}
    assert lists == {name: list(values) for name, values in served.lists.items()}
    factory = factories()[entity]
    for name, values in lists.items():
        rows = [factory.build() | {name: value.upper()} for value in values]
        rows.append(factory.build() | {name: "Nothing of that kind"})
        outcomes = records.create(entity, rows, SYSTEM)
        wrong = [p for outcome in outcomes[:-1] for p in outcome.problems]
        assert {p.code for p in wrong} <= {"VALIDATION_FAILED"}
        (problem,) = outcomes[-1].problems
        assert (problem.code, problem.field) == ("VALUE_NOT_IN_LIST", name)
        assert values[0] in problem.message


def check_that_what_is_wrong_is_refused(entity: str, served: Served) -> None:
    """What breaks a rule is told the rule."""
    factory = factories()[entity]
    rows = [factory.build() | dict(fields) for fields, _ in served.refused]
    assert said(records.create(entity, rows, SYSTEM)) == [text for _, text in served.refused]


def check_that_it_can_be_deleted_and_restored(entity: str) -> None:
    """A deleted record is gone until it is restored, and then as it was."""
    record_id = factories()[entity]()
    before = read(entity, record_id)
    assert said(records.delete(entity, [record_id], SYSTEM)) == [""]
    assert read(entity, record_id) is None
    assert said(records.undelete(entity, [record_id], SYSTEM)) == [""]
    assert _without_moment(read(entity, record_id)) == _without_moment(before)


def _without_moment(record: dict[str, str | None] | None) -> dict[str, str | None]:
    assert record is not None
    return {k: v for k, v in record.items() if k != "Updated"}


def check_what_deleting_a_target_does(entity: str, served: Served) -> None:
    """Every lookup does what the table says when its target is deleted."""
    schema = current().entity(entity)
    lookups = {f.name: f for f in schema.lookups if not f.read_only}
    assert {name: f.lookup and f.lookup.on_delete for name, f in lookups.items()} == served.rules()
    made = factories()
    for name, rule in served.rules().items():
        lookup = lookups[name].lookup
        assert lookup is not None
        if lookup.entity not in made or not current().entity(lookup.entity).deletable:
            continue
        target = _made(lookup.entity)
        record_id = _made(entity, **{name: str(target)})
        (outcome,) = records.delete(lookup.entity, [target], SYSTEM)
        stored = read(entity, record_id)
        if rule == "RESTRICT":
            assert [p.code for p in outcome.problems] == ["RECORD_IN_USE"], name
            assert f"{entity} record ({name}; Id {record_id})" in outcome.problems[0].message
            continue
        assert outcome.ok, outcome.problems
        if rule == "CASCADE":
            assert stored is None, name
        else:
            assert stored is not None
            assert stored[name] == (str(target) if rule == "" else None), name


@pytest.mark.django_db
class EveryEntity:
    """The tests of a room: a class of its own says which entities there are.

    documented    entity -> its documented fields
    served        entity -> what it promises
    kept          entities whose records are never deleted
    """

    documented: ClassVar[Mapping[str, Sequence[str]]]
    served: ClassVar[Mapping[str, Served]]
    kept: ClassVar[Sequence[str]] = ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "entity" in metafunc.fixturenames:
            metafunc.parametrize("entity", self._asked(metafunc.function.__name__))

    def _asked(self, test: str) -> list[str]:
        served = self.served.items()
        match test:
            case "test_a_record_that_breaks_a_rule_is_told_the_rule":
                return [entity for entity, promised in served if promised.refused]
            case "test_a_record_goes_to_the_recycle_bin_and_comes_back":
                return [entity for entity in self.served if entity not in self.kept]
            case "test_lookups_do_what_they_say_when_their_target_is_deleted":
                return [entity for entity, promised in served if promised.rules()]
        return list(self.served)

    def test_a_record_needs_no_more_than_is_required(self, entity: str) -> None:
        check_that_least_is_enough(entity)

    def test_a_record_holds_every_documented_field(self, entity: str) -> None:
        check_that_it_holds_every_field(entity, self.documented[entity], self.served[entity])

    def test_lists_hold_their_documented_values(self, entity: str) -> None:
        check_that_lists_hold_their_values(entity, self.served[entity])

    def test_a_record_that_breaks_a_rule_is_told_the_rule(self, entity: str) -> None:
        check_that_what_is_wrong_is_refused(entity, self.served[entity])

    def test_a_record_goes_to_the_recycle_bin_and_comes_back(self, entity: str) -> None:
        check_that_it_can_be_deleted_and_restored(entity)

    def test_lookups_do_what_they_say_when_their_target_is_deleted(self, entity: str) -> None:
        check_what_deleting_a_target_does(entity, self.served[entity])

    def test_every_field_says_what_it_is(self, entity: str) -> None:
        schema, documented = current().entity(entity), self.documented[entity]
        assert schema.help
        assert {"Created", "CreatedUserId", "Updated", "UpdatedUserId", *documented} <= {
            f.name for f in schema.fields
        }
        assert [f.name for f in schema.fields if f.name in documented and not f.help] == []

    def test_an_entity_can_be_upserted_by_its_external_keys(self, entity: str) -> None:
        keys = [f.name for f in current().entity(entity).external_keys]
        assert keys == self.served[entity].keys.split()
