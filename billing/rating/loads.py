"""Usage in flight becomes lines: priced, added up, rounded and written, a shard at a time.

All of it is one transaction, which also notes that the shard is rated: killed at any line, it
leaves nothing, and run again it does nothing. What can't be priced stays in flight with its cause.

The price book and the periods are worked out for what the shard asks, not for each line: a million
lines of twenty thousand account products ask twenty thousand questions.
"""

from typing import Any

from django.db import connection, transaction

from billing.mediation.partitions import ensure_months_of
from billing.rating.asking import ASKED, rounded
from billing.rating.book import BOOK
from billing.rating.charges import CHARGES, FACTS, blocks, bounded
from billing.rating.telling import OF_PRICE, no_band, no_price
from metabrm import clock

KEYS = f"""
CREATE TEMP TABLE rating_key ON COMMIT DROP AS
WITH RECURSIVE used AS MATERIALIZED (
    SELECT row_number() OVER () AS key, *, NULL::bigint AS package_product_id, NULL::date AS day
    FROM (
        SELECT account_id, product_id, account_product_id,
               min(activity_date) AS first_at, max(activity_date) AS last_at
        FROM mediation_usage
        WHERE load_id = %(load)s AND shard = %(shard)s AND cause IS NULL
        GROUP BY account_id, product_id, account_product_id
    ) distinct_
), {ASKED}
SELECT asked.*, min(asked.profile_id) OVER (PARTITION BY p.billing_cycle, p.monthly_billing_date,
           p.weekly_billing_date, p.quarterly_billing_month, p.semi_annual_billing_month,
           p.yearly_billing_month, p.ini_billing_start_date) AS calendar_id
FROM asked LEFT JOIN customers_billingprofile p ON p.id = asked.profile_id
"""  # noqa: S608 - constants only

# What lines point to stays until they are written: their table holds nothing fast by itself.
HELD = (
    ("customers_account", "account_id"),
    ("customers_accountproduct", "account_product_id"),
    ("catalog_product", "product_id"),
)
HOLD = """
SELECT FROM {table} WHERE id IN (SELECT {column} FROM rating_key) ORDER BY id FOR KEY SHARE
"""

TABLES = """
CREATE TEMP TABLE rating_book (
    key bigint, from_day date, until_day date, source text, source_id bigint,
    rating_method_id bigint, contract_id bigint, override numeric, version_id bigint
) ON COMMIT DROP;
CREATE TEMP TABLE rating_band (
    version_id bigint, pricing_id bigint, rate_order int, upper_band numeric,
    above_quantity numeric, to_quantity numeric, rate numeric, flat_fee numeric,
    fee_per_charge numeric, min_charge numeric, max_charge numeric,
    block_size numeric, included_quantity numeric, included_charges int
) ON COMMIT DROP
"""

FILL = f"""
WITH RECURSIVE asked AS MATERIALIZED (SELECT * FROM rating_key), {BOOK}, kept AS (
    INSERT INTO rating_book
    SELECT key, from_day, until_day, source, source_id, rating_method_id, contract_id, override,
           version_id
    FROM book
    RETURNING version_id
)
INSERT INTO rating_band
SELECT version_id, pricing_id, rate_order, upper_band, above_quantity, to_quantity, rate, flat_fee,
       fee_per_charge, min_charge, max_charge, block_size, included_quantity,
       included_charges
FROM band WHERE version_id IN (SELECT version_id FROM kept)
"""  # noqa: S608 - constants only

