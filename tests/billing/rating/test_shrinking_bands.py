"""ProrateBand: the limits of bands, and what is included, shrink with a shortened period."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.rating import recurring
from billing.rating.explaining import explain_line
from metabrm.identity.context import Context
from tests.billing.mediation.standing import asked
from tests.billing.rating.test_loads import Feed
from tests.entities.acting import update_one
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

pytestmark = pytest.mark.django_db

SYSTEM = Context.system("test")
D = Decimal
TIERS = {"PricingType": "Tiered Pricing", "AggregateRateType": "Incremental"}


def sold(*prices: dict[str, str], **method: str) -> int:
    made = ProductFactory(RatingMethodId=RatingMethodFactory(ProrateBand="1", **method))
    for order, price in enumerate(prices, 1):
        PriceFactory(ProductId=made, RateOrder=order, **price)
    return int(made)


def had(product: int, start: str, **more: str) -> dict[str, Any]:
    account = AccountFactory()
    own = AccountProductFactory(AccountId=account, ProductId=product, StartDate=start, **more)
    return {"account_id": account, "product_id": product, "account_product_id": own}


def charged(feed: Feed, usage: dict[str, Any], *rows: tuple[str, Any]) -> list[Decimal]:
    feed.send(*({**usage, "activity_date": f"{day}T12:00:00Z", "quantity": q} for day, q in rows))
    assert feed.causes() == []
    return [amount for (amount,) in feed.lines("rated_amount")]


TEN_EACH = (
    {"Rate": "10", "LowerBand": "0", "UpperBand": "20"},
    {"Rate": "6", "LowerBand": "20.0000000001", "UpperBand": "-1"},
)


def test_of_twenty_units_ten_are_included_in_half_of_a_month() -> None:
    """12 units from the 15th of a month of 28 days: 2 at 2.50 (Silver, generated documents)."""
    feed, product = Feed(), sold({"Rate": "2.5", "IncludedQuantity": "20"})
    usage = had(product, "2026-02-15")
    assert charged(feed, usage, ("2026-02-20", 7), ("2026-02-21", 5)) == [0, 5]
    # The whole of March is there.
    assert charged(feed, usage, ("2026-03-20", 22)) == [5]
    ends = had(product, "2026-01-10", EndDate="2026-02-14")
    assert charged(feed, ends, ("2026-02-03", 12)) == [5]
    within = had(product, "2026-02-08", EndDate="2026-02-14")
    assert charged(feed, within, ("2026-02-09", 12)) == [D("17.5")]


@pytest.mark.parametrize(
    ("kind", "expected"), [("Incremental", [80, 32, 30]), ("Bulk", [80, 24, 30])]
)
def test_tiers_begin_earlier_in_a_shortened_period(kind: str, expected: list[int]) -> None:
    """In bulk each load is charged at the tier that the sum has reached by then."""
    feed = Feed()
    usage = had(sold(*TEN_EACH, **TIERS | {"AggregateRateType": kind}), "2026-02-15")
    rows = (("2026-02-20", 8), ("2026-02-21", 4), ("2026-02-22", 5))
    assert [charged(feed, usage, row)[0] for row in rows] == expected


def test_periods_of_their_own_and_sums_of_several() -> None:
    feed = Feed()
    yearly = {"AccumFlag": "1", "AccumResetPeriod": "Yearly", "AccumStartDate": "2026-01-01"}
    usage = had(sold(*TEN_EACH, **TIERS, **yearly), "2026-10-20")
    # 73 of 365 days: four units at 10.
    assert charged(feed, usage, ("2026-11-02", 5)) == [46]
    shared = had(sold(*TEN_EACH, **TIERS, AggregationLevel="Account"), "2026-02-15")
    assert charged(feed, shared, ("2026-02-20", 12)) == [120]


def test_what_is_told_of_a_line_is_what_made_it() -> None:
    feed = Feed()
    usage = had(sold(*TEN_EACH, **TIERS), "2026-02-15")
    assert charged(feed, usage, ("2026-02-20", 12)) == [112]
    ((id,),) = feed.lines("id")
    told = explain_line(id, SYSTEM)
    assert (told["Amount"], told["Line"]["Agrees"]) == ("112", "1")
    assert told["Arithmetic"] == "10 x 10 + 2 x 6 = 112"
    assert [band["UpperBand"] for band in told["Bands"]] == ["10", "-1"]
    assert told["Price"]["BandFactor"] == "0.5"
    update_one("ACCOUNT_PRODUCT", usage["account_product_id"], SYSTEM, StartDate="2026-02-01")
    whole = explain_line(id, SYSTEM)
    assert (whole["Amount"], whole["Price"]["BandFactor"]) == ("120", "1")
    assert whole["Line"]["Agrees"] == "0"


@pytest.mark.parametrize(
    ("kind", "amount", "arithmetic"),
    [
        ("Incremental", 56, "10 x 10 x 14/28 + 2 x 6 x 14/28 = 56"),
        ("Bulk", 36, "12 x 6 x 14/28 = 36"),
    ],
)
def test_a_subscription_is_prorated_over_shrunken_tiers(
    kind: str, amount: int, arithmetic: str
) -> None:
    monthly = {"RatingMethodType": "Subscription", "ProrateSubscription": "1"}
    product = sold(*TEN_EACH, **TIERS | {"AggregateRateType": kind}, **monthly)
    more = {"Quantity": "12", "BillingCycleStartDate": "2026-02-01"}
    own = had(product, "2026-02-15", **more)["account_product_id"]
    recurring.charge(date(2026, 3, 1))
    ((id, cost),) = asked(
        "SELECT id, rated_amount FROM mediation_activity WHERE account_product_id = %s", own
    )
    assert cost == amount
    told = explain_line(id, SYSTEM)
    assert (told["Arithmetic"], told["Line"]["Agrees"]) == (arithmetic, "1")
