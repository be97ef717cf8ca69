"""Usage that was paid before: linked account products draw on what prepaid usage includes.

An account product of prepaid usage includes, for each unit of it, IncludedQuantity units of the
price it is charged at. The account products under it (ParentCustomerProductId) draw on that in the
order in which usage happened, as long as it holds; usage that is given back goes back there. With
Auto Refill, usage that finds too little buys the product again, at the price of its day, as often
as it needs; without it the excess is charged at the usage product's own price.

What was drawn and what is included is a sum over tiers of level Prepaid, locked until both are
written. With over(n) for what the first n records exceed the included units by, at most,

    over(n)    = max(0, drawn + the greatest sum of the first i <= n records - included)
    excess(n)  = over(n) - over(n - 1)              without Auto Refill
    refills(n) = ceil(over(n) / units of a refill)  with it, in all

which does not depend on how records are divided into loads. Where the price of a refill changes,
the records before it end with a sum of their own.

Sources: BillingPlatform, "How To Create A Prepaid Usage Product".
"""

from collections.abc import Mapping
from typing import Any

from billing.mediation.loads.charged import Charged, counted
from billing.rating.asking import METHOD, rounded
from billing.rating.charges import CHARGES, FACTS
from billing.rating.loads.lines import COLUMNS
from billing.rating.telling import MOST, TOO_LARGE_FOR_A_LINE, no_band, no_price

#: Refills of one record.
MOST_REFILLS = 1000

LINKS = f"""
CREATE TEMP TABLE rating_link ON COMMIT DROP AS
SELECT own.id AS own_id, ap.id AS prepaid_id, ap.account_id, ap.product_id, ap.quantity,
       ap.start_date AS from_day, coalesce(ap.end_date + 1, 'infinity') AS until_day,
       m.auto_refill AS refills, used.last_at
FROM rating_used used
JOIN customers_accountproduct own ON own.id = used.account_product_id
JOIN customers_accountproduct ap
  ON ap.id = own.parent_customer_product_id AND ap.account_id = own.account_id
{METHOD}
WHERE m.rating_method_type = 'Prepaid Usage' AND ap.deleted_at IS NULL AND ap.status = 'ACTIVE'
"""  # noqa: S608 - constants only

# What one look would price goes the long way.
_SLOW = """
UPDATE rating_quote SET simple = false
WHERE NOT fed AND account_product_id IN (SELECT own_id FROM rating_link)
"""

# What each run of days' price makes of a charge for the prepaid product, first or refilled.
_CHARGES = f"""
CREATE TEMP TABLE rating_refill ON COMMIT DROP AS
WITH {FACTS.replace("book", "rating_quote")}, band AS (SELECT * FROM rating_band), paid AS (
    SELECT DISTINCT l.prepaid_id, l.quantity, l.from_day AS starts, q.id, q.from_day, q.until_day,
           q.version_id, q.override, q.rating_method_id, l.quantity * q.included AS units
    FROM rating_link l
    JOIN rating_quote q ON q.account_product_id = l.prepaid_id AND NOT q.fed
), wanted AS (
    SELECT id, version_id, override, rating_method_id, quantity, 1::numeric AS factor,
           false AS usage, 0::numeric AS before, quantity AS reached, 1::bigint AS nth
    FROM paid
), {CHARGES}
SELECT paid.prepaid_id, paid.id AS quote_id, paid.from_day, paid.until_day, paid.quantity,
       paid.units, priced.rate, priced.cost, priced.raised, priced.averaged, priced.pricing_id,
       priced.upper_band
FROM paid
LEFT JOIN (
    SELECT charge.* FROM charge JOIN line ON line.id = charge.id
    WHERE charge.units = line.after - line.before
) priced ON priced.id = paid.id
"""  # noqa: S608 - constants only

# Linked usage of the days on which its prepaid product is there.
_USE = """
    FROM mediation_usage u
    JOIN rating_link l ON l.own_id = u.account_product_id
    JOIN rating_key k
      ON k.account_product_id = u.account_product_id AND k.product_id = u.product_id
    CROSS JOIN LATERAL (SELECT (u.activity_date AT TIME ZONE k.zone)::date AS day) local
    LEFT JOIN rating_refill r
      ON r.prepaid_id = l.prepaid_id AND r.from_day <= local.day AND r.until_day > local.day
    LEFT JOIN rating_refill first
      ON first.prepaid_id = l.prepaid_id AND first.from_day <= l.from_day
     AND first.until_day > l.from_day
"""
_LINKED = """
    WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.cause IS NULL
      AND u.override_rate IS NULL AND u.override_cost IS NULL
      AND local.day >= l.from_day AND local.day < l.until_day
"""

