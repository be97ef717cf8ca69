"""Usage that draws on what was paid before, as it is rated again: all of a balance together.

What a line draws depends on those before it, so the open lines of all that may draw on a balance
come along with one of them: what they drew is given back, what their refills included is taken
out, and the statements of loads have them draw anew, in the order in which they were rated. What
lines on closed invoices drew, and their refills, stay in the balance, before all others.

A refill belongs to the record that needed it; where a record of the feed was usage of several
account products, to the first of those that draw on the same balance. Where the prepaid product is
charged again itself, what that includes is what its price includes now. What is covered by a
product that covers nothing any more, as it was deactivated, stays as it is.
"""

from typing import Any

from billing.rating.asking import METHOD

ANY = "SELECT EXISTS (SELECT FROM catalog_ratingmethod WHERE rating_method_type = 'Prepaid Usage')"

# An account product `ap` that covers usage.
_COVERING = f"""
    FROM customers_accountproduct ap
    {METHOD} AND m.rating_method_type = 'Prepaid Usage'
     AND ap.deleted_at IS NULL AND ap.status = 'ACTIVE'
"""
#: Whether what covers the line `a`, or is refilled by it, if anything, still does; asked for all at
#: once, as soon as there is one.
STILL_COVERED = f"""
    (a.prepaid_by_id IS NULL OR (a.prepaid_by_id, a.account_product_id) IN (
        SELECT ap.id, ap.id {_COVERING}
        UNION ALL
        SELECT ap.id, own.id {_COVERING}
        JOIN customers_accountproduct own ON own.parent_customer_product_id = ap.id))
"""


def refill(line: str) -> str:
    """SQL of whether a line is a refill: it is of the account product that it refills."""
    return f"coalesce({line}.account_product_id = {line}.prepaid_by_id, false)"


_TABLES = """
CREATE TEMP TABLE rerate_balance (prepaid_id bigint, since date) ON COMMIT DROP;
CREATE TEMP TABLE rerate_bought (id bigint, prepaid_id bigint, was numeric, units numeric)
ON COMMIT DROP
"""
# The balances that lines draw on, or may; and those whose product is charged again itself.
_BALANCES = f"""
INSERT INTO rerate_balance
SELECT ap.id, ap.start_date {_COVERING}
WHERE ap.id IN (
    SELECT prepaid_by_id FROM rerate_line
    UNION SELECT account_product_id FROM rerate_period
    UNION SELECT own.parent_customer_product_id FROM customers_accountproduct own
          WHERE own.id IN (SELECT account_product_id FROM rerate_line)
) AND NOT EXISTS (SELECT FROM rerate_balance b WHERE b.prepaid_id = ap.id)
"""  # noqa: S608 - constants only
_DRAWING = """
INSERT INTO rerate_line
SELECT a.*, coalesce(a.split_from_bill_act_id, a.id) AS root_id
FROM (
    SELECT b.prepaid_id AS id, b.prepaid_id, b.since FROM rerate_balance b
    UNION ALL
    SELECT own.id, b.prepaid_id, b.since
    FROM rerate_balance b
    JOIN customers_accountproduct own ON own.parent_customer_product_id = b.prepaid_id
) own
JOIN mediation_activity a
  ON a.account_product_id = own.id AND a.activity_date >= own.since - interval '2 days'
WHERE {open} AND NOT EXISTS (SELECT FROM rerate_line l WHERE l.id = a.id)
"""
_LOCK = """
SELECT FROM rating_accumulatorvalue
WHERE level = 'Prepaid' AND scope_id IN (SELECT prepaid_id FROM rerate_balance)
ORDER BY id FOR UPDATE
"""
_NEEDED_BY = f"""
UPDATE rerate_line f SET root_id = needed.root_id
FROM (
    SELECT DISTINCT ON (1, 2, 3) activity_collector_history_id AS load_id, line_number,
           prepaid_by_id, root_id
    FROM rerate_line l WHERE prepaid_by_id IS NOT NULL AND NOT {refill("l")}
    ORDER BY 1, 2, 3, account_product_id, root_id
) needed
WHERE {refill("f")} AND needed.prepaid_by_id = f.prepaid_by_id
  AND needed.load_id = f.activity_collector_history_id AND needed.line_number = f.line_number
"""  # noqa: S608 - constants only
_UNNEEDED = f"DELETE FROM rerate_line l WHERE {refill('l')} AND l.root_id = l.id"  # noqa: S608
_AMOUNTS = f"""
    SELECT l.prepaid_by_id AS prepaid_id,
           coalesce(sum(l.prepaid_quantity) FILTER (WHERE NOT {refill("l")}), 0) AS drawn,
           coalesce(sum(l.prepaid_quantity) FILTER (WHERE {refill("l")}), 0) AS refilled,
           count(*) FILTER (WHERE NOT {refill("l")}) AS records
"""
_GIVE_BACK = f"""
UPDATE rating_accumulatorvalue s
SET quantity = s.quantity - o.drawn, included = s.included - o.refilled,
    charges = s.charges - o.records
FROM ({_AMOUNTS} FROM rerate_line l WHERE l.prepaid_by_id IS NOT NULL GROUP BY 1) o
WHERE s.level = 'Prepaid' AND s.scope_id = o.prepaid_id
"""  # noqa: S608 - constants only
# What balances include beside the refills that stay: what was bought at first.
_BOUGHT = f"""
INSERT INTO rerate_bought
SELECT s.id, s.scope_id AS prepaid_id, s.included - coalesce((
           SELECT sum(a.prepaid_quantity) FROM mediation_activity a
           WHERE a.account_product_id = s.scope_id AND {refill("a")} AND a.deleted_at IS NULL
             AND NOT EXISTS (SELECT FROM rerate_line l WHERE l.id = a.id)), 0) AS was,
       NULL
FROM rerate_period p
JOIN rating_accumulatorvalue s ON s.level = 'Prepaid' AND s.scope_id = p.account_product_id
"""  # noqa: S608 - constants only
# What is bought at the prices of now, as long as these are at hand.
INCLUDED = """
UPDATE rerate_bought b SET units = c.lacking * coalesce(one.included_quantity, 0)
FROM charge_cost c
LEFT JOIN rating_band one ON one.version_id = c.version_id AND one.rate_order = 1
WHERE c.key = b.prepaid_id AND c.cost IS NOT NULL
"""
_BUY = """
UPDATE rating_accumulatorvalue s SET included = s.included - b.was + b.units
FROM rerate_bought b WHERE b.id = s.id AND b.units <> b.was
"""
# A record that has no price any more keeps what it drew.
_PUT_BACK = f"""
UPDATE rating_accumulatorvalue s
SET quantity = s.quantity + o.drawn, included = s.included + o.refilled,
    charges = s.charges + o.records
FROM (
    SELECT prepaid_id, sum(drawn) AS drawn, sum(refilled) AS refilled, sum(records) AS records
    FROM (
        {_AMOUNTS} FROM rerate_line l
        JOIN rerate_record r ON r.root_id = l.root_id
        JOIN rerate_usage u ON u.line = r.seq AND u.cause IS NOT NULL
        WHERE l.prepaid_by_id IS NOT NULL GROUP BY 1
        UNION ALL
        SELECT prepaid_id, -drawn, -refilled, -records
        FROM (
            {_AMOUNTS} FROM rerate_new l
            JOIN rerate_usage u ON u.line = l.line_number AND u.cause IS NOT NULL
            WHERE l.prepaid_by_id IS NOT NULL GROUP BY 1
        ) drawn
    ) both_
    GROUP BY 1
) o
WHERE s.level = 'Prepaid' AND s.scope_id = o.prepaid_id
"""  # noqa: S608 - constants only
_NEEDED_BY_NOW = f"""
UPDATE rerate_new f SET line_number = needed.first
FROM (
    SELECT n.line_number AS seq, n.prepaid_by_id,
           first_value(n.line_number) OVER (
               PARTITION BY n.prepaid_by_id, l.activity_collector_history_id, l.line_number
               ORDER BY n.account_product_id, n.line_number) AS first
    FROM rerate_new n
    JOIN rerate_record r ON r.seq = n.line_number
    JOIN rerate_line l ON l.id = r.root_id
    WHERE n.prepaid_by_id IS NOT NULL AND NOT {refill("n")}
) needed
WHERE {refill("f")} AND needed.seq = f.line_number AND needed.prepaid_by_id = f.prepaid_by_id
  AND needed.first <> f.line_number
"""  # noqa: S608 - constants only
#: The tables that stay until all is written.
KEPT = "rerate_balance, rerate_bought"


