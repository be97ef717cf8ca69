"""What may be kept of cards: the last four digits, and nothing that could be charged."""

from collections.abc import Mapping

from django.db import models

from metabrm.shorthand import text

CARD_CODE: Mapping[str, str] = {
    "CreditCardCCV": "Card verification codes are not kept. Send the payment gateway's token of "
    "the card."
}


def card_number() -> models.CharField:
    """The documented CreditCardNumber, as far as it may be kept."""
    return text(
        50,
        "Last four digits of the card. The rest of a masked number is dropped, a whole number is "
        "refused.",
        verbose_name="last digits of credit card",
    )
