"""Late fees and fees of invoices against an oracle in fractions."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from billing.rating.settling.fees import charge_invoice_fees, charge_late_fees
from tests.billing.conftest import filled
from tests.billing.rating.settling import cents, laid, lines, plain_accounts, provided
from tests.examples import tried
from tests.factories import RatingMethodFactory
from tests.making import created

pytestmark = pytest.mark.django_db
UNTIL = date(2026, 6, 20)

money = st.integers(-2000, 30000).map(lambda n: Decimal(n) / 100)
rates = st.integers(1, 900).map(lambda n: Decimal(n) / 100)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@dataclass(frozen=True)
class Fee:
    late: bool
    rate: Decimal
    percentage: bool
    of_total: bool
    grace: int
    least: Decimal | None
    width: Decimal | None
    quantity: int
    total: Decimal
    paid: Decimal
    credited: Decimal
    disputed: bool
    due: date
    charges: list[Decimal]
    taxes: list[Decimal]

    @property
    def most(self) -> Decimal | None:
        return None if self.width is None else (self.least or Decimal(0)) + self.width

    def amount(self) -> Decimal:
        """What the fee of the invoice comes to; nothing where there is none."""
        if self.late:
            unpaid = self.total - self.paid - self.credited
            if unpaid <= 0 or self.disputed or self.due + timedelta(days=self.grace) >= UNTIL:
                return Decimal(0)
            base = self.total if self.of_total else unpaid
        else:
            if not self.charges:
                return Decimal(0)
            base = sum(self.charges, Decimal(0))
        asked = Fraction(self.rate) * (Fraction(base) / 100 if self.percentage else self.quantity)
        size = abs(asked)
        if self.least is not None:
            size = max(size, Fraction(self.least))
        if self.most is not None:
            size = min(size, Fraction(self.most))
        return cents(size if asked >= 0 else -size)


fees = st.builds(
    Fee,
    st.booleans(),
    rates,
    st.booleans(),
    st.booleans(),
    st.sampled_from((0, 0, 3, 30)),
    maybe(money.map(abs)),
    maybe(money.map(abs)),
    st.integers(1, 3),
    money.map(abs),
    money.map(abs),
    st.sampled_from((Decimal(0), Decimal("12.5"))),
    st.sampled_from((False, False, False, True)),
    st.dates(date(2026, 5, 10), date(2026, 6, 25)),
    st.lists(money, max_size=4),
    st.lists(money, max_size=2),
)


@given(st.lists(fees, min_size=20, max_size=30))
@tried(1)
def test_fees_of_invoices(batch: list[Fee]) -> None:
    products = provided(
        [
            {
                "RatingMethodType": "Late Fee" if one.late else "Per Invoice",
                "ChargeType": "Percentage" if one.percentage else "Per Invoice",
                **(
                    {
                        "LateFeeType": "Overdue invoice" if one.of_total else None,
                        "ChargeInSubsequentPer": str(one.grace),
                        "ChargeInSubsequentUnit": "Day",
                    }
                    if one.late
                    else {}
                ),
            }
            for one in batch
        ],
        [{"Rate": str(one.rate), "MinCharge": one.least, "MaxCharge": one.most} for one in batch],
    )
    accounts = plain_accounts(len(batch))
    owned = created(
        "ACCOUNT_PRODUCT",
        (
            {
                "AccountId": account,
                "ProductId": product,
                "Quantity": one.quantity,
                "StartDate": "2026-01-01",
            }
            for account, product, one in zip(accounts, products, batch, strict=True)
        ),
    )
    profiles = created(
        "BILLING_PROFILE", (filled("BILLING_PROFILE", AccountId=id) for id in accounts)
    )
    invoices = created(
        "INVOICE",
        (
            {
                "BillingProfileId": profile,
                "Status": "APPROVED" if one.late else "CURRENT",
                "BillingCycleStartDate": "2026-06-01",
                "BillingCycleEndDate": "2026-06-30",
            }
            for profile, one in zip(profiles, batch, strict=True)
        ),
    )
    tax = RatingMethodFactory(RatingMethodType="Tax")
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE invoicing_invoice SET grand_total_amount = %s, payment_amount = %s, "
            "credit_amount = %s, disputed = %s, due_date = %s WHERE id = %s",
            [
                (one.total, one.paid, one.credited, one.disputed, one.due, invoice)
                for invoice, one in zip(invoices, batch, strict=True)
            ],
        )
    day = date(2026, 6, 10)
    for account, invoice, one in zip(accounts, invoices, batch, strict=True):
        on = {"invoice_id": invoice}
        taxed = {**on, "rating_method_id": tax}
        laid([(account, on, [(day, amount) for amount in one.charges])])
        laid([(account, taxed, [(day, amount) for amount in one.taxes])])
    for _ in range(2):
        assert not charge_late_fees(invoices, UNTIL).problems
        assert not charge_invoice_fees(invoices, UNTIL).problems
        for id, one in zip(owned, batch, strict=True):
            assert lines(id) == ([one.amount()] if one.amount() else []), one
