"""Charges that recur or come once: cycles, parts of cycles, changes, trials, tiers, and faults."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
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
    return clock.frozen(
        datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=12)
    )


def product(rate: Any = 100, **method: Any) -> int:
    if "RatingMethodType" not in method:
        method = {"RatingMethodType": "Subscription", "SubscriptionCycle": "Monthly"} | method
    if "Subscription" in method["RatingMethodType"]:
        terms = {"CycleType": SERVICE, "SubscriptionModel": "Prepaid", "ProrateSubscription": "1"}
        method = terms | method
    made = ProductFactory(RatingMethodId=RatingMethodFactory(**method))
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


def paying(**profile: str) -> int:
    """An account with a billing profile."""
    account = int(AccountFactory())
    made = BillingProfileFactory(AccountId=account, **profile)
    (outcome,) = records.update("ACCOUNT", [{"Id": account, "BillingProfileId": made}], SYSTEM)
    assert outcome.ok, outcome.problems
    return account


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


YEARLY = {"SubscriptionCycle": "Yearly"}
POSTPAID = {"SubscriptionModel": "Postpaid"}
CREDITS = {"AutoCalculateCredit": "1"}
THIRTY = {"ProrationDayCount": "30/360"}


#: Parts of the cycle that they lie in: 14/31, 26/31, 27/31, 9/365, an exact half.
PUBLISHED: tuple[tuple[Any, str, str | None, dict[str, str], list[Any]], ...] = (
    (31, "2011-02-01", "2011-02-15", {}, [14]),
    ("249.95", "2016-06-01", "2016-05-15", {}, ["112.88"]),
    ("249.95", "2016-07-15", "2016-07-10", {}, ["209.64"]),
    ("599.95", "2016-05-05", "2016-05-01", {}, ["522.54"]),
    ("2399.95", "2017-05-01", "2016-05-10", YEARLY, ["59.18"]),
    ("249.95", "2016-07-01", "2016-06-10", {}, ["74.99"]),
    ("2399.95", "2012-05-12", "2012-05-01", YEARLY, ["2327.62"]),
    ("2399.95", "2012-06-04", "2012-06-01", YEARLY, ["2380.22"]),
    (100, "2011-02-01", "2011-02-15", POSTPAID, ["45.16"]),
    (100, "2018-01-01", "2018-01-15", {}, ["45.16", 100]),
    (10, "2022-07-10", "2022-07-01", {}, ["7.10"]),
    (200, "2015-02-15", "2015-02-01", {}, [100, 200]),
    (50, "2023-01-08", "2023-01-01", {}, ["38.71", 50]),
    ("2399.95", "2013-05-01", "2012-06-01", YEARLY, ["203.83"]),
    (10, "2021-01-01", None, {}, [10, 10, 10]),
    # Each month counts as 30 days: 8/30, 22/30, 14/30.
    ("19.95", "2023-05-15", "2023-05-23", THIRTY, ["5.32", "19.95"]),
    ("19.95", "2023-06-15", "2023-06-23", THIRTY, ["5.32", "19.95"]),
    ("19.95", "2023-05-23", "2023-06-15", THIRTY, ["14.63", "19.95"]),
    ("19.95", "2023-06-23", "2023-07-15", THIRTY, ["14.63", "19.95"]),
    (100, "2018-01-01", "2018-01-15", THIRTY, ["46.67", 100]),
)


def test_published_parts_of_cycles() -> None:
    ids = [
        provided(start, rate, method, BillingCycleStartDate=since)
        for rate, start, since, method, _ in PUBLISHED
    ]
    run("2023-12-31")
    for id, (*_, expected) in zip(ids, PUBLISHED, strict=True):
        assert amounts(id)[: len(expected)] == [D(str(e)) for e in expected]


@pytest.mark.parametrize(
    ("start", "cancelled", "repair"),
    [
        ("2023-04-23", "2023-05-15", "-5.32"),
        ("2023-05-23", "2023-06-15", "-5.32"),
        ("2023-05-15", "2023-05-23", "-14.63"),
        ("2023-06-15", "2023-06-23", "-14.63"),
    ],
)
def test_what_is_credited_by_thirty_days_a_month_mirrors_what_is_charged(
    start: str, cancelled: str, repair: str
) -> None:
    id = provided(start, "19.95", THIRTY | CREDITS)
    run(start)
    change(id, EndDate=date.fromisoformat(cancelled) - timedelta(days=1))
    run(cancelled)
    assert amounts(id) == [D("19.95"), D(repair)]


def test_days_that_thirty_days_a_month_pass_over() -> None:
    """A 31st is the same day as the 30th: the night between them costs nothing, and what is kept
    and what is credited come to the whole whatever day it is."""
    since = {"BillingCycleStartDate": "2023-05-15"}
    night = provided("2023-05-30", 30, THIRTY, EndDate="2023-05-30", **since)
    short = provided("2023-02-28", 30, THIRTY, BillingCycleStartDate="2023-03-01")
    days = {"SubscriptionCycle": "Daily", **THIRTY}
    daily = provided("2023-05-29", 1, days, EndDate="2023-06-01")
    run("2023-06-30")
    assert (amounts(night), amounts(short)[0]) == ([], 3)
    assert amounts(daily) == [1, 1, 1, 1]
    cut = provided("2023-05-15", 30, THIRTY | CREDITS)
    run("2023-06-01")
    ends = {"2023-06-10": 26, "2023-05-30": 15, "2023-05-29": 15, "2023-05-16": 2}
    for end, left in ends.items():
        change(cut, EndDate=end)
        run("2023-06-01")
        assert sum(amounts(cut)) == left, end


def test_a_charge_is_credited_as_its_days_were_counted() -> None:
    """What the rating method says later counts for later charges."""
    method = RatingMethodFactory(
        RatingMethodType="Subscription", SubscriptionModel="Prepaid", ProrateSubscription="1",
        **CREDITS,
    )  # fmt: skip
    sold = ProductFactory(RatingMethodId=method)
    PriceFactory(ProductId=sold, Rate="31")
    id = provided("2023-05-01", ProductId=sold)
    run("2023-05-01")
    (outcome,) = records.update("RATING_METHOD", [{"Id": method, **THIRTY}], SYSTEM)
    assert outcome.ok, outcome.problems
    change(id, EndDate="2023-05-10")
    run("2023-05-11")
    assert amounts(id) == [31, -21]


def test_a_leading_part_two_cycles_and_a_trailing_part() -> None:
    id = provided("2011-01-01", 1, BillingCycleStartDate="2011-01-15", EndDate="2011-02-26")
    run("2011-12-31")
    costs = [cost for (cost,) in lines(id, "cost_unrounded")]
    assert round(sum(costs), 9) == D("1.880184332")
    assert [factor for (factor,) in lines(id, "prorate_factor")] == [
        D("0.4516129032"),
        1,
        D("0.4285714286"),
    ]
    id = provided("2023-04-08", 3950, BillingCycleStartDate="2023-04-01", EndDate="2023-06-30")
    run("2023-12-31")
    assert sum(amounts(id)) == D("10928.33")


def test_parts_of_a_short_month_to_four_places() -> None:
    days = {"2015-02-22": 50, "2015-02-21": "57.1429", "2015-02-09": "142.8571"}
    ids = [provided(start, 200, BillingCycleStartDate="2015-02-01") for start in days]
    run("2015-02-28")
    costs = [lines(id, "round(cost_unrounded, 4)") for id in ids]
    assert costs == [[(D(str(cost)),)] for cost in days.values()]


#: Cycle, and days on which it begins from the first on.
BEGINS = (
    ("Monthly", "2017-01-31 2017-02-28 2017-03-31 2017-04-30"),
    ("Monthly", "2023-02-28 2023-03-28 2023-04-28 2023-05-28"),
    ("Daily", "2018-02-22 2018-02-23"),
    ("Weekly", "2018-02-22 2018-03-01"),
    ("Biweekly", "2018-02-22 2018-03-08"),
    ("Quarterly", "2018-02-22 2018-05-22"),
    ("Semi-Annual", "2018-02-22 2018-08-22"),
    ("Yearly", "2018-02-22 2019-02-22"),
    ("Yearly", "2020-02-29 2021-02-28 2022-02-28 2023-02-28 2024-02-29"),
    ("Semi-Monthly", "2018-02-16 2018-03-01 2018-03-16"),
)


def test_where_cycles_begin() -> None:
    """A month's end is no reason to drift, nor to prorate."""
    told = [(cycle, days.split()) for cycle, days in BEGINS]
    ids = [provided(days[0], 7, {"SubscriptionCycle": cycle}) for cycle, days in told]
    run("2024-02-29")
    for id, (_, days) in zip(ids, told, strict=True):
        assert begins(id)[: len(days)] == days
        assert set(amounts(id)) == {D(7)}


