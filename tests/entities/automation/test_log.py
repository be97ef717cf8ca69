"""The delivery log: who reads it, who sends again what was given up, and how long it is kept."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from entities import records
from entities.automation import delivery, trimming
from entities.models import Entity
from entities.models.workflow import OutboundMessage, OutboundMessageAttempt, WorkflowRun
from metabrm import clock
from metabrm.celery import app
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User
from tests.entities.acting import codes, create_one
from tests.entities.automation import waiting
from tests.entities.automation.receiver import Receiver, status

pytestmark = pytest.mark.django_db


def failed(url: str = "https://example.com/") -> int:
    (number,) = waiting.put(url, waiting.action())
    OutboundMessage.objects.filter(pk=number).update(
        status="FAILED", attempts=8, next_attempt_at=None
    )
    return number


def browser(context: Context | None = None) -> Client:
    client = Client()
    if context is None:
        role = Role.objects.create(name="Boss", administrator_flag=True)
        client.force_login(User.objects.create(username="boss", role=role))
    else:
        client.force_login(User.objects.get(pk=context.user_id))
    return client


def test_a_message_that_was_given_up_is_sent_again(system: Context, receiver: Receiver) -> None:
    number = failed(receiver.url)
    assert delivery.deliver() == 0
    (outcome,) = records.update("OUTBOUND_MESSAGE", [{"Id": number, "Status": "PENDING"}], system)
    assert outcome.ok, outcome.problems
    assert delivery.deliver() == 1
    message = OutboundMessage.objects.get(pk=number)
    assert (message.status, message.attempts) == ("SENT", 1)


@pytest.mark.parametrize(
    ("now", "wanted", "ok"),
    [
        ("FAILED", "PENDING", True),
        ("SENT", "PENDING", False),
        ("SENDING", "PENDING", False),
        ("PENDING", "SENT", False),
        ("FAILED", "SENT", False),
        ("PENDING", "PENDING", True),
    ],
)
def test_that_is_the_only_change(now: str, wanted: str, ok: bool, system: Context) -> None:
    number = failed()
    OutboundMessage.objects.filter(pk=number).update(status=now)
    sent = {"Id": number, "Status": wanted, "Destination": "https://evil.example/"}
    (outcome,) = records.update("OUTBOUND_MESSAGE", [sent], system)
    assert outcome.ok == ok
    message = OutboundMessage.objects.get(pk=number)
    assert message.destination == "https://example.com/"
    assert message.status == (wanted if ok else now)


def test_the_log_is_neither_written_nor_deleted(system: Context) -> None:
    number = failed()
    row = {"Status": "PENDING"}
    assert codes(records.create("OUTBOUND_MESSAGE", [row], system)) == [["READ_ONLY_ENTITY"]]
    assert codes(records.delete("OUTBOUND_MESSAGE", [number], system)) == [["READ_ONLY_ENTITY"]]
    assert OutboundMessage.objects.filter(pk=number).exists()


def test_the_button_sends_again(clerk: Callable[..., Context]) -> None:
    number = failed()
    boss = browser()
    address = f"/admin/entities/outboundmessage/{number}/"
    assert "Send again" in boss.get(f"{address}change/").content.decode()
    assert boss.get(f"{address}retry/").status_code == 405
    assert boss.post(f"{address}retry/").status_code == 302
    assert OutboundMessage.objects.get(pk=number).status == "PENDING"
    shown = boss.get(f"{address}change/").content.decode()
    assert 'brm-button">Send again' not in shown and 'name="Status"' not in shown
    other = failed()
    reader = browser(clerk(OUTBOUND_MESSAGE="R"))
    address = f"/admin/entities/outboundmessage/{other}/"
    assert 'brm-button">Send again' not in reader.get(f"{address}change/").content.decode()
    assert reader.post(f"{address}retry/").status_code == 403
    assert OutboundMessage.objects.get(pk=other).status == "FAILED"


def test_the_list_s_action_sends_again() -> None:
    first, second = failed(), failed()
    OutboundMessage.objects.filter(pk=second).update(status="SENT")
    sent = {"action": "send_again", "_selected_action": [first, second]}
    answer = browser().post("/admin/entities/outboundmessage/", sent, follow=True)
    told = answer.content.decode()
    assert "1 message will be sent." in told
    assert f"Message {second}: Status SENT can&#x27;t become PENDING" in told
    assert OutboundMessage.objects.get(pk=first).status == "PENDING"


def test_what_is_over_goes_after_the_days_of_its_entity() -> None:
    now = clock.now()
    Entity.objects.filter(entity_name="OUTBOUND_MESSAGE").update(retention_days=10)
    Entity.objects.filter(entity_name="WORKFLOW_RUN").update(retention_days=20)
    action = waiting.action()
    numbers = waiting.put("https://example.com/", action, 4)
    old, young = now - timedelta(days=11), now - timedelta(days=9)
    for number, state, created in zip(
        numbers, ("SENT", "FAILED", "PENDING", "SENT"), (old, old, old, young), strict=True
    ):
        OutboundMessage.objects.filter(pk=number).update(status=state, created=created)
        OutboundMessageAttempt.objects.create(
            outbound_message_id=number, attempted_at=created, milliseconds=1
        )
    for days in (19, 21):
        WorkflowRun.objects.create(
            workflow_rule_id=action.workflow_rule_id,
            entity_id=1,
            run_at=now - timedelta(days=days),
            status="DONE",
        )
    assert trimming.trim() == {"OUTBOUND_MESSAGE": 2, "WORKFLOW_RUN": 1}
    assert list(OutboundMessage.objects.order_by("id").values_list("pk", flat=True)) == numbers[2:]
    left = OutboundMessageAttempt.objects.values_list("outbound_message_id", flat=True)
    assert sorted(left) == numbers[2:]
    assert trimming.trim() == {"OUTBOUND_MESSAGE": 0, "WORKFLOW_RUN": 0}


def test_a_secret_is_read_nowhere(admin: Context) -> None:
    action = waiting.action(secret="s3cret-key")
    (row,) = json.loads(records.retrieve("WORKFLOW_ACTION", [action.pk], admin))
    assert "s3cret-key" not in json.dumps(row)
    (outcome,) = records.update(
        "WORKFLOW_ACTION",
        [{"Id": action.pk, "Secret": "other-secret-key", "ActionType": "EMAIL"}],
        admin,
    )
    assert "secret-key" not in str(outcome)
    shown = browser().get(f"/admin/entities/workflowaction/{action.pk}/change/").content.decode()
    assert "s3cret-key" not in shown


def test_from_a_record_to_a_receiver_that_fails_twice(receiver: Receiver, admin: Context) -> None:
    """What a person's write sets off arrives, under one number, when the receiver is well again."""
    target = Entity.objects.get(entity_name="PRODUCT", deleted_at=None)
    rule = {"EntityId": str(target.pk), "RuleName": "Tell", "Event": "After Create"}
    made = create_one("WORKFLOW_RULE", admin, **rule, Criteria="{!Name} = 'x'")
    sent = {"ActionName": "hook", "ActionType": "WEBHOOK", "Url": receiver.url, "Secret": "s"}
    create_one("WORKFLOW_ACTION", admin, WorkflowRuleId=str(made), **sent)
    product = create_one("PRODUCT", admin, Name="x")
    create_one("PRODUCT", admin, Name="y")
    answers = [status(500), status(503), status(200, b"thanks")]
    receiver.respond = lambda handler: answers.pop(0)(handler)
    at = clock.now()
    for _ in range(3):
        with clock.frozen(at):
            assert delivery.deliver() == 1
        due = OutboundMessage.objects.get().next_attempt_at
        at = due or at
    assert OutboundMessage.objects.get().status == "SENT"
    tries = OutboundMessageAttempt.objects.order_by("id").values_list("response_code", flat=True)
    assert list(tries) == [500, 503, 200]
    assert len({headers["X-BRM-Delivery"] for _, headers, _ in receiver.requests}) == 1
    bodies = {body for _, _, body in receiver.requests}
    assert len(bodies) == 1
    body = json.loads(bodies.pop())
    assert (body["event"], body["record_id"]) == ("After Create", str(product))
    assert body["record"]["Name"] == "x"


def test_what_beat_runs_is_there() -> None:
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks, entry["task"]
