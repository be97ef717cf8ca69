"""Discounts and commitments of which it is not clear what they come to are refused."""

from typing import Any

import pytest

from entities import records
from metabrm.identity.context import Context
from tests.billing.conftest import Maker, refusals

pytestmark = pytest.mark.django_db

OFF = {
    "RatingMethodType": "Discount",
    "DiscountPricingType": "Percentage Off",
    "DiscountApplyTo": "All charges",
}
FIXED = OFF | {"DiscountPricingType": "Fixed Amount"}
COMMITTED = {
    "RatingMethodType": "Revenue Commitment",
    "CMTQuantity": "5000",
    "CMTTermDuration": "1 year",
}

#: What is sent, and what is said of it.
BAD: list[tuple[dict[str, Any], str]] = [
    (
        OFF | {"DiscountApplyTo": None},
        "DesignateDiscountTargetChargesBy is required where RatingMethodType is 'Discount': which "
        "charges are lowered: All charges, Account package, Parent account product or Filter; or "
        "send DiscountApplyTo.",
    ),
    (
        OFF | {"DesignateDiscountTargetChargesBy": "Filter"},
        "DiscountTargetFilterLogic is required where DesignateDiscountTargetChargesBy is 'Filter'",
    ),
    (
        OFF | {"DiscountType": "Conditional", "DesignateDiscountEligableChargesBy": "Filter"},
        "DiscountEligableFilterLogic is required where DesignateDiscountEligableChargesBy is",
    ),
    (
        OFF | {"DiscountEligableFilterLogic": "{!Quantity} > 1"},
        "DiscountEligableFilterLogic means nothing where DiscountType is not 'Conditional'",
    ),
    (OFF | {"DiscountTargetFilterLogic": "{!Colour} = 'red'"}, "has no field 'Colour'"),
    (OFF | {"DiscountTargetFilterLogic": "{!Quantity} + 1"}, "yields a flag"),
    (
        FIXED
        | {
            "DiscountType": "Conditional",
            "DesignateDiscountEligableChargesBy": "All charges",
            "DiscountEligCond": "many",
        },
        "DiscountEligCond can't be 'many'; send a comparison with a number: >= 100.",
    ),
    (OFF | {"DiscountEligUnitMeas": "Amount"}, "means nothing where neither a condition nor tiers"),
    (OFF | {"DiscountApplMethod": "In order"}, "a percentage needs no spreading; leave it out."),
    (
        OFF | {"PricingType": "Tiered Pricing", "AggregateRateType": "Incremental"},
        "a discount has one rate: that of the tier reached; send Bulk.",
    ),
    (
        OFF | {"DiscountLimitedUsage": "1", "DiscountMaxNumberOfUses": "-1"},
        "DiscountMaxNumberOfUses",
    ),
    (COMMITTED | {"CMTTermDuration": None}, "CMTTermDuration is required where"),
    (COMMITTED | {"CMTTermDuration": "soon"}, "CMTTermDuration can't be 'soon'; send a count of"),
    (COMMITTED | {"CMTTermDuration": "0 months"}, "CMTTermDuration can't be '0 months'"),
    (COMMITTED | {"CMTQuantity": None}, "CMTQuantity is required where"),
    (COMMITTED | {"CMTQuantity": "-5"}, "CMTQuantity is -5; send more than 0."),
    ({"RatingMethodType": "Usage", "PropagateToHierarchy": "1"}, "only for Discount or Late Fee"),
]


@pytest.mark.parametrize(("sent", "said"), BAD)
def test_what_makes_no_sense_is_refused(system: Context, sent: dict[str, Any], said: str) -> None:
    (refused,) = refusals(records.create("RATING_METHOD", [sent], system))
    assert said in refused


def test_a_filter_designates_by_itself(make: Maker, system: Context) -> None:
    id = make(
        "RATING_METHOD",
        RatingMethodType="Discount",
        DiscountPricingType="Percentage Off",
        DiscountTargetFilterLogic="{!Quantity} > 1",
    )
    (outcome,) = records.update(
        "RATING_METHOD", [{"Id": id, "fieldsToNull": ["DiscountTargetFilterLogic"]}], system
    )
    assert "DiscountTargetFilterLogic is required where" in refusals([outcome])[0]


@pytest.mark.parametrize(
    ("method", "rate", "said"),
    [
        (OFF, "100", ""),
        (OFF, "100.01", "Rate is 100.01, but the rate of a percentage off lies between 0 and 100."),
        (OFF, "-1", "Rate is -1, but the rate of a percentage off lies between 0 and 100."),
        (FIXED, "250", ""),
        (FIXED, "-1", "Rate is -1, but the rate of a discount is 0 or more."),
        (COMMITTED, "-1", "Rate is -1, but the rate of a revenue commitment is 0 or more."),
        ({"RatingMethodType": "Usage"}, "-101", ""),
    ],
)
def test_rates(make: Maker, system: Context, method: dict[str, str], rate: str, said: str) -> None:
    product = make("PRODUCT", RatingMethodId=make("RATING_METHOD", **method))
    price = {"ProductId": product, "CurrencyCode": "USD", "UpperBand": "-1"}
    (outcome,) = records.create("PRICING", [price | {"Rate": rate}], system)
    assert refusals([outcome]) == [said]
    if said:
        kept = make("PRICING", **price, Rate="1")
        (outcome,) = records.update("PRICING", [{"Id": kept, "Rate": rate}], system)
        assert refusals([outcome]) == [said]