def test_a_variable_interval() -> None:
    method = {
        "RatingMethodType": "Variable Interval Subscription",
        "IntervalDays": "10",
    }
    id = provided("2023-01-25", 10, method, EndDate="2023-02-18")
    run("2023-12-31")
    assert lines(id) == [
        ("2023-01-25", "2023-02-03", 10),
        ("2023-02-04", "2023-02-13", 10),
        ("2023-02-14", "2023-02-18", 5),
    ]


SYNCED: tuple[tuple[dict[str, str], str, str, list[tuple[str, str, Any]]], ...] = (
    (
        {"MonthlyBillingDate": "31"},
        "Monthly",
        "2026-01-20",
        [("2026-01-20", "2026-01-31", "38.71"), ("2026-02-01", "2026-02-28", 100)],
    ),
    (
        {"MonthlyBillingDate": "30"},
        "Monthly",
        "2026-01-31",
        [("2026-01-31", "2026-02-28", 100), ("2026-03-01", "2026-03-30", 100)],
    ),
    (
        {"MonthlyBillingDate": "15"},
        "Monthly",
        "2026-01-20",
        [("2026-01-20", "2026-02-15", "87.10"), ("2026-02-16", "2026-03-15", 100)],
    ),
    (
        {"MonthlyBillingDate": "15"},
        "Yearly",
        "2026-01-20",
        [("2026-01-20", "2027-01-15", "98.90"), ("2027-01-16", "2028-01-15", 100)],
    ),
    (
        {
            "BillingCycle": "QUARTERLY",
            "QuarterlyBillingMonth": "March, June, September, December",
        },
        "Quarterly",
        "2026-02-15",
        [("2026-02-15", "2026-03-31", 50), ("2026-04-01", "2026-06-30", 100)],
    ),
    (
        {"BillingCycle": "WEEKLY", "WeeklyBillingDate": "Monday - Sunday"},
        "Weekly",
        "2026-01-07",
        [("2026-01-07", "2026-01-11", "71.43"), ("2026-01-12", "2026-01-18", 100)],
    ),
    (
        {"BillingCycle": "MANUAL"},
        "Monthly",
        "2026-01-20",
        [("2026-01-20", "2026-02-19", 100), ("2026-02-20", "2026-03-19", 100)],
    ),
)


