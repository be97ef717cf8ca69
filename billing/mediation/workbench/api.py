"""GET and POST /mediation/suspense: the groups of usage in suspense, and what is done with one."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from billing.mediation.models import ActivityCollector
from billing.mediation.suspense import IN_SUSPENSE
from billing.mediation.workbench import acting, selecting
from billing.mediation.workbench.selecting import NEEDED
from entities import query
from entities.access.rights import rights
from entities.api import envelope
from entities.api.bodies import body_of
from entities.api.callers import caller
from entities.api.endpoints import Endpoint
from entities.api.errors import JSON
from entities.api.openapi.shared import TEXT, answer, body, content, errors, thing
from entities.api.openapi.viewing import View
from entities.api.turns import turn
from entities.errors import Code, RequestError, nearest
from entities.fieldtypes.numbers import plain
from entities.schema.description import fold
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.observability.facts import facts

Json = dict[str, Any]

_PARAMETERS = (
    "Action",
    "ActivityCollectorId",
    "Cause",
    "Day",
    "BillingIdentifier",
    "Ids",
    "Values",
    "Reason",
    "Preview",
)
_HOW = 'Send {"Action": "RESUBMIT", "ActivityCollectorId": "7", "Cause": "UNKNOWN_TOKEN"}.'


def groups(request: HttpRequest) -> HttpResponse:
    """GET /mediation/suspense: by collector, cause and day."""
    context, snapshot = caller(request)
    facts().entity = acting.ENTITY
    for name in request.GET:
        if name != "State":
            raise RequestError(
                Code.UNKNOWN_FIELD,
                f"There is no parameter {name[:80]!r}; there is State.",
                field=name[:80],
            )
    said = {"State": request.GET.get("State"), "Ids": ["0"]}
    state = selecting.selection(said).state
    with turn(context):
        granted = acting.granted(snapshot, context)
        known = _collectors(context, snapshot)
        found = selecting.groups(known, state, granted)
    told = [
        {
            "ActivityCollectorId": str(group.collector),
            "Cause": group.cause,
            "State": state,
            "Count": str(group.count),
            "Quantity": plain(group.quantity),
            "Days": [
                {"Day": day.isoformat(), "Count": str(count), "Quantity": plain(sum_)}
                for day, count, sum_ in group.days
            ],
        }
        for group in found
    ]
    facts().rows = len(told)
    return HttpResponse(orjson.dumps({"suspenseResponse": told}), content_type=JSON)


def act(request: HttpRequest) -> HttpResponse:
    """POST /mediation/suspense: correct, try again, discard or restore what is named."""
    context, snapshot = caller(request)
    facts().entity = acting.ENTITY
    said = _named(envelope.read_object(body_of(request), _HOW))
    wanted = acting.asked(said, snapshot)
    _seen(wanted.chosen, context, snapshot)
    if _previews(said):
        with turn(context):
            granted = acting.granted(snapshot, context)
            count, quantity = selecting.counted(wanted.chosen, granted)
        told: Json = {"Count": str(count), "Quantity": plain(quantity), "Preview": "1"}
    else:
        done = acting.act(wanted, context, snapshot)
        told = {
            "Count": str(done.count),
            "Preview": "0",
            "BulkUploadHistoryId": str(done.job) if done.job is not None else None,
            "ActivityCollectorHistoryId": str(done.loads[0]) if done.loads else None,
            "Errors": [
                {"Id": str(id) if id is not None else None, "Message": message}
                for id, message in done.problems
            ],
        }
    facts().rows = 1
    return HttpResponse(orjson.dumps({"suspenseResponse": [told]}), content_type=JSON)


def _previews(said: Json) -> bool:
    text = str(said.get("Preview") or "0").lower()
    if text not in ("0", "1", "false", "true"):
        raise RequestError(
            Code.INVALID_VALUE, f"Preview is {text[:80]!r}; send 1 or 0.", field="Preview"
        )
    return text in ("1", "true")


def _named(sent: Json) -> Json:
    """What was sent by the names that it is known by. RequestError for another one."""
    known = {fold(name): name for name in _PARAMETERS}
    for name in sent:
        if fold(name) not in known:
            raise RequestError(
                Code.UNKNOWN_FIELD,
                f"There is no parameter {name[:80]!r}.{nearest(name, list(_PARAMETERS))} There are "
                f"{', '.join(_PARAMETERS)}.",
                field=name[:80],
            )
    return {known[fold(name)]: value for name, value in sent.items()}


def _collectors(context: Context, snapshot: Snapshot) -> list[int]:
    """The collectors that the caller may see."""
    granted = rights(snapshot, context, snapshot.entity("ACTIVITY_COLLECTOR"))
    if not granted.read:
        return []
    ids = list(ActivityCollector.objects.order_by("id").values_list("pk", flat=True))
    if not granted.condition:
        return ids
    return [one for one in ids if query.retrieve_ids("ACTIVITY_COLLECTOR", [one], context).count]


def _seen(chosen: selecting.Selection, context: Context, snapshot: Snapshot) -> None:
    """Refuse a collector that the caller does not see."""
    if chosen.collector is not None and chosen.collector not in _collectors(context, snapshot):
        raise selecting.unseen(chosen.collector)


def _usable(view: View) -> bool:
    return (
        view.granted[acting.ENTITY].read
        and view.granted[acting.ENTITY].known >= NEEDED
        and view.granted["ACTIVITY_COLLECTOR"].read
    )


_MAYBE: Json = {"type": ["string", "null"]}
_STATE: Json = {"enum": list(selecting.STATES), "default": IN_SUSPENSE}
_GROUP = thing(
    ["ActivityCollectorId", "Cause", "State", "Count", "Quantity", "Days"],
    ActivityCollectorId=TEXT,
    Cause=TEXT,
    State=_STATE,
    Count=TEXT,
    Quantity=TEXT,
    Days={
        "type": "array",
        "items": thing(["Day", "Count", "Quantity"], Day=TEXT, Count=TEXT, Quantity=TEXT),
        "description": "By the day, in UTC, on which the usage came to suspense; newest first.",
    },
)
_DONE = thing(
    ["Count", "Preview"],
    Count=TEXT | {"description": "Records that were written, or are given to the job."},
    Quantity=TEXT | {"description": "Of a preview: the sum of their quantities."},
    Preview={"enum": ["0", "1"]},
    BulkUploadHistoryId=_MAYBE | {"description": "The job that writes them, where they are many."},
    ActivityCollectorHistoryId=_MAYBE
    | {"description": "The load as which a group is tried again."},
    Errors={
        "type": "array",
        "items": thing(["Id", "Message"], Id=_MAYBE, Message=TEXT),
        "description": "Records that could not be written, and why.",
    },
)


def describe() -> Json:
    """The address in the OpenAPI document."""
    sent = thing(
        ["Action"],
        Action={"enum": list(acting.ACTIONS)},
        ActivityCollectorId=TEXT | {"description": "Whose usage; or name Ids."},
        Cause=TEXT,
        Day=TEXT | {"description": "The day, in UTC, on which it came to suspense."},
        BillingIdentifier=TEXT,
        Ids={"type": "array", "items": TEXT, "description": "Ids of COLLECTOR_FIELDS."},
        Values={
            "type": "object",
            "description": f"CORRECT: what to set, of {', '.join(acting.CORRECTABLE)}.",
        },
        Reason=TEXT | {"description": "DISCARD: why; it is kept with the usage."},
        Preview={"enum": ["0", "1"], "description": "1: only say how many records that is."},
    )
    state = {"name": "State", "in": "query", "description": "Which usage.", "schema": _STATE}
    return {
        "get": {
            "operationId": "mediation.suspense.get",
            "summary": "Groups of usage in suspense",
            "description": "Asks for the right to read COLLECTOR_FIELDS and ACTIVITY_COLLECTOR.",
            "tags": ["Queries"],
            "parameters": [state],
            "responses": {
                "200": {
                    "description": "Collector, cause and days with counts and quantities.",
                    **content(answer("suspenseResponse", _GROUP)),
                },
                **errors(400, 403),
            },
        },
        "post": {
            "operationId": "mediation.suspense.post",
            "summary": "Correct usage in suspense, try it again, discard or restore it",
            "description": f"Up to {acting.AT_ONCE:,} records are written at once, more by a bulk "
            f"job, at most {acting.MOST:,}. RESUBMIT of a group is a load of its own. Each record "
            f"is written by the caller's rights.",
            "tags": ["Queries"],
            "requestBody": body(sent),
            "responses": {
                "200": {
                    "description": "What came of it.",
                    **content(answer("suspenseResponse", _DONE)),
                },
                **errors(400, 403, 404, 413),
            },
        },
    }


SUSPENSE = Endpoint("mediation/suspense", {"GET": groups, "POST": act}, _usable, describe)
