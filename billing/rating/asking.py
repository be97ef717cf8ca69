"""In which currency, in whose days and periods an account's charges are: those of who pays for it
(billing.customers.paying). Where nobody does, prices are asked in US dollars.
"""

from billing.customers.paying import PAYER, zone

# What is asked, with what follows from whom it is for. `used` is: key, account_id, product_id,
# account_product_id, package_product_id and either day or first_at and last_at (moments).
_ASKED = f"""
{PAYER}, asked AS MATERIALIZED (
    SELECT used.key, used.account_id, used.product_id, used.account_product_id,
           coalesce(used.package_product_id, own.package_product_id) AS package_product_id,
           own.account_package_id, payer.payer_id, profile.id AS profile_id,
           {{currency}} AS currency_code, zone.name AS zone,
           coalesce(used.day, (used.first_at AT TIME ZONE zone.name)::date) AS first_day,
           coalesce(used.day, (used.last_at AT TIME ZONE zone.name)::date) AS last_day,
           coalesce(currency.decimal_places, 2) AS places,
           CASE WHEN currency.currency_level_rounding THEN currency.cost_rounding_rule
                ELSE 'Math Round' END AS rounding
    FROM used
    JOIN customers_account a ON a.id = used.account_id AND a.deleted_at IS NULL
    LEFT JOIN customers_accountproduct own ON own.id = used.account_product_id
    LEFT JOIN payer ON payer.account_id = used.account_id
    LEFT JOIN customers_billingprofile profile ON profile.id = payer.profile_id
    LEFT JOIN localization_currency currency
      ON currency.currency_code = {{currency}}
    {zone("a", "profile")}
)
"""  # noqa: S608 - constants only


def asked_in(currency: str) -> str:
    """The query `asked` with prices in a currency of its own; `currency` is SQL."""
    return _ASKED.format(currency=currency)


ASKED = asked_in("coalesce(profile.currency_code, 'USD')")


# How an account product `ap` is charged: its rating method `m`, `product` and `place` in a package.
METHOD = """
    JOIN catalog_product product ON product.id = ap.product_id
    LEFT JOIN catalog_packageproduct place ON place.id = ap.package_product_id
    JOIN catalog_ratingmethod m
      ON m.id = coalesce(ap.rating_method_id, place.rating_method_id, product.rating_method_id)
"""


def rounded(cost: str, asked: str) -> str:
    """SQL of an amount rounded to the places of its currency; `asked` is the alias of its row.

    The currency's CostRoundingRule counts where CurrencyLevelRounding says so, else half up.
    Amounts below zero mirror those above.
    """
    cut = f"trunc({cost}, {asked}.places)"
    return (
        f"CASE {asked}.rounding WHEN 'Round Down' THEN {cut} "
        f"WHEN 'Round Up' THEN {cut} + CASE WHEN {cut} <> {cost} "
        f"THEN sign({cost}) * 10::numeric ^ -{asked}.places ELSE 0 END "
        f"ELSE round({cost}, {asked}.places) END"
    )
