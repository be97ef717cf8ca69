"""Taxes of an account on a charge that is not made: of a quote.

A tax is an account product whose rating method is of the kind Tax. Its price is the rate in per
cent of what the charge comes to after discounts, within the price's MinCharge and MaxCharge. It is
for all products, or for those that its TaxProductFilterLogic chooses; no tax is levied on another.
Amounts are rounded by the currency's TaxCostRoundingRule where CurrencyLevelRounding says so, else
half up. What a tax engine reckons is not known before there is an invoice.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billing.rating.asking import rounded
from billing.rating.loads.prices import FILL, TABLES
from billing.rating.settling import scope
from billing.rating.settling.asked import Failing
from billing.rating.settling.filters import compiled, priced
from entities.formulas import FormulaError

_HELD = scope.held(
    """
           CASE WHEN m.tax_applicable_to = 'Filtered Products'
                THEN nullif(m.tax_product_filter_logic, '') END AS filter"""
)
_ON_THE_DAY = "start_date <= %(day)s AND (end_date IS NULL OR end_date >= %(day)s)"
_ANY = f"{_HELD} SELECT EXISTS (SELECT FROM held WHERE {_ON_THE_DAY})"  # noqa: S608
# Discounts may have left theirs.
_DEALS = f"""
DROP TABLE IF EXISTS settle_deal, rating_key, rating_book, rating_band;
CREATE TEMP TABLE settle_deal ON COMMIT DROP AS
{_HELD}
SELECT row_number() OVER (ORDER BY account_product_id) AS key, held.*, %(day)s::date AS day
FROM held WHERE {_ON_THE_DAY}
"""  # noqa: S608 - constants only
_FILTERS = """
SELECT method_id, filter, account_product_id, product_id FROM settle_deal
WHERE filter IS NOT NULL ORDER BY key
"""
_PASSES = "SELECT FROM catalog_product a WHERE a.id = {product} AND ({filter})"
_NOT_FOR_IT = "DELETE FROM settle_deal WHERE method_id = %s"
_LEVIED = f"""
SELECT d.account_product_id, d.product_id, d.currency_code, priced.rate, {rounded("priced.cost", "r")}
FROM settle_deal d
LEFT JOIN localization_currency c ON c.currency_code = d.currency_code
CROSS JOIN LATERAL (
    SELECT d.places, CASE WHEN c.currency_level_rounding THEN c.tax_cost_rounding_rule
                          ELSE 'Math Round' END AS rounding
) r
LEFT JOIN rating_book b ON b.key = d.key
{priced("true", "%(base)s::numeric", "d.quantity")}
ORDER BY d.key
"""  # noqa: S608, E501 - constants only


@dataclass(frozen=True, slots=True)
class Levied:
    """What one tax comes to; its rate is in per cent."""

    account_product_id: int
    product_id: int
    rate: Decimal
    amount: Decimal


def levied_on(
    cursor: Any, product: int, base: Decimal, day: date
) -> tuple[list[Levied], list[Failing]]:
    """What each tax of the account of settle_account comes to on a charge for the product, and the
    taxes that can't be reckoned.

    `base`: what the charge comes to after discounts, in the account's currency; `day`: in the
    account's days.
    """
    given = {"kind": "Tax", "day": day, "base": base}
    cursor.execute(_ANY, given)
    if not cursor.fetchone()[0]:
        return [], []
    cursor.execute(_DEALS, given)
    failing = _leave_out(cursor, product)
    cursor.execute(scope.KEYS)
    cursor.execute(TABLES)
    cursor.execute(FILL)
    cursor.execute(_LEVIED, given)
    levied = []
    for id, tax, currency, rate, amount in cursor.fetchall():
        if rate is None:
            failing.append(Failing(id, tax, f"It has no price in {currency} on {day}."))
        else:
            # The least that a price charges is charged of something.
            levied.append(Levied(id, tax, rate, amount if base else Decimal(0)))
    return levied, failing


def _leave_out(cursor: Any, product: int) -> list[Failing]:
    """Keep the taxes that are for the product; those of which nobody can say whether they are."""
    failing = []
    cursor.execute(_FILTERS)
    for method, filter_, id, tax in cursor.fetchall():
        try:
            condition = compiled(filter_, "PRODUCT")
        except FormulaError:
            why = "The filter of its rating method makes no sense any more."
            failing.append(Failing(id, tax, why))
            cursor.execute(_NOT_FOR_IT, [method])
            continue
        cursor.execute(_PASSES.format(product=int(product), filter=condition))
        if not cursor.rowcount:
            cursor.execute(_NOT_FOR_IT, [method])
    return failing