def test_cycles_of_the_billing_profile() -> None:
    ids = [
        provided(
            start,
            100,
            {"CycleType": BILLING, "SubscriptionCycle": cycle},
            AccountId=paying(**profile),
        )
        for profile, cycle, start, _ in SYNCED
    ]
    run("2027-01-16")
    for id, (*_, expected) in zip(ids, SYNCED, strict=True):
        assert lines(id)[:2] == [(first, last, D(str(cost))) for first, last, cost in expected]


def test_the_account_above_pays_in_its_cycle_its_currency_and_its_days() -> None:
    payer = paying(MonthlyBillingDate="10", CurrencyCode="JPY", TimeZoneId="351")
    below = AccountFactory(ParentAccountId=payer)
    sold = product(None, CycleType=BILLING, **POSTPAID)
    PriceFactory(ProductId=sold, Rate="1000", CurrencyCode="JPY")
    id = provided("2026-01-06", AccountId=below, ProductId=sold)
    run("2026-01-11")
    ((begin, end, amount, currency, moment),) = lines(
        id,
        "subscription_from_date, subscription_to_date, rated_amount, currency_code, "
        "activity_date AT TIME ZONE (SELECT canonical_name FROM localization_timezone "
        "WHERE id = 351)",
    )
    assert (begin, end, amount, currency) == ("2026-01-06", "2026-01-10", D(161), "JPY")
    assert moment == "2026-01-10T00:00:00"


