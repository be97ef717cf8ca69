"""Invoices: what a billing profile is charged for a billing cycle, and what became of it.

An invoice is CURRENT while charges are added to it, CLOSED when it is final, and APPROVED when it
may go to the customer. What is paid of it stands apart, in PaymentStatus.
"""

from django.db import models
from django.db.models import F, Q

from metabrm.entity import Computed, EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, ListField, MoneyField

APPROVAL_STATES = ("PENDING", "APPROVED", "REJECTED")


class Invoice(ExternallyKeyed, EntityModel):
    """What a billing profile is charged for a billing cycle, when it is due and what is paid."""

    billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.PROTECT,
        related_name="+",
        help_text="The billing profile that is invoiced.",
    )
    account = models.ForeignKey(
        "customers.Account",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account that is invoiced: the billing profile's.",
    )
    status = ListField(
        values=("CURRENT", "CLOSED", "APPROVED"),
        default="CURRENT",
        help_text="CURRENT takes charges, CLOSED is final, APPROVED may be sent.",
    )

    # The cycle, and the days around it
    billing_cycle_start_date = models.DateField(
        null=True, blank=True, help_text="First day of the billing cycle."
    )
    billing_cycle_end_date = models.DateField(
        null=True, blank=True, help_text="Last day of the billing cycle."
    )
    due_date = models.DateField(
        null=True, blank=True, help_text="Day by which the invoice is to be paid."
    )
    activity_start_date = models.DateField(
        null=True, blank=True, help_text="Day of the earliest charge."
    )
    activity_end_date = models.DateField(
        null=True, blank=True, help_text="Day of the latest charge."
    )
    closed_date = models.DateTimeField(null=True, blank=True, help_text="When it was closed.")
    accounting_period_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the accounting period it is booked in."
    )
    event_invoice_cycle = models.ForeignKey(
        "invoicing.EventInvoiceCycle",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The rule that opened it, where that was not the billing cycle.",
    )
    billable_flag = FlagField(default=True, help_text="Whether the customer is to pay it.")
    migrated_invoice = FlagField(help_text="It was brought over from another system.")

    # What it comes to, and what of that is settled
    grand_total_amount = MoneyField(
        default=0, db_default=0, help_text="What it comes to, with taxes and fees."
    )
    credit_amount = MoneyField(default=0, db_default=0, help_text="What credits settle of it.")
    payment_amount = MoneyField(default=0, db_default=0, help_text="What payments settle of it.")
    payment_status = ListField(
        values=("UNPAID", "PARTIALLY PAID", "PAID"),
        default="UNPAID",
        help_text="Whether credits and payments cover it.",
    )
    disputed = FlagField(help_text="The customer disputes it.")
    aging_interval = models.CharField(
        max_length=50, null=True, blank=True, help_text="How long it is overdue, such as 31-60."
    )
    auto_pay_trigger_date = models.DateField(
        null=True,
        blank=True,
        help_text="Day on which the stored payment method is charged; empty = when it is due.",
    )
    account_strategy_id = models.BigIntegerField(
        null=True,
        blank=True,
        verbose_name="collections strategy id",
        help_text="Id of the account's collections strategy that chases it.",
    )
    last_gateway_key = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        help_text="Key under which a payment gateway was last asked to pay it.",
    )

    # Approval and delivery
    approval_status = ListField(
        values=APPROVAL_STATES, null=True, blank=True, help_text="Whether it is approved."
    )
    approval_date = models.DateTimeField(null=True, blank=True, help_text="When it was approved.")
    approval_user = models.ForeignKey(
        "identity.User",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="approved by",
        help_text="Who approved it.",
    )
    manual_close_approved_flag = FlagField(
        help_text="A profile whose invoices close by hand lets this one close."
    )
    suppress_bulk_close_flag = FlagField(help_text="Closing many invoices at once leaves it out.")
    send_invoice_email = FlagField(
        verbose_name="send invoice e-mail", help_text="It is mailed when it is approved."
    )
    last_email_delivery_date = models.DateTimeField(
        null=True,
        blank=True,
        verbose_name="last e-mail delivery",
        help_text="When it was last mailed.",
    )
    file_name = models.CharField(
        max_length=255, null=True, blank=True, help_text="File name of the document."
    )
    pdf_created_date = models.DateTimeField(
        null=True,
        blank=True,
        verbose_name="document created",
        help_text="When the document was made.",
    )
    einvoice_status = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        verbose_name="e-invoice status",
        help_text="What became of the electronic invoice.",
    )
    reburn_flag = FlagField(
        verbose_name="make documents again", help_text="The documents are to be made again."
    )
    invoice_reburn_action = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        verbose_name="action on new documents",
        help_text="What is done with documents that are made again.",
    )

    # Estimates of a current invoice
    estimate_date = models.DateField(
        null=True, blank=True, help_text="Day of the last estimate of what it will come to."
    )
    estimated_status = models.CharField(
        max_length=100, null=True, blank=True, help_text="What became of the last estimate."
    )
    next_estimate_date = models.DateField(
        null=True, blank=True, help_text="Day of the next estimate."
    )

    # Voiding and reopening
    void_flag = FlagField(help_text="It is void: nothing is owed on it.")
    reopened_by_invoice = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The invoice that voided this one when it was reopened.",
    )
    created_by_invoice = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The invoice that this one was made from.",
    )
    voided_by_credit = models.ForeignKey(
        "receivables.Credit",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The credit that voids it.",
    )
    move_invoice_description = models.CharField(
        max_length=1000,
        null=True,
        blank=True,
        help_text="Why it was moved to another billing profile.",
    )

    # What is being done with it
    current_action = models.IntegerField(
        null=True, blank=True, help_text="Number of the action that runs on it."
    )
    last_action = models.IntegerField(
        null=True, blank=True, help_text="Number of the action that ran last."
    )
    pending_actions = models.CharField(
        max_length=1000, null=True, blank=True, help_text="Actions that are to run on it."
    )
    available_actions = models.CharField(
        max_length=1000,
        null=True,
        blank=True,
        help_text="Actions that its state allows: re-rate, close, merge.",
    )
    mass_update_error = models.TextField(
        null=True, blank=True, help_text="Why the last mass update left it out."
    )

    brm = EntityOptions(
        name="INVOICE",
        external_keys=("external_key",),
        title="id",
        listed=(
            "id",
            "account",
            "billing_profile",
            "status",
            "billing_cycle_start_date",
            "billing_cycle_end_date",
            "due_date",
            "grand_total_amount",
            "payment_status",
        ),
        read_only=("account",),
        computed=(
            Computed(
                "StartDate",
                "DATE",
                "{t}.billing_cycle_start_date",
                help="First day of the billing cycle, to read: BillingCycleStartDate.",
            ),
            Computed(
                "EndDate",
                "DATE",
                "{t}.billing_cycle_end_date",
                help="Last day of the billing cycle, to read: BillingCycleEndDate.",
            ),
        ),
    )

    class Meta:
        verbose_name = "invoice"
        verbose_name_plural = "invoices"
        constraints = [
            live_unique("invoicing_invoice", "external_key"),
            models.CheckConstraint(
                condition=Q(billing_cycle_end_date__gte=F("billing_cycle_start_date")),
                name="invoicing_invoice_cycle_ends_after_start",
                violation_error_message="BillingCycleEndDate is not before BillingCycleStartDate",
            ),
            models.CheckConstraint(
                condition=Q(activity_end_date__gte=F("activity_start_date")),
                name="invoicing_invoice_activity_ends_after_start",
                violation_error_message="ActivityEndDate is not before ActivityStartDate",
            ),
            models.CheckConstraint(
                condition=~Q(reopened_by_invoice=F("id")),
                name="invoicing_invoice_not_reopened_by_itself",
                violation_error_message="ReopenedByInvoiceId is another invoice than this one",
            ),
            models.CheckConstraint(
                condition=~Q(created_by_invoice=F("id")),
                name="invoicing_invoice_not_created_by_itself",
                violation_error_message="CreatedByInvoiceId is another invoice than this one",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_date"], name="invoicing_invoice_status_due"),
        ]
