"""Refunds: money that went back."""

from django.db import models
from django.db.models import F, Q

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, MoneyField
from metabrm.shorthand import text


class Refund(ExternallyKeyed, EntityModel):
    """The return of a payment, or of a part of it."""

    payment_item = models.ForeignKey(
        "receivables.Payment",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="payment",
        help_text="The payment that is returned.",
    )
    refund_type = models.ForeignKey(
        "receivables.RefundType",
        models.PROTECT,
        to_field="description",
        db_column="refund_type",
        null=True,
        blank=True,
        related_name="+",
        help_text="The way of paying back, by its description in REFUND_TYPE.",
    )
    amount = MoneyField(null=True, blank=True, help_text="How much is returned.")
    status = text(100, "What became of it.")
    note = models.TextField(null=True, blank=True, help_text="Why it is returned.")
    accounting_period_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the accounting period it is booked in."
    )
    gateway_transaction_id = text(255, "The payment gateway's own id of it.")
    gateway_response_code = text(50, "Code of the gateway's answer.")
    gateway_response_message = text(4000, "What the gateway said of it.")
    void_flag = FlagField(help_text="It is void: nothing is returned.")
    void_refund_item = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="voided by refund",
        help_text="The refund that voids this one.",
    )
    voided_refund = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The refund that this one voids.",
    )

    brm = EntityOptions(
        name="REFUND",
        names={
            "refund_type": "RefundType",
            "gateway_response_code": "gatewayResponseCode",
            "gateway_response_message": "gatewayResponseMessage",
        },
        external_keys=("external_key",),
        title="id",
        listed=("id", "payment_item", "refund_type", "amount", "status", "void_flag", "updated"),
    )

    class Meta:
        verbose_name = "refund"
        verbose_name_plural = "refunds"
        constraints = [
            live_unique("receivables_refund", "external_key"),
            models.CheckConstraint(
                condition=Q(amount__gte=0) | Q(voided_refund__isnull=False),
                name="receivables_refund_amount_range",
                violation_error_message="Amount is 0 or more; only a refund that voids another "
                "one (VoidedRefundId) takes money back",
            ),
            models.CheckConstraint(
                condition=~Q(void_refund_item=F("id")) & ~Q(voided_refund=F("id")),
                name="receivables_refund_not_its_own_void",
                violation_error_message="VoidRefundItemId and VoidedRefundId are other refunds "
                "than this one",
            ),
        ]