def begin(cursor: Any) -> bool:
    """Make the tables of balances; whether anything is prepaid at all."""
    cursor.execute(_TABLES)
    cursor.execute(ANY)
    found: bool = cursor.fetchone()[0]
    return found


def add(cursor: Any, open_: str) -> int:
    """Add the lines of all that may draw on the same balances; gives how many."""
    cursor.execute(_BALANCES)
    if not drawn(cursor):
        return 0
    cursor.execute(_DRAWING.format(open=open_))
    return int(cursor.rowcount)


def drawn(cursor: Any) -> bool:
    """Whether there are balances that the lines draw on, or may."""
    cursor.execute("SELECT FROM rerate_balance LIMIT 1")
    return bool(cursor.rowcount)


def lock(cursor: Any) -> None:
    """Hold the balances, so that nobody draws on them meanwhile."""
    cursor.execute(_LOCK)


def complete(cursor: Any) -> None:
    """Say of refills which records needed them; others stay as they are."""
    if drawn(cursor):
        cursor.execute(_NEEDED_BY)
        cursor.execute(_UNNEEDED)


def give_back(cursor: Any) -> None:
    """Take what the lines drew and refilled out of the balances."""
    if drawn(cursor):
        cursor.execute(_GIVE_BACK)
        cursor.execute(_BOUGHT)


def buy(cursor: Any) -> None:
    """Have the balances include what is bought at the prices of now."""
    cursor.execute(_BUY)


def settle(cursor: Any) -> bool:
    """Bring balances to what the new lines come to; whether any includes something else now."""
    if not drawn(cursor):
        return False
    cursor.execute(_PUT_BACK)
    cursor.execute(_NEEDED_BY_NOW)
    cursor.execute("SELECT FROM rerate_bought WHERE units <> was LIMIT 1")
    return bool(cursor.rowcount)
