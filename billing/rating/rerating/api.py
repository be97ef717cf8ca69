"""POST /rating/rerate and /rating/correct: lines rated again, over REST 2.0."""

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from billing.rating import wire
from billing.rating.rerating import asked
from billing.rating.rerating.asked import CORRECTIONS, PARAMETERS
from billing.rating.rerating.telling import Amount, Line, Result, Total
from entities.access.rights import rights
from entities.api import envelope
from entities.api.bodies import body_of
from entities.api.callers import caller
from entities.api.endpoints import Endpoint
from entities.api.errors import JSON
from entities.api.openapi.shared import TEXT, answer, body, content, errors, thing
from entities.api.openapi.viewing import View
from entities.api.turns import turn
from metabrm.identity.context import Context
from metabrm.observability.facts import facts

Json = dict[str, Any]

_RERATE = 'Send {"ProductId": "17", "Preview": "1"}.'
_CORRECT = 'Send {"ActivityId": "1001", "Quantity": "8", "Preview": "1"}.'


def rerate(request: HttpRequest) -> HttpResponse:
    """POST /rating/rerate with {"ProductId": …, "Preview": "1"}"""

    def work(sent: Json, context: Context) -> Json:
        told, run = asked.rerated(sent, context)
        if told is not None:
            return {"Preview": "1", "RerateId": None, "Status": "PREVIEW", **_told(told)}
        return {"Preview": "0", "RerateId": str(run), "Status": "PENDING"}

    return _answered(request, _RERATE, "rerateResponse", work)


def correct(request: HttpRequest) -> HttpResponse:
    """POST /rating/correct with {"ActivityId": …, "Quantity": …}"""
    return _answered(
        request,
        _CORRECT,
        "correctResponse",
        lambda sent, context: _told(asked.corrected(sent, context)),
    )


def _answered(
    request: HttpRequest, how: str, name: str, work: Callable[[Json, Context], Json]
) -> HttpResponse:
    context, snapshot = caller(request)
    facts().entity = "ACTIVITY"
    sent = envelope.read_object(body_of(request), how)
    asked.require(rights(snapshot, context, snapshot.entity("ACTIVITY")), context)
    with turn(context):
        told = work(sent, context)
    facts().rows = 1
    return HttpResponse(orjson.dumps({name: [told]}), content_type=JSON)


def _told(told: Result) -> Json:
    return {
        "Lines": str(told.lines),
        "Changed": str(told.changed),
        "Unpriced": str(told.unpriced),
        "Amounts": [_amounts(one) for one in told.amounts],
        "Totals": [
            {
                "AccountId": str(one.account_id),
                "ProductId": wire.text(one.product_id),
                "InvoiceId": wire.text(one.invoice_id),
                **_amounts(one),
            }
            for one in told.totals
        ],
        "Page": [_line(one) for one in told.page],
        "Reasons": [{"ActivityId": str(id), "Reason": reason} for id, reason in told.reasons],
    }


def _amounts(one: Amount | Total) -> Json:
    return {
        "CurrencyCode": one.currency_code,
        "Lines": str(one.lines),
        "OldAmount": wire.text(one.old),
        "NewAmount": wire.text(one.new),
        "Difference": wire.text(one.difference),
    }


def _line(one: Line) -> Json:
    return {
        "ActivityId": str(one.id),
        "AccountId": str(one.account_id),
        "ProductId": wire.text(one.product_id),
        "AccountProductId": wire.text(one.account_product_id),
        "InvoiceId": wire.text(one.invoice_id),
        "ActivityDate": wire.text(one.activity_date),
        "CurrencyCode": one.new_currency or one.old_currency,
        "OldQuantity": wire.text(one.old_quantity),
        "NewQuantity": wire.text(one.new_quantity),
        "OldRate": wire.text(one.old_rate),
        "NewRate": wire.text(one.new_rate),
        "OldAmount": wire.text(one.old),
        "NewAmount": wire.text(one.new),
        "RateSource": one.source,
    }


