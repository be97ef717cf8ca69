"""Kinds of credits, payments and refunds: lists that administrators extend.

A credit, payment or refund holds the description of its kind, as a charge holds the code of its
currency; so a description, once chosen, stays.
"""

from django.db import models

from metabrm.entity import EntityModel, EntityOptions
from metabrm.fields import ACTIVE_OR_NOT, ListField


class Kind(EntityModel):
    """Abstract base: a description that is unique, a status, a place in the list."""

    description = models.CharField(
        max_length=100, unique=True, help_text="What it is called; unique, and never changed."
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether it may still be chosen."
    )
    order_id = models.IntegerField(
        default=0,
        verbose_name="order",
        help_text="Its place in the list; the lowest comes first.",
    )

    class Meta:
        abstract = True


class CreditType(Kind):
    """A reason for crediting a customer."""

    brm = EntityOptions(
        name="CREDIT_TYPE",
        external_keys=("description",),
        title="description",
        immutable=("description",),
    )

    class Meta:
        verbose_name = "credit type"
        verbose_name_plural = "credit types"


class PaymentType(Kind):
    """A way of paying."""

    brm = EntityOptions(
        name="PAYMENT_TYPE",
        external_keys=("description",),
        title="description",
        immutable=("description",),
    )

    class Meta:
        verbose_name = "payment type"
        verbose_name_plural = "payment types"


class RefundType(Kind):
    """A way of paying back."""

    brm = EntityOptions(
        name="REFUND_TYPE",
        external_keys=("description",),
        title="description",
        immutable=("description",),
    )

    class Meta:
        verbose_name = "refund type"
        verbose_name_plural = "refund types"
