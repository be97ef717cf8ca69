"""Accounts: the customers, as a tree.

An account is billed at its own level, through its billing profile, or by another account. Prices,
discounts and collections look up the tree by ParentAccountId.
"""

from django.db import models
from django.db.models import F, Q

from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField

ROOT_ACCOUNT_ID = 1
DEFAULT_ACCOUNT_TYPE_ID = 1


class AccountType(EntityModel):
    """A kind of account, such as a customer, an organization or a reseller."""

    account_type = models.CharField(max_length=100, help_text="Name of the type; unique.")
    description = models.CharField(
        max_length=255, null=True, blank=True, help_text="What accounts of this type are."
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether accounts may be of this type."
    )

    brm = EntityOptions(name="ACCOUNT_TYPE", external_keys=("account_type",), title="account_type")

    class Meta:
        verbose_name = "account type"
        verbose_name_plural = "account types"
        constraints = [live_unique("customers_accounttype", "account_type")]


class Account(ExternallyKeyed, EntityModel):
    """A customer, and a node of the account hierarchy; account 1 is its root."""

    name = models.CharField(max_length=255, help_text="Name of the customer or of the node.")
    account_type = models.ForeignKey(
        AccountType,
        models.PROTECT,
        default=DEFAULT_ACCOUNT_TYPE_ID,
        related_name="+",
        help_text="What kind of account it is.",
    )
    status = ListField(
        values=("ACTIVE", "SUSPENDED", "DEACTIVATED", "CLOSED"),
        default="ACTIVE",
        help_text="Whether the account does business.",
    )
    description = models.TextField(null=True, blank=True, help_text="Anything worth knowing.")
    parent_account = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account above it in the hierarchy.",
    )
    rate_hierarchy = FlagField(help_text="Prices agreed for accounts above it count here too.")
    invoice_at_this_level = FlagField(
        help_text="Invoices are made for this account, through a billing profile of its own."
    )
    billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account's own billing profile.",
    )
    billable_account = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account that pays for this one; empty = itself or the next one above "
        "that is invoiced.",
    )
    billable_billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The billing profile on whose invoices the account's charges appear.",
    )
    allow_pricing_in_different_currency = FlagField(
        help_text="Packages may be taken that are not sold in the billing profile's currency. "
        "Prices in other currencies count nowhere: there are no exchange rates to convert them "
        "with."
    )
    country = models.ForeignKey(
        "localization.Country",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="Where the account is at home.",
    )
    activity_time_zone = models.ForeignKey(
        "localization.TimeZone",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="In whose days the account's usage is dated; empty = the billing profile's.",
    )
    date_display_format = models.CharField(
        max_length=50, null=True, blank=True, help_text="How dates are written for the account."
    )
    collector_user = models.ForeignKey(
        "identity.User",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="collector",
        help_text="The user who collects the account's overdue invoices.",
    )

    brm = EntityOptions(
        name="ACCOUNT",
        names={"activity_time_zone": "ActivityTimeZone"},
        external_keys=("external_key",),
    )

    class Meta:
        verbose_name = "account"
        verbose_name_plural = "accounts"
        constraints = [
            live_unique("customers_account", "external_key"),
            models.CheckConstraint(
                condition=~Q(parent_account=F("id")),
                name="customers_account_not_its_own_parent",
                violation_error_message="ParentAccountId is an account other than itself",
            ),
        ]
        indexes = [models.Index(fields=["name"], name="customers_account_name")]
