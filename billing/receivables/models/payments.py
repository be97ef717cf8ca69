"""Payments: money that came in, and the invoices that it pays."""

from django.db import models
from django.db.models import F, Q

from billing.receivables.models.cards import CARD_CODE, card_number
from metabrm.entity import EntityModel, EntityOptions, ExternallyKeyed, live_unique
from metabrm.fields import FlagField, MoneyField
from metabrm.shorthand import text


class Payment(ExternallyKeyed, EntityModel):
    """Money received for a billing profile, entered by hand or taken by a payment gateway."""

    billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The billing profile that paid.",
    )
    payment_type = models.ForeignKey(
        "receivables.PaymentType",
        models.PROTECT,
        to_field="description",
        db_column="payment_type",
        related_name="+",
        help_text="The way of paying, by its description in PAYMENT_TYPE.",
    )
    amount = MoneyField(null=True, blank=True, help_text="How much was paid.")
    payment_date = models.DateField(null=True, blank=True, help_text="Day it counts from.")
    pending_amount = MoneyField(
        null=True, blank=True, help_text="What the gateway has not settled yet."
    )
    payment_note = models.TextField(null=True, blank=True, help_text="Anything worth knowing.")
    check_number = text(50, "Number of the cheque it was paid with.")
    external_reference_id = text(
        255, "What another system knows the payment by.", verbose_name="external reference"
    )
    invoice_id_display = text(
        1000, "The invoices it is for, as people read them.", verbose_name="invoices"
    )
    accounting_period_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the accounting period it is booked in."
    )

    # How it is allocated
    autoallocate = FlagField(
        verbose_name="allocate automatically",
        help_text="It goes to closed invoices that are still owed, the oldest first.",
    )
    payment_allocation_strategy = text(255, "By which strategy it is allocated.")
    payment_credit_allocation_method = text(255, "How credits and it are allocated together.")
    pa_strategy_ids = text(
        1000,
        "Ids of the allocation strategies, joined by commas.",
        verbose_name="allocation strategy ids",
    )
    tax_allocation = text(255, "How much of it goes to taxes, or how that is decided.")
    allocated_to_ext_account = text(
        255, "What of it was spread to other accounts.", verbose_name="allocated to other accounts"
    )
    single_payment_group = text(255, "What joins the payments that were made as one.")
    source_payment = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The payment that this one is part of.",
    )
    lockbox_record_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the lockbox record it was made from."
    )

    # What it was paid with
    wallet = models.ForeignKey(
        "receivables.Wallet",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The stored payment method it was paid with.",
    )
    credit_card_type = text(50, "Brand of the card.")
    credit_card_number = card_number()
    credit_card_name = text(255, "Name on the card.", verbose_name="name on credit card")
    credit_card_exp_date = text(
        10, "Month and year in which the card expires.", verbose_name="credit card expiry"
    )
    credit_card_token = text(255, "The payment gateway's token of the card.")
    ach_bank_acct_num = text(
        50,
        "Number of the bank account. Only its last four characters are kept: ****6789.",
        verbose_name="bank account number",
    )
    ach_token = text(
        255, "The payment gateway's token of the bank account.", verbose_name="bank account token"
    )
    address1 = text(255, "First line of the payer's address.", verbose_name="address line 1")
    city = text(100, "City of the payer.")
    state = text(100, "State, province or county of the payer.")
    zip = text(30, "Postal code of the payer.", verbose_name="postal code")
    country = text(100, "Country of the payer.")

    # What the payment gateway made of it
    automatic_payment = FlagField(help_text="It was taken automatically when an invoice was due.")
    credit_card_transaction_status = text(
        100,
        "What became of it; only what succeeded changes the balance.",
        verbose_name="payment status",
    )
    credit_card_transaction_status_code = text(
        50, "Code of what became of it.", verbose_name="payment status code"
    )
    credit_card_transaction_message = text(
        4000, "What the gateway said of it.", verbose_name="payment message"
    )
    gateway_transaction_id = text(255, "The gateway's own id of it.")
    gateway_transaction_status = text(100, "State at the gateway, for information.")
    gateway_transaction_status_date = models.DateTimeField(
        null=True, blank=True, help_text="When the state at the gateway last changed."
    )
    ecom_transaction = models.ForeignKey(
        "receivables.EcomTransaction",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="gateway request",
        help_text="The request to the gateway that took it.",
    )
    ecom_transaction_response_id = models.BigIntegerField(
        null=True,
        blank=True,
        verbose_name="gateway response id",
        help_text="Id of the gateway's answer.",
    )
    payment_gateway_profile_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the settings of the gateway it was taken by."
    )
    hosted_payment_page_external_id = text(
        255,
        "How the payment page names the billing profile.",
        verbose_name="hosted payment page id",
    )
    payout_id = text(255, "The gateway's id of the payout it is part of.")
    bp_payout_id = models.BigIntegerField(
        null=True,
        blank=True,
        verbose_name="payout record id",
        help_text="Id of the record of that payout.",
    )
    approve_invoice = models.ForeignKey(
        "invoicing.Invoice",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="approved invoice",
        help_text="The invoice whose approval took it.",
    )
    late_approved_by = models.ForeignKey(
        "identity.User",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who approved it though it came late.",
    )
    operator_id = text(255, "Who entered it, as the cash desk knows him.")

    # Voiding
    voided = FlagField(
        verbose_name="void it", help_text="Send 1 to void it; reads the same as VoidFlag."
    )
    void_flag = FlagField(help_text="It is void: nothing is paid.")
    void_without_gateway = FlagField(
        help_text="It is reversed here only; off = the gateway is told to void it."
    )
    voided_payment = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The payment that this one voids.",
    )

    brm = EntityOptions(
        name="PAYMENT",
        names={"payment_type": "PaymentType", "late_approved_by": "LateApprovedBy"},
        external_keys=("external_key",),
        title="id",
        described_by=("id", "billing_profile"),
        listed=(
            "id",
            "billing_profile",
            "payment_type",
            "amount",
            "payment_date",
            "credit_card_transaction_status",
            "void_flag",
            "updated",
        ),
        unaudited=("credit_card_token", "ach_token"),
        refused=CARD_CODE,
    )

    class Meta:
        verbose_name = "payment"
        verbose_name_plural = "payments"
        constraints = [
            live_unique("receivables_payment", "external_key"),
            models.CheckConstraint(
                condition=Q(amount__gte=0) | Q(voided_payment__isnull=False),
                name="receivables_payment_amount_range",
                violation_error_message="Amount is 0 or more; only a payment that voids another "
                "one (VoidedPaymentId) takes money back",
            ),
            models.CheckConstraint(
                condition=~Q(voided_payment=F("id")) & ~Q(source_payment=F("id")),
                name="receivables_payment_not_its_own_source",
                violation_error_message="VoidedPaymentId and SourcePaymentId are other payments "
                "than this one",
            ),
            models.CheckConstraint(
                condition=Q(voided=F("void_flag")),
                name="receivables_payment_void_by_both_names",
                violation_error_message="Voided and VoidFlag say the same",
            ),
            models.CheckConstraint(
                condition=Q(credit_card_number__regex=r"^[0-9]{4}$"),
                name="receivables_payment_card_last_four_only",
                violation_error_message="CreditCardNumber is the last four digits of the card",
            ),
            models.CheckConstraint(
                condition=Q(ach_bank_acct_num__regex=r"^\*{4}[^*]{1,4}$"),
                name="receivables_payment_bank_last_four_only",
                violation_error_message="AchBankAcctNum keeps the last four characters: ****6789",
            ),
        ]
        indexes = [
            models.Index(fields=["payment_date"], name="receivables_payment_date"),
            models.Index(fields=["external_reference_id"], name="receivables_payment_reference"),
        ]


