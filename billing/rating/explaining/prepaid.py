"""What usage draws on before it is priced: the prepaid usage of the account product above it."""

from decimal import Decimal

from billing.rating.explaining.findings import Json
from billing.rating.explaining.sight import Sight
from entities.fieldtypes.numbers import plain


def of_question(found: Json, sight: Sight) -> Json | None:
    """The prepaid usage that usage would draw on, as far as it may be told."""
    if found["prepaid"] is None:
        return None
    above, refills = found["prepaid"]["id"], found["prepaid"]["refills"]
    seen = sight.fields({"ACCOUNT_PRODUCT": ([above], ["Id", "PrepaidRemaining"])}, live=True)
    if not sight.reads("ACCOUNT_PRODUCT", "PrepaidRemaining", "ParentCustomerProductId"):
        return None
    if ("ACCOUNT_PRODUCT", above) not in seen:
        return None
    remaining = seen["ACCOUNT_PRODUCT", above].get("PrepaidRemaining")
    left = f"{remaining} units are left" if remaining else "nothing was drawn yet"
    then = "usage beyond that buys it again" if refills else "usage beyond that is priced"
    return {
        "AccountProductId": str(above),
        "Covered": None,
        "Remaining": remaining,
        "AutoRefill": "1" if refills else "0",
        "Reason": f"Usage draws on the prepaid usage of {_called(above, sight)}: {left}, {then}.",
    }


def of_line(line: Json, sight: Sight) -> Json | None:
    """What prepaid usage covered of a line, or of the record that it was split from."""
    if line["prepaid_by"] is None or not sight.reads("ACTIVITY", "PrepaidById", "PrepaidQuantity"):
        return None
    covered, above = plain(Decimal(line["covered"])), line["prepaid_by"]
    return {
        "AccountProductId": str(above),
        "Covered": covered,
        "Remaining": None,
        "AutoRefill": None,
        "Reason": f"{covered} units are covered by the prepaid usage of {_called(above, sight)}, "
        f"and cost nothing.",
    }


def _called(id: int, sight: Sight) -> str:
    title = sight.titles("ACCOUNT_PRODUCT", [id]).get(id)
    return f"{title} (account product {id})" if title else f"account product {id}"