# All that a line needs to know of its price, one row per question and run of days. `simple` prices
# have one band and add nothing up: their lines cost one look, the others go the long way.
QUOTES = f"""
CREATE TEMP TABLE rating_quote ON COMMIT DROP AS
WITH book AS (SELECT * FROM rating_book), {FACTS}
SELECT row_number() OVER () AS id, k.account_id, k.product_id, k.account_product_id,
       coalesce(k.account_product_id, 0) AS own_key, k.package_product_id, k.account_package_id,
       k.zone, k.currency_code, k.calendar_id,
       k.places, k.rounding,
       b.from_day, b.until_day, b.source, b.source_id, b.rating_method_id, b.contract_id,
       b.version_id,
       coalesce(method.allow_international_pricing, false) AS international,
       coalesce(method.obligatory_intl_rate, false) AS obligatory,
       coalesce(m.tiered OR bands.included, false) AS adds_up,
       false AS fed,
       bands.number = 1 AND one.above_quantity = 0 AND one.to_quantity IS NULL
       AND NOT coalesce(m.tiered, false) AND NOT bands.included
       AND NOT coalesce(method.allow_international_pricing, false) OR b.override IS NOT NULL
       AS simple,
       coalesce(b.override, CASE WHEN m.flat THEN 0 WHEN m.percentage THEN one.rate * 0.01
                                 ELSE one.rate END) AS per_unit,
       coalesce(one.flat_fee, 0) + CASE WHEN m.flat THEN one.rate ELSE 0 END AS flat_fee,
       coalesce(one.fee_per_charge, 0) AS fee_per_charge,
       coalesce(b.override, one.rate) AS rate, one.pricing_id, one.upper_band, one.block_size,
       one.min_charge, one.max_charge,
       coalesce(method.aggregation_level, 'Product') AS level,
       CASE method.aggregation_level
            WHEN 'Package'
            THEN coalesce(k.account_package_id, k.account_product_id, k.account_id)
            WHEN 'Account' THEN k.account_id
            WHEN 'Invoice' THEN coalesce(k.payer_id, k.account_id)
            ELSE coalesce(k.account_product_id, k.account_id) END AS scope_id,
       CASE WHEN method.aggregation_level = 'Package' THEN NULL ELSE k.product_id END
       AS summed_product_id,
       method.accum_flag, method.accum_reset_period,
       coalesce(method.accum_start_date, '2000-01-01') AS accum_start_date
FROM rating_book b
JOIN rating_key k ON k.key = b.key
LEFT JOIN (
    SELECT version_id, count(*) AS number,
           bool_or(coalesce(included_quantity, 0) > 0 OR coalesce(included_charges, 0) > 0)
           AS included
    FROM rating_band GROUP BY version_id
) bands ON bands.version_id = b.version_id
LEFT JOIN rating_band one
  ON one.version_id = b.version_id AND one.rate_order = 1
LEFT JOIN facts m ON m.id = b.rating_method_id
LEFT JOIN catalog_ratingmethod method ON method.id = b.rating_method_id
"""  # noqa: S608 - constants only

# Usage whose feed sets the price asks no book.
FED = """
INSERT INTO rating_quote (account_id, product_id, account_product_id, own_key, package_product_id,
    account_package_id, zone, currency_code, places, rounding, from_day, until_day, fed, simple)
SELECT account_id, product_id, account_product_id, coalesce(account_product_id, 0),
       package_product_id, account_package_id, zone, currency_code, places, rounding, '-infinity',
       'infinity', true, true
FROM rating_key
"""

# Usage with its quote and the day, in the days of the account, whose price counts.
_QUOTED = """
    FROM mediation_usage u
    JOIN rating_quote q
      ON q.account_id = u.account_id AND q.product_id = u.product_id
     AND q.own_key = coalesce(u.account_product_id, 0)
    CROSS JOIN LATERAL (SELECT (u.activity_date AT TIME ZONE q.zone)::date AS day) local
"""
_TO_RATE = """
    WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.cause IS NULL
      AND q.fed = (u.override_rate IS NOT NULL OR u.override_cost IS NOT NULL)
      AND q.from_day <= local.day AND q.until_day > local.day
"""


# The columns of a line and what they are filled with, from usage `u`, its quote `q` and what it
# came to: `c` with rate, cost, quantity and, for lines that took the long way, their parts.
_COLUMNS = {
    **OF_PRICE,
    "account_id": "u.account_id",
    "activity_date": "u.activity_date",
    "product_id": "u.product_id",
    "account_product_id": "u.account_product_id",
    "account_package_id": "q.account_package_id",
    "package_product_id": "q.package_product_id",
    "quantity": "c.quantity",
    "rate": "c.rate",
    "rated_amount": rounded("c.cost", "q"),
    "rate_override": "u.override_rate",
    "cost_override": "u.override_cost",
    "cost_unrounded": "c.cost",
    "currency_code": "q.currency_code",
    "rate_date": "local.day",
    "rating_method_id": "q.rating_method_id",
    "contract_id": "q.contract_id",
    "origination_country_code_id": "u.origin_id",
    "destination_country_code_id": "u.destination_id",
    "country_code_map_id": "c.route_id",
    "activity_collector_id": "u.collector_id",
    "collector_stage_id": "u.collector_fields_id",
    "billing_identifier_id": "u.billing_identifier_id",
    "activity_collector_history_id": "u.load_id",
    "line_number": "u.line",
    "signature": "u.signature",
}

