"""CloudEvents over HTTP: POST /ORG/events/1.0/COLLECTOR, structured, batched or binary.

All events of a request are kept, or none: then the answer is 202, and their collector's next load
takes them. Whoever sends them may create COLLECTOR_FIELDS and see the collector.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from billing.mediation.cloudevents import MANY, ONE, events_in
from billing.mediation.models import ActivityCollector
from billing.mediation.sources import events
from entities import query
from entities.access.rights import require, rights
from entities.api.bodies import body_of
from entities.api.callers import caller, is_id
from entities.api.endpoints import Door
from entities.api.envelope import MOST_RECORDS
from entities.api.errors import JSON, MethodNotAllowed, answer_to
from entities.api.limits import told
from entities.api.openapi.shared import TEXT, content, errors, thing
from entities.api.openapi.viewing import View
from entities.api.organisations import require_our_own
from entities.errors import Code, RequestError
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.observability.facts import facts
from metabrm.web.middleware import request_id_of

Json = dict[str, Any]


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
        sent = events_in(request.content_type or "", request.headers, body_of(request))
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


def _usable(view: View) -> bool:
    return view.granted["COLLECTOR_FIELDS"].create and view.granted["ACTIVITY_COLLECTOR"].read


def _describe() -> Json:
    attribute = TEXT | {"minLength": 1}
    event = {
        "type": "object",
        "properties": {
            "id": attribute | {"description": "Known with its source: sent again, charged once."},
            "source": attribute,
            "specversion": {"const": "1.0"},
            "type": attribute,
            "data": {"description": "What the collector's maps read: data.bytes."},
        },
        "required": ["id", "source", "specversion", "type"],
    }
    header = {"in": "header", "schema": TEXT}
    said = "Binary mode: the attribute of that name; any other is sent likewise."
    names = ("ce-id", "ce-source", "ce-specversion", "ce-type", "ce-subject", "ce-time")
    accepted = thing(
        ["accepted"], accepted={"type": "integer", "description": "Events that are kept."}
    )
    return {
        "parameters": [
            {
                "name": "collector",
                "in": "path",
                "required": True,
                "description": "Id or ActivityCollectorName of a collector of Type API.",
                "schema": TEXT,
            }
        ],
        "post": {
            "operationId": "events.post",
            "summary": "Send usage as CloudEvents",
            "description": "One event, a batch, or in binary mode the data of one whose attributes "
            "are headers. All events of a request are kept, or none; the collector's next load "
            "takes them.",
            "tags": ["COLLECTOR_FIELDS"],
            "parameters": [{"name": name, "description": said, **header} for name in names],
            "requestBody": {
                "required": False,
                "content": {
                    ONE: {"schema": event},
                    MANY: {
                        "schema": {
                            "type": "array",
                            "items": event,
                            "minItems": 1,
                            "maxItems": MOST_RECORDS,
                        }
                    },
                    "application/json": {"schema": {"description": "Binary mode: the data."}},
                },
            },
            "responses": {
                "202": {"description": "They are kept.", **content(accepted)},
                **errors(400, 403, 404, 413),
            },
        },
    }


#: The door in the description of the API.
EVENTS = Door("/events/1.0/{collector}", _usable, _describe)
