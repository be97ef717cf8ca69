"""Usage in flight becomes lines, once, and what can't be priced says why."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from metabrm.identity.context import Context
from tests.billing.mediation.standing import asked
from tests.entities.acting import update_one
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    ActivityCollectorFactory,
    ActivityCollectorHistoryFactory,
    BillingProfileFactory,
    CountryCodeFactory,
    CountryCodeMapFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

pytestmark = pytest.mark.django_db

SYSTEM = Context.system("test")
D = Decimal


class Feed:
    """Usage in flight of one load after the other."""

    def __init__(self) -> None:
        self.collector = ActivityCollectorFactory()
        self.load = 0

    def send(self, *rows: dict[str, Any]) -> int:
        """Rate the rows as a load of their own; gives how many lines came of it."""
        from billing.rating import loads

        return loads.rate(self.lay(*rows), 0)

    def lay(self, *rows: dict[str, Any]) -> int:
        """Have the rows in flight as a load of their own, and give its Id."""
        from billing.mediation.models import LoadShard

        self.load = ActivityCollectorHistoryFactory(ActivityCollectorId=str(self.collector))
        LoadShard.objects.create(load_id=self.load, shard=0)
        with connection.cursor() as cursor:
            for line, row in enumerate(rows, 1):
                given = {
                    "load_id": self.load,
                    "line": line,
                    "shard": 0,
                    "collector_id": self.collector,
                    "activity_date": "2026-06-15T12:00:00Z",
                    "quantity": 1,
                    **row,
                }
                names = ", ".join(given)
                marks = ", ".join(["%s"] * len(given))
                cursor.execute(
                    f"INSERT INTO mediation_usage ({names}) VALUES ({marks})", list(given.values())
                )
        return self.load

    def lines(self, *columns: str) -> list[tuple[Any, ...]]:
        """The lines of the last load, in the order of its records."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(columns)} FROM mediation_activity "
                "WHERE activity_collector_history_id = %s ORDER BY line_number, id",
                [self.load],
            )
            return cursor.fetchall()

    def causes(self) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT line, cause, reason FROM mediation_usage "
                "WHERE load_id = %s AND cause IS NOT NULL ORDER BY line",
                [self.load],
            )
            return cursor.fetchall()


@pytest.fixture
def feed(db: None) -> Feed:
    return Feed()


def used(kind: str = "", **method: Any) -> dict[str, int]:
    """An account product whose usage is 10 each up to 5, 8 each up to 10, 6 each beyond; or,
    without a kind of tiers, 2.5 each."""
    how = {"PricingType": "Tiered Pricing", "AggregateRateType": kind} if kind else {}
    made = RatingMethodFactory(**how, **method)
    product = ProductFactory(RatingMethodId=str(made))
    if kind:
        rows = [("10", "0", "5"), ("8", "5.0000000001", "10"), ("6", "10.0000000001", "-1")]
        for order, (rate, lower, upper) in enumerate(rows, 1):
            PriceFactory(
                ProductId=str(product), Rate=rate, LowerBand=lower, UpperBand=upper, RateOrder=order
            )
    else:
        PriceFactory(ProductId=str(product), Rate="2.5")
    account = AccountFactory()
    own = AccountProductFactory(AccountId=str(account), ProductId=str(product))
    return {"account_id": account, "product_id": product, "account_product_id": own}


def test_a_line_tells_what_it_is_made_of(feed: Feed) -> None:
    usage = used()
    assert feed.send({**usage, "quantity": D("3.001")}) == 1
    (line,) = feed.lines(
        "account_id", "product_id", "account_product_id", "quantity", "rate", "cost_unrounded",
        "rated_amount", "currency_code", "rate_source", "rate_source_id", "rate_date::text",
        "activity_collector_id", "line_number",
    )  # fmt: skip
    assert line == (
        *usage.values(), D("3.001"), D("2.5"), D("7.5025"), D("7.50"), "USD", "Product",
        usage["product_id"], "2026-06-15", feed.collector, 1,
    )  # fmt: skip


def test_the_same_shard_is_rated_once(feed: Feed) -> None:
    from billing.rating import loads

    assert feed.send(used()) == 1
    assert loads.rate(feed.load, 0) == 0
    assert len(feed.lines("id")) == 1


