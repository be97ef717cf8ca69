"""Rules act on what is written: when, on which records, with what."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.catalog.models import Package
from entities import records
from entities.models import AuditLog, Entity, EntityField, EntityFieldRole
from entities.models.workflow import OutboundMessage, WorkflowRun, WorkflowState
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
from tests.entities.custom import custom_entity
from tests.factories import AccountFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ticket(db: None) -> Entity:
    return ticket()


def change(record: int, context: Context, **fields: Any) -> None:
    (outcome,) = records.update("TICKET", [{"Id": record, **fields}], context)
    assert outcome.ok, outcome.problems


def bodies() -> list[dict[str, Any]]:
    return [json.loads(m.body) for m in OutboundMessage.objects.order_by("id")]


def test_a_rule_sets_fields_of_the_records_that_meet_its_criteria(system: Context) -> None:
    sets(rule("R", Criteria="{!Title} = 'yes'"), Note="'seen ' || {!Title}")
    yes, no = (create_one("TICKET", system, Title=n) for n in ("yes", "no"))
    assert (held(yes, "Note"), held(no, "Note")) == (["seen yes"], [None])
    run = WorkflowRun.objects.get()
    assert (run.record_id, run.status, run.message) == (yes, "DONE", "Done: set_fields.")


@pytest.mark.parametrize(
    ("field", "formula", "stored"),
    [
        ("Note", "'50%s {t} {p} \\\\ \"x\" ''y'''", "50%s {t} {p} \\\\ \"x\" 'y'"),
        ("Note", "null", None),
        ("State", "'CLOSED'", "CLOSED"),
        ("State", "'closed'", "CLOSED"),
        ("Count", "7 / 2", "4"),
        ("Amount", "{!Amount} * 2", "2.5000000000"),
        ("Due", "DATE(2028, 2, 29)", "2028-02-29"),
        ("Urgent", "{!Title} = 'p'", "true"),
        ("AccountId", "{!AccountId}", "same"),
        ("Text", "{!AccountObj.Name}", "Acme"),
    ],
)
def test_fields_of_every_kind(field: str, formula: str, stored: Any, system: Context) -> None:
    account = AccountFactory(Name="Acme")
    sets(rule("R"), **{field: formula})
    sent = {"Title": "p", "Amount": "1.25", "AccountId": str(account), "Note": "before"}
    record = create_one("TICKET", system, **sent)
    assert held(record, field) == [str(account) if stored == "same" else stored]


def test_rules_are_applied_by_number_then_name(system: Context) -> None:
    for name, order in (("B", 2), ("A", 2), ("Z", 1)):
        sets(rule(name, ExecOrder=order), Note=f"coalesce({{!Note}}, '') || '{name}'")
    assert held(create_one("TICKET", system, Title="p"), "Note") == ["ZAB"]


def test_actions_are_done_by_number(system: Context) -> None:
    made = rule("R")
    for name, order in (("b", 2), ("a", 1)):
        formulas = {"Note": f"coalesce({{!Note}}, '') || '{name}'"}
        action(made, "SET_FIELDS", ExecOrder=order, ActionName=name, FieldFormulas=formulas)
    assert held(create_one("TICKET", system, Title="p"), "Note") == ["ab"]


def test_met_and_changed_is_when_it_becomes_true(system: Context) -> None:
    calls(rule("R", event=CHANGED, Criteria="{!Title} = 'hot' AND {!Count} > 1"))
    record = create_one("TICKET", system, Title="hot", Count="2")
    steps = [
        ({"Note": "still hot"}, 1),
        ({"Count": "5"}, 1),
        ({"Title": "cold"}, 1),
        ({"Title": "hot"}, 2),
        ({"Count": "1"}, 2),
        ({"Count": "2", "Title": "cold"}, 2),
        ({"Title": "hot"}, 3),
    ]
    assert OutboundMessage.objects.count() == 1
    for fields, sent in steps:
        change(record, system, **fields)
        assert OutboundMessage.objects.count() == sent, fields


def test_met_and_changed_asks_the_looked_up_record_as_it_is(system: Context) -> None:
    acme, other = AccountFactory(Name="Acme"), AccountFactory(Name="Other")
    calls(rule("R", event=CHANGED, Criteria="{!AccountObj.Name} = 'Acme'"))
    record = create_one("TICKET", system, Title="t", AccountId=str(other))
    assert OutboundMessage.objects.count() == 0
    change(record, system, AccountId=str(acme))
    assert OutboundMessage.objects.count() == 1
    change(record, system, AccountId=str(acme), Title="u")
    assert OutboundMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        (CREATED, [1, 1, 1, 1, 1]),
        (WRITTEN, [1, 2, 2, 2, 2]),
        ("Before Delete", [0, 0, 1, 1, 2]),
        ("After Restore", [0, 0, 0, 1, 1]),
    ],
)
def test_when_rules_look_at_records(event: str, sent: list[int], system: Context) -> None:
    calls(rule("R", event=event))
    seen = []
    record = create_one("TICKET", system, Title="p")
    seen.append(OutboundMessage.objects.count())
    change(record, system, Title="q")
    seen.append(OutboundMessage.objects.count())
    assert records.delete("TICKET", [record], system)[0].ok
    seen.append(OutboundMessage.objects.count())
    assert records.undelete("TICKET", [record], system)[0].ok
    seen.append(OutboundMessage.objects.count())
    assert records.delete("TICKET", [record], system, permanently=True)[0].ok
    seen.append(OutboundMessage.objects.count())
    assert seen == sent


def test_an_upsert_is_a_creation_or_an_update(system: Context) -> None:
    field = EntityField.objects.get(entity__entity_name="TICKET", field_name="Title")
    EntityField.objects.filter(pk=field.pk).update(external_key_flag=True, unique_field=True)
    calls(rule("New"), FieldFormulas={"how": "'new'"})
    calls(rule("Any", event=WRITTEN), FieldFormulas={"how": "'any'"})
    for _ in range(2):
        (outcome,) = records.upsert("TICKET", [{"Title": "p"}], system, key="Title")
        assert outcome.ok, outcome.problems
    assert [b["record"]["how"] for b in bodies()] == ["any", "new", "any"]


def test_a_rule_that_has_worked_can_be_purged(system: Context) -> None:
    worked = rule("R")
    calls(worked)
    create_one("TICKET", system, Title="p")
    assert WorkflowState.objects.filter(workflow_rule_id=worked).exists()
    assert records.delete("WORKFLOW_RULE", [worked], system, permanently=True)[0].ok
    assert not WorkflowState.objects.filter(workflow_rule_id=worked).exists()


def test_what_is_purged_from_the_recycle_bin_was_deleted_before(system: Context) -> None:
    calls(rule("R", event="Before Delete"))
    record = create_one("TICKET", system, Title="p")
    assert records.delete("TICKET", [record], system)[0].ok
    assert records.delete("TICKET", [record], system, permanently=True)[0].ok
    assert OutboundMessage.objects.count() == 1


def test_a_deletion_that_is_refused_is_told_to_nobody(system: Context) -> None:
    calls(rule("R", "ACCOUNT", event="Before Delete"))
    used, free = AccountFactory(), AccountFactory()
    create_one("TICKET", system, Title="p", AccountId=str(used))
    outcomes = records.delete("ACCOUNT", [used, free], system)
    assert codes(outcomes) == [["RECORD_IN_USE"], []]
    assert [b["record_id"] for b in bodies()] == [str(free)]
    assert list(WorkflowRun.objects.values_list("record_id", flat=True)) == [free]


def test_a_webhook_carries_the_whole_record(system: Context) -> None:
    calls(rule("R"), Secret="s")
    record = create_one("TICKET", system, Title="p", Amount="1.50", Urgent="1")
    message = OutboundMessage.objects.get()
    (body,) = bodies()
    assert (body["id"], body["event"], body["entity"]) == (str(message.pk), CREATED, "TICKET")
    assert body["record_id"] == body["record"]["Id"] == str(record)
    assert (body["record"]["Title"], body["record"]["Amount"]) == ("p", "1.5")


def test_a_webhook_carries_just_what_its_action_names(system: Context) -> None:
    formulas = {"title": "{!Title}", "double": "{!Amount} * 2", "none": "{!Note}", "on": "true"}
    calls(rule("R"), FieldFormulas=formulas)
    create_one("TICKET", system, Title="p", Amount="1.50")
    (body,) = bodies()
    assert body["record"] == {"title": "p", "double": "3", "none": None, "on": "1"}


def test_personal_data_leaves_by_webhook_only_by_name(system: Context) -> None:
    EntityField.objects.filter(entity__entity_name="TICKET", field_name="Note").update(
        pii_flag=True
    )
    calls(rule("A"))
    create_one("TICKET", system, Title="p", Note="private")
    assert "private" not in OutboundMessage.objects.get().body
    calls(rule("B"), FieldFormulas={"note": "{!Note}"})
    create_one("TICKET", system, Title="p", Note="private")
    assert bodies()[-1]["record"] == {"note": "private"}


def test_a_mail_is_filled_in_and_stays_one_header_line(system: Context) -> None:
    made = rule("R")
    fields = {"Recipient": "a@x.org, {!Mail}", "Subject": "New {!Title}", "Body": "{!Id}: {!Note}"}
    action(made, "EMAIL", **fields)
    sent = {"Title": "x\ty Bcc: evil@x.org", "Note": "{!Title}", "Mail": "b@x.org"}
    record = create_one("TICKET", system, **sent)
    message = OutboundMessage.objects.get()
    assert message.destination == "a@x.org, b@x.org"
    assert message.subject == "New x y Bcc: evil@x.org"
    assert message.body == f"{record}: {{!Title}}"


@pytest.mark.parametrize("held", ["", "nobody", "a@x.org, evil@y.org", "<a@x.org>", "a@x.org\tb@x"])
def test_a_record_adds_no_recipients(held: str, system: Context) -> None:
    fields = {"Recipient": "{!Mail}", "Subject": "s", "Body": "b"}
    action(rule("R"), "EMAIL", **fields)
    create_one("TICKET", system, Title="p", Mail=held)
    assert not OutboundMessage.objects.exists()
    assert "no mail address" in (WorkflowRun.objects.get().message or "")


def test_a_rule_creates_records_with_all_rights_in_the_writer_s_name(
    clerk: Callable[..., Context],
) -> None:
    target = Entity.objects.get(entity_name="PACKAGE", deleted_at=None)
    action(
        rule("Packer"),
        "CREATE_RECORD",
        TargetEntityId=str(target.pk),
        FieldFormulas={"Name": "'for ' || {!Title}"},
    )
    writer = clerk(TICKET="CR")
    create_one("TICKET", writer, Title="p")
    package = Package.objects.get()
    assert (package.name, package.created_user_id) == ("for p", writer.user_id)
    entry = AuditLog.objects.filter(entity_id=target.pk).latest("id")
    assert (entry.user_id, entry.reason) == (writer.user_id, "workflow rule Packer")


def test_the_history_tells_what_the_rule_did_and_what_the_person(
    clerk: Callable[..., Context],
) -> None:
    sets(rule("Farewell", event="Before Delete"), Note="'gone'")
    person = clerk(TICKET="CRUD")
    record = create_one("TICKET", person, Title="p")
    assert records.delete("TICKET", [record], person)[0].ok
    schema = Entity.objects.get(entity_name="TICKET", deleted_at=None)
    entries = AuditLog.objects.filter(entity_id=schema.pk, record_id=record).order_by("id")
    told = list(entries.values_list("action", "reason", "user_id"))
    assert [(reason, user) for _, reason, user in told] == [
        ("test", person.user_id),
        ("workflow rule Farewell", person.user_id),
        ("test", person.user_id),
    ]


def test_a_failing_action_fails_its_record_alone(system: Context) -> None:
    made = rule("Inverse")
    calls(made)
    sets(made, Note=f"IF({{!Title}} = 'bad', '{'x' * 101}', 'short')")
    rows = [{"Title": "fine"}, {"Title": "bad"}, {"Title": "fine"}]
    outcomes = records.create("TICKET", rows, system)
    assert [len(c) for c in codes(outcomes)] == [0, 1, 0]
    (problem,) = outcomes[1].problems
    assert problem.code == "VALUE_TOO_LONG"
    assert problem.message.startswith("Workflow rule 'Inverse', action 'set_fields': Note")
    written = {o.id for o in outcomes if o.ok}
    assert {int(b["record_id"]) for b in bodies()} == written
    assert len(bodies()) == 2
    assert set(WorkflowRun.objects.values_list("record_id", flat=True)) == written


def test_an_error_tells_nobody_what_he_may_not_read(
    clerk: Callable[..., Context], admin: Context
) -> None:
    account = AccountFactory(Name="Secret Corp")
    made = rule("Copier")
    sets(made, State="{!AccountObj.Name}")
    sent = [{"Title": "p", "AccountId": str(account)}]
    context = clerk(TICKET="CR", ACCOUNT="R")
    name = EntityField.objects.get(external_key="ACCOUNT.Name")
    EntityFieldRole.objects.create(
        role_id=context.role_id, entity_id=name.entity_id, entity_field=name
    )
    (problem,) = records.create("TICKET", sent, context)[0].problems
    assert problem.code == "VALUE_NOT_IN_LIST"
    assert "'Copier'" in problem.message and "State" in problem.message
    assert "Secret Corp" not in problem.message
    (problem,) = records.create("TICKET", sent, admin)[0].problems
    assert "Secret Corp" in problem.message


def test_a_number_that_does_not_fit_is_not_told_either(
    clerk: Callable[..., Context], admin: Context
) -> None:
    account = AccountFactory(Name="98765")
    rate = {"Rate": {"data_type": "MONEY", "data_length": "4,2"}}
    target = custom_entity("SMALL", rate)
    formulas = {"Rate": "NUMBER({!AccountObj.Name})"}
    action(rule("Copier"), "CREATE_RECORD", TargetEntityId=str(target.pk), FieldFormulas=formulas)
    sent = [{"Title": "p", "AccountId": str(account)}]
    (problem,) = records.create("TICKET", sent, clerk(TICKET="CR", ACCOUNT="R"))[0].problems
    assert problem.code == "NUMBER_OUT_OF_RANGE" and "98765" not in problem.message
    (problem,) = records.create("TICKET", sent, admin)[0].problems
    assert "98765" in problem.message


def test_a_rule_whose_field_is_gone_lets_nothing_pass(system: Context) -> None:
    sets(rule("Old", Criteria="{!Title} = 'p'"), Note="{!Text}")
    EntityField.objects.filter(entity__entity_name="TICKET", field_name="Text").delete()
    outcomes = records.create("TICKET", [{"Title": "p"}, {"Title": "other"}], system)
    assert codes(outcomes) == [["VALIDATION_FAILED"], []]
    told = outcomes[0].problems[0].message
    assert "'Old'" in told and "'set_fields'" in told and "'Text'" in told


def test_other_entities_pay_nothing(system: Context) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            create_one("PACKAGE", system, Name=f"p{Package.objects.count()}")
        return len(queries)

    count()
    before = count()
    sets(rule("R"), Note="'x'")
    count()
    assert count() == before


def test_a_thousand_records_take_as_many_statements_as_one(system: Context) -> None:
    made = rule("R", event=WRITTEN, Criteria="{!Title} <> 'x'")
    sets(made, Note="'seen'")
    calls(made)
    calls(rule("Named"), FieldFormulas={"a": "{!Title}"})
    action(made, "EMAIL", Recipient="a@x.org", Subject="{!Title}", Body="b")
    target = Entity.objects.get(entity_name="PACKAGE", deleted_at=None)
    action(
        made,
        "CREATE_RECORD",
        TargetEntityId=str(target.pk),
        FieldFormulas={"Name": "'for ' || {!Title}"},
    )

    def count(size: int) -> int:
        first = OutboundMessage.objects.count()
        rows = [{"Title": f"p{first + n}"} for n in range(size)]
        with CaptureQueriesContext(connection) as queries:
            assert all(o.ok for o in records.create("TICKET", rows, system))
        return len(queries)

    count(1)
    assert (count(1), count(1000)) == (STATEMENTS[1], STATEMENTS[1000])
    assert OutboundMessage.objects.count() == 3 * 1002
    assert Package.objects.count() == 1002
    with connection.cursor() as cursor:
        note = held_column("Note")
        cursor.execute(f"SELECT count(*) FROM brm_ticket WHERE {note} = 'seen'")
        assert cursor.fetchone() == (1002,)


#: Records -> statements of creating them with two rules and five actions; more than a few records
#: are copied into their table, which takes a statement more than an INSERT.
STATEMENTS = {1: 37, 1000: 40}


def held_column(name: str) -> str:
    from entities.schema.current import current

    return str(current().entity("TICKET").field(name).column)


def test_counters_are_raised_after_the_commit(
    system: Context, django_capture_on_commit_callbacks: Any
) -> None:
    made = rule("R")
    sets(made, Note="'x'")
    with django_capture_on_commit_callbacks(execute=True):
        records.create("TICKET", [{"Title": "a"}, {"Title": "b"}], system)
    state = WorkflowState.objects.get(pk=made)
    assert (state.total_actions, state.failed_actions) == (2, 0)
    (row,) = json.loads(records.retrieve("WORKFLOW_RULE", [made], system))
    assert row["CounterTotalAction"] == "2"


def test_deactivated_rules_and_actions_do_nothing(system: Context) -> None:
    sets(rule("Off", Status="DEACTIVATED"), Note="'x'")
    off = {"Status": "DEACTIVATED", "FieldFormulas": {"Note": "'x'"}}
    action(rule("On"), "SET_FIELDS", **off)
    assert held(create_one("TICKET", system, Title="p"), "Note") == [None]
