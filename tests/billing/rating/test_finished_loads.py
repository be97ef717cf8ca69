"""What a load's lines come to: kept by its shards as they write them, told when it is finished."""

from decimal import Decimal

import pytest

from billing.mediation.loads import finishing
from billing.mediation.models import ActivityCollectorHistory, LoadShard
from billing.rating import loads
from metabrm.identity.context import Context
from tests.billing.rating.test_loads import Feed, used
from tests.billing.rating.test_prepaid import prepaid
from tests.entities.acting import update_one
from tests.factories import AccountProductFactory, BillingProfileFactory, PriceFactory

pytestmark = pytest.mark.django_db

SYSTEM = Context.system("test")


def finished(feed: Feed) -> tuple[object, ...]:
    ActivityCollectorHistory.objects.filter(pk=feed.load).update(status="RUNNING", stage="MAPPED")
    finishing.finish(feed.load)
    load = ActivityCollectorHistory.objects.get(pk=feed.load)
    return (
        load.rated_count,
        load.processed_count,
        load.suspended_count,
        load.total_quantity,
        load.rated_amount,
        {code: Decimal(amount) for code, amount in (load.amounts or {}).items()},
    )


@pytest.mark.parametrize("kept", [True, False])
def test_a_finished_load_tells_what_its_lines_come_to(kept: bool) -> None:
    """A shard that was rated before shards kept it has kept nothing."""
    refilled, split, euros = used(), used("Incremental", SplitUsage="1"), used()
    prepaid(refilled, refill=True)
    profile = BillingProfileFactory(AccountId=str(euros["account_id"]), CurrencyCode="EUR")
    update_one("ACCOUNT", euros["account_id"], SYSTEM, BillingProfileId=str(profile))
    PriceFactory(ProductId=str(euros["product_id"]), Rate="3", CurrencyCode="EUR")
    feed = Feed()
    load = feed.lay(
        {**refilled, "quantity": 70},
        {**refilled, "quantity": 80},
        {**split, "quantity": 12},
        {**euros, "quantity": 2, "shard": 1},
        {**euros, "quantity": -5, "shard": 1},
        {**euros, "quantity": 4, "shard": 1, "product_id": split["product_id"]},
    )
    LoadShard.objects.create(load_id=load, shard=1)
    # Two covered lines and the refill; three parts of one record; two in euros; one has no price.
    assert [loads.rate(load, shard) for shard in (0, 1)] == [6, 2]
    if not kept:
        LoadShard.objects.filter(load_id=load, shard=1).update(charged=None)
    amounts = {"USD": Decimal(20 + 50 + 40 + 12), "EUR": Decimal(-9)}
    assert finished(feed) == (8, 5, 1, 150 + 12 - 3, sum(amounts.values()), amounts)


def test_a_record_that_is_charged_to_several_account_products_counts_once() -> None:
    usage = used()
    account, product = str(usage["account_id"]), str(usage["product_id"])
    other = AccountProductFactory(AccountId=account, ProductId=product)
    feed = Feed()
    load = feed.lay(
        {**usage, "quantity": 4, "usage_identifier": "data", "line": 1},
        {
            **usage,
            "quantity": 4,
            "usage_identifier": "data",
            "line": 1,
            "account_product_id": other,
        },
        {**usage, "quantity": 2, "line": 2},
    )
    assert loads.rate(load, 0) == 3
    assert finished(feed)[:3] == (3, 2, 0)
