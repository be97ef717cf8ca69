"""Accounts with deals, and what these come to."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from django.db import connection

from billing.rating.settling import Settled, settle
from entities import records
from metabrm.identity.context import Context
from tests.factories import (
    AccountFactory,
    AccountProductFactory,
    ActivityFactory,
    BillingProfileFactory,
    InvoiceFactory,
    PriceFactory,
    ProductFactory,
    RatingMethodFactory,
)
from tests.making import created

D = Decimal
SYSTEM = Context.system("test")
PERCENT = {"DiscountPricingType": "Percentage Off"}
FIXED = {"DiscountPricingType": "Fixed Amount"}


def payer(parent: int | None = None, **profile: str) -> int:
    """An account that is invoiced for calendar months, in US dollars."""
    above = {} if parent is None else {"ParentAccountId": parent}
    account = int(AccountFactory(**above))
    terms = {"AccountId": account, "MonthlyBillingDate": "31"} | profile
    made = BillingProfileFactory(**terms)
    saved("ACCOUNT", Id=account, BillingProfileId=made)
    return account


def saved(entity: str, **fields: Any) -> None:
    (outcome,) = records.update(entity, [fields], SYSTEM)
    assert outcome.ok, outcome.problems


def deal(account: int, rate: Any, kind: str = "Discount", **terms: Any) -> int:
    """An account product that changes what others come to."""
    own = {name: terms.pop(name) for name in ("StartDate", "EndDate", "Quantity") if name in terms}
    if kind == "Discount":
        terms = {"DiscountApplyTo": "All charges", **PERCENT} | terms
    product = ProductFactory(RatingMethodId=RatingMethodFactory(RatingMethodType=kind, **terms))
    if rate is not None:
        PriceFactory(ProductId=product, Rate=str(rate))
    return int(AccountProductFactory(AccountId=account, ProductId=product, **own))


def charged(account: int, *amounts: Any, day: str = "2026-03-10", **more: Any) -> list[int]:
    """Lines of a product, in that order."""
    fields = {"ProductId": more.pop("ProductId", None) or ProductFactory()}
    fields["CurrencyCode"] = more.pop("CurrencyCode", "USD")
    return [
        int(
            ActivityFactory(
                AccountId=account,
                ActivityDate=f"{day}T10:00:00Z",
                RatedAmount=str(amount),
                CostUnrounded=str(amount),
                **fields,
                **more,
            )
        )
        for amount in amounts
    ]


def run(account: int | list[int], until: str = "2026-03-31", **more: Any) -> Settled:
    accounts = [account] if isinstance(account, int) else account
    return settle(date.fromisoformat(until), accounts, **more)


def lines(
    deal_id: int, what: str = "rated_amount", order: str = "activity_date, target_activity_id, a.id"
) -> list[Any]:
    """What stands of a deal, line by line."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {what} FROM rating_settledcharge s "
            f"JOIN mediation_activity a ON a.id = s.activity_id "
            f"WHERE a.account_product_id = %s AND NOT s.taken_back ORDER BY {order}".replace(
                "ORDER BY activity_date", "ORDER BY a.activity_date"
            ),
            [deal_id],
        )
        rows = cursor.fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]


def total(account: int) -> Decimal:
    """What all lines of an account come to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(rated_amount), 0) FROM mediation_activity "
            "WHERE account_id = %s AND deleted_at IS NULL",
            [account],
        )
        return Decimal(cursor.fetchone()[0])


def invoiced(account: int, status: str = "CURRENT", end: str = "2026-03-31") -> int:
    """An invoice of the account with all its lines so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_profile_id FROM customers_account WHERE id = %s", [account])
        (profile,) = cursor.fetchone()
        made = InvoiceFactory(
            BillingProfileId=profile,
            Status=status,
            BillingCycleStartDate=f"{end[:8]}01",
            BillingCycleEndDate=end,
        )
        cursor.execute(
            "UPDATE mediation_activity SET invoice_id = %s "
            "WHERE account_id = %s AND invoice_id IS NULL",
            [made, account],
        )
    return int(made)


def day_of(day: str, hour: int | None = None) -> Any:
    """The day, or the moment at which the hour of it begins."""
    at = date.fromisoformat(day)
    return at if hour is None else datetime(at.year, at.month, at.day, hour, tzinfo=UTC)


def plain_accounts(number: int) -> list[int]:
    """Accounts without a billing profile: US dollars, days of UTC, calendar months."""
    model = int(AccountFactory())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute "
            "WHERE attrelid = 'customers_account'::regclass AND attnum > 0 AND NOT attisdropped "
            "AND attname NOT IN ('id', 'external_key', 'account_number')"
        )
        (columns,) = cursor.fetchone()
        cursor.execute(
            f"INSERT INTO customers_account ({columns}) SELECT {columns} FROM customers_account, "
            f"generate_series(1, %s) WHERE id = %s RETURNING id",
            [number, model],
        )
        return [id for (id,) in cursor.fetchall()]


def cents(amount: Fraction) -> Decimal:
    """Half up, away from zero."""
    whole = Decimal(amount.numerator) / Decimal(amount.denominator)
    return whole.quantize(Decimal("0.01"), ROUND_HALF_UP)


def laid(of: list[tuple[int, dict[str, Any], list[tuple[date, Decimal]]]]) -> None:
    """Lines of accounts: what they have in common, and each one's day and amount, in two units."""
    with connection.cursor() as cursor:
        for account, common, sent in of:
            names = "".join(f", {name}" for name in common)
            marks = ", %s" * len(common)
            cursor.executemany(
                f"INSERT INTO mediation_activity (account_id, activity_date, rated_amount, "
                f"cost_unrounded, currency_code, quantity, created, updated{names}) "
                f"VALUES (%s, %s::date + time '12:00', %s, %s, 'USD', 2, now(), now(){marks})",
                [(account, day, amount, amount, *common.values()) for day, amount in sent],
            )


def provided(terms: list[dict[str, Any]], prices: list[dict[str, Any] | None]) -> list[int]:
    """A product for each rating method, with its price if it has one."""
    methods = created("RATING_METHOD", terms)
    products = created(
        "PRODUCT", ({"Name": f"Deal {n}", "RatingMethodId": m} for n, m in enumerate(methods))
    )
    created(
        "PRICING",
        (
            {"ProductId": product, "UpperBand": "-1", **price}
            for product, price in zip(products, prices, strict=True)
            if price is not None
        ),
    )
    return products
