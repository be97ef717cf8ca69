"""What waits in the outbox is sent, signed, again after a failure, and by one sender at a time."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from entities import records
from entities.automation import delivery, outbox, webhook
from entities.models.workflow import OutboundMessage, OutboundMessageAttempt, WorkflowState
from metabrm import clock
from metabrm.identity.context import Context
from tests.entities.automation import waiting
from tests.entities.automation.receiver import Receiver, status, subprocess_environment
from tests.patience import STUCK

pytestmark = pytest.mark.django_db


def message(number: int) -> OutboundMessage:
    return OutboundMessage.objects.get(pk=number)


def test_a_webhook_is_signed_as_integrators_are_told(receiver: Receiver) -> None:
    """The snippet of docs/integrators.md judges a real delivery."""
    text = (Path(__file__).parents[3] / "docs" / "integrators.md").read_text(encoding="utf-8")
    snippet = text.split("## Webhooks")[1].split("```python")[1].split("```")[0]
    told: dict[str, Any] = {}
    exec(snippet, told)
    is_genuine = told["is_genuine"]
    (number,) = waiting.put(receiver.url, waiting.action(), body='{"name": "Zoë"}')
    assert delivery.deliver() == 1
    ((path, headers, body),) = receiver.requests
    assert (path, body) == ("/hook?a=1", '{"name": "Zoë"}'.encode())
    assert headers["X-BRM-Delivery"] == str(number)
    signature = headers["X-BRM-Signature"]
    assert is_genuine("s3cret", signature, body)
    assert not is_genuine("other", signature, body)
    assert not is_genuine("s3cret", signature, body + b" ")
    assert not is_genuine("s3cret", signature, body, seconds=-1)
    instant = signature.split(",")[0].removeprefix("t=")
    later = signature.replace(instant, str(int(instant) + 1))
    assert not is_genuine("s3cret", later, body)
    sent = message(number)
    assert (sent.status, sent.attempts, sent.next_attempt_at) == ("SENT", 1, None)
    attempt = OutboundMessageAttempt.objects.get(outbound_message=sent)
    assert (attempt.response_code, attempt.response, attempt.error) == (200, "thanks", None)


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    waiting.put(receiver.url, waiting.action(secret=None))
    delivery.deliver()
    assert "X-BRM-Signature" not in receiver.requests[0][1]


def test_a_failure_is_tried_again_for_a_day_and_then_given_up(receiver: Receiver) -> None:
    receiver.respond = status(500, b"broken " * 1000)
    action = waiting.action()
    start = clock.now()
    with clock.frozen(start):
        (number,) = waiting.put(receiver.url, action)
        assert (delivery.deliver(), delivery.deliver()) == (1, 0)
    for attempt in range(2, outbox.TRIES + 1):
        due = message(number).next_attempt_at
        assert due is not None
        with clock.frozen(due - timedelta(seconds=1)):
            assert delivery.deliver() == 0
        with clock.frozen(due):
            assert delivery.deliver() == 1
        assert message(number).attempts == attempt
    assert timedelta(hours=18) < due - start < timedelta(hours=30)
    assert (message(number).status, message(number).next_attempt_at) == ("FAILED", None)
    assert WorkflowState.objects.get(pk=action.workflow_rule_id).failed_actions == 1
    tries = OutboundMessageAttempt.objects.filter(outbound_message_id=number)
    assert len({r[1]["X-BRM-Delivery"] for r in receiver.requests}) == 1
    assert {(t.response_code, len(t.response or "")) for t in tries} == {(500, 1000)}
    receiver.respond = status(204)
    again = {"Id": number, "Status": "PENDING"}
    assert records.update("OUTBOUND_MESSAGE", [again], Context.system("test"))[0].ok
    assert (delivery.deliver(), delivery.deliver()) == (1, 0)
    assert message(number).status == "SENT"


def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver) -> None:
    receiver.respond = status(302, Location=receiver.url)
    (number,) = waiting.put(receiver.url, waiting.action())
    delivery.deliver()
    assert len(receiver.requests) == 1
    assert message(number).status == "PENDING"


def _drip(handler: BaseHTTPRequestHandler) -> None:
    try:
        for byte in b"HTTP/1.0 200 OK\r\nX: " + b"y" * 1000:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.05)
    except OSError:
        return


def _sleep(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(2)


@pytest.mark.parametrize("slow", [_drip, _sleep])
def test_slow_receivers_are_left(
    receiver: Receiver, slow: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "READ_SECONDS", 0.5)
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 1.0)
    receiver.respond = slow
    (number,) = waiting.put(receiver.url, waiting.action())
    started = time.monotonic()
    delivery.deliver()
    assert time.monotonic() - started < 1.9
    attempt = OutboundMessageAttempt.objects.get(outbound_message_id=number)
    assert "No answer" in (attempt.error or "")
    assert message(number).status == "PENDING"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:{port}/", "inside the network"),
        ("http://localhost:{port}/", "inside the network"),
        ("http://[::1]:{port}/", "inside the network"),
        ("http://[::ffff:127.0.0.1]:{port}/", "inside the network"),
        ("http://2130706433:{port}/", "inside the network"),
        ("http://0:{port}/", "inside the network"),
        ("http://10.0.0.1/", "inside the network"),
        ("http://[fec0::1]/", "inside the network"),
        ("http://169.254.169.254/latest/meta-data/", "inside the network"),
        ("http://[fe80::1]/", "inside the network"),
        ("http://[64:ff9b::7f00:1]/", "inside the network"),
        ("http://224.0.0.1/", "inside the network"),
        ("file:///etc/passwd", "no web address"),
        ("http://user:pw@example.com/", "user name"),
        ("http://example.com:99999/", "no web address"),
        ("http://example.com/a b", "percent-encoded"),
    ],
)
def test_nothing_inside_the_network_is_called(
    receiver: Receiver, setting: Callable[..., None], url: str, why: str
) -> None:
    setting(webhook_private_hosts=())
    port = receiver.url.split(":")[2].split("/")[0]
    (number,) = waiting.put(url.replace("{port}", port), waiting.action())
    delivery.deliver()
    assert receiver.requests == []
    assert message(number).status == "FAILED"
    error = OutboundMessageAttempt.objects.get(outbound_message_id=number).error
    assert why in (error or "")


def test_the_address_that_was_checked_is_the_one_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers differently the second time leads nowhere else."""
    import socket

    asked: list[str] = []
    real = socket.getaddrinfo

    def once(host: str, *args: object, **kwargs: object) -> object:
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", once)
    waiting.put(receiver.url.replace("127.0.0.1", "hook.example"), waiting.action())
    delivery.deliver()
    assert asked == ["hook.example"]
    assert len(receiver.requests) == 1
    assert receiver.requests[0][1]["Host"].startswith("hook.example")


