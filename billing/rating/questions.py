"""A question about a price as it is sent, by names and texts: over the API, or from a form."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from billing.rating.explaining import Json, Question, explain, explain_line
from billing.rating.parameters import id_of, number_of, read, wrong
from entities.errors import Code, RequestError
from entities.schema.snapshot import Snapshot
from metabrm.identity.context import Context
from metabrm.localization.models import Currency

#: Name of a parameter -> what it says.
PARAMETERS = {
    "AccountId": "The account that is charged.",
    "ProductId": "The product that is charged for.",
    "AccountProductId": "The account product that is charged for; it says whose and of what it is.",
    "PackageProductId": "The product's place in a package.",
    "Quantity": "How many units; that of the account product, or 1, where it is not sent.",
    "Day": "The day whose prices count, such as 2026-06-15; today where it is not sent.",
    "Before": "How many units the sum over tiers had reached before; 0 where it is not sent.",
    "OriginationCountryCodeId": "Where the usage comes from, where prices are for two locations.",
    "DestinationCountryCodeId": "Where it goes to.",
    "ChargeType": "The kind of charge, where prices between locations are for one.",
    "CurrencyCode": "The currency of the prices; that of whoever pays where it is not sent.",
    "ActivityId": "A line, which says all of this itself; it is sent alone.",
}
_LONGEST_TEXT = 100


def answered(sent: Mapping[str, Any], context: Context, snapshot: Snapshot) -> Json:
    """The explanation for what was sent; RequestError says what is wrong with it."""
    given = read(sent, PARAMETERS)
    line = id_of(given, "ActivityId")
    if line is not None:
        others = sorted(given.keys() - {"ActivityId"})
        if others:
            raise RequestError(
                Code.INVALID_VALUE,
                f"A line says itself what was asked. Leave out {', '.join(others)}, or ActivityId.",
                field=others[0],
            )
        return explain_line(line, context, snapshot)
    return explain(
        Question(
            account_id=id_of(given, "AccountId"),
            product_id=id_of(given, "ProductId"),
            account_product_id=id_of(given, "AccountProductId"),
            package_product_id=id_of(given, "PackageProductId"),
            quantity=number_of(given, "Quantity"),
            day=_day(given),
            before=_before(given),
            origin_id=id_of(given, "OriginationCountryCodeId"),
            destination_id=id_of(given, "DestinationCountryCodeId"),
            charge_type=_short(given, "ChargeType"),
            currency=_currency(given),
        ),
        context,
        snapshot,
    )


def _short(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    if text is not None and (len(text) > _LONGEST_TEXT or "\0" in text):
        raise wrong(name, text, f"Send a text of at most {_LONGEST_TEXT} characters.")
    return text


def _before(given: Mapping[str, str]) -> Decimal:
    before = number_of(given, "Before") or Decimal(0)
    if before < 0:
        raise wrong("Before", before, "Send how many units were added up before: 0 or more.")
    return before


def _currency(given: Mapping[str, str]) -> str | None:
    text = given.get("CurrencyCode")
    if text is None:
        return None
    known = text.upper()
    if "\0" in text or not Currency.objects.filter(currency_code=known).exists():
        raise wrong("CurrencyCode", text, "Send the code of a CURRENCY, such as USD.")
    return known


def _day(given: Mapping[str, str]) -> date | None:
    text = given.get("Day")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong("Day", text, "Send a date such as 2026-06-15.") from None