# Lines that one look prices: the same as `CHARGES` for a price of one band that adds nothing up.
SIMPLE = f"""
INSERT INTO mediation_activity ({", ".join(_COLUMNS)})
SELECT {", ".join(_COLUMNS.values())}
{_QUOTED}
    CROSS JOIN LATERAL (
        SELECT q.per_unit * ({blocks("u.quantity", "q")})
               + CASE WHEN u.quantity > 0 THEN q.flat_fee ELSE 0 END
               + CASE WHEN u.quantity >= 0 THEN q.fee_per_charge ELSE 0 END AS asked
    ) price
    CROSS JOIN LATERAL (
        SELECT u.quantity, coalesce(u.override_rate, q.rate) AS rate,
               round(coalesce(
                   u.override_cost, u.override_rate * u.quantity, {bounded("price.asked", "q")}
               ), 10) AS cost,
               coalesce(abs(price.asked) < q.min_charge, false) AS raised,
               CASE WHEN q.fed THEN 'Usage' ELSE q.source END AS source, q.source_id,
               q.pricing_id, q.upper_band, false AS averaged, NULL::bigint AS route_id
    ) c
{_TO_RATE}
      AND q.simple
"""

# The lines that take the long way.
LINES = f"""
CREATE TEMP TABLE rating_line ON COMMIT DROP AS
SELECT row_number() OVER () AS id, u.ctid AS place, q.id AS quote_id, local.day, u.quantity,
       u.activity_date, u.line, q.adds_up, q.international, q.version_id, u.origin_id,
       u.destination_id, u.charge_type
{_QUOTED}
{_TO_RATE}
      AND NOT q.simple
"""

# The rates between two locations: of those that COUNTRY_CODE_MAP has for the price, the one whose
# destination, then whose origin, is nearest: the location itself, a wider area, anywhere.
ROUTES = """
CREATE TEMP TABLE rating_route ON COMMIT DROP AS
WITH RECURSIVE asked AS (
    SELECT DISTINCT version_id, origin_id, destination_id, charge_type
    FROM rating_line WHERE international
), around AS (
    SELECT id AS of_id, id, 0 AS steps, parent_country_code_id
    FROM catalog_countrycode
    WHERE id IN (SELECT origin_id FROM asked UNION SELECT destination_id FROM asked)
    UNION ALL
    SELECT around.of_id, wider.id, around.steps + 1, wider.parent_country_code_id
    FROM around JOIN catalog_countrycode wider ON wider.id = around.parent_country_code_id
    WHERE around.steps < 20
)
SELECT DISTINCT ON (asked.version_id, asked.origin_id, asked.destination_id, asked.charge_type)
       asked.*, map.id AS route_id, map.rate
FROM asked
JOIN rating_band band ON band.version_id = asked.version_id
JOIN catalog_countrycodemap map ON map.pricing_id = band.pricing_id
LEFT JOIN around origin
  ON origin.of_id = asked.origin_id AND origin.id = map.origination_country_code_id
LEFT JOIN around destination
  ON destination.of_id = asked.destination_id AND destination.id = map.destination_country_code_id
WHERE map.deleted_at IS NULL AND map.rate IS NOT NULL
  AND (map.origination_country_code_id IS NULL OR origin.id IS NOT NULL)
  AND (map.destination_country_code_id IS NULL OR destination.id IS NOT NULL)
  AND (map.charge_type IS NULL OR map.charge_type = asked.charge_type)
ORDER BY asked.version_id, asked.origin_id, asked.destination_id, asked.charge_type,
         destination.steps NULLS LAST, origin.steps NULLS LAST, map.charge_type NULLS LAST, map.id
"""

