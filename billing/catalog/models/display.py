"""How a price reads to people: `$10.00`, its tiers joined by `<br/>`."""

from metabrm.entity import Computed

# One amount per price row in force today, by currency and band: the currency's sign (or its code),
# then the rate with at least the currency's decimals and no needless zeros.
RATE_DISPLAY = """(
    SELECT string_agg(
        coalesce(c.currency_sign, c.currency_code) ||
        CASE WHEN scale(trim_scale(p.rate)) < c.decimal_places
             THEN round(p.rate, c.decimal_places)
             ELSE trim_scale(p.rate) END::text,
        '<br/>' ORDER BY p.currency_code, p.lower_band, p.id)
    FROM catalog_pricing p
    JOIN localization_currency c ON c.currency_code = p.currency_code
    WHERE p.{owner} = {t}.id
      AND p.deleted_at IS NULL
      AND (p.effective_date IS NULL OR p.effective_date <= CURRENT_DATE)
      AND (p.end_date IS NULL OR p.end_date >= CURRENT_DATE))"""


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
