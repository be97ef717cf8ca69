"""Records of a PRIVATE entity exist for their owner, for those with whom they are shared, and for
administrators; for everybody else they are as if they were not there."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import query, records
from entities.access import rights, sharing
from entities.errors import RequestError
from entities.models import (
    EntityFieldRole,
    OutboundMessage,
    OutboundMessageAttempt,
    WorkflowRun,
)
from entities.schema.current import current
from metabrm import clock
from metabrm.identity.context import Context
from metabrm.identity.models import User
from tests.entities.acting import codes, create_one

pytestmark = pytest.mark.django_db

# The package offers the function `rights` under the module's name.
rights_of_viewers = import_module("entities.access.rights")

FIELDS = {
    "Name": {"DataType": "TEXT", "ExternalKeyFlag": "1"},
    "Region": {"DataType": "TEXT"},
    "Amount": {"DataType": "INTEGER"},
}


@pytest.fixture
def deal(system: Context) -> int:
    """A PRIVATE entity DEAL with its records' children NOTE (CASCADE) and NOTE's children MARK."""
    deal = create_one("ENTITY", system, EntityName="DEAL", SharingModel="PRIVATE")
    for name, options in FIELDS.items():
        create_one("ENTITY_FIELD", system, EntityId=deal, FieldName=name, **options)
    _child(system, "NOTE", deal, "DealId")
    note = current().entity("NOTE").id
    _child(system, "MARK", note, "NoteId")
    return deal


def _child(system: Context, name: str, parent: int, lookup: str, **more: Any) -> None:
    child = create_one("ENTITY", system, EntityName=name, SharingModel="PRIVATE")
    create_one("ENTITY_FIELD", system, EntityId=child, FieldName="Text", DataType="TEXT")
    create_one(
        "ENTITY_FIELD",
        system,
        EntityId=child,
        FieldName=lookup,
        DataType="LOOKUP",
        ReferencedEntityId=parent,
        **({"OnDelete": "CASCADE"} | more),
    )


@pytest.fixture
def two(clerk: Callable[..., Context], deal: int) -> tuple[Context, Context]:
    """Two people of one role."""
    one = clerk(DEAL="CRUD", NOTE="CRUD", MARK="CRUD", AUDIT_LOG="R", USER="R")
    other = User.objects.create(username="other", role_id=one.role_id)
    return one, Context.of(other)


@pytest.fixture
def share(system: Context) -> Callable[..., int]:
    """Shares with a user: `share(context, "DEAL", Formula="…")`; the rule's Id."""

    def make(member: Context, entity: str, **rule: Any) -> int:
        number = len(json.loads(query.query("SELECT Id FROM SHARING_GROUP", system).json))
        group = create_one("SHARING_GROUP", system, Name=f"Group {number}")
        create_one("SHARING_GROUP_USER", system, SharingGroupId=group, UserId=member.user_id)
        return create_one(
            "SHARING_GROUP_RULE",
            system,
            SharingGroupId=group,
            EntityId=current().entity(entity).id,
            ExternalKey=f"rule {number}",
            **rule,
        )

    return make


def names(context: Context, sql: str = "SELECT Name FROM DEAL ORDER BY Name") -> list[Any]:
    return [next(iter(row.values())) for row in json.loads(query.query(sql, context).json)]


def make(context: Context, *deals: str, **more: Any) -> list[int]:
    return [create_one("DEAL", context, Name=name, **more) for name in deals]


def problem(outcomes: list[records.Outcome]) -> tuple[str, str, str]:
    (outcome,) = outcomes
    (found,) = outcome.problems
    return str(found.code), found.field, found.message


# Who sees what


