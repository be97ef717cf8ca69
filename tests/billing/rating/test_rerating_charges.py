"""Charges that recur or come once are rated again: what was charged at one price, at another."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.rating import recurring
from billing.rating.models import ChargedPeriod
from billing.rating.rerating.running import rerate
from billing.rating.rerating.wanted import Wanted
from entities import records
from metabrm import clock
from metabrm.identity.context import Context
from tests.billing.mediation.standing import asked
from tests.billing.rating.test_recurring import change, product, provided, run
from tests.billing.rating.test_recurring_properties import (
    UNTIL,
    Products,
    Terms,
    changed_terms,
    products,
)
from tests.factories import AccountFactory, InvoiceFactory, PriceFactory

__all__ = ["products"]

pytestmark = pytest.mark.django_db

D = Decimal
CREDITS = {"AutoCalculateCredit": "1"}
TIERED = {"PricingType": "Tiered Pricing", "AggregateRateType": "Incremental"}


@pytest.fixture(autouse=True)
def in_2037(db: None) -> Iterator[None]:
    with clock.frozen(datetime(2037, 5, 10, 12, tzinfo=UTC)):
        yield


def again(id: int, preview: bool = False) -> Any:
    return rerate(Wanted(account_product_id=id), preview=preview, count=100)


def reprice(what: str) -> None:
    asked(f"UPDATE catalog_pricing SET {what} RETURNING 1")


def standing(id: int, what: str = "rated_amount") -> list[Any]:
    """What stands of an account product's lines: neither taken back nor taking one back."""
    found = asked(
        f"""SELECT {what} FROM mediation_activity a
        WHERE account_product_id = %s
          AND (reversal_of_id IS NULL OR process_description = 'Credit') AND NOT EXISTS (
            SELECT FROM mediation_activity r WHERE r.reversal_of_id = a.id
              AND r.process_description LIKE 'Reversal%%')
        ORDER BY activity_date, id""",
        id,
    )
    return [row[0] if len(row) == 1 else row for row in found]


def every_row(id: int) -> list[Any]:
    return [
        asked(
            f"SELECT to_jsonb(x) FROM {table} x WHERE account_product_id = %s ORDER BY id",
            id,
        )
        for table in ("mediation_activity", "rating_chargedperiod", "rating_chargeschedule")
    ]