ROUTED = """
CREATE TEMP TABLE rating_routed ON COMMIT DROP AS
SELECT l.id, r.route_id, r.rate
FROM rating_line l
JOIN rating_route r
  ON r.version_id = l.version_id
 AND coalesce(r.origin_id, 0) = coalesce(l.origin_id, 0)
 AND coalesce(r.destination_id, 0) = coalesce(l.destination_id, 0)
 AND coalesce(r.charge_type, '') = coalesce(l.charge_type, '')
WHERE l.international
"""

# For lines that are added up: the period they fall in, by the calendar of whoever pays or the
# rating method's own reset.
PERIODS = """
CREATE TEMP TABLE rating_period ON COMMIT DROP AS
SELECT distinct_.*,
       CASE WHEN accum_flag AND accum_reset_period IS NULL THEN NULL
            WHEN accum_flag THEN rating_cycle_begin(accum_reset_period, accum_start_date, day)
            WHEN calendar_id IS NULL THEN rating_cycle_begin('MONTHLY', '2000-01-01', day)
            ELSE (SELECT rating_billing_begin(p, day) FROM customers_billingprofile p
                  WHERE p.id = calendar_id) END AS begin
FROM (
    SELECT DISTINCT q.accum_flag, q.accum_reset_period, q.accum_start_date, q.calendar_id, l.day
    FROM rating_line l JOIN rating_quote q ON q.id = l.quote_id WHERE l.adds_up
) distinct_
"""

# The group a line is added up in, and the sums as they stand, locked until they have grown.
GROUPS = """
CREATE TEMP TABLE rating_group ON COMMIT DROP AS
SELECT l.id, q.level, q.scope_id, q.summed_product_id, q.rating_method_id,
       nullif(p.begin, '-infinity') AS period_begin, l.quantity, l.activity_date, l.line
FROM rating_line l
JOIN rating_quote q ON q.id = l.quote_id
JOIN rating_period p
  ON p.accum_flag IS NOT DISTINCT FROM q.accum_flag
 AND p.accum_reset_period IS NOT DISTINCT FROM q.accum_reset_period
 AND p.accum_start_date = q.accum_start_date
 AND coalesce(p.calendar_id, 0) = coalesce(q.calendar_id, 0) AND p.day = l.day
WHERE l.adds_up
"""

OPEN_SUMS = """
INSERT INTO rating_accumulatorvalue
    (level, scope_id, product_id, rating_method_id, period_begin, quantity, charges, updated)
SELECT DISTINCT level, scope_id, summed_product_id, rating_method_id, period_begin, 0, 0, %(now)s
FROM rating_group
ORDER BY 2, 1, 3, 4, 5
ON CONFLICT (scope_id, level, product_id, rating_method_id, period_begin) DO NOTHING
"""

SUMS = """
CREATE TEMP TABLE rating_sum ON COMMIT DROP AS
SELECT s.id, s.level, s.scope_id, s.product_id, s.rating_method_id, s.period_begin, s.quantity,
       s.charges
FROM rating_accumulatorvalue s
WHERE EXISTS (
    SELECT FROM rating_group g
    WHERE g.scope_id = s.scope_id AND g.level = s.level
      AND coalesce(g.summed_product_id, 0) = coalesce(s.product_id, 0)
      AND coalesce(g.rating_method_id, 0) = coalesce(s.rating_method_id, 0)
      AND coalesce(g.period_begin, '-infinity') = coalesce(s.period_begin, '-infinity'))
ORDER BY s.id FOR UPDATE
"""

# Where each line stands in its sum, in the order in which the usage happened.
STANDING = """
CREATE TEMP TABLE rating_standing ON COMMIT DROP AS
SELECT g.id, s.id AS sum_id, g.quantity,
       s.quantity + sum(g.quantity) OVER so_far - g.quantity AS before,
       s.quantity + sum(g.quantity) OVER (PARTITION BY s.id) AS reached,
       s.charges + row_number() OVER so_far AS nth
FROM rating_group g
JOIN rating_sum s
  ON s.scope_id = g.scope_id AND s.level = g.level
 AND coalesce(s.product_id, 0) = coalesce(g.summed_product_id, 0)
 AND coalesce(s.rating_method_id, 0) = coalesce(g.rating_method_id, 0)
 AND coalesce(s.period_begin, '-infinity') = coalesce(g.period_begin, '-infinity')
WINDOW so_far AS (PARTITION BY s.id ORDER BY g.activity_date, g.line, g.id)
"""

