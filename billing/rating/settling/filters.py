"""What deals share that choose charges by a filter and have a price: `settle_deal`, by `key`."""

from typing import Any

from billing.rating.charges import bounded
from billing.rating.settling.writing import Settled
from entities.schema.current import current
from entities.schema.formulating import compile_formula


def compiled(filter_: str, entity: str = "ACTIVITY") -> str:
    """SQL of a filter over lines, or other records, `a`. FormulaError if it makes no sense: it did
    when it was stored, but what it reads is gone."""
    snapshot = current()
    formula = compile_formula(snapshot, snapshot.entity(entity), filter_, expect="FLAG")
    return formula.sql.replace("{t}", "a")


def priced(percentage: str, base: str, quantity: str, otherwise: str = "NULL") -> str:
    """SQL of what a charge comes to by its book `b`, as `priced.rate` and `priced.cost`: so much
    per unit of a quantity or, if it is a percentage, of a base; within the price's bounds.

    `otherwise`: the rate where there is no price.
    """
    return f"""
LEFT JOIN rating_band band ON band.version_id = b.version_id AND band.rate_order = 1
CROSS JOIN LATERAL (
    SELECT coalesce(b.override, band.rate, {otherwise}) AS rate
) listed
CROSS JOIN LATERAL (
    SELECT listed.rate * CASE WHEN {percentage} THEN {base} * 0.01 ELSE {quantity} END AS cost
) asked
CROSS JOIN LATERAL (SELECT listed.rate, {bounded("asked.cost", "band")} AS cost) priced"""


def leave_out(cursor: Any, done: Settled, method: int, why: str) -> None:
    """Settle no deal of the method, and tell why."""
    cursor.execute(
        "DELETE FROM settle_deal WHERE method_id = %s RETURNING account_product_id", [method]
    )
    for (id,) in cursor.fetchall():
        done.problems[id] = f"RATING_METHOD {method} can't be applied: {why}"


def tell_unpriced(cursor: Any, done: Settled, needed: str = "true") -> None:
    """Tell which deals have no price; `needed` is SQL of whether they need one."""
    cursor.execute(
        "SELECT k.account_product_id, k.product_id, k.account_id, k.currency_code, k.first_day "  # noqa: S608
        "FROM rating_key k JOIN settle_deal d ON d.key = k.key "
        f"WHERE {needed} AND NOT EXISTS (SELECT FROM rating_book b WHERE b.key = k.key)"
    )
    for id, product, account, currency, day in cursor.fetchall():
        done.problems[id] = (
            f"There is no price of product {product} for account {account} in {currency} on {day}."
        )
