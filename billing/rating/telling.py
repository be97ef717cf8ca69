"""What lines tell of their price, and what is told where there is none: of usage and of what recurs
alike.
"""

#: Columns of a line -> the price `c` that it was charged at.
OF_PRICE = {
    "rate_source": "c.source",
    "rate_source_id": "c.source_id",
    "pricing_id": "c.pricing_id",
    "contract_rate_id": "CASE WHEN c.source = 'Contract Rate' THEN c.source_id END",
    "rate_class_product_id": "CASE WHEN c.source = 'Rate Class' THEN c.source_id END",
    "upper_band": "c.upper_band",
    "effective_rated": "c.averaged",
    "min_charge_flag": "c.raised",
    "rating_date": "%(now)s",
    "created": "%(now)s",
    "updated": "%(now)s",
}


def no_price(product: str, account: str, currency: str, day: str) -> str:
    """SQL of the sentence that there is no price, for a statement with parameters."""
    return (
        f"format('There is no price of product %%s for account %%s in %%s on %%s.', "
        f"{product}, {account}, {currency}, {day})"
    )


def no_band(price: str, product: str, quantity: str) -> str:
    """SQL of the sentence that the price of an alias lacks a band, for a statement with
    parameters."""
    return (
        f"format('The price of %%s %%s for product %%s has no band for %%s units; it is "
        f"incomplete: its bands go from 0 without a gap to no limit.', "
        f"{price}.source, {price}.source_id, {product}, trim_scale({quantity}))"
    )


#: What is as large as this has more digits than a line holds, once it is rounded up.
MOST = "(1e18 - 1)"
#: What is told of what comes to more than a line can hold; and as SQL.
TOO_LARGE = (
    "It comes to an amount with more digits than a line can hold. Is the quantity or the price too "
    "large?"
)
TOO_LARGE_FOR_A_LINE = f"'{TOO_LARGE}'"