def test_a_file_is_rated_by_its_tasks(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """From an uploaded file to lines, by the tasks that workers run."""
    from billing.mediation.tasks import finish_load, run_load
    from billing.rating.tasks import rate_load
    from metabrm import background
    from tests.billing.mediation.standing import Standing

    standing = Standing().usual()
    PriceFactory(ProductId=str(standing.product), Rate="0.25")
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(background, "tell", lambda *task: told.append(task))
    load = standing.sent(
        f"who,at,much\n{standing.token},2026-06-01,4\n{standing.token},2026-06-02,8\n"
    )
    tasks = {task.name: task for task in (run_load, rate_load, finish_load)}
    run_load(load.pk)
    for name, *arguments in told:  # grows as they tell one another
        if name != run_load.name:
            tasks[name](*arguments)
    load.refresh_from_db()
    assert (load.status, load.rated_count, load.rated_amount) == ("COMPLETED", 2, D(3))
    assert standing.lines("line_number", "rated_amount") == [(2, D(1)), (3, D(2))]


@pytest.mark.parametrize(
    ("kind", "method", "expected"),
    [
        # Two lines of four: the second begins at four and ends at eight.
        ("Incremental", {}, [(4, 10, 40), (4, "8.5", 34)]),
        ("Incremental", {"SplitUsage": "1"}, [(4, 10, 40), (1, 10, 10), (3, 8, 24)]),
        ("Bulk", {}, [(4, 8, 32), (4, 8, 32)]),
    ],
)
def test_usage_of_a_period_is_added_up_to_find_the_tier(
    feed: Feed, kind: str, method: dict[str, str], expected: list[tuple[Any, ...]]
) -> None:
    usage = used(kind, **method)
    feed.send({**usage, "quantity": 4}, {**usage, "quantity": 4})
    lines = feed.lines("quantity", "rate", "cost_unrounded")
    assert lines == [tuple(D(str(value)) for value in row) for row in expected]


def test_parts_of_a_split_record_name_its_first(feed: Feed) -> None:
    usage = used("Incremental", SplitUsage="1")
    feed.send({**usage, "quantity": 12})
    lines = feed.lines("id", "quantity", "split_from_bill_act_id", "effective_rated")
    first = lines[0][0]
    assert [row[1:] for row in lines] == [
        (5, None, False), (5, first, False), (2, first, False),
    ]  # fmt: skip


def test_bands_are_told_apart_by_their_quantities_whatever_their_order_says(feed: Feed) -> None:
    usage = used("Incremental")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_pricing SET rate_order = 1")
    feed.send({**usage, "quantity": 7})
    assert feed.lines("quantity", "cost_unrounded") == [(D(7), D(66))]


def test_the_next_load_goes_on_where_the_sum_stands_and_the_next_period_begins_anew(
    feed: Feed,
) -> None:
    usage = used("Incremental")
    feed.send({**usage, "quantity": 9})
    assert feed.lines("cost_unrounded") == [(D(82),)]
    feed.send({**usage, "quantity": 3})
    assert feed.lines("cost_unrounded") == [(D(20),)]
    feed.send({**usage, "quantity": 3, "activity_date": "2026-07-01T00:00:00Z"})
    assert feed.lines("cost_unrounded") == [(D(30),)]


def test_the_period_is_the_payer_s_and_in_its_days(feed: Feed) -> None:
    usage = used("Incremental")
    # An invoice closes on each 14th, in Denver (UTC-6 in summer).
    profile = BillingProfileFactory(AccountId=str(usage["account_id"]), MonthlyBillingDate="14")
    update_one("ACCOUNT", usage["account_id"], SYSTEM, BillingProfileId=str(profile))
    from metabrm.localization.models import TimeZone

    denver = TimeZone.objects.get(name="America/Denver").pk
    update_one("BILLING_PROFILE", profile, SYSTEM, TimeZoneId=str(denver))
    feed.send(
        {**usage, "quantity": 5, "activity_date": "2026-06-15T05:59:59Z"},
        {**usage, "quantity": 5, "activity_date": "2026-06-15T06:00:00Z"},
        {**usage, "quantity": 5, "activity_date": "2026-07-15T05:59:59Z"},
    )
    assert feed.lines("rate_date::text", "cost_unrounded") == [
        ("2026-06-14", D(50)), ("2026-06-15", D(50)), ("2026-07-14", D(40)),
    ]  # fmt: skip


def test_usage_is_added_up_in_the_order_in_which_it_happened(feed: Feed) -> None:
    usage = used("Incremental")
    feed.send(
        {**usage, "quantity": 5, "activity_date": "2026-06-20T00:00:00Z"},
        {**usage, "quantity": 5, "activity_date": "2026-06-10T00:00:00Z"},
    )
    assert feed.lines("cost_unrounded") == [(D(40),), (D(50),)]


@pytest.mark.parametrize(
    ("level", "second", "third"),
    [("Product", 50, 50), ("Account", 40, 50), ("Invoice", 40, 30)],
)
def test_the_level_says_whose_usage_is_added_up(
    feed: Feed, level: str, second: int, third: int
) -> None:
    """Five units each of two account products of one account, and of another that it pays for."""
    usage = used("Incremental", AggregationLevel=level)
    account, product = str(usage["account_id"]), str(usage["product_id"])
    profile = BillingProfileFactory(AccountId=account)
    update_one("ACCOUNT", usage["account_id"], SYSTEM, BillingProfileId=str(profile))
    other = AccountProductFactory(AccountId=account, ProductId=product)
    branch = AccountFactory(ParentAccountId=account)
    third_one = AccountProductFactory(AccountId=str(branch), ProductId=product)
    feed.send(
        {**usage, "quantity": 5},
        {**usage, "quantity": 5, "account_product_id": other},
        {**usage, "quantity": 5, "account_id": branch, "account_product_id": third_one},
    )
    assert feed.lines("cost_unrounded") == [(D(50),), (D(second),), (D(third),)]


def test_included_charges_are_the_first_ones_and_cost_nothing(feed: Feed) -> None:
    """Neither rate nor fee per charge, as IncludedCharges says; beside units as far as these go."""
    usage = used()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_pricing SET included_charges = 2, fee_per_charge = 1")
    feed.send(*[{**usage, "quantity": 4}] * 3)
    assert feed.lines("cost_unrounded") == [(D(0),), (D(0),), (D(11),)]
    bounded = {**used(), "quantity": 4}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_pricing SET included_charges = 2, fee_per_charge = 1, "
            "included_quantity = 6 WHERE product_id = %s",
            [bounded["product_id"]],
        )
    feed.send(*[bounded] * 3)
    assert feed.lines("cost_unrounded") == [(D(0),), (D(6),), (D(11),)]


