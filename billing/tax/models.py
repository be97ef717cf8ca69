"""Taxes: what each charge and credit bears, which service computes it, and what that was asked."""

from django.db import models
from django.db.models import Q

from billing.columns import choice, text
from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import FlagField


class TaxEngine(EntityModel):
    """A service that computes taxes: how it is reached, and how charges are grouped for it."""

    tax_engine_external_id = text(
        255,
        "The integrator's own key for this service; unique. Upserts and lookups use it.",
        verbose_name="external id",
    )
    company_code = text(100, "Code under which the service knows the seller.")
    oauth_authentication_key_id = models.BigIntegerField(
        verbose_name="authentication key id",
        help_text="Id of the key that signs in to the service.",
    )
    request_time_out = models.IntegerField(
        null=True,
        blank=True,
        verbose_name="request time-out",
        help_text="Seconds to wait for an answer.",
    )
    retention_days = models.IntegerField(
        null=True, blank=True, help_text="Days that requests and answers are kept."
    )
    roll_up = FlagField(help_text="Charges are grouped, and taxed as one line each group.")
    group_key = text(1000, "Expression that charges are grouped by.")
    billing_component = models.ForeignKey(
        "catalog.Product",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="tax product",
        help_text="The tax product of grouped charges; empty = their tax is split between them.",
    )
    exclusion_criterion = text(
        1000, "Formula over a charge; those for which it comes to 1 are left out of the request."
    )
    include_activity_adr = FlagField(
        verbose_name="include activity address", help_text="Sends the address of each charge."
    )
    include_ship = FlagField(
        verbose_name="include ship-from address",
        help_text="Sends the address that goods are sent from.",
    )

    brm = EntityOptions(
        name="TAX_ENGINE",
        external_keys=("tax_engine_external_id",),
        title="tax_engine_external_id",
    )

    class Meta:
        verbose_name = "tax engine"
        verbose_name_plural = "tax engines"
        constraints = [
            live_unique("tax_taxengine", "tax_engine_external_id"),
            models.CheckConstraint(
                condition=Q(request_time_out__gte=1),
                name="tax_taxengine_request_time_out_range",
                violation_error_message="RequestTimeOut is a number of seconds, 1 or more",
            ),
            models.CheckConstraint(
                condition=Q(retention_days__gte=0),
                name="tax_taxengine_retention_days_range",
                violation_error_message="RetentionDays is 0 or more",
            ),
        ]


class TaxEngineAudit(EntityModel):
    """A request to a tax engine, and its answer."""

    tax_engine = models.ForeignKey(
        TaxEngine,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The service that was asked.",
    )
    request_date = models.DateTimeField(null=True, blank=True, help_text="When it was asked.")
    response_date = models.DateTimeField(null=True, blank=True, help_text="When it answered.")
    status = choice(("SUCCESS", "FAILED"), "Whether it gave the taxes.")
    status_code = text(50, "Code of its answer.")
    status_message = text(4000, "What it said of a failure.")
    request_type = text(100, "What it was asked for: an estimate, a commitment, a refund.")
    request_text = models.TextField(null=True, blank=True, help_text="The request as sent.")
    response_text = models.TextField(null=True, blank=True, help_text="The answer as received.")
    invoice = models.ForeignKey(
        "invoicing.Invoice",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The invoice whose charges were sent.",
    )

    brm = EntityOptions(name="TAX_ENGINE_AUDIT", title="id")

    class Meta:
        verbose_name = "tax engine request"
        verbose_name_plural = "tax engine requests"
        constraints = [
            models.CheckConstraint(
                condition=Q(response_date__gte=models.F("request_date")),
                name="tax_taxengineaudit_answered_after_request",
                violation_error_message="ResponseDate is not before RequestDate",
            )
        ]
