"""Records of several entities read as one: SQL views, which nobody writes.

A row is seen by whoever sees the records that it is made of.
"""

from django.db import models

from metabrm.entity import CoreModel, EntityOptions
from metabrm.fields import FlagField
from metabrm.shorthand import text


class Ledger(CoreModel):
    """The ledger of each billing profile; its Id is the profile's."""

    account = models.ForeignKey(
        "customers.Account",
        models.DO_NOTHING,
        related_name="+",
        help_text="The account of the billing profile.",
    )
    billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.DO_NOTHING,
        related_name="+",
        help_text="The billing profile whose ledger it is.",
    )

    brm = EntityOptions(name="LEDGER", title="id", writable=False, seen_with=("billing_profile",))

    class Meta:
        managed = False
        db_table = "receivables_ledger"
        verbose_name = "ledger"
        verbose_name_plural = "ledgers"


class PaymentsRefunds(CoreModel):
    """The payments and refunds that payment gateways processed, in one list."""

    transaction_type = text(20, "Payment or Refund.")
    transaction_type_search = text(20, "The transaction type, to search by.")
    transaction_date = models.DateField(null=True, help_text="Day of the payment or refund.")
    status = text(100, "What became of it.")
    transaction_status = text(100, "State at the gateway, or code of its answer.")
    account = models.ForeignKey(
        "customers.Account",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        help_text="The account that paid.",
    )
    payment_item = models.ForeignKey(
        "receivables.Payment",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        verbose_name="payment",
        help_text="The payment; of a refund, the payment that is returned.",
    )
    refund_item = models.ForeignKey(
        "receivables.Refund",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        verbose_name="refund",
        help_text="The refund; empty for payments.",
    )
    parent_id = models.BigIntegerField(
        null=True, help_text="Id in this list of the payment that a refund returns."
    )
    payment_method_type = text(100, "The way of paying, or of paying back.")
    automatic_payment = FlagField(help_text="It was taken automatically when an invoice was due.")
    card_brand = text(50, "Brand of the card.")
    direct_debit_scheme = text(50, "Direct debit scheme.")
    ecom_gateway_id = models.BigIntegerField(
        null=True, verbose_name="gateway id", help_text="Id of the payment gateway."
    )
    merchant_account = models.BigIntegerField(
        null=True, help_text="Id of the settings of that gateway."
    )

    brm = EntityOptions(
        name="PAYMENTS_REFUNDS",
        title="id",
        listed=(
            "id",
            "transaction_type",
            "transaction_date",
            "account",
            "payment_method_type",
            "card_brand",
            "status",
            "payment_item",
            "refund_item",
        ),
        writable=False,
        seen_with=("payment_item", "refund_item"),
    )

    class Meta:
        managed = False
        db_table = "receivables_paymentsrefunds"
        verbose_name = "payment or refund"
        verbose_name_plural = "payments and refunds"