def test_the_feed_may_set_the_price(feed: Feed) -> None:
    usage = used()
    feed.send(
        {**usage, "quantity": 3, "override_rate": D("1.1")},
        {**usage, "quantity": 3, "override_cost": D("9.999")},
    )
    assert feed.lines("cost_unrounded", "rated_amount", "rate_source") == [
        (D("3.3"), D("3.30"), "Usage"), (D("9.999"), D("10.00"), "Usage"),
    ]  # fmt: skip


def test_a_feed_that_sets_the_price_needs_no_other(feed: Feed) -> None:
    usage = {**used(), "product_id": ProductFactory(), "account_product_id": None}
    assert feed.send({**usage, "override_rate": D(2)}, usage) == 1
    assert feed.lines("line_number", "rated_amount") == [(1, D(2))]
    assert [row[:2] for row in feed.causes()] == [(2, "NO_PRICE")]


def test_usage_of_an_account_that_was_deleted_waits(feed: Feed) -> None:
    from entities import records

    usage = used()
    records.delete("ACCOUNT_PRODUCT", [str(usage["account_product_id"])], SYSTEM)
    (gone,) = records.delete("ACCOUNT", [str(usage["account_id"])], SYSTEM)
    assert gone.ok, gone.problems
    assert feed.send({**usage, "account_product_id": None}) == 0
    ((_, cause, reason),) = feed.causes()
    assert (cause, "one of them is deleted" in reason) == ("NO_PRICE", True)


