"""When invoices open and close, apart from the billing cycle of the profile."""

from django.db import models
from django.db.models import Q

from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import FlagField, ListField

CYCLE_CONFIG_ID = 1


class EventInvoiceCycle(EntityModel):
    """A rule that closes invoices on usage or at intervals, in place of the billing cycle."""

    name = models.CharField(max_length=255, help_text="Name of the rule; unique.")
    active_flag = FlagField(default=True, help_text="Whether the rule closes invoices.")
    cycle_type = ListField(
        values=("Usage Event", "Time Interval"),
        default="Usage Event",
        help_text="Whether usage closes the invoice, or a day.",
    )
    close_event_filter_logic = models.CharField(
        max_length=1000,
        null=True,
        blank=True,
        help_text="How the conditions for closing are joined, by their numbers: 1 AND (2 OR 3).",
    )
    cycle_close_day = models.CharField(
        max_length=1000,
        null=True,
        blank=True,
        help_text="Day on which the interval closes: a day of the month, or a formula for it.",
    )
    manual_close_flag = FlagField(help_text="Its invoices close only by hand.")
    invoice_approval_flag = FlagField(
        help_text="Its invoices wait for approval; off = approved and mailed at once."
    )

    brm = EntityOptions(name="EVENT_INVOICE_CYCLE", external_keys=("name",))

    class Meta:
        verbose_name = "event invoice cycle"
        verbose_name_plural = "event invoice cycles"
        constraints = [live_unique("invoicing_eventinvoicecycle", "name")]


class InvoiceCycleConfig(EntityModel):
    """The switches about invoices that hold for the whole installation: one record."""

    create_future_invoices = FlagField(
        help_text="Charges dated in later cycles open invoices for them."
    )
    create_invoice_missing_cycle = FlagField(
        verbose_name="create invoices for missing cycles",
        help_text="A cycle without charges has an invoice too.",
    )
    enabling_historical_invoices = FlagField(
        verbose_name="enable historical invoices",
        help_text="Charges dated in earlier cycles open invoices for them.",
    )
    not_create_invoices_closed_fiscal_period = FlagField(
        verbose_name="no invoices in closed fiscal periods",
        help_text="No invoice opens in a fiscal period that is closed.",
    )
    enable_bulk_approve_invoice_wo_email = FlagField(
        verbose_name="enable bulk approval without e-mail",
        help_text="Many invoices may be approved at once without mailing them.",
    )
    line_item_credit = FlagField(
        verbose_name="credit by line",
        help_text="A service that ends early is credited with one line per subscription charge.",
    )
    excl_non_line_item_credit = FlagField(
        verbose_name="exclude charges without credit by line",
        help_text="Charges that are not credited by line are left out of such credits.",
    )
    subscription_tax_credits = FlagField(
        help_text="The tax on a service that ends early is credited for the days that are left."
    )

    brm = EntityOptions(
        name="INVOICE_CYCLE_CONFIG",
        names={"enable_bulk_approve_invoice_wo_email": "EnableBulkApproveInvoiceWOEmail"},
        title="id",
    )

    class Meta:
        verbose_name = "invoice cycle setting"
        verbose_name_plural = "invoice cycle settings"
        constraints = [
            models.CheckConstraint(
                condition=Q(id=CYCLE_CONFIG_ID),
                name="invoicing_invoicecycleconfig_one_record",
                violation_error_message=f"these settings are one record; update that with Id "
                f"{CYCLE_CONFIG_ID}",
            )
        ]
