"""Rating again as it is asked for, by names and texts: over the API, or from the admin.

It moves charges of any account, so whoever asks for it must see all lines with their amounts, and
be allowed to write them.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from billing.rating.explaining.sight import Sight
from billing.rating.parameters import id_of, number_of, read, wrong
from billing.rating.passing import in_passing
from billing.rating.rerating import runs, telling
from billing.rating.rerating.correcting import Correction, as_it_is, said_by, unknown, whose
from billing.rating.rerating.running import rerate
from billing.rating.rerating.telling import Result
from billing.rating.rerating.wanted import Wanted
from entities.access.rights import EntityRights
from entities.access.rights import require as require_right
from entities.errors import Code, RequestError
from entities.schema.current import current
from metabrm import months
from metabrm.identity.context import Context

#: Parameter -> field of what is wanted, entity.
RECORDS = {
    "AccountId": ("account_id", "ACCOUNT"),
    "ProductId": ("product_id", "PRODUCT"),
    "AccountProductId": ("account_product_id", "ACCOUNT_PRODUCT"),
    "PricingId": ("pricing_id", "PRICING"),
    "PricingPlanId": ("pricing_plan_id", "PRICING_PLAN"),
    "LoadId": ("load_id", "ACTIVITY_COLLECTOR_HISTORY"),
    "InvoiceId": ("invoice_id", "INVOICE"),
}
_PAGE = {
    "Preview": "1: tell what it would come to, and write nothing.",
    "Start": "How many of the changed lines to pass over; 0 where it is not sent.",
    "Count": f"How many of the changed lines to tell, at most {telling.MOST}; 100 where it is not "
    "sent.",
}
PARAMETERS = {
    "AccountId": "Lines of this account.",
    "ProductId": "Lines of this product.",
    "AccountProductId": "Lines of this account product.",
    "PricingId": "Lines whose price came from the owner of this price; of a product's price those "
    "at the product's default price.",
    "PricingPlanId": "Lines that this pricing plan priced.",
    "LoadId": "Lines of this load (ACTIVITY_COLLECTOR_HISTORY).",
    "InvoiceId": "Lines on this invoice, while it is CURRENT.",
    "From": "Lines from this day, such as 2026-06-15 (in UTC), or this moment on.",
    "Until": "Lines up to this day, itself included, or before this moment.",
    **_PAGE,
}
CORRECTIONS = {
    "ActivityId": "The line that was wrong.",
    "Quantity": "The right quantity.",
    "ActivityDate": "When it happened, such as 2026-06-15T12:00:00Z.",
    "ProductId": "The product that was used.",
    "AccountProductId": "The account product that was used; it says whose and of what it is.",
    "Rate": "A price per unit in place of that of the price book; null takes one away.",
    "Cost": "An amount in place of that of the price book; null takes one away.",
    "Withdraw": "1: nothing was used; the line is only taken back. It is sent without others.",
    **_PAGE,
}
#: What the answers tell of lines.
_FIELDS = frozenset(
    (
        *("AccountId", "ProductId", "AccountProductId", "InvoiceId", "ActivityDate", "Quantity"),
        *("Rate", "RatedAmount", "CurrencyCode", "RateSource"),
    )
)
_USUAL = 100
#: Digits of a quantity or an amount before the point.
_DIGITS = 18
#: So many lines are previewed; a worker rates any number.
MOST = 100_000
_NARROWER = "Ask for fewer lines: of an account, of some days."


def may(granted: EntityRights) -> bool:
    """Whether rights on ACTIVITY allow to rate lines again: all of them are seen, and written."""
    return (
        granted.read
        and granted.create
        and granted.update
        and not granted.condition
        and not granted.changeable
        and granted.known >= _FIELDS
    )


def require(granted: EntityRights, context: Context) -> None:
    """RequestError INSUFFICIENT_RIGHTS unless lines may be rated again."""
    if not may(granted):
        raise RequestError(
            Code.INSUFFICIENT_RIGHTS,
            f"User {context.username} may not rate lines again: that takes the rights to read, "
            f"create and update all records of ACTIVITY, with the fields "
            f"{', '.join(sorted(_FIELDS))}. An administrator can grant them with "
            f"ENTITY_FIELD_ROLE records for the user's role.",
        )


def wanted_of(given: Mapping[str, str], context: Context) -> Wanted:
    """What is asked for; RequestError where that is nothing, or names what the caller can't see."""
    named = {name: id_of(given, name) for name in RECORDS}
    since, until = _moment(given, "From"), _moment(given, "Until", last=True)
    if since is not None and until is not None and since >= until:
        raise wrong("From", given["From"], f"It must be before Until, {given['Until']}.")
    _see(named, context)
    records: dict[str, Any] = {RECORDS[name][0]: id for name, id in named.items()}
    wanted = Wanted(since=since, until=until, **records)
    if not wanted.kept():
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            f"Say which lines to rate again: send at least one of {', '.join(RECORDS)}, From, "
            f"Until.",
            field="AccountId",
        )
    return wanted


