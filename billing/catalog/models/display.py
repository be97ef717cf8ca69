"""How a price reads to people: `$10.00`, its tiers joined by `<br/>`, and what a tier lacks."""

from metabrm.entity import Computed

# One amount per price row in force today, by currency and band: the currency's sign (or its code),
# then the rate with at least the currency's decimals and no needless zeros.
RATE_DISPLAY = """(
    SELECT string_agg(
        coalesce(rate_currency.currency_sign, rate_currency.currency_code) ||
        CASE WHEN scale(trim_scale(rate_row.rate)) < rate_currency.decimal_places
             THEN round(rate_row.rate, rate_currency.decimal_places)
             ELSE trim_scale(rate_row.rate) END::text,
        '<br/>' ORDER BY rate_row.currency_code, rate_row.lower_band, rate_row.id)
    FROM catalog_pricing rate_row
    JOIN localization_currency rate_currency
      ON rate_currency.currency_code = rate_row.currency_code
    WHERE rate_row.{owner} = {t}.id
      AND rate_row.deleted_at IS NULL
      AND (rate_row.effective_date IS NULL OR rate_row.effective_date <= CURRENT_DATE)
      AND (rate_row.end_date IS NULL OR rate_row.end_date >= CURRENT_DATE))"""


def rate_display(owner_column: str) -> Computed:
    """The read-only field Rate of a price owner; null when no price is in force.

    `owner_column` is the column of PRICING that points back to the owner.
    """
    return Computed(
        name="Rate",
        data_type="TEXT",
        sql=RATE_DISPLAY.replace("{owner}", owner_column),
        help="Today's price, to read; tiers are separated by <br/>. Prices are set in PRICING.",
    )


# The bands that a price's tier has on its days, of all owners that can be looked up. A row of a
# plan without an owner is of that plan's tier.
_TIER = """
    SELECT range_agg(daterange(o.effective_date, o.end_date, '[]'))
    FROM catalog_pricing o
    WHERE (o.product_id = {t}.product_id
        OR o.package_product_id = {t}.package_product_id
        OR o.rate_class_product_id = {t}.rate_class_product_id
        OR o.contract_rate_id = {t}.contract_rate_id
        OR o.account_product_id = {t}.account_product_id
        OR o.quote_product_id = {t}.quote_product_id)
      AND o.deleted_at IS NULL
      AND o.currency_code = {t}.currency_code
      AND o.main_pricing_plan_id IS NOT DISTINCT FROM {t}.main_pricing_plan_id
      AND o.rating_method_id IS NOT DISTINCT FROM {t}.rating_method_id
      AND {neighbour}"""
_ITS_DAYS = "datemultirange(daterange({t}.effective_date, {t}.end_date, '[]')) <@"
_LACKS = f"coalesce(NOT {_ITS_DAYS} ({_TIER}), true)"
_BORDER = """(CASE WHEN {t}.lower_band % 0.000000001 = 0.0000000001
               THEN {t}.lower_band - 0.0000000001 ELSE {t}.lower_band END)"""
_PLAIN = "trim_scale({number})::text || ' have no price on some of its days'"


def _lacks(neighbour: str) -> str:
    return _LACKS.replace("{neighbour}", neighbour)


#: What the tier of a price lacks beside it.
GAP = Computed(
    name="Gap",
    data_type="TEXT",
    sql=f"""(CASE
        WHEN num_nonnulls({{t}}.product_id, {{t}}.package_product_id, {{t}}.rate_class_product_id,
                          {{t}}.contract_rate_id, {{t}}.account_product_id,
                          {{t}}.quote_product_id) = 0 THEN NULL
        WHEN {{t}}.upper_band <> -1 AND {
        _lacks("o.lower_band IN ({t}.upper_band, {t}.upper_band + 0.0000000001)")
    }
        THEN 'quantities above ' || {_PLAIN.replace("{number}", "{t}.upper_band")}
        WHEN {{t}}.lower_band > 0 AND {_lacks(f"o.upper_band IN ({{t}}.lower_band, {_BORDER})")}
        THEN 'quantities up to ' || {_PLAIN.replace("{number}", _BORDER)}
        END)""",
    help="Quantities next to the band that have no price on some of its days, to read; empty = "
    "none. Usage of such a quantity can't be rated.",
)
