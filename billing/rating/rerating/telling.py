"""What came of rating lines again: by account, product, invoice and currency, and line by line."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from billing.rating.rerating.prepaid import refill


def _on_invoice(line: str) -> str:
    """SQL of the invoice of a line: that of its record `r`, or of a charge with credits its own."""
    return f"CASE WHEN r.of_load THEN r.invoice_id ELSE {line}.invoice_id END"


# The amounts of the records that have changed, as they were and as they are; a record counts where
# it was, and where it has come to.
TOTALS = f"""
CREATE TEMP TABLE rerate_total ON COMMIT DROP AS
SELECT account_id, product_id, invoice_id, currency_code, sum(was) AS was, sum(made) AS made,
       sum(left_) AS left_, sum(arrived) AS arrived
FROM (
    SELECT l.account_id, l.product_id, {_on_invoice("l")} AS invoice_id, l.currency_code,
           coalesce(l.rated_amount, 0) AS was, 0 AS made,
           (l.id = r.root_id OR {refill("l")})::int AS left_,
           0 AS arrived
    FROM rerate_line l
    JOIN rerate_record r ON r.root_id = l.root_id
    JOIN rerate_changed c ON c.seq = r.seq
    UNION ALL
    SELECT n.account_id, n.product_id, {_on_invoice("n")}, n.currency_code, 0, n.rated_amount, 0,
           (n.split_from_bill_act_id IS NULL AND NOT {refill("n")}
            AND (n.account_id, n.product_id, n.currency_code)
                IS DISTINCT FROM (r.account_id, r.product_id, r.currency_code))::int
    FROM rerate_new n
    JOIN rerate_changed c ON c.seq = n.line_number
    JOIN rerate_record r ON r.seq = n.line_number
) amount
GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - constants only
SORTED = """
SELECT account_id, product_id, invoice_id, currency_code, left_ + arrived, was, made, made - was
FROM rerate_total ORDER BY 1, 2, 3 NULLS FIRST, 4 LIMIT %(most)s
"""
KEEP = """
INSERT INTO rating_reratetotal (rerate_id, account_id, product_id, invoice_id, currency_code,
    line_count, old_amount, new_amount, difference)
SELECT %(run)s, account_id, product_id, invoice_id, currency_code, left_ + arrived, was, made,
       made - was
FROM rerate_total
"""
AMOUNTS = """
SELECT currency_code, coalesce(nullif(sum(left_), 0), sum(arrived))::bigint, sum(was), sum(made)
FROM rerate_total GROUP BY 1 ORDER BY 1
"""


def _used(line: str) -> str:
    """SQL of whether the quantity of a line is its own, not what it credits, discounts, refills."""
    return (
        f"{line}.reversal_of_id IS NULL AND {line}.discount_activity_id IS NULL "
        f"AND NOT {refill(line)}"
    )


LINES = f"""
WITH page AS MATERIALIZED (
    SELECT c.seq, l.* FROM rerate_changed c
    JOIN rerate_record r ON r.seq = c.seq
    JOIN rerate_line l ON l.id = r.root_id
    ORDER BY l.account_id, l.product_id, l.activity_date, l.id
    LIMIT %(count)s OFFSET %(start)s
), was AS (
    SELECT root_id, sum(quantity) FILTER (WHERE {_used("l")}) AS quantity,
           sum(rated_amount) AS amount
    FROM rerate_line l WHERE root_id IN (SELECT id FROM page) GROUP BY 1
), made AS (
    SELECT line_number AS seq, sum(quantity) FILTER (WHERE {_used("n")}) AS quantity,
           sum(rated_amount) AS amount,
           (array_agg(rate ORDER BY {refill("n")}, id))[1] AS rate,
           min(currency_code) AS currency_code,
           (array_agg(rate_source ORDER BY {refill("n")}, id))[1] AS source
    FROM rerate_new n WHERE line_number IN (SELECT seq FROM page) GROUP BY 1
)
SELECT page.id, page.account_id, page.product_id, page.account_product_id, page.invoice_id,
       page.activity_date, was.quantity, made.quantity, page.rate, made.rate, page.currency_code,
       made.currency_code, was.amount, made.amount, made.source
FROM page
JOIN was ON was.root_id = page.id
LEFT JOIN made ON made.seq = page.seq
ORDER BY page.account_id, page.product_id, page.activity_date, page.id
"""  # noqa: S608 - constants only
FAILED = """
SELECT l.id, u.reason FROM rerate_usage u
JOIN rerate_record r ON r.seq = u.line
JOIN rerate_line l ON l.id = r.root_id
WHERE u.cause IS NOT NULL ORDER BY l.id LIMIT %(most)s
"""
#: Totals and unpriced lines of one answer.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Total:
    account_id: int
    product_id: int | None
    invoice_id: int | None
    currency_code: str | None
    lines: int
    old: Decimal
    new: Decimal
    difference: Decimal


@dataclass(frozen=True, slots=True)
class Amount:
    """What the lines of one currency came to, and come to."""

    currency_code: str | None
    lines: int
    old: Decimal
    new: Decimal

    @property
    def difference(self) -> Decimal:
        return self.new - self.old


@dataclass(frozen=True, slots=True)
class Line:
    """A record that costs something else; its parts over bands are one."""

    id: int
    account_id: int
    product_id: int | None
    account_product_id: int | None
    invoice_id: int | None
    activity_date: Any
    old_quantity: Decimal
    new_quantity: Decimal | None
    old_rate: Decimal | None
    new_rate: Decimal | None
    old_currency: str | None
    new_currency: str | None
    old: Decimal | None
    new: Decimal | None
    source: str | None


@dataclass(slots=True)
class Result:
    """`lines` were looked at, `changed` cost something else, `unpriced` have no price any more."""

    lines: int = 0
    changed: int = 0
    unpriced: int = 0
    amounts: list[Amount] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    page: list[Line] = field(default_factory=list)
    reasons: list[tuple[int, str]] = field(default_factory=list)


def money(amount: Decimal) -> str:
    """An amount for people: two places, and more only where it has them."""
    digits = amount.normalize()
    places = max(2, -int(digits.as_tuple().exponent))
    return f"{digits:,.{places}f}"


def tell(cursor: Any, lines: int, changed: int, start: int, count: int) -> Result:
    """What came of it, with `count` lines from the `start`-th on, counted from 0."""
    given = {"most": MOST, "start": start, "count": count}
    told = Result(lines, changed)
    cursor.execute("SELECT count(*) FROM rerate_usage WHERE cause IS NOT NULL")
    (told.unpriced,) = cursor.fetchone()
    cursor.execute(TOTALS)
    cursor.execute(AMOUNTS)
    told.amounts = [Amount(*row) for row in cursor.fetchall()]
    cursor.execute(SORTED, given)
    told.totals = [Total(*row) for row in cursor.fetchall()]
    if count:
        cursor.execute(LINES, given)
        told.page = [Line(*row) for row in cursor.fetchall()]
    if told.unpriced:
        cursor.execute(FAILED, given)
        told.reasons = list(cursor.fetchall())
    return told


def keep(cursor: Any, run: int) -> None:
    """Keep the totals with their RERATE record."""
    cursor.execute(KEEP, {"run": run})