def test_a_whole_cycle_for_any_day_of_it() -> None:
    whole = {"ProrateSubscription": "0", **CREDITS}
    id = provided("2026-01-20", 100, whole, BillingCycleStartDate="2026-01-01")
    run("2026-02-10")
    assert lines(id) == [("2026-01-20", "2026-01-31", 100), ("2026-02-01", "2026-02-28", 100)]
    change(id, EndDate="2026-02-03")
    run("2026-04-01")
    assert len(lines(id)) == 2
    change(id, EndDate="2026-01-25")
    run("2026-04-01")
    assert amounts(id) == [100, 100, -100]


def test_charged_in_advance_and_afterwards() -> None:
    ahead = {"ChargeInAdvancePeriod": "1", "ChargeInAdvanceUnit": "Week"}
    id = provided("2026-03-10", 100, ahead)
    after = {**POSTPAID, "ChargeInSubsequentPer": "5", "ChargeInSubsequentUnit": "Day"}
    late = provided("2026-03-10", 100, after)
    run("2026-03-02")
    assert (lines(id), lines(late)) == ([], [])
    run("2026-03-03")
    assert lines(id, "activity_date")[0][0].startswith("2026-03-03")
    run("2026-04-02")
    assert begins(id) == ["2026-03-10"]
    run("2026-04-14")
    assert begins(id) == ["2026-03-10", "2026-04-10"]
    assert lines(late) == []
    run("2026-04-15")
    assert lines(late) == [("2026-03-10", "2026-04-09", 100)]
    assert lines(late, "activity_date")[0][0].startswith("2026-04-14")


def renewal(id: int) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT renewal_date::text FROM customers_accountproduct WHERE id = %s", [id]
        )
        (day,) = cursor.fetchone()
        return str(day) if day else None


def test_the_renewal_date_says_when_the_next_charge_is_made() -> None:
    id = provided("2026-01-31", EndDate="2026-03-31")
    run("2025-12-31")
    assert renewal(id) == "2026-01-31"
    run("2026-01-31")
    assert renewal(id) == "2026-02-28"
    run("2026-03-31")
    assert renewal(id) is None
    assert run("2026-12-31").account_products == 0


@pytest.mark.parametrize("kind", ["One Time Charge", "Prepaid Usage"])
def test_what_is_charged_once(kind: str) -> None:
    id = provided(
        "2026-03-10", 40, {"RatingMethodType": kind, "SubscriptionCycle": ""}, Quantity="3"
    )
    run("2026-03-09")
    assert lines(id) == []
    run("2026-03-10")
    assert lines(id) == [(None, None, 120)]
    change(id, StartDate="2026-02-01", Quantity="5")
    run("2026-12-31")
    assert amounts(id) == [120]


def test_a_trial_and_what_follows_it() -> None:
    paid = product(30)
    method = {
        "RatingMethodType": "Trial",
        "TrialDuration": "14",
        "TrialRateType": "Free",
        "ChangeToProductByDefault": str(paid),
    }
    free = provided("2026-03-01", None, method, Quantity="3")
    test = provided("2026-03-01", 5, method | {"TrialRateType": "Flat"}, EndDate="2026-03-20")
    assert not run("2026-03-14").problems
    assert lines(free) == []
    assert lines(test) == [("2026-03-01", "2026-03-14", 5)]
    run("2026-03-15")
    run("2026-03-15")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, start_date, quantity FROM customers_accountproduct WHERE product_id = %s",
            [paid],
        )
        ((after, start, quantity),) = cursor.fetchall()
        assert (start, quantity) == (date(2026, 3, 15), 3)
        cursor.execute("SELECT end_date FROM customers_accountproduct WHERE id = %s", [free])
        assert cursor.fetchone() == (date(2026, 3, 14),)
    assert lines(after) == [("2026-03-15", "2026-04-14", 90)]


def test_an_upgrade_in_the_middle() -> None:
    for old, new, last, credit, charge in (
        (10, 20, 15, "-5", "10"),
        (60, 30, 20, "-20", "10"),
        (10, 30, 10, "-6.67", "20"),
        ("249.95", "599.95", 4, "-216.62", "519.96"),
    ):
        before = provided("2026-04-01", old, CREDITS)
        with on("2026-04-01"):
            recurring.charge()
        change(before, EndDate=f"2026-04-{last:02}")
        after = provided(f"2026-04-{last + 1:02}", new, BillingCycleStartDate="2026-04-01")
        with on(f"2026-04-{last + 1:02}"):
            recurring.charge()
        assert amounts(before)[1:] == [D(credit)]
        assert amounts(after) == [D(charge)]
        with on("2026-05-01"):
            recurring.charge()
        assert amounts(before)[1:] == [D(credit)]
        assert amounts(after) == [D(charge), D(new)]


