"""Charges that recur or come once: cycles, parts of cycles, changes, trials, tiers, and faults."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.rating import recurring
from entities import records
from metabrm import clock
from metabrm.identity.context import Context
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    BillingProfileFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

D = Decimal
SYSTEM = Context.system("test")
SERVICE = "Sync with Service Start Date"
BILLING = "Sync with Billing Cycle"


@pytest.fixture(autouse=True)
def in_2037(db: None) -> Iterator[None]:
    """Days of the tests lie in the past, unless they say when they are."""
    with clock.frozen(datetime(2037, 5, 10, 12, tzinfo=UTC)):
        yield


def on(day: str) -> Any:
    """At noon of the day."""
    return clock.frozen(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
                        + timedelta(hours=12))


def product(rate: Any = 100, **method: Any) -> int:
    method = {
        "RatingMethodType": "Subscription",
        "SubscriptionCycle": "Monthly",
        "CycleType": SERVICE,
        "SubscriptionModel": "Prepaid",
        "ProrateSubscription": "1",
    } | method
    made = ProductFactory(RatingMethodId=RatingMethodFactory(**{k: v for k, v in method.items() if v}))
    if rate is not None:
        PriceFactory(ProductId=made, Rate=str(rate))
    return int(made)


def provided(start: str, rate: Any = 100, method: dict[str, Any] | None = None, **more: Any) -> int:
    """An account product with a price of its own product; the payer is the account."""
    fields = {"StartDate": start, **more}
    fields.setdefault("AccountId", AccountFactory())
    fields.setdefault("ProductId", 0)
    if not fields["ProductId"]:
        fields["ProductId"] = product(rate, **(method or {}))
    return int(AccountProductFactory(**fields))


def change(id: int, **fields: Any) -> None:
    (outcome,) = records.update("ACCOUNT_PRODUCT", [{"Id": id, **fields}], SYSTEM)
    assert outcome.ok, outcome.problems


def run(until: str, **more: Any) -> recurring.Summary:
    return recurring.charge(date.fromisoformat(until), **more)


def lines(id: int, what: str = "subscription_from_date, subscription_to_date, rated_amount") -> Any:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {what} FROM mediation_activity WHERE account_product_id = %s ORDER BY id", [id]
        )
        return [
            tuple(v.isoformat() if isinstance(v, date) else v for v in row)
            for row in cursor.fetchall()
        ]


def amounts(id: int) -> list[Decimal]:
    return [amount for (amount,) in lines(id, "rated_amount")]


def begins(id: int) -> list[str]:
    return [day for (day,) in lines(id, "subscription_from_date")]


def test_first(db: None) -> None:
    ap = provided("2017-01-31")
    run("2017-04-30")
    assert lines(ap) == []
