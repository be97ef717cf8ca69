"""Three bad records in one request, and what the API answers to each."""

from billingplatform import BillingPlatform

from metabrm.demo.integrator import count, elements, expect, surprises
from metabrm.demo.telling import Telling

WHERE = "POST ACCOUNT_PRODUCT with three bad records"
GOOD = {
    "AccountIdObj": {"ExternalKey": "juniper-analytics"},
    "ProductIdObj": {"ExternalKey": "desk-seat"},
    "StartDate": "2026-01-01",
}
#: What is wrong with a record, the record, the code and the field that should be answered.
BAD = (
    (
        "an account that is not there",
        {**GOOD, "AccountIdObj": {"ExternalKey": "nobody"}},
        "LOOKUP_NOT_FOUND",
        "AccountId",
    ),
    ("the 30th of February", {**GOOD, "StartDate": "2026-02-30"}, "INVALID_VALUE", "StartDate"),
    ("a field spelled wrong", {**GOOD, "Quantty": "2"}, "UNKNOWN_FIELD", "Quantty"),
)


def make(client: BillingPlatform, telling: Telling) -> None:
    """Send the bad records; raises Surprise unless each fails for its reason and none is stored."""
    telling.step("Send three bad records on purpose")
    before = count(client, "ACCOUNT_PRODUCT")
    with surprises(WHERE):
        answer = client.create("ACCOUNT_PRODUCT", [record for _, record, _, _ in BAD])
    outcomes = elements(answer, "createResponse", len(BAD), WHERE)
    for (what, _, code, field), outcome in zip(BAD, outcomes, strict=True):
        expect(
            outcome["ErrorCode"] == code
            and field in outcome["ErrorElementField"].split(",")
            and not outcome["success"],
            f"{WHERE}: {what} was to be answered with {code} for {field}, but was with {outcome}",
        )
    for (what, *_), outcome in zip(BAD, outcomes, strict=True):
        telling.line(f"  {what}: {outcome['ErrorCode']} in {outcome['ErrorElementField']}")
        telling.line(f"      {outcome['ErrorText']}")
    after = count(client, "ACCOUNT_PRODUCT")
    expect(after == before, f"{WHERE}: there were {before} account products, now {after}")
    telling.check("none of them was stored")
