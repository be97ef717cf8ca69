"""Usage whose amount comes from a formula, in place of what its price comes to."""

from collections.abc import Mapping
from typing import Any

from billing.rating import formulas

_METHODS = "SELECT DISTINCT rating_method_id, formula FROM rating_quote WHERE formula IS NOT NULL"
# A price that lacks a band for some of the units is none for the formula.
_NO_PRICE = """
UPDATE rating_charge c
SET cost = NULL, rate = NULL, pricing_id = NULL, upper_band = NULL, averaged = false
FROM rating_line l JOIN rating_quote q ON q.id = l.quote_id
WHERE l.id = c.id AND q.formula IS NOT NULL AND NOT c.whole
"""
_FOUND = """
UPDATE rating_charge f
SET cost = found.cost, raised = false, averaged = coalesce(f.averaged, false),
    whole = CASE WHEN found.cost IS NOT NULL THEN true END
FROM (
    SELECT c.activity_id, {cost} AS cost
    {of}
    WHERE q.rating_method_id = {method} AND q.formula IS NOT NULL
) found
WHERE found.activity_id = f.activity_id
"""
_NO_RESULT = f"""
UPDATE mediation_usage u
SET cause = '{formulas.NO_RESULT}',
    reason = {formulas.no_result("q.rating_method_id", "this usage")}
FROM rating_charge c
JOIN rating_line l ON l.id = c.id
JOIN rating_quote q ON q.id = l.quote_id
WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.ctid = l.place AND c.whole IS NULL
"""  # noqa: S608 - constants only


def reckon(cursor: Any, given: Mapping[str, Any], columns: Mapping[str, str], of: str) -> None:
    """Give the charges of rating methods with formulas the amounts that these yield.

    `columns` are those of the lines, over the tables that `of` joins.
    """
    line = {**columns, "quantity": "c.quantity"}
    cursor.execute(_METHODS)
    found = cursor.fetchall()
    if not found:
        return
    cursor.execute(_NO_PRICE)
    for method, text in found:
        cost = formulas.result(text, line)
        cursor.execute(_FOUND.format(cost=cost, of=of, method=int(method)), given)
    cursor.execute(_NO_RESULT, given)
