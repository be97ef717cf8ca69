"""What a quantity of a product costs an account on a day, as a function of the database.

ACCOUNT_PRODUCT_QUOTE asks it: the same price book and the same charges as for collected usage, for
one quantity by itself. It is drawn anew after each migration, so that it is never another rule
than the rest of the house follows.
"""

from django.db import connection

from billing.rating.asking import ASKED, rounded
from billing.rating.book import BOOK
from billing.rating.charges import CHARGES, FACTS

_ROW = (
    "'<RateDetailsRow><Quantity>' || trim_scale(units) || '</Quantity><Rate>' || trim_scale(rate)"
    " || '</Rate><RatedAmount>' || trim_scale(round(cost + fee + coalesce(fee_per_charge, 0), 10))"
    " || '</RatedAmount></RateDetailsRow>'"
)

PRICE_OF = f"""
CREATE OR REPLACE FUNCTION quoting_price_of(
    for_account bigint, of_product bigint, of_account_product bigint, of_package_product bigint,
    of_quantity numeric, on_day date
) RETURNS SETOF quoting_accountproductquote LANGUAGE sql STABLE AS $$
WITH RECURSIVE used AS (
    SELECT 1::bigint AS key, a.id AS account_id,
           coalesce(ap.product_id, pp.product_id, $2) AS product_id, ap.id AS account_product_id,
           pp.id AS package_product_id, $6 AS day, metabrm_now() AS first_at,
           metabrm_now() AS last_at, coalesce($5, ap.quantity, 1) AS quantity
    FROM customers_account a
    LEFT JOIN customers_accountproduct ap
      ON ap.id = $3 AND ap.account_id = a.id AND ap.deleted_at IS NULL
    LEFT JOIN catalog_packageproduct pp ON pp.id = $4 AND pp.deleted_at IS NULL
    WHERE a.id = $1 AND a.deleted_at IS NULL
), {ASKED}, {BOOK}, {FACTS}, wanted AS (
    SELECT 1::bigint AS id, book.version_id, book.override, book.rating_method_id, used.quantity,
           1::numeric AS factor, false AS usage, 0::numeric AS before, used.quantity AS reached,
           1::bigint AS nth
    FROM used, book
), {CHARGES}, details AS (
    SELECT string_agg({_ROW}, '' ORDER BY rate_order) AS rows FROM part WHERE units <> 0
)
SELECT 1::bigint, asked.account_id, asked.product_id, asked.account_product_id,
       asked.package_product_id, used.quantity, asked.first_day, priced.rate, priced.amount,
       NULL::numeric, NULL::numeric, priced.amount,
       '<RateDetails>' || (SELECT rows FROM details) || '</RateDetails>', NULL::text, NULL::text,
       book.source, book.source_id
FROM used
JOIN asked ON true
LEFT JOIN book ON true
LEFT JOIN (
    SELECT charge.rate, {rounded("charge.cost", "a")} AS amount
    FROM charge JOIN line ON line.id = charge.id, asked a
    WHERE charge.units = line.after - line.before
) priced ON NOT EXISTS (
    SELECT FROM catalog_ratingmethod m WHERE m.id = book.rating_method_id AND m.formula_flag
)
$$
"""  # noqa: S608 - constants only


def draw() -> None:
    """Put the function in the place of what it was."""
    with connection.cursor() as cursor:
        cursor.execute(PRICE_OF)
