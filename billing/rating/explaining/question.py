"""What is asked about a price, and what follows from the records that the question names."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from billing.rating.explaining.sight import Fields, Sight
from entities.errors import Code, RequestError


@dataclass(frozen=True)
class Question:
    """What is asked: what a quantity of a product costs an account on a day.

    An account product says itself whose and of what it is. `before` is how many units its sum over
    tiers had reached; `factor` the part of a period that is charged. Where a price is for two
    locations, a line says by `route_id` which of its rates counted, and other questions
    name the locations. A line has a `moment`.
    """

    account_id: int | None = None
    product_id: int | None = None
    account_product_id: int | None = None
    package_product_id: int | None = None
    quantity: Decimal | None = None
    day: date | None = None
    before: Decimal = Decimal(0)
    currency: str | None = None
    moment: datetime | None = None
    factor: Decimal = Decimal(1)
    reached: Decimal | None = None
    nth: int = 1
    route_id: int | None = None
    route_rate: Decimal | None = None
    origin_id: int | None = None
    destination_id: int | None = None
    charge_type: str | None = None


def require(sight: Sight) -> None:
    sight.require("ACCOUNT", "Id")
    sight.require("PRODUCT", "Id")
    sight.require("PRICING", "Id")


def missing(entity: str, id: int | None, field: str) -> RequestError:
    return RequestError(Code.RECORD_NOT_FOUND, f"{entity} has no record with Id {id}.", field=field)


def resolved(question: Question, sight: Sight) -> Question:
    """The question with what follows from the records that it names; they exist for the caller."""
    named = {
        "ACCOUNT": (question.account_id, "AccountId", ["Id"]),
        "PRODUCT": (question.product_id, "ProductId", ["Id"]),
        "ACCOUNT_PRODUCT": (
            question.account_product_id,
            "AccountProductId",
            ["AccountId", "ProductId", "PackageProductId", "Quantity"],
        ),
        "PACKAGE_PRODUCT": (question.package_product_id, "PackageProductId", ["ProductId"]),
    }
    for entity, (id, _, needs) in named.items():
        if id is not None:
            sight.require(entity, *needs)
    seen = sight.fields({e: ([id], needs) for e, (id, _, needs) in named.items()}, live=True)
    for entity, (id, field, _) in named.items():
        if id is not None and (entity, id) not in seen:
            raise missing(entity, id, field)
    _find_locations(question, sight)
    own = seen.get(("ACCOUNT_PRODUCT", question.account_product_id or 0), {})
    place = seen.get(("PACKAGE_PRODUCT", question.package_product_id or 0), {})
    account = _agreed("AccountId", question.account_id, _id(own, "AccountId"))
    product = _agreed("ProductId", question.product_id, _id(own, "ProductId"))
    product = _agreed("ProductId", product, _id(place, "ProductId"))
    of_package = _agreed(
        "PackageProductId", question.package_product_id, _id(own, "PackageProductId")
    )
    if account is None or product is None:
        raise RequestError(
            Code.REQUIRED_FIELD_MISSING,
            "Say whose price of what is asked: AccountId with ProductId or PackageProductId, or "
            "AccountProductId; or ActivityId for a line.",
            field="AccountId" if account is None else "ProductId",
        )
    follows = {
        entity: ([id], ["Id"])
        for entity, id in (("ACCOUNT", account), ("PRODUCT", product))
        if (entity, id) not in seen
    }
    found = sight.fields(follows, live=True)
    for entity in follows:
        if not any(name == entity for name, _ in found):
            id = account if entity == "ACCOUNT" else product
            raise missing(entity, id, f"{entity.title()}Id")
    held = own.get("Quantity")
    quantity = question.quantity
    return replace(
        question,
        account_id=account,
        product_id=product,
        package_product_id=of_package,
        quantity=Decimal(held or 1) if quantity is None else quantity,
    )


def _find_locations(question: Question, sight: Sight) -> None:
    named = {
        "OriginationCountryCodeId": question.origin_id,
        "DestinationCountryCodeId": question.destination_id,
    }
    if not any(named.values()):
        return
    sight.require("COUNTRY_CODE", "Id")
    seen = sight.fields({"COUNTRY_CODE": (named.values(), ["Id"])}, live=True)
    for field, id in named.items():
        if id is not None and ("COUNTRY_CODE", id) not in seen:
            raise missing("COUNTRY_CODE", id, field)


def _id(fields: Fields, name: str) -> int | None:
    value = fields.get(name)
    return int(value) if value else None


def _agreed(field: str, asked: int | None, follows: int | None) -> int | None:
    if asked is not None and follows is not None and asked != follows:
        raise RequestError(
            Code.INVALID_VALUE,
            f"{field} is {asked}, but the record that is asked about says {follows}. Send "
            f"{follows}, or leave {field} out.",
            field=field,
        )
    return follows if asked is None else asked
