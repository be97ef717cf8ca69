"""How often discounts are used, and who else has them."""

from datetime import date

import pytest

from billing.rating.settling import settle
from tests.billing.rating.settling import (
    FIXED,
    charged,
    deal,
    invoiced,
    lines,
    payer,
    run,
    total,
)
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db


def limited(most: int, per: str) -> dict[str, str]:
    return {
        "DiscountLimitedUsage": "1",
        "DiscountMaxNumberOfUses": str(most),
        "DiscountUsePer": per,
    }


def test_uses_are_limited_to_periods_of_the_account_or_the_product_or_to_charges() -> None:
    account = payer()
    one, two = ProductFactory(Name="A"), ProductFactory(Name="B")
    for day, *products in (
        ("2026-03-10", one),
        ("2026-04-10", one, two),
        ("2026-05-10", one, two, two),
    ):
        for product in products:
            charged(account, 100, day=day, ProductId=product)
    by_account = deal(account, 10, **limited(2, "Account"))
    by_product = deal(account, 10, **limited(1, "Product"), DiscountApplyTo="All charges")
    by_invoice = deal(account, 10, **limited(2, "Invoice"))
    run(account, "2026-05-31")
    month = "extract(month FROM s.period_from)::int, sum(rated_amount) OVER (PARTITION BY 1)"
    assert {int(m) for m, _ in lines(by_account, month)} == {3, 4}
    what = "s.period_from, process_description"
    assert lines(by_product, what, "s.period_from") == [
        (date(2026, 3, 1), "Discount on A"),
        (date(2026, 4, 1), "Discount on B"),
    ]
    assert sum(lines(by_invoice, "s.lines")) == 1 + 2 + 2


def test_uses_in_closed_periods_count() -> None:
    account = payer()
    charged(account, 100)
    off = deal(account, 10, **limited(1, "Account"))
    run(account)
    invoiced(account, "CLOSED")
    charged(account, 100, day="2026-04-10")
    run(account, "2026-04-30")
    assert lines(off, "s.period_from") == [date(2026, 3, 1)]


def test_down_the_hierarchy_each_account_has_it_for_itself() -> None:
    top = payer()
    below = payer(top)
    lowest = payer(below)
    everywhere = deal(top, 10, **FIXED, PropagateToHierarchy="1")
    here = deal(below, 5, **FIXED)
    for account in (top, below, lowest):
        charged(account, 100)
    run([top, below, lowest])
    assert lines(everywhere, "a.account_id, rated_amount", "a.account_id") == [
        (account, -10) for account in (top, below, lowest)
    ]
    assert lines(here, "a.account_id, rated_amount") == [(below, -5)]


def test_all_accounts_that_have_deals_are_found() -> None:
    top = payer()
    below, other = payer(top), payer()
    deal(top, 10, PropagateToHierarchy="1")
    charged(below, 100)
    charged(other, 100)
    done = settle(date(2026, 3, 31))
    assert (done.accounts, done.lines) == (2, 1)
    assert total(below) == 90