#: The terms, up to when they were charged, and what stands before and after the rate of 100
#: became 130 (of a tiered one: each band's rate 30 more).
CASES: dict[str, tuple[dict[str, Any], str, list[Any], list[Any]]] = {
    "a part of a month and a whole one": (
        {"start": "2015-02-15", "BillingCycleStartDate": "2015-02-01"},
        "2015-03-31",
        [50, 100],
        [65, 130],
    ),
    "afterwards": (
        {"start": "2015-02-15", "BillingCycleStartDate": "2015-02-01",
         "method": {"SubscriptionModel": "Postpaid"}},
        "2015-03-31",
        [50],
        [65],
    ),
    "whole cycles only": (
        {"start": "2015-02-15", "BillingCycleStartDate": "2015-02-01",
         "method": {"ProrateSubscription": "0"}},
        "2015-02-28",
        [100],
        [130],
    ),
    "every ten days": (
        {"start": "2015-02-01", "Quantity": "3",
         "method": {"RatingMethodType": "Variable Interval Subscription", "IntervalDays": "10"}},
        "2015-02-15",
        [300, 300],
        [390, 390],
    ),
    "once": (
        {"start": "2015-02-01", "Quantity": "2", "method": {"RatingMethodType": "One Time Charge"}},
        "2015-03-31",
        [200],
        [260],
    ),
    "a trial, which costs nothing at any price": (
        {"start": "2015-02-01", "TrialEndDate": "2015-02-14",
         "BillingCycleStartDate": "2015-02-01"},
        "2015-02-28",
        [50, -50, 50],
        [65, -65, 65],
    ),
    "a flat fee beside the rate's part": (
        {"start": "2015-02-15", "BillingCycleStartDate": "2015-02-01",
         "method": {"FlatRate": "1"}},
        "2015-02-28",
        [50],
        [65],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_was_charged_at_one_price_is_charged_at_another(case: str) -> None:
    terms, until, before, after = CASES[case]
    id = provided(**{"rate": 100, **terms})
    run(until)
    assert standing(id) == before
    was = every_row(id)
    assert again(id).changed == 0
    assert every_row(id) == was
    reprice("rate = 130")
    shown = again(id, preview=True)
    assert every_row(id) == was
    done = again(id)
    assert done == shown
    assert standing(id) == after
    assert sum(a.difference for a in done.amounts) == sum(after) - sum(before)
    known = every_row(id)
    assert again(id).changed == 0
    # What is charged knows that it is.
    assert recurring.charge(date.fromisoformat(until)).lines == 0
    assert every_row(id) == known


def test_a_new_line_is_as_the_old_but_for_its_price() -> None:
    id = provided("2015-02-15", 100, {}, BillingCycleStartDate="2015-02-01")
    run("2015-02-28")
    reprice("rate = 130")
    again(id)
    old, new, back = (json.loads(row) for (row,) in every_row(id)[0])
    ours = {"id", "created", "updated", "rating_date"}
    assert {k: v for k, v in new.items() if v != old[k]}.keys() - ours == {
        *("rate", "rated_amount", "cost_unrounded", "rerated_from_id"),
    }
    assert (new["rerated_from_id"], back["reversal_of_id"]) == (old["id"], old["id"])
    assert {k: v for k, v in back.items() if v != old[k]}.keys() - ours == {
        *("rated_amount", "cost_unrounded", "quantity", "reversal_of_id", "process_description"),
    }
    (period,) = ChargedPeriod.objects.filter(account_product=id)
    assert (period.activity_id, period.cost, period.credited) == (new["id"], 65, 0)


def test_credits_follow_what_they_give_back() -> None:
    """March is cut off twice, of 31 days at first to 20, then to 10."""
    id = provided("2015-03-01", 31, CREDITS)
    run("2015-03-05")
    for last in ("2015-03-20", "2015-03-10"):
        change(id, EndDate=last)
        run("2015-03-05")
    assert standing(id, "rated_amount") == [31, -11, -10]
    reprice("rate = 62")
    done = again(id)
    assert standing(id, "rated_amount") == [62, -22, -20]
    assert [(line.old, line.new, line.old_quantity) for line in done.page] == [(10, 20, 1)]
    charge, *credits = standing(id, "id, reversal_of_id")
    assert [of for _, of in credits] == [charge[0]] * 2
    assert again(id).changed == 0
    change(id, EndDate="2015-03-05")
    run("2015-03-05")
    assert sum(standing(id)) == 10


def test_where_a_credit_is_on_a_closed_invoice_all_stays() -> None:
    id = provided("2015-03-01", 31, CREDITS)
    run("2015-03-05")
    change(id, EndDate="2015-03-20")
    run("2015-03-05")
    asked(
        "UPDATE mediation_activity SET invoice_id = %s "
        "WHERE process_description = 'Credit' RETURNING 1",
        InvoiceFactory(Status="CLOSED"),
    )
    reprice("rate = 62")
    assert again(id).lines == 0
    assert standing(id) == [31, -11]


def test_what_was_invoiced_for_good_stays_and_the_next_cycle_changes() -> None:
    id = provided("2015-02-01", 100)
    run("2015-03-31")
    for day, status in (("2015-02-01", "CLOSED"), ("2015-03-01", "CURRENT")):
        asked(
            "UPDATE mediation_activity SET invoice_id = %s WHERE activity_date = %s RETURNING 1",
            InvoiceFactory(Status=status),
            day,
        )
    reprice("rate = 130")
    done = again(id)
    assert standing(id) == [100, 130]
    ((invoice, lines),) = asked(
        "SELECT invoice_id, count(*) FROM mediation_activity "
        "WHERE activity_date = '2015-03-01' GROUP BY 1"
    )
    assert lines == 3
    assert [(t.invoice_id, t.lines, t.difference) for t in done.totals] == [(invoice, 1, 30)]


def test_units_that_came_later_keep_their_place_among_the_tiers() -> None:
    made = product(None, **TIERED)
    for order, (rate, lower, upper) in enumerate(((10, 0, 4), (8, 4, -1)), 1):
        PriceFactory(ProductId=made, Rate=rate, LowerBand=lower, UpperBand=upper, RateOrder=order)
    id = provided("2015-04-01", ProductId=made, Quantity="3")
    with clock.frozen(datetime(2015, 4, 1, 12, tzinfo=UTC)):
        recurring.charge()
    change(id, Quantity="6")
    with clock.frozen(datetime(2015, 4, 16, 12, tzinfo=UTC)):
        recurring.charge()
    # One of the three in the first tier, for half of the month.
    assert standing(id) == [30, D("13")]
    assert again(id).changed == 0
    reprice("rate = rate + 2")
    again(id)
    assert standing(id) == [36, D("16")]


def test_nothing_and_back() -> None:
    id = provided(
        "2015-02-01", 100, {}, TrialEndDate="2015-02-14", BillingCycleStartDate="2015-02-01"
    )
    run("2015-02-28")
    before = standing(id)
    assert before == [50, -50, 50]
    reprice("rate = 0")
    again(id)
    assert standing(id) == [0, 0]
    assert again(id).changed == 0
    reprice("rate = 100")
    again(id)
    assert standing(id) == before
    charge, discount = standing(id, "id, discounted_by_id, discount_activity_id, activity_date")[:2]
    assert (charge[1], discount[2]) == (discount[0], charge[0])


def test_what_has_no_price_any_more_says_so() -> None:
    id = provided("2015-02-01", 100)
    run("2015-02-28")
    reprice("effective_date = '2030-01-01'")
    done = again(id)
    assert (done.lines, done.changed, done.unpriced) == (1, 0, 1)
    (error,) = standing(id, "update_error")
    assert error.startswith("There is no price of product")
    reprice("effective_date = NULL")
    again(id)
    assert standing(id, "update_error, rated_amount") == [(None, 100)]


def test_an_account_product_that_was_deleted_keeps_its_lines() -> None:
    id = provided("2015-02-01", 100)
    run("2015-02-28")
    asked("UPDATE customers_accountproduct SET deleted_at = now() WHERE id = %s RETURNING 1", id)
    reprice("rate = 130")
    assert again(id).reasons[0][1] == f"Account product {id} is deleted, or its account."
    assert standing(id) == [100]


def test_a_price_with_its_flag_finds_the_charges_that_it_priced() -> None:
    id = provided("2015-02-01", 100)
    other = provided("2015-02-01", 100)
    run("2015-02-28")
    ((price,),) = asked(
        "UPDATE catalog_pricing SET rate = 130 WHERE product_id = (SELECT product_id "
        "FROM customers_accountproduct WHERE id = %s) RETURNING id",
        id,
    )
    assert rerate(Wanted(pricing_id=price), preview=False).changed == 1
    assert (standing(id), standing(other)) == ([130], [100])


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(changed_terms(), min_size=12, max_size=12), st.integers(1, 40000))
def test_rated_again_is_charged_at_once(
    products: Products, cases: list[tuple[Terms, Terms]], cents: int
) -> None:
    """Twins of the same terms: one is charged before the price changes, the other after."""
    # No month is made for days that lie so far back.
    with transaction.atomic():
        made = records.create(
            "ACCOUNT_PRODUCT",
            [
                {
                    "AccountId": account,
                    "ProductId": products[terms.cycle, terms.prepaid, terms.thirty],
                    "Quantity": terms.quantity,
                    "StartDate": terms.start,
                    "EndDate": terms.end,
                    "BillingCycleStartDate": terms.since,
                }
                for account in (AccountFactory(), AccountFactory())
                for terms, _ in cases
            ],
            Context.system("test"),
        )
        ids = [int(outcome.id or 0) for outcome in made]
        ours, theirs = ids[: len(cases)], ids[len(cases) :]
        ((us,), (them,)) = asked(
            "SELECT account_id FROM customers_accountproduct WHERE id IN (%s, %s) ORDER BY 1",
            ours[0],
            theirs[0],
        )

        def charge(account: int) -> None:
            for until in (UNTIL - timedelta(days=100), UNTIL):
                recurring.charge(until, [account])
            changes = [
                {"Id": id, "StartDate": terms.start, "EndDate": terms.end}
                for id, (_, terms) in zip(ours if account == us else theirs, cases, strict=True)
            ]
            done = records.update("ACCOUNT_PRODUCT", changes, Context.system("test"))
            assert all(outcome.ok for outcome in done)
            recurring.charge(UNTIL, [account])

        charge(us)
        reprice(f"rate = {cents} / 100.0")
        rerate(Wanted(account_id=us), preview=False)
        charge(them)
        what = "activity_date, quantity, rated_amount, cost_unrounded, process_description"
        for one, other in zip(ours, theirs, strict=True):
            assert sorted(standing(one, what), key=str) == sorted(standing(other, what), key=str)
            assert _charged(one) == _charged(other)
        assert rerate(Wanted(account_id=us), preview=False).changed == 0
        transaction.set_rollback(True)


def _charged(id: int) -> list[Any]:
    return list(
        ChargedPeriod.objects.filter(account_product=id)
        .order_by("number")
        .values_list("kept_from", "kept_until", "cost", "credited")
    )
