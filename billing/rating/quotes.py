"""What a quantity of a product costs an account on a day: the records of ACCOUNT_PRODUCT_QUOTE.

The price comes from the statements that explain prices, which are those of the house; what the
account's discounts would take off it, and its taxes put on, from those of settling.
"""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from django.db import connection

from billing.rating.explaining import Question
from billing.rating.explaining.findings import Json, find
from billing.rating.settling.asked import Failing, Taken, taken_off
from billing.rating.settling.taxes import Levied, levied_on
from entities.fieldtypes.numbers import plain

_ASKED = """
SELECT a.id AS account_id, product.id AS product_id, ap.id AS account_product_id,
       pp.id AS package_product_id, coalesce(%(quantity)s::numeric, ap.quantity, 1) AS quantity,
       %(day)s::date AS day
FROM customers_account a
LEFT JOIN customers_accountproduct ap
  ON ap.id = %(own)s::bigint AND ap.account_id = a.id AND ap.deleted_at IS NULL
LEFT JOIN catalog_packageproduct pp ON pp.id = %(place)s::bigint AND pp.deleted_at IS NULL
JOIN catalog_product product
  ON product.id = coalesce(ap.product_id, pp.product_id, %(product)s::bigint)
 AND product.deleted_at IS NULL
WHERE a.id = %(account)s::bigint AND a.deleted_at IS NULL
"""
_GIVEN = ("account", "product", "own", "place", "quantity", "day")
#: Columns of the line that the charge would be, by what they follow from.
_ABOUT = (
    *("account_id", "product_id", "account_product_id", "account_package_id"),
    *("package_product_id", "currency_code"),
)
_COUNTS = ("rating_method_id", "contract_id")


def reckoned(given: Sequence[str | None]) -> str:
    """The record, if there is one, as a JSON list.

    `given`: the inputs of the entity, in their order.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, dict(zip(_GIVEN, given, strict=True)))
        row = cursor.fetchone()
        if row is None:
            return "[]"
        names = [column.name for column in cursor.description]
        asked = Question(**dict(zip(names, row, strict=True)))
        return json.dumps([_record(cursor, asked)], default=str)


def _record(cursor: Any, asked: Question) -> Json:
    found = find(asked)
    about, counts = found["asked"], found["counts"] or {}
    day = date.fromisoformat(about["first_day"])
    price = _price(found)
    taken: list[Taken] = []
    levied: list[Levied] = []
    undiscounted: list[Failing] = []
    untaxed: list[Failing] = []
    amount, off, tax = price["rated_amount"], None, None
    if amount is not None:
        charge = {name: about[name] for name in _ABOUT} | {n: counts.get(n) for n in _COUNTS}
        charge |= price | {"quantity": asked.quantity, "rate_date": day}
        taken, undiscounted = taken_off(cursor, charge, day)
        off = sum((one.amount for one in taken), Decimal(0))
        levied, untaxed = levied_on(cursor, about["product_id"], Decimal(amount) - off, day)
        if levied or untaxed:
            tax = sum((one.amount for one in levied), Decimal(0))
    return {
        "id": 1,
        **{name: about[name] for name in ("account_id", "product_id", "account_product_id")},
        "package_product_id": about["package_product_id"],
        "quantity": asked.quantity,
        "start_date": day,
        "rate": price["rate"],
        "amount": amount,
        "discount_amount": off,
        "tax_amount": tax,
        "grand_total_amount": None if off is None else Decimal(amount) - off + (tax or 0),
        "rate_details": _bands(found) if amount is not None else None,
        "discount_details": _details("Discount", taken, undiscounted),
        "tax_details": _details("Tax", levied, untaxed),
        "rate_source": counts.get("source"),
        "rate_source_id": counts.get("source_id"),
    }


def _price(found: Json) -> Json:
    """Columns of the line that say what the quantity comes to, each empty where nothing does."""
    charge, line, formula = found["charge"], found["line"], found["formula"]
    if charge is None or charge["units"] != line["after"] - line["before"]:
        # Not all units lie in a band.
        charge = {}
    comes_to = charge if formula is None else formula
    return {
        "rate": charge.get("rate"),
        "cost_unrounded": comes_to.get("cost"),
        "rated_amount": comes_to.get("amount"),
        "pricing_id": charge.get("pricing_id"),
    }


def _bands(found: Json) -> str | None:
    """What the bands come to, one by one; fees of each charge stand with the first."""
    rows: list[str] = []
    for part in found["parts"] or []:
        if part["units"]:
            fee = 0 if rows else part["fee_per_charge"] or 0
            cost = round(Decimal(part["cost"]) + part["fee"] + fee, 10)
            told = {"Quantity": part["units"], "Rate": part["rate"], "RatedAmount": cost}
            rows.append(_row("RateDetailsRow", told))
    return f"<RateDetails>{''.join(rows)}</RateDetails>" if rows else None


def _details(what: str, done: Sequence[Taken | Levied], failing: Sequence[Failing]) -> str | None:
    """Discounts or taxes, in the order in which they apply; then those that can't be applied."""
    rows: list[Json] = [{"Rate": one.rate, f"{what}Amount": one.amount} for one in done]
    rows += [{f"{what}Amount": 0, "ErrorText": one.why} for one in failing]
    whose = [
        {"AccountProductId": one.account_product_id, "ProductId": one.product_id}
        for one in (*done, *failing)
    ]
    told = [_row(f"{what}DetailsRow", a | b) for a, b in zip(whose, rows, strict=True)]
    return f"<{what}Details>{''.join(told)}</{what}Details>" if told else None


def _row(name: str, values: Json) -> str:
    inside = "".join(
        f"<{n}>{escape(v) if isinstance(v, str) else plain(Decimal(v))}</{n}>"
        for n, v in values.items()
        if v is not None
    )
    return f"<{name}>{inside}</{name}>"
