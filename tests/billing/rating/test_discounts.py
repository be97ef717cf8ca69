"""Discounts: what they lower, by how much, in which order, how often, and for whom."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from tests.billing.rating.settling import (
    FIXED,
    charged,
    deal,
    lines,
    payer,
    run,
    saved,
)
from tests.factories import (
    AccountPackageFactory,
    AccountProductFactory,
    PackageFactory,
    PackageProductFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)

D = Decimal
pytestmark = pytest.mark.django_db

IN_ORDER = FIXED | {"DiscountApplMethod": "In order"}
EACH = FIXED | {"DiscountApplMethod": "Each charge"}
ITEMIZED = {"DiscountItemize": "1"}

#: Charges, discounts in their order (rate and terms), and what each line of each discount is.
EXAMPLES: dict[str, tuple[list[Any], list[tuple[Any, dict[str, str]]], list[list[Any]]]] = {
    "10 % of 100 and 50.55, rounded once": (
        [100, "50.55"],
        [(10, {})],
        [["-15.06"]],
    ),
    "an amount is never more than what there is": ([30], [(50, FIXED)], [[-30]]),
    "a coupon of 10 over 100, 50, 30 and 20 (Lago, taxes on invoice)": (
        [100, 50, 30, 20],
        [(10, FIXED | ITEMIZED)],
        [[-5, "-2.5", "-1.5", -1]],
    ),
    "20 over 10 and 20: the parts add up (Lago, coupons)": (
        [10, 20],
        [(20, FIXED | ITEMIZED)],
        [["-6.67", "-13.33"]],
    ),
    "10 over three equal charges: no cent is lost": (
        [100, 100, 100],
        [(10, FIXED | ITEMIZED)],
        [["-3.33", "-3.34", "-3.33"]],
    ),
    "25 % and then 10 off, as Stripe applies coupons one after the other": (
        [100],
        [(25, {"DiscountPriority": "1"}), (10, FIXED | {"DiscountPriority": "2"})],
        [[-25], [-10]],
    ),
    "10 off and then 25 %: the order matters": (
        [100],
        [(25, {"DiscountPriority": "2"}), (10, FIXED | {"DiscountPriority": "1"})],
        [["-22.5"], [-10]],
    ),
    "50 % twice leaves a quarter": ([100], [(50, {}), (50, {})], [[-50], [-25]]),
    "all of it": (["0.01", "99.99"], [(100, {})], [[-100]]),
    "an amount off the earliest charges": (
        [10, 20, 30],
        [(25, IN_ORDER | ITEMIZED)],
        [[-10, -15]],
    ),
    "an amount off each charge": ([10, 3, 30], [(5, EACH | ITEMIZED)], [[-5, -3, -5]]),
    "usage that is taken back takes its discount back": (
        [100, -40],
        [(10, ITEMIZED)],
        [[-10, 4]],
    ),
    "an amount does not exceed what is left after credits": (
        [100, -40],
        [(80, FIXED)],
        [[-60]],
    ),
    "half a cent of each is not lost": (
        ["0.05"] * 4,
        [(10, ITEMIZED)],
        [["-0.01", "-0.01"]],
    ),
    "nothing to lower": ([0], [(10, {})], [[]]),
}


def test_worked_examples() -> None:
    made: dict[str, list[int]] = {}
    accounts = []
    for name, (charges, deals, _) in EXAMPLES.items():
        accounts.append(payer())
        charged(accounts[-1], *charges)
        made[name] = [deal(accounts[-1], rate, **terms) for rate, terms in deals]
    run(accounts)
    found = {name: [lines(id) for id in ids] for name, ids in made.items()}
    assert found == {
        name: [[D(str(amount)) for amount in amounts] for amounts in expected]
        for name, (_, _, expected) in EXAMPLES.items()
    }


def test_a_line_per_product_or_per_charge_linked_with_what_it_lowers() -> None:
    account = payer()
    one, two = ProductFactory(Name="Line"), ProductFactory(Name="Box")
    charged(account, 100, 50, ProductId=one)
    (box,) = charged(account, 20, ProductId=two)
    together, apart = deal(account, 10), deal(account, 10, **ITEMIZED, DiscountPriority="1")
    run(account)
    assert lines(apart, "rated_amount, discount_activity_id", "a.id")[-1] == (D(-2), box)
    assert lines(together, "rated_amount, process_description", "a.rated_amount") == [
        (D("-13.5"), "Discount on Line"),
        (D("-1.8"), "Discount on Box"),
    ]
    what = "rate_source, rating_method_id IS NULL, a.quantity, a.rate, s.base, s.lines"
    assert lines(together, what, "a.rated_amount")[0] == ("Product", False, 1, 10, 135, 2)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.rated_amount FROM mediation_activity a "
            "JOIN mediation_activity d ON d.id = a.discounted_by_id WHERE a.id = %s",
            [box],
        )
        assert cursor.fetchall() == [(D(-2),)]


def test_what_is_lowered() -> None:
    account = payer()
    kinds = {
        kind: RatingMethodFactory(RatingMethodType=kind, **more)
        for kind, more in {
            "Usage": {},
            "Subscription": {"SubscriptionCycle": "Monthly"},
            "One Time Charge": {},
            "Tax": {},
        }.items()
    }
    package = PackageFactory()
    fiber = ProductFactory(Name="Fiber")
    place = PackageProductFactory(PackageId=package, ProductId=fiber)
    bundle = AccountPackageFactory(AccountId=account, PackageId=package, StartDate="2026-01-01")
    parent = AccountProductFactory(
        AccountId=account, ProductId=fiber, AccountPackageId=bundle, PackageProductId=place
    )
    charged(account, 1, RatingMethodId=kinds["Usage"])
    charged(account, 10, RatingMethodId=kinds["Subscription"])
    charged(account, 100, RatingMethodId=kinds["One Time Charge"])
    charged(account, 1000, ProductId=fiber, AccountProductId=parent, AccountPackageId=bundle)
    charged(account, 9999, RatingMethodId=kinds["Tax"])
    charged(account, 8888, CurrencyCode="EUR", ProductId=fiber)
    by = "DesignateDiscountTargetChargesBy"
    wanted: dict[Any, dict[str, str]] = {
        1: {"DiscountApplyTo": "Usage charges"},
        10: {"DiscountApplyTo": "Recurring charges"},
        100: {"DiscountApplyTo": "One time charges"},
        1111: {by: "All charges"},
        1000: {"DiscountTargetFilterLogic": "{!ProductObj.Name} = 'Fiber'"},
        110: {"DiscountTargetFilterLogic": "{!RatedAmount} >= 10 AND {!RatedAmount} < 101"},
    }
    found = {}
    for base, terms in wanted.items():
        id = deal(account, 100, **terms)
        run(account)
        found[base] = -sum(lines(id))
        saved("ACCOUNT_PRODUCT", Id=id, EndDate="2026-01-02")
    assert found == {base: base for base in wanted}


def test_a_package_and_the_parts_of_a_product() -> None:
    account = payer()
    package = PackageFactory()
    method = RatingMethodFactory(
        RatingMethodType="Discount",
        DiscountPricingType="Percentage Off",
        DesignateDiscountTargetChargesBy="Account package",
    )
    off = ProductFactory(RatingMethodId=method)
    PriceFactory(ProductId=off, Rate="20")
    places = [
        PackageProductFactory(PackageId=package, ProductId=p) for p in (ProductFactory(), off)
    ]
    bundle = AccountPackageFactory(AccountId=account, PackageId=package, StartDate="2026-01-01")
    has, lowered = (
        AccountProductFactory(
            AccountId=account, ProductId=None, AccountPackageId=bundle, PackageProductId=place
        )
        for place in places
    )
    charged(account, 50, AccountPackageId=bundle, AccountProductId=has)
    charged(account, 70)
    of_part = deal(account, 10, DesignateDiscountTargetChargesBy="Parent account product")
    saved("ACCOUNT_PRODUCT", Id=of_part, ParentCustomerProductId=has)
    run(account)
    assert (lines(int(lowered)), lines(of_part)) == ([-10], [-4])


CONDITIONAL = {
    "DiscountType": "Conditional",
    "DiscountEligableFilterLogic": "{!ProductObj.Name} = 'Fiber'",
}


#: A condition on two charges of 20 and 40, six units each, and whether they meet it.
CONDITIONS = [
    (None, None, True),
    (">= 60", None, True),
    ("> 60", None, False),
    ("= 60.00", "Amount", True),
    ("<> 60", "Amount", False),
    (">= 2", "Charges", True),
    ("< 2", "Charges", False),
    ("<= 12", "Quantity", True),
    (">12", "Quantity", False),
]


def test_conditions() -> None:
    account = payer()
    charged(account, 20, 40, ProductId=ProductFactory(Name="Fiber"), Quantity="6")
    charged(account, 100, ProductId=ProductFactory(Name="Mobile"))
    made = []
    for condition, measure, _ in CONDITIONS:
        terms = {"DiscountEligCond": condition, "DiscountEligUnitMeas": measure}
        given = {name: value for name, value in terms.items() if value}
        target = "{!ProductObj.Name} = 'Mobile'"
        made.append(
            deal(account, 10, **CONDITIONAL, **FIXED, **given, DiscountTargetFilterLogic=target)
        )
    run(account)
    assert [lines(id) for id in made] == [[-10] if holds else [] for *_, holds in CONDITIONS]


def test_no_eligible_charge_no_discount() -> None:
    account = payer()
    charged(account, 100)
    off = deal(account, 10, **CONDITIONAL)
    run(account)
    assert lines(off) == []


def test_the_rate_of_the_tier_that_the_charges_reach() -> None:
    account = payer()
    charged(account, 100, 150)
    off = deal(account, None, PricingType="Tiered Pricing", AggregateRateType="Bulk")
    with connection.cursor() as cursor:
        cursor.execute("SELECT product_id FROM customers_accountproduct WHERE id = %s", [off])
        (product,) = cursor.fetchone()
    for lower, upper, rate in ((0, 200, 5), (200, 1000, 10), (1000, -1, 20)):
        PriceFactory(ProductId=product, LowerBand=lower, UpperBand=upper, Rate=rate)
    run(account)
    assert lines(off, "rated_amount, a.upper_band") == [(-25, 1000)]


def test_only_days_on_which_the_account_has_it() -> None:
    account = payer()
    charged(account, 100, day="2026-03-09")
    charged(account, 200, day="2026-03-10")
    charged(account, 400, day="2026-03-20")
    off = deal(account, 10, StartDate="2026-03-10", EndDate="2026-03-19")
    run(account)
    assert lines(off) == [-20]


def test_up_to_a_day() -> None:
    account = payer()
    product = ProductFactory()
    charged(account, 100, day="2026-03-09", ProductId=product)
    charged(account, 100, day="2026-03-20", ProductId=product)
    off = deal(account, 10)
    run(account, "2026-03-10")
    assert lines(off) == [-10]
    run(account)
    assert lines(off) == [-20]


def test_a_price_in_another_currency_is_told() -> None:
    account = payer(CurrencyCode="EUR")
    charged(account, 100, CurrencyCode="EUR")
    off = deal(account, 10)
    done = run(account)
    assert list(done.problems) == [off]
    assert "in EUR on 2026-03-01" in done.problems[off]


def test_times_the_quantity() -> None:
    account = payer()
    charged(account, 100)
    off = deal(account, 10, **FIXED, Quantity="3")
    run(account)
    assert lines(off) == [-30]


def test_a_dry_run_writes_nothing() -> None:
    account = payer()
    charged(account, 100)
    off = deal(account, 10)
    done = run(account, dry_run=True)
    assert (done.lines, done.amounts) == (1, {"USD": D(-10)})
    assert lines(off) == []
