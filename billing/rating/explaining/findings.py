"""What the statements of the house find on their way to a price, kept to be told."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.rating import formulas
from billing.rating.asking import METHOD, asked_in, rounded
from billing.rating.book import BOOK
from billing.rating.charges import FACTS, SHRUNKEN_CHARGES
from billing.rating.cycles import days, part
from billing.rating.explaining.question import Question
from billing.rating.loads.routes import NEAREST
from billing.rating.loads.sums import begin, shrunk
from entities.schema.current import current
from entities.schema.description import quote
from metabrm import clock

Json = dict[str, Any]

_EXPLAIN = f"""
WITH RECURSIVE used AS (
    SELECT 1::bigint AS key, %(account_id)s::bigint AS account_id,
           %(product_id)s::bigint AS product_id,
           %(account_product_id)s::bigint AS account_product_id,
           %(package_product_id)s::bigint AS package_product_id,
           %(currency)s::text AS currency_code, %(day)s::date AS day,
           %(moment)s::timestamptz AS first_at, %(moment)s::timestamptz AS last_at
), {asked_in("coalesce(used.currency_code, profile.currency_code, 'USD')")}, {BOOK}, {FACTS},
journey AS (
    -- Where a price is for two locations; a line says itself which of its rates counted.
    SELECT book.version_id, %(origin_id)s::bigint AS origin_id,
           %(destination_id)s::bigint AS destination_id, %(charge_type)s::text AS charge_type,
           coalesce(m.obligatory_intl_rate, false) AS obligatory
    FROM book JOIN catalog_ratingmethod m ON m.id = book.rating_method_id
    WHERE book.override IS NULL AND m.allow_international_pricing AND NOT %(is_line)s
), {NEAREST}, charged AS (
    -- How the product is charged, whatever its price is for.
    SELECT m.id, m.formula_quantity, m.prorate_band
    FROM (
        SELECT asked.product_id, asked.package_product_id, own.rating_method_id
        FROM asked LEFT JOIN customers_accountproduct own ON own.id = asked.account_product_id
    ) ap {METHOD}
), shrunk AS (
    -- What is left of the bands: of a line for a part of a cycle, of usage in a part of a period.
    SELECT %(factor)s::numeric AS part FROM charged WHERE prorate_band AND %(factor)s <> 1
    UNION ALL
    SELECT {shrunk("period.begin", "period", "own")}
    FROM (
        SELECT asking.*, {begin("asking.day", "asking")} AS begin
        FROM (
            SELECT m.accum_flag, m.accum_reset_period, asked.profile_id AS calendar_id,
                   coalesce(m.accum_start_date, '2000-01-01') AS accum_start_date,
                   asked.first_day AS day, asked.account_product_id
            FROM book
            JOIN catalog_ratingmethod m ON m.id = book.rating_method_id
            CROSS JOIN asked
            WHERE m.prorate_band AND m.rating_method_type = 'Usage'
              AND coalesce(m.aggregation_level, 'Product') = 'Product'
              AND (m.pricing_type = 'Tiered Pricing' OR EXISTS (
                  SELECT FROM band b WHERE b.version_id = book.version_id
                   AND (b.included_quantity > 0 OR b.included_charges > 0)))
        ) asking
    ) period
    JOIN customers_accountproduct own ON own.id = period.account_product_id
    WHERE period.begin > '-infinity'
    LIMIT 1
), wanted AS (
    SELECT 1::bigint AS id, book.version_id,
           coalesce(%(route_rate)s::numeric, route.rate, book.override) AS override,
           book.rating_method_id,
           %(quantity)s::numeric AS quantity,
           CASE WHEN facts.flat THEN 1 ELSE %(factor)s::numeric END AS factor, false AS usage,
           %(before)s::numeric AS before, %(reached)s::numeric AS reached,
           %(nth)s::bigint AS nth, coalesce((SELECT part FROM shrunk), 1) AS shrunk
    FROM book
    LEFT JOIN facts ON facts.id = book.rating_method_id
    LEFT JOIN route ON true
    WHERE route.rate IS NOT NULL OR NOT EXISTS (SELECT FROM journey WHERE obligatory)
), {SHRUNKEN_CHARGES}
SELECT jsonb_build_object(
    'asked', (SELECT to_jsonb(a) FROM asked a),
    'accounts', (SELECT jsonb_agg(to_jsonb(u) ORDER BY u.up) FROM above u),
    'candidates', (
        SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('rate_class_id', e.rate_class_id,
                                                           'plan_id', r.pricing_plan_id)
                         ORDER BY c.rank, c.source_id DESC)
        FROM candidate c
        LEFT JOIN catalog_rateclassproduct e
          ON c.source = 'Rate Class' AND e.id = c.source_id
        LEFT JOIN customers_contractrate r
          ON c.source = 'Contract Rate' AND r.id = c.source_id),
    'versions', (
        SELECT jsonb_agg(to_jsonb(v) || jsonb_build_object('pricing_ids', (
            SELECT jsonb_agg(p.id) FROM price p
            WHERE p.sheet = v.sheet AND p.from_day <= v.from_day AND p.until_day >= v.until_day)))
        FROM version v),
    'offers', (SELECT jsonb_agg(to_jsonb(o)) FROM offer o),
    'counts', (SELECT to_jsonb(b) FROM book b),
    'bands', (
        SELECT jsonb_agg(to_jsonb(b) || jsonb_build_object(
                   'above_quantity', b.above_quantity * w.shrunk,
                   'to_quantity', b.to_quantity * w.shrunk,
                   'included_quantity', b.included_quantity * w.shrunk) ORDER BY b.above_quantity)
        FROM band b
        JOIN book ON book.version_id = b.version_id
        CROSS JOIN (SELECT coalesce((SELECT part FROM shrunk), 1) AS shrunk) w),
    'shrunk', (SELECT part FROM shrunk),
    'journey', (SELECT to_jsonb(j) FROM journey j),
    'route_id', (SELECT r.route_id FROM route r),
    'facts', (SELECT to_jsonb(f) FROM facts f),
    'line', (SELECT to_jsonb(l) FROM line l),
    'parts', (SELECT jsonb_agg(to_jsonb(p) ORDER BY p.rate_order) FROM part p),
    'prepaid', (
        SELECT jsonb_build_object('id', ap.id, 'refills', m.auto_refill)
        FROM asked
        JOIN customers_accountproduct own ON own.id = asked.account_product_id
        JOIN customers_accountproduct ap
          ON ap.id = own.parent_customer_product_id AND ap.account_id = own.account_id
        {METHOD}
        WHERE m.rating_method_type = 'Prepaid Usage' AND ap.deleted_at IS NULL
          AND ap.status = 'ACTIVE' AND ap.start_date <= asked.first_day
          AND (ap.end_date IS NULL OR ap.end_date >= asked.first_day)),
    'formula', (
        SELECT jsonb_build_object('text', m.formula_value, 'method', m.id)
        FROM book JOIN catalog_ratingmethod m ON m.id = book.rating_method_id
        WHERE m.formula_flag),
    'quantity_formula', (
        SELECT jsonb_build_object('text', formula_quantity, 'method', id)
        FROM charged WHERE formula_quantity <> ''),
    'summed', (SELECT s.cost FROM summed s),
    'charge', (
        SELECT to_jsonb(c)
               || jsonb_build_object('cost', whole.cost, 'amount', {rounded("whole.cost", "a")})
        FROM charge c
        JOIN line ON line.id = c.id
        CROSS JOIN LATERAL (
            SELECT round(c.cost * CASE WHEN line.flat THEN %(factor)s::numeric ELSE 1 END, 10)
                   AS cost
        ) whole
        CROSS JOIN asked a)
)::text
"""  # noqa: S608 - constants only

#: The days of service that a line says, and those of the cycle that they lie in.
_SERVED = ("a.subscription_from_date", "(a.subscription_to_date + 1)")
_CYCLE = ("p.cycle_from", "p.cycle_until")

# A line with the record of usage it is part of: a record that was split over bands has several.
_LINE = f"""
SELECT jsonb_build_object(
    'account_id', a.account_id, 'product_id', a.product_id,
    'account_product_id', a.account_product_id, 'package_product_id', a.package_product_id,
    'moment', a.activity_date, 'day', a.rate_date, 'currency', a.currency_code,
    'factor', coalesce(cycle.part, a.prorate_factor, 1), 'rate_override', a.rate_override,
    'cycle', CASE WHEN cycle.part IS NOT NULL THEN jsonb_build_object(
        'period_id', cycle.id, 'days', cycle.days, 'of', cycle.of_days,
        'day_count', cycle.day_count) END,
    'cost_override', a.cost_override, 'rated_amount', a.rated_amount,
    'rating_date', a.rating_date, 'rate_source', a.rate_source,
    'rate_source_id', a.rate_source_id, 'quantity', whole.quantity,
    'cost', whole.cost, 'lines', whole.lines, 'sum_id', whole.sum_id,
    'before', stood.before, 'reached', stood.reached, 'nth', stood.nth,
    'prepaid_by', whole.prepaid_by, 'covered', whole.covered,
    'route_id', route.id, 'route_rate', route.rate)::text
