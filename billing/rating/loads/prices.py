"""The prices that a shard of usage asks for, one row per question and run of days.

The price book and the periods are worked out for what the shard asks, not for each line: a million
lines of twenty thousand account products ask twenty thousand questions.
"""

from dataclasses import dataclass
from typing import Any

from billing.rating.asking import ASKED
from billing.rating.book import BOOK
from billing.rating.charges import FACTS

USED = """
CREATE TEMP TABLE rating_used ON COMMIT DROP AS
SELECT row_number() OVER () AS key, *, NULL::bigint AS package_product_id, NULL::date AS day
FROM (
    SELECT account_id, product_id, account_product_id,
           min(activity_date) AS first_at, max(activity_date) AS last_at, count(*) AS lines,
           bool_or(override_rate IS NOT NULL OR override_cost IS NOT NULL) AS fed,
           bool_or(extra IS NOT NULL) AS custom, bool_or(usage_identifier IS NOT NULL) AS labelled
    FROM mediation_usage
    WHERE load_id = %(load)s AND shard = %(shard)s AND cause IS NULL
    GROUP BY account_id, product_id, account_product_id
) distinct_
"""
ASKING = """
SELECT coalesce(sum(lines), 0)::bigint, coalesce(bool_or(fed), false),
       coalesce(bool_or(custom), false), coalesce(bool_or(labelled), false)
FROM rating_used
"""

# The prepaid products that the shard draws on: their prices since they began. One that the shard
# also has usage of is asked about once, or that would be charged twice.
LINKED = """
WITH paid AS (
    SELECT account_id, product_id, prepaid_id, min(from_day - 1)::timestamptz AS first_at,
           max(last_at) + interval '1 day' AS last_at
    FROM rating_link GROUP BY account_id, product_id, prepaid_id
), known AS (
    UPDATE rating_used u
    SET first_at = least(u.first_at, paid.first_at), last_at = greatest(u.last_at, paid.last_at)
    FROM paid WHERE u.account_product_id = paid.prepaid_id
    RETURNING u.account_product_id
)
INSERT INTO rating_used (key, account_id, product_id, account_product_id, first_at, last_at)
SELECT (SELECT max(key) FROM rating_used) + row_number() OVER (), *
FROM paid WHERE prepaid_id NOT IN (SELECT account_product_id FROM known)
"""

KEYS = f"""
CREATE TEMP TABLE rating_key ON COMMIT DROP AS
WITH RECURSIVE used AS MATERIALIZED (SELECT * FROM rating_used), {ASKED}
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
       b.version_id, CASE WHEN method.formula_flag THEN method.formula_value END AS formula,
       b.override, coalesce(one.included_quantity, 0) AS included,
       coalesce(method.split_usage, false) AS splits,
       -- A rate that replaces the bands replaces rates between locations, too.
       coalesce(method.allow_international_pricing, false) AND b.override IS NULL AS international,
       coalesce(method.obligatory_intl_rate, false) AS obligatory,
       coalesce(method.non_billable_flag, false) OR %(unbilled)s AS non_billable,
       coalesce(m.tiered OR bands.included AND NOT m.prepaid, false) AND b.override IS NULL
       AS adds_up,
       -- The days are those of one account product, so the sum has to be its own.
       coalesce(method.prorate_band, false) AND k.account_product_id IS NOT NULL
       AND coalesce(method.aggregation_level, 'Product') = 'Product' AS shrinks,
       false AS fed,
       NOT coalesce(method.formula_flag, false) AND (
           bands.number = 1 AND one.above_quantity = 0 AND one.to_quantity IS NULL
           AND NOT coalesce(m.tiered, false) AND NOT bands.included
           AND NOT coalesce(method.allow_international_pricing, false) OR b.override IS NOT NULL
       ) AS simple,
       CASE WHEN m.flat THEN 0 ELSE coalesce(b.override, one.rate) END
       * CASE WHEN m.percentage THEN 0.01 ELSE 1 END AS per_unit,
       coalesce(one.flat_fee, 0)
       + CASE WHEN m.flat THEN coalesce(b.override, one.rate) ELSE 0 END AS flat_fee,
       coalesce(one.fee_per_charge, 0) AS fee_per_charge,
       m.flat IS NOT TRUE AND coalesce(one.flat_fee, 0) = 0 AND coalesce(one.fee_per_charge, 0) = 0
       AND one.block_size IS NULL AS plain,
       coalesce(b.override, one.rate) AS rate, one.pricing_id, one.upper_band, one.block_size,
       CASE WHEN m.by_period IS NOT TRUE THEN one.min_charge END AS min_charge,
       CASE WHEN m.by_period IS NOT TRUE THEN one.max_charge END AS max_charge,
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
    account_package_id, zone, currency_code, places, rounding, from_day, until_day, fed, simple,
    non_billable)
SELECT k.account_id, k.product_id, k.account_product_id, coalesce(k.account_product_id, 0),
       k.package_product_id, k.account_package_id, k.zone, k.currency_code, k.places, k.rounding,
       '-infinity', 'infinity', true, true,
       coalesce(method.non_billable_flag, false) OR %(unbilled)s
FROM rating_key k
LEFT JOIN customers_accountproduct own ON own.id = k.account_product_id
LEFT JOIN catalog_packageproduct place ON place.id = k.package_product_id
LEFT JOIN catalog_product product ON product.id = k.product_id
LEFT JOIN catalog_ratingmethod method
  ON method.id = coalesce(own.rating_method_id, place.rating_method_id, product.rating_method_id)
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """How much usage asks for a price, whether any brings its own, or custom fields, or raises a
    label."""

    lines: int
    fed: bool
    custom: bool
    labelled: bool


def look(cursor: Any, given: dict[str, Any]) -> Asking:
    """Make the table of the shard's questions, as far as its usage tells; what it comes to."""
    cursor.execute(USED, given)
    cursor.execute(ASKING)
    return Asking(*cursor.fetchone())


def find(cursor: Any, given: dict[str, Any], *, rated: bool, fed: bool, linked: bool) -> None:
    """Make the tables of the shard's questions, quotes and bands; hold what its lines point to.

    `rated`: the price book is asked; `fed`: usage brings prices of its own; `linked`: usage draws
    on prepaid usage.
    """
    if linked:
        cursor.execute(LINKED)
    cursor.execute(KEYS)
    for table, column in HELD:
        cursor.execute(HOLD.format(table=table, column=column))
    cursor.execute(TABLES)
    if rated:
        cursor.execute(FILL)
    cursor.execute(QUOTES, given)
    if fed or linked or not rated:
        cursor.execute(FED, given)
    cursor.execute("ANALYZE rating_key; ANALYZE rating_quote; ANALYZE rating_band")