@pytest.mark.parametrize(
    ("obligatory", "origin", "destination", "cost"),
    [
        ("0", "home", "berlin", 9),
        ("0", "home", "hamburg", 7),
        ("0", "moon", "hamburg", 8),
        ("0", "home", "moon", 5),
        ("1", "home", "hamburg", 7),
        ("1", "home", "moon", None),
    ],
)
def test_the_rate_of_the_nearest_locations_counts(
    feed: Feed, obligatory: str, origin: str, destination: str, cost: int | None
) -> None:
    places: dict[str, int] = {}
    for name, parent in (
        ("home", None), ("moon", None), ("germany", None), ("berlin", "germany"),
        ("hamburg", "germany"),
    ):  # fmt: skip
        wider = {"ParentCountryCodeId": str(places[parent])} if parent else {}
        places[name] = CountryCodeFactory(**wider)
    usage = used(AllowInternationalPricing="1", ObligatoryIntlRate=obligatory)
    product = ProductFactory(RatingMethodId=str(method_of(usage["product_id"])))
    price = PriceFactory(ProductId=str(product), Rate="5")
    for rate, start, end in (
        ("9", "home", "berlin"), ("7", "home", "germany"), ("8", None, "germany"),
    ):  # fmt: skip
        at = {"OriginationCountryCodeId": str(places[start])} if start else {}
        CountryCodeMapFactory(
            PricingId=str(price), Rate=rate, DestinationCountryCodeId=str(places[end]), **at
        )
    feed.send(
        {
            **usage,
            "product_id": product,
            "account_product_id": None,
            "origin_id": places[origin],
            "destination_id": places[destination],
        }
    )
    if cost is None:
        assert [row[:2] for row in feed.causes()] == [(1, "NO_ROUTE")]
        assert feed.lines("id") == []
    else:
        ((paid, route),) = feed.lines("cost_unrounded", "country_code_map_id IS NOT NULL")
        assert (paid, route) == (cost, cost != 5)
    # A what-if of the same journey says the same.
    from billing.rating.explaining import Question, explain

    told = explain(
        Question(
            account_id=usage["account_id"],
            product_id=product,
            origin_id=places[origin],
            destination_id=places[destination],
        ),
        Context.system("test"),
    )
    assert told["Amount"] == (None if cost is None else str(cost)), told["Text"]


def method_of(product: int) -> int:
    from billing.catalog.models import Product

    return int(Product.objects.values_list("rating_method_id", flat=True).get(pk=product) or 0)


def test_what_has_no_price_stays_with_its_cause_and_harms_no_other(feed: Feed) -> None:
    usage = used()
    late = {**usage, "activity_date": "2026-06-15T12:00:00Z"}
    unpriced = ProductFactory()
    gap = ProductFactory()
    PriceFactory(ProductId=str(gap), Rate="2", UpperBand="5")
    written = feed.send(
        late,
        {**usage, "product_id": unpriced, "account_product_id": None},
        {**usage, "product_id": gap, "account_product_id": None, "quantity": 6},
        {**usage, "quantity": 2},
    )
    assert written == 2
    assert [row[0] for row in feed.lines("line_number")] == [1, 4]
    (second, third) = feed.causes()
    assert second[:2] == (2, "NO_PRICE")
    assert f"no price of product {unpriced}" in second[2]
    assert "USD on 2026-06-15" in second[2]
    assert third[:2] == (3, "NO_BAND")
    assert "6 units" in third[2]


def test_usage_given_back_walks_the_tiers_backwards(feed: Feed) -> None:
    usage = used("Incremental")
    feed.send({**usage, "quantity": 7}, {**usage, "quantity": -3})
    assert feed.lines("cost_unrounded") == [(D(66),), (D(-26),)]