def test_a_record_is_its_makers_and_the_administrators(
    two: tuple[Context, Context], admin: Context, system: Context
) -> None:
    one, other = two
    make(one, "a"), make(other, "b"), make(system, "c")
    assert (names(one), names(other), names(admin), names(system)) == (
        ["a"],
        ["b"],
        ["a", "b", "c"],
        ["a", "b", "c"],
    )
    # The same text again, from the plans that are kept.
    assert (names(other), names(one)) == (["b"], ["a"])


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ({"Formula": "{!Region} = 'N'"}, ["n1", "n2"]),
        ({"Formula": "{!Region} = ''"}, ["none", "{t}%s$1'\""]),
        ({"Formula": "{!Region} <> 'N'"}, ["s1"]),
        ({"Formula": "NOT({!Region} = 'N')"}, ["s1"]),
        ({"RuleCriteria": "{!Region} = 'N'\n\n{!Amount} > 1"}, ["n2"]),
        (
            {"RuleCriteria": "{!Region} = 'N'\n{!Amount} > 1", "FilterLogic": "1 OR 2"},
            ["n1", "n2", "s1"],
        ),
        ({"RuleCriteria": "{!Region} = 'N'\n{!Amount} > 1", "FilterLogic": "NOT 1 AND 2"}, ["s1"]),
        ({"Formula": "{!Name} = '{t}%s$1''\"'"}, ["{t}%s$1'\""]),
        ({"Formula": "{!CreatedUserObj.Username} = 'nobody'"}, []),
        ({"Formula": "TRUE", "Status": "DEACTIVATED"}, []),
    ],
)
def test_a_rule_selects_what_its_conditions_say(
    two: tuple[Context, Context],
    share: Callable[..., int],
    system: Context,
    rule: dict[str, str],
    seen: list[str],
) -> None:
    one, other = two
    make(system, "n1", Region="N", Amount="1")
    make(system, "n2", Region="N", Amount="2")
    make(system, "s1", Region="S", Amount="3")
    make(system, "none", "{t}%s$1'\"")
    records.delete("DEAL", make(system, "deleted", Region="N"), system)
    share(one, "DEAL", **rule)
    assert set(names(one)) == set(seen)
    assert names(other) == []