def test_a_credit_takes_back_what_was_charged() -> None:
    id = provided("2016-05-01", "249.95", CREDITS)
    run("2016-05-31")
    PriceFactory(AccountProductId=id, Rate="1")
    change(id, EndDate="2016-05-04")
    run("2016-05-31")
    (first, second) = lines(
        id,
        "id, subscription_from_date, subscription_to_date, quantity, rated_amount, reversal_of_id",
    )
    assert second[1:] == ("2016-05-05", "2016-05-31", -1, D("-217.70"), first[0])
    change(id, EndDate="2016-05-01")
    run("2016-05-31")
    (total,) = lines(id, "cost_unrounded")[0]
    costs = [cost for (cost,) in lines(id, "cost_unrounded")]
    assert sum(costs) == round(total / 31, 10)


def test_a_year_that_ends_early() -> None:
    id = provided("2024-01-01", 1188, YEARLY | CREDITS)
    run("2024-01-01")
    change(id, EndDate="2024-05-02")
    run("2024-01-01")
    assert amounts(id) == [1188, D("-788.75")]
    paused = provided("2012-05-01", "2399.95", YEARLY | CREDITS)
    run("2012-05-01")
    change(paused, EndDate="2012-05-11")
    run("2012-06-04")
    resumed = provided("2012-06-04", "2399.95", YEARLY, BillingCycleStartDate="2012-06-01")
    run("2012-06-04")
    assert amounts(paused)[1:] == [D("-2327.62")]
    assert amounts(paused)[1] + amounts(resumed)[0] == D("52.60")


def test_a_month_that_ends_early() -> None:
    for rate, start, last, credit in (
        ("249.95", "2012-05-01", "2012-05-11", "-161.26"),
        (50, "2023-02-01", "2023-02-25", "-5.36"),
    ):
        id = provided(start, rate, CREDITS)
        run(start)
        change(id, EndDate=last)
        run(last)
        assert amounts(id) == [D(rate), D(credit)]


def test_a_pause_that_is_told_when_it_is_over() -> None:
    id = provided("2012-05-01", "2399.95", YEARLY | CREDITS)
    run("2012-07-01")
    change(id, EndDate="2012-05-11")
    resumed = provided("2012-06-04", "2399.95", YEARLY, BillingCycleStartDate="2012-05-01")
    run("2012-07-01")
    assert amounts(id)[1] + amounts(resumed)[0] == D("-151.23")


def test_nothing_is_credited_unasked() -> None:
    id = provided("2026-01-01", 100)
    run("2026-01-01")
    change(id, EndDate="2026-01-10")
    run("2026-03-01")
    assert amounts(id) == [100]
    change(id, EndDate="2026-02-14")
    run("2026-03-01")
    assert amounts(id) == [100, 50]


def test_a_start_that_is_moved_and_an_end_that_is_taken_back() -> None:
    id = provided("2026-04-01", 30, CREDITS, BillingCycleStartDate="2026-04-01")
    run("2026-04-01")
    change(id, StartDate="2026-04-11")
    run("2026-04-30")
    assert lines(id)[1:] == [("2026-04-01", "2026-04-10", -10)]
    change(id, StartDate="2026-04-06")
    run("2026-04-30")
    assert lines(id)[2:] == [("2026-04-06", "2026-04-10", 5)]
    change(id, EndDate="2026-04-20")
    run("2026-04-30")
    change(id, fieldsToNull=["EndDate"])
    run("2026-04-30")
    assert lines(id)[3:] == [("2026-04-21", "2026-04-30", -10), ("2026-04-21", "2026-04-30", 10)]


def test_cycles_that_are_moved() -> None:
    id = provided("2016-05-01", "599.95")
    run("2016-05-01")
    change(id, BillingCycleStartDate="2016-05-10")
    run("2016-05-31")
    assert len(lines(id)) == 1
    run("2016-06-10")
    assert lines(id)[1:] == [
        ("2016-06-01", "2016-06-09", D("174.18")),
        ("2016-06-10", "2016-07-09", D("599.95")),
    ]