GROW = """
UPDATE rating_accumulatorvalue s
SET quantity = s.quantity + added.quantity, charges = s.charges + added.charges, updated = %(now)s
FROM (SELECT sum_id, sum(quantity) AS quantity, count(*) AS charges FROM rating_standing GROUP BY 1)
     added
WHERE added.sum_id = s.id
"""

_LONG = {
    "accumulator_value_id": "standing.sum_id",
    "tiered_group": "standing.sum_id::text",
}

WANTED = f"""
WITH {FACTS.replace("book", "rating_quote")}, band AS (SELECT * FROM rating_band), wanted AS (
    SELECT l.id, q.version_id, r.rate AS override, q.rating_method_id, l.quantity,
           1::numeric AS factor,
           true AS usage, coalesce(s.before, 0) AS before,
           coalesce(s.reached, l.quantity) AS reached, coalesce(s.nth, 1) AS nth
    FROM rating_line l
    JOIN rating_quote q ON q.id = l.quote_id
    LEFT JOIN rating_standing s ON s.id = l.id
    LEFT JOIN rating_routed r ON r.id = l.id
    WHERE r.rate IS NOT NULL OR NOT (l.international AND q.obligatory)
), {CHARGES}
"""  # noqa: S608 - constants only

CHARGED = f"""
CREATE TEMP TABLE rating_charge ON COMMIT DROP AS
{WANTED}
SELECT nextval('mediation_activity_id_seq') AS activity_id, ordered.*
FROM (
    SELECT line.id, charge.split_order,
           CASE WHEN charge.split_order IS NULL THEN line.quantity ELSE charge.units END
           AS quantity,
           charge.rate, charge.cost, charge.raised, charge.averaged, charge.pricing_id,
           charge.upper_band,
           sum(charge.units) OVER (PARTITION BY line.id)
           IS NOT DISTINCT FROM line.after - line.before AS whole
    FROM line LEFT JOIN charge ON charge.id = line.id
    ORDER BY line.id, charge.split_order
) ordered
"""  # noqa: S608 - constants only

LONG = f"""
INSERT INTO mediation_activity (id, {", ".join([*_COLUMNS, *_LONG])}, split_from_bill_act_id)
SELECT c.activity_id, {", ".join([*_COLUMNS.values(), *_LONG.values()])},
       CASE WHEN c.split_order > c.first_order THEN c.first_id END
FROM (
    SELECT *, first_value(activity_id) OVER parts AS first_id,
           first_value(split_order) OVER parts AS first_order
    FROM rating_charge WHERE whole
    WINDOW parts AS (PARTITION BY id ORDER BY split_order)
) charged
JOIN rating_line local ON local.id = charged.id
JOIN rating_quote q ON q.id = local.quote_id
JOIN mediation_usage u ON u.ctid = local.place
LEFT JOIN rating_standing standing ON standing.id = local.id
LEFT JOIN rating_routed routed ON routed.id = local.id
CROSS JOIN LATERAL (SELECT charged.*, q.source, q.source_id, routed.route_id) c
"""  # noqa: S608 - constants only

NO_BAND = f"""
UPDATE mediation_usage u
SET cause = 'NO_BAND',
    reason = {no_band("q", "u.product_id", "u.quantity")}
FROM (SELECT DISTINCT id FROM rating_charge WHERE NOT whole) short
JOIN rating_line l ON l.id = short.id
JOIN rating_quote q ON q.id = l.quote_id
WHERE u.ctid = l.place
"""  # noqa: S608 - constants only

NO_ROUTE = """
UPDATE mediation_usage u
SET cause = 'NO_ROUTE',
    reason = format('The price of %%s %%s for product %%s has no rate from %%s to %%s, and its '
                    'rating method wants one.', q.source, q.source_id, u.product_id,
                    coalesce('location ' || u.origin_id, 'nowhere'),
                    coalesce('location ' || u.destination_id, 'nowhere'))
FROM rating_line l
JOIN rating_quote q ON q.id = l.quote_id
WHERE u.ctid = l.place AND l.international AND q.obligatory
  AND NOT EXISTS (SELECT FROM rating_routed r WHERE r.id = l.id)
"""