def _see(named: Mapping[str, int | None], context: Context) -> None:
    """RequestError where one of the records does not exist for the caller."""
    asked = {RECORDS[name][1]: (name, id) for name, id in named.items() if id is not None}
    sight = Sight(current(), context)
    for entity in asked:
        readable = sight.granted(entity).read
        require_right(readable, context, "read", sight.snapshot.entity(entity))
    seen = sight.fields({entity: ([id], ["Id"]) for entity, (_, id) in asked.items()})
    for entity, (name, id) in asked.items():
        if (entity, id) not in seen:
            raise unknown(name, entity, id)


def rerated(sent: Mapping[str, Any], context: Context) -> tuple[Result | None, int | None]:
    """What a preview comes to, or the Id of the RERATE that a worker carries out."""
    given = read(sent, PARAMETERS)
    wanted = wanted_of(given, context)
    start, count = _page(given)
    if _flag(given, "Preview"):
        with in_passing(_NARROWER):
            return rerate(wanted, preview=True, start=start, count=count, most=MOST), None
    return None, runs.ask(wanted, f"Asked for by {context.username}.", context.user_id)


def corrected(sent: Mapping[str, Any], context: Context) -> Result:
    """What correcting a line comes to, or has come to."""
    given = read(sent, CORRECTIONS)
    correction = _correction(given, sent, context)
    start, count = _page(given)
    if not correction.values and not correction.withdrawn:
        return Result()
    if _flag(given, "Preview"):
        wanted = Wanted(activity_id=correction.activity_id)
        with in_passing(_NARROWER):
            told = rerate(wanted, preview=True, correction=correction, start=start, count=count)
        runs.refuse_unpriced(correction, told)
        return told
    reason = f"Line {correction.activity_id} corrected by {context.username}."
    return runs.correct(correction, reason, context.user_id, count)


def _correction(given: Mapping[str, str], sent: Mapping[str, Any], context: Context) -> Correction:
    line = id_of(given, "ActivityId")
    if line is None:
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            "Send the ActivityId of the line that was wrong.",
            field="ActivityId",
        )
    was = as_it_is(line)
    values: dict[str, Any] = {}
    if (quantity := number_of(given, "Quantity", _DIGITS)) is not None:
        values["quantity"] = quantity
    if (moment := _moment(given, "ActivityDate")) is not None:
        if not months.sensible([moment.date()]):
            raise wrong(
                "ActivityDate",
                given["ActivityDate"],
                "Send a moment of the last five years, such as 2026-06-15T12:00:00Z.",
            )
        values["activity_date"] = moment
    of = {name: id_of(given, name) for name in ("ProductId", "AccountProductId")}
    _see(of, context)
    values |= whose(was, of["ProductId"], of["AccountProductId"])
    for name, column in (("Rate", "override_rate"), ("Cost", "override_cost")):
        if name in given:
            values[column] = number_of(given, name, _DIGITS)
        elif any(key.casefold() == name.casefold() and sent[key] is None for key in sent):
            values[column] = None
    withdrawn = _flag(given, "Withdraw")
    if withdrawn == bool(values):
        raise RequestError(
            Code.INVALID_VALUE,
            "A line is either corrected, by Quantity, ActivityDate, ProductId, AccountProductId, "
            "Rate or Cost, or withdrawn (Withdraw 1).",
            field="Withdraw",
        )
    differing = {name: value for name, value in values.items() if value != said_by(was, name)}
    return Correction(was.id, differing, withdrawn)


def _page(given: Mapping[str, str]) -> tuple[int, int]:
    start, count = _count(given, "Start"), _count(given, "Count")
    if count is not None and count > telling.MOST:
        raise wrong("Count", count, f"Send at most {telling.MOST}.")
    return start or 0, _USUAL if count is None else count


def _count(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise wrong(name, text, "Send a whole number, 0 or more.")
    return int(text)


def _flag(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "0")
    if text not in ("0", "1"):
        raise wrong(name, text, "Send 1 or 0.")
    return text == "1"


def _moment(given: Mapping[str, str], name: str, *, last: bool = False) -> datetime | None:
    """A moment, or the begin of a day in UTC; of the `last` day its end."""
    text = given.get(name)
    if text is None:
        return None
    try:
        if len(text) == len("2026-06-15"):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return day + timedelta(days=1) if last else day
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        right = "Send a date such as 2026-06-15, or a moment such as 2026-06-15T12:00:00Z."
        raise wrong(name, text, right) from None
