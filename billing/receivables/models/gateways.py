"""What payment gateways were asked, and what they answered."""

from django.db import models

from metabrm.entity import EntityModel, EntityOptions
from metabrm.fields import FlagField, MoneyField
from metabrm.shorthand import text


class EcomTransaction(EntityModel):
    """A request to a payment gateway and what became of it."""

    transaction_type = text(100, "What was asked for: a payment, a refund, a void.")
    status = text(100, "What became of it.")
    status_code = text(50, "Code of the gateway's answer.")
    status_message = text(4000, "What the gateway said.")
    amount = MoneyField(null=True, blank=True, help_text="How much it was about.")
    billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The billing profile whose money it was about.",
    )
    payment_item = models.ForeignKey(
        "receivables.Payment",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="payment",
        help_text="The payment it served.",
    )
    refund_item = models.ForeignKey(
        "receivables.Refund",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="refund",
        help_text="The refund it served.",
    )
    approve_invoice = models.ForeignKey(
        "invoicing.Invoice",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="approved invoice",
        help_text="The invoice whose approval caused it.",
    )
    invoicelist = text(4000, "Ids of the invoices it paid.", verbose_name="invoices")
    ecom_gateway_id = models.BigIntegerField(
        null=True, blank=True, verbose_name="gateway id", help_text="Id of the payment gateway."
    )
    payment_gateway_profile_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the settings of that gateway."
    )
    gateway_transaction_id = text(255, "The gateway's own id of it.")
    real_time_flag = FlagField(help_text="Somebody was waiting for the answer.")
    request_text = models.TextField(
        null=True, blank=True, help_text="The request, without what may not be kept."
    )
    alert_exclusion = text(255, "Whom a failure is not told to.")

    brm = EntityOptions(name="ECOM_TRANSACTION", title="id")

    class Meta:
        verbose_name = "gateway request"
        verbose_name_plural = "gateway requests"
