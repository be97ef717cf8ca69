"""The columns of a line, and the lines that one look at their price prices."""

from collections.abc import Mapping

from billing.rating.asking import rounded
from billing.rating.charges import blocks, bounded
from billing.rating.telling import MOST, OF_PRICE, TOO_LARGE_FOR_A_LINE, no_price

# Usage with its quote and the day, in the days of the account, whose price counts.
QUOTED = """
    FROM mediation_usage u
    JOIN rating_quote q
      ON q.account_id = u.account_id AND q.product_id = u.product_id
     AND q.own_key = coalesce(u.account_product_id, 0)
    CROSS JOIN LATERAL (
        -- The session is of UTC, so that the zone of most need not be looked up for each line.
        SELECT CASE WHEN q.zone = 'UTC' THEN u.activity_date::date
                    ELSE (u.activity_date AT TIME ZONE q.zone)::date END AS day
    ) local
"""

OF_SHARD = "WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.cause IS NULL"
TO_RATE = f"""
    {OF_SHARD}
      AND q.fed = (u.override_rate IS NOT NULL OR u.override_cost IS NOT NULL)
      AND q.from_day <= local.day AND q.until_day > local.day
"""

# The columns of a line and what they are filled with, from usage `u`, its quote `q` and what it
# came to: `c` with rate, cost, quantity and, for lines that took the long way, their parts.
COLUMNS = {
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
    "non_billable_flag": "q.non_billable",
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

_PRICED = f"""
{QUOTED}
    CROSS JOIN LATERAL (
        -- It is reckoned as often as it is named below, so what most prices have not is left out.
        SELECT CASE WHEN q.plain THEN q.per_unit * u.quantity
                    ELSE q.per_unit * ({blocks("u.quantity", "q")})
                         + CASE WHEN u.quantity > 0 THEN q.flat_fee ELSE 0 END
                         + CASE WHEN u.quantity >= 0 THEN q.fee_per_charge ELSE 0 END
               END AS asked
    ) price
    CROSS JOIN LATERAL (
        SELECT u.quantity, coalesce(u.override_rate, q.rate) AS rate,
               round(coalesce(
                   u.override_cost, u.override_rate * u.quantity, {bounded("price.asked", "q")}
               ), 10) AS cost,
               q.min_charge IS NOT NULL AND coalesce(abs(price.asked) < q.min_charge, false)
               AS raised,
               CASE WHEN q.fed THEN 'Usage' ELSE q.source END AS source, q.source_id,
               q.pricing_id, q.upper_band, false AS averaged, NULL::bigint AS route_id
    ) c
"""

TOO_LARGE = f"""
UPDATE mediation_usage u
SET cause = 'TOO_LARGE', reason = {TOO_LARGE_FOR_A_LINE}
FROM (
    SELECT u.ctid AS place
    {_PRICED}
    {TO_RATE} AND q.simple AND (abs(c.cost) >= {MOST} OR abs(c.quantity) >= {MOST})
) large
WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.ctid = large.place
"""  # noqa: S608 - constants only

# Of a collector that does not rate: what the feed brings no amount for has none yet.
_UNRATED = {
    "process_status": "CASE WHEN c.cost IS NULL THEN 'UNRATED' END",
    "rate_source": "CASE WHEN c.cost IS NOT NULL THEN c.source END",
    "rating_date": "CASE WHEN c.cost IS NOT NULL THEN %(now)s::timestamptz END",
}


def simple(custom: Mapping[str, str]) -> str:
    """The lines that one look prices: the same as `CHARGES` for a price of one band that adds
    nothing up."""
    return _written({**COLUMNS, **custom}, f"{TO_RATE} AND q.simple")


def unrated(custom: Mapping[str, str]) -> str:
    """All lines as the feed brings them."""
    return _written({**COLUMNS, **custom, **_UNRATED}, f"{OF_SHARD} AND q.fed")


def _written(columns: Mapping[str, str], condition: str) -> str:
    return f"""
INSERT INTO mediation_activity ({", ".join(columns)})
SELECT {", ".join(columns.values())}
{_PRICED}
{condition}
"""


_NO_PRICE = f"""
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
      {{but}}
) lacking
WHERE u.load_id = %(load)s AND u.shard = %(shard)s AND u.ctid = lacking.place
"""  # noqa: S608 - constants only


def no_price_of(*, linked: bool) -> str:
    """Gives usage without a price its cause. What prepaid usage covers needs none."""
    covered = "SELECT FROM rating_drawn d WHERE d.place = o.ctid AND d.excess = 0"
    return _NO_PRICE.replace("{but}", f"AND NOT EXISTS ({covered})" if linked else "")
