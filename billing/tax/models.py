"""Taxes: what each charge and credit bears, which service computes it, and what that was asked."""

from django.db import models
from django.db.models import Q

from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import FlagField, PercentField, QuantityField
from metabrm.shorthand import choice, text


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


class TaxDetail(EntityModel):
    """One tax on a charge or on a credit: whose it is, where it holds, and its rate."""

    name = models.CharField(max_length=255, help_text="Name of the tax, as printed.")
    activity = models.ForeignKey(
        "mediation.Activity",
        models.CASCADE,
        # A table of months has no key of its Id alone.
        db_constraint=False,
        related_name="+",
        verbose_name="invoice detail",
        help_text="The charge that is taxed.",
    )
    invoice = models.ForeignKey(
        "invoicing.Invoice",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The invoice that the charge stands on.",
    )
    credit = models.ForeignKey(
        "receivables.Credit",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The credit that is taxed, where it is not the charge.",
    )
    tax_rate_percent = PercentField(help_text="Rate in per cent: 8.25.")
    tax_rate_multiplier = QuantityField(
        null=True, blank=True, help_text="Rate as a factor: 0.0825."
    )
    tax_rate_code = text(100, "Code of the rate.")
    tax_type = text(100, "Kind of tax.")
    tax_type_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the kind of tax at the tax engine."
    )
    tax_included = FlagField(help_text="The price includes the tax.")
    tax_on_tax = FlagField(help_text="It is levied on other taxes too.")

    # Where it holds, and who levies it
    county_name = models.CharField(max_length=255, help_text="County in which it is due.")
    location_name = models.CharField(max_length=255, help_text="Place in which it is due.")
    state_code = text(50, "State in which it is due.")
    taxable_country = text(100, "Country in which it is due.")
    tax_jurisdiction_level = text(100, "Level of the authority: country, state, county, city.")
    applicable_tax_jurisdiction_level = text(
        100, "Level on which the rate was found, where it is another one."
    )
    authority_name = text(255, "Who levies it.")
    authority_type = text(100, "Kind of authority.")
    source_system_tax_code = text(100, "What the tax engine calls it.")
    tax_determination_notes = models.TextField(
        null=True, blank=True, help_text="Why the tax engine found it due."
    )

    brm = EntityOptions(name="TAX_DETAIL")

    class Meta:
        verbose_name = "tax detail"
        verbose_name_plural = "tax details"
        constraints = [
            models.CheckConstraint(
                condition=Q(tax_rate_percent__gte=0),
                name="tax_taxdetail_rate_percent_range",
                violation_error_message="TaxRatePercent is 0 or more",
            ),
            models.CheckConstraint(
                condition=Q(tax_rate_multiplier__gte=0),
                name="tax_taxdetail_rate_multiplier_range",
                violation_error_message="TaxRateMultiplier is 0 or more",
            ),
        ]