NO_PRICE = f"""
UPDATE mediation_usage u
SET cause = 'NO_PRICE',
    reason = CASE WHEN lacking.day IS NULL
                  THEN format('There is no price of product %%s for account %%s; one of them is '
                              'deleted.', u.product_id, u.account_id)
                  ELSE {
    no_price("u.product_id", "u.account_id", "lacking.currency_code", "lacking.day")
} END
FROM (
    SELECT o.ctid AS place, k.currency_code, local.day
    FROM mediation_usage o
    LEFT JOIN rating_key k
      ON k.account_id = o.account_id AND k.product_id = o.product_id
     AND coalesce(k.account_product_id, 0) = coalesce(o.account_product_id, 0)
    CROSS JOIN LATERAL (SELECT (o.activity_date AT TIME ZONE k.zone)::date AS day) local
    LEFT JOIN rating_quote q
      ON q.account_id = o.account_id AND q.product_id = o.product_id
     AND q.own_key = coalesce(o.account_product_id, 0)
     AND q.fed = (o.override_rate IS NOT NULL OR o.override_cost IS NOT NULL)
     AND q.from_day <= local.day AND q.until_day > local.day
    WHERE o.load_id = %(load)s AND o.shard = %(shard)s AND o.cause IS NULL AND q.account_id IS NULL
) lacking
WHERE u.ctid = lacking.place
"""  # noqa: S608 - constants only

MONTHS = """
SELECT (date_trunc('month', activity_date AT TIME ZONE 'UTC'))::date, count(*)
FROM mediation_usage
WHERE load_id = %(load)s AND shard = %(shard)s AND cause IS NULL
GROUP BY 1
"""

# The shard is rated from here on, if the transaction holds.
DONE = """
UPDATE mediation_loadshard SET rated = true
WHERE load_id = %(load)s AND shard = %(shard)s AND NOT rated
"""


def rate(load_id: int, shard: int) -> int:
    """Write the lines of a shard's usage; gives how many. 0 if that was done before.

    What has no price keeps its place in flight with cause and reason.
    """
    given: dict[str, Any] = {"load": load_id, "shard": shard, "now": clock.now()}
    to_rate = _make_months(given)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DONE, given)
        if not cursor.rowcount:
            return 0
        # The planner guesses the sizes of what is made here; loops over its guesses take hours.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(KEYS, given)
        for table, column in HELD:
            cursor.execute(HOLD.format(table=table, column=column))
        cursor.execute(TABLES)
        cursor.execute(FILL)
        cursor.execute(QUOTES)
        cursor.execute(FED)
        cursor.execute("ANALYZE rating_key; ANALYZE rating_quote; ANALYZE rating_band")
        cursor.execute(SIMPLE, given)
        written = cursor.rowcount
        cursor.execute(LINES, given)
        others: int = cursor.rowcount
        if written + others < to_rate:
            cursor.execute(NO_PRICE, given)
        if others:
            written += _long_way(cursor, given)
        cursor.execute("DROP TABLE rating_key, rating_book, rating_band, rating_quote, rating_line")
    return written


def _make_months(given: dict[str, Any]) -> int:
    """Have the months that the shard's lines go to; gives how much usage it is."""
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, given)
        months = dict(cursor.fetchall())
    ensure_months_of(months)
    return sum(months.values())


def _long_way(cursor: Any, given: dict[str, Any]) -> int:
    """Add up, price and write the lines that one look does not price; gives how many."""
    cursor.execute("ANALYZE rating_line")
    for statement in (ROUTES, ROUTED, PERIODS, GROUPS, OPEN_SUMS, SUMS, STANDING):
        cursor.execute(statement, given)
    cursor.execute("ANALYZE rating_standing")
    cursor.execute(CHARGED)
    cursor.execute(LONG, given)
    written: int = cursor.rowcount
    cursor.execute(NO_BAND, given)
    cursor.execute(NO_ROUTE, given)
    cursor.execute(GROW, given)
    cursor.execute(
        "DROP TABLE rating_route, rating_routed, rating_period, rating_group, rating_sum, "
        "rating_standing, rating_charge"
    )
    return written
