"""The price book: which price counts for an account's product on which days.

One statement finds it for one question or for all that a file of usage asks. It lists the
candidates in the order in which they count:

    the account product (or account package product) itself: its RateOverride, then its prices
    a contract of the account: its contract rates, then the rate class it inherits
    the same again for the account above, as long as RateHierarchy says that its prices count
    the package product: its RateOverride, then its prices
    the product's default prices

A contract that the account product names comes before the account's other ones, an entry for the
package product before one for the product inside the package, and that before one for the product
anywhere; a contract that lists currencies prices in no other one. Of an owner's prices an
overriding plan's come before a promotion's, and those before the others: of these, and of two plans
of one kind, the plan that was made last, and at last the prices of no plan. A candidate counts on
the days on which it and its price rows hold and no better one does, so the book has a line for each
run of days: no day is asked twice. Where none has a price, the first candidate whose rating method
has a formula counts.

Sources: BillingPlatform, "How BillingPlatform Determines Price", "Contract Rates", "Default
Prices".
"""

#: Beside the accounts: the steps of the order that hang on no account.
PACKAGE_RANK = 1_000_000
PRODUCT_RANK = 2_000_000

CONTRACT_ONLY = "The product may only be priced by a contract."
UNLISTED = "Its contract has no prices in this currency: CONTRACT_CURRENCY lists others."
NAMED_ONLY = "The product takes prices only from the contract that the account product names."

# Kind of an owner of prices -> the column of PRICING by which rows hang on it.
_OWNERS = {
    "product": "product_id",
    "package_product": "package_product_id",
    "account_product": "account_product_id",
    "contract_rate": "contract_rate_id",
    "rate_class_product": "rate_class_product_id",
    "plan": "main_pricing_plan_id",
}
_OWNED = "\nUNION ALL\n".join(
    f"SELECT o.owner, o.owner_id, p.* FROM owner o "  # noqa: S608 - constants only
    f"JOIN catalog_pricing p ON p.{column} = o.owner_id WHERE o.owner = '{owner}'"
    for owner, column in _OWNERS.items()
)

