"""CloudEvents over HTTP: POST /ORG/events/1.0/COLLECTOR, structured or batched, in JSON.

All events of a request are kept, or none: then the answer is 202, and their collector's next load
takes them. Whoever sends them may create COLLECTOR_FIELDS and see the collector.
"""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from billing.mediation.models import ActivityCollector
from billing.mediation.sources import events
from entities import query
from entities.access.rights import require, rights
from entities.api.bodies import body_of
from entities.api.callers import caller, is_id
from entities.api.envelope import MOST_RECORDS
from entities.api.errors import JSON, MethodNotAllowed, answer_to
from entities.api.limits import told
from entities.api.organisations import require_our_own
from entities.errors import Code, RequestError
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.observability.facts import facts
from metabrm.web.middleware import request_id_of

ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
_NEEDED = ("id", "source", "specversion", "type")


@csrf_exempt
def receive(request: HttpRequest, collector: str, org: str = "") -> HttpResponse:
    """Keep the events of a request."""
    try:
        require_our_own(org)
        facts().org = org
        facts().verb = "receive"
        if request.method != "POST":
            raise MethodNotAllowed(request.method or "", {"POST": receive}, "")
        context, snapshot = caller(request)
        found = _collector(collector, context, snapshot)
        sent = events_in(request.content_type or "", body_of(request))
        events.keep(found.pk, sent)
        answer = HttpResponse(b'{"accepted":%d}' % len(sent), content_type=JSON, status=202)
        return told(request, answer)
    except Exception as error:
        # Whatever happened, the client gets an answer in JSON.
        return told(request, answer_to(error, request_id_of(request)))


def _collector(text: str, context: Context, snapshot: Snapshot) -> ActivityCollector:
    schema = snapshot.entity("COLLECTOR_FIELDS")
    require(rights(snapshot, context, schema).create, context, "create", schema)
    named = {"pk": int(text)} if is_id(text) else {"activity_collector_name": text}
    found = ActivityCollector.objects.filter(**named, deleted_at=None).first()
    seen = found and query.retrieve_ids("ACTIVITY_COLLECTOR", [found.pk], context).count
    if not found or not seen:
        raise RequestError(
            Code.RECORD_NOT_FOUND,
            f"There is no ACTIVITY_COLLECTOR {text[:80]!r}; name it by its Id or its "
            f"ActivityCollectorName.",
        )
    if found.type != "API" or found.status == "DEACTIVATED":
        raise RequestError(
            Code.VALIDATION_FAILED,
            f"{found.activity_collector_name} takes no events: it is of Type {found.type} and its "
            f"Status is {found.status}; it must be of Type API, and not DEACTIVATED.",
        )
    return found


def events_in(content_type: str, body: bytes) -> list[str]:
    """The events of a body, each as JSON of one line. RequestError MALFORMED_REQUEST."""
    if content_type not in (ONE, MANY):
        raise RequestError(
            Code.MALFORMED_REQUEST,
            f"Content-Type is {content_type[:80]!r}; send {ONE}, or {MANY} for a list.",
        )
    try:
        read = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(Code.MALFORMED_REQUEST, f"The body is no JSON: {error}.") from None
    found: Any = [read] if content_type == ONE else read
    if not isinstance(found, list) or not found:
        raise RequestError(Code.MALFORMED_REQUEST, "The body is no list of events.")
    if len(found) > MOST_RECORDS:
        raise RequestError(
            Code.REQUEST_TOO_LARGE,
            f"{len(found):,} events in one request; at most {MOST_RECORDS:,} are taken.",
        )
    for place, event in enumerate(found):
        _check(place, event)
    if content_type == ONE:
        return [_line(body)]
    return [_line(raw) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]


def _line(raw: Any) -> str:
    """An event as it was sent, its numbers as they are, on one line."""
    return msgspec.json.format(bytes(raw), indent=-1).decode().replace("\n", " ")


def _check(place: int, event: object) -> None:
    if not isinstance(event, dict):
        raise RequestError(Code.MALFORMED_REQUEST, f"Event {place} is no JSON object.")
    for name in _NEEDED:
        value = event.get(name)
        if not isinstance(value, str) or not value or "\0" in value:
            raise RequestError(
                Code.MALFORMED_REQUEST,
                f"Event {place} has no {name}, which CloudEvents asks for: a text that is not "
                f"empty.",
                field=name,
            )
    if event["specversion"] != "1.0":
        raise RequestError(
            Code.MALFORMED_REQUEST,
            f"Event {place} is of specversion {event['specversion'][:20]!r}; 1.0 is taken.",
            field="specversion",
        )
