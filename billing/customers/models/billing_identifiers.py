"""Billing identifiers: the tokens by which usage finds the account product that pays for it."""

from django.db import models
from django.db.models import F, Q

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, ListField


class BillingIdentifier(ExternallyKeyed, EntityModel):
    """A token found in usage, such as a phone number, and whom it belongs to at which time.

    On any day a token belongs to one account product only; over time it may move to another.
    """

    billing_identifier = models.CharField(
        max_length=255, help_text="The token: a phone number, a serial number, a user name."
    )
    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        related_name="+",
        help_text="The account whose usage it marks.",
    )
    account_product = models.ForeignKey(
        "customers.AccountProduct",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account product whose usage it marks; empty = any of the account.",
    )
    start_date = models.DateField(
        null=True, blank=True, help_text="First day it belongs to the account; empty = always has."
    )
    end_date = models.DateField(
        null=True, blank=True, help_text="Last day it belongs to the account; empty = no end."
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether usage is routed by the token."
    )
    description = models.CharField(
        max_length=255, null=True, blank=True, help_text="What carries the token."
    )

    brm = EntityOptions(
        name="BILLING_IDENTIFIER", external_keys=("external_key",), title="billing_identifier"
    )

    class Meta:
        verbose_name = "billing identifier"
        verbose_name_plural = "billing identifiers"
        constraints = [
            live_unique("customers_billingidentifier", "external_key"),
            models.UniqueConstraint(
                fields=["billing_identifier", "start_date"],
                condition=Q(deleted_at__isnull=True),
                nulls_distinct=False,
                name="customers_billingidentifier_token_start_key",
            ),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="customers_billingidentifier_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