FROM mediation_activity a
LEFT JOIN catalog_countrycodemap route ON route.id = a.country_code_map_id
CROSS JOIN LATERAL (SELECT coalesce(a.split_from_bill_act_id, a.id) AS id) first
CROSS JOIN LATERAL (
    SELECT sum(o.quantity) AS quantity, sum(coalesce(o.cost_unrounded, o.rated_amount)) AS cost,
           count(*) AS lines, max(o.accumulator_value_id) AS sum_id,
           max(o.prepaid_by_id) FILTER (WHERE o.prepaid_by_id <> o.account_product_id)
           AS prepaid_by,
           coalesce(sum(o.prepaid_quantity)
                    FILTER (WHERE o.prepaid_by_id <> o.account_product_id), 0)::text AS covered
    FROM mediation_activity o
    WHERE o.account_id = a.account_id AND o.activity_date = a.activity_date
      AND (o.id = first.id OR o.split_from_bill_act_id = first.id)
) whole
LEFT JOIN rating_accumulatorvalue s ON s.id = whole.sum_id
LEFT JOIN LATERAL (
    -- In the order in which usage is added up: load by load, and in each as it happened.
    SELECT coalesce(sum(counted) FILTER (WHERE earlier), 0) AS before,
           sum(counted) AS reached,
           count(*) FILTER (WHERE earlier AND o.split_from_bill_act_id IS NULL) + 1 AS nth
    FROM mediation_activity o
    CROSS JOIN LATERAL (
        SELECT (o.rating_date, o.activity_date, coalesce(o.line_number, 0),
                coalesce(o.split_from_bill_act_id, o.id))
               < (a.rating_date, a.activity_date, coalesce(a.line_number, 0), first.id) AS earlier,
               o.quantity - coalesce(o.prepaid_quantity, 0) AS counted
    ) place
    WHERE o.accumulator_value_id = s.id AND o.rating_date <= a.rating_date
      AND o.activity_date >= coalesce(s.period_begin - 2, '-infinity')
      AND (s.level = 'Invoice' OR o.account_id = a.account_id)
) stood ON true
LEFT JOIN LATERAL (
    -- The part of its cycle to more places than the line has, where it says the same.
    SELECT p.id, p.day_count, {days(*_SERVED, "p.day_count")} AS days,
           {days(*_CYCLE, "p.day_count")} AS of_days, whole.part
    FROM rating_chargedperiod p
    CROSS JOIN LATERAL (
        SELECT {part(_SERVED, _CYCLE, "p.day_count")} AS part
    ) whole
    WHERE p.account_product_id = a.account_product_id AND p.cycle_from IS NOT NULL
      AND p.activity_id = CASE WHEN a.process_description = 'Credit' THEN a.reversal_of_id
                               ELSE coalesce(a.discount_activity_id, a.id) END
      AND a.prorate_factor <> 1 AND a.prorate_factor = round(whole.part, 10)
) cycle ON true
WHERE a.id = %s
"""  # noqa: S608 - constants only


def find(asked: Question, line_id: int | None = None) -> Json:
    """What the statements find, numbers as Decimal."""
    assert asked.quantity is not None
    given = {
        **{name: getattr(asked, name) for name in Question.__dataclass_fields__},
        "is_line": asked.moment is not None,
        "moment": asked.moment or clock.now(),
        "reached": asked.before + asked.quantity if asked.reached is None else asked.reached,
    }
    found = _found(_EXPLAIN, given)
    by = found["quantity_formula"]
    if by is not None:
        # The quantity of a line came from it.
        by["quantity"] = asked.quantity if line_id else _quantity(asked, found)
        if by["quantity"] is None:
            return found | dict.fromkeys(("formula", "line", "parts", "charge", "summed"))
        asked = replace(asked, quantity=by["quantity"])
        if line_id is None:
            given["quantity"], given["reached"] = by["quantity"], asked.before + by["quantity"]
            found = _found(_EXPLAIN, given) | {"quantity_formula": by}
    if found["formula"] is not None:
        found["formula"] |= _reckoned(asked, found, found["formula"], line_id)
    return found


def _quantity(asked: Question, found: Json) -> Decimal | None:
    """What FormulaQuantity comes to for the quantity that is asked."""
    quantity = _reckoned(asked, found | {"charge": None}, found["quantity_formula"], None)["cost"]
    return None if quantity is None or quantity < 0 else Decimal(quantity)


def _reckoned(asked: Question, found: Json, formula: Json, line_id: int | None) -> Json:
    """What a formula of the rating method comes to, over a line or over what is asked."""
    about, price, line = found["asked"], found["charge"] or {}, found["line"]
    if price and price["units"] != line["after"] - line["before"]:
        # Not all units lie in a band.
        price = {}
    known = {
        "quantity": asked.quantity,
        "rate": price.get("rate"),
        "cost_unrounded": price.get("cost"),
        "rated_amount": price.get("amount"),
    }
    filled = {name: f"%({name})s::numeric" for name in known}
    if line_id is None:
        known |= {
            "activity_date": asked.moment or clock.now(),
            "rate_date": about["first_day"],
            "currency_code": about["currency_code"],
            "rating_method_id": formula["method"],
        }
        ids = (
            *("account_id", "product_id", "account_product_id", "package_product_id"),
            "account_package_id",
        )
        known |= {name: about[name] for name in ids}
        filled |= {name: f"%({name})s::bigint" for name in (*ids, "rating_method_id")}
        filled |= {
            "activity_date": "%(activity_date)s::timestamptz",
            "rate_date": "%(rate_date)s::date",
            "currency_code": "%(currency_code)s::text",
        }
        source = ""
    else:
        columns = [f.column for f in current().entity("ACTIVITY").fields if f.column]
        filled = {name: f"a.{quote(name)}" for name in columns} | filled
        source = "FROM mediation_activity a WHERE a.id = %(line)s"
    reckoned = formulas.result(formula["text"], filled)
    return _found(
        f"""SELECT jsonb_build_object('cost', c.cost, 'amount', {rounded("c.cost", "r")})::text
            FROM (SELECT {reckoned} AS cost {source}) c
            CROSS JOIN (SELECT %(places)s::int AS places, %(rounding)s::text AS rounding) r""",  # noqa: S608
        {**known, "line": line_id, "places": about["places"], "rounding": about["rounding"]},
    )


def line(id: int) -> Json:
    """A line that there is, whole where it was split, and where it stood in its sum over tiers."""
    return _found(_LINE, [id])


def _found(statement: str, given: dict[str, Any] | list[int]) -> Json:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        (found,) = cursor.fetchone()
    return dict(json.loads(found, parse_float=Decimal))