@pytest.mark.parametrize(
    ("cycle", "anchor", "day", "begin"),
    [
        ("Monthly", "2017-01-31", "2017-02-27", "2017-01-31"),
        ("Monthly", "2017-01-31", "2017-02-28", "2017-02-28"),
        ("Monthly", "2017-01-31", "2017-03-30", "2017-02-28"),
        ("Monthly", "2017-01-31", "2017-03-31", "2017-03-31"),
        ("Quarterly", "2026-01-15", "2025-12-31", "2025-10-15"),
        ("Semi-Annual", "2026-01-01", "2026-12-31", "2026-07-01"),
        ("Yearly", "2024-02-29", "2025-02-28", "2025-02-28"),
        ("Yearly", "2024-02-29", "2028-02-28", "2027-02-28"),
        ("Weekly", "2026-01-05", "2026-01-04", "2025-12-29"),
        ("Biweekly", "2026-01-05", "2026-01-18", "2026-01-05"),
        ("Semi-Monthly", "2026-01-01", "2026-02-15", "2026-02-01"),
        ("Semi-Monthly", "2026-01-01", "2026-02-16", "2026-02-16"),
        ("Daily", "2026-01-01", "2026-02-16", "2026-02-16"),
    ],
)
def test_cycles_do_not_drift(db: None, cycle: str, anchor: str, day: str, begin: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rating_cycle_begin(%s, %s, %s)", [cycle, anchor, day])
        assert cursor.fetchone() == (datetime.fromisoformat(begin).date(),)


@pytest.mark.parametrize(
    ("settings", "day", "begin"),
    [
        ({"MonthlyBillingDate": "31"}, "2026-02-28", "2026-02-01"),
        ({"MonthlyBillingDate": "30"}, "2026-02-28", "2026-01-31"),
        ({"MonthlyBillingDate": "30"}, "2026-03-01", "2026-03-01"),
        ({"MonthlyBillingDate": "14"}, "2026-02-14", "2026-01-15"),
        ({"MonthlyBillingDate": "14"}, "2026-02-15", "2026-02-15"),
        (
            {"BillingCycle": "WEEKLY", "WeeklyBillingDate": "Wednesday - Tuesday"},
            "2026-11-24",
            "2026-11-18",
        ),
        (
            {
                "BillingCycle": "QUARTERLY",
                "QuarterlyBillingMonth": "February, May, August, November",
            },
            "2026-05-31",
            "2026-03-01",
        ),
        (
            {"BillingCycle": "YEARLY", "YearlyBillingMonth": "June", "MonthlyBillingDate": "30"},
            "2026-07-01",
            "2026-07-01",
        ),
        ({"BillingCycle": "DAILY"}, "2026-07-01", "2026-07-01"),
    ],
)
def test_billing_periods(db: None, settings: dict[str, str], day: str, begin: str) -> None:
    profile = BillingProfileFactory(**settings)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rating_billing_begin(p, %s) FROM customers_billingprofile p WHERE id = %s",
            [day, profile],
        )
        assert cursor.fetchone() == (datetime.fromisoformat(begin).date(),)


def suspended(feed: Feed) -> list[tuple[Any, ...]]:
    return asked(
        "SELECT line, cause FROM mediation_usage WHERE load_id = %s AND cause IS NOT NULL "
        "ORDER BY line",
        feed.load,
    )


@pytest.mark.parametrize("kind", ["", "Incremental"])
def test_what_comes_to_more_than_a_line_can_hold_waits_and_its_neighbours_are_charged(
    feed: Feed, kind: str
) -> None:
    usage, other = used(kind), used(kind)
    asked(
        "UPDATE catalog_pricing SET rate = 1e17 WHERE product_id = %s RETURNING 1",
        other["product_id"],
    )
    rows = [{**usage, "quantity": 2}, {**other, "quantity": 1000}, {**other, "quantity": 3}]
    rows += [{**usage, "quantity": 4}, {**usage, "override_rate": 1e17, "quantity": 1e17}]
    assert feed.send(*rows) == 3
    assert [line for (line,) in feed.lines("line_number")] == [1, 3, 4]
    assert suspended(feed) == [(2, "TOO_LARGE"), (5, "TOO_LARGE")]


@pytest.mark.parametrize("drawn", ["0", "999999999999999998"])
def test_prepaid_usage_that_includes_more_than_can_be_held_is_told(feed: Feed, drawn: str) -> None:
    """Where what was drawn is too large already, all of the load waits: nothing is lost."""
    from tests.billing.rating.test_prepaid import prepaid

    usage = used()
    own = prepaid(usage, included="999999999999999999" if drawn == "0" else "9", quantity="5")
    if drawn != "0":
        asked(
            "INSERT INTO rating_accumulatorvalue (level, scope_id, quantity, charges, included, "
            "updated) VALUES ('Prepaid', %s, %s, 1, 999999999999999999, now()) RETURNING 1",
            *(own, drawn),
        )
        asked("UPDATE catalog_ratingmethod SET auto_refill = true RETURNING 1")
    rows = [{**usage, "quantity": 2}, {**used(), "quantity": 3}]
    assert feed.send(*rows) == (1 if drawn == "0" else 0)
    assert suspended(feed) == [(1, "TOO_LARGE"), (2, "TOO_LARGE")][: 1 if drawn == "0" else 2]
