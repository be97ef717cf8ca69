"""GET and POST /rating/explain: why a price counts and what it comes to, over REST 2.0."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from billing.rating.questions import PARAMETERS, answered
from entities.api import envelope
from entities.api.bodies import body_of
from entities.api.callers import caller
from entities.api.endpoints import Endpoint
from entities.api.errors import JSON
from entities.api.openapi.shared import TEXT, answer, body, content, errors, thing
from entities.api.openapi.viewing import View
from entities.api.turns import turn
from metabrm.observability.facts import facts

Json = dict[str, Any]

_HOW = 'Send {"AccountId": "1001", "ProductId": "17", "Quantity": "8", "Day": "2026-06-15"}.'
#: What the caller must be able to read.
_NEEDS = ("ACCOUNT", "PRODUCT", "PRICING")


def explain_by_address(request: HttpRequest) -> HttpResponse:
    """GET /rating/explain?AccountId=…&ProductId=…"""
    return _answer(request, dict(request.GET.items()))


def explain_by_body(request: HttpRequest) -> HttpResponse:
    """POST /rating/explain with {"AccountId": …, "ProductId": …}"""
    return _answer(request, None)


def _answer(request: HttpRequest, sent: Json | None) -> HttpResponse:
    context, snapshot = caller(request)
    facts().entity = "PRICING"
    if sent is None:
        sent = envelope.read_object(body_of(request), _HOW)
    with turn(context):
        told = answered(sent, context, snapshot)
    facts().rows = 1
    return HttpResponse(orjson.dumps({"explainResponse": [told]}), content_type=JSON)


def _usable(view: View) -> bool:
    return all(view.granted[name].read for name in _NEEDS)


_MAYBE: Json = {"type": ["string", "null"]}
_NAMED: Json = {
    "type": ["object", "null"],
    "properties": {"Entity": TEXT, "Id": TEXT, "Name": _MAYBE, "Reason": TEXT},
}
_STATUS: Json = {"enum": ["won", "lost", "refused", "no price"]}
_CANDIDATE = thing(
    ["Place", "Source", "Status", "Reason"],
    Place=TEXT | {"description": "Its place in the order in which prices count, from 1."},
    Source=_MAYBE | {"description": "As RateSource of a line; null of what you may not see."},
    Entity=TEXT,
    Id=TEXT,
    Name=_MAYBE,
    Contract=_NAMED,
    RateClass=_NAMED,
    From=_MAYBE | {"description": "First day on which it holds; null = since ever."},
    To=_MAYBE | {"description": "Last day on which it holds; null = no end."},
    RatingMethod=_NAMED,
    Status=_STATUS,
    Reason=TEXT | {"description": "Why, in a sentence."},
    PriceLists={
        "type": "array",
        "items": {"type": "object"},
        "description": "Its prices of the day, by currency, plan and rating method.",
    },
)
_BAND = thing(
    ["PricingId", "LowerBand", "UpperBand", "Rate", "Applied", "Units"],
    PricingId=TEXT,
    LowerBand=TEXT | {"description": "The band begins above this quantity."},
    UpperBand=TEXT | {"description": "Greatest quantity of the band; -1 = no limit."},
    Rate=_MAYBE,
    Applied={"enum": ["0", "1"], "description": "Whether it is part of the amount."},
    Units=TEXT | {"description": "Units charged in the band."},
    Arithmetic=_MAYBE,
    Cost=_MAYBE,
)
_TOLD = thing(
    [
        *("Account", "Product", "Day", "CurrencyCode", "Quantity", "Candidates", "Bands"),
        *("Prepaid", "Prorated", "Arithmetic", "Unrounded", "Rounding", "Amount", "Line"),
        *("Conclusion", "Text"),
    ],
    Account=_NAMED,
    Payer=_NAMED | {"description": "Whose billing profile says the currency."},
    Product=_NAMED,
    Day=TEXT,
    TimeZone=TEXT,
    CurrencyCode=TEXT,
    Quantity=TEXT,
    QuantityFormula=_MAYBE | {"description": "FormulaQuantity that the quantity comes from."},
    Before=TEXT,
    Origin=_NAMED,
    Destination=_NAMED,
    ChargeType=_MAYBE,
    Accounts={"type": "array", "items": _NAMED, "description": "Whose prices are asked, upwards."},
    Candidates={"type": "array", "items": _CANDIDATE},
    Prepaid={
        "type": ["object", "null"],
        "description": "The prepaid usage that usage draws on: what is left, what it covered.",
    },
    Prorated={
        "type": ["object", "null"],
        "description": "Of a line for a part of a cycle: how many Days of CycleDays, by which "
        "DayCount.",
    },
    Price={"type": ["object", "null"], "description": "How the price of the winner is used."},
    Bands={"type": "array", "items": _BAND},
    Arithmetic=_MAYBE | {"description": "5 x 10 + 3 x 8 = 74"},
    Unrounded=_MAYBE,
    Rounding={"type": "object"},
    Amount=_MAYBE | {"description": "null where no price counts, or you may not know it."},
    Line={
        "type": ["object", "null"],
        "description": "What the line says, and whether it Agrees, where ActivityId was sent.",
    },
    Deal={
        "type": ["object", "null"],
        "description": "Of a line of a discount, a minimum, a commitment or a fee: what it was "
        "reckoned from, as SETTLED_CHARGE has it, and the lines it LookedAt.",
    },
    Conclusion=TEXT,
    Text={"type": "array", "items": TEXT, "description": "The same for people, line by line."},
)


def describe() -> Json:
    """The address in the OpenAPI document."""
    told = {
        "description": "One object: every price that was considered, and the arithmetic.",
        **content(answer("explainResponse", _TOLD)),
    }

    def operation(method: str, summary: str, *statuses: int, **more: Any) -> Json:
        return {
            "operationId": f"rating.explain.{method}",
            "summary": summary,
            "description": "Asks for the right to read ACCOUNT, PRODUCT and PRICING, and ACTIVITY "
            "of a line. What the caller may not see is not told.",
            "tags": ["Queries"],
            **more,
            "responses": {"200": told, **errors(400, 403, 404, *statuses)},
        }

    asked = [
        {"name": name, "in": "query", "description": said, "schema": TEXT}
        for name, said in PARAMETERS.items()
    ]
    sent = {name: TEXT | {"description": said} for name, said in PARAMETERS.items()}
    return {
        "get": operation("get", "Explain a price by address", parameters=asked),
        "post": operation(
            "post", "Explain a price by body", 413, requestBody=body(thing([], **sent))
        ),
    }


EXPLAIN = Endpoint(
    "rating/explain",
    {"GET": explain_by_address, "POST": explain_by_body},
    _usable,
    describe,
)