# The named queries of the book. They begin with `asked`, which whoever asks puts before them:
#   key                 a number of the question, unique
#   account_id, product_id, account_product_id, package_product_id
#   currency_code       the currency wanted
#   first_day, last_day the days wanted, both included
# and end with these:
#   candidate   each (key, rank, source, source_id ...) with its days and why it doesn't count
#   version     the sets of price rows that hold together, each for a run of days
#   offer       a candidate with a version of its prices, or with its override
#   book        what counts: one line per key and run of days [from_day, until_day)
#   band        the bands of each version, from the least quantity up
BOOK = f"""
above AS (
    SELECT a.id AS account_id, a.id AS holder_id, 0 AS up,
           CASE WHEN a.rate_hierarchy THEN a.parent_account_id END AS next_id
    FROM customers_account a
    WHERE a.id IN (SELECT account_id FROM asked)
    UNION ALL
    SELECT above.account_id, a.id, above.up + 1,
           CASE WHEN a.rate_hierarchy THEN a.parent_account_id END
    FROM above JOIN customers_account a ON a.id = above.next_id
    WHERE a.deleted_at IS NULL
), subject AS MATERIALIZED (
    SELECT asked.key, asked.account_id, asked.product_id, asked.account_product_id,
           asked.package_product_id, product.contract_required_flag AS contract_required,
           product.restrict_use_of_unreferenced_contracts AS named_only,
           own.rating_method_id AS own_method_id, own.rate_override AS own_rate,
           coalesce(place.rating_method_id, product.rating_method_id) AS listed_method_id,
           own.account_package_id, asked.currency_code,
           coalesce(own.contract_id, bundle.contract_id) AS contract_id,
           place.rate_override AS package_rate, place.package_id
    FROM asked
    JOIN catalog_product product ON product.id = asked.product_id
    LEFT JOIN customers_accountproduct own ON own.id = asked.account_product_id
    LEFT JOIN customers_accountpackage bundle ON bundle.id = own.account_package_id
    LEFT JOIN catalog_packageproduct place ON place.id = asked.package_product_id
), agreed AS (
    -- The contracts that may price: the one that is named, and those of the accounts.
    SELECT s.key, 0 AS up, 0 AS named, s.contract_id
    FROM subject s WHERE s.contract_id IS NOT NULL
    UNION ALL
    SELECT s.key, above.up, 1, c.id
    FROM subject s
    JOIN above ON above.account_id = s.account_id
    JOIN customers_contract c ON c.account_id = above.holder_id AND c.deleted_at IS NULL
    WHERE c.id IS DISTINCT FROM s.contract_id
), contract AS MATERIALIZED (
    SELECT agreed.key, agreed.up, agreed.named, c.id, c.contract_number, c.rate_class_id,
           c.start_date AS from_day, coalesce(c.end_date + 1, 'infinity') AS until_day,
           CASE WHEN c.contract_status IN ('DRAFT', 'DEACTIVATED')
                THEN 'Its contract ' || c.contract_number || ' is ' || c.contract_status || '.'
                WHEN s.named_only AND agreed.named = 1
                THEN '{NAMED_ONLY}'
                WHEN (SELECT bool_and(listed.currency_code <> s.currency_code)
                      FROM customers_contractcurrency listed
                      WHERE listed.contract_id = c.id AND listed.deleted_at IS NULL)
                THEN '{UNLISTED}' END AS refused
    FROM agreed
    JOIN subject s ON s.key = agreed.key
    JOIN customers_contract c ON c.id = agreed.contract_id
), candidate AS MATERIALIZED (
    SELECT found.key, rank, source, source_id, owner, owner_id, override, rating_method_id,
           found.contract_id, found.refused, asked.currency_code,
           greatest(found.from_day, asked.first_day) AS from_day,
           least(found.until_day, asked.last_day + 1) AS until_day,
           found.from_day AS holds_from, found.until_day AS holds_until
    FROM (
        SELECT s.key, 10 AS rank,
               CASE WHEN s.account_package_id IS NULL THEN 'Account Product'
                    ELSE 'Account Package Product' END AS source,
               s.account_product_id AS source_id, 'account_product' AS owner,
               s.account_product_id AS owner_id, s.own_rate AS override,
               coalesce(s.own_method_id, s.listed_method_id) AS rating_method_id,
               NULL::bigint AS contract_id, '-infinity'::date AS from_day,
               'infinity'::date AS until_day,
               CASE WHEN s.contract_required THEN '{CONTRACT_ONLY}' END AS refused
        FROM subject s WHERE s.account_product_id IS NOT NULL
        UNION ALL
        SELECT s.key, above.up * 100 + 10, 'Parent Account Product', up.id, 'account_product',
               up.id, up.rate_override,
               coalesce(s.own_method_id, up.rating_method_id, s.listed_method_id),
               NULL, up.start_date, coalesce(up.end_date + 1, 'infinity'),
               CASE WHEN s.contract_required THEN '{CONTRACT_ONLY}'
                    WHEN up.status = 'DEACTIVATED' THEN 'It is DEACTIVATED.' END
        FROM subject s
        JOIN above ON above.account_id = s.account_id AND above.up > 0
        JOIN customers_accountproduct up
          ON up.account_id = above.holder_id AND up.product_id = s.product_id
         AND up.deleted_at IS NULL
        UNION ALL
        SELECT s.key,
               contract.up * 100 + 20 + contract.named * 20
               + CASE WHEN r.package_product_id IS NOT NULL THEN 0
                      WHEN r.package_id IS NOT NULL THEN 1 ELSE 2 END,
               'Contract Rate', r.id,
               CASE WHEN r.pricing_plan_id IS NULL THEN 'contract_rate' ELSE 'plan' END,
               coalesce(r.pricing_plan_id, r.id), NULL,
               coalesce(s.own_method_id, r.rating_method_id, s.listed_method_id),
               contract.id, greatest(r.start_date, contract.from_day),
               least(coalesce(r.end_date + 1, 'infinity'), contract.until_day),
               coalesce(contract.refused,
                        CASE WHEN plan.deleted_at IS NOT NULL
                             THEN 'Its pricing plan ' || plan.name || ' is deleted.'
                             WHEN plan.status <> 'ACTIVE'
                             THEN 'Its pricing plan ' || plan.name || ' is ' || plan.status || '.'
                             END)
        FROM subject s
        JOIN contract ON contract.key = s.key
        JOIN customers_contractrate r ON r.contract_id = contract.id AND r.deleted_at IS NULL
        LEFT JOIN catalog_pricingplan plan ON plan.id = r.pricing_plan_id
        WHERE (r.package_product_id = s.package_product_id
               OR r.package_product_id IS NULL AND r.product_id = s.product_id)
          AND (r.package_id IS NULL OR r.package_id = s.package_id)
        UNION ALL
        SELECT s.key,
               contract.up * 100 + 30 + contract.named * 20
               + CASE WHEN e.package_product_id IS NOT NULL THEN 0
                      WHEN e.package_id IS NOT NULL THEN 1 ELSE 2 END,
               'Rate Class', e.id, 'rate_class_product', e.id, NULL,
               coalesce(s.own_method_id, e.rating_method_id, s.listed_method_id),
               contract.id,
               greatest(contract.from_day, coalesce(e.start_date, '-infinity'),
                        coalesce(class.effective_date, '-infinity')),
               least(contract.until_day, coalesce(e.end_date + 1, 'infinity'),
                     coalesce(class.end_date + 1, 'infinity')),
               coalesce(contract.refused, CASE WHEN class.status <> 'ACTIVE'
                        THEN 'Its rate class ' || class.name || ' is ' || class.status || '.' END)
        FROM subject s
        JOIN contract ON contract.key = s.key
        JOIN catalog_rateclass class
          ON class.id = contract.rate_class_id AND class.deleted_at IS NULL
        JOIN catalog_rateclassproduct e ON e.rate_class_id = class.id AND e.deleted_at IS NULL
        WHERE (e.package_product_id = s.package_product_id
               OR e.package_product_id IS NULL AND e.product_id = s.product_id)
          AND (e.package_id IS NULL OR e.package_id = s.package_id)
        UNION ALL
        SELECT s.key, {PACKAGE_RANK}, 'Package Product', s.package_product_id, 'package_product',
               s.package_product_id, s.package_rate,
               coalesce(s.own_method_id, s.listed_method_id),
               NULL, '-infinity', 'infinity',
               CASE WHEN s.contract_required THEN '{CONTRACT_ONLY}' END
        FROM subject s WHERE s.package_product_id IS NOT NULL
        UNION ALL
        SELECT s.key, {PRODUCT_RANK}, 'Product', s.product_id, 'product', s.product_id, NULL,
               coalesce(s.own_method_id, s.listed_method_id),
               NULL, '-infinity', 'infinity',
               CASE WHEN s.contract_required THEN '{CONTRACT_ONLY}' END
        FROM subject s
    ) found
    JOIN asked ON asked.key = found.key
), owner AS MATERIALIZED (
    SELECT DISTINCT owner, owner_id FROM candidate
), price AS MATERIALIZED (
    -- The owners' price rows, each with the list (`sheet`) it stands on.
    SELECT dense_rank() OVER (ORDER BY owner, owner_id, currency_code, main_pricing_plan_id,
                              rating_method_id) AS sheet, *
    FROM (
        SELECT owned.*,
               CASE plan.plan_type WHEN 'OVERRIDE' THEN 0 WHEN 'PROMOTIONAL' THEN 1 ELSE 2 END
               AS plan_rank,
               greatest(coalesce(owned.effective_date, '-infinity'),
                        coalesce(plan.effective_date, '-infinity')) AS from_day,
               least(coalesce(owned.end_date + 1, 'infinity'),
                     coalesce(plan.end_date + 1, 'infinity')) AS until_day
        FROM (
            {_OWNED}
        ) owned
        LEFT JOIN catalog_pricingplan plan ON plan.id = owned.main_pricing_plan_id
        WHERE owned.deleted_at IS NULL
          AND (plan.id IS NULL OR plan.deleted_at IS NULL AND plan.status = 'ACTIVE')
    ) dated
    WHERE from_day < until_day
), turn AS (
    SELECT sheet, from_day AS day FROM price UNION SELECT sheet, until_day FROM price
), version AS MATERIALIZED (
    SELECT row_number() OVER () AS id, run.*, listed.owner, listed.owner_id,
           listed.currency_code, listed.rating_method_id, listed.plan_rank, listed.plan_id
    FROM (
        SELECT sheet, day AS from_day,
               lead(day) OVER (PARTITION BY sheet ORDER BY day) AS until_day
        FROM turn
    ) run
    JOIN LATERAL (
        SELECT p.owner, p.owner_id, p.currency_code, p.rating_method_id, p.plan_rank,
               p.main_pricing_plan_id AS plan_id
        FROM price p
        WHERE p.sheet = run.sheet AND p.from_day <= run.from_day AND p.until_day >= run.until_day
        LIMIT 1
    ) listed ON true
    WHERE run.until_day IS NOT NULL
), offer AS MATERIALIZED (
    SELECT * FROM (
        SELECT c.key, c.rank, c.source, c.source_id, c.rating_method_id, c.contract_id, c.override,
               v.id AS version_id, v.plan_rank, v.plan_id,
               v.rating_method_id IS NULL AS for_any_method,
               greatest(c.from_day, v.from_day) AS from_day,
               least(c.until_day, v.until_day) AS until_day
        FROM candidate c
        JOIN version v
          ON v.owner = c.owner AND v.owner_id = c.owner_id AND v.currency_code = c.currency_code
         AND (v.rating_method_id IS NULL OR v.rating_method_id = c.rating_method_id)
        WHERE c.refused IS NULL AND c.override IS NULL
        UNION ALL
        SELECT c.key, c.rank, c.source, c.source_id, c.rating_method_id, c.contract_id, c.override,
               NULL, 0, NULL, false, c.from_day, c.until_day
        FROM candidate c
        WHERE c.refused IS NULL AND c.override IS NOT NULL
        UNION ALL
        -- A formula needs no price.
        SELECT c.key, c.rank, c.source, c.source_id, c.rating_method_id, c.contract_id, NULL,
               NULL, 0, NULL, false, c.from_day, c.until_day
        FROM candidate c
        JOIN catalog_ratingmethod m ON m.id = c.rating_method_id AND m.formula_flag
        WHERE c.refused IS NULL AND c.override IS NULL
    ) dated
    WHERE from_day < until_day
), change AS (
    SELECT key, from_day AS day FROM offer UNION SELECT key, until_day FROM offer
), book AS (
    SELECT DISTINCT ON (run.key, run.from_day)
           run.key, run.from_day, run.until_day, o.rank, o.source, o.source_id, o.rating_method_id,
           o.contract_id, o.override, o.version_id
    FROM (
        SELECT key, day AS from_day, lead(day) OVER (PARTITION BY key ORDER BY day) AS until_day
        FROM change
    ) run
    JOIN offer o
      ON o.key = run.key AND o.from_day <= run.from_day AND o.until_day >= run.until_day
    ORDER BY run.key, run.from_day, o.version_id IS NULL AND o.override IS NULL, o.rank,
             o.plan_rank, o.for_any_method, o.source_id DESC, o.plan_id DESC NULLS LAST
), band AS (
    SELECT v.id AS version_id, p.id AS pricing_id, row_number() OVER up AS rate_order,
           p.upper_band,
           -- A band begins where the one before it ends; integrators send a 1e-10 more.
           coalesce(lag(nullif(p.upper_band, -1)) OVER up, p.lower_band) AS above_quantity,
           nullif(p.upper_band, -1) AS to_quantity,
           p.rate, p.flat_fee, p.fee_per_charge, p.min_charge, p.max_charge, p.block_size,
           p.included_quantity, p.included_charges
    FROM version v
    JOIN price p
      ON p.sheet = v.sheet AND p.from_day <= v.from_day AND p.until_day >= v.until_day
    WINDOW up AS (PARTITION BY v.id ORDER BY p.lower_band)
)
"""  # noqa: S608 - constants only