def test_a_new_quantity_counts_from_the_day_on_which_it_is_seen() -> None:
    id = provided("2022-07-01", 10, CREDITS, Quantity="4")
    unasked = provided("2022-07-01", 10, Quantity="4")
    with on("2022-07-01"):
        recurring.charge()
    for ap in (id, unasked):
        change(ap, Quantity="5")
    with on("2022-07-10"):
        recurring.charge()
        recurring.charge()
    assert lines(id)[1:] == [("2022-07-10", "2022-07-31", D("7.10"))]
    for ap in (id, unasked):
        change(ap, Quantity="2")
    with on("2022-07-20"):
        recurring.charge()
        recurring.charge()
    assert lines(id)[2:] == [("2022-07-20", "2022-07-31", D("-11.61"))]
    assert len(lines(unasked)) == 2
    change(id, EndDate="2022-07-25")
    with on("2022-07-26"):
        recurring.charge()
    # 2 units, 6 days.
    assert sum(amounts(id)[3:]) == D("-3.87")
    with on("2022-08-01"):
        recurring.charge()
    assert amounts(unasked)[2:] == [20]


def test_a_trial_is_shown_and_taken_back() -> None:
    id = provided("2015-02-04", 200, TrialEndDate="2015-02-17", BillingCycleStartDate="2015-02-01")
    run("2015-03-01")
    found = lines(
        id,
        "subscription_from_date, subscription_to_date, round(cost_unrounded, 4), "
        "discounted_by_id IS NOT NULL, discount_activity_id IS NOT NULL",
    )
    assert found == [
        ("2015-02-04", "2015-02-17", 100, True, False),
        ("2015-02-04", "2015-02-17", -100, False, True),
        ("2015-02-18", "2015-02-28", D("78.5714"), False, False),
        ("2015-03-01", "2015-03-31", 200, False, False),
    ]
    for rate, end, expected in ((50000, 14, "27419.35"), (100000, 17, "45161.29")):
        late = provided(
            "2022-03-01", rate, TrialEndDate=f"2022-03-{end}", BillingCycleStartDate="2022-03-01"
        )
        run("2022-03-31")
        assert amounts(late)[2:] == [D(expected)]


def test_cycles_begin_when_the_trial_ends() -> None:
    id = provided("2026-01-10", 100, {"ProrateSubscription": "0"}, TrialEndDate="2026-01-24")
    run("2026-02-25")
    assert begins(id)[-2:] == ["2026-01-25", "2026-02-25"]
    change(id, TrialEndDate="2026-04-30")
    run("2026-05-01")
    assert begins(id)[-1] == "2026-05-01"


def test_a_whole_cycle_that_begins_with_a_trial_is_charged_when_that_is_over() -> None:
    whole = {"ProrateSubscription": "0", **YEARLY}
    since = {"BillingCycleStartDate": "2026-01-01"}
    id = provided("2026-01-10", 120, whole, TrialEndDate="2026-01-24", **since)
    run("2026-01-24")
    assert sum(amounts(id)) == 0
    run("2026-01-25")
    assert lines(id)[-1] == ("2026-01-25", "2026-12-31", 120)


def test_a_trial_that_is_cut_short_costs_nothing() -> None:
    id = provided("2026-01-10", 100, CREDITS, TrialEndDate="2026-01-24")
    run("2026-01-10")
    change(id, EndDate="2026-01-12")
    run("2026-02-25")
    assert sum(amounts(id)) == 0


def test_what_has_no_price_is_told_and_charged_when_it_has_one() -> None:
    id = provided("2026-01-10", None)
    assert "no price" in run("2026-02-10").problems[id]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cause, reason, charged_until FROM rating_chargeschedule "
            "WHERE account_product_id = %s",
            [id],
        )
        cause, reason, until = cursor.fetchone()
    assert (cause, until) == ("NO_PRICE", date(2026, 1, 10))
    assert "in USD on 2026-01-10" in reason
    PriceFactory(AccountProductId=id, Rate="9", EffectiveDate="2026-02-01")
    assert run("2026-02-10").problems
    assert lines(id) == [("2026-02-10", "2026-03-09", 9)]
    PriceFactory(AccountProductId=id, Rate="8", EndDate="2026-01-31")
    assert not run("2026-02-10").problems
    assert lines(id)[1:] == [("2026-01-10", "2026-02-09", 8)]


