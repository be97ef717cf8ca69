"""Subscriptions as older programs keep them: charges that recur, and how often they were made."""

from django.db import models
from django.db.models import F, Q

from metabrm import shorthand as optional
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import QuantityField


class Subscription(ExternallyKeyed, EntityModel):
    """A charge of an account that recurs; account products are the newer way to say it."""

    account = optional.lookup("customers.Account", "The account that is charged.", models.PROTECT)
    quantity = QuantityField(default=1, help_text="How many units are charged each time.")
    start_date = optional.day("First day of the subscription.")
    end_date = optional.day("Last day of the subscription; empty = no end.")
    run_count = models.PositiveIntegerField(default=0, help_text="How often charges were made.")
    last_run_time = optional.moment("When charges were made last.")

    brm = EntityOptions(
        name="SUBSCRIPTION",
        external_keys=("external_key",),
        title="account",
        described_by=("id", "account"),
    )

    class Meta:
        verbose_name = "subscription"
        verbose_name_plural = "subscriptions"
        constraints = [
            live_unique("customers_subscription", "external_key"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")),
                name="customers_subscription_ends_after_start",
                violation_error_message="EndDate is not before StartDate",
            ),
        ]
