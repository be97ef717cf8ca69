"""What a line that settling wrote (a discount, a minimum, a commitment, a fee) was reckoned from.

Its rate is a price like any other, and is told as one; its amount comes from other lines, of which
SETTLED_CHARGE remembers what they came to. Those lines are told as they stand now, as far as the
caller may see them.
"""

from decimal import Decimal
from typing import Any

from django.db import connection

from billing.customers.paying import PAYER, zone
from billing.rating.explaining.findings import Json
from billing.rating.explaining.sentences import HIDDEN_AMOUNT
from billing.rating.explaining.sight import Sight
from billing.rating.settling.commitments import UNCOUNTED, counts
from billing.rating.settling.filters import compiled
from billing.rating.settling.scope import UNCHARGED
from entities.fieldtypes.numbers import plain
from entities.formulas import FormulaError

#: Lines that are told one by one.
MOST = 100
_FIELDS = ("Kind", "PeriodFrom", "PeriodUntil", "Base", "Lines", "Rate", "Cost")

# Of a line that takes one back, the one that it takes back.
_SETTLED = """
SELECT s.id, s.kind, s.period_from, s.period_until, s.base, s.lines, s.rate, s.cost, s.invoice_id,
       a.quantity, a.rated_amount, told.reversal_of_id AS taken_back_id,
       told.rated_amount AS back_amount,
       coalesce(m.discount_pricing_type = 'Percentage Off', false)
       OR s.kind IN ('Late Fee', 'Per Invoice', 'Conditional') AND m.charge_type = 'Percentage'
       OR coalesce(m.cmt_rate_method = 'Percentage', false) AS percentage,
       CASE s.kind WHEN 'Discount' THEN m.discount_target_filter_logic
                   WHEN 'Commitment' THEN m.cmt_inclusion_logic
                   WHEN 'Conditional' THEN m.eligible_activity_filter_logic END AS filter
FROM mediation_activity told
JOIN rating_settledcharge s ON s.activity_id = coalesce(told.reversal_of_id, told.id)
JOIN mediation_activity a ON a.id = s.activity_id AND a.activity_date = s.activity_date
LEFT JOIN catalog_ratingmethod m ON m.id = a.rating_method_id
WHERE told.id = %s
ORDER BY s.id DESC LIMIT 1
"""