def test_a_price_with_a_gap_and_a_method_without_a_cycle() -> None:
    gap = provided(
        "2026-01-10",
        None,
        {"PricingType": "Tiered Pricing", "AggregateRateType": "Incremental"},
        Quantity="12",
    )
    PriceFactory(AccountProductId=gap, Rate="9", UpperBand="5")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_ratingmethod SET subscription_cycle = NULL "
            "WHERE id = (SELECT rating_method_id FROM catalog_product WHERE id = %s)",
            [none := product(5)],
        )
    endless = provided("2026-01-10", ProductId=none)
    problems = run("2026-02-10").problems
    assert "no band for 12 units" in problems[gap]
    assert "no SubscriptionCycle" in problems[endless]
    assert (lines(gap), lines(endless)) == ([], [])


def test_the_price_says_where_it_came_from() -> None:
    id = provided("2026-01-10", 100, RateOverride="7", Quantity="2")
    run("2026-01-10")
    assert lines(id, "rate, rated_amount, rate_source, rate_source_id, rate_date") == [
        (7, 14, "Account Product", id, "2026-01-10")
    ]


TIERS = {"PricingType": "Tiered Pricing", "AggregateRateType": "Incremental"}


def tiered(**method: Any) -> int:
    sold = product(None, **TIERS, **method)
    PriceFactory(ProductId=sold, Rate="10", UpperBand="5", RateOrder="1")
    PriceFactory(ProductId=sold, Rate="6", LowerBand="5.0000000001", RateOrder="2")
    return sold


def test_the_tier_follows_the_full_quantity_and_the_amount_the_days() -> None:
    id = provided(
        "2026-04-16", ProductId=tiered(), Quantity="7", BillingCycleStartDate="2026-04-01"
    )
    with on("2026-04-16"):
        recurring.charge()
    change(id, Quantity="9")
    with on("2026-04-25"):
        recurring.charge()
    assert amounts(id) == [31, D("2.4")]


def test_the_tier_over_the_account() -> None:
    sold, account = tiered(SubAggrLevel="Account"), AccountFactory()
    ids = [
        provided("2026-04-01", ProductId=sold, Quantity=quantity, AccountId=account)
        for quantity in ("3", "4", "2")
    ]
    other = provided("2026-04-01", ProductId=sold, Quantity="4")
    run("2026-04-01")
    assert [amounts(id) for id in ids] == [[30], [32], [12]]
    assert amounts(other) == [40]


def test_only_what_is_active_is_charged() -> None:
    ids = [
        provided("2026-01-01", 100, Status=status)
        for status in ("PENDING", "SUSPENDED", "DEACTIVATED", "ACTIVE")
    ]
    run("2026-01-31")
    assert [amounts(id) for id in ids] == [[], [], [], [100]]


def test_a_run_for_some_accounts_and_one_that_writes_nothing() -> None:
    first, second = provided("2026-01-01"), provided("2026-01-01")
    tried = run("2026-01-01", dry_run=True)
    assert (tried.lines, tried.amounts) == (2, {"USD": 200})
    assert lines(first) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_id FROM customers_accountproduct WHERE id = %s", [second])
        (account,) = cursor.fetchone()
    assert run("2026-01-01", accounts=[account]).lines == 1
    assert (len(lines(first)), len(lines(second))) == (0, 1)
    assert run("2026-01-01").lines == 1
    assert run("2026-01-01").account_products == 0


def test_killed_at_any_statement_nothing_is_left_and_then_all_is_charged() -> None:
    ended = provided("2026-01-01", 100, CREDITS)
    run("2026-01-01")
    change(ended, EndDate="2026-01-10")
    id = provided("2026-01-01", 100)

    class Killed(Exception):
        pass

    def dying(fatal: int) -> Any:
        number = count(1)

        def execute_or_die(execute: Any, *statement: Any) -> Any:
            if next(number) == fatal:
                raise Killed
            return execute(*statement)

        return execute_or_die

    for fatal in range(1, 100):
        with suppress(Killed):
            with connection.execute_wrapper(dying(fatal)):
                run("2026-01-01")
            break
        assert len(lines(ended)) + len(lines(id)) in (1, 3), fatal
    assert 15 < fatal < 60
    assert (amounts(ended), amounts(id)) == ([100, D("-67.74")], [100])