_REFUSE = f"""
UPDATE mediation_usage o
SET cause = wrong.cause,
    reason = format('It draws on the prepaid usage of account product %%s. ', wrong.prepaid_id)
             || wrong.reason
FROM (
    SELECT u.ctid AS place, l.prepaid_id,
           CASE WHEN r.units IS NULL OR first.units IS NULL THEN 'NO_PRICE'
                WHEN r.cost IS NULL OR first.cost IS NULL THEN 'NO_BAND'
                ELSE 'TOO_MANY_REFILLS' END AS cause,
           CASE WHEN first.units IS NULL
                THEN {no_price("l.product_id", "l.account_id", "k.currency_code", "l.from_day")}
                WHEN r.units IS NULL
                THEN {no_price("l.product_id", "l.account_id", "k.currency_code", "local.day")}
                WHEN r.cost IS NULL OR first.cost IS NULL
                THEN {no_band("q", "l.product_id", "l.quantity")}
                ELSE format('A refill is %%s units, so it would need more than {MOST_REFILLS} of '
                            'them at once.', trim_scale(r.units)) END AS reason
    {_USE}
    LEFT JOIN rating_quote q
      ON q.id = CASE WHEN first.cost IS NULL THEN first.quote_id ELSE r.quote_id END
    {_LINKED}
      AND (r.cost IS NULL OR first.cost IS NULL
           OR l.refills AND r.units > 0 AND u.quantity > r.units * {MOST_REFILLS})
) wrong
WHERE o.ctid = wrong.place
"""  # noqa: S608 - constants only

# Prepaid usage of which one charge is more than a line or a sum can hold.
_LARGE = f"greatest(abs({{0}}.units), abs({{0}}.cost), abs({{0}}.rate)) >= {MOST}"
_TOO_LARGE = f"""
UPDATE mediation_usage o
SET cause = 'TOO_LARGE', reason = {TOO_LARGE_FOR_A_LINE}
FROM (
    SELECT u.ctid AS place
    {_USE}
    {_LINKED} AND ({_LARGE.format("r")} OR {_LARGE.format("first")})
) large
WHERE o.ctid = large.place
"""  # noqa: S608 - constants only
_FORGET = f"DELETE FROM rating_refill r WHERE {_LARGE.format('r')}"  # noqa: S608 - constants

_OPEN = """
INSERT INTO rating_accumulatorvalue (level, scope_id, quantity, charges, included, updated)
SELECT DISTINCT 'Prepaid', l.prepaid_id, 0, 0, r.units, %(now)s::timestamptz
FROM rating_link l
JOIN rating_refill r
  ON r.prepaid_id = l.prepaid_id AND r.from_day <= l.from_day AND r.until_day > l.from_day
WHERE r.cost IS NOT NULL
ORDER BY 2
ON CONFLICT (scope_id, level, product_id, rating_method_id, period_begin) DO NOTHING
"""

_BALANCES = """
CREATE TEMP TABLE rating_balance ON COMMIT DROP AS
SELECT id, scope_id AS prepaid_id, quantity AS drawn, included
FROM rating_accumulatorvalue
WHERE level = 'Prepaid' AND scope_id IN (SELECT prepaid_id FROM rating_link)
ORDER BY id FOR UPDATE
"""

