"""Credits: what a customer need not pay, and the invoices that it is taken off."""

from django.db import models
from django.db.models import F, Q

from billing.receivables.models.cards import CARD_CODE, card_number
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, MoneyField
from metabrm.shorthand import choice, text


class Credit(ExternallyKeyed, EntityModel):
    """A credit note for a billing profile: how much, why, and whether it is approved."""

    billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.PROTECT,
        related_name="+",
        help_text="The billing profile that is credited.",
    )
    credit_type = models.ForeignKey(
        "receivables.CreditType",
        models.PROTECT,
        to_field="description",
        db_column="credit_type",
        related_name="+",
        help_text="The reason, by its description in CREDIT_TYPE.",
    )
    amount = MoneyField(null=True, blank=True, help_text="How much is credited.")
    credit_date = models.DateField(
        null=True,
        blank=True,
        help_text="Day it counts from; it decides the accounting period.",
    )
    credit_note = models.TextField(help_text="What the customer is told of the reason.")
    unassigned_credit_note = models.TextField(
        null=True, blank=True, help_text="What is said of the part that no invoice takes."
    )
    account_product = models.ForeignKey(
        "customers.AccountProduct",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account product whose charges are credited.",
    )
    invoice_detail = models.ForeignKey(
        "mediation.Activity",
        models.SET_NULL,
        # A table of months has no key of its Id alone.
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        help_text="The charge that is credited.",
    )
    invoice_id_display = text(
        1000, "The invoices it is for, as people read them.", verbose_name="invoices"
    )
    accounting_period_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the accounting period it is booked in."
    )
    autoallocate = FlagField(
        verbose_name="allocate automatically",
        help_text="It goes to the invoice of the credited lines, then to others by due date.",
    )

    # Approval
    approval_status = choice(("PENDING", "APPROVED", "REJECTED"), "Whether it is approved.")
    auto_approved = FlagField(
        verbose_name="approved automatically",
        help_text="It was approved because its amount needs nobody's approval.",
    )
    approve_rejected_user = models.ForeignKey(
        "identity.User",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="approved or rejected by",
        help_text="Who approved or rejected it.",
    )
    approved_rejected_date = models.DateTimeField(
        null=True, blank=True, help_text="When it was approved or rejected."
    )
    approval_notes = models.TextField(null=True, blank=True, help_text="What the approver noted.")
    approval_rejected_note = models.TextField(
        null=True, blank=True, help_text="Why it was rejected."
    )

    # What is credited along with it
    auto_credit_tax = FlagField(help_text="The tax on the credited charges is credited too.")
    auto_credit_discount = FlagField(
        help_text="Discounts on the credited charges are taken back with them."
    )
    auto_credit_associated_product = FlagField(
        help_text="Charges that depend on the credited ones are credited too."
    )
    tax_engine_request = models.ForeignKey(
        "tax.TaxEngineAudit",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="tax audit log",
        help_text="What the tax engine was asked about it.",
    )
    source_refund = models.ForeignKey(
        "receivables.Refund",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The refund that it was made from.",
    )
    credit_card_number = card_number()
    credit_card_name = text(255, "Name on the card.", verbose_name="name on credit card")
    credit_card_exp_date = text(
        10, "Month and year in which the card expires.", verbose_name="credit card expiry"
    )
    ecredit_status = text(
        100, "What became of the electronic credit note.", verbose_name="e-credit status"
    )

    # Voiding
    void_flag = FlagField(help_text="It is void: nothing is credited.")
    void_credit = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="voided by credit",
        help_text="The credit that voids this one.",
    )
    voided_credit = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The credit that this one voids.",
    )

    brm = EntityOptions(
        name="CREDIT",
        names={
            "credit_type": "CreditType",
            "invoice_detail": "InvoiceDetail",
            "approve_rejected_user": "ApproveRejectedUser",
        },
        external_keys=("external_key",),
        title="id",
        listed=(
            "id",
            "billing_profile",
            "credit_type",
            "amount",
            "credit_date",
            "approval_status",
            "void_flag",
            "updated",
        ),
        refused=CARD_CODE,
    )

    class Meta:
        verbose_name = "credit"
        verbose_name_plural = "credits"
        constraints = [
            live_unique("receivables_credit", "external_key"),
            models.CheckConstraint(
                condition=Q(amount__gte=0) | Q(voided_credit__isnull=False),
                name="receivables_credit_amount_range",
                violation_error_message="Amount is 0 or more; only a credit that voids another "
                "one (VoidedCreditId) takes money back",
            ),
            models.CheckConstraint(
                condition=~Q(void_credit=F("id")) & ~Q(voided_credit=F("id")),
                name="receivables_credit_not_its_own_void",
                violation_error_message="VoidCreditId and VoidedCreditId are other credits than "
                "this one",
            ),
            models.CheckConstraint(
                condition=Q(credit_card_number__regex=r"^[0-9]{4}$"),
                name="receivables_credit_card_last_four_only",
                violation_error_message="CreditCardNumber is the last four digits of the card",
            ),
        ]


class CreditAllocation(EntityModel):
    """The part of a credit that is taken off an invoice."""

    credit = models.ForeignKey(
        Credit, models.CASCADE, related_name="+", help_text="The credit that is allocated."
    )
    invoice = models.ForeignKey(
        "invoicing.Invoice",
        models.PROTECT,
        related_name="+",
        help_text="The invoice that it is taken off.",
    )
    amount = MoneyField(null=True, blank=True, help_text="How much of the credit.")

    brm = EntityOptions(name="CREDIT_ALLOCATION", title="id")

    class Meta:
        verbose_name = "credit allocation"
        verbose_name_plural = "credit allocations"
