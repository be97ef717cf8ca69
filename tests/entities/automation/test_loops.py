"""Rules that set each other off are followed, stopped, and told; what changes nothing ends it."""

import pytest

from entities import records
from entities.automation import cascade
from entities.models import Entity
from entities.models.workflow import OutboundMessage, WorkflowRun
from metabrm.identity.context import Context
from tests.entities.acting import codes, create_one
from tests.entities.automation.making import (
    CHANGED,
    CREATED,
    WRITTEN,
    action,
    calls,
    held,
    rule,
    sets,
    ticket,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def entity(db: None) -> Entity:
    return ticket()


def stopped() -> list[tuple[int | None, str | None]]:
    found = WorkflowRun.objects.filter(status="STOPPED").order_by("id")
    return list(found.values_list("record_id", "message"))


def sent() -> int:
    return OutboundMessage.objects.count()


def test_two_rules_that_set_each_other_off_are_stopped_and_the_record_is_written(
    system: Context,
) -> None:
    for name, other in (("A", "B"), ("B", "A")):
        criteria = f"coalesce({{!Note}}, 'A') = '{name}'"
        sets(rule(name, event=WRITTEN, Criteria=criteria), Note=f"'{other}'")
    first, second = (create_one("TICKET", system, Title="p") for _ in range(2))
    assert [record for record, _ in stopped()] == [first, second]
    assert "A -> B -> A -> B -> A -> B -> A" in (stopped()[0][1] or "")
    assert held(first, "Title", "Note") == ["p", "A"]


def test_a_counter_is_stopped(system: Context) -> None:
    sets(rule("Grow", event=WRITTEN, Criteria="{!Count} < 100"), Count="{!Count} + 1")
    record = create_one("TICKET", system, Title="p", Count="0")
    assert held(record, "Count") == ["3"]
    assert [r for r, _ in stopped()] == [record]


def test_a_counter_that_comes_to_its_end_is_not(system: Context) -> None:
    sets(rule("Grow", event=WRITTEN, Criteria="{!Count} < 3"), Count="{!Count} + 1")
    record = create_one("TICKET", system, Title="p", Count="0")
    assert (held(record, "Count"), stopped()) == (["3"], [])


def test_only_the_records_in_the_loop_are_stopped(system: Context) -> None:
    sets(rule("Grow", event=WRITTEN, Criteria="{!Count} < 100"), Count="{!Count} + 1")
    rows = [{"Title": "p", "Count": str(n)} for n in (0, 98, 200)]
    outcomes = records.create("TICKET", rows, system)
    assert codes(outcomes) == [[], [], []]
    assert [held(o.id or 0, "Count") for o in outcomes] == [["3"], ["100"], ["200"]]
    assert [r for r, _ in stopped()] == [outcomes[0].id]


@pytest.mark.parametrize("same", ["'same'", "{!Note}", "upper({!Title})", "''"])
def test_a_rule_that_changes_nothing_sets_nothing_off(same: str, system: Context) -> None:
    sets(rule("Same", event=WRITTEN), Note=same)
    record = create_one("TICKET", system, Title="P")
    assert records.update("TICKET", [{"Id": record, "Title": "q"}], system)[0].ok
    assert stopped() == []
    assert all(r.message == "Done: sets." or "set_fields" in (r.message or "") for r in _runs())


def _runs() -> list[WorkflowRun]:
    return list(WorkflowRun.objects.all())


def test_a_message_is_sent_once_for_each_state_of_a_record(system: Context) -> None:
    """The rule changes the record, which applies the rule again: the message is sent by then."""
    made = rule("R", event=WRITTEN)
    sets(made, Note="'seen'")
    calls(made)
    calls(rule("S", event=WRITTEN, ExecOrder=1))
    record = create_one("TICKET", system, Title="p")
    assert sent() == 2
    assert records.update("TICKET", [{"Id": record, "Title": "q"}], system)[0].ok
    assert sent() == 4


def test_a_message_is_sent_again_for_a_record_that_changed_since(system: Context) -> None:
    made = rule("R", event=WRITTEN)
    action(made, "WEBHOOK", Url="https://example.com/", ExecOrder=1)
    action(made, "SET_FIELDS", FieldFormulas={"Note": "'seen'"}, ExecOrder=2)
    create_one("TICKET", system, Title="p")
    bodies = OutboundMessage.objects.order_by("id").values_list("body", flat=True)
    assert ['"Note":"seen"' in body for body in bodies] == [False, True]


def test_what_was_undone_with_a_failed_neighbour_is_done_again(system: Context) -> None:
    """The whole batch is begun again without the record that failed deep in the chain."""
    outer = rule("Outer", ExecOrder=1)
    sets(outer, Note="'seen'")
    calls(outer)
    inner = rule("Inner", event=CHANGED, Criteria="{!Note} = 'seen'")
    calls(inner)
    sets(inner, Count="IF({!Title} = 'bad', 99999999999999999, 1)", State="'OPEN'")
    broken = rule("Broken", event=CHANGED, Criteria="{!State} = 'OPEN'")
    sets(broken, Mail=f"IF({{!Title}} = 'bad', '{'x' * 101}', 'm')")
    outcomes = records.create("TICKET", [{"Title": t} for t in ("a", "bad", "b")], system)
    assert [o.ok for o in outcomes] == [True, False, True]
    assert "'Broken'" in outcomes[1].problems[0].message
    assert sent() == 4
    assert WorkflowRun.objects.filter(status="DONE").count() == 6
    assert [held(outcomes[i].id or 0, "Count", "Mail") for i in (0, 2)] == [["1", "m"]] * 2


def test_records_that_create_records_come_to_an_end(entity: Entity, system: Context) -> None:
    names = ("A", "B", "C", "D")
    for name in names:
        action(
            rule(name, event=CREATED),
            "CREATE_RECORD",
            TargetEntityId=str(entity.pk),
            FieldFormulas={"Title": "'child'"},
        )
    create_one("TICKET", system, Title="p")
    made = cascade.MOST + 1
    found = records.retrieve("TICKET", list(range(1, 10_000)), system).count(b'"Title"')
    assert found == made
    assert stopped()


def test_a_single_rule_that_creates_its_own_kind_is_followed_a_few_times(
    entity: Entity, system: Context
) -> None:
    action(
        rule("A"),
        "CREATE_RECORD",
        TargetEntityId=str(entity.pk),
        FieldFormulas={"Title": "{!Title} || 'x'"},
    )
    create_one("TICKET", system, Title="p")
    assert [m for _, m in stopped()] == [
        "Rules that set each other off: A -> A -> A -> A. The last one was not applied again."
    ]
    assert records.retrieve("TICKET", list(range(1, 100)), system).count(b'"Title"') == 4