# In the order in which the usage happened, or in that of its records; of what one record is charged
# to, in that of the account products.
_ORDER = "CASE WHEN NOT %(in_order)s THEN activity_date END, line, own_id, place"
# Per record: how much of it is covered, how much exceeds, and how often it refills; whether what is
# covered is told by a line of its own, and which line it is then split from.
_DRAW = f"""
CREATE TEMP TABLE rating_drawn ON COMMIT DROP AS
WITH RECURSIVE used AS (
    SELECT u.ctid AS place, u.line, u.activity_date, u.quantity, l.prepaid_id, local.day,
           l.own_id, u.usage_identifier, u.collector_fields_id,
           r.quote_id AS refill_id, r.from_day AS since, r.units,
           l.refills AND r.units > 0 AS refilling, coalesce(own.splits, false) AS splits
    {_USE}
    LEFT JOIN rating_quote own
      ON own.account_product_id = u.account_product_id AND own.product_id = u.product_id
     AND own.from_day <= local.day AND own.until_day > local.day AND NOT own.fed
    {_LINKED}
), turned AS (
    SELECT *, (since IS DISTINCT FROM lag(since) OVER so_far)::int AS turns
    FROM used WINDOW so_far AS (PARTITION BY prepaid_id ORDER BY {_ORDER})
), run AS (
    -- Records of several loads go back and forth between the prices of their days.
    SELECT *, sum(turns) OVER so_far AS n
    FROM turned WINDOW so_far AS (PARTITION BY prepaid_id ORDER BY {_ORDER})
), summed AS (
    SELECT *, sum(quantity) OVER (PARTITION BY prepaid_id, n ORDER BY {_ORDER}) AS summed
    FROM run
), peaked AS (
    SELECT *, greatest(0, max(summed) OVER (
               PARTITION BY prepaid_id, n ORDER BY {_ORDER})) AS peak
    FROM summed
), span AS (
    SELECT prepaid_id, n, bool_or(refilling) AS refilling, max(units) AS units,
           sum(quantity) AS quantity, max(peak) AS peak
    FROM peaked GROUP BY prepaid_id, n
), walk AS (
    -- What was drawn and included where each run of records with one price begins.
    SELECT prepaid_id, 1::bigint AS n, drawn::numeric, included::numeric FROM rating_balance
    UNION ALL
    SELECT w.prepaid_id, w.n + 1,
           w.drawn + s.quantity - CASE WHEN s.refilling THEN 0 ELSE past.peak - past.begun END,
           w.included + CASE WHEN s.refilling THEN ceil(past.peak / s.units) * s.units ELSE 0 END
    FROM walk w
    JOIN span s ON s.prepaid_id = w.prepaid_id AND s.n = w.n
    CROSS JOIN LATERAL (
        SELECT greatest(0, w.drawn + s.peak - w.included) AS peak,
               greatest(0, w.drawn - w.included) AS begun
    ) past
), over AS (
    SELECT p.*, greatest(0, w.drawn - w.included) AS begun,
           greatest(0, w.drawn + p.peak - w.included) AS past
    FROM peaked p
    JOIN walk w ON w.prepaid_id = p.prepaid_id AND w.n = p.n
), share AS (
    SELECT o.*,
           CASE WHEN refilling THEN 0 ELSE past - lag(past, 1, begun) OVER so_far END AS excess,
           CASE WHEN refilling THEN ceil(past / units) - ceil(lag(past, 1, 0) OVER so_far / units)
                ELSE 0 END AS refills
    FROM over o
    WINDOW so_far AS (PARTITION BY prepaid_id, n ORDER BY {_ORDER})
)
SELECT place, line, own_id, usage_identifier, collector_fields_id, prepaid_id, day,
       quantity - excess AS covered, excess, refills::int AS refills,
       refill_id, units,
       excess = 0 OR splits AS separate, NULL::bigint AS first_id
FROM share
WHERE quantity <> excess
ORDER BY prepaid_id, {_ORDER}
"""  # noqa: S608 - constants only

_GROW = """
UPDATE rating_accumulatorvalue s
SET quantity = s.quantity + grown.drawn, included = s.included + grown.included,
    charges = s.charges + grown.records, updated = %(now)s
FROM (
    SELECT b.id, sum(d.covered) AS drawn, sum(d.refills * d.units) AS included,
           count(*) AS records
    FROM rating_drawn d JOIN rating_balance b ON b.prepaid_id = d.prepaid_id
    GROUP BY b.id
) grown
WHERE grown.id = s.id
"""

# A record that got its cause meanwhile lies elsewhere in its table.
_SAME = """
    u.load_id = %(load)s AND u.shard = %(shard)s AND u.line = d.line
    AND u.account_product_id = d.own_id
    AND u.usage_identifier IS NOT DISTINCT FROM d.usage_identifier
    AND u.collector_fields_id IS NOT DISTINCT FROM d.collector_fields_id
"""

_OF_PREPAID = {
    "rate_override": "NULL",
    "cost_override": "NULL",
    "prepaid_by_id": "d.prepaid_id",
    "country_code_map_id": "NULL",
}

_REFILL_COLUMNS = {
    **COLUMNS,
    **_OF_PREPAID,
    "product_id": "q.product_id",
    "account_product_id": "q.account_product_id",
    "rate_date": "d.day",
    "rated_amount": rounded("c.cost", "q"),
    "origination_country_code_id": "NULL",
    "destination_country_code_id": "NULL",
    "signature": "NULL",
    "prepaid_quantity": "d.units",
    "process_description": "'Refill'",
}

_REFILLS = f"""
INSERT INTO mediation_activity ({", ".join(_REFILL_COLUMNS)})
SELECT {", ".join(_REFILL_COLUMNS.values())}
FROM rating_drawn d
CROSS JOIN LATERAL generate_series(1, d.refills) number
JOIN mediation_usage u ON {_SAME}
JOIN rating_quote q ON q.id = d.refill_id
JOIN rating_refill r ON r.quote_id = d.refill_id
CROSS JOIN LATERAL (SELECT r.*, q.source, q.source_id) c
ORDER BY d.prepaid_id, u.activity_date, u.line, number
"""  # noqa: S608 - constants only


