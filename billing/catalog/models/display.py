"""How a price reads to people: `$10.00`, its tiers joined by `<br/>`."""

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
