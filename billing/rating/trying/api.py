"""POST /mediation/tryout: what a collector would make of a sample, over REST 2.0."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from billing.mediation.models import ActivityCollector
from billing.rating.trying import given, running, telling
from entities import query
from entities.api import envelope
from entities.api.bodies import body_of
from entities.api.callers import caller, is_id
from entities.api.endpoints import Endpoint
from entities.api.errors import JSON
from entities.api.multipart import FORM, form_of
from entities.api.openapi.shared import TEXT, answer, content, errors, thing
from entities.api.openapi.viewing import View
from entities.api.turns import turn
from entities.errors import Code, RequestError
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.observability.facts import facts

Json = dict[str, Any]

_HOW = (
    'Send {"ActivityCollectorId": "7", "Sample": "who,at,much\\n4915123456,2026-11-01,3"}, or a '
    "form (multipart/form-data) with ActivityCollectorId and File."
)
_KNOWN = ("activitycollectorid", "sample", "file")


def try_out(request: HttpRequest) -> HttpResponse:
    """Try the collector out on the lines, or the file, that were sent."""
    context, snapshot = caller(request)
    facts().entity = "ACTIVITY_COLLECTOR"
    _require(context, snapshot)
    sent = _sent(request)
    collector = _asked(sent, context)
    name, sample = _sample(sent, collector)
    with turn(context):
        trial = running.tried(collector, sample, name)
    told = telling.told(trial, snapshot, context)
    facts().rows = len(told["Records"])
    return HttpResponse(orjson.dumps({"tryoutResponse": [told]}), content_type=JSON)


def _require(context: Context, snapshot: Snapshot) -> None:
    if not telling.allowed(snapshot, context):
        raise RequestError(
            Code.INSUFFICIENT_RIGHTS,
            f"User {context.username} may not try collectors out: it takes the right to read "
            f"{', '.join(telling.READS)} and ACTIVITY, and to create ACTIVITY_COLLECTOR_HISTORY.",
        )


def _sent(request: HttpRequest) -> Json:
    """What was sent, by JSON or by a form; a file is its name and content."""
    if request.content_type == FORM:
        form = form_of(request)
        return {**form.texts, **form.files}
    return envelope.read_object(body_of(request), _HOW)


def _asked(sent: Json, context: Context) -> ActivityCollector:
    """The collector that is asked for, if the caller may see it."""
    for name in sent:
        if name not in _KNOWN:
            raise RequestError(
                Code.UNKNOWN_FIELD, f"There is no parameter {name[:80]!r}. {_HOW}", field=name[:80]
            )
    id = str(sent.get("activitycollectorid") or "")
    seen = is_id(id) and query.retrieve_ids("ACTIVITY_COLLECTOR", [int(id)], context).count
    found = ActivityCollector.objects.select_related("time_zone").filter(pk=id) if seen else None
    collector = found.first() if found is not None else None
    if collector is None:
        raise RequestError(
            Code.RECORD_NOT_FOUND,
            f"There is no ACTIVITY_COLLECTOR {id[:80]!r}, or you may not see it.",
            field="ActivityCollectorId",
        )
    return collector


def _sample(sent: Json, collector: ActivityCollector) -> given.Given:
    """The file or the lines that were sent. RequestError."""
    file, lines = sent.get("file"), sent.get("sample")
    if file is not None:
        if lines is not None:
            raise RequestError(
                Code.INVALID_VALUE, "Sample is sent beside a File; send one of them.", field="File"
            )
        if not isinstance(file, tuple):
            raise RequestError(Code.INVALID_VALUE, f"File is no file. {_HOW}", field="File")
        name, held = file
        return given.file(name, held, "File")
    if isinstance(lines, str) and lines.strip():
        return given.pasted(lines, collector)
    if lines is not None and not isinstance(lines, str):
        raise RequestError(Code.INVALID_VALUE, f"Sample is no text. {_HOW}", field="Sample")
    raise RequestError(Code.REQUIRED_FIELD_MISSING, f"Sample is empty. {_HOW}", field="Sample")


def _usable(view: View) -> bool:
    granted = view.granted
    return (
        all(granted[name].read for name in telling.READS)
        and granted["ACTIVITY"].known >= telling.KNOWS
        and granted["ACTIVITY_COLLECTOR_HISTORY"].create
    )


_TEXTS: Json = {"type": "array", "items": TEXT}
_THINGS: Json = {"type": "array", "items": {"type": "object"}}
_RECORD = thing(
    ["Line", "Outcome", "Reasons", "Values", "Fields", "Charges"],
    Line=TEXT | {"description": "Line of the sample on which the record begins."},
    Outcome={
        "enum": ["CHARGED", "SUSPENSE", "FILTERED", "REPEATED", "NOT CHARGED", "READ"],
        "description": "What a load would make of it; READ where there is no mapping yet.",
    },
    Reasons=_TEXTS | {"description": "Why it would go to suspense."},
    Raw=TEXT,
    Values={"type": "object", "description": "Its columns, as it was split."},
    Verdicts=_TEXTS | {"description": "Of each of the Filters: 1 = met."},
    Fields=_THINGS | {"description": "Name, Text, Value; Bad = 1 where the text can't be read."},
    Found=_THINGS | {"description": "Account, account product, product and label it came to."},
    Charges=_THINGS | {"description": "Quantity, Rate, Amount, CurrencyCode, RateSource, Day."},
    Late={"type": ["string", "null"]},
)
_TOLD = thing(
    ["Count", "LookedAt", "Problems", "Outcomes", "Records"],
    Count=TEXT | {"description": "Records of the sample."},
    LookedAt=TEXT | {"description": f"How many of them were looked at, at most {running.MOST:,}."},
    Most=TEXT,
    Columns=_TEXTS,
    Head=_TEXTS,
    Tail=_TEXTS,
    Problems=_TEXTS | {"description": "What is wrong with the sample or the collector."},
    Filters=_TEXTS,
    Outcomes={"type": "object", "description": "How many records come to what."},
    Records={"type": "array", "items": _RECORD},
)


_LINES = content(
    thing(
        ["ActivityCollectorId", "Sample"],
        ActivityCollectorId=TEXT,
        Sample=TEXT | {"description": "Lines, with the header as they come."},
    )
)
_FORM: Json = {
    "schema": thing(
        ["ActivityCollectorId", "File"],
        ActivityCollectorId=TEXT,
        File={
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "description": "A file as the collector takes it: its format, packed or not.",
        },
    )
}


def describe() -> Json:
    """The address in the OpenAPI document."""
    return {
        "post": {
            "operationId": "mediation.tryout.post",
            "summary": "Try a collector out on a sample",
            "description": "The steps of a real load, taken back: nothing is stored or charged.",
            "tags": ["Queries"],
            "requestBody": {"required": True, "content": {**_LINES["content"], FORM: _FORM}},
            "responses": {
                "200": {
                    "description": "What would become of each record.",
                    **content(answer("tryoutResponse", _TOLD)),
                },
                **errors(400, 403, 404, 413),
            },
        }
    }


TRYOUT = Endpoint("mediation/tryout", {"POST": try_out}, _usable, describe)
