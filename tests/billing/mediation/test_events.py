"""CloudEvents are kept when they are sent, and charged once however often they come."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from billing.mediation import sources
from billing.mediation.cloudevents import MANY, ONE, events_in
from billing.mediation.models import ActivityCollectorHistory
from entities.errors import RequestError
from metabrm.identity.models import Role, User
from metabrm.identity.sessions import open_session
from tests.billing.mediation.standing import Standing, drive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("untold")]


@pytest.fixture
def standing() -> Standing:
    return Standing().maps(
        {"BillingIdentifier": "subject", "ACTIVITY_DATE": "time", "Quantity": "data.bytes"}
    )


def event(standing: Standing, number: int, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "/cells/7",
        "type": "traffic",
        "subject": standing.token,
        "time": "2026-11-01T10:00:00Z",
        "data": {"bytes": number},
        **more,
    }


def sender(administrator: bool = True) -> str:
    role = Role.objects.create(name=f"events {administrator}", administrator_flag=administrator)
    user = User.objects.create(username=f"sender-{administrator}", role=role, status="ACTIVE")
    return open_session(user)


def post(standing: Standing, body: Any, kind: str = ONE, session: str | None = None) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client().post(
        f"/demogm/events/1.0/{standing.collector}",
        data,
        content_type=kind,
        headers={"sessionid": session or sender()},
    )


def test_events_are_charged_once(standing: Standing) -> None:
    session = sender()
    first = post(standing, event(standing, 1), session=session)
    assert (first.status_code, first.json()) == (202, {"accepted": 1})
    several = [event(standing, 1), event(standing, 2), event(standing, 3, subject="nobody")]
    assert post(standing, several, MANY, session).json() == {"accepted": 3}
    for load in sources.gather_events():
        drive(load)
    # It comes again, because its sender got no answer; another source has ids of its own.
    again = [event(standing, 2), event(standing, 2, source="/cells/8")]
    assert post(standing, again, MANY, session).status_code == 202
    for load in sources.gather_events():
        drive(load)
    assert standing.lines("quantity") == [(Decimal(1),), (Decimal(2),), (Decimal(2),)]
    counts = ActivityCollectorHistory.objects.filter(activity_collector_id=standing.collector)
    assert list(
        counts.order_by("id").values_list("record_count", "duplicate_count", "suspended_count")
    ) == [(4, 1, 1), (2, 1, 0)]
    assert sources.gather_events() == []


@pytest.mark.parametrize(
    ("body", "kind", "status", "told"),
    [
        ({"id": "1"}, ONE, 400, "Event 0 has no source"),
        ({"id": "1"}, MANY, 400, "no list of events"),
        ([], MANY, 400, "no list of events"),
        ([1], MANY, 400, "Event 0 is no JSON object"),
        (b"{", ONE, 400, "no JSON"),
        (b"{}", "application/json", 400, "Content-Type is 'application/json'"),
        (
            {"id": "1", "source": "a", "type": "b", "specversion": "0.3"},
            ONE,
            400,
            "of specversion '0.3'",
        ),
    ],
)
def test_what_is_no_event_is_refused(
    standing: Standing, body: Any, kind: str, status: int, told: str
) -> None:
    answer = post(standing, body, kind)
    assert answer.status_code == status
    assert told in answer.content.decode()
    assert sources.gather_events() == []


HEADERS = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/cells/7",
    "ce-type": "traffic",
    "ce-time": "2026-11-01T10:00:00Z",
}

# Type of the data, further headers, the data, and the event that they make.
BINARY: list[tuple[str, dict[str, str], bytes, dict[str, Any]]] = [
    ("application/json", {}, b'{"bytes":\n 1.50}', {"data": {"bytes": 1.5}}),
    ("application/vnd.cell+json", {}, b"[1]", {"data": [1]}),
    ("text/plain", {}, "é\n".encode(), {"data": "é\n"}),
    ("application/xml", {}, b"<a/>", {"data": "<a/>"}),
    ("application/octet-stream", {}, b"\xff\x00", {"data_base64": "/wA="}),
    ("", {}, b"7", {"data": 7}),
    ("application/json", {}, b"", {}),
    ("text/plain", {"CE-Subject": "%C3%A9%20%22a%22"}, b"", {"subject": 'é "a"'}),
    ("text/plain", {"ce-subject": '"a \\"b\\" c"'}, b"", {"subject": 'a "b" c'}),
    ("text/plain", {"ce-cell7": "x"}, b"", {"cell7": "x"}),
]


@pytest.mark.parametrize(("kind", "more", "body", "made"), BINARY)
def test_an_event_whose_attributes_are_headers(
    kind: str, more: dict[str, str], body: bytes, made: dict[str, Any]
) -> None:
    (line,) = events_in(kind, HEADERS | more, body)
    assert "\n" not in line
    attributes = {name[3:]: text for name, text in HEADERS.items()}
    of_type = {"datacontenttype": kind} if kind else {}
    assert json.loads(line) == attributes | of_type | made


def test_numbers_of_data_stay_as_they_were_sent() -> None:
    (line,) = events_in("application/json", HEADERS, b'{"bytes": 1.500000000000000000001}')
    assert line.endswith('"data":{"bytes":1.500000000000000000001}}')


@pytest.mark.parametrize(
    ("kind", "more", "body", "told"),
    [
        ("application/json", {"ce-id": ""}, b"1", "Event 0 has no id"),
        ("application/json", {"ce-specversion": "2.0"}, b"1", "of specversion '2.0'"),
        ("application/json", {}, b"{", "The body is no JSON"),
        ("application/json", {}, b'{"a": 1}, "source": "/other"', "The body is no JSON"),
        ("text/plain", {}, b"\xff", "but no UTF-8"),
        ("text/plain", {"ce-subject": "%FF"}, b"", "ce-subject is no text"),
        ("text/plain", {"ce-subject": "é"}, b"", "é as %C3%A9"),
        ("text/plain", {"ce-id": "%00"}, b"", "Event 0 has no id"),
        ("text/plain", {"ce-data": "x"}, b"", "ce-data is no attribute"),
        ("text/plain", {"ce-datacontenttype": "x/y"}, b"", "ce-datacontenttype is no attribute"),
        ("text/plain", {"ce-a-b": "x"}, b"", "ce-a-b is no attribute"),
        (
            "application/cloudevents+avro",
            {},
            b"x",
            "Content-Type is 'application/cloudevents+avro'",
        ),
    ],
)
def test_headers_that_are_no_event_are_refused(
    kind: str, more: dict[str, str], body: bytes, told: str
) -> None:
    with pytest.raises(RequestError) as wrong:
        events_in(kind, HEADERS | more, body)
    assert wrong.value.code == "MALFORMED_REQUEST"
    assert told in wrong.value.message


def test_binary_events_are_charged_like_others(standing: Standing) -> None:
    about = {**HEADERS, "ce-subject": standing.token, "sessionid": sender()}
    for _ in range(2):
        answer = Client().post(
            f"/demogm/events/1.0/{standing.collector}",
            b'{"bytes": 5}',
            content_type="application/json; charset=utf-8",
            headers=about,
        )
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    for load in sources.gather_events():
        drive(load)
    assert standing.lines("quantity") == [(Decimal(5),)]


def test_who_may_not_send_usage_is_refused(standing: Standing) -> None:
    unknown = post(standing, event(standing, 1), session="nobody")
    assert unknown.json()["error"] == "INVALID_SESSION_ID"
    refused = post(standing, event(standing, 1), session=sender(administrator=False))
    assert "may not create COLLECTOR_FIELDS" in refused.content.decode()
    standing.collector = 0
    assert "no ACTIVITY_COLLECTOR" in post(standing, event(standing, 1)).content.decode()
    assert sources.gather_events() == []
