"""What payments, credits, refunds and stored payment methods must obey."""

from billing.card_numbers import keep_last_digits, keep_last_four, refuse_card_numbers
from entities.errors import Code
from entities.records import UNSET, Batch, Behavior, behavior

#: What gateways and banks call a transaction, and integrators a record.
REFERENCES = frozenset({"ExternalKey", "ExternalReferenceId", "GatewayTransactionId", "PayoutId"})


class _CardlessBehavior(Behavior):
    """Base: no text of the entity holds a card number."""

    references = REFERENCES
    #: The fields of which only the last digits are kept.
    cards: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    def before_create(self, batch: Batch) -> None:
        self._guard(batch)

    def before_update(self, batch: Batch) -> None:
        self._guard(batch)

    def _guard(self, batch: Batch) -> None:
        for name in self.accounts:
            keep_last_four(batch, name)
        refuse_card_numbers(batch, self.references)
        for name in self.cards:
            keep_last_digits(batch, name)


@behavior("WALLET")
class WalletBehavior(_CardlessBehavior):
    """A stored payment method is known by tokens; payment pages name it without any number."""

    references = frozenset()
    cards = ("CreditCardNumber",)
    accounts = ("AchBankAcctNum",)


@behavior("PAYMENT")
class PaymentBehavior(_CardlessBehavior):
    """A payment is voided by either of two names."""

    cards = ("CreditCardNumber",)
    accounts = ("AchBankAcctNum",)

    def before_create(self, batch: Batch) -> None:
        super().before_create(batch)
        _void_by_either(batch, either=True)

    def before_update(self, batch: Batch) -> None:
        super().before_update(batch)
        _void_by_either(batch, either=False)


def _void_by_either(batch: Batch, *, either: bool) -> None:
    """Voided and VoidFlag say the same.

    Of a new record both are there, sent or by default, so `either` counts; of a change only what
    was sent.
    """
    voided, flags = batch.sent("Voided"), batch.sent("VoidFlag")
    said = []
    for index, (one, other) in enumerate(zip(voided, flags, strict=True)):
        if either:
            said.append(one is True or other is True)
            continue
        if one is not UNSET and other is not UNSET and one != other:
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"Voided is {one:d} and VoidFlag {other:d}, and they say the same; send one of "
                f"them.",
                "Voided",
            )
        said.append(one if one is not UNSET else other)
    if any(value is not UNSET for value in said):
        batch.put("Voided", said)
        batch.put("VoidFlag", said)


@behavior("CREDIT")
class CreditBehavior(_CardlessBehavior):
    """A credit may name the card that it goes back to."""

    cards = ("CreditCardNumber",)


@behavior("REFUND")
class RefundBehavior(_CardlessBehavior):
    """A refund tells nothing of a card."""


@behavior("ECOM_TRANSACTION")
class EcomTransactionBehavior(_CardlessBehavior):
    """What is kept of a request to a gateway tells nothing of a card."""