def _covered(custom: Mapping[str, str]) -> str:
    """The lines of what is covered: of all of a record, or of a part that is told by itself.

    Where what exceeds waits in suspense, the record comes again, so that what is covered now must
    not be taken for the same.
    """
    columns = {
        **COLUMNS,
        **_OF_PREPAID,
        "split_from_bill_act_id": "d.first_id",
        "rate_date": "d.day",
        "quantity": "d.covered",
        "signature": "CASE WHEN u.cause IS NULL THEN u.signature END",
        "prepaid_quantity": "d.covered",
        **custom,
    }
    return f"""
INSERT INTO mediation_activity ({", ".join(columns)})
SELECT {", ".join(columns.values())}
FROM rating_drawn d
JOIN mediation_usage u ON {_SAME}
JOIN rating_quote q
  ON q.account_id = u.account_id AND q.product_id = u.product_id
 AND q.own_key = coalesce(u.account_product_id, 0) AND q.fed
CROSS JOIN LATERAL (
    SELECT 0::numeric AS rate, 0::numeric AS cost, 'Prepaid' AS source, d.prepaid_id AS source_id,
           NULL::bigint AS pricing_id, NULL::numeric AS upper_band, false AS averaged,
           false AS raised
) c
WHERE d.separate OR u.cause IS NOT NULL
"""  # noqa: S608 - constants, and columns as they are quoted


# What exceeds and can't be priced waits by itself.
_LEAVE = f"""
UPDATE mediation_usage u
SET quantity = d.excess,
    reason = format('%%s %%s units of the record were covered by the prepaid usage of account '
                    'product %%s.', u.reason, trim_scale(d.covered), d.prepaid_id)
FROM rating_drawn d
WHERE {_SAME} AND u.cause IS NOT NULL
"""  # noqa: S608 - constants only

# What prepaid usage covers goes no further; of what it covers in part, what exceeds is priced.
_TAKEN = "DELETE FROM rating_line l USING rating_drawn d WHERE d.place = l.place AND d.excess = 0"
_LEFT = """
UPDATE rating_line l
SET quantity = d.excess, covered = CASE WHEN NOT d.separate THEN d.covered END,
    prepaid_id = CASE WHEN NOT d.separate THEN d.prepaid_id END
FROM rating_drawn d WHERE d.place = l.place
"""

FIRST = """
UPDATE rating_drawn d
SET first_id = parts.id
FROM (
    SELECT l.place, min(c.activity_id) AS id
    FROM rating_charge c JOIN rating_line l ON l.id = c.id
    WHERE c.whole GROUP BY l.place
) parts
WHERE parts.place = d.place AND d.separate
"""


def link(cursor: Any, given: Mapping[str, Any]) -> bool:
    """Find out what of the shard draws on prepaid usage; False if nothing does."""
    cursor.execute(LINKS, given)
    if cursor.rowcount:
        return True
    cursor.execute("DROP TABLE rating_link")
    return False


def draw(cursor: Any, given: Mapping[str, Any], *, careful: bool = False) -> None:
    """Have each record draw what it can; what prepaid usage can't be told of gets its cause, and
    `careful`, what is too large to be written."""
    cursor.execute(_SLOW)
    cursor.execute(_CHARGES)
    if careful:
        cursor.execute(_TOO_LARGE, given)
        cursor.execute(_FORGET)
    cursor.execute("ANALYZE rating_link; ANALYZE rating_refill")
    for statement in (_REFUSE, _OPEN, _BALANCES, _DRAW):
        cursor.execute(statement, given)
    cursor.execute("ANALYZE rating_drawn")


def take(cursor: Any) -> None:
    """Take what is covered out of the lines that go the long way."""
    cursor.execute(_TAKEN)
    cursor.execute(_LEFT)


def write(cursor: Any, given: Mapping[str, Any], custom: Mapping[str, str]) -> list[Charged]:
    """Write the refills and what is covered, once all else is written; gives what they come to."""
    lines: list[Charged] = []
    for insert in (_REFILLS, _covered(custom)):
        cursor.execute(counted(insert), given)
        lines += cursor.fetchall()
    cursor.execute(_LEAVE, given)
    cursor.execute(_GROW, given)
    cursor.execute("DROP TABLE rating_link, rating_refill, rating_balance, rating_drawn")
    return lines