def _usable(view: View) -> bool:
    granted = view.granted["ACTIVITY"]
    return asked.may(granted)


_MAYBE: Json = {"type": ["string", "null"]}
_MONEY: Json = {
    "CurrencyCode": _MAYBE,
    "Lines": TEXT | {"description": "How many lines cost something else."},
    "OldAmount": _MAYBE | {"description": "What they came to."},
    "NewAmount": _MAYBE | {"description": "What they come to."},
    "Difference": _MAYBE | {"description": "New less old."},
}
_RESULT: Json = {
    "Lines": TEXT | {"description": "How many open lines were looked at."},
    "Changed": TEXT | {"description": "How many of them cost something else."},
    "Unpriced": TEXT | {"description": "How many have no price any more, and stay as they were."},
    "Amounts": {"type": "array", "items": thing(["CurrencyCode"], **_MONEY)},
    "Totals": {
        "type": "array",
        "items": thing(["AccountId"], AccountId=TEXT, ProductId=_MAYBE, InvoiceId=_MAYBE, **_MONEY),
    },
    "Page": {
        "type": "array",
        "items": thing(
            ["ActivityId", "AccountId"],
            ActivityId=TEXT | {"description": "The line as it was."},
            AccountId=TEXT,
            ActivityDate=TEXT,
            **dict.fromkeys(
                (
                    *("ProductId", "AccountProductId", "InvoiceId", "CurrencyCode"),
                    *("OldQuantity", "NewQuantity", "OldRate", "NewRate"),
                    *("OldAmount", "NewAmount", "RateSource"),
                ),
                _MAYBE,
            ),
        ),
        "description": "The lines that cost something else, from Start on.",
    },
    "Reasons": {
        "type": "array",
        "items": thing(["ActivityId", "Reason"], ActivityId=TEXT, Reason=TEXT),
        "description": "Why lines have no price any more.",
    },
}


def _described(
    name: str, summary: str, says: str, parameters: dict[str, str], told: Json
) -> Callable[[], Json]:
    def describe() -> Json:
        sent = {one: TEXT | {"description": about} for one, about in parameters.items()}
        for one in ("Rate", "Cost"):
            if one in sent:
                sent[one] = sent[one] | _MAYBE
        return {
            "post": {
                "operationId": f"rating.{name}",
                "summary": summary,
                "description": f"{says} Asks for the rights to read, create and update all records "
                "of ACTIVITY.",
                "tags": ["Queries"],
                "requestBody": body(thing([], **sent)),
                "responses": {
                    "200": {
                        "description": "One object: what it comes to.",
                        **content(answer(f"{name}Response", told)),
                    },
                    **errors(400, 403, 404, 413),
                },
            }
        }

    return describe


RERATE = Endpoint(
    "rating/rerate",
    {"POST": rerate},
    _usable,
    _described(
        "rerate",
        "Rate lines again",
        "Rates open lines again at the prices of now: lines that cost something else are taken "
        "back and written anew. With Preview 1 the answer tells what that comes to; without, a "
        "worker does it, and RERATE tells how far it has come.",
        PARAMETERS,
        thing(
            ["Preview", "RerateId", "Status"],
            Preview=TEXT,
            RerateId=_MAYBE | {"description": "The RERATE record; null of a preview."},
            Status={"enum": ["PREVIEW", "PENDING"]},
            **_RESULT,
        ),
    ),
)
CORRECT = Endpoint(
    "rating/correct",
    {"POST": correct},
    _usable,
    _described(
        "correct",
        "Correct a line",
        "Corrects a line of usage: it is taken back, and written anew as it should have been, or "
        "withdrawn. Lines that are added up with it are rated again, too. One on a closed invoice "
        "is taken back by a line for the next invoice. With Preview 1 nothing is written.",
        CORRECTIONS,
        thing(["Lines", "Changed"], **_RESULT),
    ),
)