# The lines that it looks at: as `billing.rating.settling` chooses them.
_LOOKED_AT = f"""
WITH RECURSIVE used AS (
    SELECT account_id FROM rating_settledcharge WHERE id = %(id)s
), {PAYER}, deal AS (
    SELECT s.*, m.cmt_scope, m.cmt_tax_flag, ap.account_package_id, ap.contract_id,
           coalesce(m.eligible_activity_filter_logic, '') <> '' AS filtered,
           ap.parent_customer_product_id AS parent_id,
           zone.name AS zone, line.currency_code
    FROM rating_settledcharge s
    JOIN mediation_activity line
      ON line.id = s.activity_id AND line.activity_date = s.activity_date
    JOIN customers_account account ON account.id = s.account_id
    LEFT JOIN customers_accountproduct ap ON ap.id = s.account_product_id
    LEFT JOIN catalog_ratingmethod m ON m.id = line.rating_method_id
    LEFT JOIN payer ON payer.account_id = s.account_id
    LEFT JOIN customers_billingprofile profile ON profile.id = payer.profile_id
    {zone("account", "profile")}
    WHERE s.id = %(id)s
), whose AS (
    SELECT account_id FROM deal
    UNION
    SELECT a.id
    FROM whose
    JOIN customers_account a ON a.parent_account_id = whose.account_id
    JOIN deal ON deal.kind = 'Commitment' AND deal.cmt_scope = 'Account hierarchy'
)
SELECT a.id
FROM deal d
JOIN whose ON true
JOIN mediation_activity a
  ON a.account_id = whose.account_id AND a.currency_code = d.currency_code
LEFT JOIN catalog_ratingmethod m ON m.id = a.rating_method_id
CROSS JOIN LATERAL (
    SELECT a.activity_date >= d.period_from::timestamp AT TIME ZONE d.zone IS NOT FALSE
           AND a.activity_date < d.period_until::timestamp AT TIME ZONE d.zone IS NOT FALSE
           AS within
) day
WHERE a.deleted_at IS NULL
  AND CASE d.kind
           WHEN 'Per Invoice'
           THEN a.invoice_id = d.invoice_id
                AND coalesce(m.rating_method_type, '') NOT IN ('Tax', 'Per Invoice')
           WHEN 'Commitment'
           THEN day.within AND {counts("d.cmt_tax_flag")}
                AND CASE d.cmt_scope
                         WHEN 'Account package' THEN a.account_package_id = d.account_package_id
                         WHEN 'Contract' THEN a.contract_id = d.contract_id ELSE true END
           WHEN 'Conditional'
           THEN day.within AND (d.filtered OR a.account_product_id = d.parent_id)
                AND NOT coalesce(m.rating_method_type, '')
                        = ANY(%(uncharged)s || ARRAY['Conditional Product Charge'])
           WHEN 'Late Fee' THEN false
           ELSE NOT coalesce(m.rating_method_type, '') = ANY(%(uncharged)s)
                AND a.product_id IS NOT DISTINCT FROM d.target_product_id
                AND a.account_product_id IS NOT DISTINCT FROM d.target_account_product_id
                AND CASE WHEN d.target_activity_id IS NULL
                         THEN day.within
                         ELSE a.id = d.target_activity_id END
                AND (d.kind = 'Discount' OR NOT EXISTS (
                    SELECT FROM rating_settledcharge o
                    WHERE o.account_id = d.account_id AND o.kind IN ('Minimum', 'Maximum')
                      AND o.activity_id = coalesce(a.reversal_of_id, a.id))) END
  AND ({{formula}})
ORDER BY a.activity_date, a.id
LIMIT %(most)s
"""  # noqa: S608 - constants only


def tell(told: Json, line_id: int, sight: Sight) -> None:
    """Tell of the line, if settling wrote it, what it was reckoned from."""
    found = _row(line_id)
    told["Deal"] = None
    if found is None:
        return
    # Its rate is no price of a quantity.
    told["Bands"] = []
    seen = sight.fields({"SETTLED_CHARGE": ([found["id"]], _FIELDS)})
    if not sight.reads("SETTLED_CHARGE", *_FIELDS) or ("SETTLED_CHARGE", found["id"]) not in seen:
        told |= {"Arithmetic": None, "Unrounded": None, "Amount": None}
        told["Conclusion"] = HIDDEN_AMOUNT
        told["Line"] |= {"Agrees": None, "Reason": HIDDEN_AMOUNT}
        return
    fields = seen["SETTLED_CHARGE", found["id"]]
    arithmetic = _arithmetic(found)
    lines = _lines(found, sight) if found["taken_back_id"] is None else []
    told["Deal"] = {
        **{name: fields[name] for name in _FIELDS},
        "InvoiceId": None if found["invoice_id"] is None else str(found["invoice_id"]),
        "LookedAt": lines,
    }
    told |= {
        "Arithmetic": arithmetic,
        "Unrounded": plain(found["cost"]),
        "Amount": plain(found["rated_amount"]),
        "Conclusion": _conclusion(found, arithmetic, sight),
    }
    if found["taken_back_id"] is not None:
        _tell_taken_back(told, found)
        return
    told["Line"] |= {
        "Agrees": "1",
        "Reason": "The line says what it came to when it was settled last; settling follows the "
        "charges until their invoice is closed.",
    }
    if lines:
        told["Line"]["Reason"] += " It looks at the lines " + ", ".join(
            f"{one['Id']} ({one['RatedAmount']})" if "RatedAmount" in one else one["Id"]
            for one in lines
        ) + (", and more." if len(lines) == MOST else ".")  # fmt: skip


