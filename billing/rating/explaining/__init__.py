"""Why a price counts and what a quantity comes to, told to whoever asks.

The statements are those of the house: the same price book, the same charges. What they find on
their way (`candidate`, `version`, `offer`, `book`, `band`, `part`) is kept instead of thrown away,
and told as a structure: who asks, every candidate in the order in which it counts, with one
sentence why it won or lost, the bands and the arithmetic. Values are strings, as on the wire; Text
has the same for people, line by line.

A caller is told what he may read. A candidate that he may not see is left out where it lost; where
it won he is told that something he may not see counts, and no amount.
"""

from dataclasses import replace
from decimal import Decimal

from billing.rating.explaining import findings, prepaid, prorating, sentences, settled
from billing.rating.explaining.findings import Json
from billing.rating.explaining.question import Question, missing, require, resolved
from billing.rating.explaining.revealing import Revealed
from billing.rating.explaining.sight import Sight
from billing.rating.explaining.structure import Structure
from entities.errors import Code, RequestError
from entities.schema.current import current
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context

_OF_LINE = (
    "AccountId", "ProductId", "AccountProductId", "PackageProductId", "ActivityDate", "Quantity",
    "RateDate", "RatedAmount", "CostUnrounded", "CurrencyCode", "RateSource", "RateSourceId",
)  # fmt: skip


def explain(question: Question, context: Context, snapshot: Snapshot | None = None) -> Json:
    """Which price counts for the question, why, and what it comes to.

    RequestError INSUFFICIENT_RIGHTS, RECORD_NOT_FOUND, REQUIRED_FIELD_MISSING, INVALID_VALUE.
    """
    sight = Sight(snapshot or current(), context)
    require(sight)
    return _explained(resolved(question, sight), sight)


def explain_line(line_id: int, context: Context, snapshot: Snapshot | None = None) -> Json:
    """The same for a line, as the prices stand now, and whether the line says the same."""
    sight = Sight(snapshot or current(), context)
    require(sight)
    sight.require("ACTIVITY", *_OF_LINE)
    if ("ACTIVITY", line_id) not in sight.fields({"ACTIVITY": ([line_id], ["Id"])}, live=True):
        raise missing("ACTIVITY", line_id, "ActivityId")
    line = findings.line(line_id)
    if line["product_id"] is None:
        raise RequestError(
            Code.INVALID_VALUE,
            f"The line {line_id} has no product, so no price of the catalog made it. Ask for a "
            "line with a ProductId.",
            field="ActivityId",
        )
    asked = Question(
        **{name: line[name] for name in ("account_id", "product_id", "account_product_id")},
        package_product_id=line["package_product_id"],
        quantity=Decimal(line["quantity"]) - Decimal(line["covered"]),
        day=line["day"],
        moment=line["moment"],
        currency=line["currency"],
        factor=Decimal(line["factor"]),
        before=Decimal(line["before"] or 0),
        reached=None if line["reached"] is None else Decimal(line["reached"]),
        nth=line["nth"] or 1,
        route_id=line["route_id"],
        route_rate=None if line["route_rate"] is None else Decimal(line["route_rate"]),
    )
    seen = sight.fields(
        {"ACCOUNT": ([asked.account_id], ["Id"]), "PRODUCT": ([asked.product_id], ["Id"])},
        live=True,
    )
    for entity, id, name in (
        ("ACCOUNT", asked.account_id, "AccountId"),
        ("PRODUCT", asked.product_id, "ProductId"),
    ):
        if (entity, id) not in seen:
            raise missing(entity, id, name)
    return _explained(asked, sight, {**line, "id": line_id})


def _explained(asked: Question, sight: Sight, line: Json | None = None) -> Json:
    """The structure that the caller is told."""
    found = findings.find(asked, line["id"] if line else None)
    if found["route_id"] is not None:
        asked = replace(asked, route_id=found["route_id"])
    paid = prepaid.of_line(line, sight) if line else prepaid.of_question(found, sight)
    revealed = Revealed(asked, found, sight)
    by = found["quantity_formula"]
    if revealed.quantity_formula is not None and by["quantity"] is not None:
        asked = replace(asked, quantity=by["quantity"])
    prorated = prorating.of_line(line, sight) if line else None
    told = Structure(asked, found, revealed, paid, prorated, line).whole()
    if line is not None:
        settled.tell(told, line["id"], sight)
    told["Text"] = sentences.readable(told)
    return told