def test_groups_members_and_rules_act_at_once(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, _ = two
    make(system, "a")
    rule = share(one, "DEAL", Formula="TRUE")
    group = int(names(system, "SELECT Id FROM SHARING_GROUP")[0])
    member = int(names(system, "SELECT Id FROM SHARING_GROUP_USER")[0])
    assert names(one) == ["a"]
    for entity, row, back in (
        (
            "SHARING_GROUP",
            {"Id": group, "Status": "DEACTIVATED"},
            {"Id": group, "Status": "ACTIVE"},
        ),
        (
            "SHARING_GROUP_RULE",
            {"Id": rule, "Status": "DEACTIVATED"},
            {"Id": rule, "Status": "ACTIVE"},
        ),
        (
            "SHARING_GROUP_RULE",
            {"Id": rule, "Formula": "{!Name} = 'z'"},
            {"Id": rule, "Formula": "TRUE"},
        ),
    ):
        assert records.update(entity, [row], system)[0].ok
        assert names(one) == []
        assert records.update(entity, [back], system)[0].ok
        assert names(one) == ["a"]
    for entity, record_id in (
        ("SHARING_GROUP_USER", member),
        ("SHARING_GROUP_RULE", rule),
        ("SHARING_GROUP", group),
    ):
        assert records.delete(entity, [record_id], system)[0].ok
        assert names(one) == []
        assert records.undelete(entity, [record_id], system)[0].ok
        assert names(one) == ["a"]


def test_public_again_shows_everything(two: tuple[Context, Context], system: Context) -> None:
    one, _ = two
    make(system, "a")
    entity = current().entity("DEAL").id
    for model, seen in (("PUBLIC", ["a"]), ("PRIVATE", [])):
        assert records.update("ENTITY", [{"Id": entity, "SharingModel": model}], system)[0].ok
        assert names(one) == seen


# What a rule takes along


def test_what_belongs_to_a_selected_record_is_selected_with_it(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, other = two
    for region in "NS":
        (deal,) = make(system, region, Region=region)
        note = create_one("NOTE", system, Text=f"note {region}", DealId=deal)
        create_one("MARK", system, Text=f"mark {region}", NoteId=note)
    create_one("NOTE", system, Text="alone")
    share(one, "DEAL", Formula="{!Region} = 'N'", CascadePermitionsFlag="1")
    share(other, "DEAL", Formula="{!Region} = 'N'")
    for entity, text in (("NOTE", "note N"), ("MARK", "mark N")):
        sql = f"SELECT Text FROM {entity} ORDER BY Id"
        assert (names(one, sql), names(other, sql)) == ([text], [])


def test_cascades_follow_circles_to_their_end(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    """NODE belongs to NODE; and its records may point at each other in a circle."""
    one, _ = two
    node = create_one("ENTITY", system, EntityName="NODE", SharingModel="PRIVATE")
    create_one("ENTITY_FIELD", system, EntityId=node, FieldName="Name", DataType="TEXT")
    create_one(
        "ENTITY_FIELD", system, EntityId=node, FieldName="AboveId", DataType="LOOKUP",
        ReferencedEntityId=node, OnDelete="CASCADE",
    )  # fmt: skip
    EntityFieldRole.objects.create(
        role_id=one.role_id, entity_id=node, read_flag=True, update_flag=True
    )
    top = create_one("NODE", system, Name="top")
    middle = create_one("NODE", system, Name="middle", AboveId=top)
    create_one("NODE", system, Name="bottom", AboveId=middle)
    left = create_one("NODE", system, Name="left")
    right = create_one("NODE", system, Name="right", AboveId=left)
    assert records.update("NODE", [{"Id": left, "AboveId": right}], system)[0].ok
    create_one("NODE", system, Name="other")
    sql = "SELECT Name FROM NODE ORDER BY Name"
    rule = share(one, "NODE", Formula="{!Name} = 'top'", CascadePermitionsFlag="1")
    assert names(one, sql) == ["bottom", "middle", "top"]
    assert records.update("NODE", [{"Id": middle, "Name": "m"}], one)[0].ok
    sent = {"Id": rule, "Formula": "{!Name} = 'left'"}
    assert records.update("SHARING_GROUP_RULE", [sent], system)[0].ok
    assert names(one, sql) == ["left", "right"]


# What can be done with it


def test_what_is_shared_to_be_read_is_not_changed(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, _ = two
    read, write, hidden = make(system, "read", "write", "hidden")
    share(one, "DEAL", Formula="{!Name} = 'read'", AccessLevel="READ")
    share(one, "DEAL", Formula="{!Name} = 'write'", AccessLevel="WRITE")
    rows = [{"Id": i, "Amount": "7"} for i in (read, write, hidden, 10**9)]
    assert codes(records.update("DEAL", rows, one)) == [
        ["INSUFFICIENT_RIGHTS"],
        [],
        ["RECORD_NOT_FOUND"],
        ["RECORD_NOT_FOUND"],
    ]
    for verb in (records.delete, records.undelete):
        found = codes(verb("DEAL", [read, write, hidden, 10**9], one))
        refused = "INSUFFICIENT_RIGHTS" if verb is records.delete else "RECORD_NOT_FOUND"
        assert found == [[refused], [], ["RECORD_NOT_FOUND"], ["RECORD_NOT_FOUND"]]


@pytest.mark.parametrize("verb", ["update", "delete", "undelete", "upsert", "purge"])
def test_an_id_that_is_not_seen_is_one_that_is_not_there(
    two: tuple[Context, Context], system: Context, verb: str
) -> None:
    one, _ = two
    hidden, deleted = make(system, "hidden", "deleted")
    records.delete("DEAL", [deleted], system)
    known, nowhere = (deleted if verb == "undelete" else hidden), 10**9

    def act(record_id: int) -> tuple[str, str, str]:
        row = {"Id": record_id, "Name": "x"}
        if verb == "update":
            done = records.update("DEAL", [row], one)
        elif verb == "upsert":
            done = records.upsert("DEAL", [row], one, key="Id")
        elif verb == "undelete":
            done = records.undelete("DEAL", [record_id], one)
        else:
            done = records.delete("DEAL", [record_id], one, permanently=verb == "purge")
        code, field, message = problem(done)
        return code, field, message.replace(str(record_id), "N")

    assert act(known) == act(nowhere)
    assert act(known)[0] == "RECORD_NOT_FOUND"
    assert sorted(names(system)) == ["hidden"]


def test_a_key_that_is_not_seen_is_taken_and_nothing_more(
    two: tuple[Context, Context], system: Context, clerk: Callable[..., Context]
) -> None:
    one, _ = two
    make(system, "hidden", Region="secret", Amount="5")
    make(one, "mine")
    rows = [{"Name": n, "Amount": "9"} for n in ("hidden", "mine", "new")]
    taken, changed, made = records.upsert("DEAL", rows, one, key="Name")
    assert (changed.created, made.created) == (False, True)
    assert codes([taken, changed, made]) == [["DUPLICATE_KEY"], [], []]
    (created,) = records.create("DEAL", [{"Name": "hidden"}], one)
    assert taken.problems == created.problems
    assert "secret" not in str(taken.problems)
    assert names(system, "SELECT Amount FROM DEAL WHERE Name = 'hidden'") == ["5"]
    # Who may not create can't find out by upserts which keys there are.
    updater = clerk(DEAL="RU")
    outcomes = records.upsert("DEAL", [{"Name": "hidden"}, {"Name": "free"}], updater, key="Name")
    assert outcomes[0].problems == outcomes[1].problems
    assert codes(outcomes) == [["INSUFFICIENT_RIGHTS"]] * 2


def test_lookups_name_only_what_is_seen(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, _ = two
    (hidden,) = make(system, "hidden")
    (mine,) = make(one, "mine")
    shapes: list[Callable[[Any, Any], dict[str, Any]]] = [
        lambda i, n: {"DealId": i},
        lambda i, n: {"DealObj": {"Id": i}},
        lambda i, n: {"DealObj": {"Name": n}},
    ]
    for shape in shapes:
        there, nowhere, own = records.create(
            "NOTE", [shape(hidden, "hidden"), shape(10**9, "nowhere"), shape(mine, "mine")], one
        )
        assert own.ok
        assert codes([there, nowhere]) == [["LOOKUP_NOT_FOUND"]] * 2
        told = str(there.problems).replace(str(hidden), "N").replace("hidden", "K")
        assert told == str(nowhere.problems).replace(str(10**9), "N").replace("nowhere", "K")


def test_a_lookup_that_was_read_can_be_sent_back(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, _ = two
    hidden, other = make(system, "hidden", "other")
    note = create_one("NOTE", system, Text="n", DealId=hidden)
    share(one, "NOTE", Formula="TRUE")
    (row,) = json.loads(query.retrieve_ids("NOTE", [note], one).json)
    assert row["DealId"] == str(hidden)
    assert records.update("NOTE", [{**row, "Text": "m"}], one)[0].ok
    refused = codes(records.update("NOTE", [{"Id": note, "DealId": other}], one))
    assert refused == [["LOOKUP_NOT_FOUND"]]


def test_what_is_not_seen_is_null_behind_a_relation(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, _ = two
    (hidden,) = make(system, "hidden", Amount="5")
    (mine,) = make(one, "mine", Amount="6")
    for deal in (hidden, mine):
        create_one("NOTE", system, Text="n", DealId=deal)
    share(one, "NOTE", Formula="TRUE")
    assert names(one, "SELECT DealObj.Name FROM NOTE ORDER BY Id") == [None, "mine"]
    assert names(one, "SELECT Text FROM NOTE WHERE DealObj.Name = 'hidden'") == []
    assert names(one, "SELECT COUNT(*) FROM NOTE WHERE DealObj.Amount > 0") == ["1"]
    assert names(one, "SELECT SUM(DealObj.Amount) S FROM NOTE") == ["6"]
    assert names(one, "SELECT MAX(Name) M FROM DEAL") == ["mine"]


def test_formulas_lead_to_nothing_that_is_not_seen(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, _ = two
    for name, formula in (("Theirs", "{!DealObj.Name}"), ("Twice", "{!Theirs} || '!'")):
        create_one(
            "ENTITY_FIELD",
            system,
            EntityId=current().entity("NOTE").id,
            FieldName=name,
            DataType="FORMULA",
            FormulaValue=formula,
        )
    for deal in (*make(system, "hidden"), *make(one, "mine")):
        create_one("NOTE", system, Text="n", DealId=deal)
    share(one, "NOTE", Formula="TRUE")
    sql = "SELECT Theirs, Twice FROM NOTE ORDER BY Id"
    assert json.loads(query.query(sql, system).json)[0] == {"Theirs": "hidden", "Twice": "hidden!"}
    seen = json.loads(query.query(sql, one).json)
    assert (seen[0]["Theirs"], seen[1]["Theirs"]) == (None, "mine")
    assert "hidden" not in str(seen)
    assert names(one, "SELECT Id FROM NOTE WHERE Theirs = 'hidden'") == []


# What goes along


def test_a_deletion_takes_along_only_what_may_be_changed(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, _ = two
    alone, shared = make(one, "alone", "shared")
    mine = create_one("NOTE", one, Text="mine", DealId=alone)
    theirs = create_one("NOTE", system, Text="theirs", DealId=shared)
    outcomes = records.delete("DEAL", [alone, shared], one)
    assert codes(outcomes) == [[], ["RECORD_IN_USE"]]
    told = outcomes[1].problems[0].message
    assert told.replace(f"DEAL {shared}", "").find(str(theirs)) == -1 and "theirs" not in told
    assert names(system, "SELECT Text FROM NOTE") == ["theirs"]
    assert records.undelete("DEAL", [alone], one)[0].ok
    assert names(one, "SELECT Id FROM NOTE") == [str(mine)]
    share(one, "NOTE", Formula="TRUE", AccessLevel="READ")
    assert codes(records.delete("DEAL", [shared], one)) == [["RECORD_IN_USE"]]
    share(one, "NOTE", Formula="TRUE")
    assert records.delete("DEAL", [shared], one)[0].ok


def test_what_came_along_of_others_comes_back_by_them(
    two: tuple[Context, Context], system: Context
) -> None:
    one, _ = two
    (deal,) = make(one, "a")
    create_one("NOTE", system, Text="theirs", DealId=deal)
    assert records.delete("DEAL", [deal], system)[0].ok
    assert codes(records.undelete("DEAL", [deal], one)) == [["RECORD_IN_USE"]]
    assert names(system) == []
    assert records.undelete("DEAL", [deal], system)[0].ok
    assert names(system, "SELECT Text FROM NOTE") == ["theirs"]


def test_who_keeps_a_record_from_going_is_told_as_far_as_he_is_seen(
    two: tuple[Context, Context], system: Context
) -> None:
    one, _ = two
    _child(system, "CLAIM", current().entity("DEAL").id, "DealId", OnDelete="RESTRICT")
    EntityFieldRole.objects.create(
        role_id=one.role_id, entity_id=current().entity("CLAIM").id, read_flag=True,
        create_flag=True,
    )  # fmt: skip
    (deal,) = make(one, "a")
    theirs = create_one("CLAIM", system, DealId=deal)
    code, _, message = problem(records.delete("DEAL", [deal], one))
    assert code == "RECORD_IN_USE"
    assert "used by CLAIM records (DealId; Id not shown)" in message
    mine = create_one("CLAIM", one, DealId=deal)
    _, _, message = problem(records.delete("DEAL", [deal], one))
    assert f"Id {mine})" in message and str(theirs) not in message.replace(f"DEAL {deal}", "")


# The history


def test_the_history_tells_of_what_is_seen(
    two: tuple[Context, Context], share: Callable[..., int], system: Context
) -> None:
    one, _ = two
    make(system, "hidden"), make(one, "mine")
    sql = "SELECT After FROM AUDIT_LOG WHERE EntityName = 'DEAL'"
    log = query.query(sql, one)
    assert (log.count, b"hidden" in log.json, b"mine" in log.json) == (1, False, True)
    rule = share(one, "DEAL", Formula="TRUE")
    assert query.query(sql, one).count == 2
    assert records.delete("SHARING_GROUP_RULE", [rule], system)[0].ok
    assert query.query(sql, one).count == 1


def test_messages_and_runs_tell_of_what_is_seen(
    clerk: Callable[..., Context], deal: int, system: Context
) -> None:
    reader = clerk(DEAL="R")
    for name in ("OUTBOUND_MESSAGE", "OUTBOUND_MESSAGE_ATTEMPT", "WORKFLOW_RUN"):
        EntityFieldRole.objects.create(
            role_id=reader.role_id, entity_id=current().entity(name).id, read_flag=True
        )
    (hidden,) = make(system, "hidden")
    mine = create_one("DEAL", clerk(DEAL="CR"), Name="another's")
    records_of = {"hidden": (deal, hidden), "public": (current().entity("USER").id, mine)}
    for name, (entity, record) in records_of.items():
        message = OutboundMessage.objects.create(
            kind="EMAIL",
            entity_id=entity,
            record_id=record,
            destination="a@example.com",
            body=f"about {name}",
            created=clock.now(),
        )
        OutboundMessageAttempt.objects.create(
            outbound_message=message, attempted_at=clock.now(), milliseconds=1, response=name
        )
        WorkflowRun.objects.create(
            workflow_rule_id=1,
            entity_id=entity,
            record_id=record,
            run_at=clock.now(),
            status="FAILED",
            message=name,
        )
    for entity, field in (
        ("OUTBOUND_MESSAGE", "Body"),
        ("OUTBOUND_MESSAGE_ATTEMPT", "Response"),
        ("WORKFLOW_RUN", "Message"),
    ):
        sql = f"SELECT {field} FROM {entity} ORDER BY Id"
        assert [str(n).removeprefix("about ") for n in names(system, sql)] == ["hidden", "public"]
        assert [str(n).removeprefix("about ") for n in names(reader, sql)] == ["public"]


# Limits of the role stay


def test_sharing_widens_no_right_of_the_role(
    deal: int, clerk: Callable[..., Context], share: Callable[..., int], system: Context
) -> None:
    reader, nobody = clerk(DEAL="R"), clerk(NOTE="R")
    (record,) = make(system, "a")
    for context in (reader, nobody):
        share(context, "DEAL", Formula="TRUE")
    assert names(reader) == ["a"]
    for act in (
        lambda: records.update("DEAL", [{"Id": record, "Name": "b"}], reader),
        lambda: records.delete("DEAL", [record], reader),
        lambda: names(nobody),
    ):
        with pytest.raises(RequestError) as refused:
            act()
        assert refused.value.code == "INSUFFICIENT_RIGHTS"


def test_who_may_not_read_an_entity_learns_nothing_of_it_by_lookups(
    clerk: Callable[..., Context], deal: int, system: Context
) -> None:
    make(system, "hidden")
    entity = current().entity("DEAL").id
    assert records.update("ENTITY", [{"Id": entity, "SharingModel": "PUBLIC"}], system)[0].ok
    (there,) = names(system, "SELECT Id FROM DEAL")
    outcomes = records.create("NOTE", [{"DealId": i} for i in (there, 10**9)], clerk(NOTE="C"))
    assert codes(outcomes) == [["INSUFFICIENT_RIGHTS"]] * 2
    assert outcomes[0].problems == outcomes[1].problems


# What it costs


@pytest.fixture
def counted() -> Iterator[Callable[[Callable[[], Any]], int]]:
    """How many statements an act takes once everything is compiled."""

    def count(act: Callable[[], Any]) -> int:
        act()
        with CaptureQueriesContext(
            connection,
        ) as taken:
            act()
        return len(taken)

    yield count


@pytest.mark.parametrize("size", [1, 1000])
def test_sharing_takes_no_statement_of_its_own(
    two: tuple[Context, Context],
    share: Callable[..., int],
    system: Context,
    counted: Callable[[Callable[[], Any]], int],
    size: int,
) -> None:
    one, _ = two
    share(one, "DEAL", Formula="{!Region} = 'N'", CascadePermitionsFlag="1")
    (deal,) = make(one, "a")

    def act() -> None:
        made = records.create("NOTE", [{"DealId": deal, "Text": "t"}] * size, one)
        rows = [{"Id": o.id, "Text": "u"} for o in made]
        assert all(o.ok for o in made)
        assert all(o.ok for o in records.update("NOTE", rows, one))
        assert query.query("SELECT Text FROM NOTE", one).count

    limited = counted(act)
    entities = [
        {"Id": current().entity(e).id, "SharingModel": "PUBLIC"} for e in ("DEAL", "NOTE", "MARK")
    ]
    assert all(o.ok for o in records.update("ENTITY", entities, system))
    assert not current().private
    assert limited == counted(act)


def test_rights_of_a_user_take_one_statement_more(
    two: tuple[Context, Context], system: Context
) -> None:
    one, other = two
    names(one)
    with CaptureQueriesContext(connection) as first:
        names(other)
    with CaptureQueriesContext(connection) as again:
        names(other)
    # The role's rows, and the groups of the user.
    assert len(first) - len(again) == 2


@pytest.mark.parametrize(
    ("sql", "seen"),
    [
        ("SELECT Name FROM DEAL WHERE 1 / (Amount - 5) < 1", ["mine"]),
        ("SELECT Name FROM DEAL WHERE 1 / CASE WHEN Name LIKE 's%' THEN 0 ELSE 1 END = 1", None),
        ("SELECT SUM(Amount) s FROM DEAL WHERE 1 / (Amount - 5) < 1", ["1"]),
        ("SELECT Text FROM NOTE n WHERE 1 / (DealObj.Amount - 5) < 1", []),
    ],
)
def test_an_error_tells_nothing_of_records_that_are_not_seen(
    two: tuple[Context, Context], share: Callable[..., int], sql: str, seen: list[str] | None
) -> None:
    """The planner asks what is cheap first: here what the query asks, then what is shared."""
    one, other = two
    share(other, "DEAL", Formula="LENGTH({!CreatedUserIdObj.Username}) = 0")
    share(other, "NOTE", Formula="TRUE")
    (deal,) = make(one, "secret", Amount="5")
    create_one("NOTE", one, Text="n", DealId=deal)
    make(other, "mine", Amount="1")
    assert names(other, sql) == (["mine"] if seen is None else seen)
    with pytest.raises(RequestError, match="divides by zero"):
        names(one, sql)


def test_a_stored_part_of_a_key_is_not_told_to_who_may_not_read_it(
    clerk: Callable[..., Context], system: Context
) -> None:
    pair = create_one("ENTITY", system, EntityName="PAIR")
    for name in "AB":
        create_one("ENTITY_FIELD", system, EntityId=pair, FieldName=name, DataType="TEXT")
    create_one("ENTITY_KEY", system, EntityId=pair, KeyName="k", FieldNames="A,B")
    create_one("PAIR", system, A="1", B="secret")
    second = create_one("PAIR", system, A="2", B="secret")
    sent = [{"Id": second, "A": "1"}]
    for writer in (clerk(PAIR="U"), clerk(PAIR="CUD")):
        (problem,) = records.update("PAIR", sent, writer)[0].problems
        assert "the same A and B" in problem.message and "secret" not in problem.message
    (problem,) = records.update("PAIR", sent, clerk(PAIR="RU"))[0].problems
    assert "A and B '1, secret'" in problem.message


def test_nobody_has_rights_before_they_are_limited(
    two: tuple[Context, Context], system: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request of the same user comes while his rights are being compiled."""
    one, _ = two
    make(system, "Secret")
    snapshot = current()
    schema = snapshot.entity("DEAL")
    whole, meanwhile = sharing.shared_with, []

    def slow(*asked: Any) -> Any:
        if not meanwhile:
            meanwhile.append(None)
            meanwhile[0] = rights(snapshot, one, schema)
        return whole(*asked)

    monkeypatch.setattr(sharing, "shared_with", slow)
    assert rights(snapshot, one, schema) == meanwhile[0]
    assert meanwhile[0].condition
    assert names(one) == []


def test_rights_are_kept_of_so_many_users(
    two: tuple[Context, Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    monkeypatch.setattr(rights_of_viewers, "MOST_VIEWERS", 1)
    for context, name in ((one, "a"), (other, "b"), (one, "c")):
        make(context, name)
    assert names(one) == ["a", "c"]
    assert names(other) == ["b"]
    assert len(rights_of_viewers._cache[current()]) == 1