def test_what_is_rolled_back_is_never_sent(receiver: Receiver) -> None:
    action = waiting.action()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        waiting.put(receiver.url, action)
        raise ZeroDivisionError
    assert delivery.deliver() == 0


def test_who_comes_back_after_his_lease_changes_nothing(receiver: Receiver) -> None:
    (number,) = waiting.put(receiver.url, waiting.action())
    late = outbox.claim()
    assert late is not None
    assert outbox.claim() is None
    with clock.frozen(clock.now() + outbox.LEASE + timedelta(seconds=1)):
        assert delivery.deliver() == 1
    outbox.settle(late, outbox.Result(False, error="late"))
    assert message(number).status == "SENT"
    assert OutboundMessageAttempt.objects.filter(outbound_message_id=number).count() == 2


def test_a_message_that_kills_its_sender_is_given_up(receiver: Receiver) -> None:
    (number,) = waiting.put(receiver.url, waiting.action())
    died = 0
    while message(number).status != "FAILED":
        with clock.frozen(clock.now() + (died + 1) * (outbox.LEASE + timedelta(seconds=1))):
            if outbox.claim() is not None:
                died += 1
        assert died <= outbox.TRIES
    assert died == outbox.TRIES
    (attempt,) = OutboundMessageAttempt.objects.filter(outbound_message_id=number)
    assert "died" in (attempt.error or "")


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_message_once(receiver: Receiver) -> None:
    numbers = waiting.put(receiver.url, waiting.action(), 40)

    def send() -> None:
        try:
            delivery.deliver()
        finally:
            connection.close()

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(STUCK)
    arrived = [json.loads(body)["id"] for _, _, body in receiver.requests]
    assert sorted(map(int, arrived)) == numbers
    assert set(OutboundMessage.objects.values_list("status", flat=True)) == {"SENT"}


def test_a_claim_takes_one_message_however_the_database_plans_it(receiver: Receiver) -> None:
    """Where it takes the outbox for nearly empty it looks for what is due again for each row."""
    action = waiting.action()
    waiting.put(receiver.url, action)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE entities_outboundmessage")
    waiting.put(receiver.url, action, 39)
    assert outbox.claim() is not None
    assert OutboundMessage.objects.filter(status="SENDING").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_killed_sender_s_message_is_sent_by_another(receiver: Receiver) -> None:
    arrived = threading.Event()
    go_on = threading.Event()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        go_on.wait(STUCK)

    receiver.respond = hold
    (number,) = waiting.put(receiver.url, waiting.action())
    sender = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import django; django.setup(); from entities.automation import delivery;"
            " delivery.deliver()",
        ],
        env=subprocess_environment(BRM_WEBHOOK_PRIVATE_HOSTS="127.0.0.1"),
    )
    assert arrived.wait(STUCK)
    sender.send_signal(signal.SIGKILL)
    sender.wait()
    go_on.set()
    assert message(number).status == "SENDING"
    receiver.respond = status(200)
    assert delivery.deliver() == 0
    with clock.frozen(clock.now() + outbox.LEASE + timedelta(seconds=1)):
        assert delivery.deliver() == 1
    assert message(number).status == "SENT"
    assert [h["X-BRM-Delivery"] for _, h, _ in receiver.requests] == [str(number)] * 2
