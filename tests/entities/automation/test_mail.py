"""Mail goes through the operator's server, or waits and says what is missing."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from entities.automation import delivery
from entities.models.workflow import OutboundMessage, OutboundMessageAttempt
from metabrm.environment.values import MailServer
from tests.entities.automation import waiting

pytestmark = pytest.mark.django_db


class Box:
    """Keeps what arrives; refuses what `refusal` says."""

    def __init__(self) -> None:
        self.arrived: list[Any] = []
        self.refusal = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusal:
            return self.refusal
        self.arrived.append(envelope)
        return "250 kept"


@pytest.fixture
def box(setting: Callable[..., None]) -> Iterator[Box]:
    handler = Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    setting(
        mail_server=MailServer("127.0.0.1", port, "", "", "off"), mail_from="B <brm@example.com>"
    )
    yield handler
    controller.stop()


def attempt() -> OutboundMessageAttempt:
    return OutboundMessageAttempt.objects.get()


def test_a_mail_arrives_with_its_own_number(box: Box) -> None:
    action = waiting.action("EMAIL")
    (number,) = waiting.put("a@x.org, b@x.org", action, subject="Zoë's bill", body="Hello\n.\nend")
    delivery.deliver()
    (mail,) = box.arrived
    assert (mail.mail_from, mail.rcpt_tos) == ("brm@example.com", ["a@x.org", "b@x.org"])
    text = mail.content.decode()
    assert f"Message-ID: <{number}.brm@example.com>" in text
    assert "From: B <brm@example.com>" in text
    assert OutboundMessage.objects.get().status == "SENT"


def test_a_line_break_makes_no_header(box: Box) -> None:
    action = waiting.action("EMAIL")
    waiting.put("a@x.org", action, subject="Hi\nBcc: evil@x.org", body="x")
    waiting.put("a@x.org\nBcc: evil@x.org", action, subject="Hi", body="x")
    delivery.deliver()
    assert box.arrived == []
    assert set(OutboundMessage.objects.values_list("status", flat=True)) == {"FAILED"}


def test_a_refusal_is_logged_and_tried_again(box: Box) -> None:
    box.refusal = "451 later please"
    waiting.put("a@x.org", waiting.action("EMAIL"), subject="Hi", body="x")
    delivery.deliver()
    assert (attempt().response_code, attempt().response) == (451, "later please")
    assert OutboundMessage.objects.get().status == "PENDING"


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"mail_server": None}, "BRM_MAIL_URL"),
        (
            {"mail_server": MailServer("127.0.0.1", 1, "", "", "off"), "mail_from": None},
            "BRM_MAIL_FROM",
        ),
    ],
)
def test_without_a_mail_server_it_waits_and_says_what_is_missing(
    setting: Callable[..., None], settings: dict[str, Any], missing: str
) -> None:
    setting(**settings)
    waiting.put("a@x.org", waiting.action("EMAIL"), subject="Hi", body="x")
    delivery.deliver()
    assert OutboundMessage.objects.get().status == "PENDING"
    assert missing in (attempt().error or "")
