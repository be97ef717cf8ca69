"""Charges that recur or come once by a formula: how much is charged, and what that costs.

FormulaQuantity stands in the place of the account product's quantity, from the day on which the
account product is looked at. FormulaValue stands in the place of what the price comes to for the
days of one charge, of which ProrateFactor is the part of the cycle. Where a formula yields nothing,
nothing is charged, and CHARGE_SCHEDULE says why.
"""

from collections.abc import Mapping
from typing import Any

from billing.rating import formulas
from billing.rating.asking import rounded
from billing.rating.recurring.lines import COLUMNS

_QUANTITIES = (
    "SELECT DISTINCT method_id, quantity_formula FROM charge_subject "
    "WHERE quantity_formula IS NOT NULL"
)
#: What is known of a charge before it is known how much is charged.
_ASKED = {
    **{
        name: f"s.{name}"
        for name in (
            *("account_id", "product_id", "account_product_id", "account_package_id"),
            *("package_product_id", "quantity", "currency_code"),
        )
    },
    "activity_date": "%(now)s::timestamptz",
    "rate_date": "s.today",
    "rating_method_id": "s.method_id",
}
_ASK = """
UPDATE charge_subject s SET quantity = (SELECT q FROM (SELECT {quantity} AS q) f WHERE q >= 0)
WHERE s.method_id = {method}
"""

_COSTS = "SELECT DISTINCT rating_method_id, formula FROM charge_cost WHERE formula IS NOT NULL"
_CHARGE = {
    **COLUMNS,
    "rate": "c.rate",
    "cost_unrounded": "c.cost",
    "rated_amount": rounded("c.cost", "s"),
}
_COST = """
UPDATE charge_cost f
SET cost = found.cost, raised = false,
    activity_id = CASE WHEN found.cost <> 0 OR f.forced AND found.cost IS NOT NULL
                       THEN coalesce(f.activity_id, nextval('mediation_activity_id_seq')) END,
    discount_id = CASE WHEN found.cost <> 0 AND f.kind = 'Trial'
                       THEN coalesce(f.discount_id, nextval('mediation_activity_id_seq')) END
FROM (
    SELECT c.id, {cost} AS cost
    FROM charge_cost c JOIN charge_subject s ON s.key = c.key
    WHERE c.rating_method_id = {method} AND c.source IS NOT NULL
) found
WHERE found.id = f.id
"""


def ask(cursor: Any, given: Mapping[str, Any]) -> None:
    """Give the subjects whose rating methods have a FormulaQuantity the quantity that it yields."""
    cursor.execute(_QUANTITIES)
    for method, text in cursor.fetchall():
        quantity = formulas.result(text, _ASKED)
        cursor.execute(_ASK.format(quantity=quantity, method=int(method)), given)


def reckon(cursor: Any, given: Mapping[str, Any]) -> None:
    """Give the charges of rating methods with formulas the cost that these yield."""
    cursor.execute(_COSTS)
    for method, text in cursor.fetchall():
        cost = formulas.result(text, _CHARGE)
        cursor.execute(_COST.format(cost=cost, method=int(method)), given)
