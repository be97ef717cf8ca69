"""Loads that are taken back give back what they added to the sums over tiers."""

from decimal import Decimal
from typing import Any

import pytest

from billing.mediation.loads import reversing
from billing.mediation.models import ActivityCollectorHistory
from billing.rating.models import AccumulatorValue
from tests.billing.mediation.standing import asked
from tests.billing.rating.test_loads import Feed, used
from tests.factories import InvoiceFactory

pytestmark = pytest.mark.django_db

D = Decimal


def take_back(load: int) -> None:
    ActivityCollectorHistory.objects.filter(pk=load).update(status="REVERSING")
    assert reversing.reverse(load)


def sums() -> list[tuple[Any, ...]]:
    return list(AccumulatorValue.objects.order_by("id").values_list("quantity", "charges"))


@pytest.mark.parametrize("split", ["0", "1"])
def test_what_was_added_up_is_taken_back_and_the_same_again_costs_the_same(split: str) -> None:
    feed, usage = Feed(), used("Incremental", SplitUsage=split)
    feed.send({**usage, "quantity": 4})
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": D("5.5")})
    first = feed.lines("quantity", "cost_unrounded")
    assert sums() == [(D("13.5"), 3)]
    take_back(feed.load)
    assert sums() == [(D(4), 1)]
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": D("5.5")})
    assert feed.lines("quantity", "cost_unrounded") == first
    assert sums() == [(D("13.5"), 3)]


def test_units_that_were_included_are_part_of_a_record_that_is_split(db: None) -> None:
    feed, usage = Feed(), used("Incremental", SplitUsage="1")
    asked("UPDATE catalog_pricing SET included_quantity = 3 RETURNING 1")
    feed.send({**usage, "quantity": 10})
    lines = feed.lines("quantity", "cost_unrounded")
    assert lines == [(D(8), D(50)), (D(2), D(16))]
    take_back(feed.load)
    assert sums() == [(D(0), 0)]


def test_lines_on_closed_invoices_keep_their_place_in_the_sum(db: None) -> None:
    feed, usage = Feed(), used("Incremental")
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": 2})
    invoice = InvoiceFactory(Status="CLOSED")
    asked(
        "UPDATE mediation_activity SET invoice_id = %s WHERE line_number = 1 RETURNING 1", invoice
    )
    take_back(feed.load)
    assert sums() == [(D(4), 1)]


def test_what_could_not_be_charged_is_not_added_up(db: None) -> None:
    feed, usage = Feed(), used("Incremental")
    asked("DELETE FROM catalog_pricing WHERE rate = 6 RETURNING 1")
    feed.send({**usage, "quantity": 8}, {**usage, "quantity": 8})
    assert [row[:2] for row in feed.causes()] == [(2, "NO_BAND")]
    assert sums() == [(D(8), 1)]