def _tell_taken_back(told: Json, found: dict[str, Any]) -> None:
    """Tell of a line that takes back what settling wrote."""
    amount, back = found["rated_amount"], found["back_amount"]
    told |= {
        "Arithmetic": f"-({told['Arithmetic']})",
        "Unrounded": plain(-found["cost"]),
        "Amount": plain(back),
        "Conclusion": f"It takes back line {found['taken_back_id']}: {told['Conclusion']}",
    }
    told["Line"] |= {
        "Agrees": "1" if back == -amount else "0",
        "Reason": f"Line {found['taken_back_id']} came to {plain(amount)} when it was settled; "
        f"it was taken back when the charges came to something else.",
    }


def _row(line_id: int) -> dict[str, Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, [line_id])
        row = cursor.fetchone()
        names = [column.name for column in cursor.description]
    return None if row is None else dict(zip(names, row, strict=True))


def _lines(found: dict[str, Any], sight: Sight) -> list[Json]:
    """Those of the lines that the caller may see."""
    try:
        formula = compiled(found["filter"]) if found["filter"] else "true"
    except FormulaError:
        return []
    given = {
        "id": found["id"],
        "uncounted": list(UNCOUNTED),
        "uncharged": list(UNCHARGED),
        "most": MOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOOKED_AT.replace("{formula}", formula.replace("%", "%%")), given)
        ids = [id for (id,) in cursor.fetchall()]
    seen = sight.fields({"ACTIVITY": (ids, ["RatedAmount"])}, live=True)
    return [
        {"Entity": "ACTIVITY", "Id": str(id), **seen["ACTIVITY", id]}
        for id in ids
        if ("ACTIVITY", id) in seen
    ]


def _arithmetic(found: dict[str, Any]) -> str:
    kind, base, cost = found["kind"], found["base"] or Decimal(0), found["cost"]
    rate, shown = plain(found["rate"] or Decimal(0)), plain(cost)
    if kind in ("Minimum", "Maximum"):
        limit = plain(base + cost)
        part = "" if limit == rate else f" (its part of {rate})"
        return f"{limit}{part} - {plain(base)} = {shown}"
    per_unit = Decimal("0.01") if found["percentage"] else Decimal(1)
    if kind == "Commitment":
        lacking = plain(found["quantity"])
        committed = plain(found["quantity"] + base)
        per_cent = " %" if found["percentage"] else ""
        exact = _within(found["quantity"] * (found["rate"] or 0) * per_unit, cost)
        return f"({committed} - {plain(base)} = {lacking}) x {rate}{per_cent} = {exact}"
    if kind == "Discount":
        if found["percentage"]:
            return f"-{rate} % of {plain(base)} = {shown}"
        return f"the part of {rate} off that falls on {plain(base)}: {shown}"
    if found["percentage"]:
        return f"{rate} % of {plain(base)} = {_within(base * found['rate'] * per_unit, cost)}"
    if kind == "Conditional":
        return f"{plain(found['quantity'])} x {rate} = " + _within(
            found["quantity"] * found["rate"], cost
        )
    return f"{shown} for the invoice"


def _within(exact: Decimal, cost: Decimal) -> str:
    """What was reckoned, and what the price's MinCharge and MaxCharge made of it."""
    exact = round(exact, 10)
    return plain(exact) if exact == cost else f"{plain(exact)}, bounded to {plain(cost)}"


def _conclusion(found: dict[str, Any], arithmetic: str, sight: Sight) -> str:
    period = f"from {found['period_from'] or 'ever'} until before {found['period_until'] or 'ever'}"
    id = found["invoice_id"]
    title = sight.titles("INVOICE", [id]).get(id)
    invoice = f"{title} (invoice {id})" if title else f"invoice {id}"
    about = {
        "Conditional": "A charge that comes with others",
        "Minimum": "A minimum charge of a billing period",
        "Maximum": "A maximum charge of a billing period",
        "Discount": "A discount on what the discounts before it have left",
        "Commitment": "What a commitment's term lacks",
        "Late Fee": f"A late fee for {invoice}",
        "Per Invoice": f"A fee on {invoice}",
    }[found["kind"]]
    return f"{about}, {period}, over {found['lines']} lines: {arithmetic}."