class PaymentAllocation(EntityModel):
    """The part of a payment that pays an invoice."""

    payment_item = models.ForeignKey(
        Payment,
        models.CASCADE,
        related_name="+",
        verbose_name="payment",
        help_text="The payment that is allocated.",
    )
    invoice = models.ForeignKey(
        "invoicing.Invoice",
        models.PROTECT,
        related_name="+",
        help_text="The invoice that it pays.",
    )
    amount = MoneyField(null=True, blank=True, help_text="How much of the payment.")

    brm = EntityOptions(name="PAYMENT_ALLOCATION", title="id")

    class Meta:
        verbose_name = "payment allocation"
        verbose_name_plural = "payment allocations"


class LockboxInvoiceAllocation(EntityModel):
    """The part of a payment received through a bank's lockbox that is meant for an invoice."""

    lockbox_record_id = models.BigIntegerField(
        help_text="Id of the lockbox record that names the invoice."
    )
    amount = MoneyField(help_text="How much of the payment.")
    billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The billing profile that paid.",
    )
    invoice = models.ForeignKey(
        "invoicing.Invoice",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The invoice that it is meant for.",
    )
    payment = models.ForeignKey(
        Payment,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The payment that was made from it.",
    )

    brm = EntityOptions(name="LOCKBOX_INVOICE_ALLOCATION", title="id")

    class Meta:
        verbose_name = "lockbox allocation"
        verbose_name_plural = "lockbox allocations"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0),
                name="receivables_lockboxinvoiceallocation_amount_range",
                violation_error_message="Amount is 0 or more",
            )
        ]
        indexes = [
            models.Index(fields=["lockbox_record_id"], name="receivables_lockbox_record"),
        ]
