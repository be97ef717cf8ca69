"""Stored payment methods: cards and bank accounts, as far as they may be kept.

A card is known by the payment gateway's token of it and its last four digits, a bank account by the
gateway's reference and its last four characters. What could be charged is with the gateway only.
"""

from django.db import models
from django.db.models import Q

from billing.receivables.models.cards import CARD_CODE, card_number
from metabrm.entity import EntityModel, EntityOptions, live_unique
from metabrm.fields import ACTIVE_OR_NOT, FlagField, ListField
from metabrm.shorthand import text


class Wallet(EntityModel):
    """A card or bank account that a billing profile pays with."""

    billing_profile = models.ForeignKey(
        "customers.BillingProfile",
        models.CASCADE,
        related_name="+",
        help_text="The billing profile that pays with it.",
    )
    hosted_payment_page_external_id = text(
        255,
        "How payment pages name it; unique.",
        verbose_name="hosted payment page id",
    )
    status = ListField(
        values=ACTIVE_OR_NOT, default="ACTIVE", help_text="Whether it may be charged."
    )
    default_flag = FlagField(help_text="It is charged where nothing else is said.")

    # The card
    credit_card_type = text(50, "Brand of the card.")
    credit_card_number = card_number()
    credit_card_exp_date = text(
        10, "Month and year in which the card expires.", verbose_name="credit card expiry"
    )
    credit_card_name = text(255, "Name on the card.", verbose_name="name on credit card")
    credit_card_token = text(255, "The payment gateway's token of the card.")
    payment_gateway_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the payment gateway that knows it."
    )
    payment_gateway_profile_id = models.BigIntegerField(
        null=True, blank=True, help_text="Id of the settings of that gateway."
    )

    # The bank account
    ach_bank_name = text(255, "Name of the bank.", verbose_name="bank name")
    ach_bank_acct_name = text(255, "Holder of the account.", verbose_name="bank account holder")
    ach_bank_acct_num = text(
        50,
        "Number of the account. Only its last four characters are kept: ****6789.",
        verbose_name="bank account number",
    )
    ach_bank_acct_type = text(
        50, "Kind of account, such as Business Checking.", verbose_name="bank account type"
    )
    ach_bank_aba_code = text(50, "Routing number of the bank.", verbose_name="bank routing number")
    ach_branch_code = text(50, "Code of the bank's branch.", verbose_name="branch code")
    ach_echeck_type = text(50, "Kind of electronic cheque.", verbose_name="e-check type")
    ach_scheme = text(50, "Direct debit scheme.", verbose_name="direct debit scheme")
    ach_unique_ref = text(
        255,
        "The payment gateway's reference of the account.",
        verbose_name="bank account reference",
    )
    ach_mandate_reference = text(255, "Reference of the mandate.", verbose_name="mandate reference")
    ach_mandate_date = models.DateField(
        null=True,
        blank=True,
        verbose_name="mandate date",
        help_text="Day the mandate was given.",
    )
    ach_mandate_status = text(50, "Whether the mandate is in force.", verbose_name="mandate status")
    ach_mandate_status_modify_date = models.DateTimeField(
        null=True,
        blank=True,
        verbose_name="mandate status changed",
        help_text="When the mandate's status last changed.",
    )
    ach_mandate_country = text(100, "Country of the mandate.", verbose_name="mandate country")
    ach_mandate_state = text(100, "State of the mandate.", verbose_name="mandate state")

    # Its holder
    attention = text(255, "For whose attention.")
    address1 = text(255, "First line of the address.", verbose_name="address line 1")
    address2 = text(255, "Second line of the address.", verbose_name="address line 2")
    city = text(100, "City.")
    state = text(100, "State, province or county.")
    zip = text(30, "Postal code.", verbose_name="postal code")
    country = text(100, "Country.")
    email = text(1000, "Where receipts are mailed to; several addresses are joined by commas.")
    national_identity_number = text(100, "The holder's tax or identity number.")

    brm = EntityOptions(
        name="WALLET",
        names={"payment_gateway_profile_id": "PaymentGatewayProfileid"},
        external_keys=("hosted_payment_page_external_id",),
        title="credit_card_name",
        example={
            "CreditCardType": "VISA",
            "CreditCardNumber": "1111",
            "CreditCardExpDate": "12/2030",
            "CreditCardName": "Ada Byron",
        },
        listed=(
            "credit_card_name",
            "billing_profile",
            "status",
            "default_flag",
            "credit_card_type",
            "credit_card_number",
            "credit_card_exp_date",
            "ach_bank_acct_num",
        ),
        unaudited=("credit_card_token",),
        refused=CARD_CODE,
    )

    class Meta:
        verbose_name = "wallet"
        verbose_name_plural = "wallets"
        constraints = [
            live_unique("receivables_wallet", "hosted_payment_page_external_id"),
            models.CheckConstraint(
                condition=Q(credit_card_number__regex=r"^[0-9]{4}$"),
                name="receivables_wallet_card_last_four_only",
                violation_error_message="CreditCardNumber is the last four digits of the card",
            ),
            models.CheckConstraint(
                condition=Q(ach_bank_acct_num__regex=r"^\*{4}[^*]{1,4}$"),
                name="receivables_wallet_bank_last_four_only",
                violation_error_message="AchBankAcctNum keeps the last four characters: ****6789",
            ),
        ]


class InvoiceWallet(EntityModel):
    """The stored payment method that an invoice is to be charged to."""

    invoice = models.ForeignKey(
        "invoicing.Invoice",
        models.CASCADE,
        related_name="+",
        help_text="The invoice that is charged.",
    )
    wallet = models.ForeignKey(
        Wallet, models.CASCADE, related_name="+", help_text="What it is charged to."
    )
    recycle_bin_id = text(
        255, "What another system's recycle bin knows the record by.", verbose_name="recycle bin id"
    )

    brm = EntityOptions(name="INVOICE_WALLET", title="id")

    class Meta:
        verbose_name = "invoice wallet"
        verbose_name_plural = "invoice wallets"
        constraints = [live_unique("receivables_invoicewallet", "invoice", "wallet")]
